"""Demo people and goods: an appliance maker with dealers, sub-dealers and shops, and two months of orders in every state.

Everything goes through the public actions, with the clock held at the moment it is said to happen. A second loading changes nothing; one that was
killed goes on. The last day of the story is yesterday, so that no step lies in the future.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from qudao.web.progress import Progress

__all__ = ["load", "sign_ins"]

DAYS = 75  # the masters are this much older than the last day


def load(bar: Progress | None = None) -> list[dict[str, str]]:
    """Load what is missing and return the sign-ins."""
    from django.conf import settings

    from qudao.kernel import clock
    from qudao.web import masters
    from qudao.web.demo import network, stories

    with bar or Progress("demo") as shown:
        if not stories.complete():
            masters.hurry()
            last = clock.today() - timedelta(days=1)
            start = last - timedelta(days=DAYS)
            with clock.freeze(datetime.combine(start, time(8), tzinfo=ZoneInfo(settings.TIME_ZONE))):
                world = network.build(start)
            stories.play(world, last, shown)
    return sign_ins()


def sign_ins() -> list[dict[str, str]]:
    """Who can sign in, for printing: what the person does, the organisation, e-mail and password."""
    from qudao.web.demo.network import PASSWORD, PEOPLE, firm

    return [{"role": label, "organisation": firm(where).name, "email": email, "password": PASSWORD} for where, email, _name, _role, label in PEOPLE.values()]
