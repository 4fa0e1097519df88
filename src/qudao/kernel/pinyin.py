"""How a Chinese name is typed on a Latin keyboard."""

from __future__ import annotations

from pypinyin import Style, lazy_pinyin


def spelled(name: str) -> str:
    """The initials of a name's syllables and their full spelling, in lower case ("长沙乐平" → "cslp changshaleping"); "" without Chinese."""
    if name.isascii():
        return ""
    first = lazy_pinyin(name, style=Style.FIRST_LETTER, errors="ignore")
    full = lazy_pinyin(name, errors="ignore")
    return f"{''.join(first)} {''.join(full)}".lower()[:400] if first else ""
