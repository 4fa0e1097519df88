"""Confirming: credit held and stock reserved in the same transaction, all of it or none, and every refusal of both at once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import emit, record
from qudao.base.db import run
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.funds.actions import hold
from qudao.inventory.actions import Demand, reserve
from qudao.inventory.queries import Supply, unscoped_supply
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Refused, raise_if_any
from qudao.orders import rules
from qudao.orders.events import OrderConfirmed
from qudao.orders.models import Line, Order
from qudao.orders.states import Allocation, Approval, Credit

#: a line to hold stock for: (line id, line no, product id, quantity)
Held = tuple[int, int, int, Decimal]


def hold_and_reserve(subject: Subject, agreement_id: int, place_id: int, gross: Decimal, lines: Sequence[Held], *, actor: Actor) -> None:
    """Hold credit for `gross` and reserve `lines`. Raises Refused with every fault of both."""
    faults: list[Fault] = []
    try:
        hold(agreement_id, gross, subject, actor=actor)
    except Refused as refusal:
        faults += refusal.faults
    try:
        reserve([Demand(place_id, product_id, qty, line_id) for line_id, _no, product_id, qty in lines], subject, actor=actor)
    except Refused as refusal:
        faults += at_lines(refusal.faults, lines)
    raise_if_any(faults)


def confirm_waiting(order: Order, *, reason: str = "", approved: bool = False, actor: Actor) -> None:
    """Confirm a locked order that was in review or on hold: credit held, stock reserved, promised and told. Raises Refused with every fault of both."""
    lines = list(Line.unscoped.filter(order=order).order_by("no").values_list("id", "no", "product_id", "qty"))
    hold_and_reserve(order.subject, order.agreement_id, order.place_id, order.gross, lines, actor=actor)
    tell_confirmed(order, unscoped_supply(order.agreement_id), reason=reason, approved=approved, actor=actor)


def tell_confirmed(order: Order, supply: Supply, *, reason: str = "", approved: bool = False, actor: Actor) -> None:
    """Write and tell that a locked order is confirmed, whose credit is held and whose stock is reserved."""
    status = rules.next_status(order.status, "confirm")
    order.promised_on = supply.leaves_on(order.requested_on)
    run("UPDATE orders_line SET promised_on = %s WHERE order_id = %s", (order.promised_on, order.pk))
    before, since = order.status, order.state_since
    order.status, order.credit, order.allocation, order.state_since = status, Credit.PASS, Allocation.FULL, clock.now()
    if approved:
        order.approval = Approval.APPROVED
    order.save(update_fields=["status", "approval", "credit", "allocation", "state_since", "promised_on"])
    record(order.subject, before=before, after=order.status, reason=reason, since=since)
    emit(OrderConfirmed(order.pk, order.number or "", order.seller_id, order.buyer_id, order.gross, order.currency), order.subject)
    notify("orders.confirmed", order.subject, org_id=order.buyer_id, verb="orders.view", except_user=actor.user_id, number=order.number)


def at_lines(faults: Sequence[Fault], lines: Sequence[Held]) -> list[Fault]:
    """Faults of stock carry the line's id; people count lines from 1."""
    number = {str(line_id): no for line_id, no, _product, _qty in lines}
    placed = []
    for fault in faults:
        head, _, ref = fault.field.partition(".")
        ref, _, rest = ref.partition(".")
        at = f"lines.{number[ref]}.{rest or 'qty'}" if head == "lines" and ref in number else fault.field
        placed.append(Fault(fault.code, at, {**fault.params, "no": number.get(ref, 0)}))
    return placed
