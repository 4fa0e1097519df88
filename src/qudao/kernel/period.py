"""Spans of business dates, ends inclusive, and months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class DateSpan:
    """From `start` to `end`, both days included; `end` None = open. Raises ValueError when it ends before it starts."""

    start: date
    end: date | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise ValueError("a span cannot end before it starts")

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)

    def overlaps(self, other: DateSpan) -> bool:
        return (self.end is None or other.start <= self.end) and (other.end is None or self.start <= other.end)


def working_day(day: date, after: int) -> date:
    """The day that lies `after` working days (Monday to Friday) after `day`; 0 is the day itself. Public holidays are not known."""
    if not after:
        return day
    day -= timedelta(days=max(0, day.weekday() - 4))  # from a weekend one counts as from its Friday
    weeks, rest = divmod(after, 5)
    return day + timedelta(weeks=weeks, days=rest + (2 if day.weekday() + rest > 4 else 0))


def month_of(day: date) -> date:
    """The first day of the month of `day`; ledgers carry it so that they can be partitioned."""
    return day.replace(day=1)


def month_span(day: date) -> DateSpan:
    """The whole month in which `day` lies."""
    first = month_of(day)
    following = month_of(first + timedelta(days=31))
    return DateSpan(first, following - timedelta(days=1))
