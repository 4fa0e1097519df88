"""Barcodes, search keys and quantities that may be ordered."""

from decimal import Decimal

import pytest

from qudao.catalog.rules import ProductDraft, draft_faults, gtin14, initials, order_faults, to_base


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6901234567892", "06901234567892"),
        ("16901234567899", "16901234567899"),
        (" 690-1234 567892 ", "06901234567892"),
        ("", ""),
        ("6901234567893", None),  # check digit
        ("690123456789", None),  # a GTIN-12 whose check digit is wrong
        ("690123456789２", None),  # a full-width digit
        ("abc", None),
    ],
)
def test_a_gtin_is_kept_as_fourteen_digits(text, expected):
    assert gtin14(text) == expected


@pytest.mark.parametrize(("name", "key"), [("空调", "kt"), ("岚禾 Air Fryer", "lhaf"), ("重庆火锅", "cqhg"), ("", "")])
def test_the_search_key_holds_the_first_letters(name, key):
    assert initials(name) == key


def test_all_faults_of_a_draft_are_told_at_once_with_their_row():
    draft = ProductDraft("", " ", unit="", gtin="123", tax_rate=Decimal(13), min_qty=Decimal(-1), pack_multiple=Decimal(0))
    fields = {fault.field for fault in draft_faults(draft, "rows.3.")}
    assert fields == {f"rows.3.{name}" for name in ("code", "name", "unit", "gtin", "tax_rate", "min_qty", "pack_multiple")}


@pytest.mark.parametrize(
    ("qty", "code", "params"),
    [
        ("12", None, None),
        ("6", "catalog.below_min", {"code": "A", "min_qty": "12"}),
        ("20", "catalog.wrong_multiple", {"code": "A", "multiple": "6", "lower": "18", "upper": "24"}),
    ],
)
def test_a_quantity_respects_minimum_and_step(qty, code, params):
    faults = order_faults("A", Decimal(qty), Decimal(12), Decimal(6))
    assert [(f.code, dict(f.params)) for f in faults] == ([(code, params)] if code else [])


def test_packs_convert_to_base_units():
    assert to_base(Decimal(3), Decimal("12.5")) == Decimal("37.5")
