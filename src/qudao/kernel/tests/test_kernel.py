"""The worked examples of domain C0 and C6, and the properties behind them."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import Money, cumulative, net_and_tax, round_to, split
from qudao.kernel.period import DateSpan, month_of, month_span, working_day
from qudao.kernel.quantity import Quantity, plain


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        ("10000.00", [1, 1, 1], ["3333.34", "3333.33", "3333.33"]),
        ("0.10", [1, 1, 1], ["0.04", "0.03", "0.03"]),
        ("1000.01", [50, 30, 20], ["500.01", "300.00", "200.00"]),
        ("1234.57", [50, 30, 20], ["617.29", "370.37", "246.91"]),
        ("200.00", [D("3000"), D("3040")], ["99.34", "100.66"]),
        ("-0.10", [1, 1, 1], ["-0.04", "-0.03", "-0.03"]),
    ],
)
def test_a_split_gives_leftover_cents_to_the_largest_fractions(total, weights, parts):
    assert split(D(total), weights) == [D(p) for p in parts]


@given(st.decimals(-(10**9), 10**9, places=2), st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_the_parts_of_a_split_sum_to_the_total(total, weights):
    parts = split(total, weights)
    assert sum(parts) == total
    assert all(abs(p - total * w / sum(weights)) < D("0.01") for p, w in zip(parts, weights, strict=True))


def test_a_split_without_weight_is_refused():
    with pytest.raises(ValueError, match="weights"):
        split(D(1), [0, 0])


@given(st.decimals(0, 10**7, places=2), st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_cumulative_parts_sum_to_the_whole(total, steps):
    whole, done, taken = D(sum(steps)), D(0), D(0)
    for step in steps:
        done += step
        taken += cumulative(total, done, whole, taken)
    assert taken == total


def test_tax_is_taken_out_of_a_gross_price_and_put_on_a_net_one():
    assert net_and_tax(D("2850.99"), D("0.13"), inclusive=True) == (D("2523.00"), D("327.99"), D("2850.99"))
    assert net_and_tax(D("100"), D("0.13"), inclusive=False) == (D("100.00"), D("13.00"), D("113.00"))


def test_rounding_is_half_up_and_refuses_floats():
    assert round_to(D("0.005")) == D("0.01")
    assert round_to(D("-0.005")) == D("-0.01")
    with pytest.raises(TypeError):
        round_to(0.1)  # type: ignore[arg-type]


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="mix"):
        Money(D(1), "CNY") + Money(D(1), "USD")
    assert Money(D("1.005"), "CNY").rounded() == Money(D("1.01"), "CNY")
    with pytest.raises(TypeError):
        Money(1.0, "CNY")  # type: ignore[arg-type]


def test_units_do_not_mix_and_packs_convert():
    assert Quantity(D(3), "箱").in_base(12, "瓶") == Quantity(D(36), "瓶")
    with pytest.raises(ValueError, match="mix"):
        Quantity(D(1), "箱") + Quantity(D(1), "瓶")
    assert [plain(D(x)) for x in ("12.0000", "1.50", "100", "0.0000")] == ["12", "1.5", "100", "0"]


def test_spans_include_both_ends():
    span = DateSpan(date(2026, 1, 1), date(2026, 1, 31))
    assert date(2026, 1, 31) in span and date(2026, 2, 1) not in span
    assert span.overlaps(DateSpan(date(2026, 1, 31))) and not span.overlaps(DateSpan(date(2026, 2, 1)))
    assert month_span(date(2024, 2, 10)) == DateSpan(date(2024, 2, 1), date(2024, 2, 29))
    assert month_of(date(2026, 11, 21)) == date(2026, 11, 1)
    with pytest.raises(ValueError, match="end"):
        DateSpan(date(2026, 2, 1), date(2026, 1, 1))


@pytest.mark.parametrize(("after", "day"), [(0, 20), (1, 23), (2, 24), (5, 27), (6, 30)])
def test_working_days_leave_out_the_weekend(after, day):
    assert working_day(date(2026, 11, 20), after) == date(2026, 11, day)  # a Friday
    assert working_day(date(2026, 11, 21), 1) == working_day(date(2026, 11, 22), 1) == date(2026, 11, 23)
    assert working_day(date(2026, 11, 21), 0) == date(2026, 11, 21)
    assert working_day(date(2026, 11, 22), 5) == date(2026, 11, 27)


def test_the_business_date_is_the_day_in_the_zone_of_the_business():
    with clock.freeze(datetime(2026, 11, 20, 17, 0, tzinfo=UTC)):
        assert clock.today() == date(2026, 11, 21)
        assert clock.now() == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def test_errors_carry_all_their_faults():
    faults = [Fault("orders.no_price", "lines.1", {"product": "A"}), Fault("orders.qty", "lines.2.qty")]
    with pytest.raises(Refused) as caught:
        raise_if_any(faults)
    assert caught.value.faults == tuple(faults)
    raise_if_any([])
    assert Invalid("x.y", field="qty").faults[0].field == "qty" and Invalid.status == 422
    with pytest.raises(ValueError, match="fault"):
        DomainError.of([])
