"""Approval flows, waiting approvals, handing on and deputies over the API. A document is approved at its own address (/orders/42/approval)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.approvals import actions, queries
from qudao.approvals.actions import AbsenceDraft, CalendarDraft
from qudao.approvals.models import Absence, Flow, Node, Request
from qudao.approvals.rules import Branch, FlowDraft, RuleDraft, Step, When, replay, stored
from qudao.approvals.states import Mode, VersionState, Who
from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.kernel import clock
from qudao.kernel.worktime import WorkTime

routes = Router(tags=["approvals"])

ABSENCE = ("id", "user_id", "deputy_id", "first_day", "last_day", "note", "ended_at")


class RuleIn(Schema):
    """Documents of `kind` of at least `min_amount` need a signature by the role; smaller positions sign first."""

    kind: str = Field(..., max_length=40)
    role_id: int
    min_amount: Decimal = Decimal(0)
    position: int = 1
    remind_hours: int | None = None


class DutiesBody(Schema):
    apart: bool


class WhenIn(Schema):
    """Conditions of a branch: all that is said must hold. Amounts from (included) to (not included); `discount_from` in per cent."""

    amount_from: Decimal = Decimal(0)
    amount_to: Decimal | None = None
    discount_from: Decimal | None = None
    types: list[str] = Field([], max_length=20)
    credit: str = ""
    first: bool | None = None
    categories: list[str] = Field([], max_length=100)
    tiers: list[int] = Field([], max_length=20)
    groups: list[str] = Field([], max_length=100)


class StepIn(Schema):
    """Signatures of `who` (role, person, manager, department), by `mode` any, all or sequence of them; smaller positions sign first.

    After `late_hours` without a signature it goes up to `late_role_id` (else the administrators), is rejected, or passes below `late_below`.
    """

    role_id: int | None = None
    position: int = 1
    remind_hours: int | None = None
    who: Who = Who.ROLE
    mode: Mode = Mode.ANY
    people: list[int] = Field([], max_length=20)
    department: str = Field("", max_length=40)
    late_hours: int | None = None
    late_then: Literal["", "escalate", "pass", "reject"] = ""
    late_role_id: int | None = None
    late_below: Decimal | None = None


class BranchIn(Schema):
    """Conditions and the signatures they lead to."""

    name: str = Field("", max_length=80)
    when: WhenIn = Field(default_factory=WhenIn)  # type: ignore[arg-type]
    steps: list[StepIn] = Field([], max_length=20)


class FlowIn(Schema):
    """Everything the draft of the flow for a kind of documents says.

    `skip_signed`: who has signed an earlier step is not asked again where nobody else can sign. `working_hours`: reminders and time-outs count those.
    """

    kind: str = Field(..., max_length=40)
    name: str = Field("", max_length=80)
    skip_signed: bool = True
    working_hours: bool = False
    branches: list[BranchIn] = Field([], max_length=100)


class VersionOut(Schema):
    no: int
    state: str
    skip_signed: bool
    working_hours: bool
    branches: list[BranchIn]
    published_at: datetime | None
    ended_at: datetime | None


class FlowOut(Schema):
    id: int
    owner_id: int
    kind: str
    name: str
    versions: list[VersionOut]


class FlowPage(Schema):
    items: list[FlowOut]
    next_after: int | None


class AskedOut(Schema):
    """How many documents would need this signature."""

    step: StepIn
    count: int


class ReplayOut(Schema):
    """How many documents, how many pass without a signature, how many depend on facts not kept; whom how many need; which change."""

    total: int
    through: int
    unsure: int
    asked: list[AskedOut]
    changed: list[str]


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
    """One step of a request; `signer_id` when only that person may sign it.

    `void`: sent back, asked anew in a later `round`. `covered_by_id`: skipped, because this person signed an earlier step.
    """

    position: int
    role: str
    state: str
    signer_id: int | None
    given_by_id: int | None
    added: bool
    note: str
    round: int
    void: bool
    covered_by_id: int | None


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


class BackIn(Schema):
    """To which step, by its position, and why."""

    position: int
    reason: str = Field(..., max_length=500)


class HoursBody(Schema):
    """When the organisation works; Monday is 0."""

    weekdays: list[int] = Field([0, 1, 2, 3, 4], max_length=7)
    begins: time = time(9)
    ends: time = time(18)
    holidays: list[date] = Field([], max_length=400)
    workdays: list[date] = Field([], max_length=400)


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
    names = ("position", "state", "signer_id", "given_by_id", "added", "note", "round", "void", "covered_by_id")
    told = [{"role": step.role.code, **{name: getattr(step, name) for name in names}} for step in steps]
    head = {name: getattr(one, name) for name in ("id", "subject_kind", "subject_id", "number", "state")}
    return reply({**head, "steps": told}, status)


def _absence(one: Absence, status: int = 200) -> HttpResponse:
    return reply({name: getattr(one, name) for name in ABSENCE}, status, location=f"/api/v1/absences/{one.pk}")


def _told(one: Flow) -> dict[str, Any]:
    names = ("no", "state", "skip_signed", "working_hours", "branches", "published_at", "ended_at")
    versions = [{name: getattr(version, name) for name in names} for version in one.versions.all()]
    return {"id": one.pk, "owner_id": one.owner_id, "kind": one.kind, "name": one.name, "versions": versions}


def _flow(actor: Actor, flow_id: int, status: int = 200) -> HttpResponse:
    return reply(_told(queries.flow(actor, flow_id)), status, location=f"/api/v1/approval-flows/{flow_id}")


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


@routes.get("/approval-flows", response=FlowPage, summary="The flows, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, kind: str = "") -> HttpResponse:
    """The flows of the own organisation with all their versions."""
    page, limit = page_of(queries.flows(request.actor, kind=kind), limit=limit, after=after)  # type: ignore[attr-defined]
    items = [_told(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/approval-flows", response={201: FlowOut}, summary="Write the draft of a flow")
@idempotent
def draft(request: HttpRequest, body: FlowIn) -> HttpResponse:
    """The flow of the kind is made when there is none. Nothing changes for documents until it is published."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    branches = tuple(Branch(one.name, When(**_tuples(one.when)), tuple(Step(**_tuples(step)) for step in one.steps)) for one in body.branches)
    return _flow(actor, actions.save_draft(actor.org_id, FlowDraft(body.kind, body.name, branches, body.skip_signed, body.working_hours), actor=actor).pk, 201)


