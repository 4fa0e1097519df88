"""What a flow of approvals asks of money that goes out and of write-offs, and how they look to who signs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from qudao.approvals.actions import Asking
from qudao.base.access import Actor, get_visible
from qudao.base.html import figures
from qudao.base.html.tables import by_language
from qudao.base.subject import Subject
from qudao.billing.queries import Invoice
from qudao.network.queries import unscoped_cards
from qudao.payments.models import Payment
from qudao.payments.rules import PaymentFacts

OUT, WRITE_OFF = "payments.out", "payments.write_off"


def refund_asks(payment_id: int, amount: Decimal, note: str = "", *, actor: Actor) -> Asking:
    """Money back to a buyer."""
    payment = get_visible(actor, Payment, payment_id, "payments.refund")
    return Asking(payment.subject, amount, payment.currency, "refund")


def refund_card(payment_id: int, amount: Decimal, note: str = "") -> list[tuple[Any, Any]]:
    """To whom it goes back, and what was paid."""
    payment = Payment.unscoped.select_related("buyer").get(pk=payment_id)
    left = figures.money(payment.left, payment.currency)
    return [(_("To"), by_language(payment.buyer.name, payment.buyer.name_en)), (_("Left of the payment"), left), *_said(note)]


def short_asks(invoice_id: int, note: str = "", *, actor: Actor) -> Asking:
    """The rest of an invoice that is paid but for a small difference."""
    invoice = get_visible(actor, Invoice, invoice_id, "payments.write_off")
    return Asking(invoice.subject, invoice.open, invoice.currency, "short")


def short_card(invoice_id: int, note: str = "") -> list[tuple[Any, Any]]:
    """Whose invoice, and what is paid of it."""
    invoice = Invoice.unscoped.select_related("buyer").get(pk=invoice_id)
    return [(_("Buyer"), by_language(invoice.buyer.name, invoice.buyer.name_en)), (_("Paid"), figures.money(invoice.paid, invoice.currency)), *_said(note)]


def over_asks(payment_id: int, note: str = "", *, actor: Actor) -> Asking:
    """The small rest of a payment that is more than what was owed."""
    payment = get_visible(actor, Payment, payment_id, "payments.write_off")
    return Asking(payment.subject, payment.left, payment.currency, "over")


def over_card(payment_id: int, note: str = "") -> list[tuple[Any, Any]]:
    """Whose payment."""
    payment = Payment.unscoped.select_related("buyer").get(pk=payment_id)
    return [(_("Buyer"), by_language(payment.buyer.name, payment.buyer.name_en)), *_said(note)]


def supplier_asks(facts: PaymentFacts, applications: Any = None, *, actor: Actor) -> Asking | None:
    """Money to an outside supplier, which the own people write down; what comes in needs no signature. No statement for that."""
    if facts.seller_id not in actor.stands_for:
        return None
    return Asking(
        Subject("network.organisation", facts.seller_id, None, None, unscoped_cards([facts.seller_id])[facts.seller_id].code), facts.amount, "", "supplier"
    )


def supplier_card(facts: PaymentFacts, applications: Any = None) -> list[tuple[Any, Any]]:
    """To whom it goes, and what the bank is told."""
    card = unscoped_cards([facts.seller_id])[facts.seller_id]
    paid_on = [(_("Paid on"), figures.day(facts.paid_on))] if facts.paid_on else []
    return [(_("To"), by_language(card.name, card.name_en)), (_("Amount"), figures.amount(facts.amount)), *paid_on, *_said(facts.reference or facts.note)]


def _said(note: str) -> list[tuple[Any, Any]]:
    return [(_("Remark"), note.strip())] if note.strip() else []
