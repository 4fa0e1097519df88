"""Reads of shipments. `Parcel` is an open shipment as an action works on it; its order is locked first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.base.files import files_by_subject
from qudao.base.models import StoredFile
from qudao.base.search import folded_barcode, matching
from qudao.base.subject import Subject
from qudao.catalog.models import Pack
from qudao.fulfilment import rules
from qudao.fulfilment.models import Difference, Package, PackageLine, Receipt, ReceiptLine, Shipment, ShipmentLine
from qudao.fulfilment.queries.expected import (
    Coming,
    unscoped_coming,
    unscoped_count_until,
    unscoped_expected,
    unscoped_promised,
    unscoped_uncounted,
    unscoped_waits,
)
from qudao.fulfilment.rules import Count, Sent
from qudao.fulfilment.states import COUNTED, GONE, OPEN, UNSETTLED, State
from qudao.funds.rules import Shift
from qudao.inventory.queries import unscoped_by_lot, unscoped_good_until, unscoped_lots, unscoped_lots_shipped, unscoped_proposals
from qudao.inventory.rules import Demand, LotQty, MoveSpec
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.orders.models import Line, Order
from qudao.orders.states import Status
from qudao.people.queries import unscoped_contacts, unscoped_people_with

__all__ = [
    "Coming",
    "unscoped_coming",
    "unscoped_count_until",
    "unscoped_expected",
    "unscoped_promised",
    "unscoped_uncounted",
    "unscoped_waits",
]

#: digits of a parcel's number by which its shipment is looked for
LEAST_DIGITS = 4
#: orders whose open quantities are reserved, so that they can be picked
SHIPPABLE = (Status.CONFIRMED, Status.IN_FULFILMENT)

PARCELS = """SELECT s.order_id, s.seq, s.id, s.number, s.state, s.state_since, s.created_at, s.from_place_id, l.line_id, l.id, l.qty, l.packed,
        CASE WHEN l.packed > 0 AND EXISTS (SELECT FROM inventory_tracked t WHERE t.product_id = l.product_id)
             THEN (SELECT json_agg(json_build_array(x.lot, x.qty::text))
                   FROM (SELECT c.lot, sum(c.qty) AS qty FROM fulfilment_packageline c WHERE c.line_id = l.id GROUP BY 1 ORDER BY 1) x)::text END
    FROM fulfilment_shipment s
    LEFT JOIN fulfilment_shipmentline l ON l.shipment_id = s.id AND s.state IN ('created', 'picking')
    WHERE s.order_id = ANY(%s) ORDER BY s.id, l.id FOR UPDATE OF s"""

#: what of lots is in parcels that have not left a place
PACKED_LOTS = """SELECT l.product_id, c.lot, sum(c.qty) FROM fulfilment_shipment s JOIN fulfilment_shipmentline l ON l.shipment_id = s.id
    JOIN fulfilment_packageline c ON c.line_id = l.id
    WHERE s.from_place_id = %s AND s.state = 'picking' AND l.product_id = ANY(%s) GROUP BY 1, 2"""
LOTS_INSIDE = """SELECT c.line_id, c.lot, max(c.expires_on), sum(c.qty) FROM fulfilment_packageline c WHERE c.line_id = ANY(%s) GROUP BY 1, 2 ORDER BY 3, 2"""

#: the standard places of both sides come with the lines, so that a receipt needs no statement for them
SENT = """SELECT s.state, s.number, s.state_since,
        (SELECT json_object_agg(p.owner_id || ' ' || p.code, p.id)::text FROM inventory_place p
         WHERE p.owner_id = ANY(%s) AND p.code = ANY('{MAIN,TRANSIT,CLAIMS,OUTSIDE}')),
        l.id, l.line_id, l.product_id, l.qty - l.come, l.come
    FROM fulfilment_shipment s JOIN fulfilment_shipmentline l ON l.shipment_id = s.id
    WHERE s.id = %s ORDER BY l.id FOR UPDATE OF s"""


@dataclass
class Parcel:
    """A shipment as locked; `lines` (order line id → quantity) and `line_ids` (shipment line id → order line id) only while it is open."""

    id: int
    seq: int
    number: str
    state: str
    state_since: datetime
    created_at: datetime
    place_id: int
    lines: dict[int, Decimal] = field(default_factory=dict)
    line_ids: dict[int, int] = field(default_factory=dict)
    #: how much of each order line is in parcels (packages), of those of which something is
    packed: dict[int, Decimal] = field(default_factory=dict)
    #: which lots of tracked products those are
    lots: dict[int, tuple[LotQty, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrival:
    """A shipment as its receiver finds it, locked. `places`: (organisation id, code) → place id; `after`: the state it is coming into.

    `moves`, `shifts`: what moves first of goods and of credit, where nobody shipped it; `parcels`: those that are known to have come.
    """

    state: str
    number: str
    state_since: datetime
    places: dict[tuple[int, str], int]
    lines: list[Sent]
    after: str = ""
    moves: tuple[MoveSpec, ...] = ()
    shifts: tuple[Shift, ...] = ()
    parcels: Sequence[int] = ()


def unscoped_parcels(order_ids: Iterable[int]) -> dict[int, list[Parcel]]:
    """All shipments of orders by order id, locked, oldest first. One statement; the caller has locked the orders and noted the rank."""
    found: dict[int, list[Parcel]] = {order_id: [] for order_id in order_ids}
    for order_id, seq, pk, number, state, since, made, place, line_id, shipment_line_id, qty, packed, lots in rows(PARCELS, (list(found),)):
        parcels = found[order_id]
        if not parcels or parcels[-1].id != pk:
            parcels.append(Parcel(pk, seq, number, state, since, made, place))
        if line_id is not None:
            parcels[-1].lines[line_id] = qty
            parcels[-1].line_ids[shipment_line_id] = line_id
            if packed:
                parcels[-1].packed[line_id] = packed
            if lots:
                parcels[-1].lots[line_id] = tuple(LotQty(lot, None, Decimal(much)) for lot, much in json.loads(lots))
    return found


def unscoped_arrival(shipment_id: int, seller_id: int, buyer_id: int) -> Arrival:
    """A shipment with its lines and the places of both sides, locked. One statement. NotFound when it is missing or empty."""
    found = rows(SENT, ([seller_id, buyer_id], shipment_id))
    if not found:
        raise NotFound("base.not_found")
    state, number, since, places = found[0][:4]
    by_code = {(int(key.split(" ")[0]), key.split(" ")[1]): pk for key, pk in json.loads(places or "{}").items()}
    return Arrival(state, number, since, by_code, [Sent(*r[4:]) for r in found])


#: the same for many shipments, without the places, which are read once
SENT_ALL = """SELECT s.id, s.state, s.number, s.state_since, l.id, l.line_id, l.product_id, l.qty - l.come, l.come
    FROM fulfilment_shipment s JOIN fulfilment_shipmentline l ON l.shipment_id = s.id
    WHERE s.id = ANY(%s) ORDER BY s.id, l.id FOR UPDATE OF s"""
PLACES = "SELECT owner_id, code, id FROM inventory_place WHERE owner_id = ANY(%s) AND code = ANY('{MAIN,TRANSIT,CLAIMS,OUTSIDE}')"


def unscoped_arrivals(shipment_ids: Sequence[int], org_ids: Iterable[int]) -> dict[int, Arrival]:
    """`unscoped_arrival` of many shipments between these organisations. Two statements. NotFound when one is missing or empty."""
    found: dict[int, Arrival] = {}
    places = {(owner, code): pk for owner, code, pk in rows(PLACES, (list(org_ids),))}
    for pk, state, number, since, *line in rows(SENT_ALL, (list(shipment_ids),)):
        arrival = found.get(pk) or found.setdefault(pk, Arrival(state, number, since, places, []))
        arrival.lines.append(Sent(*line))
    if len(found) != len(set(shipment_ids)):
        raise NotFound("base.not_found")
    return found


def unscoped_orders_of(shipment_ids: Sequence[int]) -> dict[int, int]:
    """Shipment id → its order. One statement. NotFound when one does not exist."""
    found = dict(rows("SELECT id, order_id FROM fulfilment_shipment WHERE id = ANY(%s)", (list(shipment_ids),)))
    if len(found) != len(set(shipment_ids)):
        raise NotFound("base.not_found")
    return found


#: parcels of a shipment, by their numbers, with what is in each
NAMED_PARCELS = """SELECT p.sscc, p.id, p.receipt_id, c.line_id, c.qty FROM fulfilment_package p LEFT JOIN fulfilment_packageline c ON c.package_id = p.id
    WHERE p.shipment_id = %s AND p.sscc = ANY(%s)"""


def unscoped_parcels_come(shipment_id: int, number: str, parcels: Sequence[str]) -> tuple[list[int], dict[int, Decimal]]:
    """The ids of parcels of a locked shipment, named by their numbers (SSCC), and what is in them by shipment line. One statement, none without any.

    Raises Invalid at "parcels" for one that is not in it, Refused for one that came before.
    """
    if not parcels:
        return [], {}
    ids: dict[str, int] = {}
    inside: dict[int, Decimal] = {}
    came = set()
    for sscc, pk, receipt, line, qty in rows(NAMED_PARCELS, (shipment_id, list(parcels))):
        ids[sscc] = pk
        came |= {sscc} if receipt else set()
        if line:
            inside[line] = inside.get(line, rules.NOTHING) + qty
    raise_if_any([Fault("fulfilment.no_parcel", "parcels", {"parcel": one, "number": number}) for one in parcels if one not in ids], Invalid)
    raise_if_any([Fault("fulfilment.parcel_came", "parcels", {"parcel": one}) for one in parcels if one in came], Refused)
    return list(ids.values()), inside


def unscoped_instead(sent: Sequence[Sent], counts: Sequence[Count]) -> dict[int, int]:
    """By shipment line the product that came instead, named by its code in the catalogue of the right one's owner. One statement, none without any."""
    product = {s.id: s.product_id for s in sent}
    named = [(c.shipment_line_id, product[c.shipment_line_id], c.wrong_product) for c in counts if c.wrong_product and c.shipment_line_id in product]
    if not named:
        return {}
    sql = """SELECT d.line_id, p.id FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) d(line_id, product_id, code)
        JOIN catalog_product r ON r.id = d.product_id JOIN catalog_product p ON p.owner_id = r.owner_id AND p.code = d.code"""
    return dict(rows(sql, [list(column) for column in zip(*named, strict=True)]))


