"""What a change of prices would have made of the orders of the last months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.db import rows
from qudao.orders.states import Status
from qudao.pricing.models import PriceChange

#: orders that came to nothing
NOTHING = (Status.REJECTED, Status.CANCELLED)


@dataclass(frozen=True)
class Repriced:
    """Orders and lines whose price came from the changed list and break, what they cost at the time, and how much more (less) it would be."""

    orders: int
    lines: int
    amount: Decimal
    delta: Decimal


def repriced(actor: Actor, change: PriceChange, since: date) -> Repriced:
    """Price the own organisation's orders since a day again by the prices of a change that the actor was shown; those in the currency of the list. What a
    special price, another list or a larger break decided stays. One statement.
    """
    found = rows(
        """select count(distinct o.id), count(*), coalesce(sum(round(l.qty * l.unit_price, 2)), 0),
                  coalesce(sum(round(l.qty * c.amount, 2) - round(l.qty * l.unit_price, 2)), 0)
             from orders_order o join orders_line l on l.order_id = o.id
             join lateral (
               select c.amount, c.min_qty from pricing_changeline c
                where c.change_id = %s and c.product_id = l.product_id and c.min_qty <= l.qty order by c.min_qty desc limit 1) c on true
            where o.seller_id = %s and o.ordered_on >= %s and o.currency = %s and o.status <> all(%s) and l.price_source <> 'special'
              and l.price_steps -> 0 ->> 'code' = %s and (l.price_steps -> 0 ->> 'min_qty')::numeric <= c.min_qty""",
        [change.pk, actor.org_id, since, change.list.currency, [str(one) for one in NOTHING], change.list.code],
    )
    return Repriced(*found[0])
