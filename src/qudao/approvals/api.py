"""Approval rules, waiting approvals, handing on and deputies over the API. A document is approved at its own address (/orders/42/approval)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.approvals import actions, queries
from qudao.approvals.actions import AbsenceDraft
from qudao.approvals.models import Absence, Node, Request, Rule
from qudao.approvals.rules import RuleDraft
from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply

routes = Router(tags=["approvals"])

RULE = ("id", "owner_id", "kind", "min_amount", "position", "role_id", "active", "remind_hours")
ABSENCE = ("id", "user_id", "deputy_id", "first_day", "last_day", "note", "ended_at")


class RuleIn(Schema):
    """Documents of `kind` of at least `min_amount` need a signature by the role; smaller positions sign first."""

    kind: str = Field(..., max_length=40)
    role_id: int
    min_amount: Decimal = Decimal(0)
    position: int = 1
    remind_hours: int | None = None


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
    request_id: int
    subject_kind: str
    subject_id: int
    number: str
    amount: Decimal
    role: str
    entered_at: datetime


class StepOut(Schema):
    """One step of a request; `signer_id` when only that person may sign it."""

    position: int
    role: str
    state: str
    signer_id: int | None
    given_by_id: int | None
    added: bool
    note: str


class RequestOut(Schema):
    id: int
    subject_kind: str
    subject_id: int
    number: str
    state: str
    steps: list[StepOut]


class ColleagueIn(Schema):
    """Who is to sign, and why."""

    user_id: int
    reason: str = Field("", max_length=500)


class SignerIn(ColleagueIn):
    """`before`: the colleague signs first and the own step waits again; otherwise next."""

    before: bool = False


class AbsenceIn(Schema):
    """Both days included."""

    deputy_id: int
    first_day: date
    last_day: date
    note: str = Field("", max_length=200)


class AbsenceOut(AbsenceIn):
    id: int
    user_id: int
    ended_at: datetime | None


def _request(one: Request, status: int = 200) -> HttpResponse:
    steps = queries.unscoped_steps(one)
    names = ("position", "state", "signer_id", "given_by_id", "added", "note")
    told = [{"role": step.role.code, **{name: getattr(step, name) for name in names}} for step in steps]
    head = {name: getattr(one, name) for name in ("id", "subject_kind", "subject_id", "number", "state")}
    return reply({**head, "steps": told}, status)


def _absence(one: Absence, status: int = 200) -> HttpResponse:
    return reply({name: getattr(one, name) for name in ABSENCE}, status, location=f"/api/v1/absences/{one.pk}")


def _rule(one: Rule, status: int = 200) -> HttpResponse:
    return reply({name: getattr(one, name) for name in RULE}, status, location=f"/api/v1/approval-rules/{one.pk}")


def _waiting(node: Node) -> dict[str, Any]:
    subject = node.request
    return {
        "node_id": node.pk,
        "request_id": subject.pk,
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


@routes.post("/approvals/{int:request_id}/delegation", response=RequestOut, summary="Hand a step on")
@idempotent
def hand_on(request: HttpRequest, request_id: int, body: ColleagueIn) -> HttpResponse:
    """The colleague alone signs the step that waits for the caller."""
    return _request(actions.delegate(request_id, body.user_id, body.reason, actor=request.actor))  # type: ignore[attr-defined]


@routes.post("/approvals/{int:request_id}/signers", response=RequestOut, summary="Ask a colleague to sign, too")
@idempotent
def add_signer(request: HttpRequest, request_id: int, body: SignerIn) -> HttpResponse:
    """Before the caller, whose step waits again afterwards, or after."""
    return _request(actions.add_signer(request_id, body.user_id, body.before, body.reason, actor=request.actor))  # type: ignore[attr-defined]


@routes.get("/absences", response=list[AbsenceOut], summary="Own absences, and those one stands in for")
def absences(request: HttpRequest) -> HttpResponse:
    """Newest first, at most 500."""
    return reply(list(queries.absences(request.actor).values(*ABSENCE)[:500]))  # type: ignore[attr-defined]


@routes.post("/absences", response={201: AbsenceOut}, summary="Name a deputy")
@idempotent
def name_deputy(request: HttpRequest, body: AbsenceIn) -> HttpResponse:
    """From day to day the deputy may sign what the caller may sign."""
    return _absence(actions.name_deputy(AbsenceDraft(**body.dict()), actor=request.actor), 201)  # type: ignore[attr-defined]


@routes.delete("/absences/{int:absence_id}", response=AbsenceOut, summary="End an absence")
@idempotent
def end_absence(request: HttpRequest, absence_id: int) -> HttpResponse:
    """The deputy signs nothing more."""
    return _absence(actions.end_absence(absence_id, actor=request.actor))  # type: ignore[attr-defined]
