"""Head offices that pay for their branches, over the API: who does, what they have to pay, one payment with its parts."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor, get_visible, sees_prices
from qudao.base.rest import idempotent, page_of, reply
from qudao.kernel.errors import NotFound
from qudao.payments import actions, queries
from qudao.payments.api.payments import DeclineIn, Part, routes
from qudao.payments.models import Pool
from qudao.payments.rules import PoolFacts
from qudao.payments.states import Method

HEAD = ("id", "number", "seller_id", "payer_id", "currency", "part_count", "paid_on", "reference", "method", "note", "state")


class PayerIn(Schema):
    payer_id: int


class PayerOut(PayerIn):
    agreement_id: int


class BranchInvoiceOut(Schema):
    """An open invoice of a branch; `seller_id` waits for the money."""

    id: int
    number: str
    seller_id: int
    buyer_id: int
    date: datetime.date
    due_on: datetime.date
    currency: str
    gross: Decimal
    open: Decimal


class BranchInvoicePage(Schema):
    items: list[BranchInvoiceOut]
    next_after: int | None


class PoolIn(Schema):
    """One payment for several branches. `applications`: null = the rules match it over all branches. What is left is kept for `rest_buyer_id`, or
    for the branch with the oldest due."""

    seller_id: int
    payer_id: int
    amount: Decimal
    currency: str = Field("", max_length=3)
    reference: str = Field("", max_length=200)
    method: Method = Method.TRANSFER
    paid_on: datetime.date | None = None
    note: str = Field("", max_length=200)
    rest_buyer_id: int | None = None
    applications: list[Part] | None = None


class PoolPartOut(Schema):
    """The part of one branch: a payment (/payments/{payment_id})."""

    payment_id: int
    number: str
    buyer_id: int
    state: str
    reference: str
    amount: Decimal | None
    applied: Decimal | None


class PoolOut(Schema):
    """A payment of a head office; amounts are null where the caller may not see them."""

    id: int
    number: str
    seller_id: int
    payer_id: int
    currency: str
    part_count: int
    paid_on: datetime.date
    reference: str
    method: str
    note: str
    state: str
    amount: Decimal | None
    parts: list[PoolPartOut] | None = None


class PoolPage(Schema):
    items: list[PoolOut]
    next_after: int | None


def _shown(pool: Pool, actor: Actor) -> dict[str, Any]:
    clear = sees_prices(actor, pool.seller_id, pool.payer_id)
    return {name: getattr(pool, name) for name in HEAD} | {"amount": pool.amount if clear else None}


def _whole(pool: Pool, actor: Actor, status: int = 200) -> HttpResponse:
    clear = sees_prices(actor, pool.seller_id, pool.payer_id)
    parts = [
        {
            "payment_id": one.pk, "number": one.number, "buyer_id": one.buyer_id, "state": one.state, "reference": one.reference,
            "amount": one.amount if clear else None, "applied": one.applied if clear else None,
        }
        for one in queries.parts_of(pool)
    ]  # fmt: skip
    return reply({**_shown(pool, actor), "parts": parts}, status, location=f"/api/v1/pooled-payments/{pool.pk}")


@routes.get("/agreements/{int:agreement_id}/payer", response=PayerOut, summary="Who pays what is invoiced under an agreement")
def payer(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """404 while the buyer pays itself."""
    kept = queries.payer_of(request.actor, agreement_id)  # type: ignore[attr-defined]
    if kept is None:
        raise NotFound("base.not_found")
    return reply({"agreement_id": kept.agreement_id, "payer_id": kept.payer_id})


@routes.put("/agreements/{int:agreement_id}/payer", response=PayerOut, summary="Name the head office that pays under an agreement")
@idempotent
def set_payer(request: HttpRequest, agreement_id: int, body: PayerIn) -> HttpResponse:
    """An organisation above the buyer."""
    actions.set_payer(agreement_id, body.payer_id, actor=request.actor)  # type: ignore[attr-defined]
    return reply({"agreement_id": agreement_id, "payer_id": body.payer_id})


@routes.delete("/agreements/{int:agreement_id}/payer", response={204: None}, summary="Let the buyer pay itself again")
@idempotent
def end_payer(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """What was paid stays as it is."""
    actions.set_payer(agreement_id, None, actor=request.actor)  # type: ignore[attr-defined]
    return reply(None, 204)


@routes.get("/branch-invoices", response=BranchInvoicePage, summary="What the own organisation has to pay for its branches")
def to_pay(request: HttpRequest, limit: int = 50, after: int | None = None, seller_id: int | None = None, buyer_id: int | None = None) -> HttpResponse:
    """One keyset page of open invoices, newest first."""
    found = queries.branch_invoices(request.actor).select_related(None).order_by("-id")  # type: ignore[attr-defined]
    wanted = {name: value for name, value in (("seller_id", seller_id), ("buyer_id", buyer_id)) if value}
    page, limit = page_of(found.filter(**wanted), limit=limit, after=after)
    items = [{name: getattr(one, name) for name in BranchInvoiceOut.model_fields} for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/pooled-payments", response={201: PoolOut}, summary="Record or announce one payment for several branches")
@idempotent
def make(request: HttpRequest, body: PoolIn) -> HttpResponse:
    """The seller's people record what they received; the payer's announce what is on its way."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    facts = PoolFacts(**{name: value for name, value in body.dict().items() if name != "applications"})
    chosen = None if body.applications is None else [(part.invoice_id, part.amount) for part in body.applications]
    do = actions.announce_pool if actor.org_id == body.payer_id else actions.record_pool
    return _whole(do(facts, chosen, actor=actor), actor, 201)


@routes.get("/pooled-payments", response=PoolPage, summary="Payments of head offices, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, state: str = "") -> HttpResponse:
    """One keyset page of those the caller may see."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.pools(actor).select_related(None)
    page, limit = page_of(found.filter(state__in=state.split(",")) if state else found, limit=limit, after=after)
    items = [_shown(one, actor) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/pooled-payments/{int:pool_id}", response=PoolOut, summary="One payment of a head office with its parts")
def one(request: HttpRequest, pool_id: int) -> HttpResponse:
    """The parts are payments, one for each branch."""
    return _whole(get_visible(request.actor, Pool, pool_id), request.actor)  # type: ignore[attr-defined]


@routes.post("/pooled-payments/{int:pool_id}/confirmation", response=PoolOut, summary="Confirm an announced payment for several branches")
@idempotent
def confirm(request: HttpRequest, pool_id: int) -> HttpResponse:
    """All parts have arrived."""
    return _whole(actions.confirm_pool(pool_id, actor=request.actor), request.actor)  # type: ignore[attr-defined]


@routes.post("/pooled-payments/{int:pool_id}/refusal", response=PoolOut, summary="An announced payment for several branches did not arrive")
@idempotent
def decline(request: HttpRequest, pool_id: int, body: DeclineIn) -> HttpResponse:
    """Say why; the payer reads it."""
    return _whole(actions.decline_pool(pool_id, body.reason, actor=request.actor), request.actor)  # type: ignore[attr-defined]


@routes.post("/pooled-payments/{int:pool_id}/withdrawal", response=PoolOut, summary="Withdraw a payment for branches that was recorded by mistake")
@idempotent
def withdraw(request: HttpRequest, pool_id: int, body: DeclineIn) -> HttpResponse:
    """All its parts, of which none may be applied."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.withdraw_payments([], body.reason, [pool_id], actor=actor)
    return _whole(get_visible(actor, Pool, pool_id), actor)