def unscoped_order_of(shipment_id: int) -> int:
    """The order of a shipment, which is locked before it. One statement. NotFound when there is no such shipment."""
    found = rows("SELECT order_id FROM fulfilment_shipment WHERE id = %s", (shipment_id,))
    if not found:
        raise NotFound("base.not_found")
    return found[0][0]


def shipments(actor: Actor, *, order_id: int | None = None, side: str = "") -> QuerySet[Shipment]:
    """The shipments the actor may see, newest first, with order and sides; `differs` = has an open difference; `side` as in `visible`."""
    open_ones = Difference.unscoped.filter(shipment=OuterRef("pk"), state__in=UNSETTLED)
    found = visible(actor, Shipment, side=side).select_related("order", "seller", "buyer").annotate(differs=Exists(open_ones))
    if order_id is not None:
        found = found.filter(order_id=order_id)
    return found.order_by("-id")


def lines_of(shipment: Shipment) -> QuerySet[ShipmentLine]:
    """The lines of a shipment the actor was shown, with product, order line and counts, in the order of the order. Two statements, or three."""
    return shipment.lines.select_related("product", "line").prefetch_related("counts__wrong_product").annotate(by_lot=unscoped_by_lot()).order_by("line__no")


def unscoped_lines_of_all(shipment_ids: Iterable[int]) -> QuerySet[ShipmentLine]:
    """The lines of shipments with products and `by_lot`, in the order of their orders. One statement."""
    found = ShipmentLine.unscoped.filter(shipment_id__in=list(shipment_ids)).select_related("product")
    return found.annotate(by_lot=unscoped_by_lot()).order_by("shipment_id", "line__no")


