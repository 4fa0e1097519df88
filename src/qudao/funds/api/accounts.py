"""Credit over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.base.sentences import say
from qudao.funds import actions, queries
from qudao.funds.models import Account
from qudao.funds.rules import LimitTerms, Patience, check_amount
from qudao.kernel.errors import Fault

routes = Router(tags=["credit"])


class AccountOut(Schema):
    """A credit account; `limit` and `available` count a temporary limit while it is valid. All agreements of the two in its currency share it:
    the one in force first, then the newest.

    A prepaid one has no limit: `limit` is the balance (as `unapplied`), `exposure` what is frozen of it, `available` what is free.
    One that shares a limit (`shared_id`) has neither `limit` nor `available` of its own.
    """

    id: int
    agreement_ids: list[int]
    seller_id: int
    buyer_id: int
    currency: str
    prepaid: bool
    transfers: bool
    shared_id: int | None
    limit_amount: Decimal
    temp_limit: Decimal
    temp_until: date | None
    limit: Decimal | None
    ordered: Decimal
    shipped: Decimal
    invoiced: Decimal
    unapplied: Decimal
    exposure: Decimal
    available: Decimal | None
    grace_days: int
    tolerance: Decimal
    stop_days: int | None
    watch_percent: int | None
    state: str
    state_since: datetime
    by_hand: str
    by_hand_until: date | None
    by_hand_reason: str
    deposit_required: Decimal
    deposit_first: bool
    deposit_held: Decimal


class AccountPage(Schema):
    items: list[AccountOut]
    next_after: int | None


class ReasonOut(Schema):
    """Why an account is in its state: code, sentence, what clears it."""

    code: str
    sentence: str
    remedy: str


class CreditOut(AccountOut):
    """The same as it stands now: `state` is judged anew, with every reason, and what is overdue at the seller. `limit` and `available` of one that shares
    its limit are those of all who share it."""

    overdue: Decimal
    overdue_days: int
    reasons: list[ReasonOut]


class StateOut(Schema):
    """The account went from one state to another; `reasons` as (code, parameters)."""

    id: int
    at: datetime
    before: str
    after: str
    reasons: list[tuple[str, dict[str, Any]]]
    who: str
    note: str


class StatePage(Schema):
    items: list[StateOut]
    next_after: int | None


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


class DepositIn(Schema):
    """`first`: orders pass only when it is paid."""

    required: Decimal = Field(..., ge=0, max_digits=18, decimal_places=2)
    first: bool = False
    reason: str = Field(..., min_length=1, max_length=500)


class DepositMoneyIn(Schema):
    amount: Decimal = Field(..., gt=0, max_digits=18, decimal_places=2)
    day: date | None = None
    reason: str = Field(..., min_length=1, max_length=200)


class DepositEntryOut(Schema):
    """Money of a deposit that came, went back or was deducted, with what is held after it."""

    id: int
    day: date
    kind: str
    amount: Decimal
    held: Decimal
    reference: str
    number: str
    who: str


class DepositPage(Schema):
    items: list[DepositEntryOut]
    next_after: int | None


class LineLimitOut(Schema):
    """What a product line (a category and all below it) may use of the limit, and what uses it now."""

    category_id: int
    label: str
    limit: Decimal
    used: Decimal
    available: Decimal


class LineLimitIn(Schema):
    """`amount` null: the line has no limit of its own any more."""

    amount: Decimal | None = Field(..., ge=0, max_digits=18, decimal_places=2)
    reason: str = Field(..., min_length=1, max_length=500)


class CreditTrialOut(Schema):
    """Whether an order of an amount would pass now, and every reason why not."""

    passes: bool
    reasons: list[ReasonOut]


class RulesIn(Schema):
    """From when accounts are watched, held and stopped; `stop_days` null: as soon as orders wait, `watch_percent` null: never."""

    grace_days: int = Field(0, ge=0, le=365)
    tolerance: Decimal = Field(Decimal(0), ge=0, max_digits=18, decimal_places=2)
    stop_days: int | None = Field(None, ge=0, le=3650)
    watch_percent: int | None = Field(None, ge=1, le=100)


class LimitIn(RulesIn):
    """What of the rules is left out stays as it is."""

    limit: Decimal = Field(..., ge=0, max_digits=18, decimal_places=2)
    temp_limit: Decimal = Field(Decimal(0), ge=0, max_digits=18, decimal_places=2)
    temp_until: date | None = None
    reason: str = Field(..., min_length=1, max_length=500)


class ReleaseIn(Schema):
    reason: str = Field(..., min_length=1, max_length=500)


class FreezeIn(ReleaseIn):
    """`hold`: new orders wait; `stop`: nothing passes or is shipped; up to and including `until`."""

    state: Literal["hold", "stop"] = "stop"
    until: date | None = None


def _all(accounts: Sequence[Account]) -> list[dict[str, Any]]:
    under = queries.unscoped_agreements([account.pk for account in accounts])
    kept = [name for name in AccountOut.model_fields if name not in ("limit", "agreement_ids")]
    return [
        {name: getattr(one, name) for name in kept} | {"limit": one.limit_now, "agreement_ids": [a.pk for a in under.get(one.pk, ())]}  # type: ignore[attr-defined]
        for one in accounts
    ]


def _account(account: Account) -> dict[str, Any]:
    return _all([account])[0]


def _said(faults: Iterable[Fault]) -> list[dict[str, str]]:
    return [{"code": said.code, "sentence": str(said.sentence), "remedy": str(said.remedy)} for said in map(say, faults)]


def _lines(account: Account) -> list[dict[str, Any]]:
    card = queries.unscoped_card_of(account.pk)
    return [{name: getattr(line, name) for name in LineLimitOut.model_fields} for line in queries.unscoped_lines(card)] if card else []


def _again(account: Account, actor: Actor) -> HttpResponse:
    """The account after a change, read through the caller's own eyes."""
    return reply(_account(queries.account(actor, account.pk)))


