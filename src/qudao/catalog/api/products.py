"""Products over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

import binascii
from base64 import b64decode
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Field, Query, Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.catalog import actions, queries
from qudao.catalog.models import Product
from qudao.catalog.rules import ProductDraft

routes = Router(tags=["products"])

PRODUCT = (
    *(
        "id",
        "owner_id",
        "code",
        "name",
        "name_en",
        "gtin",
        "category_id",
        "unit",
        "tax_rate",
        "state",
        "min_qty",
        "pack_multiple",
        "max_qty",
        "lead_days",
        "picture",
    ),
    *("owner__code", "category__code", "brand_id", "brand__code", "weight", "volume", "tax_class_id"),
)
PACK = ("id", "name", "name_en", "factor", "gtin")
RENAMED = {"owner__code": "owner_code", "category__code": "category_code", "brand__code": "brand_code"}


class ProductIn(Schema):
    """A product; quantities in the base unit, the tax rate as a fraction, the GTIN with 8, 12, 13 or 14 digits."""

    code: str = Field(..., max_length=64)
    name: str = Field(..., max_length=200)
    name_en: str = Field("", max_length=200)
    unit: str = Field("PCS", max_length=20)
    tax_rate: Decimal = Decimal("0.13")
    gtin: str = Field("", max_length=20)
    category_id: int | None = None
    min_qty: Decimal = Decimal(0)
    pack_multiple: Decimal = Decimal(1)
    #: most of it in one order, 0 = no limit
    max_qty: Decimal = Decimal(0)
    #: working days until it leaves, where that is more than the terms of a trade say; 0 = as they say
    lead_days: int = 0
    brand_id: int | None = None
    #: kilograms and cubic metres of one base unit, 0 = not known
    weight: Decimal = Decimal(0)
    volume: Decimal = Decimal(0)
    #: when given, the rate is that of the class
    tax_class_id: int | None = None


class NewProductIn(ProductIn):
    """A new product; without `owner_id` it belongs to the caller's organisation."""

    owner_id: int | None = None


class ProductOut(ProductIn):
    id: int
    owner_id: int
    owner_code: str
    category_code: str | None
    brand_code: str | None
    state: str
    #: address of the picture (`?s=160` = the small one); "" for none
    picture: str


class ProductPage(Schema):
    items: list[ProductOut]
    next_after: int | None


class ProductsAsked(Schema):
    """What of the catalogue is asked for."""

    limit: int = 50
    after: int | None = None
    search: str = ""
    state: str = ""
    code: str = ""


class PackIn(Schema):
    """A larger unit: `factor` base units in one. The name decides whether a pack is added or changed."""

    name: str = Field(..., max_length=40)
    name_en: str = Field("", max_length=40)
    factor: Decimal
    gtin: str = Field("", max_length=20)


class PackOut(PackIn):
    id: int


class PictureIn(Schema):
    """A picture file (JPEG, PNG, WebP, GIF or BMP) in base64."""

    content: str = Field(..., max_length=28_000_000)


class ReasonIn(Schema):
    reason: str = Field("", max_length=500)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    told = {RENAMED.get(name, name): value for name, value in row.items()}
    return told | {"picture": reverse("product_picture_file", args=[row["id"], row["picture"]]) if row["picture"] else ""}


def _one(product_id: int, actor: Actor, status: int = 200) -> HttpResponse:
    """The product as the actor sees it: read back through the policy."""
    product = queries.product(actor, product_id)
    row = queries.products(actor).filter(pk=product.pk).values(*PRODUCT).get()
    return reply(_told(row), status, location=f"/api/v1/products/{product_id}")


def told_of(names: tuple[str, ...], one: Any, status: int = 200) -> HttpResponse:
    """These fields of a record."""
    return reply({name: getattr(one, name) for name in names}, status)


def _draft(body: ProductIn) -> ProductDraft:
    return ProductDraft(**body.dict(exclude={"owner_id"}))


