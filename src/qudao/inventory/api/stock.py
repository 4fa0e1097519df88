"""Stock over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.inventory import actions, queries
from qudao.inventory.models import Lot, Move
from qudao.inventory.rules import Whom
from qudao.inventory.states import LEAD_DAYS, MOST_KEEPS_DAYS, MOST_LEAD_DAYS, MOST_PRIORITY, MOST_RECEIPT_DAYS, MOST_RESERVE_DAYS, RECEIPT_DAYS, Shows

routes = Router(tags=["stock"])
Quantity = Field(..., gt=0, max_digits=18, decimal_places=4)


class StockOut(Schema):
    """One product in one place; `free` = on hand less reserved, 0 where it is blocked. Base unit."""

    id: int
    place_id: int
    product_id: int
    product_code: str
    unit: str
    on_hand: Decimal
    reserved: Decimal
    free: Decimal


class StockPage(Schema):
    items: list[StockOut]
    next_after: int | None


class MoveOut(Schema):
    id: int
    at: datetime
    product_id: int
    qty: Decimal
    from_place_id: int
    to_place_id: int
    subject_kind: str
    subject_id: int
    number: str


class MovePage(Schema):
    items: list[MoveOut]
    next_after: int | None


class LotRowOut(Schema):
    """So much of a lot in a place; `expires_on` is the last day on which it is good."""

    id: int
    place_id: int
    product_id: int
    lot: str
    expires_on: date | None
    qty: Decimal


class LotPage(Schema):
    items: list[LotRowOut]
    next_after: int | None


class LotCountIn(Schema):
    counted: Decimal = Field(..., ge=0, max_digits=18, decimal_places=4)
    reason: str = Field(..., min_length=1, max_length=500)


class TrackIn(Schema):
    """`shelf_days`: how long the product keeps from the day it is made."""

    shelf_days: int | None = Field(None, ge=1, le=MOST_KEEPS_DAYS)


class TrackedOut(Schema):
    product_id: int
    shelf_days: int | None


class ShelfLifeIn(Schema):
    """How long a lot must still keep when it is shipped: the longer of the two counts."""

    keeps_days: int = Field(0, ge=0, le=MOST_KEEPS_DAYS)
    keeps_percent: int = Field(0, ge=0, le=100)


class ShelfLifeOut(ShelfLifeIn):
    agreement_id: int


class CountedIn(Schema):
    product_id: int
    counted: Decimal = Field(..., ge=0, max_digits=18, decimal_places=4)
    reason: str = Field(..., min_length=1, max_length=500)


class SupplyIn(Schema):
    place_id: int
    shows: Literal["exact", "banded", "nothing"] = "banded"
    lead_days: int = Field(LEAD_DAYS, ge=0, le=MOST_LEAD_DAYS)


class ShortageIn(Schema):
    """What becomes of an order for more than there is, unless it asks for something else; `priority` when goods come in."""

    short: Literal["refuse", "backorder", "cut"]
    priority: int = Field(0, ge=0, le=MOST_PRIORITY)


class SurchargeIn(Schema):
    surcharge: Decimal = Field(..., ge=0, le=100, decimal_places=2)


class ReservationIn(Schema):
    reserve_days: int | None = Field(..., ge=1, le=MOST_RESERVE_DAYS)


class ReservationOut(ReservationIn):
    agreement_id: int


class ReceivingIn(Schema):
    """`receipt_days` after the day on which goods should have arrived; 0: never."""

    receipt_days: int = Field(RECEIPT_DAYS, ge=0, le=MOST_RECEIPT_DAYS)
    photos: bool = True


class ReceivingOut(ReceivingIn):
    agreement_id: int


class SurchargeOut(Schema):
    agreement_id: int
    surcharge: Decimal


class ShortageOut(Schema):
    agreement_id: int
    short: str
    priority: int


class SupplyOut(Schema):
    agreement_id: int
    place_id: int
    shows: str
    lead_days: int


class PartOut(Schema):
    """When a part of what is asked for leaves (null: not known yet); its quantity only where the exact quantity is shown."""

    on: date | None
    qty: Decimal | None


class AvailableOut(Schema):
    """What the seller shows: `band` out, low or in_stock (null: nothing is shown), `qty` only where the exact quantity is shown."""

    product_id: int
    band: str | None
    qty: Decimal | None
    promise: list[PartOut]


class AvailablePage(Schema):
    items: list[AvailableOut]


def _stock(row: Any) -> dict[str, Any]:
    """A row of `on_hand`."""
    found = {name: getattr(row, name) for name in ("id", "place_id", "product_id", "on_hand", "reserved")}
    return {**found, "product_code": row.product.code, "unit": row.product.unit, "free": row.free}


def _lot(row: Lot) -> dict[str, Any]:
    return {name: getattr(row, name) for name in LotRowOut.model_fields}


def _move(row: Move) -> dict[str, Any]:
    return {name: getattr(row, name) for name in MoveOut.model_fields}


def listed(items: list[dict[str, Any]], limit: int) -> HttpResponse:
    """A keyset page."""
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/stock", response=StockPage, summary="Stock on hand, newest row first")
def list_stock(request: HttpRequest, limit: int = 50, after: int | None = None, place_id: int | None = None, product_id: int | None = None) -> HttpResponse:
    """One keyset page of the stock in sight. A missing row is zero."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page, limit = page_of(queries.on_hand(actor, place_id=place_id, product_id=product_id), limit=limit, after=after)
    return listed([_stock(row) for row in page], limit)


