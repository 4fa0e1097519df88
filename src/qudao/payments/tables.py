"""The list of payments, the same for both sides."""

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
from qudao.kernel import clock
from qudao.payments.queries import unscoped_by_one_hand
from qudao.payments.states import UNAPPLIED, Method, State

TONES: dict[str, str] = {
    State.ANNOUNCED: "wait",
    State.RECEIVED: "wait",
    State.PARTIALLY_APPLIED: "move",
    State.APPLIED: "done",
    State.DECLINED: "wrong",
    State.WITHDRAWN: "wrong",
}

#: the same for a payment of a head office: whether its parts are applied is known by part
POOL_TONES = TONES | {State.RECEIVED: "done"}


def badge_of(payment: Any) -> tuple[Any, str]:
    """The state of a payment as (word, tone)."""
    return State(payment.state).label, TONES[payment.state]


def name_of(row: Any) -> str:
    """A party's name in the reader's language."""
    return by_language(row.name, row.name_en)


class TaxTable(Table):
    """Sums by tax rate."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("", _("Rate"), cell=lambda row: _("Exempt from tax") if row.rate is None else figures.percent(row.rate, 0), slug="rate"),
        Column("billed", _("Invoiced, net"), cell="amount", total=True, dim=True, hide_on_phone=True),
        Column("billed_tax", _("Tax"), cell="amount", total=True, dim=True, hide_on_phone=True),
        Column("credited", _("Credited, net"), cell="amount", total=True, dim=True, hide_on_phone=True),
        Column("credited_tax", _("Tax"), cell="amount", total=True, dim=True, hide_on_phone=True),
        Column("net", _("Net"), cell="amount", total=True),
        Column("tax", _("Tax"), cell="amount", total=True),
        Column("gross", _("Amount (incl. tax)"), cell="amount", total=True, hide_on_phone=True),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )

    def url(self, row: Any) -> str:
        return ""


def _worth(rate: Any, day: Any) -> Any:
    """A rate with the day it is of; a dash without one."""
    return figures.DASH if rate is None else f"{figures.price(rate)} · {figures.day(day)}"


class ExchangeTable(Table):
    """What was paid of invoices in other currencies; amounts of value are in the own one."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("day", _("Date"), cell="day"),
        Column("invoice", _("Invoice"), cell="link"),
        Column("", _("Partner"), cell=name_of, dim=True, hide_on_phone=True, width="clip", slug="partner"),
        Column("", pgettext_lazy("exchange", "Paid"), cell=lambda row: figures.money(row.amount, row.foreign), num=True, slug="paid"),
        Column("", _("Rate of the invoice"), cell=lambda row: _worth(row.rate, row.rate_day), num=True, dim=True, hide_on_phone=True, slug="then"),
        Column("", _("Rate of the payment"), cell=lambda row: _worth(row.money_rate, row.money_rate_day), num=True, dim=True, hide_on_phone=True, slug="now"),
        Column("value", _("Value of the invoice"), cell="amount", hide_on_phone=True),
        Column("money_value", _("Value of the payment"), cell="amount", hide_on_phone=True),
        Column("difference", _("Gain (loss: less than 0)"), cell="amount", total=True),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )

    def url(self, row: Any) -> str:
        return reverse("invoice", args=[row.invoice_id])


class ShortTable(Table):
    """Own invoices that are paid but for a small difference."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("number", _("Number"), cell="link", sort="number"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__code", width="clip", slug="buyer"),
        Column("due_on", _("Due"), cell="day", sort="due_on", hide_on_phone=True),
        Column("gross", _("Amount (incl. tax)"), cell="amount", hide_on_phone=True),
        Column("open", _("Still to pay"), cell="amount", total=True, sum=F("gross") - F("paid")),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )
    empty = _("No invoice is short by a small difference.")
    remedy = _("Invoices that are paid but for a little are closed here, many at once.")

    def url(self, row: Any) -> str:
        return reverse("invoice", args=[row.pk])


class PaymentTable(Table):
    """Payments, newest first."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("number", _("Number"), cell="link", sort="number"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__code", width="clip", slug="buyer"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("", _("State"), cell=lambda row: figures.badge(*badge_of(row)), slug="state"),
        Column("", _("Method"), cell=lambda row: Method(row.method).label, dim=True, hide_on_phone=True, width="nw", slug="method"),
        Column("reference", _("Reference"), dim=True, hide_on_phone=True, width="clip"),
        Column("shown_amount", _("Amount"), cell="amount", sort="amount", total=True, sum="amount"),
        Column("shown_left", _("Not applied"), cell="amount", hide_on_phone=True, total=True, sum=F("amount") - F("applied")),
        Column("paid_on", _("Paid on"), cell="day", sort="paid_on"),
    )
    tabs: Sequence[Tab] = (
        Tab("all", _("All")),
        Tab("announced", pgettext_lazy("payments", "Announced"), Q(state=State.ANNOUNCED)),
        Tab("unapplied", pgettext_lazy("payments", "Not fully applied"), Q(state__in=UNAPPLIED)),
        Tab("applied", pgettext_lazy("payments", "Applied"), Q(state=State.APPLIED)),
    )
    filters = (
        Filter("method", _("Method"), choices=Method.choices),
        Filter("from", _("Paid from"), lookup="paid_on__gte", kind="day"),
        Filter("to", _("Paid to"), lookup="paid_on__lte", kind="day"),
        Filter("hands", _("Duties"), choices=[("one", _("Two duties by one person"))], q=lambda raw: unscoped_by_one_hand() if raw == "one" else Q()),
    )
    kind, parties = "payments.payment", True
    empty = _("There are no payments here.")
    remedy = _("Record a payment as soon as the money is there.")

    def url(self, row: Any) -> str:
        return reverse("payment", args=[row.pk])

    def summed(self, actor: Actor) -> Q:
        return priced(actor)


