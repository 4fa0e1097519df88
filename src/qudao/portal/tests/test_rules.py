"""What a typed quantity means."""

from decimal import Decimal

import pytest

from qudao.portal.rules import folded, quantity_of

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
