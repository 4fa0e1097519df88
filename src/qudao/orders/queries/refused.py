"""Reads of what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from django.db.models import Count, QuerySet, Sum

from qudao.base.access import Actor, visible
from qudao.orders.models import Refusal


def refusals(actor: Actor, side: str = "") -> QuerySet[Refusal]:
    """Refused submissions the actor may see, the newest first; `side` "sell" or "buy" keeps those of the own organisation's sales or purchases."""
    found = visible(actor, Refusal, side={"sell": "seller", "buy": "buyer"}.get(side, ""))
    return found.select_related("seller", "buyer").order_by("-id")


def refused_by_day(actor: Actor, side: str, since: date) -> Iterable[tuple[date, str, int, int, int]]:
    """(day, channel, submissions, their lines, lines at fault) since a day. One statement."""
    found = refusals(actor, side).filter(day__gte=since).select_related(None).order_by()
    return found.values_list("day", "channel").annotate(Count("pk"), Sum("lines"), Sum("wrong"))


def refused_by_reason(actor: Actor, side: str, since: date, until: date) -> Counter[str]:
    """How many submissions were refused for each reason; one may have several. One statement."""
    sets = refusals(actor, side).filter(day__gte=since, day__lte=until).select_related(None).order_by().values_list("reasons").annotate(Count("pk"))
    counted: Counter[str] = Counter()
    for reasons, number in sets:
        counted.update(dict.fromkeys(reasons, number))
    return counted
