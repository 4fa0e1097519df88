"""The one click that brings goods which are short: a move out of another own warehouse, or an order, each a form that is filled in already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.translation import pgettext

from qudao.base.access import Actor
from qudao.base.html.pages import Button, Panel
from qudao.inventory.states import PlaceKind
from qudao.portal.pages.ways import link
from qudao.portal.queries.attention import Lack
from qudao.portal.queries.restock import Way, needs_at, needs_of, ways


def button(way: Way) -> Button:
    """What leads to the form of a way."""
    lines = [("line", f"{code} {_plain(qty)}") for code, qty in way.lines]
    if way.agreement_id:
        return Button(pgettext("button", "Order"), link("order_new", urlencode([("agreement", way.agreement_id), *lines])), "shopping-cart")
    ends = [("from_place", way.from_place), ("to_place", way.to_place)]
    return Button(pgettext("button", "Move here"), link("stock_shift", urlencode([*ends, *lines])), "arrow-right")


def of_short(actor: Actor, lacks: Sequence[Lack]) -> dict[int, Button]:
    """By product that orders in review ask for in vain, the one click that helps with all of them."""
    return {pk: button(way) for pk, way in ways(actor, needs_of(lacks)).items()}


def of_stock(actor: Actor, rows: Iterable[Any]) -> dict[int, Button]:
    """By row of stock in an own warehouse of which nothing is free, the one click that brings more. Named in `qudao.web.panels`."""
    mine = [row for row in rows if _empty(actor, row)]
    if not mine or not (actor.can("orders.place") or actor.can("inventory.move")):
        return {}
    found = ways(actor, needs_at(actor, {row.product_id: (row.place_id, row.product.code) for row in mine}))
    return {row.pk: button(found[row.product_id]) for row in mine if row.product_id in found}


def panel(request: HttpRequest, stock: Any) -> Panel | None:
    """On a product of which nothing is free: how it comes in. Named in `qudao.web.panels`."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = of_stock(actor, [stock])
    if not found:
        return None
    items: Sequence[Mapping[str, Any]] = [{"label": pgettext("stock", "Nothing is free"), "buttons": list(found.values())}]
    return Panel(pgettext("stock", "Bring more in"), "parts/panel_items.html", {"items": items}, aside=True)


def _empty(actor: Actor, row: Any) -> bool:
    place = row.place
    return bool(row.free <= 0 and place.owner_id == actor.org_id and place.kind == PlaceKind.STOCK and not place.closed)


def _plain(qty: Decimal) -> str:
    return f"{qty.normalize():f}"
