"""What goes into a basket."""

from decimal import Decimal as D

import pytest

from qudao.baskets.rules import Entry, entry_faults, merged, shown_qty


def test_one_product_becomes_one_entry_with_the_sum():
    known, rest = merged([Entry(1, D(2), "箱"), Entry(2, D(1)), Entry(1, D(3), "箱"), Entry(None, D(0), code="X"), Entry(None, D(0), code="X")])
    assert known == [Entry(1, D(5), "箱"), Entry(2, D(1))]
    assert rest == [Entry(None, D(0), code="X")] * 2


def test_two_units_are_shown_in_base_units():
    assert merged([Entry(1, D(12), "箱"), Entry(1, D(1))])[0] == [Entry(1, D(13))]


def test_an_unreadable_quantity_is_kept_beside_a_readable_one():
    assert merged([Entry(1, D(0), typed="viel"), Entry(1, D(4))])[0] == [Entry(1, D(4), typed="viel")]


@pytest.mark.parametrize("qty", [D("1e9"), D("-1e9"), D("NaN"), D("Infinity")])
def test_quantities_no_order_takes_are_told_at_their_line(qty):
    assert [(f.code, f.field) for f in entry_faults([Entry(1, D(1)), Entry(2, qty)])] == [("baskets.qty_too_large", "lines.2.qty")]


@pytest.mark.parametrize(
    ("qty", "pack", "factor", "shown"),
    [(12, "箱", 4, (3, "箱")), (13, "箱", 4, (13, "")), (12, "", 4, (12, "")), (12, "箱", None, (12, "")), (0, "箱", 4, (0, ""))],
)
def test_a_quantity_is_shown_in_the_unit_it_was_typed_in(qty, pack, factor, shown):
    assert shown_qty(D(qty), pack, D(factor) if factor else None) == shown
