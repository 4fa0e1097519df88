"""What waits for this person's signature, with what one needs to decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F

from qudao.approvals.models import Node
from qudao.approvals.queries import course, pending_for
from qudao.base.access import Actor
from qudao.base.html.tables import by_language
from qudao.funds.queries import CreditCard, unscoped_card
from qudao.kernel import clock
from qudao.network.queries import unscoped_cards
from qudao.orders.models import Line, Order
from qudao.orders.queries import order_of, unscoped_lines_of

#: after this an approval is late
PATIENCE = timedelta(hours=24)


@dataclass(frozen=True)
class Task:
    """One approval that waits: the document, its other side, its amount, since when."""

    subject_kind: str
    subject_id: int
    number: str
    party: str
    amount: Decimal
    since: datetime
    step: str

    @property
    def late(self) -> bool:
        return self.since < clock.now() - PATIENCE


def pending(actor: Actor) -> list[Task]:
    """What the actor may sign now, the oldest first. Two statements."""
    nodes = list(pending_for(actor)[:200]) if actor.can("orders.approve") else []
    cards = unscoped_cards({node.request.buyer_id for node in nodes if node.request.buyer_id})
    found = []
    for node in nodes:
        card = cards.get(node.request.buyer_id or 0)
        found.append(
            Task(
                node.request.subject_kind,
                node.request.subject_id,
                node.request.number,
                by_language(card.name, card.name_en) if card else "",
                node.request.amount,
                node.entered_at or node.request.opened_at,
                by_language(node.role.name, node.role.name_en),
            )
        )
    return sorted(found, key=lambda task: task.since)


@dataclass(frozen=True)
class Case:
    """An order under decision: the order, its dearest lines, the buyer's credit."""

    order: Order
    lines: list[Line]
    credit: CreditCard | None
    course: list[Node]


def case(actor: Actor, task: Task) -> Case:
    """What one needs to decide about an order. About six statements."""
    order = order_of(actor, task.subject_id)
    lines = list(unscoped_lines_of(order).order_by(F("gross").desc())[:6])
    return Case(order, lines, unscoped_card(order.agreement_id) if actor.can("funds.view") else None, course(actor, order.subject))
