"""Stock for tests, built through the actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from qudao.base.access import Actor, system_actor
from qudao.base.action import unit
from qudao.base.invariants import offending
from qudao.base.subject import Subject
from qudao.catalog.models import Product
from qudao.catalog.tests.make import make_product
from qudao.inventory import invariants
from qudao.inventory.actions import OpeningLine, ensure_places, receive_opening
from qudao.inventory.models import Stock
from qudao.inventory.rules import Key
from qudao.network.models import Organisation

T = TypeVar("T")
ORDER = Subject("orders.order", 1, number="SO-1")
SHIPMENT = Subject("fulfilment.shipment", 1, number="SH-1")


@dataclass(frozen=True)
class Shelf:
    """The places of one organisation and some products in its MAIN place."""

    owner: Organisation
    main: int
    transit: int
    claims: int
    outside: int
    products: list[Product]


def make_places(owner: Organisation) -> dict[str, int]:
    """The standard places, code → id."""
    return unit(lambda: ensure_places(owner.pk, actor=system_actor()))


def make_stock(place_id: int, quantities: dict[int, Decimal | int], *, actor: Actor | None = None) -> None:
    """Opening stock by product id."""
    lines = [OpeningLine(product, Decimal(qty)) for product, qty in quantities.items() if qty]
    if lines:
        receive_opening(place_id, lines, "opening", actor=actor or system_actor())


def make_shelf(owner: Organisation, quantities: Sequence[int] = (10, 10, 10)) -> Shelf:
    """Products P1, P2, … of `owner`, each with its opening quantity in MAIN (zero: no stock row)."""
    places = make_places(owner)
    products = [make_product(owner, f"P{n}") for n in range(1, len(quantities) + 1)]
    make_stock(places["MAIN"], dict(zip([p.pk for p in products], quantities, strict=True)))
    return Shelf(owner, places["MAIN"], places["TRANSIT"], places["CLAIMS"], places["OUTSIDE"], products)


def levels(*place_ids: int) -> dict[Key, tuple[Decimal, Decimal]]:
    """(on hand, reserved) by place and product."""
    found = (Stock.unscoped.filter(place__in=place_ids) if place_ids else Stock.unscoped.all()).order_by("place", "product")
    return {(s.place_id, s.product_id): (s.on_hand, s.reserved) for s in found}


def in_unit(body: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Call a part as an action of an upper module would, by the system."""
    return unit(lambda: body(*args, actor=system_actor(), **kwargs))


def assert_sound() -> None:
    """Every invariant of stock holds."""
    for check in invariants.CHECKS:
        assert offending(check) == (0, []), check.name
