"""What goods cost, over the API: for those of one's own organisation who may see it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import idempotent, reply
from qudao.catalog import actions, queries
from qudao.catalog.api.products import routes
from qudao.catalog.rules import CostDraft

COST = ("id", "product_id", "product__code", "amount", "currency", "valid_from")


class CostIn(Schema):
    """What a base unit of a product costs from a day on, without tax, in the currency of one's own organisation."""

    product_id: int
    amount: Decimal
    valid_from: date


class CostsIn(Schema):
    items: list[CostIn] = Field(..., min_length=1, max_length=5000)


class CostOut(CostIn):
    id: int
    product__code: str
    currency: str


@routes.get("/costs", response=list[CostOut], summary="What goods cost one's own organisation")
def costs(request: HttpRequest, product_id: int | None = None, now: bool = False) -> HttpResponse:
    """By product, newest first, at most 5,000; `now`: only what counts today. Empty without the grant to see costs."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.costs(actor, now=now)
    return reply(list((found if product_id is None else found.filter(product_id=product_id)).values(*COST)[:5000]))


@routes.post("/costs", response={201: list[CostOut]}, summary="Say what goods cost")
@idempotent
def set_costs(request: HttpRequest, body: CostsIn) -> HttpResponse:
    """A cost of the same product and day is overwritten; all or none."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    made = actions.set_costs([CostDraft(**one.dict()) for one in body.items], actor=actor)
    return reply(list(queries.costs(actor).filter(pk__in=[one.pk for one in made]).values(*COST)), 201)


@routes.delete("/costs/{int:cost_id}", response={204: None}, summary="Take a cost back")
@idempotent
def remove_cost(request: HttpRequest, cost_id: int) -> HttpResponse:
    """The cost before it counts again."""
    actions.remove_costs([cost_id], actor=request.actor)  # type: ignore[attr-defined]
    return HttpResponse(status=204)
