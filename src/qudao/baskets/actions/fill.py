"""Filling a basket and ordering what is in it. Any number of lines costs the same few statements; every click is counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from qudao.agreements.queries import agreement as agreement_of
from qudao.base.access import Actor
from qudao.base.action import action
from qudao.base.db import rows, run
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.baskets import queries, rules
from qudao.baskets.models import Basket, Line
from qudao.baskets.rules import Entry
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.network.queries import addresses
from qudao.orders.actions import place_order
from qudao.orders.queries import Order, order_of
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import CHOSEN, Kind

# Opening and locking are one statement: two first clicks at once make one basket, and the second waits.
OPEN = """INSERT INTO baskets_basket AS b (agreement_id, buyer_id, user_id, version, changed_at, po_number, note)
    VALUES (%s, %s, %s, 1, %s, '', '')
    ON CONFLICT (user_id, agreement_id) DO UPDATE SET version = b.version + 1, changed_at = excluded.changed_at RETURNING b.id"""
GIVEN = "unnest(%s::bigint[], %s::numeric[], %s::text[], %s::text[], %s::text[], %s::int[])"
#: {qty}: what becomes of the quantity of a product that is there already
FILL = f"""INSERT INTO baskets_line AS l (basket_id, product_id, qty, pack, code, typed, file_row)
    SELECT %s, d.* FROM {GIVEN} d
    ON CONFLICT (basket_id, product_id) WHERE product_id IS NOT NULL
    DO UPDATE SET qty = {{qty}}, pack = excluded.pack, code = '', typed = excluded.typed, file_row = excluded.file_row"""
LESS = f"""UPDATE baskets_line l SET qty = greatest(l.qty + d.qty, 0), typed = '' FROM {GIVEN} d(product_id, qty, pack, code, typed, file_row)
    WHERE l.basket_id = %s AND l.product_id = d.product_id"""
HEAD = ("requested_on", "po_number", "note", "address", "kind")
SWEEP = "DELETE FROM baskets_line WHERE basket_id = %s AND qty = 0 AND typed = '' AND code = ''"


@dataclass(frozen=True)
class BasketFacts:
    """What is said of the whole order: wanted day of delivery, the buyer's own number, a note for the seller, where it goes (None: the default), its type."""

    requested_on: date | None = None
    po_number: str = ""
    note: str = ""
    address_id: int | None = None
    #: of the submit only, not kept: whether the order may wait when nothing but credit is missing
    may_wait: bool = False
    #: of the submit only: what becomes of the order when goods are short, "" = as the agreement says
    short: str = ""
    #: of the submit only: whether to ask first when the same was ordered just now
    guarded: bool = False
    #: what the order is for (`orders.states.Kind`)
    kind: str = Kind.REGULAR


@action("baskets.use")
def add_lines(agreement_id: int, entries: Sequence[Entry], *, actor: Actor) -> Basket:
    """Add quantities to the actor's basket under an agreement; a negative one takes away, at most what is there.

    Quantities of one product add up, however often and from how many devices; a client id makes a retry harmless. Locks the basket.
    Raises Invalid at the line, NotFound for a hidden agreement or product.
    """
    return _write(agreement_id, entries, actor, adding=True)


@action("baskets.use")
def put_lines(agreement_id: int, entries: Sequence[Entry], *, actor: Actor) -> Basket:
    """Set the quantities of products in the actor's basket; zero takes the product out. Locks the basket. Raises as `add_lines`."""
    return _write(agreement_id, entries, actor, adding=False)


def _write(agreement_id: int, entries: Sequence[Entry], actor: Actor, *, adding: bool) -> Basket:
    raise_if_any(rules.entry_faults(entries), Invalid)
    wanted = rules.merged(entries)
    ids = [one.product_id for one in wanted if one.product_id is not None]
    if ids and len(queries.visible_products(actor, ids)) != len(ids):
        raise NotFound("base.not_found")
    basket_id = _open(agreement_id, actor)
    less = [one for one in wanted if one.qty <= 0 and not one.typed and one.product_id is not None]
    more = [one for one in wanted if one.qty > 0 or one.typed or one.product_id is None]
    if more:
        run(FILL.format(qty="l.qty + excluded.qty" if adding else "excluded.qty"), [basket_id, *_columns(more)])
    if less:
        run(LESS if adding else LESS.replace("l.qty + d.qty", "d.qty"), [*_columns(less), basket_id])
        run(SWEEP, [basket_id])
    if more:
        _check_number(basket_id)
    return Basket.unscoped.get(pk=basket_id)


def _columns(entries: Sequence[Entry]) -> list[list[Any]]:
    return [
        *([one.product_id for one in entries], [one.qty for one in entries], [one.pack[:40] for one in entries]),
        *([one.code[:64] for one in entries], [one.typed[:64] for one in entries], [one.file_row for one in entries]),
    ]


def _check_number(basket_id: int) -> None:
    number = queries.unscoped_number_of_lines(basket_id)
    if number > rules.MOST_LINES:
        raise Invalid("baskets.too_many_lines", field="lines", limit=rules.MOST_LINES, number=number)


def _open(agreement_id: int, actor: Actor) -> int:
    """The id of the actor's basket under an agreement, opened when there is none, and locked."""
    if actor.user_id is None:
        raise Forbidden("baskets.no_person")
    if agreement_of(actor, agreement_id).buyer_id != actor.org_id:
        raise Forbidden("baskets.not_buyer", field="agreement")
    note_rank(Rank.NETWORK)
    ((basket_id,),) = rows(OPEN, (agreement_id, actor.org_id, actor.user_id, clock.now()))
    return basket_id


