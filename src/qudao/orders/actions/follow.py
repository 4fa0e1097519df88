"""What upper modules tell an order: picked, shipped, received, invoiced, paid.

The caller locks the trade first (`lock_trades`): documents before money and goods.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
def lock_trades(order_ids: Iterable[int], *, also: str = "", actor: Actor) -> list[Trade]:
    """Lock orders in id order and return them fresh with their lines. One statement, which asks the condition `also`. NotFound when one is missing."""
    note_rank(Rank.ORDER)
    return unscoped_trades(order_ids, lock=True, also=also)


@part
def record_picking(trade: Trade, *, actor: Actor) -> None:
    """The warehouse has begun: the order is in fulfilment and can no longer be cancelled as a whole."""
    _move(trade, "start_pick")
    trade.fulfilment = rules.fulfilment_of(trade.lines, picking=True)
    save_trade(trade)


@part
def record_pick_undone(trade: Trade, *, actor: Actor) -> None:
    """Picking was given up; when nothing was shipped before, the order is as confirmed again."""
    if not any(x.shipped for x in trade.lines):
        _move(trade, "undo_pick")
        run(KEPT_AGAIN, (clock.today(), trade.id))
    trade.fulfilment = rules.fulfilment_of(trade.lines, picking=False)
    save_trade(trade)


#: an order with a last day that nobody picks any more is kept from today on
KEPT_AGAIN = """UPDATE orders_order o SET reserved_until = greatest(o.reserved_until, %s + coalesce(s.reserve_days, 1)), until_told = false
    FROM inventory_supplyplace s WHERE s.agreement_id = o.agreement_id AND o.reserved_until IS NOT NULL AND o.id = %s"""


@part
def record_shipped(trade: Trade, quantities: Mapping[int, Decimal], *, actor: Actor) -> None:
    """Goods left: line id → quantity now shipped. Refused when a line would ship more than was ordered."""
    _shipped(trade, quantities)
    save_trade(trade, quantities)


@part
def record_all_shipped(shipped: Sequence[tuple[Trade, Mapping[int, Decimal]]], *, actor: Actor) -> None:
    """`record_shipped` for the orders of a batch, each named once. One statement for all."""
    for trade, quantities in shipped:
        _shipped(trade, quantities)
    _save_all(shipped)


def _shipped(trade: Trade, quantities: Mapping[int, Decimal]) -> None:
    _move(trade, "ship")
    faults = []
    for line_id, qty in quantities.items():
        line = trade.line(line_id)
        line.shipped += qty
        if line.shipped > line.wanted or qty < 0:
            faults.append(Fault("orders.more_than_ordered", f"lines.{line.no}", {"no": line.no}))
    raise_if_any(faults)
    trade.fulfilment = rules.fulfilment_of(trade.lines, picking=False)


@part
def record_received(trade: Trade, quantities: Mapping[int, tuple[Decimal, Decimal]], *, actor: Actor) -> None:
    """Goods arrived: line id → (received well, settled as difference). Emits OrderDelivered when nothing is left to come."""
    _received(trade, quantities)
    save_trade(trade, quantities)


@part
def record_all_received(received: Sequence[tuple[Trade, Mapping[int, tuple[Decimal, Decimal]]]], *, actor: Actor) -> None:
    """`record_received` for the orders of a batch, each named once. One statement for all."""
    for trade, quantities in received:
        _received(trade, quantities)
    _save_all(received)


def _received(trade: Trade, quantities: Mapping[int, tuple[Decimal, Decimal]]) -> None:
    if trade.status != Status.CLOSED_SHORT:
        _move(trade, "receive")
    for line_id, (received, short) in quantities.items():
        line = trade.line(line_id)
        line.received += received
        line.settled_short += short
    trade.fulfilment = rules.fulfilment_of(trade.lines, picking=False)
    trade.billing = rules.billing_of(trade.lines)
    if trade.status == Status.IN_FULFILMENT and all(x.received + x.settled_short >= x.wanted for x in trade.lines):
        _move(trade, "all_received")
        emit(OrderDelivered(trade.id), trade.subject)
    _close_if_done(trade)


@part
def record_invoiced(trade: Trade, quantities: Mapping[int, Decimal], gross: Decimal, *, actor: Actor) -> None:
    """An invoice took line id → quantity, `gross` in all."""
    _invoiced(trade, quantities, gross)
    save_trade(trade, quantities)


@part
def record_all_invoiced(invoiced: Sequence[tuple[Trade, Mapping[int, Decimal], Decimal]], *, actor: Actor) -> None:
    """`record_invoiced` for the orders of a batch, each named once; an invoice over nothing is paid at once. One statement for all."""
    for trade, quantities, gross in invoiced:
        _invoiced(trade, quantities, gross)
        if not gross:
            _close_if_done(trade)
    _save_all([(trade, quantities) for trade, quantities, _gross in invoiced])


def _invoiced(trade: Trade, quantities: Mapping[int, Decimal], gross: Decimal) -> None:
    for line_id, qty in quantities.items():
        trade.line(line_id).invoiced += qty
    trade.invoiced += gross
    trade.billing = rules.billing_of(trade.lines)
    trade.payment = rules.payment_of(trade.billing, trade.invoiced, trade.paid)


@part
def record_paid(trade: Trade, amount: Decimal, *, actor: Actor) -> None:
    """Invoices of this order were paid by `amount`. A delivered order that is invoiced and paid in full closes. Emits OrderClosed then."""
    _paid(trade, amount)
    save_trade(trade)


@part
def record_all_paid(paid: Sequence[tuple[Trade, Decimal]], *, actor: Actor) -> None:
    """`record_paid` for the orders of a batch, each named once. One statement for all."""
    for trade, amount in paid:
        _paid(trade, amount)
    _save_all([(trade, ()) for trade, _amount in paid])


@part
def record_unpaid(trade: Trade, amount: Decimal, *, actor: Actor) -> None:
    """`amount` that paid invoices of this order was taken back; a settled order is delivered and waits for money again."""
    trade.paid -= amount
    trade.payment = rules.payment_of(trade.billing, trade.invoiced, trade.paid)
    if trade.status == Status.CLOSED:
        _move(trade, "unpay")
    save_trade(trade)


def _paid(trade: Trade, amount: Decimal) -> None:
    trade.paid += amount
    if trade.paid > trade.invoiced or amount < ZERO:
        raise Refused("orders.changed")
    trade.payment = rules.payment_of(trade.billing, trade.invoiced, trade.paid)
    _close_if_done(trade)


def _move(trade: Trade, event: str) -> None:
    """Take an arrow of the table; a change of state is a line of the log with the time spent in the state left."""
    before, since = trade.status, trade.state_since
    trade.status = rules.next_status(before, event)
    if trade.status != before:
        record(trade.subject, before=before, after=trade.status, since=since)
        trade.state_since = clock.now()


def _close_if_done(trade: Trade) -> None:
    if trade.status == Status.DELIVERED and trade.billing == Billing.FULL and trade.payment == Payment.PAID:
        _move(trade, "close")
        emit(OrderClosed(trade.id), trade.subject)


COUNTERS = """UPDATE orders_line l SET shipped = d.shipped, received = d.received, settled_short = d.short, invoiced = d.invoiced
    FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) AS d(id, shipped, received, short, invoiced)
    WHERE l.id = d.id"""
HEAD = """UPDATE orders_order SET status = %s, fulfilment = %s, billing = %s, payment = %s, invoiced = %s, paid = %s, state_since = %s
    WHERE id = %s"""


HEADS = """UPDATE orders_order o SET status = d.status, fulfilment = d.fulfilment, billing = d.billing, payment = d.payment, invoiced = d.invoiced,
        paid = d.paid, state_since = d.since
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::numeric[], %s::numeric[], %s::timestamptz[], %s::bigint[])
        d(status, fulfilment, billing, payment, invoiced, paid, since, id)
    WHERE o.id = d.id"""


def _save_all(saved: Sequence[tuple[Trade, Iterable[int]]]) -> None:
    """Write the heads of many orders and the counters of their touched lines, in one statement."""
    if not saved:
        return
    heads = [(t.status, t.fulfilment, t.billing, t.payment, t.invoiced, t.paid, t.state_since, t.id) for t, _touched in saved]
    head = [list(column) for column in zip(*heads, strict=True)]
    lines = [trade.line(i) for trade, touched in saved for i in touched]
    counters = ([x.id for x in lines], [x.shipped for x in lines], [x.received for x in lines], [x.settled_short for x in lines])
    if lines:
        run(f"WITH counted AS ({COUNTERS}) {HEADS}", (*counters, [x.invoiced for x in lines], *head))
    else:
        run(HEADS, head)


def save_trade(trade: Trade, touched: Iterable[int] = ()) -> None:
    """Write the order's head and the counters of the touched lines, in one statement."""
    head = (trade.status, trade.fulfilment, trade.billing, trade.payment, trade.invoiced, trade.paid, trade.state_since, trade.id)
    lines = [trade.line(i) for i in touched]
    if not lines:
        run(HEAD, head)
        return
    counters = ([x.id for x in lines], [x.shipped for x in lines], [x.received for x in lines], [x.settled_short for x in lines])
    run(f"WITH counted AS ({COUNTERS}) {HEAD}", (*counters, [x.invoiced for x in lines], *head))
