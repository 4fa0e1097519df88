"""Paper: codes that scanners read, amounts in capitals, PDFs with the right text and pages, and what is said while the font is missing."""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal as D

import pytest
from django.utils import translation

from qudao.base import barcodes, printing
from qudao.base.printing import PAPER, Column, Document, FontsMissing, Paper, Party
from qudao.base.tests.pdf_text import pages_of
from qudao.kernel import gs1

ME = Party("Seller Ltd", "卖方公司", ("1 Road",), ("Tax number 1",), "Seller Ltd | 1 Road")
YOU = Party("客户 𬭳㛃龑", "", ("2 Road",))


def paper(number="SO-1", rows=3, **more):
    cells = [[str(n), (f"Product {n}", f"P{n}"), "1 pc"] for n in range(1, rows + 1)]
    columns = (Column("#", "right"), Column("Product", wide=True), Column("Quantity", "right"))
    return Paper("Order confirmation", number, date(2026, 11, 21), ME, YOU, columns=columns, rows=cells, foot="Seller Ltd", **more)


def document(papers, template=PAPER):
    return Document("orders.test", "Order confirmation", "orders.order", "orders.view", "orders", lambda actor, ids: papers, template)


def printed(*papers, language="en"):
    return printing.pdf_many(document(papers), list(papers), language=language)


# --- codes ---


@pytest.mark.parametrize(
    ("body", "digit"),
    # GS1 General Specifications 7.9 and well-known numbers: an SSCC, a GTIN-13, a GTIN-8, a GTIN-12
    [("37610425002123456", "9"), ("400638133393", "1"), ("7351353", "7"), ("03600029145", "2"), ("00000000000000000", "0")],
)
def test_check_digits_are_those_of_gs1(body, digit):
    assert gs1.check_digit(body) == digit


def test_an_sscc_has_18_digits_and_meets_no_other_companys():
    made = gs1.sscc(700000100)
    assert made == "004000007000001" + made[15:] and len(made) == 18
    assert made[1:3] == "04", "the prefix that GS1 keeps for numbers inside one company"
    assert gs1.check_digit(made[:-1]) == made[-1]
    assert gs1.sscc(1, prefix="6901234", extension=3).startswith("36901234")
    with pytest.raises(ValueError, match="fit"):
        gs1.sscc(10**14)
    with pytest.raises(ValueError, match="number"):
        gs1.check_digit("12a")


def decoded(widths):
    """Read bars as a scanner does, with the table of ISO/IEC 15417 as drawn: (values, check is right)."""
    assert widths.endswith(barcodes.STOP)
    symbols = [widths[at : at + 6] for at in range(0, len(widths) - len(barcodes.STOP), 6)]
    values = [barcodes.WIDTHS.index(one) for one in symbols]
    return values[:-1], (values[0] + sum(n * v for n, v in enumerate(values[1:-1], 1))) % 103 == values[-1]


def test_every_symbol_of_code_128_is_as_the_standard_has_it():
    assert len(barcodes.WIDTHS) == 106 == len(set(barcodes.WIDTHS))
    for widths in barcodes.WIDTHS:
        assert sum(map(int, widths)) == 11 and sum(map(int, widths[::2])) % 2 == 0, "11 modules, an even number of them black"
    assert sum(map(int, barcodes.STOP)) == 13
    # rows of the printed standard: values 0, 16 ("0" in set B), 33 ("A"), 99, 102 (FNC1), Start B and C
    known = {0: "212222", 16: "123122", 33: "111323", 99: "113141", 102: "411131", 104: "211214", 105: "211232"}
    assert {value: barcodes.WIDTHS[value] for value in known} == known


def test_the_bars_of_a_label_say_fnc1_00_and_the_number():
    text = "00" + gs1.sscc(123)
    values, right = decoded(barcodes.modules(barcodes.code128(text, gs1=True)))
    assert right and values[:2] == [barcodes.START_C, barcodes.FNC1]
    assert "".join(f"{value:02d}" for value in values[2:]) == text


def test_other_texts_are_written_in_set_b():
    values, right = decoded(barcodes.modules(barcodes.code128("SO-D001-00012/1")))
    assert right and values[0] == barcodes.START_B
    assert "".join(chr(value + 32) for value in values[1:]) == "SO-D001-00012/1"
    # worked example: PJJ123C has the check value 55
    assert barcodes.checked(barcodes.code128("PJJ123C"))[-1] == 54 + 1
    for wrong in ("", "单号", "a\n"):
        with pytest.raises(ValueError, match="Code 128"):
            barcodes.code128(wrong)


