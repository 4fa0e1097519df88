"""Decisions on a placed order: approve, reject, send back, withdraw, cancel, give up the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from qudao.approvals import actions as approvals
from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, emit, record
from qudao.base.db import run
from qudao.base.files import keep
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.notify import notify
from qudao.base.work import attempt
from qudao.funds.actions import grant, open_desk, shift
from qudao.inventory.actions import open_shelves, promise, release, stop_waiting
from qudao.inventory.queries import unscoped_supplies
from qudao.inventory.states import Short
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused
from qudao.orders import rules
from qudao.orders.actions.amend import forget_asked, settle_asked
from qudao.orders.actions.confirm import Got, claim_of, confirm_waiting, take_what_is_there, tell_confirmed
from qudao.orders.actions.follow import lock_trades
from qudao.orders.actions.refill import end_waiting
from qudao.orders.events import OrderCancelled, OrderRejected, OrderTakenBack
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_destination, unscoped_to_hold
from qudao.orders.rules import Destination
from qudao.orders.states import BEGUN, Allocation, Approval, Credit, Fulfilment, Status
from qudao.quotas.actions import draw, give_back, open_ration


def _lock(order_id: int, verb: str, actor: Actor) -> Order:
    """The order, shown to the actor, its verb checked, then locked and read fresh."""
    get_visible(actor, Order, order_id, verb)
    return lock_one(Order, order_id, rank=Rank.ORDER)


def _reason(reason: str) -> str:
    if not reason.strip():
        raise Invalid("orders.reason_needed", field="reason")
    return reason.strip()


def _refuse_transfer(order: Order) -> None:
    """A transfer becomes no draft: neither of its sides began it."""
    if order.transfer:
        raise Refused("orders.transfer_fixed")


@action("orders.approve")
def approve_order(order_id: int, *, reason: str = "", may_wait: bool = False, short: str = "", seen: int = 0, actor: Actor) -> Order:
    """Sign the approval that waits; after the last signature hold credit, reserve stock and confirm, all in one transaction. A transfer is accepted so
    by who gives the goods, with one signature.

    `may_wait`: when only credit is missing, the signature counts and the order waits for credit. `short`: what becomes of it when there is not
    enough (`inventory.states.Short`), instead of what it was placed with. `seen`: the approval request (id) that was looked at; nothing is signed
    when the order was changed since. Locks order, approval request, funds, stock.
    Emits OrderConfirmed. Raises Refused when credit or stock is short: the order then stays in review.
    """
    order = _lock(order_id, "orders.approve", actor)
    if rules.change_waits(order):
        signed = approvals.sign(order.subject, "approve", reason, seen=seen, actor=actor)
        return settle_asked(order, True, reason=reason, actor=actor) if signed.state == "approved" else _signed(order, reason)
    rules.next_status(order.status, "confirm")
    if order.status == Status.SUBMITTED:
        raise Refused("orders.nothing_to_sign")
    if short and short not in Short.values:
        raise Invalid("orders.short_unknown", field="short")
    order.short = short or order.short
    if not order.transfer and approvals.sign(order.subject, "approve", reason, seen=seen, actor=actor).state != "approved":
        order.save(update_fields=["short"])
        return _signed(order, reason)
    try:
        attempt(lambda: confirm_waiting(order, reason=reason, approved=True, actor=actor))
    except Refused as refusal:
        if not (may_wait and rules.lacks_credit(refusal.faults)):
            raise
        before, since = order.status, order.state_since
        order.status, order.approval, order.credit, order.state_since = rules.next_status(before, "hold"), Approval.APPROVED, Credit.HOLD, clock.now()
        order.save(update_fields=["status", "approval", "credit", "state_since", "short"])
        record(order.subject, before=before, after=order.status, reason=reason, since=since)
        notify("orders.on_hold", order.subject, org_id=order.buyer_id, verb="orders.view", except_user=actor.user_id, number=order.number)
    return order


def _signed(order: Order, reason: str) -> Order:
    """One of several signatures is there."""
    record(order.subject, before=order.status, after=order.status, reason=reason)
    return order


@action("orders.release")
def release_held(order_ids: Iterable[int], *, actor: Actor) -> list[Order]:
    """Try the orders that wait for the credit of an account, the oldest first, and confirm those that pass; returns these. Convergent.

    The first that credit refuses ends it for its account, and for all that share its limit when that is short, so that a small order never overtakes
    a large one for ever; one whose stock is short is passed over, unless it takes what is there.
    Locks the orders, funds, stock. Emits OrderConfirmed of each.
    """
    waiting = visible(actor, Order, "orders.release").filter(pk__in=list(order_ids), status=Status.SUBMITTED, credit=Credit.HOLD)
    note_rank(Rank.ORDER)
    held = sorted(waiting.select_for_update(of=("self",)).order_by("pk"), key=lambda order: (order.placed_at, order.pk))
    lines = unscoped_to_hold([order.pk for order in held], clock.today())
    claims = {order.pk: claim_of(order, lines[order.pk]) for order in held}
    desk = open_desk({order.agreement_id for order in held}, actor=actor)
    ration = open_ration([ask for claim in claims.values() for ask in claim.asks], actor=actor)
    shelves = open_shelves([demand for claim in claims.values() for demand in claim.demands], actor=actor)
    passed: dict[int, tuple[Order, Got]] = {}
    stuck: set[int | None] = set()
    for order in held:
        if desk.uses.get(order.agreement_id) in stuck:
            continue
        try:
            passed[order.pk] = order, take_what_is_there(claims[order.pk], desk, ration, shelves)
        except Refused as refusal:
            if any(fault.code == "funds.shared_limit" for fault in refusal.faults):
                break
            if any(not fault.code.startswith(("inventory.", "quotas.")) for fault in refusal.faults):
                stuck.add(desk.uses.get(order.agreement_id))
    grant(desk, actor=actor)
    draw(ration, actor=actor)
    promise(shelves, actor=actor)
    supplies = unscoped_supplies({order.agreement_id for order, _got in passed.values()}) if passed else {}
    for order, got in passed.values():
        tell_confirmed(order, supplies[order.agreement_id], got, actor=actor)
    return [order for order, _got in passed.values()]


@action("orders.release")
def release_order(order_id: int, *, actor: Actor) -> Order:
    """Try one order that waits for credit, whatever else waits. Locks order, funds, stock. Raises Refused with every reason why it still does."""
    order = _lock(order_id, "orders.release", actor)
    if order.status != Status.SUBMITTED:
        raise Refused("orders.not_held", number=order.number)
    confirm_waiting(order, actor=actor)
    return order


@action("orders.approve")
def reject_order(order_id: int, *, reason: str, seen: int = 0, actor: Actor) -> Order:
    """Refuse an order in review, with a reason the buyer reads; `seen` as in approving. Locks order and request. Emits OrderRejected."""
    reason = _reason(reason)
    order = _lock(order_id, "orders.approve", actor)
    if rules.change_waits(order):
        approvals.sign(order.subject, "reject", reason, seen=seen, actor=actor)
        return settle_asked(order, False, reason=reason, actor=actor)
    status = rules.next_status(order.status, "reject")
    if order.status == Status.IN_REVIEW and not order.transfer:
        approvals.sign(order.subject, "reject", reason, seen=seen, actor=actor)
    before, since = order.status, order.state_since
    order.status, order.approval, order.credit, order.state_since = status, Approval.REJECTED, Credit.NOT_NEEDED, clock.now()
    order.save(update_fields=["status", "approval", "credit", "state_since"])
    record(order.subject, before=before, after=order.status, reason=reason, since=since)
    emit(OrderRejected(order.pk, reason), order.subject)
    kind = "orders.transfer_declined" if order.transfer else "orders.rejected"
    told: dict[str, Any] = {"number": order.number, "reason": reason}
    notify(kind, order.subject, org_id=order.buyer_id, verb="orders.view", **told)
    if order.arranged_by_id:
        notify(kind, order.subject, org_id=order.arranged_by_id, verb="orders.arrange", **told)
    return order


@action("orders.return")
def return_order(order_id: int, *, reason: str, seen: int = 0, actor: Actor) -> Order:
    """Send an order in review back to who submitted it, with what is to be changed; it becomes a draft. `seen` as in approving. Locks order and
    request. Tells the buyer.
    """
    reason = _reason(reason)
    order = _lock(order_id, "orders.return", actor)
    _refuse_transfer(order)
    status = rules.next_status(order.status, "return")
    approvals.sign(order.subject, "return", reason, seen=seen, actor=actor)
    before, since = order.status, order.state_since
    order.status, order.approval, order.state_since = status, Approval.NONE, clock.now()
    order.save(update_fields=["status", "approval", "state_since"])
    record(order.subject, before=before, after=order.status, reason=reason, since=since)
    emit(OrderTakenBack(order.pk, order.seller_id, order.ordered_on), order.subject)
    notify("orders.returned", order.subject, org_id=order.buyer_id, verb="orders.view", except_user=actor.user_id, number=order.number, reason=reason)
    return order


@action("orders.withdraw")
def withdraw_order(order_id: int, *, reason: str = "", actor: Actor) -> Order:
    """Take an order back from approval before anybody decided; it becomes a draft that can be submitted again. Locks order and request."""
    order = _lock(order_id, "orders.withdraw", actor)
    if rules.change_waits(order):
        approvals.withdraw(order.subject, actor=actor)
        return settle_asked(order, False, reason=reason, actor=actor)
    _refuse_transfer(order)
    status = rules.next_status(order.status, "withdraw")
    if order.status == Status.IN_REVIEW:
        approvals.withdraw(order.subject, actor=actor)
    before, since = order.status, order.state_since
    order.status, order.approval, order.credit, order.state_since = status, Approval.NONE, Credit.NOT_NEEDED, clock.now()
    order.save(update_fields=["status", "approval", "credit", "state_since"])
    record(order.subject, before=before, after=order.status, reason=reason, since=since)
    emit(OrderTakenBack(order.pk, order.seller_id, order.ordered_on), order.subject)
    return order


@action("orders.cancel")
def cancel_order(order_id: int, *, reason: str, actor: Actor) -> Order:
    """Cancel an order that nobody has begun to pick; releases approval, credit and stock in the same transaction.

    Locks order, request, funds, stock. Emits OrderCancelled. Raises Refused orders.being_picked when the warehouse is at it,
    and orders.partly_shipped when goods have left.
    """
    reason = _reason(reason)
    order = _lock(order_id, "orders.cancel", actor)
    if order.status == Status.IN_FULFILMENT:
        raise Refused(BEGUN[order.fulfilment])
    status = rules.next_status(order.status, "cancel")
    if order.invoiced:
        raise Refused("orders.comes_again")
    held, waited = order.status == Status.CONFIRMED, order.allocation not in (Allocation.NONE, Allocation.FULL)
    if (order.status == Status.IN_REVIEW and not order.transfer) or rules.change_waits(order):
        approvals.withdraw(order.subject, actor=actor, by_cancel=True)
    before, since = order.status, order.state_since
    order.status, order.allocation, order.state_since = status, Allocation.NONE, clock.now()
    order.credit = Credit.RELEASED if held else Credit.NOT_NEEDED
    order.save(update_fields=["status", "allocation", "credit", "state_since"])
    if held:
        order.approval = forget_asked(order)
        shift(order.agreement_id, [("ordered", None, order.gross)], order.subject, actor=actor)
        if order.rationed:
            give_back(order.subject, actor=actor)
        release(order.subject, actor=actor)
        if waited:
            end_waiting(order, actor=actor)
    record(order.subject, before=before, after=order.status, reason=reason, since=since)
    emit(OrderCancelled(order.pk, reason, short=False), order.subject)
    others = [order.seller_id if actor.org_id == order.buyer_id else order.buyer_id]
    if actor.org_id == order.arranged_by_id:
        others = [order.seller_id, order.buyer_id]
    for other in others:
        notify("orders.cancelled", order.subject, org_id=other, verb="orders.view", number=order.number, reason=reason)
    return order


@action("orders.readdress")
def readdress_order(order_id: int, address_id: int | None, *, actor: Actor) -> Order:
    """Send an order that has not left yet to another address of its buyer (None: its default). Locks the order. Tells the other side.

    Raises Invalid for an address that is not the buyer's or no longer used, Refused orders.shipped_already.
    """
    order = _lock(order_id, "orders.readdress", actor)
    if not rules.may_readdress(order.status, order.fulfilment):
        raise Refused("orders.shipped_already")
    ship = unscoped_destination(order.buyer_id, address_id)
    if ship is None:
        raise Invalid("orders.address_unknown", field="address")
    before = Destination(order.ship_name, order.ship_phone, order.ship_address)
    if ship == before:
        return order
    order.ship_name, order.ship_phone, order.ship_address = ship.name, ship.phone, ship.address
    order.save(update_fields=["ship_name", "ship_phone", "ship_address"])
    record(order.subject, detail={name: [getattr(before, name), value] for name, value in vars(ship).items() if getattr(before, name) != value})
    other = order.seller_id if actor.org_id == order.buyer_id else order.buyer_id
    notify("orders.readdressed", order.subject, org_id=other, verb="orders.view", number=order.number, address=f"{ship.name} {ship.address}")
    return order


@action("orders.attach")
def attach_file(order_id: int, file: UploadedFile, *, actor: Actor) -> Order:
    """Attach a file to an order for both sides to see, and tell the other one. Locks nothing; the same content again changes nothing."""
    order = get_visible(actor, Order, order_id, "orders.attach")
    keep(file, order.subject, actor=actor)
    return order


@action("orders.close_short")
def close_order_short(order_id: int, *, reason: str, actor: Actor) -> Order:
    """Give up what was not shipped of an order; what was shipped goes on to its invoice. Releases the rest of stock and credit.

    Locks order, funds, stock. Emits OrderCancelled(short). Raises Refused when nothing was shipped, or a shipment is on its way.
    """
    reason = _reason(reason)
    get_visible(actor, Order, order_id, "orders.close_short")
    (trade,) = lock_trades([order_id], actor=actor)
    status = rules.next_status(trade.status, "close_short")
    if not any(x.shipped for x in trade.lines):
        raise Refused("orders.nothing_shipped")
    if trade.fulfilment == Fulfilment.PICKING or any(x.shipped > x.received + x.settled_short for x in trade.lines):
        raise Refused.of([Fault("orders.shipment_open")])
    if any(x.invoiced > x.shipped for x in trade.lines):
        raise Refused("orders.comes_again")
    order = Order.unscoped.get(pk=trade.id)
    if rules.change_waits(order):
        approvals.withdraw(trade.subject, actor=actor, by_cancel=True)
        forget_asked(order)
    rest = [x for x in trade.lines if x.open > 0]
    given = [x.open for x in rest]
    for line in rest:
        line.given_up += line.open
    keys = [(place, x.product_id) for x in rest if x.backordered for place in trade.places]
    run(
        "UPDATE orders_line l SET given_up = d.given_up, backordered = 0 FROM unnest(%s::bigint[], %s::numeric[]) AS d(id, given_up) WHERE l.id = d.id",
        ([x.id for x in rest], [x.given_up for x in rest]),
    )
    totals = rules.kept_totals(trade.lines)
    freed = trade.gross - totals[2]
    run(
        "UPDATE orders_order SET status = %s, fulfilment = %s, billing = %s, allocation = %s, state_since = %s, net = %s, tax = %s, gross = %s WHERE id = %s",
        (status, rules.fulfilment_of(trade.lines, False), rules.billing_of(trade.lines), Allocation.NONE, clock.now(), *totals, trade.id),
    )
    if freed:
        shift(trade.agreement_id, [("ordered", None, freed)], trade.subject, actor=actor)
    if order.rationed:
        give_back(trade.subject, {x.id: qty for x, qty in zip(rest, given, strict=True)}, actor=actor)
    release(trade.subject, actor=actor)
    stop_waiting(keys, trade.subject, actor=actor)
    record(trade.subject, before=trade.status, after=status, reason=reason, since=trade.state_since)
    emit(OrderCancelled(trade.id, reason, short=True), trade.subject)
    notify("orders.closed_short", trade.subject, org_id=trade.buyer_id, verb="orders.view", number=trade.number, reason=reason)
    return Order.unscoped.get(pk=trade.id)
