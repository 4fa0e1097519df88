"""How clean orders come in, over the API: by week or month and by channel, and what was refused, one by one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Schema

from qudao.analytics.queries import TOUCHES, Quality, quality, spans
from qudao.base.access import Actor
from qudao.base.rest import Router, page_of, reply
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden
from qudao.orders.queries.refused import refusals, refused_by_reason

routes = Router(tags=["insight"])


class QualityAsked(Schema):
    """Of what the own organisation sells or buys, the last thirteen months or weeks."""

    side: Literal["sell", "buy"] = "sell"
    by: Literal["month", "week"] = "month"


class QualityOut(Schema):
    """Orders of some days through a channel: how many went straight through, what people of the seller did with them (each time counted), and how many
    submissions were refused. `error_rate` and `straight_share` are fractions, null where there is nothing to divide by.
    """

    first: date
    last: date
    channel: str
    orders: int
    straight: int
    straight_share: Decimal | None
    typed: int
    signed: int
    returned: int
    released: int
    changed: int
    refused: int
    lines_wrong: int
    error_rate: Decimal | None


class QualitiesOut(Schema):
    """`reasons`: how many of the refused submissions of the whole time had each reason; one may have several."""

    items: list[QualityOut]
    reasons: dict[str, int]


class RefusalOut(Schema):
    """A submission that was refused; `codes` are those of its faults, `tries` says how often it was sent that day as it was."""

    id: int
    at: Any
    seller_id: int
    buyer_id: int
    channel: str
    by: str
    reasons: list[str]
    codes: list[str]
    lines: int
    lines_wrong: int
    tries: int


class RefusalPage(Schema):
    items: list[RefusalOut]
    next_after: int | None


class RefusalsAsked(Schema):
    """Which refused submissions are asked for; without a `side` all that the caller may see."""

    limit: int = 50
    after: int | None = None
    side: Literal["", "sell", "buy"] = ""
    reason: str = ""


def _share(value: Decimal | None) -> Decimal | None:
    return None if value is None else round(value, 4)


@routes.get("/insight/quality", response=QualitiesOut, summary="How clean orders come in")
def order_quality(request: HttpRequest, asked: QualityAsked = Query(...)) -> HttpResponse:
    """By span and channel, oldest first; only what is not empty."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can("orders.view"):
        raise Forbidden("base.forbidden", verb="orders.view")
    every = spans(asked.by, clock.today())
    summed: dict[tuple[date, date, str], Quality] = {}
    for (day, channel), one in sorted(quality(actor, asked.side, every[0][0]).items()):
        first, last = next(span for span in every if span[0] <= day <= span[1])
        summed.setdefault((first, last, channel), Quality()).add(one)
    items = [
        {
            "first": first, "last": last, "channel": channel, "orders": one.span.orders, "straight": one.span.straight,
            "straight_share": _share(one.span.straight_share), **{name: getattr(one.span, name) for name in TOUCHES},
            "refused": one.refused, "lines_wrong": one.wrong, "error_rate": _share(one.errors),
        }
        for (first, last, channel), one in summed.items()
    ]  # fmt: skip
    return reply({"items": items, "reasons": refused_by_reason(actor, asked.side, every[0][0], every[-1][1])})


@routes.get("/orders/refusals", response=RefusalPage, summary="Refused submissions, newest first")
def refused(request: HttpRequest, asked: RefusalsAsked = Query(...)) -> HttpResponse:
    """One keyset page of what was refused and left no order; `after` = the last id of the page before."""
    found = refusals(request.actor, asked.side).select_related(None)  # type: ignore[attr-defined]
    page, limit = page_of(found.filter(reasons__contains=[asked.reason]) if asked.reason else found, limit=asked.limit, after=asked.after)
    names = ("id", "at", "seller_id", "buyer_id", "channel", "reasons", "codes", "lines", "tries")
    items = [{**{name: getattr(one, name) for name in names}, "by": one.by_name, "lines_wrong": one.wrong} for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})
