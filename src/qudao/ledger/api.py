"""The books over the API. Everything reads the caller's own books; with scope all, those of `org_id`."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, NotFound
from qudao.kernel.period import DateSpan
from qudao.ledger import actions, queries
from qudao.ledger.models import Mapping, OpenItem, Period
from qudao.ledger.rules import ChartFacts, HomeFacts
from qudao.ledger.states import Account, Kind, Template

routes = Router(tags=["ledger"])
Side = Literal["receivable", "payable"]


class AgeingOut(Schema):
    """What one counterparty owes by days past due; `unapplied` cash stands apart."""

    counterparty_id: int
    code: str
    name: str
    currency: str
    not_due: Decimal
    days_30: Decimal
    days_60: Decimal
    days_90: Decimal
    days_180: Decimal
    older: Decimal
    total: Decimal
    overdue: Decimal
    oldest_days: int
    unapplied: Decimal


class AgeingPage(Schema):
    on: datetime.date
    side: str
    items: list[AgeingOut]


class StatementLineOut(Schema):
    date: datetime.date
    kind: str
    number: str
    subject_kind: str
    subject_id: int
    amount: Decimal
    balance: Decimal


class StatementOut(Schema):
    """opening + lines = closing; more than zero is owed by the buyer."""

    org_id: int
    counterparty_id: int
    side: str
    currency: str
    opening: Decimal
    closing: Decimal
    lines: list[StatementLineOut]


class ItemOut(Schema):
    id: int
    side: str
    counterparty_id: int
    subject_kind: str
    subject_id: int
    number: str
    date: datetime.date
    due_on: datetime.date
    currency: str
    amount: Decimal
    open_amount: Decimal


class ItemPage(Schema):
    items: list[ItemOut]
    next_after: int | None


class PeriodOut(Schema):
    month: str
    state: str


class PeriodPage(Schema):
    items: list[PeriodOut]


class StatementQuery(Schema):
    counterparty_id: int
    since: datetime.date
    until: datetime.date | None = None
    side: Side = "receivable"
    currency: str = Field("CNY", min_length=3, max_length=3)
    org_id: int | None = None


class UnlockIn(Schema):
    reason: str = Field(..., min_length=1, max_length=500)


class ChartIn(Schema):
    code: str = Field(..., max_length=20)
    name: str = Field(..., max_length=80)
    name_en: str = Field("", max_length=80)
    kind: Kind


class ChartTemplateIn(Schema):
    template: Template = Template.CHINA


class HomesIn(Schema):
    """Our account ("revenue", "output_tax", …) → code in the chart."""

    accounts: dict[str, str]


class ChartRuleIn(Schema):
    """Where a kind of posting goes, of a category (with all below it) or a tax rate; without both all of it."""

    posting: Account
    code: str = Field(..., max_length=20)
    category_id: int | None = None
    tax_rate: Decimal | None = None


class ChartRulesIn(Schema):
    """Many rules, all or none; one of the same posting, category and rate is changed."""

    rules: list[ChartRuleIn] = Field(..., max_length=5000)


class ChartRuleOut(ChartRuleIn):
    id: int


class ChartRulePage(Schema):
    items: list[ChartRuleOut]


class ChartOut(ChartIn):
    """An account of the chart and what goes there."""

    accounts: list[str]


class ChartPage(Schema):
    items: list[ChartOut]


class TrialOut(Schema):
    """`account` is the name of what is assigned to no code."""

    code: str
    name: str
    name_en: str
    kind: str
    account: str
    currency: str
    opening: Decimal
    debit: Decimal
    credit: Decimal
    closing: Decimal


class TrialPage(Schema):
    items: list[TrialOut]


class TrialQuery(Schema):
    since: datetime.date
    until: datetime.date | None = None


def _chart(actor: Actor, status: int = 200) -> HttpResponse:
    names = ("code", "name", "name_en", "kind")
    items = []
    for one in queries.chart(actor):
        whole = [m.account for m in one.mapped.all() if not m.category_id and m.tax_rate is None]
        items.append({**{n: getattr(one, n) for n in names}, "accounts": whole})
    return reply({"items": items}, status)


@routes.get("/ledger/chart", response=ChartPage, summary="The own chart of accounts")
def read_chart(request: HttpRequest) -> HttpResponse:
    """Codes and names in both languages, and what goes where."""
    return _chart(request.actor)  # type: ignore[attr-defined]


@routes.post("/ledger/chart", response={201: ChartPage}, summary="Add an account or rename one")
@idempotent
def save_account(request: HttpRequest, body: ChartIn) -> HttpResponse:
    """The account with this code."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.save_chart_account(ChartFacts(body.code, body.name, body.name_en, body.kind), actor=actor)
    return _chart(actor, 201)


@routes.post("/ledger/chart/template", response={201: ChartPage}, summary="Open the chart from a template")
@idempotent
def open_chart(request: HttpRequest, body: ChartTemplateIn) -> HttpResponse:
    """What is there already stays."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.open_chart(body.template, actor=actor)
    return _chart(actor, 201)


@routes.post("/ledger/chart/mapping", response={201: ChartPage}, summary="Say what goes where in the chart")
@idempotent
def map_accounts(request: HttpRequest, body: HomesIn) -> HttpResponse:
    """Past entries are shown by the new rules too."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.map_accounts(body.accounts, actor=actor)
    return _chart(actor, 201)


def _rules(found: Iterable[Mapping], status: int = 200) -> HttpResponse:
    told = [{"id": m.pk, "posting": m.account, "code": m.chart.code, "category_id": m.category_id, "tax_rate": m.tax_rate} for m in found]
    return reply({"items": told}, status)


