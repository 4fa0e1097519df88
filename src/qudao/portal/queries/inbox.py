"""What waits for this person's decision, with what one needs for it: the number that matters, the dealer's history, whether stock and credit do.

Steps of approval flows, and transfers that the own organisation is asked to pass on: these have no flow, anybody who may approve answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from qudao.approvals.models import Node
from qudao.approvals.queries import asks_beside, course, pending_for, waiting_number
from qudao.approvals.states import LABELS, PROPOSED, NodeState
from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.base.files import files_of
from qudao.base.html.tables import by_language
from qudao.base.models import ActionLog, StoredFile
from qudao.funds.queries import SHARED, CreditCard, unscoped_card
from qudao.inventory.models import Stock
from qudao.inventory.queries import FREE, unscoped_free_of
from qudao.inventory.states import Short
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.messages.models import Message
from qudao.messages.queries import messages
from qudao.orders.models import Line, Order
from qudao.orders.queries import order_of, unscoped_lines_of
from qudao.orders.rules import hides_steps
from qudao.orders.states import Kind, Status
from qudao.portal.queries.desk import Instead, Trade, instead, meant

#: after this an approval is late
PATIENCE = timedelta(hours=24)
#: how many tasks the inbox holds, how many lines a card shows at once, and how many it has at all
TASKS, TOP, LINES = 200, 5, 200

#: by order: the names of the other side, what goes beyond the credit limit, days overdue, whether that stops orders, whether the account is frozen, lines
#: that cannot be reserved now, whether it is the buyer's first one, whether somebody signs after me, what becomes of it when goods are short; then of the
#: transfers that `offers` finds, which stand below what is asked for: number, amount, since when, who arranged it
FACTS = f"""
    SELECT o.id, b.name, b.name_en, o.currency,
           greatest(0, coalesce(CASE WHEN h.id IS NULL THEN a.ordered + a.shipped + a.invoiced - a.unapplied + o.gross - a.limit_amount
               - CASE WHEN a.temp_until >= %(today)s THEN a.temp_limit ELSE 0 END
               ELSE h.used + o.gross - h.limit_amount - CASE WHEN h.temp_until >= %(today)s THEN h.temp_limit ELSE 0 END END, 0)),
           CASE WHEN o.kind = 'external' THEN 0 ELSE coalesce(%(today)s - i.oldest, 0) END,
           coalesce(i.overdue > a.tolerance AND %(today)s - i.late > a.grace_days, false)
               OR coalesce(a.by_hand = 'hold' AND coalesce(a.by_hand_until >= %(today)s, true), false),
           coalesce(a.by_hand = 'stop' AND coalesce(a.by_hand_until >= %(today)s, true), false),
           (SELECT count(*) FROM orders_line l WHERE l.order_id = o.id AND o.kind <> 'external' AND l.qty > coalesce((SELECT sum({FREE})
               FROM inventory_stock s WHERE s.product_id = l.product_id
                AND s.place_id = ANY(CASE WHEN o.more_places = '' THEN ARRAY[o.place_id]
                   ELSE o.place_id || string_to_array(o.more_places, ',')::bigint[] END)), 0)),
           NOT EXISTS (SELECT FROM orders_order p WHERE p.seller_id = o.seller_id AND p.buyer_id = o.buyer_id AND p.id < o.id
               AND p.status NOT IN ('draft', 'rejected', 'cancelled')),
           EXISTS (SELECT FROM approvals_node n JOIN approvals_request r ON r.id = n.request_id
               WHERE r.subject_kind = 'orders.order' AND r.subject_id = o.id AND r.state = 'pending' AND n.state = 'waiting'), o.short,
           o.number, o.gross, o.state_since, c.name, c.name_en
      FROM orders_order o LEFT JOIN network_organisation c ON c.id = o.arranged_by_id
      JOIN network_organisation b ON b.id = CASE WHEN o.kind = 'external' THEN o.seller_id ELSE o.buyer_id END
      LEFT JOIN ({SHARED}) ON g.id = o.agreement_id LEFT JOIN funds_sharedlimit h ON h.id = a.shared_id
      LEFT JOIN LATERAL (SELECT min(i.due_on) oldest, sum(i.open_amount) FILTER (WHERE i.currency = a.currency) overdue,
              min(i.due_on) FILTER (WHERE i.currency = a.currency) late FROM ledger_openitem i
          WHERE i.org_id = o.seller_id AND i.side = 'receivable' AND i.counterparty_id = o.buyer_id AND i.open_amount > 0 AND i.due_on < %(today)s) i ON true
     WHERE o.id = ANY(%(ids)s) OR o.seller_id = %(org)s AND o.kind = 'transfer' AND o.status = 'in_review'
     ORDER BY o.id <> ALL(%(first)s), o.state_since, o.id LIMIT %(most)s
