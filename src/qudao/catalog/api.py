"""Products over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

import binascii
from base64 import b64decode
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Field, Query, Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.catalog import actions, queries
from qudao.catalog.models import Product
from qudao.catalog.rules import BrandDraft, ProductDraft, TaxClassDraft

routes = Router(tags=["products"])

PRODUCT = (
    *("id", "owner_id", "code", "name", "name_en", "gtin", "category_id", "unit", "tax_rate", "state", "min_qty", "pack_multiple", "max_qty", "picture"),
    *("owner__code", "category__code", "brand_id", "brand__code", "weight", "volume", "tax_class_id"),
)
PACK = ("id", "name", "name_en", "factor", "gtin")
BRAND = ("id", "owner_id", "code", "name", "name_en")
CATEGORY = (*BRAND, "parent_id", "path")
TAX = (*BRAND, "exempt", "today")
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


class BrandIn(Schema):
    code: str = Field(..., max_length=64)
    name: str = Field(..., max_length=120)
    name_en: str = Field("", max_length=120)


class BrandOut(BrandIn):
    id: int
    owner_id: int


class TaxRateIn(Schema):
    rate: Decimal
    valid_from: date


class TaxClassIn(BrandIn, TaxRateIn):
    """A tax class with its first rate, a fraction; an exempt one has the rate 0."""

    exempt: bool = False


class SuccessorIn(Schema):
    """From `valid_from` on, the successor takes the place of the product."""

    successor_id: int
    valid_from: date


class EquivalentsIn(Schema):
    """Products that can stand in for the product, and so for one another."""

    product_ids: list[int] = Field(..., min_length=1, max_length=200)


class ReplacementsOut(Schema):
    """What stands in for a product: its successor with the first day, and its equivalents."""

    successor_id: int | None
    valid_from: date | None
    equivalent_ids: list[int]


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


class CategoryIn(Schema):
    code: str = Field(..., max_length=64)
    name: str = Field(..., max_length=120)
    name_en: str = Field("", max_length=120)
    parent_id: int | None = None


class CategoryOut(CategoryIn):
    id: int
    owner_id: int
    path: str


def _told(row: dict[str, Any]) -> dict[str, Any]:
    told = {RENAMED.get(name, name): value for name, value in row.items()}
    return told | {"picture": reverse("product_picture_file", args=[row["id"], row["picture"]]) if row["picture"] else ""}


def _one(product_id: int, actor: Actor, status: int = 200) -> HttpResponse:
    """The product as the actor sees it: read back through the policy."""
    product = queries.product(actor, product_id)
    row = queries.products(actor).filter(pk=product.pk).values(*PRODUCT).get()
    return reply(_told(row), status, location=f"/api/v1/products/{product_id}")


def _told_of(names: tuple[str, ...], one: Any, status: int = 200) -> HttpResponse:
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
    return _told_of(PACK, actions.set_pack(product_id, **body.dict(), actor=request.actor), 201)  # type: ignore[attr-defined]


@routes.delete("/packs/{int:pack_id}", response=ProductOut, summary="Take a pack off its product")
@idempotent
def remove_pack(request: HttpRequest, pack_id: int) -> HttpResponse:
    """Documents hold base units, so nothing refers to it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.remove_pack(pack_id, actor=actor).pk, actor)


@routes.get("/categories", response=list[CategoryOut], summary="Categories in tree order")
def categories(request: HttpRequest) -> HttpResponse:
    """All that the caller sees; a catalogue has tens of them, not thousands."""
    return reply(list(queries.categories(request.actor).values(*CATEGORY)[:5000]))  # type: ignore[attr-defined]


@routes.post("/categories", response={201: CategoryOut}, summary="Register a category")
@idempotent
def register_category(request: HttpRequest, body: CategoryIn) -> HttpResponse:
    """Add a category to the own tree."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told_of(CATEGORY, actions.register_category(actor.org_id, actions.CategoryDraft(**body.dict()), actor=actor), 201)


@routes.put("/categories/{int:category_id}", response=CategoryOut, summary="Rename or move a category")
@idempotent
def change_category(request: HttpRequest, category_id: int, body: CategoryIn) -> HttpResponse:
    """The branch below follows."""
    return _told_of(CATEGORY, actions.change_category(category_id, actions.CategoryDraft(**body.dict()), actor=request.actor))  # type: ignore[attr-defined]


@routes.get("/brands", response=list[BrandOut], summary="Brands by owner and code")
def brands(request: HttpRequest) -> HttpResponse:
    """All that the caller sees, at most 5,000."""
    return reply(list(queries.brands(request.actor).values(*BRAND)[:5000]))  # type: ignore[attr-defined]


@routes.post("/brands", response={201: BrandOut}, summary="Register a brand")
@idempotent
def register_brand(request: HttpRequest, body: BrandIn) -> HttpResponse:
    """Add a brand to the own catalogue."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _told_of(BRAND, actions.register_brand(actor.org_id, BrandDraft(**body.dict()), actor=actor), 201)