def with_lots(found: Sequence[tuple[Shipment, Sequence[ShipmentLine]]]) -> None:
    """Give lines of shipments the actor was shown, with their orders, their `lots`: those that left, before that those in parcels and those to pick.

    Reads nothing unless a product is tracked by lot (`by_lot` of the line); then one statement for those that left, one for those in parcels, two for
    those to pick.
    """
    asked = [(s, line) for s, lines in found for line in lines if getattr(line, "by_lot", False)]
    gone = [s.pk for s, _line in asked if s.state in GONE]
    left = unscoped_lots_shipped(gone) if gone else {}
    opened = [(s, x) for s, x in asked if s.state in OPEN]
    wanted = [(s.order.agreement_id, Demand(s.from_place_id, x.product_id, x.qty - x.packed, x.pk)) for s, x in opened if x.qty > x.packed]
    to_pick = unscoped_proposals(wanted) if wanted else {}
    packed = unscoped_lots_inside([x.pk for _s, x in opened if x.packed])
    for s, lines in found:
        for line in lines:
            line.lots = left.get((s.pk, line.line_id)) or [*packed.get(line.pk, []), *to_pick.get(line.pk, [])]  # type: ignore[attr-defined]


def unscoped_lots_inside(line_ids: Iterable[int]) -> dict[int, list[LotQty]]:
    """Which lots of shipment lines are in parcels, by line. One statement, none without lines."""
    found: dict[int, list[LotQty]] = {}
    wanted = list(line_ids)
    for line_id, *lot in rows(LOTS_INSIDE, (wanted,)) if wanted else ():
        found.setdefault(line_id, []).append(LotQty(*lot))
    return found


