"""The figures of a home page: each against a yardstick and the time before, with a line of its weeks, and a way to the rows behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.analytics.queries import Calendar, Span
from qudao.base.html import figures
from qudao.kernel import clock
from qudao.kernel.period import month_of, month_span
from qudao.portal.pages.ways import link
from qudao.portal.queries import Dealers, Dock, Overdue, Waiting

#: what share of the orders should need nobody, and leave by the wished date
STRAIGHT, ON_TIME, CURRENT = Decimal("0.8"), Decimal("0.95"), Decimal("0.95")
#: what share of the dealers should order within a month
ORDERING = Decimal("0.9")
#: hours from order to dispatch that are good
HOURS = Decimal(48)


@dataclass(frozen=True)
class Kpi:
    """A figure: value, the bar's share with the mark of its yardstick, what stands left and right below it, where its rows are."""

    label: Any
    value: Any
    url: str
    points: Sequence[Any] = ()
    share: Decimal | None = None
    mark: Decimal | None = None
    left: Any = ""
    right: Any = ""
    tone: str = "dim"


def _range(first: date, last: date, side: str = "sell") -> str:
    return f"side={side}&from={first:%Y-%m-%d}&to={last:%Y-%m-%d}"


def _than_before(now: Decimal | None, before: Decimal | None, *, less_is_good: bool = False) -> tuple[str, str]:
    """The change against the thirty days before in percentage points of share or in per cent: (words, tone)."""
    if now is None or before is None:
        return "", "dim"
    change = (now - before) * 100
    if abs(change) < Decimal("0.05"):
        return _("as in the 30 days before"), "dim"
    words = _("{n} points more than before") if change > 0 else _("{n} points less than before")
    return words.format(n=figures.amount(abs(change), 1)), "t-done" if (change > 0) != less_is_good else "t-wait"


def _this_month(label: Any, found: Calendar, name: str, url: str) -> Kpi | None:
    """An amount of this month against last month, and against the same days of it."""
    today = clock.today()
    month, last = month_of(today), month_span(month_of(today) - timedelta(days=1))
    so_far, before = getattr(found.between(month, today), name), getattr(found.month(last.start), name)
    same_days = getattr(found.between(last.start, min(last.end or today, last.start + timedelta(days=today.day - 1))), name)
    if not so_far and not before:
        return None
    more = (so_far / same_days - 1) * 100 if same_days else Decimal(0)
    words = _("{n}% up on those days") if more >= 0 else _("{n}% down on those days")
    return Kpi(
        label, figures.money(so_far, found.currency), url, [getattr(week, name) for week in found.weeks(today)],
        min(so_far / before, Decimal(1)) if before else Decimal(1), same_days / before if before else None,
        _("Last month {sum}").format(sum=figures.short_money(before, found.currency)) if before else _("The first month"),
        words.format(n=figures.amount(abs(more), 0)) if same_days else "", "t-done" if more >= 0 else "t-wait",
    )  # fmt: skip


def ordered(found: Calendar, side: str = "sell") -> Kpi | None:
    """What was ordered this month."""
    today = clock.today()
    return _this_month(_("Ordered this month (incl. tax)"), found, "amount", link("orders", _range(month_of(today), today, side)))


def collected(found: Calendar) -> Kpi | None:
    """What buyers paid this month."""
    today = clock.today()
    return _this_month(_("Collected this month"), found, "collected", link("payments", _range(month_of(today), today)))


def _pair(found: Calendar, figure: str, side: str = "sell") -> tuple[Span, Span, str]:
    """The last thirty days, the thirty before them, and where the counted orders of the last thirty are."""
    today = clock.today()
    since = today - timedelta(days=29)
    rows = link("counted_orders", f"{_range(since, today, side)}&figure={figure}")
    return found.between(since, today), found.between(since - timedelta(days=30), since - timedelta(days=1)), rows


def on_time(found: Calendar, side: str = "sell") -> Kpi | None:
    """Which part of the orders left by the wished date."""
    now, before, url = _pair(found, "in_time", side)
    if now.on_time_share is None:
        return None
    right, tone = _than_before(now.on_time_share, before.on_time_share)
    points = [week.on_time_share if week.on_time_share is not None else Decimal(1) for week in found.weeks(clock.today())]
    left = _("Target {share}").format(share=figures.percent(ON_TIME, 0))
    return Kpi(_("Left by the wished date, 30 days"), figures.percent(now.on_time_share), url, points, now.on_time_share, ON_TIME, left, right, tone)


