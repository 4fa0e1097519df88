"""Every change of the books: post balanced entries, open and settle items, lock and unlock months."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import action, part, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Forbidden, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.period import month_of
from qudao.ledger import queries, rules
from qudao.ledger.models import ChartAccount, Period, Reminder
from qudao.ledger.models import Mapping as Home
from qudao.ledger.rules import ChartFacts, HomeFacts, Posting
from qudao.ledger.states import CHARTS, PeriodState
from qudao.network.queries import unscoped_cards
from qudao.people.queries import unscoped_people_with

__all__ = ["ChartFacts", "HomeFacts", "ItemSpec", "Posting"]

# The shared advisory lock keeps `lock_period` from closing a month while an entry of it is on its way; a trigger looks again at commit.
ENTRIES = """WITH p AS (
        SELECT d.*, pg_advisory_xact_lock_shared(hashint8(d.org_id), d.month - date '2000-01-01')
        FROM unnest(%s::bigint[], %s::date[], %s::date[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[])
            d(org_id, month, date, kind, source_key, currency, subject_kind, subject_id, number)
    )
    INSERT INTO ledger_entry (org_id, month, date, at, kind, source_key, currency, subject_kind, subject_id, number)
    SELECT p.org_id, p.month, p.date, %s, p.kind, p.source_key, p.currency, p.subject_kind, p.subject_id, p.number FROM p
    WHERE NOT EXISTS (SELECT FROM ledger_entry e WHERE e.org_id = p.org_id AND e.source_key = p.source_key)
      AND NOT EXISTS (SELECT FROM ledger_period l WHERE l.org_id = p.org_id AND l.month = p.month AND l.state = 'locked')
    ON CONFLICT DO NOTHING RETURNING id, org_id, source_key"""
# What is told by product is kept by its category, a line each; balances are locked in one order.
LINES = """WITH told AS MATERIALIZED (
        SELECT d.entry_id, d.org_id, d.month, d.date, d.account, d.counterparty_id, d.currency, p.category_id, d.tax_rate, sum(d.amount) AS amount,
            min(d.n) AS n
        FROM unnest(%s::bigint[], %s::bigint[], %s::date[], %s::date[], %s::text[], %s::bigint[], %s::text[], %s::numeric[], %s::bigint[], %s::numeric[])
            WITH ORDINALITY d(entry_id, org_id, month, date, account, counterparty_id, currency, amount, product_id, tax_rate, n)
        LEFT JOIN catalog_product p ON p.id = d.product_id
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 HAVING sum(d.amount) <> 0
    ), line AS (
        INSERT INTO ledger_entryline (entry_id, org_id, month, date, account, counterparty_id, currency, amount, category_id, tax_rate)
        SELECT entry_id, org_id, month, date, account, counterparty_id, currency, amount, category_id, tax_rate FROM told ORDER BY n
    )
    INSERT INTO ledger_balance AS b (org_id, account, counterparty_id, currency, category_id, tax_rate, amount)
    SELECT org_id, account, counterparty_id, currency, category_id, tax_rate, sum(amount) FROM told
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (org_id, account, counterparty_id, currency, category_id, tax_rate) DO UPDATE SET amount = b.amount + excluded.amount"""
LOCKED = """SELECT l.org_id, l.month FROM ledger_period l JOIN unnest(%s::bigint[], %s::date[]) d(org_id, month) USING (org_id, month)
    WHERE l.state = 'locked'"""
OPEN = """INSERT INTO ledger_openitem
    (org_id, side, counterparty_id, subject_kind, subject_id, number, date, due_on, currency, amount, open_amount)
    SELECT d.*, d.amount FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::date[], %s::date[],
        %s::text[], %s::numeric[]) d(org_id, side, counterparty_id, subject_kind, subject_id, number, date, due_on, currency, amount)
    ON CONFLICT (subject_kind, subject_id, side) DO NOTHING"""
SETTLE = """WITH item AS (
        SELECT i.id, d.amount FROM ledger_openitem i
        JOIN unnest(%s::text[], %s::bigint[], %s::numeric[]) d(subject_kind, subject_id, amount) USING (subject_kind, subject_id)
        ORDER BY i.id FOR UPDATE OF i
    )
    UPDATE ledger_openitem i SET open_amount = i.open_amount - item.amount FROM item
    WHERE i.id = item.id AND i.open_amount - item.amount BETWEEN 0 AND i.amount
    RETURNING i.subject_kind, i.subject_id, i.side"""


@dataclass(frozen=True, slots=True)
class ItemSpec:
    """A document to be paid: number and both sides come from `subject` (seller has the claim, buyer the debt)."""

    subject: Subject
    date: datetime.date
    due_on: datetime.date
    amount: Decimal
    currency: str = "CNY"


@part
def post(postings: Sequence[Posting], subject: Subject, *, actor: Actor) -> int:
    """Post entries, usually one in the books of each side; return how many were new. Two statements for any number of entries.

    A posting whose `source_key` is already in the books of its organisation is skipped. Raises Invalid or Refused when one does not
    balance, Refused `ledger.period_locked` when its month is locked.
    """
    return _post([(p, subject) for p in postings])


@part
def post_all(postings: Sequence[tuple[Posting, Subject]], *, actor: Actor) -> int:
    """`post` for the documents of a batch, in as many statements as for one."""
    return _post(postings)


def _post(told: Sequence[tuple[Posting, Subject]]) -> int:
    if not told:
        return 0
    postings = [p for p, _subject in told]
    rules.check_postings(postings)
    note_rank(Rank.LEDGER)
    heads = [(p.org_id, month_of(p.date), p.date, p.kind, p.source_key, p.currency, s.kind, s.id, s.number) for p, s in told]
    made = rows(ENTRIES, (*_columns(heads), clock.now()))
    ids = {(org, key): pk for pk, org, key in made}
    if len(ids) != len(postings):
        _refuse_locked(postings)
    fresh = [p for p in postings if (p.org_id, p.source_key) in ids]
    if not fresh:
        return 0
    lines: list[tuple] = []
    for p in fresh:
        head = (ids[p.org_id, p.source_key], p.org_id, month_of(p.date), p.date)
        for account, counterparty, amount, *goods in p.lines:
            lines.append((*head, str(account), counterparty, p.currency, amount, *(goods[0] if goods else (None, None))))
    run(LINES, _columns(lines))
    return len(fresh)


@part
def open_items(items: Sequence[ItemSpec], *, actor: Actor) -> None:
    """Open the claim of the seller and the debt of the buyer for each document. One statement; harmless when repeated."""
    if not items:
        return
    bad = [Fault("ledger.item_amount", i.subject.number) for i in items if not rules.is_money(i.amount) or i.amount <= 0]
    raise_if_any(bad, Invalid)
    note_rank(Rank.LEDGER)
    both = []
    for i in items:
        s = i.subject
        rest = (s.kind, s.id, s.number, i.date, i.due_on, i.currency, i.amount)
        both += [(s.seller_id, "receivable", s.buyer_id, *rest), (s.buyer_id, "payable", s.seller_id, *rest)]
    run(OPEN, _columns(both))


@part
def settle_items(amounts: Sequence[tuple[str, int, Decimal]], *, actor: Actor) -> None:
    """Reduce what is open by (subject kind, subject id, amount), on both sides; a negative amount opens it again. One statement.

    Raises Refused `ledger.over_settled` for each document with less open than that, and then changes nothing.
    """
    wanted: dict[tuple[str, int], Decimal] = {}
    for kind, pk, amount in amounts:
        wanted[kind, pk] = wanted.get((kind, pk), rules.ZERO) + amount
    if not wanted:
        return
    raise_if_any([Fault("ledger.amount", "", {"amount": str(a)}) for a in wanted.values() if not rules.is_money(a)], Invalid)
    note_rank(Rank.LEDGER)
    done = rows(SETTLE, _columns([(*key, amount) for key, amount in wanted.items()]))
    sides = Counter((kind, pk) for kind, pk, _side in done)
    raise_if_any([Fault("ledger.over_settled", f"{k[0]}/{k[1]}", {"amount": str(wanted[k])}) for k in wanted if sides[k] != 2], Refused)


@action("ledger.lock_period")
def lock_period(month: datetime.date, *, actor: Actor) -> Period:
    """Lock a month of the own books: nothing more can be posted into it. Waits for entries of the month that are on their way."""
    month = month_of(month)
    rules.check_month_over(month, clock.today())
    return _set_period(month, PeriodState.LOCKED, "", actor)


@action("ledger.unlock_period")
def unlock_period(month: datetime.date, reason: str, *, actor: Actor) -> Period:
    """Open a locked month of the own books again."""
    if not reason.strip():
        raise Invalid("ledger.reason_missing", field="reason")
    return _set_period(month_of(month), PeriodState.OPEN, reason, actor)


@action("ledger.remind")
def remind_payer(counterparty_id: int, *, actor: Actor) -> Reminder:
    """Remind the people who keep a buyer's books of all that is past due in ours, in one notice; the oldest document carries it in its log. Once a day for
    each buyer, which the table keeps when two do it at once. Locks nothing.

    Raises NotFound for who has no balance with us, Refused when nothing is overdue or nobody is there to be told.
    """
    if not queries.trades_with(actor, actor.org_id, counterparty_id):
        raise NotFound("base.not_found")
    today = clock.today()
    late = queries.overdue_of(actor, counterparty_id, today)
    if late is None:
        raise Refused("ledger.nothing_overdue")
    told = unscoped_people_with(counterparty_id, "ledger.view")
    if not told:
        raise Refused("ledger.nobody_to_remind")
    made = Reminder.unscoped.create(org_id=actor.org_id, counterparty_id=counterparty_id, day=today, at=clock.now(), user_id=actor.user_id)
    item = late.oldest
    subject = Subject(item.subject_kind, item.subject_id, actor.org_id, counterparty_id, item.number)
    amount = ", ".join(f"{total} {currency}" for currency, total in late.sums)
    (card,) = unscoped_cards([actor.org_id]).values()
    notify(
        "ledger.overdue", subject, user_ids=told, seller=card.name, amount=amount, documents=late.number, due_on=item.due_on.isoformat(),
    )  # fmt: skip
    record(subject, detail={"amount": amount, "documents": late.number, "told": len(told)})
    return made


CHART = """WITH t AS (
        SELECT * FROM unnest(%(codes)s::text[], %(names)s::text[], %(names_en)s::text[], %(kinds)s::text[]) d(code, name, name_en, kind)
    ), made AS (
        INSERT INTO ledger_chartaccount (org_id, code, name, name_en, kind)
        SELECT o.id, t.code, t.name, t.name_en, t.kind FROM unnest(%(orgs)s::bigint[]) o(id) CROSS JOIN t
        ON CONFLICT (org_id, code) DO NOTHING RETURNING id, org_id, code
    ), known AS (
        SELECT id, org_id, code FROM made
        UNION SELECT c.id, c.org_id, c.code FROM ledger_chartaccount c WHERE c.org_id = ANY(%(orgs)s::bigint[])
    ), mapped AS (
        INSERT INTO ledger_mapping (org_id, account, chart_id)
        SELECT k.org_id, m.account, k.id FROM known k JOIN unnest(%(accounts)s::text[], %(homes)s::text[]) m(account, code) USING (code)
        ON CONFLICT (org_id, account, category_id, tax_rate) DO NOTHING
    )
    SELECT count(*) FROM made"""


@action("ledger.edit_chart")
def open_chart(template: str, *, actor: Actor) -> int:
    """Give the own organisation the accounts of a template and say what goes where; what is there already stays. Returns how many are new."""
    if not actor.org_id:
        raise Forbidden("ledger.no_organisation")
    return _open_charts(template, [actor.org_id])


@action("ledger.edit_chart")
def open_charts(org_ids: Sequence[int], template: str, *, actor: Actor) -> int:
    """`open_chart` for organisations that were just registered. Convergent; one statement."""
    return _open_charts(template, org_ids)


def _open_charts(template: str, org_ids: Sequence[int]) -> int:
    if template not in CHARTS:
        raise Invalid("ledger.template", field="template")
    chart = CHARTS[template]
    homes = [(str(account), code) for code, _name, _en, _kind, accounts in chart for account in accounts]
    params = dict(zip(("codes", "names", "names_en", "kinds"), _columns([(*row[:3], str(row[3])) for row in chart]), strict=True))
    ((made,),) = rows(CHART, {**params, "orgs": list(org_ids), "accounts": [a for a, _c in homes], "homes": [c for _a, c in homes]})
    return int(made)


@action("ledger.edit_chart")
def save_chart_account(facts: ChartFacts, *, actor: Actor) -> ChartAccount:
    """Add an account to the own chart, or rename the one with this code. Raises Invalid."""
    if not actor.org_id:
        raise Forbidden("ledger.no_organisation")
    rules.check_chart_account(facts)
    names = {"name": facts.name, "name_en": facts.name_en, "kind": facts.kind}
    kept, _made = ChartAccount.unscoped.update_or_create(org_id=actor.org_id, code=facts.code, defaults=names)
    return kept


@action("ledger.edit_chart")
def save_chart_accounts(several: Sequence[ChartFacts], *, actor: Actor) -> list[ChartAccount]:
    """`save_chart_account` for many, all or none; returns them in their order. Two statements for any number. Raises Invalid at "rows.<n>.<field>"."""
    if not actor.org_id:
        raise Forbidden("ledger.no_organisation")
    raise_if_any([replace(fault, field=f"rows.{n}.{fault.field}") for n, facts in enumerate(several) for fault in rules.chart_faults(facts)], Invalid)
    made = [ChartAccount(org_id=actor.org_id, **asdict(facts)) for facts in several]
    ChartAccount.unscoped.bulk_create(made, update_conflicts=True, unique_fields=["org", "code"], update_fields=["name", "name_en", "kind"])
    known = {one.code: one for one in ChartAccount.unscoped.filter(org_id=actor.org_id, code__in=[one.code for one in several])}
    return [known[one.code] for one in several]


@action("ledger.edit_chart")
def remove_chart_accounts(account_ids: Iterable[int], *, actor: Actor) -> int:
    """Take accounts out of the own chart where nothing goes; returns how many. Refused when a posting goes to one of them."""
    found = list(ChartAccount.unscoped.filter(org_id=actor.org_id, pk__in=list(account_ids)).order_by("code"))
    used = Home.unscoped.filter(chart__in=found).values_list("chart__code", flat=True).first()
    if used:
        raise Refused("ledger.chart_used", account=used)
    return int(ChartAccount.unscoped.filter(pk__in=[one.pk for one in found]).delete()[0])


@action("ledger.edit_chart")
def remove_homes(home_ids: Iterable[int], *, actor: Actor) -> int:
    """Take rules of what goes where back; returns how many. The next less exact one counts; without one the trial balance shows the posting's own name."""
    return int(Home.unscoped.filter(org_id=actor.org_id, pk__in=list(home_ids)).delete()[0])


