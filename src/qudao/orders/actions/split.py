"""Taking lines of an order out into an order of its own: same terms, same prices, and what was held for them goes with them, to the cent and the piece.

Nothing is asked again and nothing becomes free, so that nobody else gets the goods in between and no limit is passed or refused by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from qudao.approvals.actions import ask_again
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.db import insert_row, rows, run
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.base.numbering import take
from qudao.funds.actions import hand_over as hand_over_credit
from qudao.inventory.actions import hand_over as hand_over_goods
from qudao.inventory.queries import unscoped_supply
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.kernel.quantity import plain
from qudao.orders import rules
from qudao.orders.actions.amend import settle_head
from qudao.orders.actions.confirm import DAY
from qudao.orders.events import OrderAmended, OrderConfirmed, OrderPlaced
from qudao.orders.models import Line, Order
from qudao.orders.queries import unscoped_destination
from qudao.orders.states import BEGUN, Allocation, Billing, Fulfilment, Payment, Status
from qudao.quotas.actions import hand_over as hand_over_quota


@dataclass(frozen=True)
class Splitting:
    """What is taken out, by line id, in base units; its own wanted day and delivery address, where they differ from the order's."""

    lines: Mapping[int, Decimal]
    requested_on: date | None = None
    address_id: int | None = None


@dataclass(frozen=True)
class Part:
    """What is taken out of a line: `waits` of it still waits for goods."""

    line: Line
    qty: Decimal
    waits: Decimal
    net: Decimal
    gross: Decimal


NEW = (
    """INSERT INTO orders_line (order_id, no, product_id, unit, qty, unit_price, price_source, price_steps, tax_rate, net, tax, gross,
        backordered, promised_on, shipped, received, settled_short, given_up, invoiced)
    SELECT %s, d.no, l.product_id, l.unit, d.qty, l.unit_price, l.price_source, l.price_steps, l.tax_rate, d.net, d.gross - d.net, d.gross,
        d.waits, CASE WHEN d.waits = 0 THEN """
    + DAY.format("l.product_id")
    + """ ELSE l.promised_on END, 0, 0, 0, 0, 0
    FROM unnest(%s::int[], %s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[]) d(no, id, qty, waits, net, gross)
    JOIN orders_line l ON l.id = d.id ORDER BY d.no
    RETURNING no, id"""
)
#: what is confirmed counts as given up; what no longer waits for goods is promised for a day
LESS = (
    """UPDATE orders_line l SET given_up = l.given_up + d.qty, moved = l.moved + d.qty, backordered = l.backordered - d.waits,
        promised_on = CASE WHEN l.backordered > 0 AND l.backordered = d.waits THEN """
    + DAY.format("l.product_id")
    + """ ELSE l.promised_on END
    FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) d(id, qty, waits) WHERE l.id = d.id"""
)
#: what nobody has agreed to yet is simply less
SMALLER = """UPDATE orders_line l SET qty = l.qty - d.qty, net = l.net - d.net, tax = l.tax - (d.gross - d.net), gross = l.gross - d.gross
    FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[]) d(id, qty, net, gross) WHERE l.id = d.id"""


