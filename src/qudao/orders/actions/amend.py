"""Changing an order that is confirmed: less at once, more as new lines at today's terms.

Lines keep their price. What is taken back is given up: its goods and credit are free in the same transaction. What is added passes every check of
a placing, and credit, stock and the approvals of the new total; while somebody must sign, its lines stand by (`asked`) and hold nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

from qudao.agreements.queries import unscoped_refused, unscoped_terms
from qudao.approvals import actions as approvals
from qudao.approvals.queries import Case, Needed, unscoped_rules_for
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.catalog.queries import unscoped_cards
from qudao.funds.actions import shift
from qudao.inventory.actions import shrink, stop_waiting
from qudao.inventory.queries import unscoped_supply
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.kernel.quantity import plain
from qudao.orders import rules
from qudao.orders.actions.confirm import DAY, SHORT, Claim, hold_and_reserve
from qudao.orders.actions.follow import record_received
from qudao.orders.actions.place import KIND, quota_faults
from qudao.orders.events import OrderAmended
from qudao.orders.models import Line, Order
from qudao.orders.queries import unscoped_facts, unscoped_to_hold, unscoped_trades, unscoped_why_no_price
from qudao.orders.rules import Held, NewLine, Placing, PricedLine
from qudao.orders.states import BEGUN, Allocation, Approval, Fulfilment, Status
from qudao.pricing.queries import Item, unscoped_quote
from qudao.quotas.actions import give_back
from qudao.quotas.queries import SCARCE


@dataclass(frozen=True)
class Amendment:
    """What shall be different: by line id the quantity wanted in all (0: none of it), and products to add, in base units."""

    lines: Mapping[int, Decimal] = field(default_factory=dict)
    added: Sequence[NewLine] = ()


ADD = """INSERT INTO orders_line (order_id, no, product_id, unit, qty, unit_price, price_source, price_steps, tax_rate, net, tax, gross,
        given_up, asked, promised_on, shipped, received, settled_short, invoiced)
    SELECT %s, d.no, d.product_id, d.unit, d.qty, d.unit_price, d.source, d.steps, d.tax_rate, d.net, d.tax, d.gross,
        CASE WHEN %s THEN d.qty ELSE 0 END, CASE WHEN %s THEN d.qty ELSE 0 END, d.day, 0, 0, 0, 0
    FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::numeric[], %s::numeric[], %s::text[], %s::jsonb[], %s::numeric[], %s::numeric[], %s::numeric[],
        %s::numeric[], %s::date[]) d(no, product_id, unit, qty, unit_price, source, steps, tax_rate, net, tax, gross, day)
    RETURNING id, no, product_id, qty, net, gross, 0::numeric, """ + SCARCE.format("%s", "orders_line.product_id", "%s")
JOIN = f"UPDATE orders_line l SET given_up = given_up - asked, asked = 0, promised_on = {DAY.format('l.product_id')} WHERE id = ANY(%s)"
LESS = """UPDATE orders_line l SET given_up = l.given_up + d.less, backordered = l.backordered - d.waiting
    FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) d(id, less, waiting) WHERE l.id = d.id"""
#: the head of an order from its lines: totals, what waits for goods, the day it is promised for, until when goods are kept that are its first
HEAD = """UPDATE orders_order o SET net = s.net, tax = s.gross - s.net, gross = s.gross, line_count = s.n,
        allocation = CASE WHEN o.kind = 'external' THEN 'outside' WHEN s.waits = 0 THEN 'full' WHEN s.waits >= s.open THEN 'backorder' ELSE 'partial' END,
        waits_since = CASE WHEN s.waits > 0 AND o.kind <> 'external' THEN coalesce(o.waits_since, %s) END,
        promised_on = CASE WHEN s.waits = 0 OR o.kind = 'external' THEN s.day END, approval = %s,
        reserved_until = CASE WHEN o.allocation = 'backorder' AND s.waits < s.open THEN %s::date ELSE o.reserved_until END,
        fulfilment = CASE WHEN o.fulfilment = 'shipped' AND s.open > 0 THEN 'partial' ELSE o.fulfilment END
    FROM (SELECT count(*) AS n, sum(round(l.net * (l.qty - l.given_up) / l.qty, 2)) AS net, sum(round(l.gross * (l.qty - l.given_up) / l.qty, 2)) AS gross,
                 sum(l.qty - l.given_up - l.shipped) AS open, sum(l.backordered) AS waits, max(l.promised_on) FILTER (WHERE l.given_up < l.qty) AS day
          FROM orders_line l WHERE l.order_id = %s) s
    WHERE o.id = %s"""


@action("orders.amend")
def amend_order(order_id: int, wanted: Amendment, *, reason: str = "", actor: Actor) -> Order:
    """Change a confirmed order: less of a line until it is picked, more of it or other products as new lines. Both sides may.

    Locks order, funds, stock. Emits OrderAmended; tells the other side. Raises Invalid and Refused as placing does, Refused orders.being_picked where
    the warehouse has begun, orders.nothing_left when nothing would be ordered any more (cancel it), orders.approval_pending while a change waits.
    """
    get_visible(actor, Order, order_id, "orders.amend")
    order = lock_one(Order, order_id, rank=Rank.ORDER)
    if order.transfer:
        raise Refused("orders.transfer_fixed")
    rules.next_status(order.status, "amend")
    rules.check_holds(order)
    if order.approval == Approval.PENDING:
        raise Refused("orders.approval_pending")
    lines = {line.pk: line for line in Line.unscoped.filter(order=order).select_related("product").order_by("no")}
    less, more = _sorted(order, lines, wanted)
    changes = [[lines[pk].product.code, plain(lines[pk].wanted), plain(lines[pk].wanted - qty)] for pk, qty in less.items()]
    priced, tier = _price(order, lines, more) if more else ([], 0)
    changes += [[x.product_code, "", plain(x.qty)] for x in priced]
    before = order.gross
    freed = _take_back(order, lines, less, actor)
    needed = _approvals(order, order.gross - freed + sum((x.gross for x in priced), ZERO), tier, priced) if priced else None
    if priced:
        _add(order, priced, bool(needed), less, actor)
    else:
        _quota_back(order, less, actor)
    _give_back(order, lines, less, actor)
    settle_head(order, Approval.PENDING if needed else order.approval, actor=actor)
    if needed:
        approvals.open_request(order.asking, needed, actor=actor)
    record(order.subject, reason=reason.strip(), detail={"changes": changes, "gross": [str(before), str(order.gross)], "asked": bool(needed)})
    emit(OrderAmended(order.pk), order.subject)
    other = order.seller_id if actor.org_id == order.buyer_id else order.buyer_id
    told: dict[str, Any] = {"number": order.number, "changes": rules.told_changes(changes)}
    notify("orders.amendment_asked" if needed else "orders.amended", order.subject, org_id=other, verb="orders.view", **told)
    return order


def _sorted(order: Order, lines: Mapping[int, Line], wanted: Amendment) -> tuple[dict[int, Decimal], list[NewLine]]:
    """By line id how much is taken back, and what is added. Raises every fault of the input at once."""
    less: dict[int, Decimal] = {}
    more: list[NewLine] = []
    faults: list[Fault] = []
    for pk, qty in wanted.lines.items():
        line = lines.get(pk)
        if line is None:
            faults.append(Fault("orders.no_such_line", f"lines.{pk}"))
        elif not rules.is_quantity(qty):
            faults.append(Fault("orders.qty_too_fine", f"lines.{pk}", {"limit": rules.MAX_QTY}))
        elif qty > line.wanted:
            more.append(NewLine(line.product_id, qty - line.wanted, line.product.code))
        elif qty < line.wanted:
            less[pk] = line.wanted - qty
            if less[pk] > rules.may_take_back(line, picked=order.status != Status.CONFIRMED):
                faults.append(Fault(BEGUN[order.fulfilment], f"lines.{pk}"))
    more += wanted.added
    raise_if_any(faults, Invalid if any(fault.code != BEGUN[order.fulfilment] for fault in faults) else Refused)
    if not less and not more:
        raise Invalid("orders.nothing_changed", field="lines")
    if not more and all(line.wanted == less.get(pk, ZERO) for pk, line in lines.items()):
        raise Refused("orders.nothing_left")
    return less, more


def _price(order: Order, lines: Mapping[int, Line], more: Sequence[NewLine]) -> tuple[list[PricedLine], int]:
    """What is added, checked and priced as of today at the break of the product's whole quantity, numbered after the last line; and the buyer's tier."""
    today = clock.today()
    raise_if_any(rules.shape_faults(Placing(order.seller_id, order.buyer_id, more), today), Invalid)
    terms = unscoped_terms(order.seller_id, order.buyer_id, today, order.currency)
    faults = rules.side_faults(terms, today, order.currency)
    if terms is None or terms.agreement_id != order.agreement_id:
        raise Refused.of([*faults, Fault("orders.other_agreement")])
    raise_if_any(faults)
    have: dict[int, Decimal] = {}
    for line in lines.values():
        have[line.product_id] = have.get(line.product_id, ZERO) + line.wanted
    products = sorted({x.product_id for x in more if x.product_id})
    whole = [Item(no, x.product_id or 0, x.qty + have.get(x.product_id or 0, ZERO)) for no, x in enumerate(more, 1)]
    others = [Item(f"other {pk}", pk, qty) for pk, qty in have.items() if qty and pk not in products]  # for breaks that count several products
    cards, quotes = unscoped_cards(products), unscoped_quote(order.agreement_id, [*whole, *others], today)
    found = rules.line_faults(more, cards, unscoped_refused(order.agreement_id, products, today), quotes, today)
    found = [fault for fault in found if fault.code != "orders.above_maximum"] + rules.maximum_faults(more, cards, have)
    found = [fault for fault in found if fault.code != "orders.below_minimum" or more[int(fault.field.split(".")[1]) - 1].product_id not in have]
    raise_if_any(unscoped_why_no_price(found, order.agreement_id, today))
    last = max(line.no for line in lines.values())
    if last + len(more) > rules.MAX_LINES:
        raise Invalid("orders.too_many_lines", field="lines", limit=rules.MAX_LINES)
    priced = rules.price_order(more, cards, quotes, order.kind, unscoped_supply(order.agreement_id).surcharge)
    return [replace(x, no=last + x.no) for x in priced], terms.buyer.tier


def _approvals(order: Order, gross: Decimal, tier: int, priced: Sequence[PricedLine]) -> Needed:
    """Who must sign the new total: whatever was signed before was signed for less. What is asked of goods is asked of those that are added."""
    more = partial(unscoped_facts, (order.seller_id, order.buyer_id, order.agreement_id), priced)
    return unscoped_rules_for(order.house_id, KIND, Case(gross, order.kind, tier=tier), more)


def _take_back(order: Order, lines: Mapping[int, Line], less: Mapping[int, Decimal], actor: Actor) -> Decimal:
    """Give up what is taken back, what waits for goods first, and free its credit; returns how much."""
    if not less:
        return ZERO
    before = rules.kept_totals(lines.values())[2]
    waiting = {pk: min(qty, lines[pk].backordered) for pk, qty in less.items()}
    run(LESS, (list(less), list(less.values()), [waiting[pk] for pk in less]))
    for pk, qty in less.items():
        lines[pk].given_up += qty
    freed = before - rules.kept_totals(lines.values())[2]
    if freed:
        shift(order.agreement_id, [("ordered", None, freed)], order.subject, actor=actor)
    return freed


def _give_back(order: Order, lines: Mapping[int, Line], less: Mapping[int, Decimal], actor: Actor) -> None:
    """Free the goods of what was taken back; where it waited for them, others may be next. After all credit: stock is locked last."""
    waiting = {pk: min(qty, lines[pk].backordered) for pk, qty in less.items()}
    shrink({pk: qty - waiting[pk] for pk, qty in less.items() if qty > waiting[pk]}, order.subject, actor=actor)
    places = (order.place_id, *order.serving)
    stop_waiting([(place, lines[pk].product_id) for pk, qty in waiting.items() if qty for place in places], order.subject, actor=actor)


def _add(order: Order, priced: Sequence[PricedLine], asked: bool, less: Mapping[int, Decimal], actor: Actor) -> None:
    """Write the new lines; unless somebody must sign first, hold credit and stock for them."""
    supply = unscoped_supply(order.agreement_id, [x.product_id for x in priced])
    columns = [
        *([x.no for x in priced], [x.product_id for x in priced], [x.unit for x in priced], [x.qty for x in priced], [x.unit_price for x in priced]),
        *([x.price_source for x in priced], [json.dumps(x.steps) for x in priced], [x.tax_rate for x in priced]),
        *([x.net for x in priced], [x.tax for x in priced], [x.gross for x in priced]),
        [None if asked else supply.leaves_on(order.requested_on, x.product_id) for x in priced],
    ]
    held = [Held(*row) for row in rows(ADD, (order.pk, asked, asked, *columns, order.seller_id, clock.today()))]
    if asked:
        raise_if_any(quota_faults(order, held))
        _quota_back(order, less, actor)
    else:
        _hold(order, held, actor, less)


def _quota_back(order: Order, less: Mapping[int, Decimal], actor: Actor) -> None:
    """Give back what lines drew from quotas and no longer want; no statement where they never did."""
    if order.rationed and less:
        give_back(order.subject, less, actor=actor)


def _hold(order: Order, held: Sequence[Held], actor: Actor, less: Mapping[int, Decimal] | None = None) -> None:
    """Hold credit, quota and stock for lines that join a confirmed order; `less` is what others give back. Raises Refused with every fault of all."""
    gives = (less or {}) if order.rationed else {}
    gross = sum((x.gross for x in held), ZERO)
    claim = Claim(order.subject, order.agreement_id, order.place_id, gross, held, order.short, gives, order.serving, order.splits, order.outside)
    got = hold_and_reserve(claim, actor=actor)
    if got.rationed and not order.rationed:
        run("UPDATE orders_order SET rationed = true WHERE id = %s", (order.pk,))
    short = sorted({*got.waits, *got.cut})
    if short:
        run(SHORT, (short, [got.waits.get(pk, ZERO) for pk in short], [got.cut.get(pk, ZERO) for pk in short]))


def settle_head(order: Order, approval: str, *, actor: Actor) -> None:
    """Make the head of a locked order say what its lines say; when all that is left of it has been shipped, it goes on as if the rest had never been."""
    held_none = order.allocation == Allocation.BACKORDER
    until = unscoped_supply(order.agreement_id).reserved_until(order.requested_on) if held_none else None
    run(HEAD, (clock.now(), approval, until, order.pk, order.pk))
    if order.fulfilment == Fulfilment.PARTIAL and approval != Approval.PENDING:
        (trade,) = unscoped_trades([order.pk])
        if not any(line.open for line in trade.lines):
            record_received(trade, {}, actor=actor)
    order.refresh_from_db()


def settle_asked(order: Order, approved: bool, *, reason: str, actor: Actor) -> Order:
    """What was to be added to a locked order is decided: it joins the order, with credit and stock, or not. Emits OrderAmended.

    Raises Refused when credit or stock are short, or the order is too far to be changed: the signature is then taken back with everything else.
    """
    asked = list(Line.unscoped.filter(order=order, asked__gt=0).select_related("product").order_by("no"))
    if approved:
        rules.next_status(order.status, "amend")
        days = unscoped_supply(order.agreement_id, [line.product_id for line in asked]).days(order.requested_on)
        pks = [line.pk for line in asked]
        run(JOIN, (*days, pks))
        joining = unscoped_to_hold([order.pk], clock.today())[order.pk]
        _hold(order, [x for x in joining if x.id in pks], actor)
        settle_head(order, Approval.APPROVED, actor=actor)
    else:
        run("UPDATE orders_line SET asked = 0 WHERE order_id = %s AND asked > 0", (order.pk,))
        order.approval = Approval.APPROVED
        order.save(update_fields=["approval"])
    changes = [[line.product.code, "", plain(line.asked)] for line in asked]
    record(order.subject, reason=reason, detail={"changes": changes, "approved": approved})
    emit(OrderAmended(order.pk), order.subject)
    told: dict[str, Any] = {"number": order.number, "changes": rules.told_changes(changes), **({} if approved else {"reason": reason})}
    notify("orders.amended" if approved else "orders.amendment_rejected", order.subject, org_id=order.buyer_id, verb="orders.view", **told)
    return order


def forget_asked(order: Order) -> str:
    """What was to be added to a locked order that ends is no longer asked for; returns its approval. One statement while something is, else none."""
    if not rules.change_waits(order):
        return order.approval
    run("UPDATE orders_line SET asked = 0 WHERE order_id = %s AND asked > 0", (order.pk,))
    order.approval = Approval.APPROVED
    order.save(update_fields=["approval"])
    return order.approval
