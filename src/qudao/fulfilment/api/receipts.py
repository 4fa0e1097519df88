"""Receipts over the API: what came of a shipment, at once or in parts, and of an outside purchase."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import idempotent, reply
from qudao.fulfilment import actions
from qudao.fulfilment.actions.photos import MOST
from qudao.fulfilment.api.parcels import routes
from qudao.fulfilment.api.shipments import LotQuantity, ReceiptOut, receipt_shown
from qudao.fulfilment.models import Receipt
from qudao.fulfilment.rules import Count
from qudao.fulfilment.states import MOST_PACKAGES
from qudao.inventory.rules import LotQty
from qudao.kernel.errors import Invalid


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


class ArrivalIn(ReceiptIn):
    """The same of a part: while `more_to_come` the rest stays under way, and a line that is not named did not come. `parcels` (SSCC) that came: what is
    in them is received where its line is not counted; nothing more to come, the rest is missing.
    """

    more_to_come: bool = False
    parcels: list[str] = Field([], max_length=MOST_PACKAGES)


class ReceiptEndIn(Schema):
    """What is said of a rest that does not come."""

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


class RefusalIn(Schema):
    """Why nothing of a shipment is taken."""

    reason: str = Field(..., max_length=500)


@routes.post("/shipments/{int:shipment_id}/receipt", response={201: ReceiptOut}, summary="Confirm what arrived")
@idempotent
def receive(request: HttpRequest, shipment_id: int, body: ArrivalIn) -> HttpResponse:
    """Count a shipment; received, damaged and missing make what was shipped, `over` comes on top. With `more_to_come` or parcels: a part of it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    counts, photos = _counts(body.lines), photos_in(body.lines)
    if body.more_to_come or body.parcels:
        part = actions.Part(counts, body.parcels, body.note, body.more_to_come)
        return _receipt(actions.receive_part(shipment_id, part, photos=photos, actor=actor))
    return _receipt(actions.confirm_receipt(shipment_id, counts, note=body.note, photos=photos, actor=actor))


@routes.post("/shipments/{int:shipment_id}/receipt-end", response={201: ReceiptOut}, summary="Nothing more comes of a shipment")
@idempotent
def end(request: HttpRequest, shipment_id: int, body: ReceiptEndIn) -> HttpResponse:
    """The rest of a shipment that was received in part is missing; its differences wait for the seller."""
    return _receipt(actions.end_receipt(shipment_id, body.note, actor=request.actor))  # type: ignore[attr-defined]


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
    shown = receipt_shown(receipt)
    return reply(shown, 201, location=f"/api/v1/shipments/{receipt.shipment_id}")
