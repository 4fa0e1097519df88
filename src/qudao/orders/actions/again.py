"""Sending again what did not reach its buyer: the lines are open once more, with goods and credit, at the prices they have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import emit, part, record
from qudao.base.db import rows, run
from qudao.funds.actions import open_desk, shift
from qudao.inventory.actions import Demand, open_shelves, promise
from qudao.inventory.queries import unscoped_supply
from qudao.kernel import clock
from qudao.kernel.errors import raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders import rules
from qudao.orders.actions.follow import save_trade
from qudao.orders.events import OrderRefilled
from qudao.orders.queries import Trade
from qudao.orders.states import Fulfilment

LINES = """UPDATE orders_line l SET backordered = l.backordered + d.waits, promised_on = CASE WHEN d.waits > 0 THEN NULL ELSE d.day END
    FROM unnest(%s::bigint[], %s::numeric[], %s::date[]) d(id, waits, day) WHERE l.id = d.id"""
HEAD = """UPDATE orders_order o SET allocation = CASE WHEN o.kind = 'external' THEN 'outside'
            WHEN s.waits = 0 THEN 'full' WHEN s.waits >= s.open THEN 'backorder' ELSE 'partial' END,
        reserved_until = NULL, until_told = false,
        waits_since = CASE WHEN s.waits > 0 AND o.kind <> 'external' THEN coalesce(o.waits_since, %s) END, promised_on = CASE WHEN s.waits = 0 THEN s.day END
    FROM (SELECT sum(qty - given_up - shipped) AS open, sum(backordered) AS waits, max(promised_on) FILTER (WHERE qty > given_up + shipped) AS day
          FROM orders_line WHERE order_id = %s) s WHERE o.id = %s"""


@part
def record_sent_again(trade: Trade, quantities: Mapping[int, Decimal], *, actor: Actor) -> None:
    """What was lost of lines (line id → quantity) of a locked trade is to be shipped once more; an order that was done is under way again.

    Goods that are not there are waited for. What stays invoiced uses no credit a second time. Locks funds, stock. Emits OrderRefilled, so that the
    warehouse plans it. Raises Refused where credit does not allow it.
    """
    ordered = shipped = ZERO
    for line_id, qty in quantities.items():
        more, moved = rules.credit_again(trade.line(line_id), qty)
        ordered, shipped = ordered + more, shipped + moved
    before, since = trade.status, trade.state_since
    for line_id, qty in quantities.items():
        line = trade.line(line_id)
        line.shipped, line.settled_short = line.shipped - qty, line.settled_short - qty
    picking = trade.fulfilment == Fulfilment.PICKING
    begun = picking or any(line.shipped for line in trade.lines)
    trade.status = rules.next_status(before, "again" if begun else "again_whole")
    trade.fulfilment = rules.fulfilment_of(trade.lines, picking)
    trade.billing = rules.billing_of(trade.lines)
    trade.payment = rules.payment_of(trade.billing, trade.invoiced, trade.paid)
    if trade.status != before:
        trade.state_since = clock.now()
    save_trade(trade, quantities)
    _credit(trade, ordered, shipped, quantities, actor)
    _goods(trade, quantities, actor)
    run(HEAD, (clock.now(), trade.id, trade.id))
    record(trade.subject, before=before, after="sent_again", since=since)
    emit(OrderRefilled(trade.id), trade.subject)


def _credit(trade: Trade, ordered: Decimal, shipped: Decimal, lines: Iterable[int], actor: Actor) -> None:
    """Use credit once more for what will be invoiced; the rest only goes back from shipped to ordered."""
    desk = open_desk([trade.agreement_id], actor=actor)
    if ordered + shipped > 0:
        raise_if_any(desk.faults(trade.agreement_id, ordered + shipped, ((x.id, x.product_id, rules.use_of(x)) for x in map(trade.line, lines))))
    moves = [(None, "ordered", ordered), (None, "shipped", shipped) if shipped > 0 else ("shipped", None, -shipped)]
    if any(amount for _from, _to, amount in moves):
        shift(trade.agreement_id, [move for move in moves if move[2]], trade.subject, actor=actor)


def _goods(trade: Trade, quantities: Mapping[int, Decimal], actor: Actor) -> None:
    """Reserve what is there, wait for the rest. Goods from outside are only waited for."""
    ((asked,),) = rows("SELECT requested_on FROM orders_order WHERE id = %s", (trade.id,))
    products = [trade.line(pk).product_id for pk in quantities]
    supply = unscoped_supply(trade.agreement_id, products)
    days = [supply.leaves_on(asked, product) for product in products]
    if trade.outside:
        run(LINES, (list(quantities), list(quantities.values()), days))
        return
    demands = [Demand(trade.place_id, trade.line(pk).product_id, qty, pk, trade.places[1:], trade.splits) for pk, qty in quantities.items()]
    shelves = open_shelves(demands, actor=actor)
    lacks = shelves.serve(demands, trade.subject, wait=True)
    promise(shelves, actor=actor, more=True)
    run(LINES, (list(quantities), [lacks.get(pk, ZERO) for pk in quantities], days))
