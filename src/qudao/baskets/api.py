"""Baskets, templates and favourites over the API: the same actions as the pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from qudao.agreements.queries import agreement as agreement_of
from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.baskets import actions, queries
from qudao.baskets.actions.fill import BasketFacts
from qudao.baskets.models import Basket, Template
from qudao.baskets.rules import MOST_LINES, Entry
from qudao.catalog.queries import unscoped_ids_by_code
from qudao.kernel.errors import NotFound

routes = Router(tags=["baskets"])


class EntryIn(Schema):
    """A product by id, or by its code in the seller's catalogue; the quantity in base units. A code that is not known stays in the basket as it is."""

    product_id: int | None = None
    code: str = Field("", max_length=64)
    qty: Decimal


class EntriesIn(Schema):
    """Lines of the caller's basket under an agreement."""

    agreement_id: int
    lines: list[EntryIn] = Field(..., max_length=MOST_LINES)


class BasketLine(Schema):
    """A line; `product_id` is null and `code` holds what was typed when it means no product."""

    id: int
    product_id: int | None
    code: str
    qty: str
    unit: str


class BasketOut(Schema):
    """A basket of the caller; `version` grows with each change."""

    id: int
    agreement_id: int
    version: int
    requested_on: date | None
    po_number: str
    note: str
    address_id: int | None
    kind: str
    lines: list[BasketLine]


class BasketItem(Schema):
    id: int
    agreement_id: int
    version: int
    changed_at: str


class BasketPage(Schema):
    items: list[BasketItem]
    next_after: int | None


class BasketSubmission(Schema):
    """`version`: the basket is ordered only if it is still this one; without it, as it is. `client_id`: a second submit returns the first order."""

    version: int | None = None
    client_id: UUID | None = None


class PlacedOut(Schema):
    """The order that was placed."""

    id: int
    number: str
    status: str


class BasketHead(Schema):
    """What is said of the whole order."""

    agreement_id: int
    requested_on: date | None = None
    po_number: str = Field("", max_length=40)
    note: str = Field("", max_length=500)
    address_id: int | None = None
    kind: Literal["regular", "sample", "emergency"] = "regular"


class TemplateIn(Schema):
    """`shared` = everybody of the own organisation may load it."""

    name: str = Field(..., max_length=60)
    shared: bool = False


class TemplateOut(TemplateIn):
    id: int
    agreement_id: int
    own: bool


class TemplateRows(Schema):
    items: list[TemplateOut]
    next_after: int | None


class FavouriteItem(Schema):
    product_id: int
    code: str


class FavouriteRows(Schema):
    items: list[FavouriteItem]
    next_after: int | None


class Listed(Schema):
    """A keyset page: `after` = the last id shown."""

    limit: int = 50
    after: int | None = None


def _entries(body: EntriesIn, actor: Actor) -> list[Entry]:
    queries.baskets(actor)  # who may not use baskets is told so before anything is looked up
    seller_id = agreement_of(actor, body.agreement_id).seller_id
    ids = unscoped_ids_by_code(seller_id, [one.code for one in body.lines if one.code and one.product_id is None])
    seen = queries.visible_products(actor, ids.values())
    found = []
    for one in body.lines:
        known = ids.get(one.code)
        product_id = one.product_id if one.product_id is not None else known if known in seen else None
        found.append(Entry(product_id, one.qty, code="" if product_id is not None else one.code or "?"))
    return found


def _told(basket: Basket, actor: Actor, status: int = 200) -> HttpResponse:
    """The basket as its owner sees it, read back through the policy."""
    basket = queries.basket(actor, basket.pk)
    lines = [
        {"id": one.pk, "product_id": one.product_id, "code": one.product.code if one.product else one.code, "qty": str(one.qty),
         "unit": one.product.unit if one.product else ""}
        for one in queries.lines_of(actor, basket.pk)
    ]  # fmt: skip
    facts = {name: getattr(basket, name) for name in ("id", "agreement_id", "version", "requested_on", "po_number", "note", "address_id", "kind")}
    return reply({**facts, "lines": lines}, status, location=f"/api/v1/baskets/{basket.pk}")


def _template(one: Template, actor: Actor) -> dict[str, Any]:
    return {"id": one.pk, "agreement_id": one.agreement_id, "name": one.name, "shared": one.shared, "own": one.user_id == actor.user_id}


def _page(items: Sequence[dict[str, Any]], limit: int, last: int | None) -> HttpResponse:
    return reply({"items": items, "next_after": last if len(items) == limit else None})


@routes.get("/baskets", response=BasketPage, summary="The caller's baskets, newest first")
def index(request: HttpRequest, asked: Listed = Query(...)) -> HttpResponse:
    """One for each agreement that something was put in for."""
    page, limit = page_of(queries.baskets(request.actor), limit=asked.limit, after=asked.after)  # type: ignore[attr-defined]
    found = list(page.values("id", "agreement_id", "version", "changed_at"))
    return _page(found, limit, found[-1]["id"] if found else None)


@routes.post("/baskets", response={201: BasketOut}, summary="Add lines")
@idempotent
def add(request: HttpRequest, body: EntriesIn) -> HttpResponse:
    """Quantities of a product add up; a negative one takes away. The basket is opened when there is none."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.add_lines(body.agreement_id, _entries(body, actor), actor=actor), actor, 201)


@routes.put("/baskets", response=BasketOut, summary="Set quantities")
@idempotent
def put(request: HttpRequest, body: EntriesIn) -> HttpResponse:
    """Zero takes a product out; lines that are not named stay."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.put_lines(body.agreement_id, _entries(body, actor), actor=actor), actor)


