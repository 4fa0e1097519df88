"""The credit meter: what is used of a limit, by bucket, as SVG with percentage attributes (a strict CSP allows no style)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from qudao.base.html import figures

ZERO = Decimal(0)


@dataclass(frozen=True)
class Meter:
    """Exposure by bucket against a limit; all amounts in one currency. The buckets' order is fixed for every screen."""

    limit: Decimal
    temp_limit: Decimal = ZERO
    overdue: Decimal = ZERO
    invoiced: Decimal = ZERO  # receivable and not due
    shipped: Decimal = ZERO  # shipped, not invoiced
    ordered: Decimal = ZERO  # confirmed, not shipped
    unapplied: Decimal = ZERO  # receipts not yet applied: a minus
    this: Decimal = ZERO  # the document being decided
    currency: str = "CNY"
    temp_until: Any = None
    prepaid: bool = False  # `limit` is money the buyer paid before, and what uses it is frozen
    bought: bool = False  # read by the buyer, who owes what the seller has to receive
    others: Decimal = ZERO  # what others use of a limit that is shared with them; less than zero when they have paid ahead
    unlimited: bool = False  # nobody set a limit; `limit` is what is in use
    notes: Sequence[tuple[str, str, str]] = ()  # what the state of the account lets pass, and why: (tone, meaning, reasons)

    @property
    def stops(self) -> bool:
        """Whether orders do not pass, whatever their amount."""
        return any(tone == "wrong" for tone, _means, _why in self.notes)

    @property
    def whole(self) -> Decimal:
        """The permanent and the temporary limit together."""
        return self.limit + self.temp_limit

    @property
    def used(self) -> Decimal:
        """The exposure without the document being decided."""
        return self.overdue + self.invoiced + self.shipped + self.ordered - self.unapplied + self.others

    @property
    def available(self) -> Decimal:
        """What may still be ordered, before the document being decided."""
        return self.whole - self.used

    @property
    def beyond(self) -> Decimal:
        """By how much the document being decided passes the limit; 0 when it fits."""
        return max(ZERO, self.used + self.this - self.whole)

    @property
    def key(self) -> list[tuple[str, str, Decimal, str]]:
        """The legend: (class of the key, word, amount, class of the amount); empty buckets are left out."""
        open_, less = (_("Payable, not due"), _("Less payments not applied")) if self.bought else (_("Receivable, not due"), _("Less unapplied receipts"))
        rows = [
            ("b1", _("Overdue"), self.overdue, "t-wrong"),
            ("b2", _("Invoiced, paid at once") if self.prepaid else open_, self.invoiced, ""),
            ("b3", _("Shipped, not invoiced"), self.shipped, ""),
            ("b4", _("Open orders"), self.ordered, ""),
            ("", less, -self.unapplied, ""),
            ("", _("In use by others who share the limit"), self.others, ""),
            ("b5", _("This order"), self.this, ""),
        ]
        return [row for row in rows if row[2]]

    def _parts(self) -> list[tuple[str, Decimal]]:
        """Bars in order, unapplied receipts drawn off the first receivable bucket that has room."""
        left = self.unapplied + max(ZERO, -self.others)
        bars: list[tuple[str, Decimal]] = []
        for css, size in (("b2", self.invoiced), ("b1", self.overdue), ("b3", self.shipped), ("b4", self.ordered)):
            cut = min(left, size)
            left -= cut
            bars.append((css, size - cut))
        bars.sort(key=lambda bar: bar[0])
        bars.insert(0, ("others", self.others))
        over = min(self.beyond, self.this)  # what was beyond the limit before is in the buckets already
        return [*bars, ("this", self.this - over), ("b6", over)]

    def svg(self, ident: str = "m") -> SafeString:
        """The drawing; `ident` keeps the hatch pattern's id unique on the page."""
        scale = max(self.whole, self.used + self.this, Decimal("0.01"))
        at, bars = ZERO, []
        for css, size in self._parts():
            if size <= 0:
                continue
            share, start = size / scale * 100, at / scale * 100
            paint = format_html('fill="url(#hatch-{})"', ident) if css == "this" else format_html('class="{}"', css)
            if css == "others":
                paint = SafeString('class="b4" fill-opacity=".35"')
            bars.append((paint, f"{start:.2f}", f"{share:.2f}"))
            at += size
        drawn = format_html_join("", '<rect {} x="{}%" width="{}%" height="10"/>', bars)
        cuts = format_html_join("", '<rect class="cut" x="{}%" width="1" height="10"/>', ((start,) for _paint, start, _share in bars[1:]))
        limit = SafeString("")
        if self.this and not self.unlimited:
            share = self.whole / scale * 100
            place = f"{share:.2f}"
            side = "end" if share > 50 else "start"  # towards the middle: the words stay inside however far the order passes the limit
            limit = format_html(
                '<rect class="tick" x="{}%" width="2" height="14" y="-2"/><text x="{}%" y="23" text-anchor="{}">{} {}</text>',
                place, place, side, _("Balance") if self.prepaid else _("Limit"), figures.amount(self.whole, 0),
            )  # fmt: skip
        return format_html(
            '<svg class="q-meter{}" role="img" aria-label="{}"><defs><pattern id="hatch-{}" width="4" height="4" patternUnits="userSpaceOnUse"'
            ' patternTransform="rotate(45)"><rect width="2" height="4" class="b5"/></pattern></defs>'
            '<rect class="b0" width="100%" height="10" rx="2"/>{}{}{}</svg>',
            " lim" if limit else "", _("Credit in use"), ident, drawn, cuts, limit,
        )  # fmt: skip