def _tuples(body: Schema) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in body.dict().items()}


@routes.post("/approval-flows/rule", response={201: FlowOut}, summary="Add a signature from an amount on, at once")
@idempotent
def add(request: HttpRequest, body: RuleIn) -> HttpResponse:
    """The flow gets a new version that counts for documents submitted from now on."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _flow(actor, actions.add_rule(actor.org_id, RuleDraft(**body.dict()), actor=actor).flow_id, 201)


@routes.get("/approval-flows/{int:flow_id}", response=FlowOut, summary="One flow")
def one(request: HttpRequest, flow_id: int) -> HttpResponse:
    """With all its versions, the newest first."""
    return _flow(request.actor, flow_id)  # type: ignore[attr-defined]


@routes.get("/approval-flows/{int:flow_id}/what-if", response=ReplayOut, summary="What the draft would have asked")
def what_if(request: HttpRequest, flow_id: int, months: int = 3) -> HttpResponse:
    """Of the documents of the last months, signed or not (at most 24, at most 5,000 documents); without a draft, of what is in use."""
    flow = queries.flow(request.actor, flow_id)  # type: ignore[attr-defined]
    by_state = {version.state: queries.plan_of(version) for version in flow.versions.all()}
    used = by_state.get(VersionState.PUBLISHED, queries.NO_PLAN)
    found = queries.unscoped_submitted(flow, clock.now() - timedelta(days=30 * max(1, min(months, 24))))
    told = replay(by_state.get(VersionState.DRAFT, used), used, [one.case for one in found])
    asked = [{"step": stored(step), "count": n} for step, n in told.asked]
    counts = {"total": told.total, "through": told.through, "unsure": told.unsure}
    return reply({**counts, "asked": asked, "changed": [found[n].number for n in told.changed]})


@routes.post("/approval-flows/{int:flow_id}/publication", response=FlowOut, summary="Publish the draft")
@idempotent
def publish(request: HttpRequest, flow_id: int) -> HttpResponse:
    """It counts for documents submitted from now on; what waits goes on by its own version."""
    return _flow(request.actor, actions.publish_flow(flow_id, actor=request.actor).flow_id)  # type: ignore[attr-defined]


@routes.post("/approval-flows/{int:flow_id}/discard", response=FlowOut, summary="Discard the draft")
@idempotent
def discard(request: HttpRequest, flow_id: int) -> HttpResponse:
    """What is in use stays."""
    return _flow(request.actor, actions.discard_draft(flow_id, actor=request.actor).pk)  # type: ignore[attr-defined]


@routes.post("/approval-flows/{int:flow_id}/retirement", response=FlowOut, summary="Take the flow out of use")
@idempotent
def retire(request: HttpRequest, flow_id: int) -> HttpResponse:
    """Documents submitted from now on need no signature."""
    return _flow(request.actor, actions.retire_flow(flow_id, actor=request.actor).pk)  # type: ignore[attr-defined]


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


@routes.post("/approvals/{int:request_id}/back", response=RequestOut, summary="Send back to an earlier signature")
@idempotent
def back(request: HttpRequest, request_id: int, body: BackIn) -> HttpResponse:
    """It and all after it are asked anew; signatures before it still count."""
    return _request(actions.send_back(request_id, body.position, body.reason, actor=request.actor))  # type: ignore[attr-defined]


def _hours(told: WorkTime) -> HttpResponse:
    return reply({"begins": told.begins, "ends": told.ends, **{name: sorted(getattr(told, name)) for name in ("weekdays", "holidays", "workdays")}})


@routes.get("/approval-flows/hours", response=HoursBody, summary="The working hours")
def hours(request: HttpRequest) -> HttpResponse:
    """Those of the own organisation; the usual ones while nobody has said anything else."""
    return _hours(queries.work_time(queries.calendar(request.actor)))  # type: ignore[attr-defined]


@routes.get("/approval-flows/duties", response=DutiesBody, summary="Whether duties are kept apart")
def duties(request: HttpRequest) -> HttpResponse:
    """In the own organisation: nobody pays, confirms or refunds what the same person ordered, signed, announced or recorded."""
    return reply({"apart": queries.separates(request.actor)})  # type: ignore[attr-defined]


@routes.put("/approval-flows/duties", response=DutiesBody, summary="Keep duties apart, or not")
@idempotent
def separate(request: HttpRequest, body: DutiesBody) -> HttpResponse:
    """From now on."""
    return reply({"apart": actions.separate_duties(body.apart, actor=request.actor)})  # type: ignore[attr-defined]


@routes.put("/approval-flows/hours", response=HoursBody, summary="Say when the organisation works")
@idempotent
def keep_hours(request: HttpRequest, body: HoursBody) -> HttpResponse:
    """Reminders and time-outs of flows that count working hours go by it at once."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _hours(queries.work_time(actions.keep_hours(actor.org_id, CalendarDraft(**_tuples(body)), actor=actor)))


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