@routes.put("/brands/{int:brand_id}", response=BrandOut, summary="Rename a brand")
@idempotent
def change_brand(request: HttpRequest, brand_id: int, body: BrandIn) -> HttpResponse:
    """Its products stay."""
    return _told_of(BRAND, actions.change_brand(brand_id, BrandDraft(**body.dict()), actor=request.actor))  # type: ignore[attr-defined]


def _replacements(product_id: int, actor: Actor) -> HttpResponse:
    queries.product(actor, product_id)
    after = queries.succession(actor, product_id)
    alike = [one.pk for one in queries.stand_ins(actor, product_id)]
    return reply({"successor_id": after and after.successor_id, "valid_from": after and after.valid_from, "equivalent_ids": alike})


@routes.get("/products/{int:product_id}/replacements", response=ReplacementsOut, summary="What stands in for a product")
def replacements(request: HttpRequest, product_id: int) -> HttpResponse:
    """Its successor, also a later one, and its equivalents as far as the caller sees them."""
    return _replacements(product_id, request.actor)  # type: ignore[attr-defined]


@routes.put("/products/{int:product_id}/successor", response=ReplacementsOut, summary="Name the successor of a product")
@idempotent
def set_successor(request: HttpRequest, product_id: int, body: SuccessorIn) -> HttpResponse:
    """Another one takes the place of the one before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.set_successor(product_id, body.successor_id, body.valid_from, actor=actor)
    return _replacements(product_id, actor)


@routes.delete("/products/{int:product_id}/successor", response=ReplacementsOut, summary="Take the successor off a product")
@idempotent
def remove_successor(request: HttpRequest, product_id: int) -> HttpResponse:
    """The product stands for itself again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.remove_successor(product_id, actor=actor)
    return _replacements(product_id, actor)


@routes.put("/products/{int:product_id}/equivalents", response=ReplacementsOut, summary="Say what can stand in for a product")
@idempotent
def join_equivalents(request: HttpRequest, product_id: int, body: EquivalentsIn) -> HttpResponse:
    """The sets of all of them become one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.join_equivalents([product_id, *body.product_ids], actor=actor)
    return _replacements(product_id, actor)


@routes.delete("/products/{int:product_id}/equivalents", response=ReplacementsOut, summary="Take a product out of its set of equivalents")
@idempotent
def leave_equivalents(request: HttpRequest, product_id: int) -> HttpResponse:
    """The others still stand in for one another."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.leave_equivalents(product_id, actor=actor)
    return _replacements(product_id, actor)


def _tax_class(pk: int, actor: Actor, status: int = 200) -> HttpResponse:
    return reply(queries.tax_classes(actor).filter(pk=pk).values(*TAX).get(), status)


@routes.get("/tax-classes", response=list[dict], summary="Tax classes with their rates today")
def tax_classes(request: HttpRequest) -> HttpResponse:
    """All that the caller sees, at most 1,000."""
    return reply(list(queries.tax_classes(request.actor).values(*TAX)[:1000]))  # type: ignore[attr-defined]


@routes.post("/tax-classes", response={201: dict}, summary="Register a tax class")
@idempotent
def register_tax_class(request: HttpRequest, body: TaxClassIn) -> HttpResponse:
    """With its first rate."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _tax_class(actions.register_tax_class(actor.org_id, TaxClassDraft(**body.dict()), actor=actor).pk, actor, 201)


@routes.post("/tax-classes/{int:class_id}/rates", response={201: dict}, summary="Change the rate of a tax class from a day on")
@idempotent
def set_tax_rate(request: HttpRequest, class_id: int, body: TaxRateIn) -> HttpResponse:
    """What is ordered keeps its rate."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _tax_class(actions.set_tax_rate(class_id, body.rate, body.valid_from, actor=actor).pk, actor, 201)
