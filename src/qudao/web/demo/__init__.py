"""Demo people and goods: an appliance maker with dealers, sub-dealers and shops, and twelve months of orders in every state.

Everything goes through the public actions, with the clock held at the moment it is said to happen. The first stage is the brand's own trade and the
named firms with their stories; the second is the trade of the other dealers, and may be loaded while people already work (docs/decisions/0004-demo.md).
A second loading changes nothing; one that was killed goes on. The last day of the story is yesterday, so that no step lies in the future.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from qudao.web.progress import Progress

__all__ = ["Status", "finish", "load", "sentence", "sign_ins", "start", "status"]

#: what an order of the second stage costs beside one of the first, whose batches are smaller
REST = 0.65
#: the masters are this much older than the last day
DAYS = 366
#: "demo": one process loads, another waits
LOCK = 0x64656D6F


@dataclass(frozen=True)
class Status:
    """How far the demo is: `stage` 1 or 2, its `size`, the last day of the story, orders done of all, seconds the rest is expected to take."""

    size: str
    last: str
    stage: int
    done: int
    total: int
    left: float

    @property
    def complete(self) -> bool:
        return self.stage == 2 and self.done >= self.total


def load(bar: Progress | None = None, size: str = "small") -> list[dict[str, str]]:
    """Load what is missing of the demo, both stages, and return the sign-ins."""
    with bar or Progress("demo") as shown:
        start(shown, size)
        finish(shown)
    return sign_ins()


def status() -> Status | None:
    """What is known of the demo in this database; None when nobody has begun to load it."""
    from qudao.base.outbox import heard

    known = heard("demo")
    return Status(**known) if known else None


def sentence(known: Status | None) -> str:
    """How far the loading is, for the terminal."""
    if known is None:
        return "No demo data in this database."
    if known.complete:
        return f"The demo ({known.size}) is complete: twelve months up to {known.last}."
    if known.stage == 1:
        return f"The first part of the demo ({known.size}, {known.total:,} orders) is being loaded; start it again if nothing runs."
    minutes = max(1, round(known.left / 60))
    return f"The rest of the demo is being loaded in the background: {known.done:,} of {known.total:,} orders, about {minutes} min left."


@contextmanager
def _alone() -> Iterator[None]:
    """One process loads at a time: another waits here, and then finds what the first has done. The database lets go of who died."""
    from django.db import Error

    from qudao.base.db import rows

    while not rows("SELECT pg_try_advisory_lock(%s)", (LOCK,))[0][0]:
        time.sleep(0.5)
    try:
        yield
    finally:
        with suppress(Error):  # a broken connection has let go already
            rows("SELECT pg_advisory_unlock(%s)", (LOCK,))


def start(bar: Progress, size: str) -> Status:
    """The first stage: what must be there before anybody looks. The size and the last day are settled by the first loading."""
    with _alone():
        return _start(bar, size)


def _start(bar: Progress, size: str) -> Status:
    from qudao.kernel import clock
    from qudao.web import masters
    from qudao.web.demo import extras, history, network, plan, stories, ways

    last = clock.today() - timedelta(days=1)
    known = status()
    if known is None and stories.complete():  # the demo of an earlier release is left as it is
        return Status("small", last.isoformat(), 2, 0, 0, 0.0)
    if known is None:
        network.hash_ahead()
    known = known or Status(size, last.isoformat(), 1, 0, 0, 0.0)
    if known.stage == 2:
        return known
    masters.hurry()
    last = date.fromisoformat(known.last)
    whole = plan.make(known.size, last)
    world = _world(known, whole.size.goods)
    steps = stories.steps(world, last)
    for others in (ways, extras):
        for day, more in others.steps(world, last).items():
            steps.setdefault(day, []).extend(more)
    stage = history.Stage(world, whole.first, history.warehouses(world))
    bar.total = len(whole.first)
    began = time.monotonic()
    _beat(known, total=len(whole.first))
    history.play(stage, lambda day, orders: _told(bar, day, orders), steps)
    extras.read_news(world, last)
    pace = (time.monotonic() - began) / max(1, len(whole.first))
    return _beat(known, stage=2, total=len(whole.rest), left=REST * pace * len(whole.rest))


def finish(bar: Progress) -> None:
    """The second stage, while people may work: pictures, the firms below the dealers, and their trade. Nothing to do without a first one."""
    with _alone():
        _finish(bar)


def _finish(bar: Progress) -> None:
    from qudao.web import masters
    from qudao.web.demo import extras, goods, history, others, pictures, plan, terms

    known = status()
    if known is None or known.stage != 2 or known.complete:
        return
    masters.hurry()
    last = date.fromisoformat(known.last)
    whole = plan.make(known.size, last)
    world = _world(known, whole.size.goods)
    pictures.hang(world, [*world.goods, *goods.extra(), *terms.parts()])
    others.rest(world, last - timedelta(days=DAYS), whole.rest, lambda count: bar.say(f"{count} firms"))
    bar.total, bar.done = len(whole.rest), 0
    began, done, resumed = time.monotonic(), 0, history.begun(whole.rest)
    played = 0

    def told(day: date, orders: int) -> None:
        nonlocal done, played
        done += orders
        played += orders if resumed is None or day >= resumed else 0
        _told(bar, day, orders)
        pace = (time.monotonic() - began) / max(1, played)
        _beat(known, done=min(done, len(whole.rest) - 1), total=len(whole.rest), left=pace * (len(whole.rest) - done))

    history.play(history.Stage(world, whole.rest), told)
    extras.note_states(last)
    _beat(known, done=len(whole.rest), total=len(whole.rest), left=0.0)


def _world(known: Status, goods: int):  # type: ignore[no-untyped-def]  # the world's module needs Django
    from django.conf import settings

    from qudao.kernel import clock
    from qudao.web.demo import network, others, terms

    last = date.fromisoformat(known.last)
    begin = last - timedelta(days=DAYS)
    with clock.freeze(datetime.combine(begin, datetime.min.time().replace(hour=8), tzinfo=ZoneInfo(settings.TIME_ZONE))):
        world = network.build(begin, last, known.size, goods)
        terms.supply(world)
    others.first(world, begin)
    return world


def _told(bar: Progress, day: date, orders: int) -> None:
    bar.say(f"{day:%Y-%m-%d}")
    bar.advance(orders)


def _beat(known: Status, **news: object) -> Status:
    """Keep how far the loading is, where `status` and other processes read it."""
    from qudao.base.outbox import beat

    fresh = Status(**{**asdict(known), **news})  # type: ignore[arg-type]
    beat("demo", **asdict(fresh))
    return fresh


def sign_ins() -> list[dict[str, str]]:
    """Who can sign in, for printing: what the person does, the organisation, e-mail and password."""
    from qudao.web.demo.network import PASSWORD, PEOPLE, firm

    return [{"role": label, "organisation": firm(where).name, "email": email, "password": PASSWORD} for where, email, _name, _role, label in PEOPLE.values()]