"""
HISTORY = """
    WITH past AS (SELECT status, gross, number, state_since, ordered_on FROM orders_order
                   WHERE seller_id = %(seller)s AND buyer_id = %(buyer)s AND id <> %(id)s AND ordered_on >= %(year)s)
    SELECT (SELECT count(*) FROM past WHERE status NOT IN ('draft', 'rejected', 'cancelled') AND ordered_on >= %(quarter)s),
           (SELECT coalesce(sum(gross), 0) FROM past WHERE status NOT IN ('draft', 'rejected', 'cancelled') AND ordered_on >= %(quarter)s),
           (SELECT number FROM past WHERE status = 'rejected' ORDER BY state_since DESC LIMIT 1),
           (SELECT max(state_since) FROM past WHERE status = 'rejected'),
           (SELECT count(*) FROM fulfilment_difference WHERE seller_id = %(seller)s AND buyer_id = %(buyer)s AND state <> 'settled'),
           (SELECT coalesce(sum(amount), 0) FROM payments_payment WHERE seller_id = %(seller)s AND buyer_id = %(buyer)s AND state = 'announced'),
           (SELECT coalesce(sum(p.amount), 0) FROM payments_application p JOIN billing_invoice i ON i.id = p.invoice_id
             WHERE i.seller_id = %(seller)s AND i.buyer_id = %(buyer)s AND i.due_on >= %(year)s),
           (SELECT coalesce(sum(p.amount), 0) FROM payments_application p JOIN billing_invoice i ON i.id = p.invoice_id
             WHERE i.seller_id = %(seller)s AND i.buyer_id = %(buyer)s AND i.due_on >= %(year)s AND (p.at AT TIME ZONE %(zone)s)::date <= i.due_on),
           (SELECT coalesce(sum(open_amount), 0) FROM ledger_openitem WHERE org_id = %(seller)s AND side = 'receivable'
             AND counterparty_id = %(buyer)s AND open_amount > 0 AND due_on < %(today)s)
"""


@dataclass(frozen=True)
class Task:
    """One decision that waits: the document, its other side, its amount, since when; and what is not as usual about it."""

    subject_kind: str
    subject_id: int
    number: str
    party: str
    amount: Decimal
    since: datetime
    step: str
    #: the step to sign; None for a transfer, which is accepted or declined
    node: Node | None = field(repr=False)
    currency: str = "CNY"
    beyond: Decimal = ZERO
    overdue_days: int = 0
    #: overdue so much and so long that orders are refused
    owes: bool = False
    frozen: bool = False
    short: int = 0
    first: bool = False
    last: bool = True
    #: what becomes of it when goods are short (`inventory.states.Short`)
    if_short: str = Short.REFUSE
    #: who arranged the transfer
    arranger: str = ""

    @property
    def transfer(self) -> bool:
        """Whether it asks to pass goods on."""
        return self.node is None

    @property
    def url(self) -> str:
        """Where it is decided."""
        if self.subject_kind in PROPOSED:
            return reverse("approval_proposal", args=[self.subject_id])
        return f"{reverse('approvals')}?open={self.subject_id}"

    @property
    def lacks(self) -> bool:
        """Whether goods are missing that the order neither waits for nor does without."""
        return bool(self.short) and self.if_short == Short.REFUSE

    @property
    def late(self) -> bool:
        return self.since < clock.now() - PATIENCE

    @property
    def exceptional(self) -> bool:
        """Whether it wants a look of its own: credit, payment or stock are not as they should be, or it asks to pass goods on."""
        return bool(self.beyond or self.overdue_days or self.short or self.transfer)

    @property
    def stuck(self) -> bool:
        """Whether approving would be refused: mine is the last signature, and credit or stock do not do."""
        return self.last and bool(self.beyond or self.owes or self.frozen or self.lacks)

    @property
    def may_wait(self) -> bool:
        """Whether it would be refused for want of money only: approved, it may wait for that."""
        return self.last and bool(self.beyond or self.owes) and not self.frozen and not self.lacks


@asks_beside
def offers(actor: Actor) -> QuerySet[Order]:
    """The transfers that wait for this person's organisation to pass goods on, as far as the person may answer."""
    if not actor.can("orders.approve"):
        return Order.unscoped.none()
    return visible(actor, Order, "orders.approve", side="seller").filter(kind=Kind.TRANSFER, status=Status.IN_REVIEW)