def _pool_state(row: Any) -> Any:
    """Its parts are applied or not, the whole is there or not."""
    word = pgettext_lazy("payment", "Received") if row.state == State.RECEIVED else State(row.state).label
    return figures.badge(word, POOL_TONES[row.state])


class PoolTable(Table):
    """Payments of head offices, newest first."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("number", _("Number"), cell="link", sort="number"),
        Column("", _("Paid by"), cell=lambda row: name_of(row.payer), sort="payer__code", width="clip", slug="payer"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("", _("State"), cell=_pool_state, slug="state"),
        Column("part_count", _("Branches"), num=True, hide_on_phone=True),
        Column("paid_on", _("Paid on"), cell="day", sort="paid_on"),
        Column("shown_amount", _("Amount"), cell="amount", sort="amount", total=True, sum="amount"),
    )
    tabs: Sequence[Tab] = (Tab("all", _("All")), Tab("announced", pgettext_lazy("payments", "Announced"), Q(state=State.ANNOUNCED)))
    filters = (
        Filter("payer", _("Paid by"), lookup="payer__code", kind="text"),
        Filter("from", _("Paid from"), lookup="paid_on__gte", kind="day"),
        Filter("to", _("Paid to"), lookup="paid_on__lte", kind="day"),
    )
    search = ("number__icontains", "payer__code__icontains", "payer__name__icontains", "reference__icontains")
    empty = _("There are no payments for branches here.")
    remedy = _("A seller names on an agreement the head office that pays.")

    def url(self, row: Any) -> str:
        return reverse("pool", args=[row.pk])

    def summed(self, actor: Actor) -> Q:
        return priced(actor, "seller", "payer")


class BranchInvoiceTable(Table):
    """Open invoices of the branches for which the own organisation pays; amounts are what it pays."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("number", _("Invoice"), cell="code", sort="number"),
        Column("", _("Branch"), cell=lambda row: name_of(row.buyer), sort="buyer__code", width="clip", slug="buyer"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("date", _("Date"), cell="day", dim=True, hide_on_phone=True, sort="date"),
        Column("due_on", _("Due"), cell="day", sort="due_on"),
        Column("shown_gross", _("Amount (incl. tax)"), cell="amount", hide_on_phone=True, sort="gross", total=True, sum="gross"),
        Column("shown_open", _("Still to pay"), cell="amount", total=True, sum=F("gross") - F("paid")),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )
    tabs: Sequence[Tab] = (Tab("all", _("All")), Tab("overdue", pgettext_lazy("invoices", "Overdue"), lambda actor: Q(due_on__lt=clock.today()), wrong=True))
    filters = (
        Filter("branch", _("Branch"), lookup="buyer__code", kind="text"),
        Filter("seller", _("Seller"), lookup="seller__code", kind="text"),
        Filter("due", _("Due until"), lookup="due_on__lte", kind="day"),
    )
    search = ("number__icontains", "buyer__code__icontains", "buyer__name__icontains")
    empty = _("Nothing is to be paid for branches.")
    remedy = _("Open invoices stand here when a seller named your organisation as the payer of a branch.")

    def url(self, row: Any) -> str:
        return ""


class MadeTable(PaymentTable):
    """The same as the payer looks at it: to whom it went."""

    columns: Sequence[Column] = (
        PaymentTable.columns[0],
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), sort="seller__code", width="clip", slug="seller"),
        *PaymentTable.columns[3:],
    )
    remedy = _("Announce a payment as soon as you have sent it.")
