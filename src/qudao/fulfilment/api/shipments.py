"""Shipments over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor, get_visible
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.fulfilment import actions
from qudao.fulfilment.models import Receipt, Shipment
from qudao.fulfilment.queries import lines_of, receipts_of, shipments, unscoped_count_until, unscoped_packages, with_lots
from qudao.fulfilment.states import GONE, UNDER_WAY
from qudao.inventory.rules import LotQty
from qudao.kernel.errors import Fault, Invalid, raise_if_any

routes = Router(tags=["shipments"])

HEAD = ("number", "order_id", "seller_id", "buyer_id", "state", "carrier", "tracking", "created_at", "shipped_at", "received_at", "line_count")


class LineQuantity(Schema):
    """A line by id, with a quantity in base units."""

    line_id: int
    qty: Decimal


class LotQuantity(Schema):
    """So much of a lot."""

    lot: str = Field("", max_length=40)
    qty: Decimal = Field(..., gt=0)


class LeavingLine(LineQuantity):
    """A shipment line with what leaves of it; `lots` of a product tracked by lot make the quantity; without, what expires first leaves."""

    lots: list[LotQuantity] | None = None


class LotOut(Schema):
    lot: str
    expires_on: date | None
    qty: Decimal


class ShipIn(Schema):
    """Ship everything open of an order at once."""

    carrier: str = Field("", max_length=80)
    tracking: str = Field("", max_length=80)


class PickIn(Schema):
    """Begin to pick an order, or some order lines of it."""

    lines: list[LineQuantity] | None = None


class DispatchIn(ShipIn):
    """Send a picked shipment, or some shipment lines of it; what stays behind is planned again."""

    lines: list[LeavingLine] | None = None


class ShipmentLineOut(Schema):
    id: int
    order_line_id: int
    no: int
    product_id: int
    product: str
    name: str
    unit: str
    qty: Decimal
    received: Decimal | None
    damaged: Decimal | None
    short: Decimal | None
    over: Decimal | None
    refused: Decimal | None
    wrong: Decimal | None
    wrong_product: str | None
    packed: Decimal = Field(..., description="How much of it is in parcels.")
    under_way: Decimal = Field(..., description="How much of it has left and is not counted yet.")
    lots: list[LotOut] = []


class ParcelLineOut(Schema):
    """So much of a shipment line; of a product tracked by lot so much of one lot."""

    line_id: int
    product_id: int
    product: str
    gtin: str
    qty: Decimal
    lot: str = ""
    expires_on: date | None = None


class ParcelOut(Schema):
    """A parcel or pallet with the number on its label (SSCC, 18 digits); weight: gross, in kilograms."""

    id: int
    no: int
    kind: str
    sscc: str
    weight: Decimal | None
    receipt_id: int | None = Field(None, description="The receipt with which it came, where that is known.")
    lines: list[ParcelLineOut]


class ReceiptOut(Schema):
    """A count of a shipment, or of a part of it."""

    id: int
    shipment_id: int
    at: datetime
    note: str
    partial: bool = Field(False, description="The rest was still under way.")
    automatic: bool = Field(False, description="Nobody counted it in time: it was received as sent.")


class ShipmentOut(Schema):
    """Goods of one order that leave together; `parcels` where they are packed in some."""

    id: int
    number: str
    order_id: int
    seller_id: int
    buyer_id: int
    state: str
    carrier: str
    tracking: str
    created_at: datetime
    shipped_at: datetime | None
    received_at: datetime | None
    line_count: int
    count_until: date | None = Field(None, description="The last day on which it can be counted before it is received as sent.")
    automatic: bool = Field(False, description="Nobody counted it in time: it was received as sent.")
    lines: list[ShipmentLineOut] | None = None
    receipts: list[ReceiptOut] | None = None
    parcels: list[ParcelOut] | None = None


class ShipmentPage(Schema):
    items: list[ShipmentOut]
    next_after: int | None


def _shown(shipment: Shipment) -> dict[str, Any]:
    return {"id": shipment.pk, **{name: getattr(shipment, name) for name in HEAD}}


def _line(line: Any, under_way: bool) -> dict[str, Any]:
    count, product = line.count, line.product
    instead = [one.wrong_product.code for one in line.counts.all() if one.wrong_product]
    return {
        "id": line.pk,
        "order_line_id": line.line_id,
        "no": line.line.no,
        "product_id": line.product_id,
        "product": product.code,
        "name": product.name,
        "unit": line.line.unit,
        "qty": line.qty,
        "packed": line.packed,
        **{name: getattr(count, name, None) for name in ("received", "damaged", "short", "over", "refused", "wrong")},
        "under_way": line.rest if under_way else Decimal(0),
        "wrong_product": ", ".join(dict.fromkeys(instead)) or None,
        "lots": [{"lot": x.lot, "expires_on": x.expires_on, "qty": x.qty} for x in getattr(line, "lots", ())],
    }


def parcels_shown(shipment_id: int) -> list[dict[str, Any]]:
    """The parcels of a shipment the caller was shown."""
    return [
        {
            **{name: getattr(package, name) for name in ("no", "kind", "sscc", "weight", "receipt_id")},
            "id": package.pk,
            "lines": [_in_parcel(x) for x in package.filled],  # type: ignore[attr-defined]
        }
        for package in unscoped_packages([shipment_id]).get(shipment_id, [])
    ]


def _in_parcel(x: Any) -> dict[str, Any]:
    product = x.line.product
    lot = {"lot": x.lot, "expires_on": x.expires_on}
    return {"line_id": x.line_id, "product_id": product.pk, "product": product.code, "gtin": product.gtin, "qty": x.qty, **lot}


def _brief(shipment: Shipment, status: int = 200) -> HttpResponse:
    return reply(_shown(shipment), status, location=f"/api/v1/shipments/{shipment.pk}")


def told_lots(lines: list[LeavingLine] | None) -> dict[int, Decimal | list[LotQty]] | None:
    """The quantities of lines, or their lots, which must make the quantity."""
    if lines is None:
        return None
    wrong = [x for x in lines if x.lots and sum(lot.qty for lot in x.lots) != x.qty]
    raise_if_any([Fault("fulfilment.lots_unreadable", f"lines.{x.line_id}.lots") for x in wrong], Invalid)
    return {x.line_id: [LotQty(lot.lot, None, lot.qty) for lot in x.lots] if x.lots else x.qty for x in lines}


def _quantities(lines: list[LineQuantity] | None) -> dict[int, Decimal] | None:
    return None if lines is None else {line.line_id: line.qty for line in lines}


@routes.post("/orders/{int:order_id}/shipments", response={201: ShipmentOut}, summary="Ship everything open of an order")
@idempotent
def ship(request: HttpRequest, order_id: int, body: ShipIn) -> HttpResponse:
    """Plan, pick and dispatch in one step."""
    return _brief(actions.ship_order(order_id, carrier=body.carrier, tracking=body.tracking, actor=request.actor), 201)  # type: ignore[attr-defined]


@routes.post("/orders/{int:order_id}/picking", response={201: ShipmentOut}, summary="Begin to pick an order")
@idempotent
def pick(request: HttpRequest, order_id: int, body: PickIn) -> HttpResponse:
    """Begin to pick what is open, or the named order lines; the rest is planned for the next shipment."""
    return _brief(actions.start_pick(order_id, _quantities(body.lines), actor=request.actor), 201)  # type: ignore[attr-defined]


@routes.post("/shipments/{int:shipment_id}/picking-cancellation", response=ShipmentOut, summary="Stop picking")
@idempotent
def unpick(request: HttpRequest, shipment_id: int) -> HttpResponse:
    """Stop picking a shipment; what it held is planned again."""
    return _brief(actions.cancel_pick(shipment_id, actor=request.actor))  # type: ignore[attr-defined]


@routes.post("/shipments/{int:shipment_id}/dispatch", response=ShipmentOut, summary="Dispatch a picked shipment")
@idempotent
def dispatch(request: HttpRequest, shipment_id: int, body: DispatchIn) -> HttpResponse:
    """Send a picked shipment, or the named shipment lines of it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    way = {"carrier": body.carrier, "tracking": body.tracking, "lines": told_lots(body.lines)}
    return _brief(actions.dispatch_shipment(shipment_id, **way, actor=actor))  # type: ignore[arg-type]