@routes.get("/lots", response=LotPage, summary="Lots on hand, newest row first")
def list_lots(
    request: HttpRequest, limit: int = 50, after: int | None = None, product_id: int | None = None, expires_until: date | None = None
) -> HttpResponse:
    """One keyset page of the lots in sight; `expires_until`: only those that are good until that day at most."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.lots(actor).select_related(None)
    found = found.filter(product_id=product_id) if product_id else found
    page, limit = page_of(found.filter(expires_on__lte=expires_until) if expires_until else found, limit=limit, after=after)
    return listed([_lot(row) for row in page], limit)


@routes.post("/lots/{int:lot_id}/adjustment", response=LotRowOut, summary="Adjust a lot to what was counted")
@idempotent
def adjust_lot(request: HttpRequest, lot_id: int, body: LotCountIn) -> HttpResponse:
    """The difference becomes a move from or to outside."""
    return reply(_lot(actions.adjust_lot(lot_id, body.counted, body.reason, actor=request.actor)))  # type: ignore[attr-defined]


@routes.put("/products/{int:product_id}/lots", response=TrackedOut, summary="Track a product by lot")
@idempotent
def track(request: HttpRequest, product_id: int, body: TrackIn) -> HttpResponse:
    """From then on every receipt names its lot; what lies there is a lot without a number. It cannot be undone."""
    found = actions.track_product(product_id, body.shelf_days, actor=request.actor)  # type: ignore[attr-defined]
    return reply({"product_id": found.product_id, "shelf_days": found.shelf_days})


@routes.put("/agreements/{int:agreement_id}/shelf-life", response=ShelfLifeOut, summary="Say how long shipped lots must still keep")
@idempotent
def set_shelf_life(request: HttpRequest, agreement_id: int, body: ShelfLifeIn) -> HttpResponse:
    """In days, and in percent of the shelf life of the product."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    supply = actions.set_keeps(agreement_id, body.keeps_days, body.keeps_percent, actor=actor)
    return reply({name: getattr(supply, name) for name in ShelfLifeOut.model_fields})


@routes.get("/moves", response=MovePage, summary="Stock moves, newest first")
def list_moves(request: HttpRequest, limit: int = 50, after: int | None = None, product_id: int | None = None) -> HttpResponse:
    """One keyset page of the moves into and out of the places in sight."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.moves(actor).select_related(None)
    page, limit = page_of(found.filter(product_id=product_id) if product_id else found, limit=limit, after=after)
    return listed([_move(row) for row in page], limit)


@routes.post("/places/{int:place_id}/adjustments", response=StockOut, summary="Adjust to what was counted")
@idempotent
def adjust(request: HttpRequest, place_id: int, body: CountedIn) -> HttpResponse:
    """The difference becomes a move from or to outside."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    row = actions.adjust_stock(place_id, body.product_id, body.counted, body.reason, actor=actor)
    return reply(_stock(queries.on_hand(actor).get(pk=row.pk)))


@routes.put("/agreements/{int:agreement_id}/supply-place", response=SupplyOut, summary="Choose what supplies an agreement")
@idempotent
def set_supply(request: HttpRequest, agreement_id: int, body: SupplyIn) -> HttpResponse:
    """Out of which warehouse of the seller the agreement is supplied, and how much of its stock the buyer is told."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    supply = actions.set_supply_place(agreement_id, body.place_id, Shows(body.shows), body.lead_days, actor=actor)
    return reply({name: getattr(supply, name) for name in SupplyOut.model_fields})


@routes.put("/agreements/{int:agreement_id}/shortage", response=ShortageOut, summary="Say what becomes of orders that are short")
@idempotent
def set_shortage(request: HttpRequest, agreement_id: int, body: ShortageIn) -> HttpResponse:
    """Refused, kept as backorders or cut; and how early they are served when goods come in: the highest priority, then the oldest."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    supply = actions.set_shortage(agreement_id, body.short, body.priority, actor=actor)
    return reply({name: getattr(supply, name) for name in ShortageOut.model_fields})


