"""A row of bars over time, each a link to what it sums: SVG with percentage attributes (a strict CSP allows no style), no script, a few hundred bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

#: pixels of the highest bar, and of the number above it
HIGH, ABOVE = 72, 18


@dataclass(frozen=True)
class Bar:
    """One bar: its number, when it is, how the number is shown short and said in full, where its rows are."""

    number: Decimal
    when: str
    short: str
    said: str
    url: str


@dataclass(frozen=True)
class Bars:
    """What is drawn over time; nothing where every number is zero."""

    title: Any
    bars: Sequence[Bar]

    def __bool__(self) -> bool:
        return any(bar.number > 0 for bar in self.bars)

    def html(self) -> SafeString:
        """The bars, the newest at the right and in full colour; on a phone every third says when it is."""
        most = max((bar.number for bar in self.bars), default=Decimal(0)) or Decimal(1)
        last = len(self.bars) - 1
        drawn = SafeString("".join(self._one(bar, most, last - at) for at, bar in enumerate(self.bars)))
        return format_html('<div class="row g-1 align-items-start flex-nowrap m-0">{}</div>', drawn)

    @staticmethod
    def _one(bar: Bar, most: Decimal, ago: int) -> SafeString:
        high = max(round(HIGH * max(bar.number, Decimal(0)) / most), 1)
        top = HIGH + ABOVE - high
        return format_html(
            '<a class="col text-reset text-decoration-none text-center position-relative" href="{}" title="{}"><svg class="d-block w-100" height="{}"'
            ' aria-hidden="true"><text class="fs-s dim not-phone" x="50%" y="{}" text-anchor="middle" fill="currentColor">{}</text><rect class="t-accent"'
            ' x="12%" y="{}" width="76%" height="{}" rx="2" fill="currentColor" fill-opacity="{}"/></svg><span class="hid">{}</span>'
            '<span class="d-block fs-s dim nw{}" aria-hidden="true">{}</span></a>',
            bar.url, bar.said, HIGH + ABOVE, top - 5, bar.short, top, high, "0.45" if ago else "1", bar.said, " not-phone" if ago % 3 else "", bar.when,
        )  # fmt: skip
