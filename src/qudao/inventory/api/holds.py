"""Goods blocked for quality over the API."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import idempotent, reply
from qudao.inventory import actions
from qudao.inventory.api.stock import routes
from qudao.inventory.models import Lot, Stock
from qudao.inventory.states import MOST_HELD


class HoldIn(Schema):
    """Why goods are blocked, or released."""

    reason: str = Field(..., min_length=1, max_length=MOST_HELD)


class HoldOut(Schema):
    """`held`: why they are blocked; empty when they are not."""

    id: int
    place_id: int
    product_id: int
    held: str


def _told(row: Lot | Stock) -> HttpResponse:
    return reply({name: getattr(row, name) for name in HoldOut.model_fields})


@routes.post("/lots/{int:lot_id}/hold", response=HoldOut, summary="Block a lot for quality")
@idempotent
def hold_lot(request: HttpRequest, lot_id: int, body: HoldIn) -> HttpResponse:
    """It stays where it is, promised and picked for nobody, until it is released."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.hold_lot(lot_id, body.reason, actor=actor))


@routes.post("/lots/{int:lot_id}/release", response=HoldOut, summary="Release a blocked lot")
@idempotent
def free_lot(request: HttpRequest, lot_id: int, body: HoldIn) -> HttpResponse:
    """Who waits for it is served."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.free_lot(lot_id, body.reason, actor=actor))


@routes.post("/stock/{int:stock_id}/hold", response=HoldOut, summary="Block all of a product in a warehouse")
@idempotent
def hold_stock(request: HttpRequest, stock_id: int, body: HoldIn) -> HttpResponse:
    """Of a product that is tracked by lot, block its lots."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.hold_stock(stock_id, body.reason, actor=actor))


@routes.post("/stock/{int:stock_id}/release", response=HoldOut, summary="Release it")
@idempotent
def free_stock(request: HttpRequest, stock_id: int, body: HoldIn) -> HttpResponse:
    """Who waits for it is served."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.free_stock(stock_id, body.reason, actor=actor))
