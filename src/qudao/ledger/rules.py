"""Pure decisions about the books: what an entry must be, which bucket a debt falls into."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.kernel.period import month_of, month_span
from qudao.ledger.states import BUCKET_DAYS, Bucket, Kind

Line = tuple[str, int | None, Decimal]
"""(account, counterparty organisation or None, amount: debit more than zero, credit less)."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry in the books of one organisation. `source_key` names what caused it ("invoice:42"): posting it again changes nothing."""

    org_id: int
    date: date
    kind: str
    source_key: str
    lines: tuple[Line, ...]
    currency: str = "CNY"


def check_postings(postings: Iterable[Posting]) -> None:
    """Every posting has at least two lines of whole cents that sum to zero; raises Invalid (form) or Refused (does not balance)."""
    faults: list[Fault] = []
    unbalanced: list[Fault] = []
    seen: set[tuple[int, str]] = set()
    for p in postings:
        if (p.org_id, p.source_key) in seen:
            faults.append(Fault("ledger.same_source", p.source_key))
        seen.add((p.org_id, p.source_key))
        if len(p.lines) < 2 or any(not amount for _a, _c, amount in p.lines):
            faults.append(Fault("ledger.empty_entry", p.source_key))
        faults += [Fault("ledger.amount", p.source_key, {"amount": str(amount)}) for _a, _c, amount in p.lines if not is_money(amount)]
        difference = sum((amount for _a, _c, amount in p.lines if is_money(amount)), ZERO)
        if difference:
            unbalanced.append(Fault("ledger.unbalanced", p.source_key, {"difference": str(difference)}))
    raise_if_any(faults, Invalid)
    raise_if_any(unbalanced, Refused)


def is_money(amount: Decimal) -> bool:
    """Whether the amount is a finite decimal of whole cents."""
    return isinstance(amount, Decimal) and amount.is_finite() and amount == amount.quantize(Decimal("0.01"))


BalanceKey = tuple[int, str, int | None, str]
"""(organisation, account, counterparty, currency): what a balance is about."""


def balance_changes(postings: Iterable[Posting]) -> dict[BalanceKey, Decimal]:
    """The sums of all lines by balance, in the order in which balances are locked."""
    found: dict[BalanceKey, Decimal] = {}
    for p in postings:
        for account, counterparty, amount in p.lines:
            key = (p.org_id, str(account), counterparty, p.currency)
            found[key] = found.get(key, ZERO) + amount
    return dict(sorted(found.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or 0, item[0][3])))


@dataclass(frozen=True)
class ChartFacts:
    """An account of a chart."""

    code: str
    name: str
    name_en: str
    kind: str


def check_chart_account(facts: ChartFacts) -> None:
    """Raises Invalid with every fault at its field."""
    raise_if_any(chart_faults(facts), Invalid)


def chart_faults(facts: ChartFacts) -> list[Fault]:
    """Everything wrong with an account of a chart, each fault at its field."""
    faults = []
    if not re.fullmatch(r"[0-9A-Za-z.\-]{1,20}", facts.code):
        faults.append(Fault("ledger.chart_code", "code"))
    faults += [Fault("ledger.chart_name", name) for name in ("name", "name_en") if len(getattr(facts, name)) > 80]
    if not facts.name:
        faults.append(Fault("ledger.chart_name", "name"))
    if facts.kind not in Kind.values:
        faults.append(Fault("ledger.chart_kind", "kind"))
    return faults


def bucket_of(due_on: date, on: date) -> Bucket:
    """The bucket of a debt by days past its due date (domain C28)."""
    days = (on - due_on).days
    for bucket, (first, last) in BUCKET_DAYS.items():
        if (first is None or days >= first) and (last is None or days <= last):
            return Bucket(bucket)
    raise AssertionError("the buckets cover every day")


def check_month_over(month: date, today: date) -> None:
    """A month can be locked once its last day has passed; raises Refused."""
    end = month_span(month_of(month)).end
    if end is None or end >= today:
        raise Refused("ledger.month_not_over", month=f"{month:%Y-%m}")