@routes.get("/shipments", response=ShipmentPage, summary="Shipments, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, state: str = "", order_id: int | None = None) -> HttpResponse:
    """One keyset page of the shipments the caller may see; `after` = the last id of the page before."""
    found = shipments(request.actor, order_id=order_id).select_related(None)  # type: ignore[attr-defined]
    if state:
        found = found.filter(state__in=state.split(","))
    page, limit = page_of(found, limit=limit, after=after)
    items = [_shown(x) for x in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/shipments/{int:shipment_id}", response=ShipmentOut, summary="One shipment with its lines")
def one(request: HttpRequest, shipment_id: int) -> HttpResponse:
    """The shipment with its lines and what was counted of them."""
    shipment = get_visible(request.actor, Shipment, shipment_id)  # type: ignore[attr-defined]
    lines = list(lines_of(shipment))
    if request.actor.org_id == shipment.seller_id or shipment.state in GONE:  # type: ignore[attr-defined]
        with_lots([(shipment, lines)])
    receipts, moving = receipts_of(shipment), shipment.state in UNDER_WAY
    more: dict[str, Any] = {"count_until": unscoped_count_until(shipment, shipment.order.agreement_id), "automatic": any(one.automatic for one in receipts)}
    more |= {"receipts": [receipt_shown(one) for one in receipts]}
    return reply({**_shown(shipment), **more, "lines": [_line(x, moving) for x in lines], "parcels": parcels_shown(shipment.pk)})


def receipt_shown(receipt: Receipt) -> dict[str, Any]:
    """A receipt, as the answer to who wrote it too."""
    return {"id": receipt.pk, **{name: getattr(receipt, name) for name in ("shipment_id", "at", "note", "partial", "automatic")}}