# --- words and figures ---


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.05", "伍分"), ("10.05", "壹拾元零伍分"), ("300.00", "叁佰元整"), ("1005.30", "壹仟零伍元叁角整"), ("100005", "壹拾万零伍元整"),
        ("50600.07", "伍万零陆佰元零柒分"), ("1000000", "壹佰万元整"), ("120000000.10", "壹亿贰仟万元壹角整"), ("100050000", "壹亿零伍万元整"),
    ],
)  # fmt: skip
def test_amounts_in_capitals(amount, words):
    with translation.override("zh-hans"):
        assert printing.capitals(D(amount), "CNY") == f"大写：{words}"
        assert printing.capitals(D(amount), "USD") == ""
    with translation.override("en"):
        assert printing.capitals(D(amount), "CNY") == ""


def test_taxes_are_summed_by_rate():
    with translation.override("en"):
        found = printing.tax_lines([(D("0.13"), D(100), D(13)), (D("0.1300"), D(1), D("0.13")), (D("0.065"), D(10), D("0.65"))], "CNY")
    assert found == [("Net amount", "¥111.00"), ("6.5% tax on ¥10.00", "¥0.65"), ("13% tax on ¥101.00", "¥13.13")]


def test_what_is_exempt_is_not_what_is_taxed_at_zero():
    with translation.override("en"):
        found = printing.tax_lines([(None, D(7), D(0)), (D(0), D(5), D(0)), (D("0.13"), D("2523.00"), D("327.99"))], "CNY")
    assert found[1:] == [("0% tax on ¥5.00", "¥0.00"), ("13% tax on ¥2,523.00", "¥327.99"), ("Exempt from tax: ¥7.00", "¥0.00")]


@pytest.mark.parametrize(("asked", "language"), [("zh", "zh-hans"), ("en", "en"), ("EN", "en"), ("", "en"), ("fr", "en")])
def test_the_language_of_the_address_or_the_readers(asked, language):
    with translation.override("en"):
        assert printing.language_of(asked) == language


# --- the press ---


def test_a_paper_says_what_it_was_given_in_rare_characters_too():
    made = printed(paper(total=("Total", "¥113.00"), notes=["Thank you"], signatures=["Signed"], bars="SO-1", qr="https://x.example/1"))
    (text,) = pages_of(made)
    for said in ("Seller Ltd", "卖方公司", "客户 𬭳㛃龑", "Order confirmation SO-1", "Product 3", "P3", "¥113.00", "Thank you", "Signed", "Page 1 of 1"):
        assert said in text, said
    assert b"/Lang" in made and b"Seller Ltd" in made, "language and author stand in the PDF's own facts"


def test_a_long_table_repeats_its_head_and_counts_its_pages():
    pages = pages_of(printed(paper(rows=90)))
    assert len(pages) == 4
    for n, text in enumerate(pages, 1):
        assert f"Page {n} of 4" in text and "Quantity" in text
    assert "Product 90" in pages[-1] and "Product 90" not in "".join(pages[:-1])


def test_many_papers_are_one_pdf_and_each_counts_its_own_pages():
    pages = pages_of(printed(paper("SO-1"), paper("SO-2", rows=40), paper("SO-3")))
    assert [(f"SO-{n}" in text) for n, text in zip((1, 2, 2, 3), pages, strict=True)] == [True] * 4
    for text, said in zip(pages, ("Page 1 of 1", "Page 1 of 2", "Page 2 of 2", "Page 1 of 1"), strict=True):
        assert said in text


def test_chinese_papers_count_in_chinese():
    assert "第 1 页，共 1 页" in pages_of(printed(paper(), language="zh-hans"))[0]


def test_the_same_paper_is_the_same_bytes_also_from_a_process_apart(monkeypatch):
    assert printed(paper()) == printed(paper())
    monkeypatch.setattr(printing, "BESIDE", 0)
    apart = printed(paper(), paper("SO-2"))
    assert len(pages_of(apart)) == 2 and apart == printed(paper(), paper("SO-2"))


def test_threads_print_side_by_side():
    found = {}

    def work(n):
        found[n] = printed(paper(f"SO-{n}"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert all(f"SO-{n}" in pages_of(found[n])[0] for n in range(6))


def test_without_the_font_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(printing, "folders", lambda: [tmp_path])
    with pytest.raises(FontsMissing) as refused:
        printed(paper())
    assert refused.value.status == 503 and refused.value.faults[0].code == "base.fonts_missing"
