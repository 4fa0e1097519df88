"""Reads of the books: ageing, the statement of a counterparty, open items. Each report is one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Length

from qudao.base.access import Actor, Scope, visible
from qudao.base.db import rows
from qudao.catalog.models import Category
from qudao.kernel.errors import Forbidden, NotFound
from qudao.kernel.money import ZERO
from qudao.kernel.period import DateSpan
from qudao.ledger.models import Balance, ChartAccount, Entry, EntryLine, Mapping, OpenItem, Period, Reminder
from qudao.ledger.states import BUCKET_DAYS, SIDE_ACCOUNTS, Account, Bucket, Side
from qudao.network.models import Organisation

VIEW = "ledger.view"


def _bucket_sql(bucket: str) -> str:
    """The sum of one bucket; bounds are our own constants."""
    first, last = BUCKET_DAYS[bucket]
    bounds = [f"d.days >= {first}"] * (first is not None) + [f"d.days <= {last}"] * (last is not None)
    return f"coalesce(sum(d.open_amount) FILTER (WHERE {' AND '.join(bounds)}), 0) AS {bucket}"


def _ageing_sql(party: str) -> str:
    """The ageing of all counterparties, or of the one that `party` (a condition) names; then only its open items are read, by index."""
    return f"""WITH owed AS (
        SELECT d.counterparty_id, d.currency, {", ".join(_bucket_sql(b) for b in Bucket)}, sum(d.open_amount) AS total, max(d.days) AS oldest
        FROM (SELECT counterparty_id, currency, open_amount, %(on)s::date - due_on AS days FROM ledger_openitem
              WHERE org_id = %(org)s AND side = %(side)s AND open_amount > 0{party}) d
        GROUP BY d.counterparty_id, d.currency
    ), cash AS (
        SELECT counterparty_id, currency, abs(amount) AS unapplied FROM ledger_balance
        WHERE org_id = %(org)s AND account = %(account)s AND amount <> 0{party}
    )
    SELECT o.id, o.code, o.name, o.name_en, coalesce(owed.currency, cash.currency), {", ".join(f"coalesce(owed.{b}, 0)" for b in Bucket)},
        coalesce(owed.total, 0), greatest(coalesce(owed.oldest, 0), 0), coalesce(cash.unapplied, 0)
    FROM owed FULL JOIN cash USING (counterparty_id, currency)
    JOIN network_organisation o ON o.id = coalesce(owed.counterparty_id, cash.counterparty_id)
    ORDER BY o.code, 5"""


AGEING = _ageing_sql("")
AGEING_OF = _ageing_sql(" AND counterparty_id = %(party)s AND currency = %(currency)s")

# The opening is the kept balance less everything since: what lies before the first day is never read, however long the history.
STATEMENT = """WITH line AS (
        SELECT entry_id, month, date, %(sign)s * sum(amount) AS amount FROM ledger_entryline
        WHERE org_id = %(org)s AND counterparty_id = %(party)s AND account = ANY(%(accounts)s::text[]) AND currency = %(currency)s AND date >= %(start)s
        GROUP BY entry_id, month, date
    ), kept AS (
        SELECT %(sign)s * sum(amount) AS amount FROM ledger_balance
        WHERE org_id = %(org)s AND counterparty_id = %(party)s AND account = ANY(%(accounts)s::text[]) AND currency = %(currency)s
    )
    SELECT NULL::date, '', '', '', NULL::bigint, coalesce((SELECT amount FROM kept), 0.00) - coalesce((SELECT sum(amount) FROM line), 0), 0
    UNION ALL
    (SELECT l.date, e.kind, e.number, e.subject_kind, e.subject_id, l.amount, e.id FROM line l JOIN ledger_entry e ON e.id = l.entry_id AND e.month = l.month
     WHERE l.amount <> 0 AND (%(end)s::date IS NULL OR l.date <= %(end)s) ORDER BY l.date, e.id)"""


@dataclass(frozen=True, slots=True)
class AgeingRow:
    """What one counterparty owes (or is owed) in one currency by days past due; `unapplied` cash is shown apart, never netted silently."""

    counterparty_id: int
    code: str
    name: str
    name_en: str
    currency: str
    buckets: dict[str, Decimal]
    total: Decimal
    oldest_days: int
    unapplied: Decimal

    @property
    def pk(self) -> int:
        """What names the row in a table: the counterparty."""
        return self.counterparty_id

    @property
    def overdue(self) -> Decimal:
        """What is past its due date."""
        return self.total - self.buckets[Bucket.NOT_DUE]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One document or payment; `balance` is what is owed after it."""

    date: date
    kind: str
    number: str
    subject_kind: str
    subject_id: int
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """The account of one counterparty over a span: opening + lines = closing. More than zero is owed (domain C15)."""

    org_id: int
    counterparty_id: int
    side: str
    currency: str
    opening: Decimal
    closing: Decimal
    lines: list[StatementLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PartyAccount:
    """Which account is asked for: the books of `org_id` with one counterparty, on one side, in one currency."""

    org_id: int
    counterparty_id: int
    side: str = Side.RECEIVABLE
    currency: str = "CNY"


def check_books(actor: Actor, org_id: int) -> None:
    """The actor may read the books of this organisation; raises Forbidden without the verb, NotFound for foreign books."""
    if not actor.can(VIEW):
        raise Forbidden("base.forbidden", verb=VIEW)
    if actor.scope != Scope.ALL and actor.org_id != org_id:
        raise NotFound("ledger.no_organisation")


def ageing(actor: Actor, org_id: int, on: date, side: str = Side.RECEIVABLE) -> list[AgeingRow]:
    """Open items of an organisation by counterparty and days past due on `on` (as they are open now). One statement."""
    check_books(actor, org_id)
    return _aged(AGEING, {"on": on, "org": org_id, "side": side, "account": SIDE_ACCOUNTS[side][1]})


def _aged(sql: str, params: dict[str, object]) -> list[AgeingRow]:
    return [_aged_row(row) for row in rows(sql, params)]


def _aged_row(row: Sequence[Any]) -> AgeingRow:
    n = 5 + len(Bucket)
    return AgeingRow(*(*row[:5], dict(zip(Bucket.values, row[5:n], strict=True)), *row[n:]))


OWED = f"""WITH owed AS MATERIALIZED (
        SELECT d.counterparty_id, d.currency, {", ".join(_bucket_sql(b) for b in Bucket)}, sum(d.open_amount) AS total, max(d.days) AS oldest
        FROM (SELECT counterparty_id, currency, open_amount, %(on)s::date - due_on AS days FROM ledger_openitem
              WHERE org_id = %(org)s AND side = %(side)s AND open_amount > 0) d
        GROUP BY d.counterparty_id, d.currency
    ), cash AS (
        SELECT counterparty_id, currency, abs(amount) AS unapplied FROM ledger_balance WHERE org_id = %(org)s AND account = %(account)s AND amount <> 0
    ), known AS MATERIALIZED (
        SELECT counterparty_id, currency, {", ".join(f"coalesce({b}, 0) AS {b}" for b in Bucket)}, coalesce(total, 0) AS total,
            greatest(coalesce(oldest, 0), 0) AS oldest, coalesce(unapplied, 0) AS unapplied
        FROM owed FULL JOIN cash USING (counterparty_id, currency)
    ), page AS (
        SELECT * FROM known ORDER BY total - {Bucket.NOT_DUE} DESC, total DESC, counterparty_id, currency LIMIT %(limit)s OFFSET %(offset)s
    )
    SELECT o.id, o.code, o.name, o.name_en, p.currency, {", ".join(f"p.{b}" for b in Bucket)}, p.total, p.oldest, p.unapplied, 1
    FROM page p JOIN network_organisation o ON o.id = p.counterparty_id
    UNION ALL
    SELECT NULL, '', '', '', currency, {", ".join(f"sum({b})" for b in Bucket)}, sum(total), max(oldest), sum(unapplied), count(*)
    FROM known GROUP BY currency"""
#: who owes most past due; only its few names are looked up
LATE = """SELECT o.id, o.name, o.name_en, l.n, l.total, l.oldest FROM (
        SELECT counterparty_id, count(*) AS n, sum(open_amount) AS total, min(due_on) AS oldest FROM ledger_openitem
        WHERE org_id = %s AND side = 'receivable' AND open_amount > 0 AND due_on < %s GROUP BY counterparty_id ORDER BY total DESC LIMIT %s
    ) l JOIN network_organisation o ON o.id = l.counterparty_id ORDER BY l.total DESC"""


@dataclass(frozen=True, slots=True)
class AgeingPart:
    """A page of the ageing, who owes most past due first; `totals` are the sums of all counterparties, a row a currency; `number` is of all."""

    rows: list[AgeingRow]
    totals: list[AgeingRow]
    number: int


def ageing_part(actor: Actor, on: date, side: str, limit: int, offset: int = 0) -> AgeingPart:
    """The ageing of the own organisation in parts: sums of all, rows of a few. One statement over what is open, from one index."""
    check_books(actor, actor.org_id)
    params = {"on": on, "org": actor.org_id, "side": side, "account": SIDE_ACCOUNTS[side][1], "limit": limit, "offset": offset}
    found = rows(OWED, params)
    aged = [(_aged_row(row[:-1]), row[-1]) for row in found]
    totals = [(row, n) for row, n in aged if row.counterparty_id is None]
    shown = sorted((row for row, _n in aged if row.counterparty_id is not None), key=lambda r: (-r.overdue, -r.total, r.counterparty_id, r.currency))
    return AgeingPart(shown, [row for row, _n in totals], sum(n for _row, n in totals))


def owing_most(actor: Actor, today: date, limit: int) -> list[tuple[int, str, str, int, Decimal, date]]:
    """(id, name, English name, documents, amount, oldest due date) of those that owe the own organisation most past due. One statement."""
    check_books(actor, actor.org_id)
    return rows(LATE, (actor.org_id, today, limit))


@dataclass(frozen=True)
class Late:
    """What one counterparty owes past due: its oldest document, how many there are, and the sum in each currency."""

    oldest: OpenItem
    number: int
    sums: list[tuple[str, Decimal]]


def overdue_of(actor: Actor, counterparty_id: int, today: date) -> Late | None:
    """What is past due of one counterparty in the own books; None when nothing is. One statement."""
    check_books(actor, actor.org_id)
    late = visible(actor, OpenItem).filter(org_id=actor.org_id, side=Side.RECEIVABLE, counterparty_id=counterparty_id, open_amount__gt=0, due_on__lt=today)
    items = list(late.order_by("due_on", "pk"))
    sums: dict[str, Decimal] = {}
    for item in items:
        sums[item.currency] = sums.get(item.currency, ZERO) + item.open_amount
    return Late(items[0], len(items), sorted(sums.items())) if items else None


def reminded(actor: Actor, counterparty_ids: Iterable[int], day: date) -> set[int]:
    """Which of these the own organisation has reminded on a day. One statement."""
    found = visible(actor, Reminder).filter(org_id=actor.org_id, counterparty_id__in=list(counterparty_ids), day=day)
    return set(found.values_list("counterparty_id", flat=True))


def ageing_of(actor: Actor, account: PartyAccount, on: date) -> AgeingRow | None:
    """The row of one account in the ageing; None when nothing is open and nothing unapplied. One statement."""
    check_books(actor, account.org_id)
    whose = {"org": account.org_id, "party": account.counterparty_id, "side": account.side, "currency": account.currency}
    found = _aged(AGEING_OF, {**whose, "on": on, "account": SIDE_ACCOUNTS[account.side][1]})
    return found[0] if found else None


def trades_with(actor: Actor, org_id: int, counterparty_id: int) -> bool:
    """Whether the organisation has any balance with the counterparty. One statement."""
    return visible(actor, Balance).filter(org_id=org_id, counterparty_id=counterparty_id).exists()


def balances_with(actor: Actor, counterparty_id: int) -> list[Balance]:
    """The balances of the own organisation with one other, on the accounts that are owed or not applied. One statement."""
    return list(balances(actor).filter(counterparty_id=counterparty_id))


def balances(actor: Actor) -> QuerySet[Balance]:
    """The balances of the actor's own organisation with its counterparties, on the accounts that are owed or not applied."""
    accounts = [account for pair in SIDE_ACCOUNTS.values() for account in pair]
    found = visible(actor, Balance).filter(org_id=actor.org_id, account__in=accounts, counterparty__isnull=False)
    return found.select_related("counterparty").order_by("counterparty__code", "id")


def statement(actor: Actor, account: PartyAccount, span: DateSpan) -> Statement:
    """The statement of one account over a span. One statement. Payments count when received, not when applied."""
    check_books(actor, account.org_id)
    params = {
        "sign": 1 if account.side == Side.RECEIVABLE else -1,
        "org": account.org_id,
        "party": account.counterparty_id,
        "accounts": [str(a) for a in SIDE_ACCOUNTS[account.side]],
        "currency": account.currency,
        "start": span.start,
        "end": span.end,
    }
    opening, balance, lines = ZERO, ZERO, []
    for day, kind, number, subject_kind, subject_id, amount, _entry in rows(STATEMENT, params):
        balance += amount
        if day is None:
            opening = amount
        else:
            lines.append(StatementLine(day, kind, number, subject_kind, subject_id, amount, balance))
    return Statement(account.org_id, account.counterparty_id, str(account.side), account.currency, opening, balance, lines)


# The most exact rule of what goes where: that of the category or the nearest above it, then that of the tax rate.
TRIAL = """WITH moved AS (
        SELECT account, currency, category_id, tax_rate, sum(amount) AS opening, 0 AS debit, 0 AS credit
        FROM ledger_balance WHERE org_id = %(org)s GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT account, currency, category_id, tax_rate, -sum(amount), coalesce(sum(amount) FILTER (WHERE amount > 0 AND date <= %(end)s), 0),
            coalesce(-sum(amount) FILTER (WHERE amount < 0 AND date <= %(end)s), 0)
        FROM ledger_entryline WHERE org_id = %(org)s AND date >= %(start)s GROUP BY 1, 2, 3, 4
    ), k AS (
        SELECT account, currency, category_id, tax_rate, sum(opening) AS opening, sum(debit) AS debit, sum(credit) AS credit FROM moved GROUP BY 1, 2, 3, 4
    )
    SELECT coalesce(c.code, ''), coalesce(c.name, ''), coalesce(c.name_en, ''), coalesce(c.kind, ''), k.currency,
        CASE WHEN c.id IS NULL THEN k.account ELSE '' END, sum(k.opening), sum(k.debit), sum(k.credit)
    FROM k LEFT JOIN catalog_category own ON own.id = k.category_id
    LEFT JOIN LATERAL (
        SELECT m.chart_id FROM ledger_mapping m LEFT JOIN catalog_category named ON named.id = m.category_id
        WHERE m.org_id = %(org)s AND m.account = k.account AND (m.tax_rate IS NULL OR m.tax_rate = k.tax_rate)
          AND (m.category_id IS NULL OR starts_with(own.path, named.path))
        ORDER BY length(named.path) DESC NULLS LAST, m.tax_rate NULLS LAST LIMIT 1
    ) m ON true LEFT JOIN ledger_chartaccount c ON c.id = m.chart_id
    GROUP BY c.id, c.code, c.name, c.name_en, c.kind, k.currency, 6 ORDER BY 1, 6, 5"""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """An account of the chart in one currency: what stood before the days asked for, debit and credit in them. Debit is more than zero."""

    code: str
    name: str
    name_en: str
    kind: str
    currency: str
    account: str
    opening: Decimal
    debit: Decimal
    credit: Decimal

    @property
    def pk(self) -> str:
        """What names the row in a table."""
        return f"{self.code}{self.account}{self.currency}"

    @property
    def closing(self) -> Decimal:
        """What stands after these days."""
        return self.opening + self.debit - self.credit


def trial_balance(actor: Actor, span: DateSpan) -> list[TrialRow]:
    """The own books by accounts of the chart over a span; what is assigned to none stands under its own name. One statement.

    Openings come from the kept balances, so nothing before the first day is read. Each currency sums to zero.
    """
    check_books(actor, actor.org_id)
    return [TrialRow(*row) for row in rows(TRIAL, {"org": actor.org_id, "start": span.start, "end": span.end or date.max})]


def chart(actor: Actor) -> QuerySet[ChartAccount]:
    """The own chart of accounts with what goes where."""
    mapped = Prefetch("mapped", Mapping.unscoped.select_related("category").order_by("account", F("category__path").asc(nulls_first=True), "tax_rate"))
    return visible(actor, ChartAccount).filter(org_id=actor.org_id).prefetch_related(mapped).order_by("code")


def homes(actor: Actor) -> dict[str, str]:
    """Our account → code in the own chart, where no category or tax rate is told apart. One statement."""
    return dict(visible(actor, Mapping).filter(org_id=actor.org_id, category=None, tax_rate=None).values_list("account", "chart__code"))


def exact_homes(actor: Actor) -> QuerySet[Mapping]:
    """The rules of the own chart that name a category or a tax rate."""
    return all_homes(actor).exclude(category=None, tax_rate=None)


def all_homes(actor: Actor) -> QuerySet[Mapping]:
    """What goes where in the own chart."""
    found = visible(actor, Mapping).filter(org_id=actor.org_id).select_related("chart", "category")
    return found.order_by("account", F("category__path").asc(nulls_first=True), F("tax_rate").asc(nulls_first=True))


def entry_lines(actor: Actor) -> QuerySet[EntryLine]:
    """The lines of the own entries, newest first, each with its entry's kind, number and document, its code in the chart and the name of its category."""
    entry = Entry.unscoped.filter(pk=OuterRef("entry_id"), month=OuterRef("month"))
    own = Category.unscoped.filter(pk=OuterRef("category_id"))
    home = Mapping.unscoped.filter(Q(tax_rate=None) | Q(tax_rate=OuterRef("tax_rate")), org=OuterRef("org"), account=OuterRef("account"))
    home = home.alias(own=Subquery(Category.unscoped.filter(pk=OuterRef(OuterRef("category_id"))).values("path")[:1]))
    home = home.filter(Q(category=None) | Q(own__startswith=F("category__path")))
    nearest = home.order_by(Length("category__path").desc(nulls_last=True), F("tax_rate").asc(nulls_last=True))
    found = visible(actor, EntryLine).filter(org_id=actor.org_id).select_related("counterparty")
    told = {name: Subquery(entry.values(name)[:1]) for name in ("kind", "number", "subject_kind", "subject_id")}
    told |= {f"category_{name}": Subquery(own.values(name)[:1]) for name in ("name", "name_en")}
    return found.annotate(code=Subquery(nearest.values("chart__code")[:1]), **told).order_by("-entry_id", "id")


def open_items(actor: Actor, org_id: int, *, side: str | None = None, counterparty_id: int | None = None) -> QuerySet[OpenItem]:
    """What is still open in the books of an organisation, oldest due date first."""
    check_books(actor, org_id)
    found = visible(actor, OpenItem).filter(org_id=org_id, open_amount__gt=0).select_related("counterparty")
    if side:
        found = found.filter(side=side)
    if counterparty_id:
        found = found.filter(counterparty_id=counterparty_id)
    return found.order_by("due_on", "id")


def periods(actor: Actor) -> QuerySet[Period]:
    """The months of the actor's own books that were ever locked, newest first."""
    return visible(actor, Period).filter(org_id=actor.org_id).order_by("-month")


def unscoped_balance(org_id: int, account: Account, counterparty_id: int | None, currency: str = "CNY") -> Decimal:
    """The balance of one account with one counterparty; zero when there is none. One statement."""
    found = rows(
        "SELECT coalesce(sum(amount), 0) FROM ledger_balance WHERE org_id = %s AND account = %s AND counterparty_id IS NOT DISTINCT FROM %s AND currency = %s",
        (org_id, str(account), counterparty_id, currency),
    )
    return Decimal(found[0][0])


def unscoped_parties(org_ids: Iterable[int]) -> dict[int, Organisation]:
    """Organisations by id, for the head and the address of a letter between them. One statement."""
    return {org.pk: org for org in Organisation.unscoped.filter(pk__in=list(org_ids))}
