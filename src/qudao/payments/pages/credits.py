"""Pages of credit notes: issuing one for an invoice, its lines on the document, and what an invoice says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor, sees_prices
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, LineEditor, Panel
from qudao.base.html.tables import by_language
from qudao.base.sentences import Said
from qudao.billing.queries import Invoice, invoices, lines_of
from qudao.fulfilment.pages import link
from qudao.kernel.errors import DomainError, Forbidden, Invalid, NotFound
from qudao.payments import actions, queries
from qudao.payments.forms import CreditForm, asked_of, credit_editor
from qudao.payments.models import Payment
from qudao.payments.states import Reason


def facts_of(actor: Actor, payment: Payment) -> list[tuple[Any, Any]]:
    """The invoice and the reason, for the facts of the document."""
    credit = queries.credit_of(actor, payment)
    return [(_("Invoice"), link(credit.invoice.number, reverse("invoice", args=[credit.invoice.pk]))), (_("Reason"), Reason(credit.reason).label)]


def lines_panel(request: HttpRequest, payment: Payment) -> Panel | None:
    """What is taken back; None for money."""
    if not payment.is_credit:
        return None
    actor: Actor = request.actor  # type: ignore[attr-defined]
    clear = sees_prices(actor, payment.seller_id, payment.buyer_id)
    lines: list[Any] = list(queries.credit_lines_of(actor, payment))
    for line in lines:
        line.product = line.invoice_line.product
        line.shown_name = by_language(line.product.name, line.product.name_en)
    context = {"payment": payment, "credit": queries.credit_of(actor, payment), "lines": lines, "clear": clear, "taxes": queries.taxes_of(lines)}
    return Panel(_("What is taken back"), "payments/credit_lines.html", context, note=figures.lines(len(lines)))


def left_of_invoice(actor: Actor, invoice: Invoice) -> list[dict[str, Any]]:
    """Credit notes that pay nothing of this invoice because it was paid before, and the seller's way to a new one while anything is left to credit."""
    items: list[dict[str, Any]] = []
    for credit in queries.credits_of_invoice(actor, invoice.pk):
        payment = credit.payment
        if payment.applied < payment.amount and not payment.applied:  # those that pay the invoice stand among its payments
            clear = sees_prices(actor, payment.seller_id, payment.buyer_id)
            end = figures.money(payment.amount, payment.currency) if clear else ""
            items.append({"label": payment.number, "url": reverse("payment", args=[payment.pk]), "facts": [Reason(credit.reason).label], "end": end})
    if actor.acts_as(invoice.seller_id) and actor.can("payments.credit") and queries.creditable(actor, invoice.pk):
        why = _("When goods did not arrive, came back, or cost too much")
        items.append({"label": _("Issue a credit note"), "url": reverse("invoice_credit", args=[invoice.pk]), "facts": [why]})
    return items


class CreditNew(ActionPage):
    """Take back a part of an invoice: a row for each of its lines, with what is left of it."""

    verb = "payments.credit"
    query = invoices
    form = CreditForm  # type: ignore[assignment]
    keeps = True
    title = submit = gettext_lazy("Issue a credit note")
    said = gettext_lazy("The credit note is issued; the buyer is told.")
    template = "payments/credit.html"
    editor: LineEditor
    above = "invoice"

    def find(self, **kwargs: Any) -> Invoice:
        invoice: Invoice = super().find(**kwargs)
        if not self.actor.acts_as(invoice.seller_id):
            raise Forbidden("base.forbidden", verb=self.verb)
        self.editor = credit_editor(list(lines_of(invoice)), self.request.POST if self.request.method == "POST" else None)
        self.told = f"{invoice.number} · {by_language(invoice.buyer.name, invoice.buyer.name_en)}"
        return invoice

    def says(self, obj: Invoice) -> Any:
        return _("Lowers what the buyer owes for this invoice; what is already paid stays as credit for the next ones. It cannot be taken back.")

    def perform(self, obj: Invoice, cleaned: dict[str, Any], client_id: UUID) -> Any:
        if not self.editor.is_valid():
            raise Invalid("payments.nothing_to_credit")
        try:
            asked = asked_of(self.editor)
            return actions.issue_credit(obj.pk, asked, cleaned["reason"], cleaned["note"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]
        except (Forbidden, NotFound):
            raise
        except DomainError as error:
            self.editor.refuse(error)
            raise

    def page(self, obj: Any, form: Any, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        return super().page(obj, form, [f for f in faults if not f.field.startswith("lines.")], status)

    def show(self, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        return super().show(template, {**context, "editor": self.editor}, status)

    def done(self, result: Payment) -> str:
        return reverse("payment", args=[result.pk])