@routes.get("/funds", response=AccountPage, summary="Credit accounts, newest first")
def list_accounts(request: HttpRequest, limit: int = 50, after: int | None = None, state: str = "") -> HttpResponse:
    """One keyset page of the credit given and taken; with `state`, those noted as ok, watch, hold or stop."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.accounts(actor)
    page, limit = page_of(found.filter(state=state) if state else found, limit=limit, after=after)
    items = _all(list(page))
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/agreements/{int:agreement_id}/credit", response=CreditOut, summary="The credit of an agreement now")
def read_credit(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """Limit, buckets, what is free and what is overdue, for the two sides of the agreement."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    card = queries.credit(actor, agreement_id)
    account = queries.account(actor, card.account_id)
    standing = card.standing
    now = {"state": standing.state, "reasons": _said(standing.reasons), "overdue": card.position.overdue, "overdue_days": card.position.overdue_days}
    whole = {"limit": card.limit, "available": card.available} if card.shared_id else {}
    return reply({**_account(account), **now, **whole})


@routes.get("/funds/{int:account_id}/states", response=StatePage, summary="The states a credit account went through, newest first")
def list_states(request: HttpRequest, account_id: int, limit: int = 50, after: int | None = None) -> HttpResponse:
    """One keyset page of its history, for both sides."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    account = queries.account(actor, account_id)
    page, limit = page_of(queries.changes_of(actor, account.pk), limit=limit, after=after)
    items = [{name: getattr(change, name) for name in StateOut.model_fields} for change in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/agreements/{int:agreement_id}/credit/trial", response=CreditTrialOut, summary="Whether an order of an amount would pass now")
def try_credit(request: HttpRequest, agreement_id: int, amount: Decimal, category_id: int | None = None) -> HttpResponse:
    """What if: nothing is held. With `category_id` the limits of its product lines are asked too."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    check_amount(amount)
    faults = queries.unscoped_try(queries.credit(actor, agreement_id), amount, category_id)
    return reply({"passes": not faults, "reasons": _said(faults)})


