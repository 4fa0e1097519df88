"""What a typed quantity means."""

from decimal import Decimal

import pytest

from qudao.portal.rules import Nearest, folded, lines_in, quantity_of

PACKS = {"箱": Decimal(4), "carton": Decimal(4), "托盘": Decimal(48)}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("12", 12), ("1,200", 1200), ("12 台", 12), ("12台", 12), ("3x", 12), ("３箱", 12), ("2 托盘", 96), ("2 Carton", 8), ("0.5", Decimal("0.5")),
        ("-3", None), ("", None), ("drei", None), ("3 Stück", None), ("1.2.3", None), ("1e5", None),
    ],
)  # fmt: skip
def test_a_quantity_may_name_the_unit_or_a_pack(text, meant):
    assert quantity_of(text, "台", PACKS) == meant


def test_x_needs_a_pack():
    assert quantity_of("3x", "台", {}) is None


def test_codes_are_compared_in_capitals_and_half_width():
    assert folded(" bcd-５20w ") == "BCD-520W"


def test_a_mistyped_code_means_what_shares_most_of_its_characters():
    nearest = Nearest({1: ("XQG100-8", "滚筒洗衣机", "gtxyj"), 2: ("XQG80-8", "波轮洗衣机", "blxyj"), 3: ("FZ40-H", "电饭煲", "dfb")})
    assert nearest.to("XQG1008", 1) == [1] and nearest.to("电饭锅", 3)[0] == 3 and nearest.to("QQ", 3) == []


def test_a_sheet_says_by_its_head_where_code_and_quantity_stand():
    assert lines_in([["数量", "名称", "编码"], ["3", "壶", "KT-17"], ["", "", ""], ["1", "", "FN-16"]], 9) == [(2, "KT-17", "3"), (4, "FN-16", "1")]
    assert lines_in([["KT-17", "3箱"], ["FN-16"]], 9) == [(1, "KT-17", "3箱"), (2, "FN-16", "")]
    assert len(lines_in([[str(n), "1"] for n in range(20)], 5)) == 6, "one more than the limit says that there are too many"
