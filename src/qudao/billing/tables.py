"""The list of invoices, the same for both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.access import Actor, priced
from qudao.base.html import figures
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language
from qudao.billing.states import State
from qudao.kernel import clock

TONES: dict[str, str] = {State.ISSUED: "wait", State.PARTIALLY_PAID: "move", State.PAID: "done"}


def badge_of(invoice: Any) -> tuple[Any, str]:
    """The state of an invoice as (word, tone); an unpaid one past its due date is overdue."""
    if invoice.state != State.PAID and invoice.due_on < clock.today():
        return pgettext_lazy("invoice", "Overdue"), "wrong"
    return State(invoice.state).label, TONES[invoice.state]


def name_of(row: Any) -> str:
    """A party's or product's name in the reader's language."""
    return by_language(row.name, row.name_en)


def _overdue(actor: Any) -> Q:
    return Q(due_on__lt=clock.today()) & ~Q(state=State.PAID)


class InvoiceTable(Table):
    """Invoices, newest first."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("number", _("Number"), cell="link", sort="number"),
        Column("order.number", _("Order"), cell="code", dim=True, hide_on_phone=True),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__code", width="clip", slug="buyer"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("", _("State"), cell=lambda row: figures.badge(*badge_of(row)), slug="state"),
        Column("date", _("Date"), cell="day", dim=True, hide_on_phone=True, sort="date"),
        Column("due_on", _("Due"), cell="day", sort="due_on"),
        Column("shown_gross", _("Amount (incl. tax)"), cell="amount", hide_on_phone=True, sort="gross", total=True, sum="gross"),
        Column("shown_open", _("Still to pay"), cell="amount", total=True, sum=F("gross") - F("paid")),
    )
    tabs: Sequence[Tab] = (
        Tab("all", _("All")),
        Tab("to_pay", _("To pay"), ~Q(state=State.PAID)),
        Tab("overdue", pgettext_lazy("invoices", "Overdue"), _overdue, wrong=True),
        Tab("paid", _("Paid"), Q(state=State.PAID)),
    )
    filters = (
        Filter("state", _("State"), choices=State.choices),
        Filter("from", _("Date from"), lookup="date__gte", kind="day"),
        Filter("to", _("Date to"), lookup="date__lte", kind="day"),
        Filter("collective", _("Collective invoice"), lookup="collective__number", kind="text"),
        Filter("due", _("Due until"), lookup="due_on__lte", kind="day"),
    )
    kind, parties = "billing.invoice", True
    empty = _("There are no invoices here.")
    remedy = _("Invoices appear by themselves when goods are received, or shipped, as the agreement says.")

    def url(self, row: Any) -> str:
        return reverse("invoice", args=[row.pk])

    def summed(self, actor: Actor) -> Q:
        return priced(actor)


class OwedTable(InvoiceTable):
    """The same as the payer looks at it: to whom it is owed."""

    columns: Sequence[Column] = (
        *InvoiceTable.columns[:2],
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), sort="seller__code", width="clip", slug="seller"),
        *InvoiceTable.columns[4:],
    )


class CollectiveTable(Table):
    """Collective invoices, newest first; `rest` is what is still to be paid of their parts."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("number", _("Number"), cell="link", sort="number"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__code", width="clip", slug="buyer"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("part_count", _("Orders"), num=True, hide_on_phone=True),
        Column("date", _("Date"), cell="day", dim=True, hide_on_phone=True, sort="date"),
        Column("due_on", _("Due"), cell="day", sort="due_on"),
        Column("shown_gross", _("Amount (incl. tax)"), cell="amount", hide_on_phone=True, sort="gross", total=True, sum="gross"),
        Column("shown_open", _("Still to pay"), cell="amount", total=True, sum="rest"),
    )
    tabs: Sequence[Tab] = (Tab("all", _("All")), Tab("to_pay", _("To pay"), Q(rest__gt=0)), Tab("paid", _("Paid"), Q(rest=0)))
    filters = (
        Filter("agreement", _("Agreement"), lookup="agreement__code", kind="text"),
        Filter("from", _("Date from"), lookup="date__gte", kind="day"),
        Filter("to", _("Date to"), lookup="date__lte", kind="day"),
    )
    kind, parties = "billing.collective", True
    empty = _("There are no collective invoices here.")
    remedy = _("They are issued for agreements whose goods are invoiced together; the agreement says when.")

    def url(self, row: Any) -> str:
        return reverse("collective_invoice", args=[row.pk])

    def summed(self, actor: Actor) -> Q:
        return priced(actor)
