"""Places over the API: opened, described, closed, and goods brought into them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor, get_visible
from qudao.base.rest import idempotent, page_of, reply
from qudao.inventory import actions, queries
from qudao.inventory.api.stock import Quantity, listed, routes
from qudao.inventory.models import Place
from qudao.inventory.rules import PlaceFacts
from qudao.inventory.states import MOST_LOT


class PlaceFactsIn(Schema):
    """What is written about a place."""

    name: str = Field("", max_length=120)
    name_en: str = Field("", max_length=120)
    address: str = Field("", max_length=240)
    contact: str = Field("", max_length=80)
    phone: str = Field("", max_length=40)


class PlaceIn(PlaceFactsIn):
    code: str = Field(..., min_length=1, max_length=32)


class PlaceOut(PlaceFactsIn):
    id: int
    owner_id: int
    code: str
    kind: str
    closed: bool


class PlacePage(Schema):
    items: list[PlaceOut]
    next_after: int | None


class ClosingIn(Schema):
    reason: str = Field(..., min_length=1, max_length=500)


class OpeningLineIn(Schema):
    """A product tracked by lot needs its `lot`."""

    product_id: int
    qty: Decimal = Quantity
    lot: str = Field("", max_length=MOST_LOT)
    expires_on: date | None = None


class OpeningIn(Schema):
    lines: list[OpeningLineIn] = Field(..., min_length=1, max_length=2000)
    reason: str = Field(..., min_length=1, max_length=500)


class ShiftLineIn(Schema):
    """Of a product tracked by lot either its `lot`, or what expires first."""

    product_id: int
    qty: Decimal = Quantity
    lot: str = Field("", max_length=MOST_LOT)


class ShiftIn(Schema):
    to_place_id: int
    lines: list[ShiftLineIn] = Field(..., min_length=1, max_length=2000)
    reason: str = Field(..., min_length=1, max_length=500)


def place_told(place: Place) -> dict[str, Any]:
    """A place as it is answered."""
    return {name: getattr(place, name) for name in PlaceOut.model_fields}


@routes.get("/places", response=PlacePage, summary="Places, newest first")
def list_places(request: HttpRequest, limit: int = 50, after: int | None = None, kind: str = "") -> HttpResponse:
    """One keyset page of the places in sight."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.places(actor)
    page, limit = page_of(found.filter(kind__in=kind.split(",")) if kind else found, limit=limit, after=after)
    return listed([place_told(place) for place in page], limit)


@routes.post("/places", response={201: PlaceOut}, summary="Open a warehouse")
@idempotent
def open_place(request: HttpRequest, body: PlaceIn) -> HttpResponse:
    """Another warehouse of the own organisation."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    facts = PlaceFacts(**body.dict(exclude={"code"}))
    return reply(place_told(actions.register_place(body.code, facts=facts, actor=actor)), 201)


@routes.get("/places/{int:place_id}", response=PlaceOut, summary="One place")
def one_place(request: HttpRequest, place_id: int) -> HttpResponse:
    """As far as the caller sees it."""
    return reply(place_told(get_visible(request.actor, Place, place_id)))  # type: ignore[attr-defined]


@routes.put("/places/{int:place_id}", response=PlaceOut, summary="Describe a place anew")
@idempotent
def change_place(request: HttpRequest, place_id: int, body: PlaceFactsIn) -> HttpResponse:
    """Its code stays."""
    return reply(place_told(actions.change_place(place_id, PlaceFacts(**body.dict()), actor=request.actor)))  # type: ignore[attr-defined]


@routes.post("/places/{int:place_id}/closing", response=PlaceOut, summary="Close a warehouse")
@idempotent
def close_place(request: HttpRequest, place_id: int, body: ClosingIn) -> HttpResponse:
    """Refused with every reason at once: goods, goods under way, orders that wait, agreements and rules that name it."""
    return reply(place_told(actions.close_place(place_id, body.reason, actor=request.actor)))  # type: ignore[attr-defined]


@routes.delete("/places/{int:place_id}/closing", response=PlaceOut, summary="Open a closed warehouse again")
@idempotent
def reopen_place(request: HttpRequest, place_id: int) -> HttpResponse:
    """Goods may enter again."""
    return reply(place_told(actions.reopen_place(place_id, actor=request.actor)))  # type: ignore[attr-defined]


@routes.post("/places/{int:place_id}/shifts", response=PlaceOut, summary="Move goods into another own warehouse")
@idempotent
def move_between_places(request: HttpRequest, place_id: int, body: ShiftIn) -> HttpResponse:
    """They leave and arrive at once; every wrong line is told at `lines.<n>`, counted from 0. Answers the warehouse they are in now."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    lines = [actions.OpeningLine(line.product_id, line.qty, line.lot) for line in body.lines]
    return reply(place_told(actions.move_between_places(place_id, body.to_place_id, lines, body.reason, actor=actor)))


@routes.post("/places/{int:place_id}/openings", response={201: PlaceOut}, summary="Enter opening stock")
@idempotent
def enter_opening(request: HttpRequest, place_id: int, body: OpeningIn) -> HttpResponse:
    """Stock that was there before the books began; every wrong line is told at `lines.<n>`, counted from 0."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    lines = [actions.OpeningLine(line.product_id, line.qty, line.lot, line.expires_on) for line in body.lines]
    return reply(place_told(actions.receive_opening(place_id, lines, body.reason, actor=actor)), 201)
