"""The lists of accounts, ageing, statement lines and periods."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, cast

from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.html import figures
from qudao.base.html.columns import reach
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language, join
from qudao.ledger.models import Balance, ChartAccount, EntryLine, Mapping, Period
from qudao.ledger.queries import AgeingRow, TrialRow
from qudao.ledger.states import KINDS, Account, Bucket, Kind, PeriodState


def owed(row: Balance) -> object:
    """The amount as people say it: what is receivable, payable or not applied, more than zero."""
    return figures.amount(row.amount if row.account in (Account.RECEIVABLE, Account.UNAPPLIED_OUT) else -row.amount)


class AccountTable(Table):
    """With whom there are balances."""

    columns = (
        Column("counterparty.code", _("Counterparty"), cell="link", sort="counterparty__code"),
        Column(
            "", _("Name"), cell=lambda row: by_language(row.counterparty.name, row.counterparty.name_en), sort="counterparty__name", width="clip", slug="name"
        ),
        Column("", _("Account"), cell=lambda row: row.get_account_display(), dim=True, slug="account"),
        Column("", _("Amount"), cell=owed, num=True, sort="amount", slug="amount"),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )
    tabs = (
        Tab("receivable", _("Receivable"), Q(account=Account.RECEIVABLE)),
        Tab("payable", _("Payable"), Q(account=Account.PAYABLE)),
        Tab("unapplied", _("Not applied"), Q(account__in=[Account.UNAPPLIED_IN, Account.UNAPPLIED_OUT]) & ~Q(amount=0)),
    )
    filters = (Filter("currency", _("Currency"), kind="text"),)
    kind, via = "network.organisation", "counterparty"
    order = ("counterparty__code", "pk")
    empty = _("Nothing is on these books yet.")
    remedy = _("The first invoice opens the account.")

    def url(self, row: Balance) -> str:
        side = "payable" if row.account in (Account.PAYABLE, Account.UNAPPLIED_OUT) else "receivable"
        return f"{reverse('account', args=[row.counterparty_id])}?side={side}&currency={row.currency}"


def reminding(done: Collection[int]) -> Column:
    """The column with the button that reminds who is late, or says that it was done (`done`: of whom, today)."""

    def shown(row: AgeingRow) -> object:
        if not row.overdue:
            return ""
        if row.counterparty_id in done:
            return format_html('<span class="dim">{}</span>', _("reminded today"))
        url, back = reverse("account_reminder", args=[row.counterparty_id]), f'{{"back_to": "{reverse("ageing")}"}}'
        words = '<button type="button" class="btn btn-sm position-relative z-1" hx-post="{}" hx-vals="{}" hx-swap="none">{}</button>'
        return format_html(words, url, back, _("Remind"))

    return Column("", _("Reminder"), cell=shown, slug="reminder")


def _some(name: str) -> Callable[[Any], str]:
    """An amount, and a dash where there is none: in a wide table of ageing most cells are empty, and a zero in each hides those that are not."""
    return lambda row: figures.amount(reach(row, name) or None)


class AgeingTable(Table):
    """What is owed by days past due; cash that is not applied stands apart."""

    columns = (
        Column("code", _("Counterparty"), cell="link"),
        Column("", _("Name"), cell=lambda row: by_language(row.name, row.name_en), width="clip", slug="name"),
        *(
            Column(f"buckets.{b.value}", b.label, cell=_some(f"buckets.{b.value}"), num=True, total=True, dim=b == Bucket.NOT_DUE, hide_on_phone=True)
            for b in Bucket
        ),
        Column("total", _("Total"), cell="amount", total=True),
        Column("unapplied", _("Not applied"), cell=_some("unapplied"), num=True, total=True, dim=True, hide_on_phone=True),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )
    side = "receivable"

    def url(self, row: AgeingRow) -> str:
        return f"{reverse('account', args=[row.counterparty_id])}?side={self.side}&currency={row.currency}"

    def row_css(self, row: AgeingRow) -> str:
        return "bad" if row.overdue else ""


def rate_of(row: Mapping | EntryLine) -> str:
    """A tax rate as people say it: 13%, 6.5%."""
    return "" if row.tax_rate is None else f"{(row.tax_rate * 100).normalize():f}%"


def told_apart(row: Mapping) -> str:
    """A kind of posting with the category and the tax rate that a rule names."""
    named = by_language(row.category.name, row.category.name_en) if row.category else ""
    return " ".join(word for word in (str(row.get_account_display()), named, rate_of(row)) if word)


class HomeTable(Table):
    """Rules of what goes where that name a category or a tax rate."""

    columns = (
        Column("posting", _("Kind of posting"), cell="link"),
        Column("", _("Category"), cell=lambda row: by_language(row.category.name, row.category.name_en) if row.category else "", width="clip", slug="category"),
        Column("", _("Tax rate"), cell=rate_of, num=True, slug="tax_rate"),
        Column("", _("Account"), cell=lambda row: f"{row.chart.code} {by_language(row.chart.name, row.chart.name_en)}", width="clip", slug="account"),
    )
    filters = (Filter("posting", _("Kind of posting"), choices=Account.choices, lookup="account"),)
    order = ("account", "category__path", "tax_rate", "pk")
    empty = _("Nothing is told apart: each kind of posting goes to one account.")
    remedy = _("Let spare parts and appliances, or 13 % and 6 %, go to accounts of their own.")

    def url(self, row: Mapping) -> str:
        return reverse("chart_rule_removal", args=[row.pk])


class ChartTable(Table):
    """The own chart of accounts."""

    columns = (
        Column("code", _("Code"), cell="code", sort="code"),
        Column("", _("Name"), cell=lambda row: by_language(row.name, row.name_en), sort="name", width="clip", slug="name"),
        Column("kind", _("Kind"), cell=lambda row: row.get_kind_display(), dim=True, sort="kind"),
        Column("", _("What goes here"), cell=lambda row: join(*(told_apart(one) for one in row.mapped.all())), slug="takes", hide_on_phone=True),
    )
    filters = (Filter("kind", _("Kind"), choices=Kind.choices),)
    search = ("code__icontains", "name__icontains", "name_en__icontains")
    order = ("code",)
    empty = _("There is no chart of accounts yet.")
    remedy = _("Open one from a template; codes and names can be changed.")

    def url(self, row: ChartAccount) -> str:
        return ""


class TrialTable(Table):
    """The trial balance."""

    currency = "currency"
    columns = (
        Column("code", _("Code"), cell="code"),
        Column("", _("Name"), cell=lambda row: by_language(row.name, row.name_en) or Account(row.account).label, width="clip", slug="name"),
        Column("opening", _("Opening balance"), cell="amount", total=True, dim=True, hide_on_phone=True),
        Column("debit", _("Debit"), cell="amount", total=True, hide_on_phone=True),
        Column("credit", pgettext_lazy("books", "Credit"), cell="amount", total=True, hide_on_phone=True),
        Column("closing", _("Closing balance"), cell="amount", total=True),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )

    def url(self, row: TrialRow) -> str:
        return ""


def told_line(row: EntryLine) -> str:
    """The account of a line, with the category and the tax rate it is about."""
    told = cast(Any, row)
    return " ".join(word for word in (str(row.get_account_display()), by_language(told.category_name or "", told.category_name_en or ""), rate_of(row)) if word)


class EntryTable(Table):
    """Lines of the own entries."""

    currency = "currency"
    columns = (
        Column("date", _("Date"), cell="day"),
        Column("", _("What"), cell=lambda row: KINDS.get(row.kind, row.kind), slug="what"),
        Column("number", _("Number"), cell="code"),
        Column("code", _("Code"), cell="code"),
        Column("", _("Account"), cell=told_line, dim=True, hide_on_phone=True, width="clip", slug="account"),
        Column(
            "", _("Counterparty"), cell=lambda row: by_language(row.counterparty.name, row.counterparty.name_en) if row.counterparty else "", dim=True,
            hide_on_phone=True, width="clip", slug="counterparty",
        ),
        Column("", _("Debit"), cell=lambda row: figures.amount(row.amount) if row.amount > 0 else "", num=True, slug="debit"),
        Column("", pgettext_lazy("books", "Credit"), cell=lambda row: figures.amount(-row.amount) if row.amount < 0 else "", num=True, slug="credit"),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )  # fmt: skip
    filters = (
        Filter("account", _("Account"), choices=Account.choices),
        Filter("from", _("Date from"), lookup="date__gte", kind="day"),
        Filter("to", _("Date to"), lookup="date__lte", kind="day"),
    )
    order = ("-entry_id", "id")
    empty = _("Nothing is on these books yet.")

    def url(self, row: EntryLine) -> str:
        return ""


class PeriodTable(Table):
    """Months of the own books that were ever locked."""

    columns = (
        Column("", _("Month"), cell=lambda row: f"{row.month:%Y-%m}", slug="month"),
        Column("state", _("State"), cell="state", tones={PeriodState.OPEN: "move", PeriodState.LOCKED: "done"}),
        Column("state_since", _("Since"), cell="moment", dim=True),
    )
    empty = _("No month was locked yet.")
    remedy = _("Lock a month when its statements are settled.")

    def url(self, row: Period) -> str:
        return ""
