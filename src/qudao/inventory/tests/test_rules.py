"""Decisions about stock, without a database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.inventory import rules
from qudao.inventory.rules import Demand, Held, MoveSpec
from qudao.inventory.states import Band
from qudao.kernel.errors import Invalid, Refused

D = Decimal
MAIN, TRANSIT, OUTSIDE = 1, 2, 9


def test_demands_of_the_same_product_are_summed_in_lock_order():
    demands = [Demand(2, 7, D(1), 1), Demand(1, 8, D(2), 2), Demand(2, 7, D(3), 3), Demand(1, 5, D(1), 4)]
    assert rules.totals(demands) == {(1, 5): D(1), (1, 8): D(2), (2, 7): D(4)}
    assert list(rules.totals(demands)) == [(1, 5), (1, 8), (2, 7)]


def test_every_short_line_is_reported_and_says_what_is_left_for_it():
    demands = [Demand(1, 7, D(6), 11), Demand(1, 7, D(6), 12), Demand(1, 8, D(1), 13), Demand(1, 9, D(2), 14)]
    faults = rules.shortages(demands, {(1, 7): D(10), (1, 8): D(1)})
    assert [f.field for f in faults] == ["lines.12", "lines.14"]
    assert dict(faults[0].params) == {"product_id": 7, "needed": "6", "available": "4", "short": "2"}
    assert dict(faults[1].params) == {"product_id": 9, "needed": "2", "available": "0", "short": "2"}


def test_a_quantity_is_promised_from_stock_then_from_receipts_and_the_rest_has_no_day():
    today, monday = date(2026, 11, 20), date(2026, 11, 23)
    receipts = [(monday, D(3)), (date(2026, 11, 30), D(9))]
    assert rules.promise((today, D(5)), receipts, D(5)) == [(today, D(5))]
    assert rules.promise((today, D(5)), receipts, D(7)) == [(today, D(5)), (monday, D(2))]
    assert rules.promise((today, D(0)), receipts[:1], D(4)) == [(monday, D(3)), (None, D(1))]
    assert rules.promise((today, D(-1)), (), D(4)) == [(None, D(4))]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6)), max_size=8), st.dictionaries(st.integers(1, 3), st.integers(0, 12)))
def test_demands_pass_exactly_when_their_sum_fits(wanted, free):
    demands = [Demand(1, product, D(qty), n) for n, (product, qty) in enumerate(wanted)]
    fits = all(need <= free.get(key[1], 0) for key, need in rules.totals(demands).items())
    assert fits == (not rules.shortages(demands, {(1, p): D(q) for p, q in free.items()}))


@pytest.mark.parametrize("bad", [D(0), D(-1), D("0.00001"), D("NaN"), D("Infinity"), 1.5])
def test_a_quantity_is_a_positive_decimal_with_four_places(bad):
    with pytest.raises(Invalid) as refused:
        rules.check_quantities([(D(1), 1), (bad, 2)])
    assert [f.field for f in refused.value.faults] == ["lines.2"]


def test_trailing_zeros_are_no_more_decimals():
    rules.check_quantities([(D("1.000000"), 1), (D("1E+3"), 2)])


def test_a_reserved_move_lowers_both_columns_and_fills_a_new_row():
    held = {(MAIN, 7): Held(100, D(10), D(4))}
    done = rules.apply_moves([MoveSpec(7, D(4), MAIN, TRANSIT, 1, take_reserved=True)], held, frozenset({OUTSIDE}))
    assert done.rows == {100: (D(6), D(0))}
    assert done.fresh == {(TRANSIT, 7): D(4)}


def test_a_plain_move_may_not_use_what_is_reserved():
    held = {(MAIN, 7): Held(100, D(10), D(8))}
    with pytest.raises(Refused) as refused:
        rules.apply_moves([MoveSpec(7, D(3), MAIN, TRANSIT, 5)], held, frozenset())
    assert dict(refused.value.faults[0].params) == {"product_id": 7, "needed": "3", "available": "2", "short": "1"}


def test_outside_gives_and_takes_without_rows():
    done = rules.apply_moves([MoveSpec(7, D(5), OUTSIDE, MAIN), MoveSpec(8, D(1), MAIN, OUTSIDE)], {(MAIN, 8): Held(1, D(1), D(0))}, frozenset({OUTSIDE}))
    assert done.rows == {1: (D(0), D(0))}
    assert done.fresh == {(MAIN, 7): D(5)}


def test_a_place_without_a_row_gives_nothing():
    with pytest.raises(Refused, match=r"inventory\.short"):
        rules.apply_moves([MoveSpec(7, D(5), MAIN, TRANSIT, 3)], {}, frozenset())


@pytest.mark.parametrize(("free", "band"), [(D(0), Band.OUT), (D(-1), Band.OUT), (D(1), Band.LOW), (D("9.9"), Band.LOW), (D(10), Band.IN_STOCK)])
def test_a_band_hides_the_figure(free, band):
    assert rules.band(free) == band
