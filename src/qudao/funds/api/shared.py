"""Shared limits over the API: who shares one, what all use of it; setting and ending it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import idempotent, page_of, reply
from qudao.funds import actions, queries
from qudao.funds.api.accounts import ReleaseIn
from qudao.funds.api.requests import routes
from qudao.funds.models import SharedLimit
from qudao.funds.rules import SharedDraft


class SharedMember(Schema):
    """An account that shares the limit, and what it uses."""

    account_id: int
    buyer_id: int
    exposure: Decimal


class SharedLimitOut(Schema):
    """A limit that a head office shares with organisations below it; `limit` and `available` count a temporary one while it is valid."""

    id: int
    seller_id: int
    head_id: int
    currency: str
    limit: Decimal
    temp_limit: Decimal
    temp_until: date | None
    used: Decimal
    available: Decimal
    members: list[SharedMember] | None = None


class SharedLimitPage(Schema):
    items: list[SharedLimitOut]
    next_after: int | None


class SharedLimitIn(Schema):
    """`buyer_ids`: the head office itself or below it, each with credit in the currency. Who is not named any more has its own limit again."""

    head_id: int
    currency: str = Field("CNY", min_length=3, max_length=3)
    buyer_ids: list[int]
    limit: Decimal = Field(..., ge=0, max_digits=18, decimal_places=2)
    temp_limit: Decimal = Field(Decimal(0), ge=0, max_digits=18, decimal_places=2)
    temp_until: date | None = None
    reason: str = Field(..., min_length=1, max_length=500)


def _shown(one: SharedLimit, *, whole: bool = False) -> dict[str, Any]:
    kept = ("id", "seller_id", "head_id", "currency", "temp_limit", "temp_until", "used", "available")
    found: dict[str, Any] = {name: getattr(one, name) for name in kept} | {"limit": one.limit_now}  # type: ignore[attr-defined]
    if whole:
        found["members"] = [{"account_id": a.pk, "buyer_id": a.buyer_id, "exposure": a.exposure} for a in queries.unscoped_members(one)]  # type: ignore[attr-defined]
    return found


@routes.get("/shared-limits", response=SharedLimitPage, summary="Shared limits, newest first")
def list_shared(request: HttpRequest, limit: int = 50, after: int | None = None) -> HttpResponse:
    """One keyset page of those one gives, or has as a head office."""
    page, limit = page_of(queries.shared_limits(request.actor), limit=limit, after=after)  # type: ignore[attr-defined]
    items = [_shown(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/shared-limits/{int:shared_id}", response=SharedLimitOut, summary="A shared limit with what each uses of it")
def read_shared(request: HttpRequest, shared_id: int) -> HttpResponse:
    """For the seller and the head office."""
    return reply(_shown(queries.shared_limit(request.actor, shared_id), whole=True))  # type: ignore[attr-defined]


@routes.put("/shared-limits", response=SharedLimitOut, summary="Share a limit, or change one")
@idempotent
def put_shared(request: HttpRequest, body: SharedLimitIn) -> HttpResponse:
    """By the seller's finance: what all named use counts against one limit, in place of their own."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    draft = SharedDraft(actor.org_id, body.head_id, body.currency.upper(), body.buyer_ids, body.limit, body.temp_limit, body.temp_until)
    made = actions.share_limit(draft, body.reason, actor=actor)
    return reply(_shown(queries.shared_limit(actor, made.pk), whole=True))


@routes.post("/shared-limits/{int:shared_id}/end", response={204: None}, summary="End the sharing of a limit")
@idempotent
def end_shared(request: HttpRequest, shared_id: int, body: ReleaseIn) -> HttpResponse:
    """Everybody has its own limit again."""
    actions.end_shared(shared_id, body.reason, actor=request.actor)  # type: ignore[attr-defined]
    return reply(None, 204)
