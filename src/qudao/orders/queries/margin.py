"""What an order brings its seller beyond the cost of its goods."""

from __future__ import annotations

from decimal import Decimal

from qudao.base.access import Actor
from qudao.catalog.queries import unscoped_costs
from qudao.catalog.rules import Margin, margin
from qudao.kernel import clock
from qudao.kernel.money import ZERO, round_to
from qudao.orders.models import Line, Order
from qudao.pricing.queries import unscoped_rate


def margin_of(actor: Actor, order: Order) -> Margin | None:
    """The margin of an order by the costs its seller kept on the day of the order, for its seller's own people with the grant; None for everybody else.

    What was given up counts neither way. A cost in another currency counts by the seller's rate of that day; without one it is not known.
    Two statements, one more for each other currency.
    """
    if actor.org_id != order.seller_id or not actor.sees("trade.margin"):
        return None
    found = Line.unscoped.filter(order=order).values_list("product_id", "qty", "given_up", "net")
    sold = [(product, qty - gone, round_to(net * (qty - gone) / qty, 2)) for product, qty, gone, net in found if qty > gone]
    day = order.ordered_on or clock.today()
    costs: dict[int, Decimal] = {}
    rates: dict[str, Decimal] = {order.currency: Decimal(1)}
    for product, (amount, currency) in unscoped_costs(order.seller_id, [one[0] for one in sold], day).items():
        if currency not in rates:
            rate = unscoped_rate(order.seller_id, currency, order.currency, day)
            rates[currency] = rate.rate if rate else ZERO
        if rates[currency]:
            costs[product] = amount * rates[currency]
    return margin(sold, costs)
