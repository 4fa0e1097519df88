"""Codes that machines read from paper: Code 128 and GS1-128 as bars, QR. Pure; drawings are SVG."""

from __future__ import annotations

import re

import segno

#: Code 128: the widths of bars and spaces of each value 0–102, then Start A, B, C (ISO/IEC 15417, table 1)
_TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122 123221 223211 221132 "
    "221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 "
    "231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 "
    "314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 "
    "114131 311141 411131 211412 211214 211232"
)
WIDTHS = re.findall(r"\d{6}", _TABLE)
STOP = "2331112"
START_B, START_C, FNC1 = 104, 105, 102
QUIET = 10  # modules left white on each side, without which scanners do not see where the code begins


def code128(text: str, *, gs1: bool = False) -> list[int]:
    """The values of a Code 128 without check and stop: digits in pairs (set C), else ASCII 32–126 (set B). `gs1` puts FNC1 first.

    ValueError for text that neither set holds.
    """
    if not text or any(not " " <= char <= "~" for char in text):
        raise ValueError(f"{text!r} cannot be written in Code 128")
    first = [FNC1] if gs1 else []
    if text.isdigit() and len(text) % 2 == 0:
        return [START_C, *first, *(int(text[at : at + 2]) for at in range(0, len(text), 2))]
    return [START_B, *first, *(ord(char) - 32 for char in text)]


def checked(values: list[int]) -> list[int]:
    """The values with the check value at the end: the start counts once, each other by its place, modulo 103."""
    return [*values, (values[0] + sum(place * value for place, value in enumerate(values[1:], 1))) % 103]


def modules(values: list[int]) -> str:
    """Bars and spaces as widths in modules, bar first: every value, the check value, stop."""
    return "".join(WIDTHS[value] for value in checked(values)) + STOP


def bars(text: str, *, gs1: bool = False) -> str:
    """A Code 128 as SVG with its quiet zones, one unit a module; whoever draws it sets width and height."""
    parts, at = [], QUIET
    for place, width in enumerate(map(int, modules(code128(text, gs1=gs1)))):
        if place % 2 == 0:
            parts.append(f"M{at} 0h{width}v40h-{width}z")
        at += width
    wide = at + QUIET
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="40" viewBox="0 0 {wide} 40"><path d="{"".join(parts)}"/></svg>'


def qr(text: str) -> str:
    """A QR code (error correction M, four modules of quiet zone) as SVG; its size is left to whoever draws it."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(border=4, omitsize=True, dark="#000")
    return drawn if "xmlns" in drawn else drawn.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
