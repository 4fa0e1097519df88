"""Many shipments at once: a dispatch list, a file of proofs of delivery. One transaction, one pass of locks, as many statements as for one shipment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.fulfilment import rules
from qudao.fulfilment.actions import plan
from qudao.fulfilment.actions.plan import Load
from qudao.fulfilment.actions.receive import columns_of, found_columns_of, whole
from qudao.fulfilment.events import ReceiptConfirmed, ShipmentDispatched
from qudao.fulfilment.policies import check_order_side, check_receiver
from qudao.fulfilment.queries import SHIPPABLE, Arrival, Parcel, unscoped_arrivals, unscoped_instead, unscoped_orders_of
from qudao.fulfilment.rules import Count, Counted, Found
from qudao.fulfilment.states import OPEN, State
from qudao.funds.actions import Change, recheck_all, shift_all
from qudao.inventory.actions import Moved, MoveSpec, ensure_places, post_all_moves
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders.actions import lock_trades, record_all_received, record_all_shipped
from qudao.orders.queries import Trade

LEAVE = """UPDATE fulfilment_shipment s SET state = 'shipped', state_since = %s, shipped_at = %s, shipped_by = %s, carrier = d.carrier, tracking = d.tracking
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) d(id, carrier, tracking) WHERE s.id = d.id"""
TRANSITS = "SELECT owner_id, id FROM inventory_place WHERE owner_id = ANY(%s) AND code = 'TRANSIT'"
RECEIVE = """WITH head AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(texts)s::text[], %(whole)s::boolean[]) d(id, note, whole)
    ), shipment AS (
        UPDATE fulfilment_shipment s SET state = 'received', state_since = %(now)s, received_at = %(now)s FROM head WHERE s.id = head.id
    ), receipt AS (
        INSERT INTO fulfilment_receipt (shipment_id, at, received_by, note) SELECT id, %(now)s, %(by)s, note FROM head ORDER BY id RETURNING id, shipment_id
    ), parcel AS (
        UPDATE fulfilment_package p SET receipt_id = receipt.id FROM receipt JOIN head ON head.id = receipt.shipment_id
        WHERE p.shipment_id = receipt.shipment_id AND p.receipt_id IS NULL AND head.whole
    ), line AS (
        INSERT INTO fulfilment_receiptline (receipt_id, shipment_line_id, received, damaged, short, over, note, refused,
            wrong, wrong_product_id)
        SELECT receipt.id, d.line_id, d.received, d.damaged, d.short, d.over, d.note, d.refused, d.wrong, d.instead
        FROM unnest(%(shipments)s::bigint[], %(lines)s::bigint[], %(received)s::numeric[], %(damaged)s::numeric[], %(short)s::numeric[],
            %(over)s::numeric[], %(notes)s::text[], %(refused)s::numeric[], %(wrong)s::numeric[], %(instead)s::bigint[])
            d(shipment_id, line_id, received, damaged, short, over, note, refused, wrong, instead)
        JOIN receipt USING (shipment_id)
        RETURNING id, shipment_line_id
    ), difference AS (
        INSERT INTO fulfilment_difference (receipt_line_id, shipment_id, seller_id, buyer_id, kind, qty, amount, product_id, currency, state, at)
        SELECT line.id, d.shipment_id, d.seller_id, d.buyer_id, d.kind, d.qty, d.amount, d.product_id, d.currency, 'open', %(now)s
        FROM unnest(%(differ)s::bigint[], %(of)s::bigint[], %(sellers)s::bigint[], %(buyers)s::bigint[], %(kinds)s::text[], %(quantities)s::numeric[],
            %(amounts)s::numeric[], %(products)s::bigint[], %(currencies)s::text[])
            d(shipment_line_id, shipment_id, seller_id, buyer_id, kind, qty, amount, product_id, currency)
        JOIN line USING (shipment_line_id)
    )
    SELECT shipment_id, id FROM receipt"""


@dataclass(frozen=True)
class Leaving:
    """An order of a dispatch list: everything of it that waits leaves, with its carrier and waybill."""

    order_id: int
    carrier: str = ""
    tracking: str = ""


@dataclass(frozen=True)
class Arriving:
    """A shipment that arrived; a line that is not counted arrived as shipped."""

    shipment_id: int
    counts: Sequence[Count] = ()
    note: str = ""


@dataclass
class Dispatched:
    """What became of a dispatch list: order id → shipments that left, order id → why nothing did."""

    sent: dict[int, list[int]] = field(default_factory=dict)
    refused: dict[int, list[Fault]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Going:
    """A shipment of the list on its way out."""

    load: Load
    parcel: Parcel
    way: Leaving
    before: str


@action("fulfilment.ship")
def ship_orders(wanted: Sequence[Leaving], *, actor: Actor) -> Dispatched:
    """Dispatch what waits of many orders; what cannot leave (nothing waits, account frozen or overdue) is told and hinders nobody else.

    Locks orders, shipments, funds, stock. Emits ShipmentDispatched for each shipment.
    """
    texts = [(n, name, getattr(one, name)) for n, one in enumerate(wanted) for name in ("carrier", "tracking")]
    raise_if_any([Fault("fulfilment.too_long", f"rows.{n}.{name}", {"limit": 80}) for n, name, text in texts if len(text) > 80], Invalid)
    ways = {one.order_id: one for one in wanted}
    trades = lock_trades(ways, actor=actor)
    for trade in trades:
        check_order_side(actor, "fulfilment.ship", trade.seller_id, trade.id)
    parcels = plan.lock_parcels([trade.id for trade in trades])
    return send(plan.loads_of(trades, parcels), ways, actor)


def send(loads: Sequence[Load], ways: Mapping[int, Leaving], actor: Actor) -> Dispatched:
    """Dispatch what waits of locked orders, each in its own way; what cannot leave is told."""
    done = Dispatched()
    plan.sync([load for load in loads if load.trade.status in SHIPPABLE])
    blocked = recheck_all({load.trade.agreement_id for load in loads}, actor=actor)
    going: list[_Going] = []
    for load in loads:
        waiting = [p for p in load.parcels if p.state in OPEN] if load.trade.status in SHIPPABLE else []
        faults = [] if waiting else [Fault("fulfilment.nothing_to_ship")]
        faults += blocked.get(load.trade.agreement_id, [])
        faults += [fault for p in waiting for fault in rules.packed_faults(p.lines, p.packed, p.number)]
        if faults:
            done.refused[load.trade.id] = faults
        else:
            going += [_Going(load, p, ways[load.trade.id], p.state) for p in waiting]
    if going:
        _leave(going, actor)
    for one in going:
        done.sent.setdefault(one.load.trade.id, []).append(one.parcel.id)
    return done


def _leave(going: Sequence[_Going], actor: Actor) -> None:
    """Write the dispatched shipments, then tell orders, credit and stock, in the order of locks."""
    now = clock.now()
    columns = ([g.parcel.id for g in going], [g.way.carrier.strip() for g in going], [g.way.tracking.strip() for g in going])
    run(LEAVE, (now, now, actor.user_id, *columns))
    leaving = [sum((rules.gross_leaving(g.load.lines[i], qty) for i, qty in g.parcel.lines.items()), ZERO) for g in going]
    shipped: dict[int, tuple[Trade, dict[int, Decimal]]] = {}
    for g in going:
        quantities = shipped.setdefault(g.load.trade.id, (g.load.trade, {}))[1]
        for line_id, qty in g.parcel.lines.items():
            quantities[line_id] = quantities.get(line_id, ZERO) + qty
    record_all_shipped(list(shipped.values()), actor=actor)
    changes = [Change(g.load.trade.agreement_id, [("ordered", "shipped", gross)], g.load.subject(g.parcel)) for g, gross in zip(going, leaving, strict=True)]
    shift_all(changes, actor=actor)
    transits = _transits({g.load.trade.seller_id for g in going}, actor)
    groups = []
    for g in going:
        t, by_id = g.load.trade, g.load.lines
        way = (g.parcel.place_id, transits[t.seller_id])
        specs = [MoveSpec(by_id[i].product_id, qty, *way, i, take_reserved=True, lots=g.parcel.lots.get(i, ())) for i, qty in g.parcel.lines.items()]
        groups.append(Moved(specs, g.load.subject(g.parcel), t.subject, t.agreement_id))
    post_all_moves(groups, actor=actor)
    for g in going:
        _tell_left(g, actor)


def _tell_left(going: _Going, actor: Actor) -> None:
    trade, parcel, way = going.load.trade, going.parcel, going.way
    subject = going.load.subject(parcel)
    after = rules.next_state(going.before, "dispatch" if going.before == State.PICKING else "ship", parcel.number)
    record(subject, before=going.before, after=after, since=parcel.state_since)
    parcel.state, parcel.state_since = after, clock.now()
    emit(ShipmentDispatched(parcel.id, trade.id, parcel.number, trade.seller_id, trade.buyer_id, way.carrier, way.tracking), subject)
    said: dict[str, Any] = {"number": parcel.number, "carrier": way.carrier, "tracking": way.tracking}
    notify("fulfilment.shipment_dispatched", subject, org_id=trade.buyer_id, verb="fulfilment.receive", except_user=actor.user_id, **said)


def _transits(sellers: set[int], actor: Actor) -> dict[int, int]:
    found = dict(rows(TRANSITS, (sorted(sellers),)))
    return found | {seller: ensure_places(seller, actor=actor)["TRANSIT"] for seller in sellers - found.keys()}


@dataclass(frozen=True)
class _Counted:
    """A shipment as counted."""

    trade: Trade
    id: int
    arrival: Arrival
    counted: list[Counted]
    found: list[Found]
    lost: Decimal
    note: str

    @property
    def subject(self) -> Subject:
        return Subject("fulfilment.shipment", self.id, self.trade.seller_id, self.trade.buyer_id, self.arrival.number)


@action("fulfilment.receive")
def confirm_receipts(arrived: Sequence[Arriving], *, actor: Actor) -> dict[int, int]:
    """`confirm_receipt` for many shipments, all or none; at most one of each order. Returns shipment id → receipt id.

    Locks orders, shipments, funds, stock. Emits ReceiptConfirmed for each.
    """
    if not arrived:
        return {}
    raise_if_any([Fault("fulfilment.too_long", f"rows.{n}.note", {"limit": 500}) for n, one in enumerate(arrived) if len(one.note) > 500], Invalid)
    order_of = unscoped_orders_of([one.shipment_id for one in arrived])
    if len(set(order_of.values())) != len(arrived):
        raise Invalid("fulfilment.twice", field="rows")
    trades = {trade.id: trade for trade in lock_trades(order_of.values(), actor=actor)}
    for one in arrived:
        trade = trades[order_of[one.shipment_id]]
        check_receiver(actor, trade.seller_id, trade.buyer_id, one.shipment_id)
    note_rank(Rank.SHIPMENT)
    orgs = {side for trade in trades.values() for side in (trade.seller_id, trade.buyer_id)}
    arrivals = unscoped_arrivals([one.shipment_id for one in arrived], orgs)
    counts = [_count(one, trades[order_of[one.shipment_id]], arrivals[one.shipment_id]) for one in arrived]
    receipts = dict(rows(RECEIVE, _columns(counts, actor)))
    record_all_received([(c.trade, {x.sent.line_id: (x.received, x.lost) for x in c.counted}) for c in counts], actor=actor)
    lost = [c for c in counts if c.trade.invoice_on == "receipt" and c.lost]
    # a cent may come back when receipts of one line interleave
    shift_all([Change(c.trade.agreement_id, [("shipped", None, c.lost) if c.lost > 0 else (None, "shipped", -c.lost)], c.subject) for c in lost], actor=actor)
    _move(counts, orgs, actor)
    for c in counts:
        _tell_arrived(c, receipts[c.id], actor)
    return receipts


def _count(one: Arriving, trade: Trade, arrival: Arrival) -> _Counted:
    rules.next_state(arrival.state, "receive", arrival.number)
    counted = rules.count_receipt(arrival.lines, one.counts, one.note, unscoped_instead(arrival.lines, one.counts))
    by_id = {line.id: line for line in trade.lines}
    lost = sum((rules.gross_lost(by_id[c.sent.line_id], c.received, c.lost) for c in counted), ZERO)
    return _Counted(trade, one.shipment_id, arrival, counted, rules.differences(counted, by_id), lost, one.note.strip())


def _columns(counts: Sequence[_Counted], actor: Actor) -> dict[str, Any]:
    lines = [(c.id, x) for c in counts for x in c.counted]
    found = [(c, f) for c in counts for f in c.found]
    return {
        "now": clock.now(),
        "by": actor.user_id,
        "ids": [c.id for c in counts],
        "texts": [c.note for c in counts],
        "whole": [whole(c.counted) for c in counts],
        "shipments": [pk for pk, _x in lines],
        **columns_of([x for _pk, x in lines]),
        **found_columns_of([f for _c, f in found]),
        "of": [c.id for c, _f in found],
        "sellers": [c.trade.seller_id for c, _f in found],
        "buyers": [c.trade.buyer_id for c, _f in found],
        "currencies": [c.trade.currency for c, _f in found],
    }


def _move(counts: Sequence[_Counted], orgs: set[int], actor: Actor) -> None:
    """Empty the transit places of these shipments."""
    places: dict[tuple[int, str], int] = {}
    for c in counts:
        places |= c.arrival.places
    for org in orgs:
        if any((org, code) not in places for code in ("MAIN", "TRANSIT", "CLAIMS", "OUTSIDE")):
            places |= {(org, code): pk for code, pk in ensure_places(org, actor=actor).items()}
    post_all_moves([Moved(_specs(c, places), c.subject) for c in counts], actor=actor)


def _specs(c: _Counted, places: Mapping[tuple[int, str], int]) -> list[MoveSpec]:
    seller, buyer = c.trade.seller_id, c.trade.buyer_id
    return [MoveSpec(product, qty, places[a], places[b], x.sent.line_id) for x in c.counted for product, qty, a, b in rules.ways(x, seller, buyer)]


def _tell_arrived(c: _Counted, receipt_id: int, actor: Actor) -> None:
    differing, trade = sum(x.differs for x in c.counted), c.trade
    record(c.subject, before=c.arrival.state, after=State.RECEIVED, reason=c.note, since=c.arrival.state_since, detail={"differences": differing})
    emit(ReceiptConfirmed(receipt_id, c.id, trade.id, trade.seller_id, trade.buyer_id, differing), c.subject)
    code = "fulfilment.difference_reported" if differing else "fulfilment.shipment_received"
    notify(code, c.subject, org_id=trade.seller_id, verb="fulfilment.ship", except_user=actor.user_id, number=c.arrival.number, count=differing)