@routes.get("/funds/{int:account_id}/lines", response=list[LineLimitOut], summary="The limits of a credit account for product lines")
def list_lines(request: HttpRequest, account_id: int) -> HttpResponse:
    """In the order of the catalogue's tree, with what uses each now."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_lines(queries.account(actor, account_id)))


@routes.put("/funds/{int:account_id}/lines/{int:category_id}", response=list[LineLimitOut], summary="Set the limit for a product line")
@idempotent
def put_line(request: HttpRequest, account_id: int, category_id: int, body: LineLimitIn) -> HttpResponse:
    """An order must pass the limit of the account and that of each of its product lines."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.set_line_limits(account_id, {category_id: body.amount}, body.reason, actor=actor)
    return reply(_lines(queries.account(actor, account_id)))


@routes.put("/funds/{int:account_id}/deposit-terms", response=AccountOut, summary="Ask for a deposit")
@idempotent
def put_deposit(request: HttpRequest, account_id: int, body: DepositIn) -> HttpResponse:
    """It is held beside all trade: it pays nothing and gives no credit."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actions.set_deposit(account_id, body.required, body.first, body.reason, actor=actor), actor)


@routes.get("/funds/{int:account_id}/deposit", response=DepositPage, summary="What happened to a deposit, newest first")
def list_deposit(request: HttpRequest, account_id: int, limit: int = 50, after: int | None = None) -> HttpResponse:
    """One keyset page, for both sides."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page, limit = page_of(queries.deposit_entries(actor, queries.account(actor, account_id).pk), limit=limit, after=after)
    items = [{name: getattr(entry, name) for name in DepositEntryOut.model_fields} for entry in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/funds/{int:account_id}/deposit/receipts", response=AccountOut, summary="Take in money of a deposit")
@idempotent
def take_in(request: HttpRequest, account_id: int, body: DepositMoneyIn) -> HttpResponse:
    """Both books post it; orders that wait for it are tried again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actions.pay_deposit(account_id, body.amount, body.reason, body.day, actor=actor), actor)


@routes.post("/funds/{int:account_id}/deposit/refunds", response=AccountOut, summary="Send a deposit back")
@idempotent
def send_back(request: HttpRequest, account_id: int, body: DepositMoneyIn) -> HttpResponse:
    """All of it or a part; it cannot be taken back."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actions.refund_deposit(account_id, body.amount, body.reason, body.day, actor=actor), actor)


@routes.get("/funds/rules", response=RulesIn, summary="The rules of the own organisation for its credit accounts")
def read_rules(request: HttpRequest) -> HttpResponse:
    """From when accounts are watched, held and stopped unless an account has other rules."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(asdict(queries.house(actor)))


@routes.put("/funds/rules", response=RulesIn, summary="Set the rules of the own organisation for its credit accounts")
@idempotent
def put_rules(request: HttpRequest, body: RulesIn) -> HttpResponse:
    """New accounts get them; those that had the same rules as before follow."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.set_rules(Patience(**body.dict()), actor=actor)
    return reply(asdict(queries.house(actor)))


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
    """The permanent and the temporary limit, and the rules of patience; by the seller's finance."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    now = queries.account(actor, account_id)
    rules = {name: getattr(body if name in body.model_fields_set else now, name) for name in RulesIn.model_fields}
    terms = LimitTerms(body.limit, body.temp_limit, body.temp_until, **rules)
    return _again(actions.set_limit(account_id, terms, body.reason, actor=actor), actor)


@routes.post("/funds/{int:account_id}/freeze", response=AccountOut, summary="Put the account on hold, or stop it")
@idempotent
def freeze(request: HttpRequest, account_id: int, body: FreezeIn) -> HttpResponse:
    """Whatever the rules say: new orders wait, or no further order passes and nothing is shipped."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actions.freeze(account_id, body.reason, state=body.state, until=body.until, actor=actor), actor)


@routes.post("/funds/{int:account_id}/unfreeze", response=AccountOut, summary="End a hold or stop by hand")
@idempotent
def unfreeze(request: HttpRequest, account_id: int, body: ReleaseIn) -> HttpResponse:
    """What the rules say counts again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _again(actions.unfreeze(account_id, body.reason, actor=actor), actor)
