"""Payments over the API: the seller records and applies, the buyer announces."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from qudao.base.access import Actor, get_visible, sees_prices
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.kernel.errors import Invalid
from qudao.kernel.period import DateSpan
from qudao.payments import actions
from qudao.payments.models import Application, Payment
from qudao.payments.queries import applications_of, credit_lines_of, exchanges, payments, taxes, taxes_of
from qudao.payments.rules import CreditAsk, PaymentFacts
from qudao.payments.states import Method, Reason

routes = Router(tags=["payments"])

HEAD = ("number", "seller_id", "buyer_id", "paid_on", "reference", "method", "note", "state", "currency")


class Part(Schema):
    """An amount for an invoice."""

    invoice_id: int
    amount: Decimal


class PaymentIn(Schema):
    """A payment. `applications`: null = the rules match it, [] = all stays unapplied. A buyer only announces, so it has none."""

    seller_id: int
    buyer_id: int
    amount: Decimal
    reference: str = Field("", max_length=200)
    method: Method = Method.TRANSFER
    paid_on: datetime.date | None = None
    note: str = Field("", max_length=200)
    #: needed where the two have agreements in several currencies
    currency: str = Field("", max_length=3)
    applications: list[Part] | None = None


class ApplyIn(Schema):
    """What to pay of which invoice; null = the rules match."""

    applications: list[Part] | None = None


class DeclineIn(Schema):
    reason: str = Field("", max_length=500)


class CreditLineIn(Schema):
    """How much of an invoice line goes back: a quantity at its price, or an amount (incl. tax) when only the price was too high."""

    line_id: int
    qty: Decimal | None = None
    amount: Decimal | None = None


class CreditIn(Schema):
    """A part of an invoice to take back."""

    lines: list[CreditLineIn]
    reason: Reason
    note: str = Field("", max_length=200)


class ApplicationOut(Schema):
    invoice_id: int | None
    invoice: str
    amount: Decimal | None
    how: str
    at: datetime.datetime


class TaxOut(Schema):
    """The lines of a credit note under one tax rate; the rate null is exempt from tax."""

    rate: Decimal | None
    net: Decimal
    tax: Decimal
    gross: Decimal


class PaymentOut(Schema):
    """A payment; amounts are null where the caller may not see the prices of this trade. `taxes` are those of a credit note."""

    id: int
    number: str
    seller_id: int
    buyer_id: int
    amount: Decimal | None
    applied: Decimal | None
    currency: str
    paid_on: datetime.date
    reference: str
    method: str
    note: str
    state: str
    applications: list[ApplicationOut] | None = None
    taxes: list[TaxOut] | None = None


class PaymentPage(Schema):
    items: list[PaymentOut]
    next_after: int | None


def _shown(payment: Payment, actor: Actor) -> dict[str, Any]:
    """A payment as the actor may see it."""
    clear = sees_prices(actor, payment.seller_id, payment.buyer_id)
    shown = {"id": payment.pk, **{name: getattr(payment, name) for name in HEAD}}
    return shown | {name: getattr(payment, name) if clear else None for name in ("amount", "applied")}


def _brief(payment: Payment, actor: Actor, status: int = 200) -> HttpResponse:
    return reply(_shown(payment, actor), status, location=f"/api/v1/payments/{payment.pk}")


def _chosen(parts: list[Part] | None) -> list[tuple[int, Decimal]] | None:
    return None if parts is None else [(part.invoice_id, part.amount) for part in parts]


@routes.post("/payments", response={201: PaymentOut}, summary="Record or announce a payment")
@idempotent
def record(request: HttpRequest, body: PaymentIn) -> HttpResponse:
    """The seller's own people record money received; the buyer's announce money on its way, or record what they paid an outside seller."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    names = ("seller_id", "buyer_id", "amount", "reference", "method", "paid_on", "note", "currency")
    facts = PaymentFacts(**{name: getattr(body, name) for name in names})
    if actor.org_id == body.buyer_id and body.seller_id not in actor.stands_for:
        return _brief(actions.announce_payment(facts, actor=actor), actor, 201)
    return _brief(actions.record_payment(facts, _chosen(body.applications), actor=actor), actor, 201)


