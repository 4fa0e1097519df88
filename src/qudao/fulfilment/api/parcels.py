"""What a shipment is packed in, over the API."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import get_visible
from qudao.base.rest import idempotent, page_of, reply
from qudao.fulfilment import actions, queries
from qudao.fulfilment.api.differences import routes
from qudao.fulfilment.api.shipments import LeavingLine, ParcelOut, parcels_shown, told_lots
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.states import PackageKind

SHIPMENT = "/shipments/{int:shipment_id}"


class RestIn(Schema):
    """How to pack what is in no parcel yet: all in one, `per` units in each, or `by_packs`: each full pack of a product is one."""

    kind: PackageKind = PackageKind.CARTON
    per: Decimal | None = None
    by_packs: bool = False


class ParcelIn(Schema):
    """A parcel: what it is, its gross weight in kilograms, and by shipment line what is in it, where one likes with its lots."""

    kind: PackageKind = PackageKind.CARTON
    weight: Decimal | None = None
    lines: list[LeavingLine] = Field(..., min_length=1)

    def told(self) -> dict[str, Any]:
        """As the actions take it."""
        return {"lines": told_lots(self.lines), "kind": self.kind, "weight": self.weight}


class ParcelsOut(Schema):
    """All parcels of a shipment."""

    shipment_id: int
    parcels: list[ParcelOut]


class FoundOut(Schema):
    """A parcel by its number, and the shipment it travels with."""

    id: int
    sscc: str
    shipment_id: int
    shipment: str
    state: str


class FoundPage(Schema):
    items: list[FoundOut]
    next_after: int | None


def _all(shipment: Shipment, status: int = 200) -> HttpResponse:
    shown = {"shipment_id": shipment.pk, "parcels": parcels_shown(shipment.pk)}
    return reply(shown, status, location=f"/api/v1/shipments/{shipment.pk}/parcels" if status == 201 else "")


@routes.get("/parcels", response=FoundPage, summary="Parcels, newest first, or the one with a number (SSCC)")
def parcels(request: HttpRequest, limit: int = 50, after: int | None = None, sscc: str = "") -> HttpResponse:
    """One keyset page of the parcels the caller may see; `sscc`: 18 digits, with or without the (00) of a scanner."""
    found = queries.packages(request.actor)  # type: ignore[attr-defined]
    if sscc:
        found = found.filter(sscc="".join(c for c in sscc if c.isdigit())[-18:])
    page, limit = page_of(found.order_by("-pk"), limit=limit, after=after)
    items = [{"id": p.pk, "sscc": p.sscc, "shipment_id": p.shipment_id, "shipment": p.shipment.number, "state": p.shipment.state} for p in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get(f"{SHIPMENT}/parcels", response=ParcelsOut, summary="The parcels of a shipment")
def of_shipment(request: HttpRequest, shipment_id: int) -> HttpResponse:
    """With what is in each."""
    return _all(get_visible(request.actor, Shipment, shipment_id))  # type: ignore[attr-defined]


@routes.post(f"{SHIPMENT}/parcels", response={201: ParcelsOut}, summary="Add a parcel")
@idempotent
def add_parcel(request: HttpRequest, shipment_id: int, body: ParcelIn) -> HttpResponse:
    """It is the last of the answer. Its number is given once and never to another parcel."""
    return _all(actions.pack_lines(shipment_id, **body.told(), actor=request.actor), 201)  # type: ignore[attr-defined]


@routes.post(f"{SHIPMENT}/packing", response={201: ParcelsOut}, summary="Pack what is in no parcel yet")
@idempotent
def pack(request: HttpRequest, shipment_id: int, body: RestIn) -> HttpResponse:
    """All in one parcel, so many units in each, or a parcel for each full pack."""
    how = {"per": body.per, "by_packs": body.by_packs}
    return _all(actions.pack_rest(shipment_id, body.kind, **how, actor=request.actor), 201)  # type: ignore[attr-defined,arg-type]


@routes.post(f"{SHIPMENT}/unpacking", response=ParcelsOut, summary="Take all parcels of a shipment apart")
@idempotent
def unpack(request: HttpRequest, shipment_id: int) -> HttpResponse:
    """As long as it is being picked."""
    return _all(actions.unpack_shipment(shipment_id, actor=request.actor))  # type: ignore[attr-defined]


@routes.put("/parcels/{int:parcel_id}", response=ParcelsOut, summary="Say anew what is in a parcel")
@idempotent
def change_parcel(request: HttpRequest, parcel_id: int, body: ParcelIn) -> HttpResponse:
    """It keeps its number."""
    return _all(actions.change_package(parcel_id, **body.told(), actor=request.actor))  # type: ignore[attr-defined]


@routes.delete("/parcels/{int:parcel_id}", response=ParcelsOut, summary="Take a parcel apart")
@idempotent
def remove_parcel(request: HttpRequest, parcel_id: int) -> HttpResponse:
    """Its number is never given again."""
    return _all(actions.remove_package(parcel_id, actor=request.actor))  # type: ignore[attr-defined]