@action("orders.split")
def split_order(order_id: int, wanted: Splitting, *, reason: str = "", actor: Actor) -> Order:
    """Take lines or parts of them out of an order in review or confirmed, and return the new order. The seller may; the buyer until picking begins.

    What waits for goods goes first, and keeps its place in the queue. Locks order, funds, stock, the number series. Emits OrderPlaced of the
    new order and, where confirmed, OrderConfirmed and OrderAmended of the old one; tells the other side. Raises Invalid for bad input,
    Refused orders.being_picked beyond what waits for goods once the warehouse has begun, orders.split_all, orders.approval_pending while a change waits.
    """
    get_visible(actor, Order, order_id, "orders.split")
    order = lock_one(Order, order_id, rank=Rank.ORDER)
    rules.next_status(order.status, "split")
    rules.check_holds(order)
    if order.transfer and order.status == Status.IN_REVIEW:
        raise Refused("orders.transfer_fixed")
    if rules.change_waits(order):
        raise Refused("orders.approval_pending")
    if order.status == Status.IN_FULFILMENT and actor.org_id == order.buyer_id:
        raise Refused(BEGUN[order.fulfilment])
    parts = _parts(order, wanted)
    made = _new(order, wanted, parts)
    products = [p.line.product_id for p in parts]
    supply = unscoped_supply(order.agreement_id, products)
    day = supply.last_on(made.requested_on, products)
    if made.reserved_until and wanted.requested_on:
        made.reserved_until = max(made.reserved_until, supply.reserved_until(made.requested_on, products) or made.reserved_until)
    numbers = range(1, len(parts) + 1)
    columns = ([p.line.pk for p in parts], [p.qty for p in parts], [p.waits for p in parts], [p.net for p in parts], [p.gross for p in parts])
    held = order.status != Status.IN_REVIEW
    ids = dict(rows(NEW, (made.pk, *(supply.days(made.requested_on) if held else ([], [], None)), list(numbers), *columns)))
    made.promised_on = order.promised_on if order.outside else day if held and not made.waits_since else None
    if held:
        run(LESS, (*supply.days(order.requested_on), *columns[:3]))
        hand_over_credit(order.agreement_id, made.gross, order.subject, made.subject, actor=actor)
        if order.rationed:
            hand_over_quota([(p.line.pk, ids[no], p.qty) for no, p in zip(numbers, parts, strict=True)], order.subject, made.subject, actor=actor)
        given = [(p.line.pk, ids[no], p.qty - p.waits) for no, p in zip(numbers, parts, strict=True) if p.qty > p.waits]
        hand_over_goods(given, order.subject, made.subject, actor=actor)
        settle_head(order, order.approval, actor=actor)
    else:
        _make_smaller(order, parts, columns)
    series = "transfer" if order.transfer else "order"
    made.number = take(f"{series}:{order.seller_id}:{order.buyer_id}", (order.number or "").rpartition("-")[0] + "-{n:05d}")
    insert_row(made)
    if not held:
        ask_again(order.asking, made.asking, actor=actor)
    _tell(order, made, [[p.line.product.code, plain(p.line.wanted), plain(p.line.wanted - p.qty)] for p in parts], reason, actor)
    return made


def _parts(order: Order, wanted: Splitting) -> list[Part]:
    """What is taken out of each line, in the order of the lines, with its share of the amounts. Raises every fault of the input at once."""
    lines = {line.pk: line for line in Line.unscoped.filter(order=order).select_related("product").order_by("no")}
    faults: list[Fault] = []
    for pk, qty in wanted.lines.items():
        line = lines.get(pk)
        if line is None:
            faults.append(Fault("orders.no_such_line", f"lines.{pk}"))
        elif not rules.is_quantity(qty):
            faults.append(Fault("orders.qty_too_fine", f"lines.{pk}", {"limit": rules.MAX_QTY}))
        elif qty > line.wanted - line.shipped:
            faults.append(Fault("orders.more_than_ordered", f"lines.{pk}", {"no": line.no}))
    if wanted.requested_on and wanted.requested_on < clock.today():
        faults.append(Fault("orders.date_passed", "requested_on", {"day": wanted.requested_on}))
    raise_if_any(faults, Invalid)
    taken = {pk: qty for pk, qty in wanted.lines.items() if qty}
    if not taken:
        raise Invalid("orders.nothing_to_split", field="lines")
    raise_if_any([Fault(BEGUN[order.fulfilment], f"lines.{pk}") for pk, qty in taken.items() if qty > rules.may_split_off(lines[pk], order.status)])
    if all(line.wanted == taken.get(pk, ZERO) for pk, line in lines.items()):
        raise Refused("orders.split_all")
    return [_part(line, taken[pk]) for pk, line in lines.items() if pk in taken]