@action("ledger.edit_chart")
def map_accounts(homes: Mapping[str, str], *, actor: Actor) -> int:
    """Say where postings go in the own chart: our account → code. Past entries follow, because it is looked up when they are read. Raises Invalid."""
    return len(_map([HomeFacts(account, code) for account, code in sorted(homes.items())], sorted(homes), actor))


@action("ledger.edit_chart")
def map_all(several: Sequence[HomeFacts], *, actor: Actor) -> list[Home]:
    """`map_accounts` also by category and tax rate, all or none; returns the rules in their order. Raises Invalid at "rows.<n>.<field>"."""
    return _map(several, [f"rows.{n}" for n in range(len(several))], actor)


def _map(several: Sequence[HomeFacts], at: Sequence[str], actor: Actor) -> list[Home]:
    if not actor.org_id:
        raise Forbidden("ledger.no_organisation")
    known = dict(ChartAccount.unscoped.filter(org_id=actor.org_id, code__in={one.code for one in several}).values_list("code", "pk"))
    seen = set(products.categories(actor).filter(pk__in={one.category_id for one in several if one.category_id}).values_list("pk", flat=True))
    faults, keys = [], [(one.posting, one.category_id, one.tax_rate) for one in several]
    for n, (one, where) in enumerate(zip(several, at, strict=True)):
        found = rules.home_faults(one)
        found += [] if one.code in known else [Fault("ledger.chart_account", "code", {"code": one.code})]
        found += [] if one.category_id in {None, *seen} else [Fault("ledger.category", "category", {"code": one.category_id})]
        found += [Fault("ledger.home_twice", "posting")] if keys[n] in keys[:n] else []
        faults += [replace(fault, field=f"{where}.{fault.field}" if where.startswith("rows.") else where) for fault in found]
    raise_if_any(faults, Invalid)
    made = [Home(org_id=actor.org_id, account=one.posting, chart_id=known[one.code], category_id=one.category_id, tax_rate=one.tax_rate) for one in several]
    return Home.unscoped.bulk_create(made, update_conflicts=True, unique_fields=["org", "account", "category", "tax_rate"], update_fields=["chart"])


