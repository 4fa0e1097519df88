"""Actions that wait for signatures, over the API: what was asked for, signing it, taking it back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.approvals import actions, queries
from qudao.approvals.api.flows import StepOut, routes
from qudao.approvals.models import Proposal
from qudao.base.access import get_visible
from qudao.base.rest import idempotent, page_of, reply


class ProposalOut(Schema):
    """An action about a document that waits for signatures, or did. `arguments` are what it is called with when the last one is given."""

    id: int
    kind: str
    type: str
    action: str
    arguments: dict[str, Any]
    subject_kind: str
    subject_id: int
    number: str
    amount: Decimal
    currency: str
    asked_by_id: int
    asked_at: datetime
    state: str
    closed_at: datetime | None


class ProposalPage(Schema):
    items: list[ProposalOut]
    next_after: int | None


class ProposalCase(ProposalOut):
    """With its request and who must sign; `/approvals/{request_id}/…` hands it on, adds signers and sends it back."""

    request_id: int
    steps: list[StepOut]


class SigningIn(Schema):
    """What is said with a signature; a rejection needs it. `seen`: the request that was looked at."""

    reason: str = Field("", max_length=500)
    seen: int = 0


def _told(made: Proposal) -> dict[str, Any]:
    return {name: getattr(made, name) for name in ProposalOut.model_fields}


def _case(made: Proposal) -> HttpResponse:
    request = queries.unscoped_request_of(made)
    names = [name for name in StepOut.model_fields if name != "role"]
    steps = [{"role": step.role.code, **{name: getattr(step, name) for name in names}} for step in queries.unscoped_steps(request)]
    return reply({**_told(made), "request_id": request.pk, "steps": steps})


@routes.get("/approval-requests", response=ProposalPage, summary="Actions that wait for signatures, newest first")
def proposals(request: HttpRequest, limit: int = 50, after: int | None = None, state: str = "") -> HttpResponse:
    """What the caller asked for; who signs or sees approvals sees what all of the organisation asked for."""
    found = queries.proposals(request.actor)  # type: ignore[attr-defined]
    page, limit = page_of(found.filter(state=state) if state else found, limit=limit, after=after)
    items = [_told(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/approval-requests/{int:proposal_id}", response=ProposalCase, summary="One action that waits")
def proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """With the steps of its request."""
    return _case(get_visible(request.actor, Proposal, proposal_id))  # type: ignore[attr-defined]


@routes.post("/approval-requests/{int:proposal_id}/approval", response=ProposalCase, summary="Sign it")
@idempotent
def approve_proposal(request: HttpRequest, proposal_id: int, body: SigningIn) -> HttpResponse:
    """The last signature does it; what is refused then is refused here, and nothing is signed."""
    return _case(actions.decide_proposal(proposal_id, "approve", body.reason, seen=body.seen, actor=request.actor))  # type: ignore[attr-defined]


@routes.post("/approval-requests/{int:proposal_id}/rejection", response=ProposalCase, summary="Reject it")
@idempotent
def reject_proposal(request: HttpRequest, proposal_id: int, body: SigningIn) -> HttpResponse:
    """With the reason; nothing happens."""
    return _case(actions.decide_proposal(proposal_id, "reject", body.reason, seen=body.seen, actor=request.actor))  # type: ignore[attr-defined]


@routes.post("/approval-requests/{int:proposal_id}/withdrawal", response=ProposalCase, summary="Take it back")
@idempotent
def withdraw_proposal(request: HttpRequest, proposal_id: int) -> HttpResponse:
    """Only who asked for it, before anybody has signed."""
    return _case(actions.withdraw_proposal(proposal_id, actor=request.actor))  # type: ignore[attr-defined]