@routes.get("/ledger/chart/rules", response=ChartRulePage, summary="What goes where, also by category and tax rate")
def read_rules(request: HttpRequest) -> HttpResponse:
    """The most exact rule counts: that of the nearest category, then that of the tax rate."""
    return _rules(queries.all_homes(request.actor))  # type: ignore[attr-defined]


@routes.post("/ledger/chart/rules", response={201: ChartRulePage}, summary="Say what goes where by category and tax rate")
@idempotent
def save_rules(request: HttpRequest, body: ChartRulesIn) -> HttpResponse:
    """Entries that were posted by category and rate are shown by the new rules, too."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    made = actions.map_all([HomeFacts(**one.dict()) for one in body.rules], actor=actor)
    return _rules(queries.all_homes(actor).filter(pk__in=[one.pk for one in made]), 201)


@routes.delete("/ledger/chart/rules/{int:rule_id}", response={200: dict}, summary="Take a rule of what goes where back")
@idempotent
def remove_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """The next less exact rule counts."""
    if not actions.remove_homes([rule_id], actor=request.actor):  # type: ignore[attr-defined]
        raise NotFound("base.not_found")
    return reply({})


@routes.get("/ledger/trial-balance", response=TrialPage, summary="Trial balance of the own books")
def read_trial(request: HttpRequest, asked: Annotated[TrialQuery, Query()]) -> HttpResponse:
    """Opening, debit, credit, closing of each account over a span; each currency sums to zero."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if asked.until is not None and asked.until < asked.since:
        raise Invalid("ledger.span", field="until")
    found = queries.trial_balance(actor, DateSpan(asked.since, asked.until))
    return reply({"items": [{name: getattr(row, name) for name in TrialOut.model_fields} for row in found]})


def _item(item: OpenItem) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ItemOut.model_fields}


def _period(period: Period) -> dict[str, Any]:
    return {"month": f"{period.month:%Y-%m}", "state": period.state}


def _month(raw: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(f"{raw}-01")
    except ValueError:
        raise Invalid("ledger.month", field="month", month=raw) from None


@routes.get("/ledger/ageing", response=AgeingPage, summary="Open items by days past due")
def read_ageing(request: HttpRequest, side: Side = "receivable", on: datetime.date | None = None, org_id: int | None = None) -> HttpResponse:
    """Every counterparty with something open or unapplied, as it is open now."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    day = on or clock.today()
    items = []
    for row in queries.ageing(actor, org_id or actor.org_id, day, side):
        facts = {name: getattr(row, name) for name in ("counterparty_id", "code", "name", "currency", "total", "overdue", "oldest_days", "unapplied")}
        items.append({**facts, **row.buckets})
    return reply({"on": day, "side": side, "items": items})


@routes.get("/ledger/statement", response=StatementOut, summary="Statement of account with one counterparty")
def read_statement(request: HttpRequest, asked: Annotated[StatementQuery, Query()]) -> HttpResponse:
    """Documents and payments of a span with the balance after each. Payments count when received, not when applied."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if asked.until is not None and asked.until < asked.since:
        raise Invalid("ledger.span", field="until")
    span = DateSpan(asked.since, asked.until)
    account = queries.PartyAccount(asked.org_id or actor.org_id, asked.counterparty_id, asked.side, asked.currency)
    found = queries.statement(actor, account, span)
    lines = [{name: getattr(line, name) for name in StatementLineOut.model_fields} for line in found.lines]
    heads = ("org_id", "counterparty_id", "side", "currency", "opening", "closing")
    return reply({**{name: getattr(found, name) for name in heads}, "lines": lines})


@routes.get("/ledger/open-items", response=ItemPage, summary="Open items, newest first")
def read_items(request: HttpRequest, limit: int = 50, after: int | None = None, side: Side | None = None, counterparty_id: int | None = None) -> HttpResponse:
    """One keyset page of what is still open in the own books."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.open_items(actor, actor.org_id, side=side, counterparty_id=counterparty_id).select_related(None)
    page, limit = page_of(found, limit=limit, after=after)
    items = [_item(item) for item in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


class ReminderIn(Schema):
    counterparty_id: int


class ReminderOut(ReminderIn):
    id: int
    day: datetime.date


@routes.post("/ledger/reminders", response={201: ReminderOut}, summary="Remind a buyer of what is overdue")
@idempotent
def remind(request: HttpRequest, body: ReminderIn) -> HttpResponse:
    """One notice to the people who keep its books; once a day for each buyer (409 after that)."""
    made = actions.remind_payer(body.counterparty_id, actor=request.actor)  # type: ignore[attr-defined]
    return reply({"id": made.pk, "counterparty_id": made.counterparty_id, "day": made.day}, 201)


@routes.get("/ledger/periods", response=PeriodPage, summary="Months that were ever locked")
def read_periods(request: HttpRequest) -> HttpResponse:
    """The months of the own books, newest first; a month that is not here is open."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply({"items": [_period(period) for period in queries.periods(actor)]})


@routes.post("/ledger/periods/{month}/lock", response=PeriodOut, summary="Lock a month")
@idempotent
def lock(request: HttpRequest, month: str) -> HttpResponse:
    """Nothing more can be posted into the month of the own books."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_period(actions.lock_period(_month(month), actor=actor)))


@routes.post("/ledger/periods/{month}/unlock", response=PeriodOut, summary="Open a locked month again")
@idempotent
def unlock(request: HttpRequest, month: str, body: UnlockIn) -> HttpResponse:
    """The month takes entries again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_period(actions.unlock_period(_month(month), body.reason, actor=actor)))
