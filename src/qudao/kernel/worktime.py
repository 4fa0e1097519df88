"""Working hours: on which days and from when to when somebody is there, so that "within 8 hours" does not run out over night or on a holiday."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from qudao.kernel import clock


@dataclass(frozen=True)
class WorkTime:
    """Monday is 0. `holidays` are not worked whatever the weekday, `workdays` are (a Saturday that makes up for a holiday); a day in both is worked.

    Raises ValueError without a weekday, or when the day ends before it begins: no time would ever run out.
    """

    weekdays: frozenset[int] = frozenset(range(5))
    begins: time = time(9)
    ends: time = time(18)
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= set(range(7)) or self.ends <= self.begins:
            raise ValueError("a week has at least one working hour")

    def works(self, day: date) -> bool:
        """Whether anybody is there on a day."""
        return day in self.workdays or (day.weekday() in self.weekdays and day not in self.holidays)

    def due(self, since: datetime, hours: int) -> datetime:
        """The moment at which so many working hours after `since` are over."""
        left = timedelta(hours=hours)
        for begins, ends in self._spans(since):
            if left <= ends - begins:
                return begins + left
            left -= ends - begins
        raise AssertionError("spans never end")

    def hours(self, since: datetime, until: datetime) -> float:
        """How many working hours lie between two moments."""
        found = timedelta()
        for begins, ends in self._spans(since):
            if begins >= until:
                break
            found += min(ends, until) - begins
        return found.total_seconds() / 3600

    def _spans(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """What is worked from a moment on, day by day."""
        day = clock.date_of(since)
        while True:
            begins, ends = max(since, clock.at(day, self.begins)), clock.at(day, self.ends)
            if self.works(day) and begins < ends:
                yield begins, ends
            day += timedelta(days=1)
