"""Pages of small differences and refunds: closing one, many at once, taking one back, the limits, sending money back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Bulk, Button, FormPage, ListPage
from qudao.billing.queries import Invoice, invoices
from qudao.kernel.errors import Forbidden
from qudao.payments import actions, queries
from qudao.payments.forms import LimitForm, NoteForm, RefundForm
from qudao.payments.models import Application, Payment
from qudao.payments.states import SMALL, UNAPPLIED
from qudao.payments.tables import ShortTable


class InvoiceDifference(ActionPage):
    """Close an invoice that is paid but for a small difference."""

    verb = "payments.write_off"
    query = invoices
    form = NoteForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Close the small difference")
    said = gettext_lazy("The invoice is paid; the difference stands on its own account in both books.")
    above = "invoice"

    def find(self, **kwargs: Any) -> Invoice:
        invoice: Invoice = super().find(**kwargs)
        if not self.actor.acts_as(invoice.seller_id):
            raise Forbidden("base.forbidden", verb=self.verb)
        return invoice

    def says(self, obj: Invoice) -> Any:
        words = _("{amount} of {number} are missing. They go to the account of small differences in both books; it can be taken back.")
        return words.format(amount=figures.money(obj.open, obj.currency), number=obj.number)

    def perform(self, obj: Invoice, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.close_short(obj.pk, cleaned["note"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return self.back


class _OfPayment(ActionPage):
    """What the seller does with the rest of a payment."""

    query = queries.payments
    above = "payment"

    def find(self, **kwargs: Any) -> Payment:
        payment: Payment = super().find(**kwargs)
        if not self.actor.acts_as(payment.seller_id):
            raise Forbidden("base.forbidden", verb=self.verb)
        return payment

    def done(self, result: Any) -> str:
        return self.back


class PaymentDifference(_OfPayment):
    """Keep the small rest of a payment."""

    verb = "payments.write_off"
    form = NoteForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Close the small difference")
    said = gettext_lazy("The rest stands on the account of small differences in both books.")

    def says(self, obj: Payment) -> Any:
        words = _("{amount} of {number} are left. They go to the account of small differences in both books; it can be taken back.")
        return words.format(amount=figures.money(obj.left, obj.currency), number=obj.number)

    def perform(self, obj: Payment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.close_over(obj.pk, cleaned["note"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class Refund(_OfPayment):
    """Send money back."""

    verb = "payments.refund"
    form = RefundForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Send money back")
    said = gettext_lazy("The refund is booked; the buyer is told.")
    danger = True

    def initial(self, obj: Payment) -> dict[str, Any]:
        return {"amount": obj.left}

    def says(self, obj: Payment) -> Any:
        words = _("Books that up to {amount} of {number} leave the bank today. It cannot be taken back.")
        return words.format(amount=figures.money(obj.left, obj.currency), number=obj.number)

    def perform(self, obj: Payment, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.refund_payment(obj.pk, cleaned["amount"], cleaned["note"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class UndoDifference(ActionPage):
    """Take a small difference back."""

    verb = "payments.write_off"
    query = queries.differences
    title = submit = gettext_lazy("Take the difference back")
    said = gettext_lazy("The amount is open again.")
    above = "small_differences"

    def says(self, obj: Application) -> Any:
        return _("The amount is open again on both sides; both books get the opposite entry.")

    def perform(self, obj: Application, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.undo_difference(obj.pk, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Application) -> str:
        return url_of(result)


class ShortList(ListPage):
    """Invoices that are paid but for a small difference; many are closed at once."""

    verb = "payments.view"
    query = queries.short_paid
    table = ShortTable
    title = gettext_lazy("Small differences")
    above = "payments"

    def buttons(self) -> Sequence[Button]:
        return [Button(_("Limits"), reverse("small_limit"), icon="settings", verb="payments.set_tolerance", ask=True)]

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "close", _("Close"), actions.close_short, "payments.write_off", icon="check", primary=True,
                says=_("What is missing goes to the account of small differences in both books."),
            )
        ]  # fmt: skip


class Limit(FormPage):
    """Up to how much a difference is small, by currency."""

    verb = "payments.set_tolerance"
    form = LimitForm
    title = submit = gettext_lazy("Limit of small differences")
    said = gettext_lazy("The limit is saved.")
    above = "small_differences"

    def initial(self, obj: Any) -> dict[str, Any]:
        kept = queries.tolerances(self.actor).first()
        return {"currency": kept.currency, "amount": kept.amount} if kept else {"currency": "CNY", "amount": SMALL}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_tolerance(cleaned["currency"].strip().upper(), cleaned["amount"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return self.back


def url_of(one: Application) -> str:
    """The document that a difference or refund belongs to."""
    return reverse("invoice", args=[one.invoice_id]) if one.invoice_id else reverse("payment", args=[one.payment_id])


def undo_of(actor: Actor, one: Application, seller_id: int) -> list[Button]:
    """The seller's way to take a standing difference back."""
    if one.how != "difference" or one.reverses_id or not actor.acts_as(seller_id) or not actor.can("payments.write_off") or hasattr(one, "reversal"):
        return []
    return [Button(_("Take back"), reverse("small_difference_removal", args=[one.pk]), "arrow-back-up", ask=True)]


def closing_of(actor: Actor, invoice: Invoice) -> list[dict[str, Any]]:
    """The seller's way to close an invoice that is short by a small difference."""
    small = invoice.paid and invoice.open > 0 and actor.acts_as(invoice.seller_id) and actor.can("payments.write_off")
    if not small or invoice.open > queries.unscoped_tolerance(invoice.seller_id, invoice.currency):
        return []
    url = reverse("invoice_difference", args=[invoice.pk])
    return [{"label": _("Close the small difference"), "url": url, "end": figures.money(invoice.open, invoice.currency)}]


def ways_with(actor: Actor, payment: Payment) -> list[Button]:
    """What the seller does with the rest of a payment besides applying it."""
    if payment.state not in UNAPPLIED:
        return []
    found = [Button(_("Send money back"), reverse("payment_refund", args=[payment.pk]), "arrow-back-up", verb="payments.refund", ask=True)]
    if actor.can("payments.write_off") and Decimal(0) < payment.left <= queries.unscoped_tolerance(payment.seller_id, payment.currency):
        found.insert(0, Button(_("Close the small difference"), reverse("payment_difference", args=[payment.pk]), "check", verb="payments.write_off", ask=True))
    return found
