"""Pages of the books: with whom there are balances, ageing, locked months. The account of one counterparty is a page of the portal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base import sheets
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, FormPage, ListPage, Page, door, go, import_buttons
from qudao.base.html.pages.prints import address_name
from qudao.base.html.tables import Papers, Table, address
from qudao.kernel import clock
from qudao.kernel.period import DateSpan
from qudao.ledger import actions, queries
from qudao.ledger.forms import ChartForm, HomeForm, HomesForm, LockForm, TemplateForm, UnlockForm
from qudao.ledger.models import Mapping
from qudao.ledger.prints import STATEMENT, span_of
from qudao.ledger.rules import ChartFacts, HomeFacts
from qudao.ledger.states import Side
from qudao.ledger.tables import AccountTable, AgeingTable, ChartTable, EntryTable, HomeTable, PeriodTable, TrialTable, reminding, told_apart

#: so many counterparties are in one sheet at most
MOST_ROWS = 100_000


def drawn(table: Table, rows: Sequence[Any]) -> dict[str, Any]:
    """What `ledger/rows.html` shows of a table without a query."""
    columns = list(table.columns)
    return {
        "any": bool(rows),
        "heads": table.head(columns, QueryDict()),
        "body": table.body(rows, columns),
        "totals": table.totals(rows, columns),
    }


def side_tabs(request: HttpRequest, side: str) -> list[dict[str, Any]]:
    """The two sides of the own books."""
    params = request.GET.copy()
    params.pop("page", None)
    found = []
    for one in Side:
        params["side"] = one.value
        found.append({"label": one.label, "url": f"?{params.urlencode()}", "on": one == side})
    return found


def side_of(request: HttpRequest) -> str:
    """The side asked for in the address; receivable by default."""
    side = request.GET.get("side", "")
    return side if side in Side.values else Side.RECEIVABLE.value


def as_sheet(actor: Actor, title: Any, table: Table, rows: Sequence[Any], of: str) -> HttpResponse:
    """The rows of a table as a sheet, named after the title and what it is `of`; the export is logged."""
    mark = sheets.mark_for(actor)
    sheets.log_export(str(title), len(rows), mark, actor=actor)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(mark.named(f'{title} {of}'))}.xlsx"}
    cells = [[column.value(row) for column in table.columns] for row in rows]
    return HttpResponse(sheets.write_xlsx([column.label for column in table.columns], cells, mark), content_type=sheets.XLSX, headers=headers)


class ReportPage(Page):
    """A table of the own books over the days asked for (this month and the two before it), on the page and, with `as=xlsx`, as a sheet of the same rows."""

    verb = "ledger.view"
    template = "ledger/report.html"
    table: type[Table]
    empty: Any = gettext_lazy("Nothing happened in this time.")
    #: what else of the address a report reads
    asks: Sequence[str] = ()

    def rows(self, span: DateSpan) -> Sequence[Any]:
        """The rows of these days."""
        raise NotImplementedError

    def more(self) -> dict[str, Any]:
        """What else the page shows: `told` under the title, `tabs`, `ways` (address, label) to what belongs to it."""
        return {}

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET
        span = span_of(asked.get("since", ""), asked.get("until", ""))
        rows, table = self.rows(span), self.table()
        if asked.get("as") == "xlsx":
            return as_sheet(self.actor, self.title, table, rows, f"{span.start} {span.end}")
        kept = [(name, asked[name]) for name in self.asks if asked.get(name)]
        context = {"span": span, "kept": kept, "sheet": address(asked, **{"as": "xlsx"}), "empty": self.empty, **drawn(table, rows)}
        return self.show(self.template, {**context, **self.more()})


class AccountList(ListPage):
    """With whom the own organisation has balances."""

    verb = "ledger.view"
    query = queries.balances
    table = AccountTable
    title = gettext_lazy("Accounts")

    def buttons(self) -> Sequence[Button]:
        return [
            Button(_("Locked months"), reverse("periods"), icon="lock", verb="ledger.view"),
            Button(_("Ageing"), reverse("ageing"), icon="clock", verb="ledger.view"),
            Button(_("Trial balance"), reverse("trial_balance"), icon="list", verb="ledger.view"),
            Button(_("Tax by rate"), reverse("taxes"), icon="coins", verb="ledger.view"),
            Button(_("Exchange differences"), reverse("exchange_differences"), icon="arrows-sort", verb="ledger.view"),
        ]

    def papers(self, rows: Sequence[Any]) -> Papers:
        """The statement of each account, as its own page shows it."""
        if not self.actor.can("base.print"):
            return None
        table = self.table()
        pairs = ((row, table.url(row).partition("?")[2]) for row in rows)
        return {row.pk: (f"{reverse(address_name(STATEMENT), args=[row.counterparty_id])}?{query}", STATEMENT.label) for row, query in pairs}


@door("ledger.remind")
def remind(request: HttpRequest, pk: int) -> HttpResponse:
    """Remind a buyer of what is overdue: one press, back to where it was pressed."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    actions.remind_payer(pk, actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("ageing"), _("They are reminded of what is overdue. Once a day is enough."))