@routes.patch("/baskets", response=BasketOut, summary="Say something of the whole order")
@idempotent
def describe(request: HttpRequest, body: BasketHead) -> HttpResponse:
    """Wanted day of delivery, own number, note and delivery address are kept with the basket."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    facts = BasketFacts(body.requested_on, body.po_number, body.note, body.address_id, kind=body.kind)
    return _told(actions.describe_basket(body.agreement_id, facts, actor=actor), actor)


@routes.get("/baskets/{int:basket_id}", response=BasketOut, summary="One basket")
def one(request: HttpRequest, basket_id: int) -> HttpResponse:
    """Its lines in the order in which they came."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(queries.basket(actor, basket_id), actor)


@routes.delete("/baskets/{int:basket_id}", response=BasketOut, summary="Empty a basket")
@idempotent
def clear(request: HttpRequest, basket_id: int) -> HttpResponse:
    """All lines are taken out."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.clear_basket(basket_id, actor=actor), actor)


@routes.delete("/baskets/{int:basket_id}/lines/{int:line_id}", response=BasketOut, summary="Take a line out")
@idempotent
def remove(request: HttpRequest, basket_id: int, line_id: int) -> HttpResponse:
    """The line is gone, the others stay."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if queries.basket(actor, basket_id).pk != queries.line(actor, line_id).basket_id:
        raise NotFound("base.not_found")
    return _told(actions.remove_line(line_id, actor=actor), actor)


@routes.post("/baskets/{int:basket_id}/submission", response={201: PlacedOut}, summary="Order what is in it")
@idempotent
def submit(request: HttpRequest, basket_id: int, body: BasketSubmission) -> HttpResponse:
    """The order is placed and the basket emptied, both or neither. Every fault stands at `lines.<n>` in the order of the lines."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = actions.submit_basket(basket_id, version=body.version, actor=actor, client_id=body.client_id)
    return reply({"id": order.pk, "number": order.number, "status": order.status}, 201, location=f"/api/v1/orders/{order.pk}")


@routes.post("/orders/{int:order_id}/again", response={201: BasketOut}, summary="Order again")
@idempotent
def again(request: HttpRequest, order_id: int) -> HttpResponse:
    """What an own order asked for is added to the basket, at today's terms."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.reorder(order_id, actor=actor), actor, 201)


@routes.get("/templates", response=TemplateRows, summary="Templates, newest first")
def templates(request: HttpRequest, asked: Listed = Query(...)) -> HttpResponse:
    """The own ones, and those that colleagues share."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page, limit = page_of(queries.templates(actor), limit=asked.limit, after=asked.after)
    found = [_template(one, actor) for one in page]
    return _page(found, limit, found[-1]["id"] if found else None)


@routes.post("/baskets/{int:basket_id}/template", response={201: TemplateOut}, summary="Save a basket as template")
@idempotent
def save_template(request: HttpRequest, basket_id: int, body: TemplateIn) -> HttpResponse:
    """An own template of this name is written anew."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_template(actions.save_template(basket_id, body.name, shared=body.shared, actor=actor), actor), 201)


@routes.put("/templates/{int:template_id}", response=TemplateOut, summary="Rename or share a template")
@idempotent
def change_template(request: HttpRequest, template_id: int, body: TemplateIn) -> HttpResponse:
    """Own templates only."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_template(actions.change_template(template_id, body.name, shared=body.shared, actor=actor), actor))


@routes.delete("/templates/{int:template_id}", response={204: None}, summary="Delete a template")
@idempotent
def remove_template(request: HttpRequest, template_id: int) -> HttpResponse:
    """Own templates only."""
    actions.remove_template(template_id, actor=request.actor)  # type: ignore[attr-defined]
    return HttpResponse(status=204)


@routes.post("/templates/{int:template_id}/loading", response={201: BasketOut}, summary="Put a template in the basket")
@idempotent
def load_template(request: HttpRequest, template_id: int) -> HttpResponse:
    """Its lines are added."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told(actions.load_template(template_id, actor=actor), actor, 201)


@routes.get("/favourites", response=FavouriteRows, summary="Favourites, newest first")
def favourites(request: HttpRequest, asked: Listed = Query(...)) -> HttpResponse:
    """The products that the caller marked."""
    page, limit = page_of(queries.favourites(request.actor), limit=asked.limit, after=asked.after)  # type: ignore[attr-defined]
    found = list(page)
    items = [{"product_id": one.product_id, "code": one.product.code} for one in found]
    return _page(items, limit, found[-1].pk if found else None)


@routes.put("/favourites/{int:product_id}", response={204: None}, summary="Mark a product")
@idempotent
def mark(request: HttpRequest, product_id: int) -> HttpResponse:
    """Twice is as good as once."""
    actions.set_favourite(product_id, on=True, actor=request.actor)  # type: ignore[attr-defined]
    return HttpResponse(status=204)


@routes.delete("/favourites/{int:product_id}", response={204: None}, summary="Unmark a product")
@idempotent
def unmark(request: HttpRequest, product_id: int) -> HttpResponse:
    """Twice is as good as once."""
    actions.set_favourite(product_id, on=False, actor=request.actor)  # type: ignore[attr-defined]
    return HttpResponse(status=204)
