"""What goes into a basket."""

from decimal import Decimal as D

import pytest

from qudao.baskets.rules import Entry, entry_faults, merged, pack_in, shown_qty


def test_one_product_becomes_one_entry_with_the_sum_where_it_stood_first():
    unknown = Entry(None, D(0), code="X")
    found = merged([Entry(1, D(2), "箱"), unknown, Entry(2, D(1)), Entry(1, D(3), "箱"), unknown])
    assert found == [Entry(1, D(5), "箱"), unknown, Entry(2, D(1)), unknown]


def test_two_units_are_shown_in_base_units():
    assert merged([Entry(1, D(12), "箱"), Entry(1, D(1))]) == [Entry(1, D(13))]


def test_an_unreadable_quantity_is_kept_beside_a_readable_one():
    assert merged([Entry(1, D(0), typed="viel"), Entry(1, D(4))]) == [Entry(1, D(4), typed="viel")]


@pytest.mark.parametrize(("text", "pack"), [("3箱", "箱"), ("3 X", "箱"), ("2托", "托"), ("12", ""), ("12 台", ""), ("1,200 箱", "箱"), ("３箱", "箱")])
def test_the_pack_that_a_quantity_names(text, pack):
    assert pack_in(text, ["箱", "托"]) == pack


@pytest.mark.parametrize("qty", [D("1e9"), D("-1e9"), D("NaN"), D("Infinity")])
def test_quantities_no_order_takes_are_told_at_their_line(qty):
    assert [(f.code, f.field) for f in entry_faults([Entry(1, D(1)), Entry(2, qty)])] == [("baskets.qty_too_large", "lines.2.qty")]


@pytest.mark.parametrize(
    ("qty", "pack", "factor", "shown"),
    [(12, "箱", 4, (3, "箱")), (13, "箱", 4, (13, "")), (12, "", 4, (12, "")), (12, "箱", None, (12, "")), (0, "箱", 4, (0, ""))],
)
def test_a_quantity_is_shown_in_the_unit_it_was_typed_in(qty, pack, factor, shown):
    assert shown_qty(D(qty), pack, D(factor) if factor else None) == shown