@routes.post("/payments/{int:payment_id}/confirmation", response=PaymentOut, summary="Confirm an announced payment")
@idempotent
def confirm(request: HttpRequest, payment_id: int, body: ApplyIn) -> HttpResponse:
    """The announced money has arrived."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _brief(actions.confirm_payment(payment_id, _chosen(body.applications), actor=actor), actor)


@routes.post("/payments/{int:payment_id}/refusal", response=PaymentOut, summary="An announced payment did not arrive")
@idempotent
def decline(request: HttpRequest, payment_id: int, body: DeclineIn) -> HttpResponse:
    """Say why; the buyer reads it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _brief(actions.decline_payment(payment_id, body.reason, actor=actor), actor)


@routes.post("/payments/{int:payment_id}/withdrawal", response=PaymentOut, summary="Withdraw a payment that was recorded by mistake")
@idempotent
def withdraw(request: HttpRequest, payment_id: int, body: DeclineIn) -> HttpResponse:
    """Nothing of it may be applied. Both books get the opposite entry; the buyer reads the reason."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _brief(actions.withdraw_payments([payment_id], body.reason, actor=actor)[0], actor)


@routes.post("/payments/{int:payment_id}/applications", response={201: PaymentOut}, summary="Apply a received payment")
@idempotent
def apply(request: HttpRequest, payment_id: int, body: ApplyIn) -> HttpResponse:
    """Apply what is left of it, as chosen or as the rules match."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _brief(actions.apply_payment(payment_id, _chosen(body.applications), actor=actor), actor, 201)


@routes.post("/invoices/{int:invoice_id}/credits", response={201: PaymentOut}, summary="Issue a credit note")
@idempotent
def credit(request: HttpRequest, invoice_id: int, body: CreditIn) -> HttpResponse:
    """Take back a part of an invoice. The answer is the credit note: a payment without money, with what it pays."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    asked = [CreditAsk(line.line_id, line.qty, line.amount) for line in body.lines]
    return _brief(actions.issue_credit(invoice_id, asked, body.reason, body.note, actor=actor), actor, 201)


class TaxRowOut(TaxOut):
    """Invoices less credit notes under one rate in one currency."""

    currency: str
    billed: Decimal
    billed_tax: Decimal
    credited: Decimal
    credited_tax: Decimal


class TaxPage(Schema):
    items: list[TaxRowOut]


class BooksQuery(Schema):
    """Which days, which side of the own books."""

    since: datetime.date
    until: datetime.date | None = None
    side: Literal["receivable", "payable"] = "receivable"


class TaxQuery(BooksQuery):
    """With whom (null: with all)."""

    counterparty_id: int | None = None


@routes.get("/taxes", response=TaxPage, summary="Tax by rate of the own invoices and credit notes")
def read_taxes(request: HttpRequest, asked: Annotated[TaxQuery, Query()]) -> HttpResponse:
    """What was sold (receivable) or bought (payable) in a span of days, by currency and rate."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if asked.until is not None and asked.until < asked.since:
        raise Invalid("ledger.span", field="until")
    found = taxes(actor, asked.side, DateSpan(asked.since, asked.until), asked.counterparty_id)
    return reply({"items": [{name: getattr(row, name) for name in TaxRowOut.model_fields} for row in found]})


class ExchangeOut(Schema):
    """What paying an invoice in another currency gained (less than 0: lost) in the own one: the rates, their days, the values; null without a rate."""

    day: datetime.date
    invoice_id: int
    invoice: str
    payment_id: int
    payment: str
    amount: Decimal
    foreign: str
    currency: str
    rate: Decimal | None
    rate_day: datetime.date | None
    money_rate: Decimal | None
    money_rate_day: datetime.date | None
    value: Decimal | None
    money_value: Decimal | None
    difference: Decimal | None


class ExchangePage(Schema):
    items: list[ExchangeOut]


