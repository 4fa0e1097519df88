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
from qudao.ledger.states import BUCKET_DAYS, BY_CATEGORY, BY_RATE, Account, Bucket, Kind

Goods = tuple[int | None, Decimal]
"""(product or None, tax rate): what a line was about. A line of a product is kept by its category; lines of the same add up."""
Line = tuple[str, int | None, Decimal] | tuple[str, int | None, Decimal, Goods]
"""(account, counterparty organisation or None, amount: debit more than zero, credit less[, goods])."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry in the books of one organisation. `source_key` names what caused it ("invoice:42"): posting it again changes nothing."""

    org_id: int
    date: date
    kind: str
    source_key: str
    lines: tuple[Line, ...]
    currency: str = "CNY"


def of_goods(net_account: str, tax_account: str, party: int, goods: Iterable[tuple[int, Decimal, Decimal, Decimal]], sign: int) -> list[Line]:
    """The lines of goods with their tax, from (product, tax rate, net, tax): net by product and rate, tax by rate. A line of zero is left out."""
    found: list[Line] = []
    for product, rate, net, tax in goods:
        found += [(str(net_account), party, sign * net, (product, rate))] if net else []
        found += [(str(tax_account), party, sign * tax, (None, rate))] if tax else []
    return found


def check_postings(postings: Iterable[Posting]) -> None:
    """Every posting has at least two lines of whole cents that sum to zero; raises Invalid (form) or Refused (does not balance)."""
    faults: list[Fault] = []
    unbalanced: list[Fault] = []
    seen: set[tuple[int, str]] = set()
    for p in postings:
        if (p.org_id, p.source_key) in seen:
            faults.append(Fault("ledger.same_source", p.source_key))
        seen.add((p.org_id, p.source_key))
        amounts = [line[2] for line in p.lines]
        if len(amounts) < 2 or not all(amounts):
            faults.append(Fault("ledger.empty_entry", p.source_key))
        faults += [Fault("ledger.amount", p.source_key, {"amount": str(amount)}) for amount in amounts if not is_money(amount)]
        difference = sum((amount for amount in amounts if is_money(amount)), ZERO)
        if difference:
            unbalanced.append(Fault("ledger.unbalanced", p.source_key, {"difference": str(difference)}))
    raise_if_any(faults, Invalid)
    raise_if_any(unbalanced, Refused)


def is_money(amount: Decimal) -> bool:
    """Whether the amount is a finite decimal of whole cents."""
    return isinstance(amount, Decimal) and amount.is_finite() and amount == amount.quantize(Decimal("0.01"))


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


@dataclass(frozen=True)
class HomeFacts:
    """Where a kind of posting goes: all of it, or what is of a category (with all below it) or of a tax rate. The most exact rule counts, the
    category first.
    """

    posting: str
    code: str
    category_id: int | None = None
    tax_rate: Decimal | None = None


def home_faults(facts: HomeFacts) -> list[Fault]:
    """Everything wrong with what a rule names, each fault at its field."""
    if facts.posting not in Account.values:
        return [Fault("ledger.event", "posting")]
    faults = []
    if facts.category_id is not None and facts.posting not in BY_CATEGORY:
        faults.append(Fault("ledger.no_category", "category"))
    if facts.tax_rate is not None and facts.posting not in BY_RATE:
        faults.append(Fault("ledger.no_rate", "tax_rate"))
    elif facts.tax_rate is not None and not 0 <= facts.tax_rate < 1:
        faults.append(Fault("ledger.rate_wrong", "tax_rate"))
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
