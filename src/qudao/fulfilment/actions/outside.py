"""Receiving from an outside seller: nobody ships, so the count itself makes the shipment, out of the seller's place outside the books.

From there on it is a shipment like any other: its receipt, its differences, what is sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import action
from qudao.fulfilment import rules
from qudao.fulfilment.actions import plan
from qudao.fulfilment.actions.plan import Parcel, Stage
from qudao.fulfilment.actions.receive import receive
from qudao.fulfilment.models import Receipt
from qudao.fulfilment.policies import check_order_buyer
from qudao.fulfilment.queries import SHIPPABLE, unscoped_arrival, unscoped_instead
from qudao.fulfilment.rules import Count, Sent
from qudao.fulfilment.states import State
from qudao.inventory.actions import LotQty, MoveSpec, ensure_places
from qudao.inventory.queries import unscoped_known_products
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders.actions import lock_trades, record_come, record_shipped
from qudao.orders.queries import Trade

Lots = Mapping[int, tuple[LotQty, ...]]
NO_LOTS: Lots = {}


@action("fulfilment.receive")
def receive_purchase(order_id: int, lines: Sequence[Count], *, delivery_note: str = "", note: str = "", lots: Lots = NO_LOTS, actor: Actor) -> Receipt:
    """Count what came of an outside purchase. `lines`: a count for each order line (`Count.shipment_line_id` is the order line's id here) of what the
    seller's delivery note says; a line that is not named did not come, and what is left of it is still expected. `lots`: by order line.

    Goods go from outside into the buyer's MAIN; what is damaged, missing, refused or wrong is a difference with the seller, as with every receipt.
    Locks order, shipments, funds, stock. Emits ReceiptConfirmed. Raises Invalid for counts that do not add up, Refused fulfilment.more_than_expected,
    fulfilment.not_confirmed before the order is final, fulfilment.not_outside for an order whose seller ships.
    """
    limits = {"delivery_note": (delivery_note, 80), "note": (note, 500)}
    raise_if_any([Fault("fulfilment.too_long", name, {"limit": most}) for name, (text, most) in limits.items() if len(text) > most], Invalid)
    (trade,) = lock_trades([order_id], actor=actor)
    check_order_buyer(actor, "fulfilment.receive", trade.buyer_id, trade.id)
    if not trade.outside:
        raise Refused("fulfilment.not_outside")
    if trade.status not in SHIPPABLE:
        raise Refused("fulfilment.not_confirmed")
    counts = {one.shipment_line_id: one for one in lines}
    if len(counts) != len(lines):
        raise Invalid("fulfilment.twice", field="lines")
    asked, there = {pk: rules.told(one) for pk, one in counts.items()}, {x.id: x.open for x in trade.lines}
    come = rules.choose(asked, there, code="fulfilment.more_than_expected", name="open")
    _check_lots(trade, come, lots)
    named = [counts[pk] for pk in come]
    sent = [Sent(pk, pk, trade.line(pk).product_id, qty) for pk, qty in come.items()]
    counted = rules.count_receipt(sent, named, note, unscoped_instead(sent, named))
    parcel = _arrive(trade, come, delivery_note.strip(), actor)
    arrival = replace(unscoped_arrival(parcel.id, trade.seller_id, trade.buyer_id), after=State.RECEIVED)
    made = {x.line_id: x for x in arrival.lines}
    counted = [replace(one, sent=made[one.sent.line_id]) for one in counted]
    leaving = sum((rules.gross_leaving(trade.line(pk), qty) for pk, qty in come.items()), ZERO)
    record_come(trade, come, actor=actor)
    record_shipped(trade, come, actor=actor)
    receipt = Receipt(shipment_id=parcel.id, note=note.strip())
    way = (parcel.place_id, arrival.places[trade.seller_id, "TRANSIT"])
    moves = tuple(MoveSpec(trade.line(pk).product_id, qty, *way, pk, lots=lots.get(pk, ())) for pk, qty in come.items())
    return receive(trade, replace(arrival, moves=moves, shifts=(("ordered", "shipped", leaving),)), counted, receipt, actor)


def _arrive(trade: Trade, come: Mapping[int, Decimal], delivery_note: str, actor: Actor) -> Parcel:
    """The shipment of what came: it left the seller's place outside, and is at the door at once."""
    (load,) = plan.loads_of([trade], plan.lock_parcels([trade.id]))
    outside = ensure_places(trade.seller_id, actor=actor)["OUTSIDE"]
    plan.create([(load, outside, come)], Stage(State.SHIPPED, clock.now(), tracking=delivery_note, shipped_by=actor.user_id))
    return load.parcels[-1]


def _check_lots(trade: Trade, come: Mapping[int, Decimal], lots: Lots) -> None:
    """Whoever brings goods of a tracked product names their lots, and nobody names one of another. One statement."""
    tracked = unscoped_known_products([trade.line(pk).product_id for pk in come])
    faults = [Fault("fulfilment.unknown_line", f"lines.{pk}") for pk in lots if pk not in come]
    for pk in come:
        by_lot = tracked[trade.line(pk).product_id]
        if by_lot != bool(lots.get(pk)):
            faults.append(Fault("inventory.lot_missing" if by_lot else "inventory.lot_untracked", f"lines.{pk}.lots"))
    raise_if_any(faults, Invalid)
