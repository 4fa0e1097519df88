"""Requests for limits over the API: one person asks, another one at the seller decides."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import idempotent, page_of, reply
from qudao.funds import actions, queries
from qudao.funds.api.accounts import routes
from qudao.funds.models import LimitRequest
from qudao.funds.rules import Wanted
from qudao.kernel.errors import NotFound


class LimitWantedIn(Schema):
    """`limit` null: the permanent limit stays. A temporary one counts up to and including `temp_until`."""

    limit: Decimal | None = Field(None, ge=0, max_digits=18, decimal_places=2)
    temp_limit: Decimal = Field(Decimal(0), ge=0, max_digits=18, decimal_places=2)
    temp_until: date | None = None

    def wanted(self) -> Wanted:
        return Wanted(self.limit, self.temp_limit, self.temp_until)


class LimitAskIn(LimitWantedIn):
    reason: str = Field(..., min_length=1, max_length=500)


class LimitGrantIn(LimitWantedIn):
    """Without `limit` and `temp_limit`: as it was asked."""

    answer: str = Field("", max_length=500)


class LimitDeclineIn(Schema):
    answer: str = Field(..., min_length=1, max_length=500)


class LimitRequestOut(Schema):
    """`granted_…`: what it was granted with; `was`: the permanent limit before."""

    id: int
    account_id: int
    org_id: int
    limit_amount: Decimal | None
    temp_limit: Decimal
    temp_until: date | None
    reason: str
    asked_name: str
    asked_at: datetime
    state: str
    was: Decimal
    granted_limit: Decimal | None
    granted_temp: Decimal
    granted_until: date | None
    decided_name: str
    decided_at: datetime | None
    answer: str


class LimitRequestPage(Schema):
    items: list[LimitRequestOut]
    next_after: int | None


def _told(request: LimitRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in LimitRequestOut.model_fields}


def _again(actor: Actor, request: LimitRequest, status: int = 200) -> HttpResponse:
    """The request after a change, read through the caller's own eyes."""
    found = queries.requests(actor).filter(pk=request.pk).first()
    if found is None:
        raise NotFound("funds.request_gone")
    return reply(_told(found), status)


@routes.get("/limit-requests", response=LimitRequestPage, summary="Requests for credit limits, newest first")
def list_requests(request: HttpRequest, limit: int = 50, after: int | None = None, state: str = "", account_id: int | None = None) -> HttpResponse:
    """One keyset page, for both sides; with `state`, those that are requested, granted, declined or withdrawn."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.requests(actor, account_id=account_id)
    page, limit = page_of(found.filter(state=state) if state else found, limit=limit, after=after)
    items = [_told(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/funds/{int:account_id}/limit-requests", response={201: LimitRequestOut}, summary="Ask for another limit")
@idempotent
def ask(request: HttpRequest, account_id: int, body: LimitAskIn) -> HttpResponse:
    """By the seller's sales or the buyer; somebody else at the seller decides."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actor, actions.ask_limit(account_id, body.wanted(), body.reason, actor=actor), 201)


@routes.post("/limit-requests/{int:request_id}/grant", response=LimitRequestOut, summary="Grant a request")
@idempotent
def grant(request: HttpRequest, request_id: int, body: LimitGrantIn) -> HttpResponse:
    """As it was asked, or with the limits named; from now on. Not by who asked."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    granted = body.wanted() if body.limit is not None or body.temp_limit else None
    return _again(actor, actions.grant_limit(request_id, granted, body.answer, actor=actor))


@routes.post("/limit-requests/{int:request_id}/decline", response=LimitRequestOut, summary="Decline a request")
@idempotent
def decline(request: HttpRequest, request_id: int, body: LimitDeclineIn) -> HttpResponse:
    """With a reason that who asked reads. Not by who asked."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actor, actions.decline_limit(request_id, body.answer, actor=actor))


@routes.post("/limit-requests/{int:request_id}/withdraw", response=LimitRequestOut, summary="Take a request back")
@idempotent
def withdraw(request: HttpRequest, request_id: int) -> HttpResponse:
    """By the organisation that asked, while it is not decided."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actor, actions.withdraw_limit(request_id, actor=actor))
