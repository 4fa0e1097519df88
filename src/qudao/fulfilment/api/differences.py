"""Differences of receipts over the API, and what is expected of a product."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor, Scope, sees_prices
from qudao.base.rest import idempotent, page_of, reply
from qudao.catalog.queries import product
from qudao.fulfilment import actions
from qudao.fulfilment.actions import Settlement
from qudao.fulfilment.api.shipments import routes
from qudao.fulfilment.queries import differences, unscoped_coming, unscoped_waits
from qudao.fulfilment.states import Liable, Outcome, Remedy
from qudao.inventory.queries import free_in_main


class DifferenceOut(Schema):
    """A claim from a receipt; the amount is null where the caller may not see the prices of this trade."""

    id: int
    shipment_id: int
    shipment: str
    seller_id: int
    buyer_id: int
    product_id: int
    kind: str
    qty: Decimal
    amount: Decimal | None
    currency: str
    state: str
    at: datetime
    wrong_product: str | None
    taken_by: str | None
    due_on: date | None
    outcome: str
    liable: str
    remedy: str
    note: str


class SettleIn(Schema):
    """What became of the goods of a difference, and who bears it."""

    outcome: Outcome
    liable: Liable
    remedy: Remedy | None = None
    note: str = Field("", max_length=200)


class TakeIn(Schema):
    """Who takes a difference (a user of the seller, without: the caller) and until when."""

    owner_id: int | None = None
    due_on: date | None = None
    note: str = Field("", max_length=200)


class DifferencePage(Schema):
    items: list[DifferenceOut]
    next_after: int | None


@routes.get("/differences", response=DifferencePage, summary="Differences from receipts, newest first")
def claims(request: HttpRequest, limit: int = 50, after: int | None = None, state: str = "") -> HttpResponse:
    """One keyset page of the differences the caller may see."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = differences(actor)
    if state:
        found = found.filter(state__in=state.split(","))
    page, limit = page_of(found, limit=limit, after=after)
    items = [_claim(d, actor) for d in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


def _claim(d: Any, actor: Actor) -> dict[str, Any]:
    """A difference as the actor may see it."""
    clear = sees_prices(actor, d.seller_id, d.buyer_id)
    names = ("shipment_id", "seller_id", "buyer_id", "kind", "qty", "currency", "state", "at", "due_on", "outcome", "liable", "remedy", "note")
    more = {
        "wrong_product": d.product.code if d.product else None,
        "taken_by": str(d.taken_by) if d.taken_by else None,
        "shipment": d.shipment.number,
        "product_id": d.receipt_line.shipment_line.product_id,
        "amount": d.amount if clear else None,
    }
    return {"id": d.pk, **{n: getattr(d, n) for n in names}, **more}


@routes.post("/differences/{int:difference_id}/settlement", response=DifferenceOut, summary="Settle a difference")
@idempotent
def settle(request: HttpRequest, difference_id: int, body: SettleIn) -> HttpResponse:
    """Say what became of the goods, who bears it and what the buyer gets."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    how = Settlement(body.outcome, body.liable, body.remedy or "", body.note)
    return reply(_claim(actions.settle_difference(difference_id, how, actor=actor), actor))


@routes.post("/differences/{int:difference_id}/investigation", response=DifferenceOut, summary="Take a difference")
@idempotent
def investigate(request: HttpRequest, difference_id: int, body: TakeIn) -> HttpResponse:
    """Take a difference or give it to a colleague, until a day; both sides read it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_claim(actions.investigate_difference(difference_id, body.owner_id, body.due_on, body.note, actor=actor), actor))


class ComingOut(Schema):
    """Goods that are expected on a day, by a shipment or an order (not named to who sees own work only); `to_promise`: what is free by then and
    nobody waits for.
    """

    on: date
    qty: Decimal
    number: str
    to_promise: Decimal


@routes.get("/products/{int:product_id}/expected-receipts", response=list[ComingOut], summary="What comes in of a product, by day")
def expected(request: HttpRequest, product_id: int) -> HttpResponse:
    """For the own organisation: from shipments on their way to it and from its confirmed purchases, with what can be promised by each day."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    product(actor, product_id)
    there = free_in_main(actor, product_id) - unscoped_waits(actor.org_id, product_id)
    items = []
    for one in unscoped_coming(actor.org_id, [product_id])[product_id]:
        there += one.qty
        items.append({"on": one.on, "qty": one.qty, "number": one.number if actor.scope != Scope.SELF else "", "to_promise": max(there, Decimal(0))})
    return reply(items)
