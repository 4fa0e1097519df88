"""Reads of stock. `unscoped_*` are for actions of upper modules; everything else takes the actor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from qudao.agreements.models import Agreement, Group
from qudao.base.access import Actor, Scope, visible
from qudao.base.db import rows
from qudao.catalog.models import Product
from qudao.inventory.models import Lot, LotMove, Move, Place, Reservation, ServingRule, Stock, SupplyPlace, Tracked
from qudao.inventory.queries.free import EXPIRED, FREE, unscoped_free, unscoped_free_of, unscoped_held, unscoped_used_up
from qudao.inventory.rules import ZERO, Demand, Key, LotQty, Whom, band, fefo, good_until, promise, reserved_until
from qudao.inventory.states import LEAD_DAYS, MOST_PLACES, RECEIPT_DAYS, ReservationState, Short, Shows
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, NotFound, Refused
from qudao.kernel.period import working_day
from qudao.network.models import Organisation

__all__ = ["EXPIRED", "FREE", "unscoped_free", "unscoped_free_of", "unscoped_held", "unscoped_used_up"]  # said in `free`

#: of the seller's rules the nearest for the agreement "a": its buyer's own, that of a group, of the nearest region, of the longest area, everybody's
SERVES = """SELECT r.place_ids, r.splits FROM inventory_servingrule r WHERE r.owner_id = a.seller_id AND CASE
            WHEN r.buyer_id IS NOT NULL THEN r.buyer_id = a.buyer_id
            WHEN r.group_id IS NOT NULL THEN EXISTS (SELECT FROM agreements_groupmember g WHERE g.buyer_id = a.buyer_id AND g.group_id = r.group_id
                AND g.valid_from <= %(on)s AND (g.valid_to IS NULL OR g.valid_to >= %(on)s))
            ELSE EXISTS (SELECT FROM network_organisation b WHERE b.id = a.buyer_id AND starts_with(b.area_code, r.area_code)
                AND (r.region_id IS NULL OR strpos(b.path, '/' || r.region_id || '/') > 0)) END
        ORDER BY r.buyer_id IS NULL, r.group_id IS NULL, (SELECT length(o.path) FROM network_organisation o WHERE o.id = r.region_id) DESC NULLS LAST,
            length(r.area_code) DESC, r.id LIMIT 1"""
SUPPLY = f"""SELECT a.id, coalesce(v.place_ids[1], s.place_id, m.id), coalesce(s.shows, 'banded'), coalesce(s.lead_days, {LEAD_DAYS}),
        coalesce(s.short, 'refuse'), coalesce(s.surcharge, 0), v.place_ids[2:], v.splits, s.reserve_days,
        (SELECT json_object_agg(p.id, p.lead_days)::text FROM catalog_product p
         WHERE p.owner_id = a.seller_id AND p.lead_days > 0 AND (%(products)s::bigint[] IS NULL OR p.id = ANY(%(products)s)))
    FROM agreements_agreement a
    LEFT JOIN inventory_supplyplace s ON s.agreement_id = a.id
    LEFT JOIN LATERAL ({SERVES}) v ON true
    LEFT JOIN inventory_place m ON m.owner_id = a.seller_id AND m.code = 'MAIN'
    WHERE a.id = ANY(%(ids)s)"""


@dataclass(frozen=True)
class Available:
    """What a buyer is told about one product: a band (None when nothing is told), and the quantity only where the seller shows it.

    `promise`: when what was asked for can leave, as (day, quantity) with None for "not known yet"; quantities only where the seller shows them.
    `expected`: the day on which goods come in that make up for what is not there.
    """

    band: str | None
    qty: Decimal | None
    promise: tuple[tuple[date | None, Decimal | None], ...] = ()
    expected: date | None = None
    lacks: Decimal = ZERO


@dataclass(frozen=True)
class Supply:
    """Out of which place an agreement is supplied, what the buyer is told of its stock, working days until goods leave, what is done when they are short.

    `more`: the places that serve after the first, in their order; `splits`: an order may come out of several. `reserve_days`: for how many days goods
    are kept for an order that nobody has begun to pick; None: until then.
    """

    agreement_id: int
    place_id: int
    shows: str
    lead_days: int
    short: str = Short.REFUSE
    surcharge: Decimal = ZERO
    more: tuple[int, ...] = ()
    splits: bool = True
    reserve_days: int | None = None
    #: the lead days of products that have some of their own
    leads: Mapping[int, int] = field(default_factory=dict, hash=False)

    def leaves_on(self, wanted_on: date | None = None, product_id: int | None = None) -> date:
        """The day on which what is in stock leaves when it is ordered today: after the lead days, the product's where these are more, and not before it
        is wanted.
        """
        soonest = working_day(clock.today(), max(self.lead_days, self.leads.get(product_id or 0, 0)))
        return max(soonest, wanted_on) if wanted_on else soonest

    def last_on(self, wanted_on: date | None, product_ids: Iterable[int]) -> date:
        """The day on which the slowest of some products leaves."""
        return max([self.leaves_on(wanted_on), *(self.leaves_on(wanted_on, pk) for pk in product_ids if pk in self.leads)])

    def days(self, wanted_on: date | None = None) -> tuple[list[int], list[date], date]:
        """The products that leave on a day of their own, these days, and the day of all others, as `DAY` of the orders takes them."""
        own = sorted(self.leads)
        return own, [self.leaves_on(wanted_on, pk) for pk in own], self.leaves_on(wanted_on)

    def reserved_until(self, wanted_on: date | None = None, product_ids: Iterable[int] = ()) -> date | None:
        """The last day on which goods reserved today are kept for an order that nobody begins to pick; None: until somebody does."""
        return reserved_until(clock.today(), self.last_on(wanted_on, product_ids), self.reserve_days) if self.reserve_days else None


def unscoped_supply(agreement_id: int, product_ids: Iterable[int] | None = None) -> Supply:
    """How an agreement is supplied; out of the seller's MAIN when nothing is set; with the lead days of these products, or of all that have some. One
    statement. Raises NotFound for no agreement, Refused inventory.no_warehouse when its seller has none.
    """
    found = rows(SUPPLY, {"ids": [agreement_id], "on": clock.today(), "products": None if product_ids is None else list(product_ids)})
    if not found:
        raise NotFound("inventory.no_agreement")
    if found[0][1] is None:
        raise Refused("inventory.no_warehouse")
    return _supply(found[0])


def unscoped_supplies(agreement_ids: Iterable[int], product_ids: Iterable[int] | None = None) -> dict[int, Supply]:
    """`unscoped_supply` of many agreements; one without a place is missing. One statement."""
    asked = None if product_ids is None else list(product_ids)
    found = rows(SUPPLY, {"ids": list(agreement_ids), "on": clock.today(), "products": asked})
    return {row[0]: _supply(row) for row in found if row[1] is not None}


def _supply(row: Sequence[Any]) -> Supply:
    leads = {int(pk): days for pk, days in json.loads(row[9]).items()} if row[9] else {}
    return Supply(*row[:6], more=tuple(row[6] or ()), splits=row[7] is not False, reserve_days=row[8], leads=leads)


@dataclass(frozen=True)
class Receiving:
    """How goods under an agreement are received: after how many days by themselves (0: never), and whether damage needs a photo."""

    days: int
    photos: bool


def unscoped_receiving(agreement_id: int) -> Receiving:
    """What a seller asks of the receipts under an agreement. One statement."""
    sql = f"SELECT coalesce(max(receipt_days), {RECEIPT_DAYS}), coalesce(bool_and(photos), true) FROM inventory_supplyplace WHERE agreement_id = %s"
    return Receiving(*rows(sql, (agreement_id,))[0])


def unscoped_places(org_ids: Iterable[int]) -> dict[tuple[int, str], int]:
    """(organisation id, kind) → its standard place of that kind. One statement."""
    found = rows(
        """SELECT DISTINCT ON (owner_id, kind) owner_id, kind, id FROM inventory_place WHERE owner_id = ANY(%s)
           ORDER BY owner_id, kind, code NOT IN ('MAIN', 'TRANSIT', 'CLAIMS', 'OUTSIDE'), id""",
        (list(org_ids),),
    )
    return {(owner, kind): place for owner, kind, place in found}


def unscoped_lots(keys: Iterable[Key]) -> dict[Key, list[LotQty]]:
    """The lots that lie in places, by (place, product). One statement."""
    wanted = list(keys)
    found: dict[Key, list[LotQty]] = {}
    sql = """SELECT place_id, product_id, lot, expires_on, qty, held <> '' FROM inventory_lot
        JOIN unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id) USING (place_id, product_id) WHERE qty > 0"""
    for place, product, *lot in rows(sql, ([p for p, _ in wanted], [q for _, q in wanted])):
        found.setdefault((place, product), []).append(LotQty(*lot))
    return found


def unscoped_good_until(pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], date]:
    """(agreement, product) → until when a lot must keep that is shipped under it today; products that are not tracked are missing.

    One statement, none without pairs.
    """
    wanted = list(pairs)
    if not wanted:
        return {}
    sql = """SELECT d.agreement_id, d.product_id, coalesce(s.keeps_days, 0), coalesce(s.keeps_percent, 0), t.shelf_days
        FROM unnest(%s::bigint[], %s::bigint[]) d(agreement_id, product_id) JOIN inventory_tracked t ON t.product_id = d.product_id
        LEFT JOIN inventory_supplyplace s ON s.agreement_id = d.agreement_id"""
    found = rows(sql, ([a for a, _ in wanted], [p for _, p in wanted]))
    return {(agreement, product): good_until(clock.today(), *terms) for agreement, product, *terms in found}


def unscoped_proposals(asked: Sequence[tuple[int, Demand]]) -> dict[int, list[LotQty]]:
    """What to pick for (agreement, demand), by the demand's line: of each lot that keeps long enough, what expires first. Only products tracked by
    lot; no two lines are told the same goods. Two statements.
    """
    good = unscoped_good_until({(agreement, d.product_id) for agreement, d in asked})
    if not good:
        return {}
    there = unscoped_lots({(d.place_id, d.product_id) for agreement, d in asked if (agreement, d.product_id) in good})
    found: dict[int, list[LotQty]] = {}
    for agreement, d in asked:
        if (agreement, d.product_id) in good:
            lots = there.get((d.place_id, d.product_id), [])
            found[d.ref_id], _lacks = fefo(lots, d.qty, good[agreement, d.product_id])
            taken = {one.lot: one.qty for one in found[d.ref_id]}
            there[d.place_id, d.product_id] = [replace(one, qty=one.qty - taken.get(one.lot, ZERO)) for one in lots]
    return found


def unscoped_by_lot() -> Exists:
    """For rows that name a product: whether it is tracked by lot. Within their statement."""
    return Exists(Tracked.unscoped.filter(product_id=OuterRef("product_id")))


def unscoped_lots_shipped(shipment_ids: Iterable[int]) -> dict[tuple[int, int], list[LotQty]]:
    """Which lots left with shipments, by shipment and line of the order. One statement."""
    found: dict[tuple[int, int], list[LotQty]] = {}
    sql = """SELECT m.subject_id, m.ref_id, m.lot, m.expires_on, sum(m.qty) FROM inventory_lotmove m
        JOIN inventory_place p ON p.id = m.to_place_id AND p.kind = 'transit'
        WHERE m.subject_kind = 'fulfilment.shipment' AND m.subject_id = ANY(%s) GROUP BY 1, 2, 3, 4 ORDER BY 4, 3"""
    for shipment, ref, *lot in rows(sql, (list(shipment_ids),)):
        found.setdefault((shipment, ref), []).append(LotQty(*lot))
    return found


def unscoped_known_products(product_ids: Iterable[int]) -> dict[int, bool]:
    """Those of the ids that are products, and whether each is tracked by lot. One statement."""
    sql = "SELECT p.id, t.id IS NOT NULL FROM catalog_product p LEFT JOIN inventory_tracked t ON t.product_id = p.id WHERE p.id = ANY(%s)"
    return dict(rows(sql, (list(product_ids),)))


def unscoped_reserved_for(kind: str, subject_id: int) -> dict[int, Decimal]:
    """What is still reserved for a document, by its line. One statement."""
    return dict(
        rows(
            """SELECT ref_id, sum(qty - taken - released) FROM inventory_reservation
               WHERE subject_kind = %s AND subject_id = %s AND state = 'open' GROUP BY ref_id""",
            (kind, subject_id),
        )
    )


def on_hand(actor: Actor, *, place_id: int | None = None, product_id: int | None = None) -> QuerySet[Stock]:
    """The stock rows the actor may see, with place, owner and product, and `free`, of which no more is promised."""
    found = visible(actor, Stock).select_related("place__owner", "product").annotate(free=unscoped_free_of())
    if place_id is not None:
        found = found.filter(place_id=place_id)
    if product_id is not None:
        found = found.filter(product_id=product_id)
    return found.order_by("place_id", "product_id")


def lots(actor: Actor) -> QuerySet[Lot]:
    """The lots the actor may see, with place, owner and product."""
    return visible(actor, Lot).filter(qty__gt=0).select_related("place__owner", "product").order_by("expires_on", "lot", "id")


def lot_moves(actor: Actor, lot: Lot) -> QuerySet[LotMove]:
    """The moves of a lot that the actor was shown, by its number, through all places in sight; without a number those of its place. Newest first."""
    found = visible(actor, LotMove).filter(product_id=lot.product_id, lot=lot.lot)
    if not lot.lot:
        found = found.filter(Q(from_place_id=lot.place_id) | Q(to_place_id=lot.place_id))
    return found.select_related("from_place__owner", "to_place__owner").order_by("-id")


def tracked(actor: Actor, product_id: int) -> Tracked | None:
    """How a product of the own organisation is tracked by lot, if it is."""
    return visible(actor, Tracked).filter(product_id=product_id).first()


def all_tracked(actor: Actor) -> QuerySet[Tracked]:
    """The products tracked by lot whose owner the actor sees, by code."""
    return visible(actor, Tracked).select_related("product").order_by("product__code")


def moves(actor: Actor) -> QuerySet[Move]:
    """The moves the actor may see, newest first, with both ends and the product. The places are read first: two indexes then find the moves."""
    found = visible(actor, Move)
    if actor.scope != Scope.ALL:
        mine = list(visible(actor, Place).values_list("pk", flat=True))
        found = found.filter(Q(from_place__in=mine) | Q(to_place__in=mine))
    return found.select_related("from_place__owner", "to_place__owner", "product").order_by("-id")


def moves_of(actor: Actor, product_id: int, place_id: int) -> QuerySet[Move]:
    """The moves of one product into and out of one place, newest first; none when the actor does not see the place."""
    found = visible(actor, Move).filter(Q(from_place_id=place_id) | Q(to_place_id=place_id), product_id=product_id)
    found = found.select_related("from_place__owner", "to_place__owner", "product").order_by("-id")
    return found if visible(actor, Place).filter(pk=place_id).exists() else found.none()


def open_reservations(actor: Actor, place_id: int, product_id: int) -> QuerySet[Reservation]:
    """For what stock is promised, oldest first."""
    found = visible(actor, Reservation).filter(place_id=place_id, product_id=product_id, state=ReservationState.OPEN)
    return found.order_by("at", "id")


def serving_rules(actor: Actor) -> QuerySet[ServingRule]:
    """Who is served out of which warehouses, as the actor may see it: buyers first, then groups, regions, areas, everybody."""
    found = visible(actor, ServingRule).select_related("owner", "buyer", "group", "region")
    return found.order_by(F("buyer__code").asc(nulls_last=True), F("group__code").asc(nulls_last=True), F("region__code").asc(nulls_last=True), "-area_code")


def whom_typed(cells: Mapping[str, Any], actor: Actor) -> Whom:
    """Whom somebody typed: a buyer by its code, a group and a region by code or id, an area. Raises Invalid at what is not known. At most three statements."""
    found: dict[str, Any] = {"area_code": str(cells.get("area_code") or "").strip()}
    orgs, groups = visible(actor, Organisation), visible(actor, Group).filter(owner_id=actor.org_id)
    for name, known, code in (
        ("buyer", orgs, "inventory.buyer_unknown"),
        ("group", groups, "inventory.group_unknown"),
        ("region", orgs, "inventory.region_unknown"),
    ):
        text = str(cells.get(name) or "").strip().upper()
        found[f"{name}_id"] = cells.get(f"{name}_id") or (known.filter(code=text).values_list("pk", flat=True).first() if text else None)
        if text and not found[f"{name}_id"]:
            raise Invalid(code, field=name)
    return Whom(**found)


def places_typed(text: str, actor: Actor) -> list[int]:
    """Codes of own warehouses in their order, as ids. Raises Invalid for a code that is none. One statement."""
    codes = [part.strip().upper() for part in re.split(r"[,;>→，；、]", text) if part.strip()]
    mine = dict(visible(actor, Place).filter(owner_id=actor.org_id, code__in=codes, closed=False).values_list("code", "pk"))
    if not codes or any(code not in mine for code in codes):
        raise Invalid("inventory.no_places", field="places", most=MOST_PLACES)
    return [mine[code] for code in codes]


def places_named(actor: Actor, rules: Iterable[ServingRule]) -> dict[int, str]:
    """The codes of the places that rules name, by id. One statement."""
    wanted = {pk for rule in rules for pk in rule.place_ids}
    return dict(visible(actor, Place).filter(pk__in=wanted).values_list("pk", "code"))


def unscoped_reserved_at(subject_kind: str, subject_ids: Iterable[int]) -> dict[int, dict[int, dict[int, Decimal]]]:
    """What documents have reserved, by document, place and line. One statement."""
    found: dict[int, dict[int, dict[int, Decimal]]] = {}
    sql = """SELECT subject_id, place_id, ref_id, qty - taken - released FROM inventory_reservation
        WHERE subject_kind = %s AND subject_id = ANY(%s) AND state = 'open' ORDER BY id"""
    for subject, place, ref, qty in rows(sql, (subject_kind, list(subject_ids))):
        found.setdefault(subject, {}).setdefault(place, {})[ref] = qty
    return found


def free_in_main(actor: Actor, product_id: int) -> Decimal:
    """What is free of a product in the own MAIN warehouse. Two statements."""
    key = (main_place(actor).pk, product_id)
    return unscoped_free([key], waiting=True)[key]


def main_place(actor: Actor) -> Place:
    """The MAIN warehouse of the actor's own organisation; raises NotFound when it has none."""
    found = visible(actor, Place).filter(owner_id=actor.org_id, code="MAIN").first()
    if found is None:
        raise NotFound("inventory.no_place")
    return found