def answered(actor: Actor) -> QuerySet[Order]:
    """The transfers that this person accepted or declined for the own organisation, newest first, each with what the log keeps of it (`answered_at`,
    `answer`, `answer_reason`): they have no signature.
    """
    mine = ActionLog.unscoped.filter(subject_kind="orders.order", subject_id=OuterRef("pk"), verb="orders.approve", actor_user=actor.user_id or 0)
    found = visible(actor, Order, side="seller").filter(kind=Kind.TRANSFER).select_related("seller", "buyer")
    told = {name: Subquery(mine.order_by("-pk").values(field)[:1]) for name, field in (("answered_at", "at"), ("answer", "after"), ("answer_reason", "reason"))}
    return found.annotate(**told).filter(answered_at__isnull=False).order_by("-pk")


def oldest_pending(actor: Actor, most: int) -> tuple[list[Task], int]:
    """The `most` oldest of `pending`, and how many there are: for a page that shows a few. Two statements, one more to count many."""
    nodes = list(pending_for(actor, most)) if actor.can("orders.approve") else []
    tasks = _tasks(actor, nodes, most)
    return tasks, len(tasks) if len(nodes) < most and len(tasks) - len(nodes) < most else waiting_number(actor)


class Tasks(list[Task]):
    """Tasks, and the steps beside orders that wait as well."""

    def __init__(self, tasks: Iterable[Task], asked: Iterable[Node]) -> None:
        super().__init__(tasks)
        self.asked = list(asked)


def pending(actor: Actor, order_id: int | None = None) -> Tasks:
    """What the actor may decide now: what is not as usual first, then the oldest; with one order that is asked for, however many wait longer.

    Two statements, one more for an order that is not among the oldest.
    """
    found = list(pending_for(actor, TASKS)) if actor.can("orders.approve") else []
    nodes = [node for node in found if node.request.subject_kind not in PROPOSED]
    if order_id and len(found) == TASKS and all(node.request.subject_id != order_id for node in nodes):
        nodes += pending_for(actor).filter(request__subject_kind="orders.order", request__subject_id=order_id)
    return Tasks(_tasks(actor, nodes, TASKS, order_id or 0), (node for node in found if node.request.subject_kind in PROPOSED))


def pending_step(actor: Actor, node_id: int) -> Task | None:
    """One step, while it waits for this person. Two statements."""
    found = _tasks(actor, list(pending_for(actor).filter(pk=node_id)))
    return found[0] if found else None


def _tasks(actor: Actor, nodes: list[Node], offered: int = 0, first: int = 0) -> list[Task]:
    """These steps, and up to so many transfers that are offered, this one first."""
    asked_for = [node.request.subject_id for node in nodes if node.request.subject_kind == "orders.order"]
    facts = _facts(actor, asked_for, offered if actor.can("orders.approve") else 0, first)
    found = []
    for node in nodes:
        asked = node.request
        known = facts.get(asked.subject_id, {"party": ""}) if asked.subject_kind == "orders.order" else {"party": str(LABELS.get(asked.subject_kind, ""))}
        told = {"amount": asked.amount, "since": node.entered_at or asked.opened_at, "step": by_language(node.role.name, node.role.name_en)}
        found.append(Task(asked.subject_kind, asked.subject_id, node=node, **{**known, **told, "number": asked.number}))
    for pk in set(facts).difference(asked_for):
        found.append(Task("orders.order", pk, node=None, step=str(Kind.TRANSFER.label), **facts[pk]))
    return sorted(found, key=lambda task: (not task.exceptional, task.since))


def _facts(actor: Actor, order_ids: list[int], offered: int, first: int) -> dict[int, dict[str, Any]]:
    """By order what `Task` says beyond the request, as far as the actor may know it; of up to `offered` transfers too, `first` among them. One statement."""
    if not (order_ids or offered):
        return {}
    found = {}
    asked = {"ids": order_ids, "first": [*order_ids, first], "most": len(order_ids) + offered, "org": actor.org_id if offered else 0}
    asked["today"] = clock.today()
    for pk, name, name_en, currency, beyond, days, owes, frozen, short, first, later, if_short, number, gross, since, by, by_en in rows(FACTS, asked):
        known: dict[str, Any] = {"beyond": beyond, "owes": owes, "frozen": frozen} if actor.can("funds.view") else {}
        known["overdue_days"] = days if actor.can("ledger.view") else 0
        known |= {"party": by_language(name, name_en), "currency": currency, "number": number or "", "amount": gross, "since": since}
        known |= {"short": short if actor.can("inventory.view") else 0, "first": first, "last": not later, "if_short": if_short}
        found[pk] = {**known, "arranger": by_language(by or "", by_en or "")}
    return found


