"""What to bill and how its amounts come about: parts of a line by quantity, cumulatively, so that all invoices of an order sum to the order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from qudao.billing.states import Every, State
from qudao.kernel.errors import Fault
from qudao.kernel.money import ZERO, cumulative
from qudao.kernel.period import month_span

#: the longest number of an outside seller's invoice
MOST_NUMBER = 48


class OrderLine(Protocol):
    """What the rules need of an order line; quantities in base units, amounts of the whole line."""

    id: int
    no: int
    product_id: int
    unit: str
    qty: Decimal
    unit_price: Decimal
    tax_rate: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    invoiced: Decimal

    @property
    def to_invoice(self) -> Decimal: ...


@dataclass(frozen=True)
class Part:
    """What one invoice takes of an order line. net + tax = gross; tax is the difference, so that no cent is lost."""

    line: OrderLine
    qty: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal


@dataclass(frozen=True)
class Totals:
    net: Decimal
    tax: Decimal
    gross: Decimal


def parts_to_bill(lines: Iterable[OrderLine]) -> list[Part]:
    """The part of every line that may be invoiced now; lines without one are left out."""
    return [_part(line, line.to_invoice) for line in lines if line.to_invoice > 0]


def _part(line: OrderLine, qty: Decimal) -> Part:
    """`qty` more of a line. What was billed before follows from the quantity billed before, so nothing has to be read."""

    def more(total: Decimal) -> Decimal:
        return cumulative(total, line.invoiced + qty, line.qty, cumulative(total, line.invoiced, line.qty, ZERO))

    net, gross = more(line.net), more(line.gross)
    return Part(line, qty, net, gross - net, gross)


def totals(parts: Iterable[Part]) -> Totals:
    """The sums of an invoice."""
    net = tax = gross = ZERO
    for part in parts:
        net, tax, gross = net + part.net, tax + part.tax, gross + part.gross
    return Totals(net, tax, gross)


def state_of(gross: Decimal, paid: Decimal) -> str:
    """The state of an invoice by what is paid of it; one over nothing is paid from the start."""
    if paid >= gross:
        return State.PAID
    return State.PARTIALLY_PAID if paid else State.ISSUED


def paper_faults(paper: Any, today: date) -> list[Fault]:
    """What is wrong with what somebody copied from an outside seller's invoice."""
    faults = [] if 0 < len(paper.number.strip()) <= MOST_NUMBER else [Fault("billing.number", "number", {"most": MOST_NUMBER})]
    if paper.on > today:
        faults.append(Fault("billing.future", "date"))
    if paper.due_on and paper.due_on < paper.on:
        faults.append(Fault("billing.due_before", "due_on"))
    if paper.gross is not None and not (paper.gross == 0 or is_amount(paper.gross)):
        faults.append(Fault("billing.amount", "gross"))
    return faults


def cycle_faults(every: str, day: int) -> list[Fault]:
    """What is wrong with the day on which goods are invoiced together."""
    if every not in Every.values:
        return [Fault("billing.every_wrong", "every")]
    fits = {Every.WEEK: 1 <= day <= 7, Every.MONTH: 1 <= day <= 31, Every.HALF: day == 0}
    return [] if fits[Every(every)] else [Fault("billing.day_wrong", "day")]


def next_day(every: str, day: int, after: date) -> date:
    """The first day after `after` on which it is invoiced."""
    if every == Every.WEEK:
        return after + timedelta(days=(day - after.isoweekday() - 1) % 7 + 1)
    month = month_span(after)
    for _month in range(2):
        assert month.end is not None
        for no in (15, 31) if every == Every.HALF else (day,):
            found = month.start.replace(day=min(no, month.end.day))
            if found > after:
                return found
        month = month_span(month.end + timedelta(days=1))
    raise AssertionError("the next month has such a day")


def is_amount(amount: Decimal) -> bool:
    """More than zero, whole cents."""
    return isinstance(amount, Decimal) and amount.is_finite() and amount > 0 and amount == amount.quantize(Decimal("0.01"))
