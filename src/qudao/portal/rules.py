"""What a typed quantity means, and which suggestions fit a typed code. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

#: full-width forms that Chinese keyboards write
_NARROW = str.maketrans("０１２３４５６７８９．，×ｘＸ＊", "0123456789.,xxx*")
_TYPED = re.compile(r"^([0-9][0-9,]*(?:\.[0-9]+)?)\s*(.*)$")


def quantity_of(text: str, unit: str, packs: Mapping[str, Decimal]) -> Decimal | None:
    """The quantity in base units: "12", "12 台", "3x" and "3箱" (packs by their name; x is the smallest pack). None when it cannot be read."""
    found = _TYPED.match(text.translate(_NARROW).strip())
    if not found:
        return None
    try:
        number = Decimal(found[1].replace(",", ""))
    except InvalidOperation:
        return None
    word = found[2].strip().lower()
    if not word or word == unit.lower():
        return number
    if word in ("x", "*"):
        return number * min(packs.values()) if packs else None
    factor = next((f for name, f in packs.items() if name.lower() == word), None)
    return number * factor if factor else None


def folded(code: str) -> str:
    """A typed code as codes are compared."""
    return code.translate(_NARROW).strip().upper()
