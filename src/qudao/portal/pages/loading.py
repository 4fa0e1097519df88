"""The line of home that says how far the loading of the demo is. An installation without a demo never asks; one whose demo is complete never again."""

from __future__ import annotations

import time

from django.conf import settings
from django.utils.translation import gettext as _

from qudao.base.outbox import heard

#: seconds for which an answer is used again
FRESH = 3.0


class _Known:
    """What this process last heard of the loading, and when."""

    detail: dict | None = None
    at = -FRESH
    over = False


def sentence() -> str:
    """How many orders of the rest of the demo are there and how long it will take; "" when nothing is being loaded."""
    if not settings.DEMO or _Known.over:
        return ""
    if time.monotonic() - _Known.at >= FRESH:
        _Known.detail, _Known.at = heard("demo"), time.monotonic()
    known = _Known.detail
    if known is None or known["stage"] != 2:
        return ""
    if known["done"] >= known["total"]:
        _Known.over = True
        return ""
    words = {"done": f"{known['done']:,}", "total": f"{known['total']:,}", "minutes": max(1, round(known["left"] / 60))}
    return _("The rest of the demo is being loaded: {done} of {total} orders, about {minutes} min left.").format(**words)
