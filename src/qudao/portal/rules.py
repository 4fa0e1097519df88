"""What a typed quantity means, and which suggestions fit a typed code. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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


#: how the column of the quantity may be headed
_QUANTITY = ("qty", "quantity", "数量", "订购数量", "订货数量", "amount", "pieces")
_CODE = ("code", "sku", "item", "product", "product code", "编码", "商品编码", "货号", "条码", "gtin", "barcode")


def lines_in(sheet: Iterable[Sequence[str]], limit: int) -> list[tuple[int, str, str]]:
    """(row of the sheet from 1, code, quantity) of the filled rows, one more than `limit` at most.

    A head row says by its words where code and quantity stand; without one they are the first two columns.
    """
    code, qty = 0, 1
    found: list[tuple[int, str, str]] = []
    for no, row in enumerate(sheet, 1):
        words = [cell.strip().lower() for cell in row]
        if no == 1 and (set(words) & set(_CODE) or set(words) & set(_QUANTITY)):
            code = next((n for n, word in enumerate(words) if word in _CODE), 0)
            qty = next((n for n, word in enumerate(words) if word in _QUANTITY), code + 1)
            continue
        line = (row[code].strip() if code < len(row) else "", row[qty].strip() if qty < len(row) else "")
        if any(line):
            found.append((no, *line))
        if len(found) > limit:
            break
    return found


def _pairs(text: str) -> set[str]:
    """The pairs of neighbouring characters of a text, with its first and last marked."""
    bare = f"^{re.sub(r'[-_. /]', '', text.upper())}$"
    return {bare[n : n + 2] for n in range(len(bare) - 1)}


class Nearest:
    """Which of many known things a mistyped text most likely means: by the pairs of characters they share with any of their names."""

    def __init__(self, known: Mapping[int, Sequence[str]]) -> None:
        self.sizes: dict[tuple[int, int], int] = {}
        self.having: dict[str, list[tuple[int, int]]] = {}
        for key, names in known.items():
            for n, name in enumerate(names):
                pairs = _pairs(name) if name else set()
                self.sizes[key, n] = len(pairs)
                for pair in pairs:
                    self.having.setdefault(pair, []).append((key, n))

    def to(self, text: str, limit: int) -> list[int]:
        """The keys most alike, the best first; nothing that shares no pair of characters."""
        pairs = _pairs(text)
        shared = Counter(one for pair in pairs for one in self.having.get(pair, ()))
        best: dict[int, float] = {}
        for (key, n), number in shared.items():
            likeness = 2 * number / (len(pairs) + self.sizes[key, n])
            if likeness > best.get(key, 0):
                best[key] = likeness
        return sorted(best, key=lambda key: (-best[key], key))[:limit]
