"""What a scanned code of GS1 holds."""

import pytest

from qudao.kernel.gs1 import scanned, sscc

GTIN, BOX = "06901234567892", sscc(1)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("6901234567892", "6901234567892"),
        ("RC-40", "RC-40"),
        (f"01{GTIN}", GTIN),
        (f"]C101{GTIN}10L7\x1d21S1", GTIN),
        (f"\x1d01{GTIN}17271231", GTIN),
        (f"(01){GTIN}(10)L7", GTIN),
        (f"https://example.com/01/{GTIN}/10/L7?17=271231", GTIN),
        (f"https://example.com/some/01/{GTIN[1:]}", GTIN),
        (f"]C100{BOX}", BOX),
        (f"(00) {BOX}", BOX),
        (f"https://example.com/00/{BOX}", BOX),
        ("]C1WEDGE", "WEDGE"),
        # a wrong check digit is no GTIN, and what only begins like one stays
        ("0106901234567893", "0106901234567893"),
        ("https://example.com/01/06901234567893", "https://example.com/01/06901234567893"),
        ("01-2026", "01-2026"),
        ("", ""),
    ],
)
def test_the_number_in_a_scanned_code(text, meant):
    assert scanned(text) == meant