class AgeingPage(Page):
    """What is owed by days past due: who owes most past due first, a page at a time, with the sums of all counterparties."""

    verb = "ledger.view"
    template = "ledger/ageing.html"
    title = gettext_lazy("Ageing")

    def get(self, request: HttpRequest) -> HttpResponse:
        side, on = side_of(request), clock.today()
        table = AgeingTable()
        table.side = side
        if request.GET.get("as") == "xlsx":
            rows = queries.ageing_part(self.actor, on, side, MOST_ROWS).rows
            return as_sheet(self.actor, self.title, table, rows, f"{Side(side).label} {on}")
        raw = request.GET.get("page", "1")
        page = max(1, int(raw)) if raw.isdecimal() and len(raw) < 6 else 1
        first = (page - 1) * table.per_page
        part = queries.ageing_part(self.actor, on, side, table.per_page, first)
        if side == Side.RECEIVABLE and self.actor.can("ledger.remind"):
            table.columns = (*table.columns, reminding(queries.reminded(self.actor, {row.counterparty_id for row in part.rows}, on)))
        context = {
            "on": on,
            "tabs": side_tabs(request, side),
            "empty": _("Nothing is open on this side."),
            "sheet": address(request.GET, page=None, **{"as": "xlsx"}),
            **drawn(table, part.rows),
            "totals": table.totals(part.totals, table.columns),
            "shown": figures.count(len(part.rows)),
            "count": figures.count(part.number),
            "previous": address(request.GET, page=page - 1) if page > 1 else "",
            "next": address(request.GET, page=page + 1) if first + len(part.rows) < part.number else "",
        }
        return self.show(self.template, context)


class ChartList(ListPage):
    """The own chart of accounts."""

    verb = "ledger.view"
    query = queries.chart
    table = ChartTable
    title = gettext_lazy("Chart of accounts")
    above = "accounts"

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("ledger.chart", self.actor),
            *(replace(one, label=_("Import what goes where")) for one in import_buttons("ledger.homes", self.actor)),
            Button(_("Trial balance"), reverse("trial_balance"), icon="list", verb="ledger.view"),
            Button(_("Open from a template"), reverse("chart_template"), icon="download", verb="ledger.edit_chart", ask=True),
            Button(_("What goes where"), reverse("chart_mapping"), icon="arrows-sort", verb="ledger.edit_chart"),
            Button(_("By category and tax rate"), reverse("chart_rules"), icon="list", verb="ledger.view"),
            Button(_("New account"), reverse("chart_new"), icon="plus", primary=True, verb="ledger.edit_chart", ask=True, key="n"),
        ]


class _ChartForm(FormPage):
    """A change of the own chart."""

    verb = "ledger.edit_chart"
    above = "chart"

    def done(self, result: Any) -> str:
        return self.back


class ChartOpen(_ChartForm):
    """Begin with the accounts of a template."""

    form = TemplateForm
    action = actions.open_chart
    title = submit = gettext_lazy("Open from a template")
    said = gettext_lazy("The accounts of the template are there; what was there already stayed.")


