"""How goods that are short come in: out of another own warehouse, or by an order from who sells them here. Only what the person may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from qudao.base.access import Actor
from qudao.base.db import rows
from qudao.inventory.queries import FREE
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.portal.queries.attention import Lack, short_products
from qudao.portal.queries.desk import Trade
from qudao.portal.queries.shop import buying, orderable

#: so many short products stand together in one form, and so many sellers are asked for them
TOGETHER, SELLERS = 50, 5

# By product what buyers wait for under final orders, what is ordered of others and not here yet, and what each own warehouse has that may be promised
# and nobody waits for. "offset 0": a look-up for each place and product, for a warehouse may have a hundred thousand rows.
FACTS = f"""WITH coming AS (
        SELECT l.product_id, sum(l.qty - l.given_up - l.received) AS qty FROM orders_order o JOIN orders_line l ON l.order_id = o.id
        WHERE o.buyer_id = %(org)s AND o.status IN ('submitted', 'in_review', 'confirmed', 'in_fulfilment') AND l.product_id = ANY(%(products)s)
        GROUP BY l.product_id
    ), there AS (
        SELECT s.product_id, s.place_id, {FREE} AS free FROM inventory_place p
        CROSS JOIN unnest(%(products)s::bigint[]) x(id)
        JOIN LATERAL (SELECT * FROM inventory_stock t WHERE t.place_id = p.id AND t.product_id = x.id OFFSET 0) s ON NOT s.awaited
        WHERE p.owner_id = %(org)s AND p.kind = 'stock' AND NOT p.closed
    )
    SELECT p.id, (SELECT coalesce(sum(l.backordered), 0) FROM orders_line l JOIN orders_order o ON o.id = l.order_id
          WHERE o.seller_id = %(org)s AND o.allocation <> 'lapsed' AND l.backordered > 0 AND l.product_id = p.id), coalesce(c.qty, 0), t.place_id, t.free
    FROM unnest(%(products)s::bigint[]) p(id) LEFT JOIN coming c ON c.product_id = p.id LEFT JOIN there t ON t.product_id = p.id AND t.free > 0"""

#: from place, to place, agreement; and by product the form with its line
Key = tuple[int, int, int]
Found = dict[int, tuple[Key, tuple[str, Decimal]]]


@dataclass(frozen=True)
class Need:
    """A product that is short in an own warehouse: how much is missing, and which places serve who asks for it."""

    product_id: int
    code: str
    missing: Decimal
    place_id: int
    places: frozenset[int]


@dataclass(frozen=True)
class Way:
    """One form that brings goods: a move from place to place, or an order under an agreement; with (code, quantity) of all it brings."""

    lines: tuple[tuple[str, Decimal], ...]
    from_place: int = 0
    to_place: int = 0
    agreement_id: int = 0


def ways(actor: Actor, needs: Sequence[Need]) -> dict[int, Way]:
    """By product, the form that brings it, with all others that come the same way; what can come in no way is missing.

    A move where another own warehouse has all that is missing, else an order of what is not ordered yet, else a move of the little there is. Few
    statements, whatever the number; none without a right to either.
    """
    sellers = buying(actor)[:SELLERS] if needs and actor.can("orders.place") else []
    if not needs or not (sellers or actor.can("inventory.move")):
        return {}
    facts = rows(FACTS, {"org": actor.org_id, "products": [one.product_id for one in needs], "today": clock.today()})
    moved = _moves(needs, facts) if actor.can("inventory.move") else {}
    scarce = [one for one in needs if one.product_id not in moved or moved[one.product_id][1][1] < one.missing]
    bought = _orders(actor, sellers, scarce, {pk: (waited, coming) for pk, waited, coming, *_place in facts})
    groups: dict[Key, dict[int, tuple[str, Decimal]]] = {}
    for product, (key, line) in (moved | bought).items():
        groups.setdefault(key, {})[product] = line
    made = {}
    for (from_place, to_place, agreement), lines in groups.items():
        for product, line in lines.items():
            others = [other for pk, other in lines.items() if pk != product]
            made[product] = Way((line, *others), from_place, to_place, agreement)
    return made


def needs_of(lacks: Sequence[Lack]) -> list[Need]:
    """What orders in review ask for and the stock does not have, as needs."""
    return [Need(one.product_id, one.code, one.missing, one.place_id, one.places) for one in lacks]


def needs_at(actor: Actor, here: Mapping[int, tuple[int, str]]) -> list[Need]:
    """Needs of products of which nothing is free in an own place (product → place, code), also where nobody asks for them. One statement."""
    asked = {one.product_id: one for one in short_products(actor, len(here), here)} if here else {}
    return [
        Need(pk, code, asked[pk].missing, asked[pk].place_id, asked[pk].places) if pk in asked else Need(pk, code, ZERO, place, frozenset({place}))
        for pk, (place, code) in here.items()
    ]


def _moves(needs: Sequence[Need], facts: Sequence[Sequence[Any]]) -> Found:
    """Out of which own warehouse each product comes, the one with the most first: all that is missing, or what there is of it."""
    wanted = {one.product_id: one for one in needs if one.missing}
    there: dict[int, tuple[Decimal, int]] = {}
    for product, _waited, _coming, place, free in facts:
        if place and product in wanted and place not in wanted[product].places:
            there[product] = max(there.get(product, (ZERO, 0)), (free, place))
    return {pk: ((place, wanted[pk].place_id, 0), (wanted[pk].code, min(free, wanted[pk].missing))) for pk, (free, place) in there.items()}


def _orders(actor: Actor, sellers: Sequence[Trade], needs: Sequence[Need], under_way: Mapping[int, tuple[Decimal, Decimal]]) -> Found:
    """Under which agreement each product can be ordered: what is missing and waited for, less what is ordered; of what nobody asks for, the least that
    one can order. Few statements for each agreement.
    """
    found: Found = {}
    left = {one.product_id: one for one in needs}
    for trade in sellers if left else ():
        for product in orderable(actor, trade).filter(pk__in=list(left)):
            one = left.pop(product.pk)
            waited, coming = under_way[product.pk]
            wanted = one.missing + waited
            if wanted > coming or not (wanted or coming):
                least, step = max(wanted - coming, product.min_qty, Decimal(1)), product.pack_multiple
                qty = (least / step).to_integral_value(ROUND_CEILING) * step
                found[product.pk] = ((0, 0, trade.agreement_id), (one.code, qty))
    return found
