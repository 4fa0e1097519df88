"""Sheets with any heads: which head means what, what a cell says, what is left out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from qudao.base import import_sheets, sheets
from qudao.base.import_sheets import Column, guess, missing, read, rows_of
from qudao.kernel.errors import Invalid


class Size(TextChoices):
    SMALL = "small", _("Active")
    LARGE = "large", _("Closed")


COLUMNS = (
    Column("code", _("Code"), required=True, example=import_sheets.SAMPLE, also=("SKU", "货号")),
    Column("name", _("Name"), most=10),
    Column("tax_rate", _("Tax rate"), "share"),
    Column("price", _("Price"), "number", also=("unit price",)),
    Column("valid_from", _("From"), "day"),
    Column("active", _("yes"), "flag"),
    Column("size", _("State"), "choice", choices=Size),
)


def csv(text):
    return read("f.csv", text.encode(), COLUMNS)


def test_heads_are_known_by_name_label_in_both_languages_and_other_words():
    assert guess(["编码", "Tax rate", "SKU", "price", "什么"], COLUMNS) == (["code", "tax_rate", "", "price", ""], False)
    assert guess(["货号", "名称"], COLUMNS) == (["code", "name"], True)
    assert guess(["sku ", "UNIT_PRICE"], COLUMNS) == (["code", "price"], True)


def test_a_longer_head_counts_when_it_fits_one_column_only():
    assert guess(["Unit price (CNY)", "Our code"], COLUMNS) == (["price", "code"], False)
    assert guess(["price code"], COLUMNS) == ([""], False)


def test_what_is_missing_is_named():
    assert [column.name for column in missing(["name"], COLUMNS)] == ["code"]


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("tax_rate", "13%", Decimal("0.13")), ("tax_rate", "0.13", Decimal("0.13")), ("price", "¥1,234.50", Decimal("1234.5")), ("price", "１２", Decimal(12)),
        ("price", "0.30000000000000004", Decimal("0.3")), ("valid_from", "2026/12/1", date(2026, 12, 1)), ("valid_from", "2026年12月1日", date(2026, 12, 1)),
        ("valid_from", "20261201", date(2026, 12, 1)), ("valid_from", "2026-12-01 08:00", date(2026, 12, 1)), ("active", "是", True), ("active", "No", False),
        ("size", "closed", "large"), ("size", "SMALL", "small"), ("name", "", None),
    ],
)  # fmt: skip
def test_cells_are_read_as_people_write_them(column, text, value):
    found, fault = next(c for c in COLUMNS if c.name == column).read(text)
    assert (found, fault) == (value, None)


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("code", "", "base.import_empty"), ("price", "dear", "base.import_number"), ("price", "9" * 13, "base.import_number"),
        ("price", "nan", "base.import_number"), ("valid_from", "2026-13-01", "base.import_day"), ("active", "perhaps", "base.import_flag"),
        ("size", "huge", "base.import_choice"), ("name", "x" * 11, "base.import_long"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_fault_at_its_column(column, text, code):
    found, fault = next(c for c in COLUMNS if c.name == column).read(text)
    assert found is None and (fault.code, fault.field) == (code, column)


def test_titles_above_the_heads_empty_rows_and_the_example_are_left_out():
    sheet = csv("Price list 2026,,\n,,\nSKU,Name,Price\nSAMPLE-1,x,1\nA,Fan,2\n,,\nB,,x\n")
    assert sheet.heads == ["SKU", "Name", "Price"]
    rows = rows_of(sheet, ["code", "name", "price"], COLUMNS)
    assert [(row.no, row.text("code"), row.get("price")) for row in rows] == [(5, "A", Decimal(2)), (7, "B", None)]
    assert [fault.field for row in rows for fault in row.faults] == ["price"] and rows[1].typed["price"] == "x"


def test_a_template_can_be_brought_back_as_it_is():
    sheet = read("t.xlsx", import_sheets.template(COLUMNS, "xlsx"), COLUMNS)
    mapping, sure = guess(sheet.heads, COLUMNS)
    assert sure and mapping == [column.name for column in COLUMNS] and rows_of(sheet, mapping, COLUMNS) == []


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("f.csv", b"", "base.import_nothing"), ("f.csv", b"Code\n", "base.import_nothing"), ("f.xlsx", b"no sheet", "base.unreadable_file"),
        ("f.csv", b"Code\n" + b"x\n" * (import_sheets.MOST_ROWS + 1), "base.import_too_long"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_imported_is_said_at_once(name, content, code):
    with pytest.raises(Invalid) as refused:
        read(name, content, COLUMNS)
    assert refused.value.faults[0].code == code


def test_nul_characters_of_a_broken_file_are_left_behind():
    sheet = read("f.xlsx", sheets.write_xlsx(["Code", "Name"], [["A", "b"]]), COLUMNS)
    assert sheet.lines == [(2, ["A", "b"])]
    assert csv("Code,Name\nA\x00,b\n").lines == [(2, ["A", "b"])]
