"""What upper modules tell an order: picked, shipped, received, invoiced, paid.

The caller locks the trade first (`lock_trades`): documents before money and goods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import emit, part, record
from qudao.base.db import run
from qudao.base.lock import Rank, note_rank
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders import rules
from qudao.orders.events import OrderClosed, OrderDelivered
from qudao.orders.queries import Trade, unscoped_trades
from qudao.orders.states import Billing, Payment, Status


@part
def lock_trades(order_ids: Iterable[int], *, actor: Actor) -> list[Trade]:
    """Lock orders in id order and return them fresh with their lines. One statement. NotFound when one is missing."""
    note_rank(Rank.ORDER)
    return unscoped_trades(order_ids, lock=True)


@part
def record_picking(trade: Trade, *, actor: Actor) -> None:
    """The warehouse has begun: the order is in fulfilment and can no longer be cancelled as a whole."""
    status = rules.next_status(trade.status, "start_pick")
    _save(trade, status, rules.fulfilment_of(trade.lines, picking=True), actor)


@part
def record_pick_undone(trade: Trade, *, actor: Actor) -> None:
    """Picking was given up; when nothing was shipped before, the order is as confirmed again."""
    shipped = any(x.shipped for x in trade.lines)
    status = trade.status if shipped else rules.next_status(trade.status, "undo_pick")
    _save(trade, status, rules.fulfilment_of(trade.lines, picking=False), actor)


@part
def record_shipped(trade: Trade, quantities: Mapping[int, Decimal], *, actor: Actor) -> None:
    """Goods left: line id → quantity now shipped. Refused when a line would ship more than was ordered."""
    status = rules.next_status(trade.status, "ship")
    faults = []
    for line_id, qty in quantities.items():
        line = trade.line(line_id)
        line.shipped += qty
        if line.shipped > line.wanted or qty < 0:
            faults.append(Fault("orders.more_than_ordered", f"lines.{line.no}", {"no": line.no}))
    raise_if_any(faults)
    _save_lines(trade, quantities)
    _save(trade, status, rules.fulfilment_of(trade.lines, picking=False), actor)


@part
def record_received(trade: Trade, quantities: Mapping[int, tuple[Decimal, Decimal]], *, actor: Actor) -> None:
    """Goods arrived: line id → (received well, settled as difference). Emits OrderDelivered when nothing is left to come."""
    status = rules.next_status(trade.status, "receive") if trade.status != Status.CLOSED_SHORT else trade.status
    for line_id, (received, short) in quantities.items():
        line = trade.line(line_id)
        line.received += received
        line.settled_short += short
    _save_lines(trade, quantities)
    fulfilment = rules.fulfilment_of(trade.lines, picking=False)
    billing = rules.billing_of(trade.lines)
    delivered = status == Status.IN_FULFILMENT and all(x.received + x.settled_short >= x.wanted for x in trade.lines)
    if delivered:
        status = rules.next_status(status, "all_received")
        emit(OrderDelivered(trade.id), trade.subject)
    trade.billing = billing
    _save(trade, status, fulfilment, actor)
    _close_if_done(trade, actor)


@part
def record_invoiced(trade: Trade, quantities: Mapping[int, Decimal], gross: Decimal, *, actor: Actor) -> None:
    """An invoice took line id → quantity, `gross` in all."""
    for line_id, qty in quantities.items():
        trade.line(line_id).invoiced += qty
    _save_lines(trade, quantities)
    trade.invoiced += gross
    trade.billing = rules.billing_of(trade.lines)
    trade.payment = rules.payment_of(trade.billing, trade.invoiced, trade.paid)
    run("UPDATE orders_order SET invoiced = %s, billing = %s, payment = %s WHERE id = %s", (trade.invoiced, trade.billing, trade.payment, trade.id))


@part
def record_paid(trade: Trade, amount: Decimal, *, actor: Actor) -> None:
    """Invoices of this order were paid by `amount`. A delivered order that is invoiced and paid in full closes. Emits OrderClosed then."""
    trade.paid += amount
    if trade.paid > trade.invoiced or amount < ZERO:
        raise Refused("orders.changed")
    trade.payment = rules.payment_of(trade.billing, trade.invoiced, trade.paid)
    run("UPDATE orders_order SET paid = %s, payment = %s WHERE id = %s", (trade.paid, trade.payment, trade.id))
    _close_if_done(trade, actor)


def _close_if_done(trade: Trade, actor: Actor) -> None:
    if trade.status == Status.DELIVERED and trade.billing == Billing.FULL and trade.payment == Payment.PAID:
        emit(OrderClosed(trade.id), trade.subject)
        _save(trade, rules.next_status(trade.status, "close"), trade.fulfilment, actor)


def _save_lines(trade: Trade, touched: Iterable[int]) -> None:
    """Write the counters of the touched lines in one statement."""
    lines = [trade.line(i) for i in touched]
    run(
        """UPDATE orders_line l SET shipped = d.shipped, received = d.received, settled_short = d.short, invoiced = d.invoiced
           FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS d(id, shipped, received, short, invoiced)
           WHERE l.id = d.id""",
        (
            [x.id for x in lines],
            [x.shipped for x in lines],
            [x.received for x in lines],
            [x.settled_short for x in lines],
            [x.invoiced for x in lines],
        ),
    )


def _save(trade: Trade, status: str, fulfilment: str, actor: Actor) -> None:
    """Write the order's state; a change of status is a line of the log with the time spent in the state left."""
    changed = status != trade.status
    now = clock.now()
    run(
        "UPDATE orders_order SET status = %s, fulfilment = %s, billing = %s, state_since = %s WHERE id = %s",
        (status, fulfilment, trade.billing, now if changed else trade.state_since, trade.id),
    )
    if changed:
        record(trade.subject, before=trade.status, after=status, since=trade.state_since)
        trade.state_since = now
    trade.status, trade.fulfilment = status, fulfilment
