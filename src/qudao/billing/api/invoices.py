"""Invoices over the API."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor, get_visible, sees_prices
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.billing import actions
from qudao.billing.models import Invoice
from qudao.billing.queries import invoices, lines_of, taxes_of
from qudao.kernel.money import RateSum

routes = Router(tags=["invoices"])

HEAD = ("number", "order_id", "collective_id", "seller_id", "buyer_id", "date", "due_on", "state", "currency", "line_count")
AMOUNTS = ("net", "tax", "gross", "paid")
LINE = ("no", "product_id", "unit", "qty")
PRICED = ("unit_price", "tax_rate", "exempt", "net", "tax", "gross")


class PaperIn(Schema):
    """What stands on an outside seller's invoice; `gross`, when given, must be what was received at the agreed prices."""

    number: str = Field(..., min_length=1, max_length=48)
    date: datetime.date
    due_on: datetime.date | None = None
    gross: Decimal | None = None


class InvoiceLineOut(Schema):
    id: int
    order_line_id: int
    no: int
    product_id: int
    product: str
    name: str
    unit: str
    qty: Decimal
    unit_price: Decimal | None
    tax_rate: Decimal | None
    exempt: bool | None
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None


class TaxOut(Schema):
    """The lines of one tax rate; the rate null is exempt from tax."""

    rate: Decimal | None
    net: Decimal
    tax: Decimal
    gross: Decimal


class InvoiceOut(Schema):
    """An invoice; amounts are null where the caller may not see the prices of this trade."""

    id: int
    number: str
    order_id: int
    collective_id: int | None
    seller_id: int
    buyer_id: int
    date: datetime.date
    due_on: datetime.date
    state: str
    currency: str
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None
    paid: Decimal | None
    line_count: int
    lines: list[InvoiceLineOut] | None = None
    taxes: list[TaxOut] | None = None


class InvoiceList(Schema):
    items: list[InvoiceOut]


class InvoicePage(Schema):
    items: list[InvoiceOut]
    next_after: int | None


def told(one: RateSum) -> dict[str, Any]:
    """The sums of a rate as programs read them."""
    return {name: getattr(one, name) for name in TaxOut.model_fields}


def _shown(invoice: Invoice, actor: Actor) -> dict[str, Any]:
    """An invoice as the actor may see it."""
    clear = sees_prices(actor, invoice.seller_id, invoice.buyer_id)
    shown = {"id": invoice.pk, **{name: getattr(invoice, name) for name in HEAD}}
    return shown | {name: getattr(invoice, name) if clear else None for name in AMOUNTS}


def _line(line: Any, clear: bool) -> dict[str, Any]:
    shown = {"id": line.pk, "order_line_id": line.line_id, **{name: getattr(line, name) for name in LINE}}
    shown |= {"product": line.product.code, "name": line.product.name}
    return shown | {name: getattr(line, name) if clear else None for name in PRICED}


@routes.post("/orders/{int:order_id}/invoices", response={201: InvoiceList, 200: InvoiceList}, summary="Bill what is delivered and not yet billed")
@idempotent
def issue(request: HttpRequest, order_id: int) -> HttpResponse:
    """Issue what is missing; an empty list (200) when everything is billed already."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    made = actions.issue_invoices(order_id, actor=actor)
    location = f"/api/v1/invoices/{made[0].pk}" if made else ""
    return reply({"items": [_shown(x, actor) for x in made]}, 201 if made else 200, location=location)


@routes.post("/orders/{int:order_id}/seller-invoice", response={201: InvoiceOut}, summary="Enter the invoice of an outside seller")
@idempotent
def enter(request: HttpRequest, order_id: int, body: PaperIn) -> HttpResponse:
    """For what was received of its order and is not invoiced; under the seller's own number."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    made = actions.record_invoice(order_id, actions.Paper(body.number, body.date, body.due_on, body.gross), actor=actor)
    return reply(_shown(made, actor), 201, location=f"/api/v1/invoices/{made.pk}")


@routes.get("/invoices", response=InvoicePage, summary="Invoices, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, state: str = "", order_id: int | None = None) -> HttpResponse:
    """One keyset page of the invoices the caller may see; `after` = the last id of the page before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = invoices(actor, order_id=order_id).select_related(None)
    if state:
        found = found.filter(state__in=state.split(","))
    page, limit = page_of(found, limit=limit, after=after)
    items = [_shown(x, actor) for x in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/invoices/{int:invoice_id}", response=InvoiceOut, summary="One invoice with its lines")
def one(request: HttpRequest, invoice_id: int) -> HttpResponse:
    """The invoice with its lines."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    invoice = get_visible(actor, Invoice, invoice_id)
    clear = sees_prices(actor, invoice.seller_id, invoice.buyer_id)
    lines = list(lines_of(invoice))
    taxes = [told(one) for one in taxes_of(lines)] if clear else None
    return reply({**_shown(invoice, actor), "lines": [_line(x, clear) for x in lines], "taxes": taxes})