def places(actor: Actor) -> QuerySet[Place]:
    """The places the actor may see, by owner and code."""
    return visible(actor, Place).select_related("owner").order_by("owner__code", "code")


def supply_of(actor: Actor, agreement_id: int) -> SupplyPlace | None:
    """The supply place set for an agreement, if the actor may see it."""
    return visible(actor, SupplyPlace).select_related("place").filter(agreement_id=agreement_id).first()


def available_for(actor: Actor, agreement_id: int, asked: Mapping[int, Decimal], wanted_on: date | None = None) -> dict[int, Available]:
    """What the buyer of an agreement is told about the stock that supplies it, for quantities by product; never more than the seller shows.

    Four statements; of products that are not shown to the actor nothing is told. Raises NotFound when the actor does not see the agreement.
    """
    if not visible(actor, Agreement).filter(pk=agreement_id).exists():
        raise NotFound("inventory.no_agreement")
    seen = visible(actor, Product).filter(pk__in=list(asked)).values_list("pk", flat=True)
    return unscoped_told(agreement_id, {pk: asked[pk] for pk in seen}, wanted_on)


def unscoped_told(agreement_id: int, asked: Mapping[int, Decimal], wanted_on: date | None = None) -> dict[int, Available]:
    """`available_for` under an agreement that the actor was shown. Two statements."""
    supply = unscoped_supplies([agreement_id], asked).get(agreement_id)
    if supply is None or supply.shows == Shows.NOTHING:  # of a seller without a warehouse nothing is known
        return {product: Available(None, None) for product in asked}
    return unscoped_available(supply, asked, wanted_on, exact=supply.shows == Shows.EXACT)


def unscoped_available(supply: Supply, asked: Mapping[int, Decimal], wanted_on: date | None = None, *, exact: bool = True) -> dict[int, Available]:
    """What is there of the products of a supply, and when what is asked for can leave. Without `exact` no quantity is told. One statement."""
    places = (supply.place_id, *supply.more)
    free = unscoped_free((place, product) for product in asked for place in places)
    found = {}
    for product, qty in asked.items():
        day = supply.leaves_on(wanted_on, product)
        each = [free[place, product] for place in places]
        there = sum(each, ZERO) if supply.splits else max(each)
        parts = promise((day, there), (), qty)
        lacks = sum((part for on, part in parts if on is None), ZERO)
        found[product] = Available(band(there), there if exact else None, tuple((on, part if exact else None) for on, part in parts), lacks=lacks)
    return found