@dataclass(frozen=True)
class History:
    """What the dealer has been like: orders of 90 days, what of a year was paid in time, the last rejection, open disputes, money announced."""

    orders: int
    total: Decimal
    rejected: str | None
    rejected_at: datetime | None
    disputes: int
    announced: Decimal
    paid: Decimal
    in_time: Decimal
    overdue: Decimal

    @property
    def on_time(self) -> Decimal | None:
        """The share paid by the due date, of what was paid or is overdue; None when nothing fell due."""
        due = self.paid + self.overdue
        return self.in_time / due if due else None


@dataclass(frozen=True)
class CaseLine:
    """A line under decision: how far its price is from the list (as a share, None without a list price), and what is free of it now."""

    line: Line
    name: str
    off: Decimal | None
    free: Decimal
    #: what could stand in for it when it is short, the best first
    instead: list[Instead] = field(default_factory=list)

    @property
    def short(self) -> bool:
        return self.free < self.line.qty

    @property
    def proposal(self) -> str:
        """What to tell who ordered it, when another product could stand in."""
        codes = ", ".join(one.code for one in self.instead)
        return _("{product} is short. In stock and can stand in: {others}").format(product=self.line.product.code, others=codes)


@dataclass(frozen=True)
class Case:
    """An order under decision: its lines (short ones first, then the dearest), the buyer's credit and history, the course, what was attached and said."""

    order: Order
    lines: list[CaseLine]
    credit: CreditCard | None
    course: list[Node]
    history: History | None
    files: list[StoredFile]
    said: Message | None
    sees_stock: bool

    @property
    def later(self) -> list[Node]:
        """Who signs after this step."""
        return [node for node in self.course if node.state == NodeState.WAITING]

    @property
    def off_list(self) -> int:
        """How many lines shown have another price than the list."""
        return sum(1 for one in self.lines if one.off)


def case(actor: Actor, task: Task) -> Case:
    """What one needs to decide about an order. About eight statements."""
    order = order_of(actor, task.subject_id)
    mine = actor.org_id == order.house_id
    stock = actor.can("inventory.view") and mine and not order.outside
    lines = _lines(order, actor if stock and not order.transfer else None, hides_steps(order, actor.org_id))
    return Case(
        order, lines, unscoped_card(order.agreement_id) if actor.can("funds.view") else None, course(actor, order.subject),
        _history(order) if mine and not order.outside and actor.can("ledger.view") and actor.can("payments.view") else None,
        list(files_of(order.subject)[:20]) if actor.can("base.files") else [],
        messages(actor, order.subject).order_by("-id").first() if actor.can("messages.view") else None, stock,
    )  # fmt: skip


def _lines(order: Order, actor: Actor | None, hides: bool) -> list[CaseLine]:
    """The dearest lines of an order, short ones first; with what could stand in for these when `actor` may know; `hides`: not how far from the list."""
    here = Stock.unscoped.filter(place_id__in=(order.place_id, *order.serving), product_id=OuterRef("product_id")).order_by().values("product_id")
    free = Subquery(here.annotate(n=Sum(unscoped_free_of())).values("n"))
    found: Iterable[Any] = unscoped_lines_of(order).annotate(free=free).order_by("-gross")[:LINES]
    lines = [CaseLine(one, by_language(one.product.name, one.product.name_en), None if hides else _off_list(one), one.free or ZERO) for one in found]
    if actor:
        trade = meant(Trade(order.agreement_id, order.seller_id, order.buyer_id, "", order.currency), order.kind)
        short = {one.line.product_id: one.line.qty for one in lines if one.short}
        others = instead(actor, trade, short, [one.line.product_id for one in lines])
        lines = [replace(one, instead=others.get(one.line.product_id, [])) if one.short else one for one in lines]
    return sorted(lines, key=lambda one: not one.short)


def _off_list(line: Line) -> Decimal | None:
    """How far the price is from the list's, as a share: −0.05 is 5 % below. None when it is the list's, or no list price was known."""
    chosen = next((step for step in line.price_steps if step.get("verdict") == "chosen"), None)
    listed = next((step for step in line.price_steps if step.get("level") == "base"), None)
    if chosen is None or listed is None or chosen is listed or chosen.get("tax_inclusive") != listed.get("tax_inclusive"):
        return None
    base = Decimal(listed["amount"])
    return (Decimal(chosen["amount"]) - base) / base if base else None


def _history(order: Order) -> History:
    today = clock.today()
    told = {
        "seller": order.seller_id, "buyer": order.buyer_id, "id": order.pk, "today": today, "quarter": today - timedelta(days=90),
        "year": today - timedelta(days=365), "zone": settings.TIME_ZONE,
    }  # fmt: skip
    (row,) = rows(HISTORY, told)
    return History(*row)
