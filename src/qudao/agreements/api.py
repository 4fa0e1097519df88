"""Agreements and authorisations over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from qudao.agreements import actions, queries
from qudao.agreements.models import Authorisation
from qudao.agreements.rules import AgreementDraft, Grant
from qudao.agreements.states import AgreementState, InvoiceOn
from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply

routes = Router(tags=["agreements"])

AGREEMENT = (
    *("id", "code", "state", "seller_id", "buyer_id", "currency", "valid_from", "valid_to", "payment_days", "invoice_on", "tax_inclusive"),
    *("seller__code", "buyer__code"),
)
RENAMED = {"seller__code": "seller_code", "buyer__code": "buyer_code"}
GRANT = ("id", "product_id", "category_id", "allowed", "valid_from", "valid_to")


class TermsIn(Schema):
    """The terms; `payment_days` after the invoice date, both days of the span included."""

    code: str = Field(..., max_length=64)
    valid_from: date
    valid_to: date | None = None
    currency: str = Field("CNY", min_length=3, max_length=3)
    payment_days: int = 30
    invoice_on: InvoiceOn = InvoiceOn.RECEIPT
    tax_inclusive: bool = True


class AgreementIn(TermsIn):
    """A new agreement; without `seller_id` the caller's organisation sells."""

    seller_id: int | None = None
    buyer_id: int


class AgreementOut(TermsIn):
    id: int
    state: AgreementState
    seller_id: int
    seller_code: str
    buyer_id: int
    buyer_code: str


class AgreementPage(Schema):
    items: list[AgreementOut]
    next_after: int | None


class AgreementsAsked(Schema):
    """Which agreements are asked for."""

    limit: int = 50
    after: int | None = None
    state: str = ""
    side: str = ""
    code: str = ""


class GrantIn(Schema):
    """What is authorised: a product, a category with all below it, or (neither) everything; `allowed` false forbids."""

    valid_from: date
    valid_to: date | None = None
    product_id: int | None = None
    category_id: int | None = None
    allowed: bool = True


class GrantOut(GrantIn):
    id: int


class ReasonIn(Schema):
    reason: str = Field("", max_length=500)


def _one(agreement_id: int, actor: Actor, status: int = 200) -> HttpResponse:
    queries.agreement(actor, agreement_id)
    row = queries.agreements(actor).filter(pk=agreement_id).values(*AGREEMENT).get()
    return reply(_told(row), status, location=f"/api/v1/agreements/{agreement_id}")


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in row.items()}


def _grant(one: Authorisation) -> dict[str, Any]:
    return {name: getattr(one, name) for name in GRANT}


@routes.get("/agreements", response=AgreementPage, summary="Agreements, newest first")
def index(request: HttpRequest, asked: AgreementsAsked = Query(...)) -> HttpResponse:
    """One keyset page. `side` seller or buyer: where the caller's organisation stands; `after` = the last id of the page before."""
    found = queries.agreements(request.actor, state=asked.state, side=asked.side)  # type: ignore[attr-defined]
    if asked.code:
        found = found.filter(code=asked.code)
    page, limit = page_of(found, limit=asked.limit, after=asked.after)
    items = [_told(row) for row in page.values(*AGREEMENT)]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/agreements", response={201: AgreementOut}, summary="Draft an agreement")
@idempotent
def draft(request: HttpRequest, body: AgreementIn) -> HttpResponse:
    """Nothing follows from a draft until it is activated."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    values = body.dict() | {"seller_id": body.seller_id or actor.org_id}
    return _one(actions.draft_agreement(AgreementDraft(**values), actor=actor).pk, actor, 201)


@routes.get("/agreements/{int:agreement_id}", response=AgreementOut, summary="One agreement")
def one(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """As its two sides and the branches above them see it."""
    return _one(agreement_id, request.actor)  # type: ignore[attr-defined]


@routes.put("/agreements/{int:agreement_id}", response=AgreementOut, summary="Change a draft")
@idempotent
def change(request: HttpRequest, agreement_id: int, body: TermsIn) -> HttpResponse:
    """Only a draft changes; the two sides stay."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    known = queries.agreement(actor, agreement_id)
    draft = AgreementDraft(known.seller_id, known.buyer_id, **body.dict())
    actions.change_agreement(agreement_id, draft, actor=actor)
    return _one(agreement_id, actor)


@routes.post("/agreements/{int:agreement_id}/activation", response=AgreementOut, summary="Activate")
@idempotent
def activate(request: HttpRequest, agreement_id: int, body: ReasonIn) -> HttpResponse:
    """Let the two trade: from draft, or again after a suspension."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.activate_agreement(agreement_id, body.reason, actor=actor)
    return _one(agreement_id, actor)


@routes.post("/agreements/{int:agreement_id}/suspension", response=AgreementOut, summary="Suspend")
@idempotent
def suspend(request: HttpRequest, agreement_id: int, body: ReasonIn) -> HttpResponse:
    """No new orders; what is under way goes on. Needs a reason."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.suspend_agreement(agreement_id, body.reason, actor=actor)
    return _one(agreement_id, actor)


@routes.post("/agreements/{int:agreement_id}/end", response=AgreementOut, summary="End for good")
@idempotent
def end(request: HttpRequest, agreement_id: int, body: ReasonIn) -> HttpResponse:
    """Open documents are worked off. Needs a reason."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.end_agreement(agreement_id, body.reason, actor=actor)
    return _one(agreement_id, actor)


@routes.get("/agreements/{int:agreement_id}/authorisations", response=list[GrantOut], summary="What the buyer may buy")
def authorisations(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """Latest start first, at most 2,000."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    queries.agreement(actor, agreement_id)
    return reply([_grant(one) for one in queries.authorisations(actor, agreement_id)[:2000]])


@routes.post("/agreements/{int:agreement_id}/authorisations", response={201: GrantOut}, summary="Authorise or forbid")
@idempotent
def authorise(request: HttpRequest, agreement_id: int, body: GrantIn) -> HttpResponse:
    """A product is refused when nothing allows it or something forbids it."""
    made = actions.authorise(agreement_id, Grant(**body.dict()), actor=request.actor)  # type: ignore[attr-defined]
    return reply(_grant(made), 201)


@routes.delete("/authorisations/{int:authorisation_id}", response=AgreementOut, summary="Withdraw an authorisation")
@idempotent
def withdraw(request: HttpRequest, authorisation_id: int) -> HttpResponse:
    """It ends with yesterday."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.withdraw_authorisation(authorisation_id, actor=actor).pk, actor)