@routes.get("/exchange-differences", response=ExchangePage, summary="What paying invoices in other currencies gained or lost")
def read_exchanges(request: HttpRequest, asked: Annotated[BooksQuery, Query()]) -> HttpResponse:
    """What was paid in a span of days of invoices sold (receivable) or bought (payable), newest first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if asked.until is not None and asked.until < asked.since:
        raise Invalid("ledger.span", field="until")
    found = exchanges(actor, asked.side, DateSpan(asked.since, asked.until))
    return reply({"items": [{name: getattr(row, name) for name in ExchangeOut.model_fields} for row in found]})


class NoteIn(Schema):
    note: str = Field("", max_length=200)


class RefundIn(Schema):
    """Money to send back of what is left; `note` is what the bank is told."""

    amount: Decimal
    note: str = Field("", max_length=200)


class SmallLimitIn(Schema):
    currency: str = Field("CNY", min_length=3, max_length=3)
    amount: Decimal


class SmallDifferenceOut(Schema):
    """A small difference of an invoice or of a payment; less than zero takes one back."""

    id: int
    invoice_id: int | None
    payment_id: int | None
    amount: Decimal
    note: str


def _difference(one: Application) -> HttpResponse:
    return reply({"id": one.pk, **{name: getattr(one, name) for name in ("invoice_id", "payment_id", "amount", "note")}}, 201)


@routes.post("/invoices/{int:invoice_id}/difference", response={201: SmallDifferenceOut}, summary="Close an invoice short by a small difference")
@idempotent
def close_invoice(request: HttpRequest, invoice_id: int, body: NoteIn) -> HttpResponse:
    """What is missing goes to an account of its own in both books."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _difference(actions.close_short(invoice_id, body.note, actor=actor))


@routes.post("/payments/{int:payment_id}/difference", response={201: PaymentOut}, summary="Keep the small rest of a payment")
@idempotent
def close_payment(request: HttpRequest, payment_id: int, body: NoteIn) -> HttpResponse:
    """What is left goes to an account of its own in both books."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _brief(actions.close_over(payment_id, body.note, actor=actor), actor, 201)


@routes.post("/small-differences/{int:application_id}/removal", response={201: SmallDifferenceOut}, summary="Take a small difference back")
@idempotent
def undo(request: HttpRequest, application_id: int) -> HttpResponse:
    """The amount is open again; both books get the opposite entry."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _difference(actions.undo_difference(application_id, actor=actor))


@routes.post("/small-differences/limit", response={201: SmallLimitIn}, summary="Up to how much a difference is small")
@idempotent
def limit(request: HttpRequest, body: SmallLimitIn) -> HttpResponse:
    """The limit of the own organisation in a currency."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    kept = actions.set_tolerance(body.currency, body.amount, actor=actor)
    return reply({"currency": kept.currency, "amount": kept.amount}, 201)


@routes.post("/payments/{int:payment_id}/refund", response={201: PaymentOut}, summary="Send money back to the buyer")
@idempotent
def refund(request: HttpRequest, payment_id: int, body: RefundIn) -> HttpResponse:
    """Of what is left of a payment or credit note; it cannot be taken back."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _brief(actions.refund_payment(payment_id, body.amount, body.note, actor=actor), actor, 201)


class DeductionIn(Schema):
    """`invoice_id` null: the oldest due first. The buyer reads the reason."""

    amount: Decimal = Field(..., gt=0, max_digits=18, decimal_places=2)
    invoice_id: int | None = None
    reason: str = Field(..., min_length=1, max_length=200)


@routes.post("/funds/{int:account_id}/deposit/deductions", response={201: PaymentOut}, summary="Pay a debt from the deposit")
@idempotent
def deduct(request: HttpRequest, account_id: int, body: DeductionIn) -> HttpResponse:
    """It pays open invoices in both books and cannot be taken back."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _brief(actions.deduct_deposit(account_id, body.amount, body.reason, body.invoice_id, actor=actor), actor, 201)


@routes.get("/payments", response=PaymentPage, summary="Payments, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, state: str = "") -> HttpResponse:
    """One keyset page of the payments the caller may see; `after` = the last id of the page before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = payments(actor).select_related(None)
    if state:
        found = found.filter(state__in=state.split(","))
    page, limit = page_of(found, limit=limit, after=after)
    items = [_shown(x, actor) for x in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/payments/{int:payment_id}", response=PaymentOut, summary="One payment with what it pays")
def one(request: HttpRequest, payment_id: int) -> HttpResponse:
    """The payment with its applications."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    payment = get_visible(actor, Payment, payment_id)
    clear = sees_prices(actor, payment.seller_id, payment.buyer_id)
    paid = [
        {"invoice_id": a.invoice_id, "invoice": a.invoice.number if a.invoice else "", "amount": a.amount if clear else None, "how": a.how, "at": a.at}
        for a in applications_of(payment)
    ]
    sums = taxes_of(credit_lines_of(actor, payment)) if payment.is_credit and clear else None
    taxes = None if sums is None else [{name: getattr(x, name) for name in TaxOut.model_fields} for x in sums]
    return reply({**_shown(payment, actor), "applications": paid, "taxes": taxes})