def _part(line: Line, qty: Decimal) -> Part:
    """What waits for goods first; of the amounts, what the line no longer comes to."""
    before, after = rules.kept(line), rules.kept_of(line, line.wanted - qty)
    return Part(line, qty, min(qty, line.backordered), before[0] - after[0], before[2] - after[2])


def _new(order: Order, wanted: Splitting, parts: list[Part]) -> Order:
    """The order that is taken out: the terms and states of the one it comes from, not yet in its table, without a number."""
    made = Order(**{field.attname: getattr(order, field.attname) for field in Order._meta.concrete_fields if not field.primary_key})
    ((made.pk,),) = rows("SELECT nextval(pg_get_serial_sequence('orders_order', 'id'))")
    made.split_from_id, made.number, made.client_id = order.pk, None, None
    made.requested_on = wanted.requested_on or order.requested_on
    if wanted.address_id is not None:
        ship = unscoped_destination(order.buyer_id, wanted.address_id)
        if ship is None:
            raise Invalid("orders.address_unknown", field="address")
        made.ship_name, made.ship_phone, made.ship_address = ship.name, ship.phone, ship.address
    made.line_count, made.invoiced, made.paid = len(parts), ZERO, ZERO
    made.net, made.gross = sum((p.net for p in parts), ZERO), sum((p.gross for p in parts), ZERO)
    made.tax = made.gross - made.net
    if order.status == Status.IN_REVIEW:
        return made
    made.status, made.fulfilment, made.billing, made.payment = Status.CONFIRMED, Fulfilment.NONE, Billing.NONE, Payment.NONE
    waits = sum((p.waits for p in parts), ZERO)
    made.waits_since = order.waits_since if waits else None
    if not order.outside:
        made.allocation = rules.allocation_of(sum((p.qty for p in parts), ZERO), waits)
    if made.allocation == Allocation.BACKORDER:
        made.reserved_until, made.until_told = None, False
    made.state_since = order.state_since if order.status == Status.CONFIRMED else clock.now()
    return made


def _make_smaller(order: Order, parts: list[Part], columns: tuple[list, ...]) -> None:
    """Take the parts out of an order that nobody has agreed to yet."""
    Line.unscoped.filter(pk__in=[p.line.pk for p in parts if p.qty == p.line.qty]).delete()
    run(SMALLER, (columns[0], columns[1], columns[3], columns[4]))
    order.net -= sum((p.net for p in parts), ZERO)
    order.gross -= sum((p.gross for p in parts), ZERO)
    order.tax = order.gross - order.net
    order.line_count -= sum(p.qty == p.line.qty for p in parts)
    order.save(update_fields=["net", "tax", "gross", "line_count"])


def _tell(order: Order, made: Order, changes: list[list[str]], reason: str, actor: Actor) -> None:
    """The log of both, the facts, and the notice to the other side."""
    record(order.subject, reason=reason.strip(), detail={"changes": changes, "split_into": made.number})
    record(made.subject, reason=reason.strip(), before=Status.DRAFT, after=made.status, detail={"split_from": order.number})
    fact: dict[str, Any] = {"order_id": made.pk, "number": made.number, "seller_id": made.seller_id, "buyer_id": made.buyer_id}
    emit(OrderPlaced(**fact, gross=made.gross, currency=made.currency), made.subject)
    emit(OrderAmended(order.pk), order.subject)
    if made.status == Status.CONFIRMED:
        emit(OrderConfirmed(**fact, gross=made.gross, currency=made.currency), made.subject)
    other = order.seller_id if actor.org_id == order.buyer_id else order.buyer_id
    told: dict[str, Any] = {"number": order.number, "new": made.number, "changes": rules.told_changes(changes)}
    notify("orders.split", made.subject, org_id=other, verb="orders.view", **told)
