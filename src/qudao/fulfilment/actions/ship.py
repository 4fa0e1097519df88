"""Picking and dispatch: the goods leave the seller's warehouse for his transit place, and their credit goes from ordered to shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor
from qudao.base.action import action, emit
from qudao.base.notify import notify
from qudao.fulfilment import rules
from qudao.fulfilment.actions import plan
from qudao.fulfilment.actions.batch import Leaving, send
from qudao.fulfilment.actions.pack import take_apart
from qudao.fulfilment.actions.plan import Load, Stage
from qudao.fulfilment.events import ShipmentDispatched
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.policies import check_order_side, check_side
from qudao.fulfilment.queries import SHIPPABLE, Parcel, unscoped_order_of
from qudao.fulfilment.states import State
from qudao.funds.actions import recheck, shift
from qudao.inventory.actions import LotQty, MoveSpec, ensure_places, post_moves
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders.actions import lock_trades, record_pick_undone, record_picking, record_shipped


@action("fulfilment.pick")
def start_pick(order_id: int, lines: Mapping[int, Decimal] | None = None, *, place_id: int | None = None, actor: Actor) -> Shipment:
    """Begin to pick what is open of an order, or `lines` (order line id → quantity) of it; the rest is planned for the next shipment.

    Of an order that several places serve: out of `place_id`, or the first place that has something to pick of it. Works whether or not the order was
    planned before. Locks order, shipments, funds. Raises Refused when nothing is left to pick, or when the credit account is frozen or overdue.
    """
    load = _lock(order_id, "fulfilment.pick", actor)
    there = load.free()
    place = place_id or next((pk for pk, some in there.items() if lines is None or lines.keys() & some.keys()), next(iter(there), None))
    if place is None or place not in there:
        raise Refused("fulfilment.nothing_to_pick")
    free = there[place]
    chosen = rules.choose(lines, free, code="fulfilment.more_than_open", name="open") if lines is not None else free
    recheck(load.trade.agreement_id, actor=actor)
    parcel, _transit = _put(load, load.plan_at(place) or place, chosen, Stage(State.PICKING, clock.now()))
    record_picking(load.trade, actor=actor)
    if chosen != free:
        plan.sync([load])
    return _shipment(load, parcel)


@action("fulfilment.pick")
def cancel_pick(shipment_id: int, *, actor: Actor) -> Shipment:
    """Stop picking a shipment; what it held is planned again, its parcels are taken apart. Locks order and shipments. The order can then be cancelled."""
    load, parcel = _lock_shipment(shipment_id, "fulfilment.pick", actor)
    rules.next_state(parcel.state, "cancel_pick", parcel.number)
    if parcel.packed:
        take_apart(load.subject(parcel))
    if load.plan_at(parcel.place_id) is None:
        plan.change(load, parcel, parcel.lines, Stage(State.CREATED, clock.now()))
    else:
        plan.drop([(load, parcel)], clock.now())
    if not load.picking:
        record_pick_undone(load.trade, actor=actor)
    plan.sync([load])
    return _shipment(load, parcel)


@action("fulfilment.ship")
def dispatch_shipment(
    shipment_id: int, *, carrier: str = "", tracking: str = "", lines: Mapping[int, Decimal | Sequence[LotQty]] | None = None, actor: Actor
) -> Shipment:
    """Send a picked shipment, or `lines` (shipment line id → quantity, or the lots that leave) of it; what stays behind is planned again.

    Without lots what is in the parcels leaves, else what expires first of what keeps long enough for the agreement. Locks order, shipments, funds, stock. Emits
    ShipmentDispatched. Raises Refused when it is not being picked, when the credit account is frozen or overdue, or when lots do not fit.
    """
    stage = _way(carrier, tracking, actor)
    load, parcel = _lock_shipment(shipment_id, "fulfilment.ship", actor)
    rules.next_state(parcel.state, "dispatch", parcel.number)
    named = {parcel.line_ids.get(pk, 0): tuple(what) for pk, what in (lines or {}).items() if not isinstance(what, Decimal)}
    chosen = _of_shipment(parcel, {pk: rules.total(what) for pk, what in lines.items()}) if lines is not None else dict(parcel.lines)
    raise_if_any(rules.packed_faults(chosen, parcel.packed, parcel.number) or rules.other_lots(named, parcel.lots), Refused)
    partial = chosen != parcel.lines
    _leave(load, parcel, chosen, replace(stage, lots=named | parcel.lots), actor)
    if partial:
        plan.sync([load])
    return _shipment(load, parcel, stage)


@action("fulfilment.ship")
def ship_order(order_id: int, *, carrier: str = "", tracking: str = "", actor: Actor) -> Shipment:
    """Plan, pick and dispatch everything open of an order in one shipment; open shipments of it are joined into that one. Several places that serve it
    send one each; the first of them is returned.

    Locks order, shipments, funds, stock. Emits ShipmentDispatched. Raises Refused as start_pick and dispatch_shipment do.
    """
    stage = _way(carrier, tracking, actor)
    load = _lock(order_id, "fulfilment.ship", actor)
    if load.reserved is not None:
        return _ship_from_many(load, stage, actor)
    wanted = rules.left_to_plan(load.trade.lines, {})
    if not wanted:
        raise Refused("fulfilment.nothing_to_ship")
    waits = load.plan_at(load.trade.place_id)
    held = [*load.picking, *([waits] if waits else [])]
    target = held[0] if held else None
    raise_if_any([fault for p in held for fault in rules.packed_faults(wanted if p is target else {}, p.packed, p.number)], Refused)
    plan.drop([(load, p) for p in held[1:]], stage.now)
    if target:
        rules.next_state(target.state, "ship", target.number)
    parcel = _leave(load, target or load.trade.place_id, wanted, replace(stage, lots=target.lots) if target else stage, actor)
    return _shipment(load, parcel, stage)


def _ship_from_many(load: Load, stage: Stage, actor: Actor) -> Shipment:
    """Everything open of an order out of all its places."""
    order = load.trade.id
    done = send([load], {order: Leaving(order, stage.carrier, stage.tracking)}, actor)
    raise_if_any(done.refused.get(order, []), Refused)
    return Shipment.unscoped.get(pk=done.sent[order][0])


def _leave(load: Load, parcel: Parcel | int, chosen: Mapping[int, Decimal], stage: Stage, actor: Actor) -> Parcel:
    """Write the dispatched shipment, then tell order, credit and stock, in the order of locks."""
    trade = load.trade
    by_id = load.lines
    leaving = sum((rules.gross_leaving(by_id[line_id], qty) for line_id, qty in chosen.items()), ZERO)
    recheck(trade.agreement_id, actor=actor)
    parcel, transit = _put(load, parcel, chosen, stage)
    subject = load.subject(parcel)
    load.took(parcel, chosen)
    record_shipped(trade, chosen, actor=actor)
    shift(trade.agreement_id, [("ordered", "shipped", leaving)], subject, actor=actor)
    if transit is None:
        transit = ensure_places(trade.seller_id, actor=actor)["TRANSIT"]
    moves = [MoveSpec(by_id[i].product_id, qty, parcel.place_id, transit, i, True, stage.lots.get(i, ())) for i, qty in chosen.items()]
    post_moves(moves, subject, actor=actor, reserved_for=trade.subject, agreement_id=trade.agreement_id)
    fact = ShipmentDispatched(parcel.id, trade.id, parcel.number, trade.seller_id, trade.buyer_id, stage.carrier, stage.tracking)
    emit(fact, subject)
    said: dict[str, Any] = {"number": parcel.number, "carrier": stage.carrier, "tracking": stage.tracking}
    notify("fulfilment.shipment_dispatched", subject, org_id=trade.buyer_id, verb="fulfilment.receive", except_user=actor.user_id, **said)
    return parcel


def _put(load: Load, parcel: Parcel | int, wanted: Mapping[int, Decimal], stage: Stage) -> tuple[Parcel, int | None]:
    """Write the given shipment, or a new one out of a place; return it with the seller's transit place."""
    if isinstance(parcel, int):
        transit = plan.create([(load, parcel, wanted)], stage)
        return load.parcels[-1], transit
    return parcel, plan.change(load, parcel, wanted, stage)