class ChartNew(_ChartForm):
    """An account of the own chart."""

    form = ChartForm
    title = submit = gettext_lazy("New account")
    said = gettext_lazy("The account is saved.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.save_chart_account(ChartFacts(**cleaned), actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class ChartMapping(_ChartForm):
    """Which account of the chart takes what."""

    form = HomesForm
    title = submit = gettext_lazy("What goes where")
    said = gettext_lazy("The rules are saved; past entries are shown by them too.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.map_accounts({k: v for k, v in cleaned.items() if v}, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class HomeList(ListPage):
    """What goes where by category and tax rate."""

    verb = "ledger.view"
    query = queries.exact_homes
    table = HomeTable
    title = gettext_lazy("What goes where by category and tax rate")

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("chart")

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("ledger.homes", self.actor),
            Button(_("New rule"), reverse("chart_rule_new"), icon="plus", primary=True, verb="ledger.edit_chart", ask=True, key="n"),
        ]


class HomeNew(_ChartForm):
    """A category or tax rate goes to an account of its own."""

    form = HomeForm
    title = submit = gettext_lazy("New rule")
    said = gettext_lazy("The rule is saved. Entries of before that name no category or rate stay where they are.")

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("chart_rules")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.map_all([HomeFacts(**cleaned)], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class HomeRemoval(ActionPage):
    """Take a rule back."""

    verb = "ledger.edit_chart"
    query = queries.exact_homes
    title = submit = gettext_lazy("Remove rule")
    said = gettext_lazy("The rule is removed.")
    danger = True

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("chart_rules")

    def says(self, obj: Mapping) -> Any:
        return _("{posting} goes to the account of the next less exact rule; nothing is posted anew.").format(posting=told_apart(obj))

    def perform(self, obj: Mapping, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.remove_homes([obj.pk], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return self.back


class TrialPage(ReportPage):
    """Every account of the chart: opening, debit, credit, closing."""

    table = TrialTable
    title = gettext_lazy("Trial balance")
    above = "accounts"

    def rows(self, span: DateSpan) -> Sequence[Any]:
        return queries.trial_balance(self.actor, span)

    def more(self) -> dict[str, Any]:
        return {"ways": [(reverse("chart"), _("Chart of accounts")), (reverse("entries"), _("Entries"))]}


class EntryList(ListPage):
    """The lines of the own entries with their codes."""

    verb = "ledger.view"
    query = queries.entry_lines
    table = EntryTable
    title = gettext_lazy("Entries")
    above = "trial_balance"


class PeriodList(ListPage):
    """Months of the own books."""

    verb = "ledger.view"
    query = queries.periods
    table = PeriodTable
    title = gettext_lazy("Locked months")
    above = "accounts"

    def buttons(self) -> Sequence[Button]:
        return [
            Button(_("Open a month again"), reverse("period_unlock"), icon="lock-open", verb="ledger.unlock_period"),
            Button(_("Lock a month"), reverse("period_lock"), icon="lock", primary=True, verb="ledger.lock_period", key="n"),
        ]


class PeriodLock(FormPage):
    """Nothing more is posted into the month."""

    verb = "ledger.lock_period"
    form = LockForm
    action = actions.lock_period
    title = submit = gettext_lazy("Lock a month")
    said = gettext_lazy("The month is locked.")
    above = "periods"


class PeriodUnlock(FormPage):
    """The month takes entries again."""

    verb = "ledger.unlock_period"
    form = UnlockForm
    action = actions.unlock_period
    title = submit = gettext_lazy("Open a month again")
    said = gettext_lazy("The month is open again.")
    above = "periods"


routes = [
    path("chart/", ChartList.as_view(), name="chart"),
    path("chart/template", ChartOpen.as_view(), name="chart_template"),
    path("chart/new", ChartNew.as_view(), name="chart_new"),
    path("chart/mapping", ChartMapping.as_view(), name="chart_mapping"),
    path("chart/rules/", HomeList.as_view(), name="chart_rules"),
    path("chart/rules/new", HomeNew.as_view(), name="chart_rule_new"),
    path("chart/rules/<int:pk>/removal", HomeRemoval.as_view(), name="chart_rule_removal"),
    path("trial-balance/", TrialPage.as_view(), name="trial_balance"),
    path("entries/", EntryList.as_view(), name="entries"),
    path("accounts/", AccountList.as_view(), name="accounts"),
    path("accounts/<int:pk>/reminder", remind, name="account_reminder"),
    path("ageing/", AgeingPage.as_view(), name="ageing"),
    path("periods/", PeriodList.as_view(), name="periods"),
    path("periods/lock", PeriodLock.as_view(), name="period_lock"),
    path("periods/unlock", PeriodUnlock.as_view(), name="period_unlock"),
]
