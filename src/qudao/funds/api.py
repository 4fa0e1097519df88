"""Credit over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.funds import actions, queries
from qudao.funds.models import Account
from qudao.funds.rules import LimitTerms

routes = Router(tags=["credit"])


class AccountOut(Schema):
    """A credit account; `limit` and `available` count a temporary limit while it is valid.

    A prepaid one has no limit: `limit` is the balance (as `unapplied`), `exposure` what is frozen of it, `available` what is free.
    """

    id: int
    agreement_id: int
    seller_id: int
    buyer_id: int
    currency: str
    prepaid: bool
    limit_amount: Decimal
    temp_limit: Decimal
    temp_until: date | None
    limit: Decimal
    ordered: Decimal
    shipped: Decimal
    invoiced: Decimal
    unapplied: Decimal
    exposure: Decimal
    available: Decimal
    grace_days: int
    tolerance: Decimal
    frozen: bool


class AccountPage(Schema):
    items: list[AccountOut]
    next_after: int | None


class CreditOut(AccountOut):
    """The same with what is overdue at the seller now."""

    overdue: Decimal
    overdue_days: int


class EntryOut(Schema):
    """One change of one bucket, with the exposure after it and the limit at that moment."""

    id: int
    at: datetime
    kind: str
    bucket: str
    amount: Decimal
    exposure: Decimal
    limit_amount: Decimal
    subject_kind: str
    subject_id: int
    number: str


class EntryPage(Schema):
    items: list[EntryOut]
    next_after: int | None


class LimitIn(Schema):
    limit: Decimal = Field(..., ge=0, max_digits=18, decimal_places=2)
    temp_limit: Decimal = Field(Decimal(0), ge=0, max_digits=18, decimal_places=2)
    temp_until: date | None = None
    grace_days: int = Field(0, ge=0, le=365)
    tolerance: Decimal = Field(Decimal(0), ge=0, max_digits=18, decimal_places=2)
    reason: str = Field(..., min_length=1, max_length=500)


class FreezeIn(Schema):
    reason: str = Field(..., min_length=1, max_length=500)


def _account(account: Account) -> dict[str, Any]:
    shown = {name: getattr(account, name) for name in AccountOut.model_fields if name != "limit"}
    return {**shown, "limit": account.limit_now}  # type: ignore[attr-defined]


def _again(account: Account, actor: Actor) -> HttpResponse:
    """The account after a change, read through the caller's own eyes."""
    return reply(_account(queries.account(actor, account.pk)))


@routes.get("/funds", response=AccountPage, summary="Credit accounts, newest first")
def list_accounts(request: HttpRequest, limit: int = 50, after: int | None = None) -> HttpResponse:
    """One keyset page of the credit given and taken."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page, limit = page_of(queries.accounts(actor), limit=limit, after=after)
    items = [_account(account) for account in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/agreements/{int:agreement_id}/credit", response=CreditOut, summary="The credit of an agreement now")
def read_credit(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """Limit, buckets, what is free and what is overdue, for the two sides of the agreement."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    card = queries.credit(actor, agreement_id)
    account = queries.account(actor, card.account_id)
    return reply({**_account(account), "overdue": card.position.overdue, "overdue_days": card.position.overdue_days})


@routes.get("/funds/{int:account_id}/entries", response=EntryPage, summary="What changed a credit account, newest first")
def list_entries(request: HttpRequest, account_id: int, limit: int = 50, after: int | None = None) -> HttpResponse:
    """One keyset page of the changes of its buckets."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    account = queries.account(actor, account_id)
    found = queries.entries_of(actor, account.pk)
    page, limit = page_of(found, limit=limit, after=after)
    items = [{name: getattr(entry, name) for name in EntryOut.model_fields} for entry in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.put("/funds/{int:account_id}/limit", response=AccountOut, summary="Set the limits")
@idempotent
def put_limit(request: HttpRequest, account_id: int, body: LimitIn) -> HttpResponse:
    """The permanent and the temporary limit, days of grace and tolerated overdue amount; by the seller's finance."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    terms = LimitTerms(body.limit, body.temp_limit, body.temp_until, body.grace_days, body.tolerance)
    return _again(actions.set_limit(account_id, terms, body.reason, actor=actor), actor)


@routes.post("/funds/{int:account_id}/freeze", response=AccountOut, summary="Freeze the account")
@idempotent
def freeze(request: HttpRequest, account_id: int, body: FreezeIn) -> HttpResponse:
    """No further order passes and nothing is shipped."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actions.freeze(account_id, body.reason, actor=actor), actor)


@routes.post("/funds/{int:account_id}/unfreeze", response=AccountOut, summary="Unfreeze the account")
@idempotent
def unfreeze(request: HttpRequest, account_id: int, body: FreezeIn) -> HttpResponse:
    """Orders pass again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actions.unfreeze(account_id, body.reason, actor=actor), actor)
