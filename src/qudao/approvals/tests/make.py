"""Rules and requests for tests, made through the actions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from django.test import Client

from qudao.approvals import actions, queries
from qudao.approvals.actions import Outcome
from qudao.approvals.models import Request, Version
from qudao.approvals.rules import Case, RuleDraft
from qudao.base.access import Actor, system_actor
from qudao.base.subject import Subject
from qudao.base.work import unit
from qudao.network.models import Organisation
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import bearer

KIND = "orders.order"
T = TypeVar("T")


def make_rule(
    owner: Organisation, role: str, min_amount: str = "0", position: int = 1, *, remind_hours: int | None = None, actor: Actor | None = None
) -> Version:
    """Orders from an amount on need the role."""
    draft = RuleDraft(KIND, unscoped_system_role(role), Decimal(min_amount), position, remind_hours)
    return actions.add_rule(owner.pk, draft, actor=actor or system_actor())


def document(seller: Organisation, buyer: Organisation, pk: int = 42) -> Subject:
    """An order that exists only as a subject."""
    return Subject(KIND, pk, seller.pk, buyer.pk, f"SO-{pk}")


def open_for(subject: Subject, actor: Actor, amount: str = "1000") -> Request:
    """Ask for the approvals the rules call for, as an action of the document's module would."""
    needed = queries.unscoped_rules_for(subject.seller_id or 0, subject.kind, Case(Decimal(amount)))
    return unit(lambda: _doing(actor, lambda: actions.open_request(subject, needed, actor=actor)))


def sign(subject: Subject, actor: Actor, decision: str = "approve", reason: str = "") -> Outcome:
    return unit(lambda: _doing(actor, lambda: actions.sign(subject, decision, reason, actor=actor)))


def withdraw(subject: Subject, actor: Actor, **kwargs: bool) -> Request:
    return unit(lambda: _doing(actor, lambda: actions.withdraw(subject, actor=actor, **kwargs)))


def in_action(actor: Actor, body: Callable[[], T]) -> T:
    """Run a part as an action of an upper module would."""
    return unit(lambda: _doing(actor, body))


def _doing(actor, body):
    """Parts run inside an action; tests stand in for it."""
    from qudao.base.work import current

    current().doing.append(("orders.test", actor))
    try:
        return body()
    finally:
        current().doing.pop()


class Api:
    """The API as one actor calls it: `api("post", "/products", {...})` returns (status, decoded body)."""

    def __init__(self, actor: Actor) -> None:
        self.client = Client(headers=bearer(actor))

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, object]:
        answer = getattr(self.client, method)(f"/api/v1{path}", body, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()