def speed(found: Calendar) -> Kpi | None:
    """How long an order takes until it leaves."""
    now, before, url = _pair(found, "left")
    if now.ship_hours is None:
        return None
    points = [week.ship_hours or Decimal(0) for week in found.weeks(clock.today())]
    right, tone = "", "dim"
    if before.ship_hours is not None:
        right = _("before: {time}").format(time=_hours(before.ship_hours))
        tone = "t-done" if now.ship_hours <= before.ship_hours else "t-wait"
    left = _("Target {time}").format(time=_hours(HOURS))
    whole = max(now.ship_hours, HOURS) * Decimal("1.25")
    return Kpi(_("From order to dispatch, on average"), _hours(now.ship_hours), url, points, now.ship_hours / whole, HOURS / whole, left, right, tone)


def _hours(value: Decimal) -> str:
    """Hours in two units at most."""
    return figures.age(timedelta(minutes=int(value * 60)))


def straight(found: Calendar) -> Kpi | None:
    """Which part of the orders no person had to touch."""
    now, before, url = _pair(found, "straight")
    if now.straight_share is None:
        return None
    right, tone = _than_before(now.straight_share, before.straight_share)
    points = [week.straight_share or Decimal(0) for week in found.weeks(clock.today())]
    left = _("Target {share}").format(share=figures.percent(STRAIGHT, 0))
    return Kpi(_("Confirmed without a person"), figures.percent(now.straight_share, 0), url, points, now.straight_share, STRAIGHT, left, right or
               figures.documents(now.orders), tone)  # fmt: skip


def current(late: Overdue | None, side: str = "receivable") -> Kpi | None:
    """Which part of what is open is not overdue."""
    if late is None or not late.open:
        return None
    share = 1 - late.total / late.open
    right = _("{sum} overdue").format(sum=figures.money(late.total)) if late.total else _("nothing overdue")
    left = _("Open {sum}").format(sum=figures.money(late.open))
    return Kpi(
        _("Open and not overdue"),
        figures.percent(share),
        link("ageing", f"side={side}"),
        (),
        share,
        CURRENT,
        left,
        right,
        "t-wrong" if late.total else "t-done",
    )


def to_confirm(waiting: Waiting) -> Kpi:
    """The money that buyers say they have sent."""
    right = _("oldest {age}").format(age=figures.age(waiting.oldest)) if waiting.oldest else _("nothing waits")
    tone = "t-wait" if waiting.number else "dim"
    return Kpi(_("Payments to confirm"), figures.count(waiting.number), link("payments", "side=sell&tab=announced"), left=figures.money(waiting.total),
               right=right, tone=tone)  # fmt: skip


def sent(found: Dock) -> Kpi | None:
    """What the warehouse sent off in seven days, against the seven before by this time of the day."""
    now, before = sum(found.sent), found.sent_before
    if not now and not before:
        return None
    change = (Decimal(now) / before - 1) * 100 if before else Decimal(0)
    words = _("{n}% up") if change > 0 else _("{n}% down")
    words = words if change else _("as many as in the 7 days before")
    url = link("shipments", f"side=sell&tab=all&from={clock.today() - timedelta(days=6):%Y-%m-%d}")
    most = max(now, before)
    return Kpi(
        _("Sent off in 7 days"), figures.count(now), url, found.sent, Decimal(now) / most, Decimal(before) / most,
        _("7 days before: {n}").format(n=figures.count(before)), words.format(n=figures.amount(abs(change), 0)) if before else "",
        "t-done" if change >= 0 else "t-wait",
    )  # fmt: skip


def to_pick(found: Dock) -> Kpi:
    """What the warehouse has before it."""
    right = ngettext("{n} older than two days", "{n} older than two days", found.late).format(n=found.late) if found.late else _("nothing is late")
    left = _("{n} being picked").format(n=figures.count(found.picking))
    return Kpi(_("Shipments to pick"), figures.count(found.to_pick), link("shipments", "side=sell&tab=to_pick"), left=left, right=right,
               tone="t-wrong" if found.late else "t-done")  # fmt: skip


def ordering(known: Dealers) -> Kpi | None:
    """How many of the dealers ordered in thirty days; nothing where not all of them were looked at."""
    if not known.number or known.more:
        return None
    share = Decimal(known.ordering) / known.number
    quiet = len(known.quiet)
    right = ngettext("{n} quiet", "{n} quiet", quiet).format(n=figures.count(quiet)) if quiet else _("nobody is quiet")
    left = _("of {n}, target {share}").format(n=figures.count(known.number), share=figures.percent(ORDERING, 0))
    return Kpi(_("Dealers who ordered, 30 days"), figures.count(known.ordering), link("organisations", "tab=dealers"), (), share, ORDERING, left, right,
               "t-wait" if quiet else "t-done")  # fmt: skip
