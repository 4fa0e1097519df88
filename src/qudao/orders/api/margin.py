"""What an order brings its seller, over the API."""

from __future__ import annotations

from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from ninja import Schema

from qudao.base.access import Actor
from qudao.base.rest import reply
from qudao.kernel.errors import Forbidden
from qudao.orders.api.orders import routes
from qudao.orders.queries import order_of
from qudao.orders.queries.margin import margin_of

__all__ = ["routes"]


class MarginOut(Schema):
    """Net, cost and profit without tax, in the currency of the order, of the lines whose cost is known; `unknown`: how many others there are."""

    currency: str
    net: Decimal
    cost: Decimal
    profit: Decimal
    #: profit as a fraction of net, null where nothing was taken
    share: Decimal | None
    unknown: int


@routes.get("/orders/{int:order_id}/margin", response=MarginOut, summary="What an order brings its seller")
def margin(request: HttpRequest, order_id: int) -> HttpResponse:
    """For the seller's own people with the grant to see margins."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_of(actor, order_id)
    found = margin_of(actor, order)
    if found is None:
        raise Forbidden("base.forbidden", verb="orders.view")
    share = None if found.share is None else round(found.share, 4)
    return reply({"currency": order.currency, "net": found.net, "cost": found.cost, "profit": found.profit, "share": share, "unknown": found.unknown})