def _set_period(month: datetime.date, state: PeriodState, reason: str, actor: Actor) -> Period:
    if not actor.org_id:
        raise Forbidden("ledger.no_organisation")
    note_rank(Rank.LEDGER)
    run("SELECT pg_advisory_xact_lock(hashint8(%s), %s::date - date '2000-01-01')", (actor.org_id, month))
    now = clock.now()
    period, _made = Period.unscoped.get_or_create(org_id=actor.org_id, month=month, defaults={"state": PeriodState.OPEN, "state_since": now})
    if period.state == state:
        code = "ledger.already_locked" if state == PeriodState.LOCKED else "ledger.not_locked"
        raise Refused(code, month=f"{month:%Y-%m}")
    subject = Subject("ledger.period", period.pk, actor.org_id, None, f"{month:%Y-%m}")
    record(subject, before=period.state, after=state, reason=reason, since=period.state_since)
    period.state, period.state_since = state, now
    period.save(update_fields=["state", "state_since"])
    return period


def _refuse_locked(postings: Sequence[Posting]) -> None:
    """Some entries were not written: repeated ones are fine, a locked month is refused."""
    found = set(rows(LOCKED, ([p.org_id for p in postings], [month_of(p.date) for p in postings])))
    bad = [p for p in postings if (p.org_id, month_of(p.date)) in found]
    known = rows(
        "SELECT e.org_id, e.source_key FROM ledger_entry e JOIN unnest(%s::bigint[], %s::text[]) d(org_id, source_key) USING (org_id, source_key)",
        ([p.org_id for p in bad], [p.source_key for p in bad]),
    )
    late = [p for p in bad if (p.org_id, p.source_key) not in set(known)]
    raise_if_any([Fault("ledger.period_locked", p.source_key, {"month": f"{p.date:%Y-%m}"}) for p in late], Refused)


def _columns(lines: Sequence[tuple]) -> list[list]:
    """Rows as the arrays that unnest takes."""
    return [list(column) for column in zip(*lines, strict=True)]