@dataclass
class LotPool:
    """The lots of products that lie in a place and are in no parcel yet, and until when they must keep for the buyer."""

    free: dict[int, list[LotQty]]
    good: dict[int, date]


def unscoped_lot_pool(shipment: Shipment, product_ids: Iterable[int]) -> LotPool:
    """What of tracked products can go into parcels of a shipment. Four statements."""
    wanted, place = sorted(set(product_ids)), shipment.from_place_id
    ((agreement,),) = rows("SELECT agreement_id FROM orders_order WHERE id = %s", (shipment.order_id,))
    good = {product: until for (_agreement, product), until in unscoped_good_until((agreement, pk) for pk in wanted).items()}
    there = unscoped_lots((place, pk) for pk in wanted)
    packed = {(product, lot): qty for product, lot, qty in rows(PACKED_LOTS, (place, wanted))}
    free = {pk: [replace(x, qty=x.qty - packed.get((pk, x.lot), rules.NOTHING)) for x in there.get((place, pk), [])] for pk in wanted}
    return LotPool(free, good)


def packages(actor: Actor) -> QuerySet[Package]:
    """The parcels the actor may see, with shipment and sides."""
    return visible(actor, Package).select_related("shipment__order", "shipment__seller", "shipment__buyer").order_by("shipment_id", "no")


def unscoped_with_parcel(typed: str) -> RawSQL | None:
    """The ids of shipments that have a parcel of this number, or of these digits of it, for a search; None when nobody types so few."""
    digits = folded_barcode(typed).replace(" ", "")
    found = matching("fulfilment.package", digits) if len(digits) >= LEAST_DIGITS and digits.isascii() and digits.isdigit() else None
    return RawSQL(f"SELECT shipment_id FROM fulfilment_package WHERE id IN ({found.sql})", ()) if found else None  # noqa: S611 - literals are quoted


