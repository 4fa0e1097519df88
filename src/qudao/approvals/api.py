"""Approval rules and waiting approvals over the API. A document is approved at its own address (/orders/42/approval)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.approvals import actions, queries
from qudao.approvals.models import Node, Rule
from qudao.approvals.rules import RuleDraft
from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply

routes = Router(tags=["approvals"])

RULE = ("id", "owner_id", "kind", "min_amount", "position", "role_id", "active")


class RuleIn(Schema):
    """Documents of `kind` of at least `min_amount` need a signature by the role; smaller positions sign first."""

    kind: str = Field(..., max_length=40)
    role_id: int
    min_amount: Decimal = Decimal(0)
    position: int = 1


class RuleOut(RuleIn):
    id: int
    owner_id: int
    active: bool


class RulePage(Schema):
    items: list[RuleOut]
    next_after: int | None


class WaitingOut(Schema):
    """A step that waits for the caller's signature."""

    node_id: int
    subject_kind: str
    subject_id: int
    number: str
    amount: Decimal
    role: str
    entered_at: datetime


def _rule(one: Rule, status: int = 200) -> HttpResponse:
    return reply({name: getattr(one, name) for name in RULE}, status, location=f"/api/v1/approval-rules/{one.pk}")


def _waiting(node: Node) -> dict[str, Any]:
    subject = node.request
    return {
        "node_id": node.pk,
        "subject_kind": subject.subject_kind,
        "subject_id": subject.subject_id,
        "number": subject.number,
        "amount": subject.amount,
        "role": node.role.code,
        "entered_at": node.entered_at,
    }


@routes.get("/approval-rules", response=RulePage, summary="The rules in use, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, kind: str = "") -> HttpResponse:
    """The rules of the own organisation."""
    page, limit = page_of(queries.rules(request.actor, kind=kind), limit=limit, after=after)  # type: ignore[attr-defined]
    items = list(page.values(*RULE))
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/approval-rules", response={201: RuleOut}, summary="Add a rule")
@idempotent
def add(request: HttpRequest, body: RuleIn) -> HttpResponse:
    """It counts for documents submitted from now on."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _rule(actions.add_rule(actor.org_id, RuleDraft(**body.dict()), actor=actor), 201)


@routes.get("/approval-rules/{int:rule_id}", response=RuleOut, summary="One rule")
def one(request: HttpRequest, rule_id: int) -> HttpResponse:
    """In use or retired."""
    return _rule(queries.rule(request.actor, rule_id))  # type: ignore[attr-defined]


@routes.put("/approval-rules/{int:rule_id}", response=RuleOut, summary="Change a rule")
@idempotent
def change(request: HttpRequest, rule_id: int, body: RuleIn) -> HttpResponse:
    """What already waits is not asked again."""
    return _rule(actions.change_rule(rule_id, RuleDraft(**body.dict()), actor=request.actor))  # type: ignore[attr-defined]


@routes.delete("/approval-rules/{int:rule_id}", response=RuleOut, summary="Retire a rule")
@idempotent
def retire(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Requests it has opened go on."""
    return _rule(actions.retire_rule(rule_id, actor=request.actor))  # type: ignore[attr-defined]


@routes.get("/approvals", response=list[WaitingOut], summary="What waits for my signature")
def waiting(request: HttpRequest) -> HttpResponse:
    """Longest waiting first, at most 500."""
    return reply([_waiting(node) for node in queries.pending_for(request.actor)[:500]])  # type: ignore[attr-defined]
