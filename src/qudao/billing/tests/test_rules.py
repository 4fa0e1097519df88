"""What is billed and how its amounts come about, without a database."""

from dataclasses import dataclass
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.billing import rules
from qudao.billing.states import State
from qudao.kernel.money import net_and_tax


@dataclass
class Line:
    """An order line as the rules see it."""

    qty: D
    net: D
    tax: D
    gross: D
    invoiced: D = D(0)
    delivered: D = D(0)
    id: int = 1
    no: int = 1

    @property
    def to_invoice(self) -> D:
        return self.delivered - self.invoiced


def test_what_is_delivered_and_not_billed_is_billed():
    lines = [Line(D(4), D("35.40"), D("4.60"), D("40.00"), D(1), D(3)), Line(D(2), D(20), D(0), D(20), D(2), D(2), id=2)]
    (part,) = rules.parts_to_bill(lines)
    assert (part.line.id, part.qty, part.net, part.tax, part.gross) == (1, D(2), D("17.70"), D("2.30"), D("20.00"))
    assert rules.totals([part]) == rules.Totals(D("17.70"), D("2.30"), D("20.00"))
    assert rules.parts_to_bill([]) == [] and rules.totals([]).gross == 0


@given(gross=st.decimals(0, 100_000, places=2), steps=st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_the_invoices_of_a_line_sum_to_the_line_to_the_cent(gross, steps):
    net, tax, gross = net_and_tax(gross, D("0.13"), inclusive=True)
    line = Line(D(sum(steps)), net, tax, gross)
    sums = [D(0), D(0), D(0)]
    for step in steps:
        line.delivered += step
        for part in rules.parts_to_bill([line]):
            assert part.net + part.tax == part.gross
            sums = [a + b for a, b in zip(sums, (part.net, part.tax, part.gross), strict=True)]
            line.invoiced += part.qty
    assert sums == [net, tax, gross]


@pytest.mark.parametrize(("gross", "paid", "state"), [(10, 0, State.ISSUED), (10, 3, State.PARTIALLY_PAID), (10, 10, State.PAID), (0, 0, State.PAID)])
def test_the_state_says_how_much_is_paid(gross, paid, state):
    assert rules.state_of(D(gross), D(paid)) == state


@pytest.mark.parametrize(("amount", "good"), [("0.01", True), ("0", False), ("-1", False), ("0.001", False), ("NaN", False)])
def test_an_amount_is_positive_whole_cents(amount, good):
    assert rules.is_amount(D(amount)) is good