@routes.put("/agreements/{int:agreement_id}/surcharge", response=SurchargeOut, summary="Say what an emergency order costs more")
@idempotent
def set_surcharge(request: HttpRequest, agreement_id: int, body: SurchargeIn) -> HttpResponse:
    """In percent of the price; it stands as a step at each line of an emergency order."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    supply = actions.set_surcharge(agreement_id, body.surcharge, actor=actor)
    return reply({name: getattr(supply, name) for name in SurchargeOut.model_fields})


@routes.put("/agreements/{int:agreement_id}/reservation", response=ReservationOut, summary="Say for how long goods are kept")
@idempotent
def set_reservation(request: HttpRequest, agreement_id: int, body: ReservationIn) -> HttpResponse:
    """For a confirmed order that nobody has begun to pick, in days; null: until somebody does. It holds for new orders."""
    supply = actions.set_reserve_days(agreement_id, body.reserve_days, actor=request.actor)  # type: ignore[attr-defined]
    return reply({name: getattr(supply, name) for name in ReservationOut.model_fields})


@routes.put("/agreements/{int:agreement_id}/receiving", response=ReceivingOut, summary="Say what is asked of receipts")
@idempotent
def set_receiving(request: HttpRequest, agreement_id: int, body: ReceivingIn) -> HttpResponse:
    """After how many days goods that nobody counted are received as sent, and whether damaged or wrong goods need a photo."""
    supply = actions.set_receiving(agreement_id, body.receipt_days, body.photos, actor=request.actor)  # type: ignore[attr-defined]
    return reply({name: getattr(supply, name) for name in ReceivingOut.model_fields})


@routes.get("/agreements/{int:agreement_id}/availability", response=AvailablePage, summary="What the buyer is told about the stock")
def availability(
    request: HttpRequest, agreement_id: int, product_id: list[int] = Query(..., max_length=500), qty: Decimal = Query(Decimal(1), gt=0)
) -> HttpResponse:
    """For the two sides of an agreement; never more than the seller shows. `qty` of each product is asked for."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.available_for(actor, agreement_id, dict.fromkeys(product_id, qty))
    told = {product: [{"on": on, "qty": part} for on, part in one.promise] for product, one in found.items()}
    return reply({"items": [{"product_id": product, "band": one.band, "qty": one.qty, "promise": told[product]} for product, one in found.items()]})


class ServingIn(Schema):
    """Whom (one of the four; none: everybody) which own warehouses serve, in their order."""

    buyer_id: int | None = None
    group_id: int | None = None
    region_id: int | None = None
    area_code: str = Field("", max_length=12)
    place_ids: list[int] = Field(..., max_length=10)
    splits: bool = True


class ServingOut(ServingIn):
    id: int
    owner_id: int


def _serving(row: Any) -> dict[str, Any]:
    return {name: getattr(row, "pk" if name == "id" else name) for name in ServingOut.model_fields}


@routes.get("/serving-rules", response=list[ServingOut], summary="Who is served out of which warehouses")
def list_serving(request: HttpRequest) -> HttpResponse:
    """The nearest rule counts: a buyer's own, a group's, the nearest region's, the longest area's, everybody's. At most 1,000."""
    return reply([_serving(row) for row in queries.serving_rules(request.actor)[:1000]])  # type: ignore[attr-defined]


@routes.post("/serving-rules", response={201: ServingOut}, summary="Say who is served out of which warehouses")
@idempotent
def set_serving(request: HttpRequest, body: ServingIn) -> HttpResponse:
    """For whom there is a rule already, it is replaced; it holds for new orders."""
    whom = Whom(body.buyer_id, body.group_id, body.region_id, body.area_code)
    return reply(_serving(actions.set_serving(whom, body.place_ids, body.splits, actor=request.actor)), 201)  # type: ignore[attr-defined]


@routes.delete("/serving-rules/{int:rule_id}", response=ServingOut, summary="Take a rule away")
@idempotent
def drop_serving(request: HttpRequest, rule_id: int) -> HttpResponse:
    """The next nearest rule counts for new orders, or the warehouse of the agreement."""
    return reply(_serving(actions.drop_serving(rule_id, actor=request.actor)))  # type: ignore[attr-defined]