def _lock(basket_id: int, actor: Actor) -> Basket:
    """An own basket, locked; NotFound for every other."""
    queries.basket(actor, basket_id)
    return lock_one(Basket, basket_id, rank=Rank.NETWORK)


def _touch(basket: Basket, *names: str) -> Basket:
    basket.version += 1
    basket.changed_at = clock.now()
    basket.save(update_fields=["version", "changed_at", *names])
    return basket


@action("baskets.use")
def set_line(line_id: int, entry: Entry, *, actor: Actor) -> Basket:
    """Write a line anew as it was typed: another product, another quantity. It joins the line that has the product already. Locks the basket.

    Zero takes the line out. Raises Invalid at `lines.1`, NotFound for a hidden line or product.
    """
    raise_if_any(rules.entry_faults([entry]), Invalid)
    line = queries.line(actor, line_id)
    basket = _lock(line.basket_id, actor)
    if entry.product_id is not None and not queries.visible_products(actor, [entry.product_id]):
        raise NotFound("base.not_found")
    # taken out on another device a moment ago: what is typed here last counts
    line = Line.unscoped.filter(pk=line_id).first() or Line(basket=basket)
    same = None if entry.product_id is None else Line.unscoped.filter(basket=basket, product_id=entry.product_id).exclude(pk=line.pk).first()
    if entry.qty <= 0 and not entry.typed and (entry.product_id is not None or not entry.code):
        if line.pk:
            line.delete()
        return _touch(basket)
    qty = max(entry.qty, ZERO)
    if same:
        if line.pk:
            line.delete()
        line, qty = same, same.qty + qty
    line.product_id, line.qty, line.pack, line.code, line.typed = entry.product_id, qty, entry.pack[:40], entry.code[:64], entry.typed[:64]
    line.save()
    return _touch(basket)


@action("baskets.use")
def remove_line(line_id: int, *, actor: Actor) -> Basket:
    """Take a line out of its basket. Locks the basket; NotFound for a hidden line."""
    basket = _lock(queries.line(actor, line_id).basket_id, actor)
    Line.unscoped.filter(pk=line_id).delete()
    return _touch(basket)


@action("baskets.use")
def describe_basket(agreement_id: int, facts: BasketFacts, *, actor: Actor) -> Basket:
    """Keep what is said of the whole order with the basket, so that it survives as the lines do. Locks the basket.

    Raises Invalid for an address that is not one of the buyer's in use, or a type that is none.
    """
    if facts.kind not in dict(CHOSEN):
        raise Invalid("orders.kind_unknown", field="kind")
    basket = Basket.unscoped.get(pk=_open(agreement_id, actor))
    if facts.address_id and not addresses(actor, basket.buyer_id).filter(pk=facts.address_id).exists():
        raise Invalid("orders.address_unknown", field="address")
    basket.address_id, basket.kind = facts.address_id, facts.kind
    basket.requested_on, basket.po_number, basket.note = facts.requested_on, facts.po_number.strip()[:40], facts.note.strip()[:500]
    basket.save(update_fields=HEAD)
    return basket


@action("baskets.use")
def clear_basket(basket_id: int, *, actor: Actor) -> Basket:
    """Take everything out of a basket. Locks it; NotFound for a hidden one."""
    return _empty(_lock(basket_id, actor))


def _empty(basket: Basket) -> Basket:
    Line.unscoped.filter(basket=basket).delete()
    basket.requested_on, basket.po_number, basket.note, basket.address, basket.kind = None, "", "", None, Kind.REGULAR
    return _touch(basket, *HEAD)


@action("baskets.use")
def reorder(order_id: int, *, actor: Actor) -> Basket:
    """Put what an own order asked for into the basket, at today's terms. Locks the basket; NotFound for every order that one did not buy."""
    order = order_of(actor, order_id)
    if order.buyer_id != actor.org_id:
        raise NotFound("base.not_found")
    entries = [Entry(product_id, Decimal(str(qty))) for product_id, qty in queries.unscoped_order_lines(order.pk)]
    seen = queries.visible_products(actor, [one.product_id for one in entries if one.product_id])
    return _write(order.agreement_id, [one for one in entries if one.product_id in seen], actor, adding=True)


@action("baskets.use")
def submit_basket(basket_id: int, *, version: int | None = None, facts: BasketFacts | None = None, actor: Actor, client_id: UUID | str | None = None) -> Order:
    """Order what is in the basket and empty it, both or neither; the same client id returns the first order and leaves the basket alone.

    `version`: what the person saw; a basket that another device changed since is refused. `facts` take the place of those kept with it.
    Locks the basket, then as `orders.place_order`, which says everything that is wrong at `lines.<n>` in the order of the lines.
    """
    basket = _lock(basket_id, actor)
    known = queries.unscoped_order_under(basket.buyer_id, client_id)
    if known:
        return known
    lines = list(Line.unscoped.filter(basket=basket).order_by("id").values_list("product_id", "qty", "code"))
    if not lines:
        raise Refused("baskets.empty")
    if version is not None and version != basket.version:
        raise Refused("baskets.changed")
    asked = [NewLine(product_id, qty, code) for product_id, qty, code in lines]
    agreement = agreement_of(actor, basket.agreement_id)
    said = facts or BasketFacts(basket.requested_on, basket.po_number, basket.note, basket.address_id, kind=basket.kind)
    told = (said.requested_on, said.po_number.strip()[:40], said.note.strip()[:500], said.address_id, said.may_wait, said.short, said.guarded, said.kind)
    placing = Placing(agreement.seller_id, basket.buyer_id, asked, *told, currency=agreement.currency)
    order = place_order(placing, actor=actor, client_id=client_id)
    _empty(basket)
    return order
