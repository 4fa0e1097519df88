"""The one chart of a home: what happened week by week or day by day, each bar a link to the rows it sums. From figures that are read anyway."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.analytics.queries import Calendar
from qudao.base.html import figures
from qudao.base.html.bars import Bar, Bars
from qudao.kernel import clock
from qudao.portal.pages.ways import link


def _weeks(found: Calendar, title: Any, name: str, rows: str, query: str) -> Bars:
    today, bars = clock.today(), []
    weeks = found.weeks(today)
    for at, week in enumerate(weeks):
        last = today - timedelta(days=7 * (len(weeks) - 1 - at))
        first, number = last - timedelta(days=6), getattr(week, name)
        said = _("{first} to {last}: {sum}").format(first=figures.day(first), last=figures.day(last), sum=figures.money(number, found.currency))
        bars.append(Bar(number, figures.day(first), figures.short_money(number, found.currency) if number else "", said, _rows(rows, query, first, last)))
    return Bars(title, bars)


def _rows(name: str, query: str, first: date, last: date) -> str:
    return link(name, f"{query}&from={first:%Y-%m-%d}&to={last:%Y-%m-%d}")


def ordered(found: Calendar, side: str = "sell") -> Bars:
    """What was ordered in each of the last weeks."""
    title = _("Ordered week by week") if side == "sell" else _("Bought week by week")
    return _weeks(found, title, "amount", "counted_orders", f"side={side}")


def collected(found: Calendar) -> Bars:
    """What buyers paid in each of the last weeks."""
    return _weeks(found, _("Collected week by week"), "collected", "payments", "side=sell")


def sent(days: Sequence[int]) -> Bars:
    """What left the own dock on each of the last days."""
    today, bars = clock.today(), []
    for at, number in enumerate(days):
        day = today - timedelta(days=len(days) - 1 - at)
        said = ngettext("{day}: {n} shipment", "{day}: {n} shipments", number).format(day=figures.day(day), n=figures.count(number))
        bars.append(Bar(Decimal(number), figures.day(day), figures.count(number) if number else "", said, _rows("shipments", "side=sell&tab=all", day, day)))
    return Bars(_("Sent off day by day"), bars)
