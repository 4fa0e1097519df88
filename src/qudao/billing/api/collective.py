"""Goods of many orders on one invoice over the API: when it is issued, what it will take, those that were issued."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Schema

from qudao.base.access import Actor, get_visible, sees_prices
from qudao.base.rest import idempotent, page_of, reply
from qudao.billing import actions, queries
from qudao.billing.api.invoices import TaxOut, routes, told
from qudao.billing.models import Collective, Cycle
from qudao.billing.queries import Agreement
from qudao.kernel.errors import Forbidden, NotFound
from qudao.kernel.money import ZERO

HEAD = ("id", "number", "seller_id", "buyer_id", "agreement_id", "date", "due_on", "currency", "part_count")


class CycleIn(Schema):
    """`day`: 1 (Monday) to 7 of a week, 1 to 31 of a month, 0 for half months (the 15th and the last day)."""

    every: Literal["week", "half", "month"]
    day: int = 0


class CycleOut(CycleIn):
    agreement_id: int
    next_on: datetime.date


class ToCollectOut(Schema):
    """An order with what it has to invoice now."""

    order_id: int
    number: str
    gross: Decimal


class UpcomingOut(Schema):
    """What the next collective invoice would take now; `next_on` null without terms for it."""

    currency: str
    next_on: datetime.date | None
    gross: Decimal
    orders: list[ToCollectOut]


class CollectedOut(Schema):
    """The part of one order: an invoice (/invoices/{invoice_id})."""

    invoice_id: int
    number: str
    order_id: int
    order: str
    state: str
    gross: Decimal | None
    paid: Decimal | None


class CollectiveOut(Schema):
    """A collective invoice; amounts are null where the caller may not see the prices of this trade."""

    id: int
    number: str
    seller_id: int
    buyer_id: int
    agreement_id: int
    date: datetime.date
    due_on: datetime.date
    currency: str
    part_count: int
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None
    open: Decimal | None
    parts: list[CollectedOut] | None = None
    taxes: list[TaxOut] | None = None


class CollectivePage(Schema):
    items: list[CollectiveOut]
    next_after: int | None


def _cycle(cycle: Cycle) -> HttpResponse:
    return reply({name: getattr(cycle, name) for name in CycleOut.model_fields})


def _shown(one: Any, actor: Actor) -> dict[str, Any]:
    clear = sees_prices(actor, one.seller_id, one.buyer_id)
    amounts = {"net": one.net, "tax": one.tax, "gross": one.gross, "open": one.rest}
    return {name: getattr(one, name) for name in HEAD} | {name: value if clear else None for name, value in amounts.items()}


def _whole(pk: int, actor: Actor, status: int = 200) -> HttpResponse:
    one = queries.collectives(actor).filter(pk=pk).first()
    if one is None:
        raise NotFound("base.not_found")
    clear = sees_prices(actor, one.seller_id, one.buyer_id)
    parts = [
        {
            "invoice_id": part.pk, "number": part.number, "order_id": part.order_id, "order": part.order.number, "state": part.state,
            "gross": part.gross if clear else None, "paid": part.paid if clear else None,
        }
        for part in queries.parts_of(one)
    ]  # fmt: skip
    taxes = [told(rate) for rate in queries.taxes_of(queries.unscoped_lines_of_parts(one))] if clear else None
    return reply({**_shown(one, actor), "parts": parts, "taxes": taxes}, status, location=f"/api/v1/collective-invoices/{pk}")


@routes.get("/agreements/{int:agreement_id}/invoicing", response=CycleOut, summary="When goods under an agreement are invoiced together")
def cycle(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """404 while each delivery is invoiced at once."""
    found = queries.cycle_of(request.actor, agreement_id)  # type: ignore[attr-defined]
    if found is None:
        raise NotFound("base.not_found")
    return _cycle(found)


@routes.put("/agreements/{int:agreement_id}/invoicing", response=CycleOut, summary="Invoice goods under an agreement together")
@idempotent
def set_cycle(request: HttpRequest, agreement_id: int, body: CycleIn) -> HttpResponse:
    """From now on, on these days."""
    return _cycle(actions.set_cycle(agreement_id, body.every, body.day, actor=request.actor))  # type: ignore[attr-defined]


@routes.delete("/agreements/{int:agreement_id}/invoicing", response={204: None}, summary="Invoice each delivery at once again")
@idempotent
def end_cycle(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """What waits is invoiced together a last time."""
    actions.end_cycle(agreement_id, actor=request.actor)  # type: ignore[attr-defined]
    return reply(None, 204)


@routes.get("/agreements/{int:agreement_id}/upcoming-invoice", response=UpcomingOut, summary="What the next collective invoice would take")
def upcoming(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """Each order with what was delivered and is not invoiced."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    agreement = get_visible(actor, Agreement, agreement_id)
    if not (actor.can("billing.view") and sees_prices(actor, agreement.seller_id, agreement.buyer_id)):
        raise Forbidden("base.forbidden", verb="billing.view")
    terms, found = queries.cycle_of(actor, agreement_id), queries.unscoped_upcoming(agreement)
    orders = [{"order_id": trade.id, "number": trade.number, "gross": gross} for trade, gross in found]
    total = sum((gross for _trade, gross in found), ZERO)
    return reply({"currency": agreement.currency, "next_on": terms.next_on if terms else None, "gross": total, "orders": orders})


@routes.post("/agreements/{int:agreement_id}/collective-invoices", response={201: CollectiveOut}, summary="Issue a collective invoice now")
@idempotent
def issue(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """Over everything delivered under the agreement and not invoiced; 409 when there is nothing."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    made = actions.issue_collective(agreement_id, actor=actor)
    assert made is not None
    return _whole(made.pk, actor, 201)


@routes.get("/collective-invoices", response=CollectivePage, summary="Collective invoices, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, agreement_id: int | None = None) -> HttpResponse:
    """One keyset page of those the caller may see."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.collectives(actor).select_related(None)
    page, limit = page_of(found.filter(agreement_id=agreement_id) if agreement_id else found, limit=limit, after=after)
    items = [_shown(one, actor) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/collective-invoices/{int:collective_id}", response=CollectiveOut, summary="One collective invoice with its parts")
def one(request: HttpRequest, collective_id: int) -> HttpResponse:
    """The parts are invoices, one for each order."""
    return _whole(get_visible(request.actor, Collective, collective_id).pk, request.actor)  # type: ignore[attr-defined]
