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
from qudao.billing.queries import collectives, invoices
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
    """A letter from seller to buyer; of an outside seller, whose own letter it is not, what the buyer recorded of it."""
    outside = invoice.order.outside
    facts = [
        (_("Invoice date"), printing.full_day(invoice.date)),
        (_("Due"), printing.full_day(invoice.due_on)),
        (_("Order"), invoice.order.number or ""),
        (_("Your order number"), "" if outside else invoice.order.po_number),
        (_("Currency"), invoice.currency),
        (_("Your tax number"), "" if outside else invoice.buyer.tax_no),
    ]
    columns = [Column("#", "right"), Column(_("Product"), wide=True), Column(_("Quantity"), "right")]
    columns += [Column(label, "right") for label in (_("Unit price"), _("Net"), _("Tax"), _("Amount (incl. tax)"))]
    notes = [printing.capitals(invoice.gross, invoice.currency)]
    if outside:
        words = _("A record of {buyer} of invoice {number}, which {seller} issued; it does not replace that invoice.")
        buyer, seller = (by_language(one.name, one.name_en) for one in (invoice.buyer, invoice.seller))
        notes.append(words.format(buyer=buyer, number=invoice.number, seller=seller))
    elif invoice.open:
        words = _("Please pay {amount} by {day} and name invoice {number}.")
        notes.append(words.format(amount=figures.money(invoice.open, invoice.currency), day=printing.full_day(invoice.due_on), number=invoice.number))
    else:
        notes.append(_("This invoice is paid."))
    sender, receiver = (invoice.buyer, invoice.seller) if outside else (invoice.seller, invoice.buyer)
    return Paper(
        title=_("Purchase invoice, as recorded") if outside else _("Invoice"),
        number=invoice.number,
        on=invoice.date,
        sender=printing.party(sender),
        receiver=printing.party(receiver),
        receiver_label=_("Issued by") if outside else _("Buyer"),
        facts=facts,
        columns=columns,
        rows=[_row(line) for line in lines],
        totals=printing.tax_lines([(line.taxed_at, line.net, line.tax) for line in lines], invoice.currency),
        total=(_("Total (incl. tax)"), figures.money(invoice.gross, invoice.currency)),
        notes=[one for one in notes if one],
        foot=printing.foot(sender),
    )


def collective_papers(actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """Collective invoices, their lines by order. Two statements. NotFound when one is not in sight, Forbidden when its amounts are not."""
    found = printing.in_order(ids, collectives(actor).filter(pk__in=ids))
    if not all(may(actor, one) for one in found):
        raise Forbidden("base.forbidden", verb="billing.view")
    lines: dict[int | None, list[InvoiceLine]] = {one.pk: [] for one in found}
    wanted = visible(actor, InvoiceLine).filter(invoice__collective_id__in=list(lines)).select_related("product", "invoice__order")
    for line in wanted.order_by("invoice_id", "no"):
        lines[line.invoice.collective_id].append(line)
    return [_collective_paper(one, lines[one.pk]) for one in found]


def _collective_paper(one: Any, lines: Sequence[InvoiceLine]) -> Paper:
    facts = [
        (_("Invoice date"), printing.full_day(one.date)),
        (_("Due"), printing.full_day(one.due_on)),
        (_("Orders"), str(one.part_count)),
        (_("Currency"), one.currency),
        (_("Your tax number"), one.buyer.tax_no),
    ]
    columns = [Column(_("Order")), Column("#", "right"), Column(_("Product"), wide=True), Column(_("Quantity"), "right")]
    columns += [Column(label, "right") for label in (_("Unit price"), _("Net"), _("Tax"), _("Amount (incl. tax)"))]
    notes = [printing.capitals(one.gross, one.currency)]
    if one.rest:
        words = _("Please pay {amount} by {day} and name invoice {number}.")
        notes.append(words.format(amount=figures.money(one.rest, one.currency), day=printing.full_day(one.due_on), number=one.number))
    else:
        notes.append(_("This invoice is paid."))
    rows = [[_order(line, lines[at - 1] if at else None), *_row(line)] for at, line in enumerate(lines)]
    return Paper(
        title=_("Collective invoice"),
        number=one.number,
        on=one.date,
        sender=printing.party(one.seller),
        receiver=printing.party(one.buyer),
        receiver_label=_("Buyer"),
        facts=facts,
        columns=columns,
        rows=rows,
        totals=printing.tax_lines([(line.taxed_at, line.net, line.tax) for line in lines], one.currency),
        total=(_("Total (incl. tax)"), figures.money(one.gross, one.currency)),
        notes=[note for note in notes if note],
        foot=printing.foot(one.seller),
    )


def _order(line: InvoiceLine, above: InvoiceLine | None) -> str:
    """The order of a line, where it begins."""
    return "" if above is not None and above.invoice_id == line.invoice_id else line.invoice.order.number or ""


def _row(line: InvoiceLine) -> list[object]:
    product = (by_language(line.product.name, line.product.name_en), line.product.code)
    tax = (figures.amount(line.tax), printing.share(line.taxed_at))
    return [str(line.no), product, figures.qty(line.qty, line.unit), figures.price(line.unit_price), figures.amount(line.net), tax, figures.amount(line.gross)]


INVOICE = Document("billing.invoice", gettext_lazy("Invoice"), "billing.invoice", "billing.view", "invoices", papers, fits=may)
COLLECTIVE = Document(
    "billing.collective_invoice", gettext_lazy("Collective invoice"), "billing.collective", "billing.view", "collective-invoices", collective_papers, fits=may
)
DOCUMENTS = (INVOICE, COLLECTIVE)