def unscoped_packages(shipment_ids: Iterable[int]) -> dict[int, list[Package]]:
    """The parcels of shipments, by shipment, each with `filled`: its lines in the order of the order. Two statements, one without any."""
    found: dict[int, list[Package]] = {}
    for package in Package.unscoped.filter(shipment_id__in=list(shipment_ids)).select_related("receipt").order_by("shipment_id", "no"):
        package.filled = []  # type: ignore[attr-defined]
        found.setdefault(package.shipment_id, []).append(package)
    by_id = {package.pk: package for some in found.values() for package in some}
    if by_id:
        lines = PackageLine.unscoped.filter(package_id__in=list(by_id)).select_related("line__product", "line__line")
        for line in lines.order_by("package_id", "line__line__no", "expires_on", "lot"):
            by_id[line.package_id].filled.append(line)  # type: ignore[attr-defined]
    return found


def unscoped_packed_in(package_ids: Sequence[int]) -> set[int]:
    """The shipments of parcels, which are locked before them. One statement. NotFound when one is not there."""
    found = dict(rows("SELECT id, shipment_id FROM fulfilment_package WHERE id = ANY(%s)", (list(package_ids),)))
    if len(found) != len(set(package_ids)):
        raise NotFound("base.not_found")
    return set(found.values())


def unscoped_box_sizes(products: Mapping[int, int]) -> dict[int, Decimal]:
    """Of lines (line id → product id) the base units in the smallest pack of the product, where it has one of more than one unit. One statement."""
    packs = Pack.unscoped.filter(product_id__in=set(products.values()), factor__gt=1).order_by("-factor").values_list("product_id", "factor")
    sizes = dict(packs)
    return {line_id: sizes[product] for line_id, product in products.items() if product in sizes}


def photo_subject(receipt_line_id: int, shipment: Shipment) -> Subject:
    """What the photos of a counted line hang on: seen by the two sides of the shipment."""
    return Subject("fulfilment.receiptline", receipt_line_id, shipment.seller_id, shipment.buyer_id, shipment.number)


def photos_of(actor: Actor, receipt_line_ids: Iterable[int]) -> dict[int, list[StoredFile]]:
    """The photos of counted lines, by line; none for who is of neither side. One statement."""
    return files_by_subject(actor, "fulfilment.receiptline", receipt_line_ids)


def receipt_line(actor: Actor, pk: int) -> ReceiptLine:
    """One counted line with its shipment; NotFound when hidden."""
    return get_visible(actor, ReceiptLine, pk)


def receipts_of(shipment: Shipment) -> list[Receipt]:
    """The receipts of a shipment the actor was shown, the oldest first; all but the last are of a part of it. One statement, none before it has left."""
    return list(shipment.receipts.order_by("id")) if shipment.state in (State.PARTLY, *COUNTED) else []


def differences(actor: Actor) -> QuerySet[Difference]:
    """The differences the actor may see, newest first."""
    found = visible(actor, Difference).select_related(
        "shipment", "seller", "buyer", "product", "taken_by", "receipt_line__shipment_line__product", "receipt_line__shipment_line__line"
    )
    return found.order_by("-id")


def unscoped_settlers(org_id: int) -> list[tuple[int, str]]:
    """(user, name) of the people of an organisation who may settle differences, by name; for pages of that organisation. Two statements."""
    people = unscoped_contacts(unscoped_people_with(org_id, "fulfilment.settle"))
    return sorted(((pk, contact[0]) for pk, contact in people.items()), key=lambda one: one[1])


def orders_in_sight(actor: Actor) -> QuerySet[Order]:
    """The orders an actor may see, for the pages that ship them."""
    return visible(actor, Order)


def unscoped_to_come(order: Order) -> QuerySet[Line]:
    """The lines of an order the actor was shown of which something is still to come, with `by_lot`."""
    open_ones = Line.unscoped.filter(order=order, qty__gt=F("given_up") + F("shipped"))
    return open_ones.select_related("product").annotate(by_lot=unscoped_by_lot()).order_by("no")


def unscoped_waiting_lines(order: Order) -> QuerySet[Line]:
    """The lines of an order the actor was shown that wait for goods."""
    return Line.unscoped.filter(order=order, backordered__gt=0).select_related("product").order_by("no")
