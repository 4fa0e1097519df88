"""The invoice on paper, for those who see its amounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base import printing
from qudao.base.access import Actor, sees_prices, visible
from qudao.base.html import figures
from qudao.base.html.tables import by_language
from qudao.base.printing import Column, Document, Paper
from qudao.billing.models import Invoice, InvoiceLine
from qudao.billing.queries import invoices
from qudao.kernel.errors import Forbidden


def may(actor: Actor, invoice: Any) -> bool:
    """An invoice without amounts is none: only who sees the prices of the trade prints it."""
    return sees_prices(actor, invoice.seller_id, invoice.buyer_id)


def papers(actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """Invoices as letters from seller to buyer. Two statements. NotFound when one is not in sight, Forbidden when its amounts are not."""
    found = printing.in_order(ids, invoices(actor).filter(pk__in=ids))
    if not all(may(actor, invoice) for invoice in found):
        raise Forbidden("base.forbidden", verb="billing.view")
    lines: dict[int, list[InvoiceLine]] = {invoice.pk: [] for invoice in found}
    for line in visible(actor, InvoiceLine).filter(invoice_id__in=list(lines)).select_related("product").order_by("invoice_id", "no"):
        lines[line.invoice_id].append(line)
    return [_paper(invoice, lines[invoice.pk]) for invoice in found]


def _paper(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Paper:
    facts = [
        (_("Invoice date"), printing.full_day(invoice.date)),
        (_("Due"), printing.full_day(invoice.due_on)),
        (_("Order"), invoice.order.number or ""),
        (_("Your order number"), invoice.order.po_number),
        (_("Currency"), invoice.currency),
        (_("Your tax number"), invoice.buyer.tax_no),
    ]
    columns = [Column("#", "right"), Column(_("Product"), wide=True), Column(_("Quantity"), "right")]
    columns += [Column(label, "right") for label in (_("Unit price"), _("Net"), _("Tax"), _("Amount (incl. tax)"))]
    total = figures.money(invoice.gross, invoice.currency)
    notes = [printing.capitals(invoice.gross, invoice.currency)]
    if invoice.open:
        words = _("Please pay {amount} by {day} and name invoice {number}.")
        notes.append(words.format(amount=figures.money(invoice.open, invoice.currency), day=printing.full_day(invoice.due_on), number=invoice.number))
    else:
        notes.append(_("This invoice is paid."))
    return Paper(
        title=_("Invoice"),
        number=invoice.number,
        on=invoice.date,
        sender=printing.party(invoice.seller),
        receiver=printing.party(invoice.buyer),
        receiver_label=_("Buyer"),
        facts=facts,
        columns=columns,
        rows=[_row(line) for line in lines],
        totals=printing.tax_lines([(line.taxed_at, line.net, line.tax) for line in lines], invoice.currency),
        total=(_("Total (incl. tax)"), total),
        notes=[one for one in notes if one],
        foot=printing.foot(invoice.seller),
    )


def _row(line: InvoiceLine) -> list[object]:
    product = (by_language(line.product.name, line.product.name_en), line.product.code)
    tax = (figures.amount(line.tax), printing.share(line.taxed_at))
    return [str(line.no), product, figures.qty(line.qty, line.unit), figures.price(line.unit_price), figures.amount(line.net), tax, figures.amount(line.gross)]


INVOICE = Document("billing.invoice", gettext_lazy("Invoice"), "billing.invoice", "billing.view", "invoices", papers, fits=may)
DOCUMENTS = (INVOICE,)
