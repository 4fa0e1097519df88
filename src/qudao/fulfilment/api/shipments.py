"""Shipments over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor, get_visible
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.fulfilment import actions
from qudao.fulfilment.actions.photos import MOST
from qudao.fulfilment.models import Receipt, Shipment
from qudao.fulfilment.queries import lines_of, receipt_of, shipments, unscoped_count_until, unscoped_packages, with_lots
from qudao.fulfilment.rules import Count
from qudao.fulfilment.states import GONE
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


class CountIn(Schema):
    """What was counted of a shipment line. Without `short`, what is missing follows from the shipped quantity."""

    line_id: int
    received: Decimal
    damaged: Decimal = Decimal(0)
    short: Decimal | None = None
    over: Decimal = Decimal(0)
    refused: Decimal = Decimal(0)
    wrong: Decimal = Decimal(0)
    wrong_product: str = Field("", max_length=64, description="The code of what came instead.")
    note: str = Field("", max_length=500)


class SeenIn(CountIn):
    """The same with photos: JPEG, PNG or WebP files as Base64. The agreement may ask for one of what is damaged or wrong."""

    photos: list[str] = Field([], max_length=MOST)


class ReceiptIn(Schema):
    """The count of a shipment; a line that is not named arrived as shipped."""

    lines: list[SeenIn] = []
    note: str = Field("", max_length=500)


class ArrivedLot(LotQuantity):
    expires_on: date | None = None


class ArrivedIn(CountIn):
    """What came of an order line; all but `over` makes what the delivery note says. `lots` of a product tracked by lot make that quantity."""

    lots: list[ArrivedLot] = []


class PurchaseReceiptIn(ReceiptIn):
    """What came of an outside purchase, by order line; what is not named did not come."""

    lines: list[ArrivedIn]  # type: ignore[assignment]
    delivery_note: str = Field("", max_length=80)


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
    lines: list[ParcelLineOut]


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
    parcels: list[ParcelOut] | None = None


class ShipmentPage(Schema):
    items: list[ShipmentOut]
    next_after: int | None


class ReceiptOut(Schema):
    id: int
    shipment_id: int
    at: datetime
    note: str


class RefusalIn(Schema):
    """Why nothing of a shipment is taken."""

    reason: str = Field(..., max_length=500)


def _shown(shipment: Shipment) -> dict[str, Any]:
    return {"id": shipment.pk, **{name: getattr(shipment, name) for name in HEAD}}


def _line(line: Any) -> dict[str, Any]:
    count = getattr(line, "count", None)
    product = line.product
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
        "wrong_product": count.wrong_product.code if count and count.wrong_product else None,
        "lots": [{"lot": x.lot, "expires_on": x.expires_on, "qty": x.qty} for x in getattr(line, "lots", ())],
    }


def parcels_shown(shipment_id: int) -> list[dict[str, Any]]:
    """The parcels of a shipment the caller was shown."""
    return [
        {
            **{name: getattr(package, name) for name in ("no", "kind", "sscc", "weight")},
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


@routes.post("/shipments/{int:shipment_id}/receipt", response={201: ReceiptOut}, summary="Confirm what arrived")
@idempotent
def receive(request: HttpRequest, shipment_id: int, body: ReceiptIn) -> HttpResponse:
    """Count a shipment; received, damaged and missing make what was shipped, `over` comes on top."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _receipt(actions.confirm_receipt(shipment_id, _counts(body.lines), note=body.note, photos=photos_in(body.lines), actor=actor))


def photos_in(lines: Sequence[SeenIn]) -> dict[int, list[UploadedFile]]:
    """The photos that came with counted lines, by line. Raises Invalid at a line whose photo is no Base64."""
    found: dict[int, list[UploadedFile]] = {}
    for line in lines:
        for n, text in enumerate(line.photos, 1):
            try:
                content = b64decode(text, validate=True)
            except ValueError:
                raise Invalid("fulfilment.photo_unreadable", field=f"lines.{line.line_id}.photos") from None
            found.setdefault(line.line_id, []).append(SimpleUploadedFile(f"{n}.jpg", content))
    return found


def _counts(lines: Sequence[CountIn]) -> list[Count]:
    return [Count(x.line_id, x.received, x.damaged, x.short, x.over, x.note, x.refused, x.wrong, x.wrong_product.strip()) for x in lines]


@routes.post("/orders/{int:order_id}/receipts", response={201: ReceiptOut}, summary="Receive from an outside seller")
@idempotent
def receive_purchase(request: HttpRequest, order_id: int, body: PurchaseReceiptIn) -> HttpResponse:
    """Count what came of a purchase whose seller has nobody here; the rest is still expected."""
    lots = {x.line_id: tuple(LotQty(lot.lot, lot.expires_on, lot.qty) for lot in x.lots) for x in body.lines if x.lots}
    told = {"delivery_note": body.delivery_note, "note": body.note, "lots": lots}
    return _receipt(actions.receive_purchase(order_id, _counts(body.lines), **told, actor=request.actor))  # type: ignore[attr-defined,arg-type]


@routes.post("/shipments/{int:shipment_id}/refusal", response={201: ReceiptOut}, summary="Refuse a shipment")
@idempotent
def refuse(request: HttpRequest, shipment_id: int, body: RefusalIn) -> HttpResponse:
    """Take nothing of a shipment; each line is a difference until its seller settles it."""
    return _receipt(actions.refuse_shipment(shipment_id, body.reason, actor=request.actor))  # type: ignore[attr-defined]


def _receipt(receipt: Receipt) -> HttpResponse:
    shown = {"id": receipt.pk, "shipment_id": receipt.shipment_id, "at": receipt.at, "note": receipt.note}
    return reply(shown, 201, location=f"/api/v1/shipments/{receipt.shipment_id}")


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
    receipt = receipt_of(shipment)
    more = {"count_until": unscoped_count_until(shipment, shipment.order.agreement_id), "automatic": bool(receipt and receipt.automatic)}
    return reply({**_shown(shipment), **more, "lines": [_line(x) for x in lines], "parcels": parcels_shown(shipment.pk)})
