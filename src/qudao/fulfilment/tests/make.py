"""Shipments for tests, built through the actions: an order of HQ to a dealer, shipped and received."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from decimal import Decimal
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.fulfilment.models import Receipt, Shipment, ShipmentLine
from qudao.fulfilment.rules import Count
from qudao.inventory.models import Stock
from qudao.orders.models import Order
from qudao.orders.tests.make import World, make_world, place

__all__ = ["Count", "World", "counts", "encoded", "lines", "make_world", "on_hand", "photo", "place", "received", "shipped"]


def shipped(world: World, order: Order) -> Shipment:
    """The whole order on its way."""
    return ship_order(order.pk, carrier="SF", tracking="SF1001", actor=world.cast.hq_warehouse)


def received(world: World, order: Order, *damaged: int) -> Receipt:
    """The whole order shipped and received; `damaged` pieces by line are not."""
    shipment = shipped(world, order)
    return confirm_receipt(shipment.pk, counts(shipment, damaged), actor=world.dealer)


def lines(shipment: Shipment) -> list[ShipmentLine]:
    """The lines of a shipment in the order of the order."""
    return list(ShipmentLine.unscoped.filter(shipment=shipment).select_related("line").order_by("line__no"))


def counts(shipment: Shipment, damaged: tuple[int, ...]) -> list[Count]:
    """A count in which some pieces of the first lines are damaged."""
    return [Count(line.pk, line.qty - bad, Decimal(bad)) for line, bad in zip(lines(shipment), damaged, strict=False)]


def photo(name: str = "dent.jpg", colour: str = "teal") -> SimpleUploadedFile:
    """A picture as a phone sends it."""
    out = BytesIO()
    Image.new("RGB", (60, 40), colour).save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue())


def encoded() -> str:
    """The same as a program sends it."""
    return b64encode(photo().read()).decode()


def on_hand(places: Mapping[str, int] | int, product_id: int) -> Decimal:
    """What lies in a place; zero without a row."""
    place_id = places if isinstance(places, int) else places["MAIN"]
    return Stock.unscoped.filter(place_id=place_id, product_id=product_id).values_list("on_hand", flat=True).first() or Decimal(0)
