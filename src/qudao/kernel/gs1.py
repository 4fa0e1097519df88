"""Numbers by the rules of GS1: their check digit, and the number of a logistic unit (SSCC)."""

from __future__ import annotations

#: GS1 keeps 04 for numbers inside one company and never hands it out: an SSCC with it meets no other company's
INTERNAL_PREFIX = "04"
SSCC_DIGITS = 18


def check_digit(digits: str) -> str:
    """The last digit of a GS1 key: weights 3 and 1 from the right, up to the next ten. ValueError for anything but digits."""
    if not digits.isascii() or not digits.isdigit():
        raise ValueError(f"{digits!r} is not a number")
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def sscc(serial: int, *, prefix: str = INTERNAL_PREFIX, extension: int = 0) -> str:
    """The 18 digits of a logistic unit: extension digit, company prefix, serial number, check digit. ValueError when the serial does not fit."""
    room = SSCC_DIGITS - 2 - len(prefix)
    if not 0 <= serial < 10**room:
        raise ValueError(f"{serial} does not fit into {room} digits")
    body = f"{extension}{prefix}{serial:0{room}d}"
    return body + check_digit(body)
