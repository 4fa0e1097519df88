"""What goes into a basket, decided without a database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from qudao.kernel.errors import Fault
from qudao.kernel.money import ZERO
from qudao.orders.rules import MAX_QTY

#: more than an order holds, so that a file that is too long can be cut in the basket and not in Excel
MOST_LINES = 5000


@dataclass(frozen=True)
class Entry:
    """Something to put into a basket: `qty` in base units; `pack` is the name of the unit it was typed in, "" for the base unit.

    A product that was not found keeps `code`, an unreadable quantity keeps `typed`, as they were typed; `file_row` is the row of the upload.
    """

    product_id: int | None
    qty: Decimal
    pack: str = ""
    code: str = ""
    typed: str = ""
    file_row: int | None = None


def entry_faults(entries: Sequence[Entry]) -> list[Fault]:
    """Quantities that no order takes, each at its line (numbered from 1)."""
    return [
        Fault("baskets.qty_too_large", f"lines.{no}.qty", {"limit": MAX_QTY})
        for no, one in enumerate(entries, 1)
        if not one.qty.is_finite() or abs(one.qty) >= MAX_QTY
    ]


def merged(entries: Sequence[Entry]) -> list[Entry]:
    """The entries in their order, each product once with the sum of its quantities and the latest of everything else."""
    found: dict[object, Entry] = {}
    for n, one in enumerate(entries):
        before = found.get(one.product_id) if one.product_id is not None else None
        if before:
            pack = one.pack if one.pack == before.pack else ""
            found[one.product_id] = replace(one, qty=before.qty + one.qty, pack=pack, typed=one.typed or before.typed)
        else:
            found[one.product_id if one.product_id is not None else (n,)] = one
    return list(found.values())


def shown_qty(qty: Decimal, pack: str, factor: Decimal | None) -> tuple[Decimal, str]:
    """A quantity as its owner typed it: (3, "箱") when it is whole packs, else in base units with ""."""
    if pack and factor and qty > ZERO and qty % factor == 0:
        return qty / factor, pack
    return qty, ""


def pack_in(text: str, names: Sequence[str]) -> str:
    """The pack that a typed quantity names: "3箱" → "箱", "3x" → the smallest (the first of `names`); "" for base units."""
    word = re.sub(r"^[0-9０-９,.，．\s]+", "", text.strip()).lower()
    if word in ("x", "*", "×", "ｘ", "＊"):
        return names[0] if names else ""
    return next((name for name in names if name.lower() == word), "")
