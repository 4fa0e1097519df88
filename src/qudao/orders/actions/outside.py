"""A purchase from a seller that has nobody here: what it confirmed, and what came of it. Its buyer writes both down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, part, record
from qudao.base.db import run
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.orders.models import Order
from qudao.orders.queries import Trade
from qudao.orders.states import Status

COME = "UPDATE orders_line l SET backordered = l.backordered - d.qty FROM unnest(%s::bigint[], %s::numeric[]) d(id, qty) WHERE l.id = d.id"


@action("orders.confirm_purchase")
def confirm_purchase(order_id: int, promised_on: date, seller_number: str = "", *, note: str = "", actor: Actor) -> Order:
    """Write down that the outside seller of a final order confirmed it: for which day its goods are promised, and under which number of its own.

    What is still to come is expected on that day. May be repeated when the seller names another day. Locks the order; tells the buyer's people.
    Raises Invalid for a day that has passed, Refused orders.not_outside for any other order.
    """
    get_visible(actor, Order, order_id, "orders.confirm_purchase")
    order = lock_one(Order, order_id, rank=Rank.ORDER)
    if not order.outside or order.status not in (Status.CONFIRMED, Status.IN_FULFILMENT):
        raise Refused("orders.not_outside")
    if promised_on < clock.today():
        raise Invalid("orders.date_passed", field="promised_on", day=promised_on)
    before, number = order.promised_on, seller_number.strip() or order.seller_number
    if (before, order.seller_number) == (promised_on, number):
        return order
    order.promised_on, order.seller_number = promised_on, number
    order.save(update_fields=["promised_on", "seller_number"])
    run("UPDATE orders_line SET promised_on = %s WHERE order_id = %s AND backordered > 0", (promised_on, order.pk))
    detail = {"promised_on": [str(before or ""), str(promised_on)], "seller_number": number}
    record(order.subject, after="acknowledged", reason=note.strip(), detail=detail)
    told: dict[str, Any] = {"number": order.number or "", "day": promised_on.isoformat()}
    notify("orders.acknowledged", order.subject, org_id=order.buyer_id, verb="orders.view", except_user=actor.user_id, **told)
    return order


@part
def record_come(trade: Trade, quantities: Mapping[int, Decimal], *, actor: Actor) -> None:
    """Goods of a locked outside purchase are here: line id → quantity that no longer is waited for. The caller tells that they were shipped and
    received.
    """
    run(COME, (list(quantities), list(quantities.values())))
    for line_id, qty in quantities.items():
        trade.line(line_id).backordered -= qty
