"""Goods kept for an order that nobody begins to pick: both sides are told the day before, then they are free; the seller keeps them for longer.

An order whose goods went back waits for none, so that it never takes them from those who do; it asks again only when somebody says so.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.inventory.actions import Demand, open_shelves, promise, release, stop_waiting
from qudao.inventory.queries import unscoped_supply
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.kernel.money import ZERO
from qudao.orders import rules
from qudao.orders.events import OrderLapsed, OrderRefilled
from qudao.orders.models import Order
from qudao.orders.states import Allocation, Status

#: the most days ahead that goods can be kept by hand
MOST_DAYS = 365
FREE = """UPDATE orders_line SET backordered = qty - given_up - shipped, promised_on = NULL
    WHERE order_id = %s AND qty > given_up + shipped RETURNING product_id"""
AGAIN = """UPDATE orders_line l SET backordered = d.waits, promised_on = CASE WHEN d.waits = 0 THEN d.day END
    FROM unnest(%s::bigint[], %s::numeric[], %s::date[]) d(id, waits, day) WHERE l.id = d.id"""
KEPT = ["allocation", "waits_since", "promised_on", "reserved_until", "until_told"]


@action("orders.lapse")
def watch_reserved(order_id: int, *, actor: Actor) -> Order:
    """On the last day tell both sides of an order that nobody has begun to pick; when that is over, free its goods. Convergent.

    Nothing is freed of which the two were not told a day before, nor while a change of the order waits for approval. Locks order, stock.
    Emits OrderLapsed, and GoodsFree where somebody waits.
    """
    order = lock_one(Order, order_id, rank=Rank.ORDER)
    today = clock.today()
    if order.status != Status.CONFIRMED or order.reserved_until is None or order.reserved_until > today or rules.change_waits(order):
        return order
    if order.allocation not in (Allocation.FULL, Allocation.PARTIAL):  # a change left nothing reserved
        order.reserved_until, order.until_told = None, False
        order.save(update_fields=KEPT)
    elif not order.until_told:
        order.reserved_until, order.until_told = today, True
        order.save(update_fields=KEPT)
        _tell(order, "orders.runs_out", day=today.isoformat())
    elif order.reserved_until < today:
        _free(order, actor)
    return order


def _free(order: Order, actor: Actor) -> None:
    """Give the goods of a locked order back, and its place in the queue; the others who wait are served."""
    waited = order.waits_since is not None
    products = [product for (product,) in rows(FREE, (order.pk,))]
    order.allocation, order.waits_since, order.promised_on = Allocation.LAPSED, None, None
    order.reserved_until, order.until_told = None, False
    order.save(update_fields=KEPT)
    release(order.subject, actor=actor)
    if waited:
        stop_waiting([(place, product) for product in products for place in (order.place_id, *order.serving)], order.subject, actor=actor)
    record(order.subject, detail={"lines": len(products)})
    emit(OrderLapsed(order.pk), order.subject)
    _tell(order, "orders.ran_out")


def _tell(order: Order, code: str, **said: Any) -> None:
    """Both sides: the seller's people who can keep the goods, the buyer's who see the order."""
    for org_id, verb in ((order.seller_id, "orders.keep"), (order.buyer_id, "orders.view")):
        notify(code, order.subject, org_id=org_id, verb=verb, number=order.number, **said)


@action("orders.keep")
def keep_goods(order_id: int, until: date, *, reason: str = "", actor: Actor) -> Order:
    """Keep the goods of an order that nobody has begun to pick until a later day; reserve them again where they went back. The seller's alone.

    What somebody else has meanwhile is waited for, at the end of the queue. Locks order, stock. Tells the buyer; emits OrderRefilled when reserved
    again. Raises Invalid orders.keep_longer, Refused orders.not_limited.
    """
    get_visible(actor, Order, order_id, "orders.keep")
    order = lock_one(Order, order_id, rank=Rank.ORDER)
    rules.next_status(order.status, "keep")
    if not rules.may_keep(order):
        raise Refused("orders.not_limited")
    today = clock.today()
    after = order.reserved_until or today - timedelta(days=1)
    if not after < until <= today + timedelta(days=MOST_DAYS):
        raise Invalid("orders.keep_longer", field="until", day=after)
    order.reserved_until, order.until_told = until, False
    again = order.allocation == Allocation.LAPSED
    if again:
        _reserve_again(order, actor)
    order.save(update_fields=KEPT)
    record(order.subject, reason=reason.strip(), detail={"until": until.isoformat(), "again": again})
    if again:
        emit(OrderRefilled(order.pk), order.subject)
    if order.reserved_until:
        notify("orders.kept", order.subject, org_id=order.buyer_id, verb="orders.view", number=order.number, day=until.isoformat())
    return order


def _reserve_again(order: Order, actor: Actor) -> None:
    """Reserve what is there of a locked order's lines and wait for the rest, behind all who wait."""
    lines = rows("SELECT id, product_id, backordered FROM orders_line WHERE order_id = %s AND backordered > 0 ORDER BY no", (order.pk,))
    demands = [Demand(order.place_id, product, qty, pk, order.serving, order.splits) for pk, product, qty in lines]
    shelves = open_shelves(demands, actor=actor)
    lacks = shelves.serve(demands, order.subject, wait=True)
    promise(shelves, actor=actor)
    supply = unscoped_supply(order.agreement_id, [product for _pk, product, _qty in lines])
    days = [supply.leaves_on(order.requested_on, product) for _pk, product, _qty in lines]
    run(AGAIN, ([pk for pk, _product, _qty in lines], [lacks.get(pk, ZERO) for pk, _product, _qty in lines], days))
    order.allocation = rules.allocation_of(sum((qty for _pk, _product, qty in lines), ZERO), sum(lacks.values(), ZERO))
    order.waits_since, order.promised_on = (clock.now(), None) if lacks else (None, max(days))
    if order.allocation == Allocation.BACKORDER:
        order.reserved_until = None
