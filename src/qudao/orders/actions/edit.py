"""An order that is not final yet is submitted again, as it stands or changed: checked, priced and routed anew as of today.

A change while somebody must sign takes the question back: everybody signs what the order is now, or nobody does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from qudao.approvals import actions as approvals
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.kernel.errors import Invalid, Refused
from qudao.kernel.money import ZERO
from qudao.kernel.quantity import plain
from qudao.orders import rules
from qudao.orders.actions.place import RESUBMITTED, Priced, may_place, new_order, price_placing, route, write_lines
from qudao.orders.actions.refused import counted
from qudao.orders.events import OrderTakenBack
from qudao.orders.models import Line, Order
from qudao.orders.queries import unscoped_destination
from qudao.orders.rules import Destination, NewLine, Placing
from qudao.orders.states import Approval, Credit, Status

#: what is said in the head of an order
HEAD = ("requested_on", "po_number", "note", "kind", "short", "ship_name", "ship_phone", "ship_address")


@action("orders.place")
def submit_order(order_id: int, *, actor: Actor) -> Order:
    """Submit a draft again as it stands (one that was withdrawn or sent back): checked and priced anew as of today, then as in placing. Locks the order."""
    order = _lock(order_id, "submit", actor)
    lines = [NewLine(product, qty) for product, qty in Line.unscoped.filter(order=order).order_by("no").values_list("product_id", "qty")]
    head = (order.requested_on, order.po_number, order.note)
    placing = Placing(order.seller_id, order.buyer_id, lines, *head, short=order.short, kind=order.kind, currency=order.currency)
    placing = may_place(placing, actor)
    with counted(placing, actor):
        priced = price_placing(placing, _ship_of(order), actor)
        return _resubmit(order, _renewed(order, placing, priced, actor), priced, {"before": Status.DRAFT, "since": order.state_since}, actor)


@action("orders.place")
def edit_order(order_id: int, wanted: Placing, *, reason: str = "", actor: Actor) -> Order:
    """Change an order that is not final (a draft, in review, or waiting for credit) and submit it: lines, day, address, remark as `wanted` says; its
    two sides and its currency stay. Without an address it goes where it went.

    Locks order, approval request, funds, stock, the number series. In review the question is taken back, whoever has signed, and asked anew of
    all. Emits what placing emits; tells the other side and who signs. Raises Invalid and Refused as placing does, orders.illegal once it is final,
    orders.nothing_changed.
    """
    order = _lock(order_id, "edit", actor)
    if order.transfer:
        raise Refused("orders.transfer_fixed")
    sides: dict[str, Any] = {"seller_id": order.seller_id, "buyer_id": order.buyer_id, "currency": order.currency}
    wanted = may_place(replace(wanted, **sides), actor)
    before, since = order.status, order.state_since
    had = _by_code((line.product.code, line.qty) for line in Line.unscoped.filter(order=order).select_related("product").order_by("no"))
    if before == Status.IN_REVIEW:
        approvals.withdraw(order.subject, actor=actor, by_cancel=True)
    ship = _ship_of(order) if wanted.address_id is None else unscoped_destination(order.buyer_id, wanted.address_id)
    with counted(wanted, actor):
        priced = price_placing(wanted, ship, actor)
    fresh = _renewed(order, wanted, priced, actor)
    changes = _changes(had, _by_code((line.product_code, line.qty) for line in priced.lines))
    head = {name: [getattr(order, name), getattr(fresh, name)] for name in HEAD if getattr(order, name) != getattr(fresh, name)}
    if not changes and not head and before != Status.DRAFT:
        raise Invalid("orders.nothing_changed", field="lines")
    order.approval, order.credit = Approval.NONE, Credit.NOT_NEEDED
    said = {"before": before, "since": since, "reason": reason.strip(), "detail": {"edited": changes, "head": head}}
    with counted(wanted, actor):
        _resubmit(order, fresh, priced, said, actor)
    told: dict[str, Any] = {"number": order.number, **({"changes": rules.told_changes(changes)} if changes else {})}
    code = "orders.edited" if changes else "orders.edited_head"
    other = order.seller_id if actor.org_id == order.buyer_id else order.buyer_id
    notify(code, order.subject, org_id=other, verb="orders.view", except_user=actor.user_id, **told)
    if order.house_id != other:
        notify(code, order.subject, org_id=order.house_id, verb="orders.approve", except_user=actor.user_id, **told)
    return order


def _lock(order_id: int, event: str, actor: Actor) -> Order:
    """The order, shown to the actor, then locked and read fresh, in a state in which `event` may happen."""
    get_visible(actor, Order, order_id, "orders.view")
    order = lock_one(Order, order_id, rank=Rank.ORDER)
    rules.next_status(order.status, event)
    return order


def _ship_of(order: Order) -> Destination:
    return Destination(order.ship_name, order.ship_phone, order.ship_address)


def _renewed(order: Order, placing: Placing, priced: Priced, actor: Actor) -> Order:
    """The order as it would be placed now, not saved."""
    return new_order(placing, priced, actor, order.client_id)


def _resubmit(order: Order, fresh: Order, priced: Priced, said: Mapping[str, Any], actor: Actor) -> Order:
    """Let a locked order be what it would be if it were placed now, under its number, with its first placer."""
    Line.unscoped.filter(order=order).delete()
    if fresh.ordered_on != order.ordered_on:
        emit(OrderTakenBack(order.pk, order.seller_id, order.ordered_on), order.subject)
    for name in RESUBMITTED:
        setattr(order, name, getattr(fresh, name))
    return route(order, priced, write_lines(order, priced.lines, priced.supply), said, actor=actor)


def _by_code(lines: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """How much of each product."""
    found: dict[str, Decimal] = {}
    for code, qty in lines:
        found[code] = found.get(code, ZERO) + qty
    return found


def _changes(had: Mapping[str, Decimal], wants: Mapping[str, Decimal]) -> list[list[str]]:
    """[code, quantity before ("" = none), quantity now] of each product of which there is more or less."""
    codes = [code for code in {**had, **wants} if had.get(code, ZERO) != wants.get(code, ZERO)]
    return [[code, plain(had[code]) if code in had else "", plain(wants.get(code, ZERO))] for code in codes]
