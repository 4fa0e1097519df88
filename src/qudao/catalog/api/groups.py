"""What products are sorted and taxed by, and what stands in for them, over the API."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import idempotent, reply
from qudao.catalog import actions, queries
from qudao.catalog.api.products import routes, told_of
from qudao.catalog.rules import BrandDraft, TaxClassDraft

BRAND = ("id", "owner_id", "code", "name", "name_en")
CATEGORY = (*BRAND, "parent_id", "path")
TAX = (*BRAND, "exempt", "today")


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


class CategoryIn(Schema):
    code: str = Field(..., max_length=64)
    name: str = Field(..., max_length=120)
    name_en: str = Field("", max_length=120)
    parent_id: int | None = None


class CategoryOut(CategoryIn):
    id: int
    owner_id: int
    path: str


@routes.get("/categories", response=list[CategoryOut], summary="Categories in tree order")
def categories(request: HttpRequest) -> HttpResponse:
    """All that the caller sees; a catalogue has tens of them, not thousands."""
    return reply(list(queries.categories(request.actor).values(*CATEGORY)[:5000]))  # type: ignore[attr-defined]


@routes.post("/categories", response={201: CategoryOut}, summary="Register a category")
@idempotent
def register_category(request: HttpRequest, body: CategoryIn) -> HttpResponse:
    """Add a category to the own tree."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return told_of(CATEGORY, actions.register_category(actor.org_id, actions.CategoryDraft(**body.dict()), actor=actor), 201)


@routes.put("/categories/{int:category_id}", response=CategoryOut, summary="Rename or move a category")
@idempotent
def change_category(request: HttpRequest, category_id: int, body: CategoryIn) -> HttpResponse:
    """The branch below follows."""
    return told_of(CATEGORY, actions.change_category(category_id, actions.CategoryDraft(**body.dict()), actor=request.actor))  # type: ignore[attr-defined]


@routes.delete("/categories/{int:category_id}", response=CategoryOut, summary="Remove an empty category")
@idempotent
def remove_category(request: HttpRequest, category_id: int) -> HttpResponse:
    """Refused while a product, a category or a rule names it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    one = queries.category(actor, category_id)
    actions.remove_category(category_id, actor=actor)
    return told_of(CATEGORY, one)


@routes.get("/brands", response=list[BrandOut], summary="Brands by owner and code")
def brands(request: HttpRequest) -> HttpResponse:
    """All that the caller sees, at most 5,000."""
    return reply(list(queries.brands(request.actor).values(*BRAND)[:5000]))  # type: ignore[attr-defined]


@routes.post("/brands", response={201: BrandOut}, summary="Register a brand")
@idempotent
def register_brand(request: HttpRequest, body: BrandIn) -> HttpResponse:
    """Add a brand to the own catalogue."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return told_of(BRAND, actions.register_brand(actor.org_id, BrandDraft(**body.dict()), actor=actor), 201)


@routes.put("/brands/{int:brand_id}", response=BrandOut, summary="Rename a brand")
@idempotent
def change_brand(request: HttpRequest, brand_id: int, body: BrandIn) -> HttpResponse:
    """Its products stay."""
    return told_of(BRAND, actions.change_brand(brand_id, BrandDraft(**body.dict()), actor=request.actor))  # type: ignore[attr-defined]


@routes.delete("/brands/{int:brand_id}", response=BrandOut, summary="Remove a brand that nothing names")
@idempotent
def remove_brand(request: HttpRequest, brand_id: int) -> HttpResponse:
    """Refused while a product or a rule names it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    one = queries.brand(actor, brand_id)
    actions.remove_brand(brand_id, actor=actor)
    return told_of(BRAND, one)


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


@routes.put("/tax-classes/{int:class_id}", response=dict, summary="Rename a tax class")
@idempotent
def change_tax_class(request: HttpRequest, class_id: int, body: BrandIn) -> HttpResponse:
    """Its rates stay."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _tax_class(actions.change_tax_class(class_id, BrandDraft(**body.dict()), actor=actor).pk, actor)


@routes.get("/tax-classes/{int:class_id}", response=dict, summary="One tax class with its rates by day")
def tax_class(request: HttpRequest, class_id: int) -> HttpResponse:
    """Each of `rates` holds until the next."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    queries.tax_class(actor, class_id)
    found = queries.tax_classes(actor).filter(pk=class_id).values(*TAX).get()
    return reply({**found, "rates": list(queries.tax_rates(actor).filter(tax_class_id=class_id).values("rate", "valid_from"))})


@routes.post("/tax-classes/{int:class_id}/rates", response={201: dict}, summary="Change the rate of a tax class from a day on")
@idempotent
def set_tax_rate(request: HttpRequest, class_id: int, body: TaxRateIn) -> HttpResponse:
    """What is ordered keeps its rate."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _tax_class(actions.set_tax_rate(class_id, body.rate, body.valid_from, actor=actor).pk, actor, 201)