def _lock(order_id: int, verb: str, actor: Actor) -> Load:
    """The order and its shipments, locked; the order must be one that can be picked."""
    (trade,) = lock_trades([order_id], actor=actor)
    check_order_side(actor, verb, trade.seller_id, trade.id)
    if trade.status not in SHIPPABLE:
        raise Refused("fulfilment.not_confirmed")
    return plan.loads_of([trade], plan.lock_parcels([order_id]))[0]


def _lock_shipment(shipment_id: int, verb: str, actor: Actor) -> tuple[Load, Parcel]:
    """The order of a shipment, then all its shipments, locked."""
    (trade,) = lock_trades([unscoped_order_of(shipment_id)], actor=actor)
    check_side(actor, verb, trade.seller_id, shipment_id)
    (load,) = plan.loads_of([trade], plan.lock_parcels([trade.id]))
    return load, next(p for p in load.parcels if p.id == shipment_id)


def _of_shipment(parcel: Parcel, lines: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Quantities by shipment line, checked, as quantities by order line."""
    picked = {pk: parcel.lines[line_id] for pk, line_id in parcel.line_ids.items()}
    chosen = rules.choose(lines, picked, code="fulfilment.more_than_picked", name="picked")
    return {parcel.line_ids[pk]: qty for pk, qty in chosen.items()}


def _way(carrier: str, tracking: str, actor: Actor) -> Stage:
    texts = {"carrier": carrier.strip(), "tracking": tracking.strip()}
    raise_if_any([Fault("fulfilment.too_long", name, {"limit": 80}) for name, text in texts.items() if len(text) > 80], Invalid)
    return Stage(State.SHIPPED, clock.now(), texts["carrier"], texts["tracking"], actor.user_id)


def _shipment(load: Load, parcel: Parcel, stage: Stage | None = None) -> Shipment:
    """The shipment as it now stands, without reading it again."""
    t = load.trade
    left = stage is not None and parcel.state == State.SHIPPED
    return Shipment(
        id=parcel.id,
        order_id=t.id,
        seller_id=t.seller_id,
        buyer_id=t.buyer_id,
        from_place_id=parcel.place_id,
        seq=parcel.seq,
        number=parcel.number,
        state=parcel.state,
        state_since=parcel.state_since,
        created_at=parcel.created_at,
        carrier=stage.carrier if stage and left else "",
        tracking=stage.tracking if stage and left else "",
        shipped_at=stage.now if stage and left else None,
        shipped_by=stage.shipped_by if stage and left else None,
        line_count=len(parcel.lines),
    )
