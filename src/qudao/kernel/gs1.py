"""Numbers by the rules of GS1: their check digit, the number of a logistic unit (SSCC), and the number that a scanned code holds."""

from __future__ import annotations

import re

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


#: what scanners put before the text to say how it was written, e.g. "]C1" for GS1-128, and the mark of GS1 itself
_MARKS = re.compile(r"^(\][A-Za-z]\d)?\x1d?")
#: a GTIN or SSCC at the beginning, in a Digital Link, in brackets, or bare
_KEYS = (re.compile(r"^https?://[^?#]*/(01|00)/(\d{8,18})(?=[/?#]|$)"), re.compile(r"^\((01|00)\) ?(\d{14,18})"), re.compile(r"^(01|00)(\d{14,})"))


def scanned(text: str) -> str:
    """The GTIN or SSCC in a scanned GS1-128, GS1 QR or Digital Link, with what else stands in it (lot, serial number, expiry) left out.

    Anything else, and what has a wrong check digit, comes back as it is.
    """
    plain = _MARKS.sub("", text.strip())
    for pattern in _KEYS:
        found = pattern.match(plain)
        if not found:
            continue
        length = 14 if found[1] == "01" else SSCC_DIGITS
        key = found[2].zfill(length) if pattern is _KEYS[0] else found[2][:length]
        if len(key) == length and key[-1] == check_digit(key[:-1]):
            return key
    return plain if text.strip().startswith(("]", "\x1d")) else text
