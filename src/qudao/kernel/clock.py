"""The one source of time. A moment is UTC; a business date is the calendar day in the zone of the business."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)
_zone = ZoneInfo(os.environ.get("QUDAO_TIME_ZONE", "Asia/Shanghai"))


def set_zone(name: str) -> None:
    """Set the business time zone (called once from the settings)."""
    global _zone
    _zone = ZoneInfo(name)


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def today() -> date:
    """The present business date."""
    return date_of(now())


def date_of(moment: datetime) -> date:
    """The business date of a moment."""
    return moment.astimezone(_zone).date()


def at(day: date, hour: time) -> datetime:
    """The moment of a time of day on a business date."""
    return datetime.combine(day, hour, _zone)


def end_of(day: date) -> datetime:
    """The moment a business date ends: the first one of the next."""
    return datetime.combine(day + timedelta(days=1), time.min, _zone)


@contextmanager
def freeze(moment: datetime) -> Iterator[None]:
    """Hold the clock at `moment` (aware) within the block: for tests and for replaying history."""
    token = _frozen.set(moment)
    try:
        yield
    finally:
        _frozen.reset(token)