@routes.get("/products", response=ProductPage, summary="Products, newest first")
def index(request: HttpRequest, asked: ProductsAsked = Query(...)) -> HttpResponse:
    """One keyset page. `search` meets code, names, pinyin initials or a barcode; `code` several codes with commas; `after` = the last id shown."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.products(actor, search=asked.search, state=asked.state)
    if asked.code:
        found = found.filter(code__in=asked.code.split(","))
    page, limit = page_of(found, limit=asked.limit, after=asked.after)
    items = [_told(row) for row in page.values(*PRODUCT)]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/products", response={201: ProductOut}, summary="Register a product")
@idempotent
def register(request: HttpRequest, body: NewProductIn) -> HttpResponse:
    """Add a product to the catalogue of the own organisation, or of an outside supplier under it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    made: Product = actions.register_product(body.owner_id or actor.org_id, _draft(body), actor=actor)
    return _one(made.pk, actor, 201)


@routes.get("/products/{int:product_id}", response=ProductOut, summary="One product")
def one(request: HttpRequest, product_id: int) -> HttpResponse:
    """A product of the own catalogue, or of one that is open to the caller."""
    return _one(product_id, request.actor)  # type: ignore[attr-defined]


@routes.put("/products/{int:product_id}", response=ProductOut, summary="Describe a product anew")
@idempotent
def change(request: HttpRequest, product_id: int, body: ProductIn) -> HttpResponse:
    """Replace the description; documents keep what they were made with."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.change_product(product_id, _draft(body), actor=actor)
    return _one(product_id, actor)


@routes.post("/products/{int:product_id}/block", response=ProductOut, summary="Block")
@idempotent
def block(request: HttpRequest, product_id: int, body: ReasonIn) -> HttpResponse:
    """No new orders; what is ordered goes on."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.block_product(product_id, body.reason, actor=actor)
    return _one(product_id, actor)


@routes.delete("/products/{int:product_id}/block", response=ProductOut, summary="Unblock")
@idempotent
def unblock(request: HttpRequest, product_id: int) -> HttpResponse:
    """Orders as before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.unblock_product(product_id, actor=actor)
    return _one(product_id, actor)


@routes.put("/products/{int:product_id}/picture", response=ProductOut, summary="Set the picture")
@idempotent
def set_picture(request: HttpRequest, product_id: int, body: PictureIn) -> HttpResponse:
    """Drawn anew as WebP of 480 and 160 pixels; read it at the address `picture` of the product."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        content = b64decode(body.content, validate=True)
    except binascii.Error:
        content = body.content.encode()  # the action says that this is no picture, after it has asked who sends it
    actions.set_picture(product_id, content, actor=actor)
    return _one(product_id, actor)


@routes.delete("/products/{int:product_id}/picture", response=ProductOut, summary="Take the picture away")
@idempotent
def remove_picture(request: HttpRequest, product_id: int) -> HttpResponse:
    """The placeholder stands in its place."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.remove_picture(product_id, actor=actor)
    return _one(product_id, actor)


@routes.get("/products/{int:product_id}/packs", response=list[PackOut], summary="The packs of a product")
def packs(request: HttpRequest, product_id: int) -> HttpResponse:
    """Smallest first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    queries.product(actor, product_id)
    return reply(list(queries.packs(actor, product_id).values(*PACK)))


@routes.post("/products/{int:product_id}/packs", response={201: PackOut}, summary="Add or change a pack")
@idempotent
def set_pack(request: HttpRequest, product_id: int, body: PackIn) -> HttpResponse:
    """The pack of this name."""
    return told_of(PACK, actions.set_pack(product_id, **body.dict(), actor=request.actor), 201)  # type: ignore[attr-defined]


@routes.delete("/packs/{int:pack_id}", response=ProductOut, summary="Take a pack off its product")
@idempotent
def remove_pack(request: HttpRequest, pack_id: int) -> HttpResponse:
    """Documents hold base units, so nothing refers to it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.remove_pack(pack_id, actor=actor).pk, actor)
