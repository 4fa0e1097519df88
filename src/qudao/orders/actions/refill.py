"""Backorders: what was confirmed without goods is served when some come in, by the agreement's priority, then the oldest confirmed first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import rows, run
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.inventory.actions import Demand, open_shelves, refill, stop_waiting
from qudao.inventory.queries import unscoped_supplies
from qudao.kernel.money import ZERO
from qudao.orders import rules
from qudao.orders.actions.follow import lock_trades
from qudao.orders.events import OrderRefilled
from qudao.orders.models import Order
from qudao.orders.queries import Trade, unscoped_waiting

LINES = """UPDATE orders_line l SET backordered = d.waits, promised_on = coalesce(d.day, l.promised_on)
    FROM unnest(%s::bigint[], %s::numeric[], %s::date[]) d(id, waits, day) WHERE l.id = d.id"""
#: the day of an order that got everything is that of its last line
HEADS = """UPDATE orders_order o SET allocation = d.allocation, promised_on = CASE WHEN d.day IS NOT NULL THEN greatest(d.day,
            (SELECT max(l.promised_on) FROM orders_line l WHERE l.order_id = o.id AND l.qty > l.given_up + l.shipped)) END,
        waits_since = CASE WHEN d.day IS NULL THEN o.waits_since END, reserved_until = greatest(o.reserved_until, d.until),
        until_told = o.until_told AND greatest(o.reserved_until, d.until) = o.reserved_until
    FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[]) d(id, allocation, day, until) WHERE o.id = d.id
    RETURNING o.id, o.promised_on"""


@action("orders.refill")
def refill_orders(keys: Iterable[tuple[int, int]], *, actor: Actor) -> list[int]:
    """Give the goods that lie free at these (place, product) to the lines that wait for them; return the orders that got some. Convergent.

    Locks the orders, stock. Emits OrderRefilled of each, tells its buyer, and GoodsFree where somebody began to wait meanwhile and goods are left.
    """
    wanted = sorted(set(keys))
    trades = {trade.id: trade for trade in lock_trades({row.order_id for row in unscoped_waiting(wanted)}, actor=actor)}
    shelves = open_shelves([Demand(*key, Decimal(1), 0) for key in wanted], actor=actor, waiting=True)
    before = {line.id: line.backordered for trade in trades.values() for line in trade.lines}
    late: dict[tuple[int, int], Subject] = {}
    still = set[tuple[int, int]]()
    served: list[tuple[tuple[int, int], Subject]] = []
    # read again: who began to wait before the stock was locked is seen now
    for row in unscoped_waiting(wanted):
        key, trade = (row.place_id, row.product_id), trades.get(row.order_id)
        if trade is None:
            late[key] = row.subject
            continue
        line = trade.line(row.line_id)
        line.backordered = shelves.serve([Demand(*key, line.backordered, line.id)], trade.subject, wait=False).get(line.id, ZERO)
        if line.backordered:
            still.add(key)
        else:  # it waited at its other places too
            served += [((place, row.product_id), trade.subject) for place in trade.places if place != row.place_id]
    refill(shelves, still | late.keys(), actor=actor)
    for key, subject in served:
        stop_waiting([key], subject, actor=actor)
    for key, subject in late.items():
        if shelves.free.get(key, ZERO) > 0:
            stop_waiting([key], subject, actor=actor)
    touched = [trade for trade in trades.values() if any(line.backordered != before[line.id] for line in trade.lines)]
    _write(touched, before)
    return [trade.id for trade in touched]


def _write(trades: Sequence[Trade], before: Mapping[int, Decimal]) -> None:
    """Write what orders and lines got, when it leaves, and tell their buyers. Four statements for any number, none without any."""
    if not trades:
        return
    supplies = unscoped_supplies({trade.agreement_id for trade in trades}, {x.product_id for trade in trades for x in trade.lines})
    asked = dict(rows("SELECT id, requested_on FROM orders_order WHERE id = ANY(%s)", ([trade.id for trade in trades],)))
    lines: list[tuple[int, Decimal, date | None]] = []
    heads: list[tuple[int, str, date | None, date | None]] = []
    for trade in trades:
        supply, wanted = supplies[trade.agreement_id], asked[trade.id]
        got = [x for x in trade.lines if x.backordered != before[x.id]]
        lines += [(x.id, x.backordered, None if x.backordered else supply.leaves_on(wanted, x.product_id)) for x in got]
        waits = [x for x in trade.lines if x.backordered]
        products = [x.product_id for x in got]
        allocation = rules.allocation_of(sum((x.open for x in trade.lines), ZERO), sum((x.backordered for x in waits), ZERO))
        heads.append((trade.id, allocation, None if waits else supply.last_on(wanted, products), supply.reserved_until(wanted, products)))
    run(LINES, [list(column) for column in zip(*lines, strict=True)])
    days: dict[int, date | None] = dict(rows(HEADS, [list(column) for column in zip(*heads, strict=True)]))
    for trade in trades:
        _tell(trade, days[trade.id])


def _tell(trade: Trade, day: date | None) -> None:
    """Say that an order got goods: all it waited for, so that it leaves on a day, or some."""
    waits = sum(1 for x in trade.lines if x.backordered)
    record(trade.subject, detail={"lines": waits})
    emit(OrderRefilled(trade.id), trade.subject)
    said: dict[str, Any] = {"number": trade.number, **({"day": day.isoformat()} if day else {"lines": waits})}
    notify("orders.refilled" if day else "orders.refilled_in_part", trade.subject, org_id=trade.buyer_id, verb="orders.view", **said)


def end_waiting(order: Order, *, actor: Actor) -> None:
    """Lines of a locked order no longer wait for goods; who stands behind them is served instead. One statement."""
    found = rows(
        """UPDATE orders_line l SET backordered = 0 FROM (SELECT id FROM orders_line WHERE order_id = %s AND backordered > 0) d
           WHERE l.id = d.id RETURNING l.product_id""",
        (order.pk,),
    )
    stop_waiting([(place, product) for (product,) in found for place in (order.place_id, *order.serving)], order.subject, actor=actor)
