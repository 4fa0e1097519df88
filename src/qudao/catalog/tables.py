"""The list of products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from qudao.base.html import figures
from qudao.base.html.edits import Perform, described, number, one_of, renamed, text
from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language
from qudao.catalog import queries
from qudao.catalog.actions import CategoryDraft, change_brand, change_category, change_product, change_tax_class, set_cost
from qudao.catalog.models import Category, Cost, Product
from qudao.catalog.rules import BrandDraft, CostDraft, ProductDraft
from qudao.catalog.states import ProductState

TONES: dict[str, str] = {ProductState.ACTIVE: "done", ProductState.BLOCKED: "wrong"}


def name_of(row: Any) -> str:
    """The name of a product, category or organisation in the reader's language; "" for none."""
    return by_language(row.name, row.name_en) if row else ""


_set = described(ProductDraft, change_product)
_set_category = described(CategoryDraft, change_category)
_set_brand = described(BrandDraft, change_brand)
_set_class = described(BrandDraft, change_tax_class)


def _named(of: Callable[[str], Perform], verb: str = "catalog.edit") -> Edit:
    """A name is written in the language it is read in."""
    return Edit(verb, text(200), renamed(of), now=name_of)


def _filed(field: str, offered: Callable[[Any], QuerySet]) -> Edit:
    """A product is put under one of its owner's categories or brands."""
    options = one_of(lambda row, actor: [(one.pk, f"{one.code} {name_of(one)}") for one in offered(actor).filter(owner_id=row.owner_id)])
    return Edit("catalog.edit", options, _set(field), now=lambda row: getattr(row, field))


def _amount(field: str, digits: int = 18, places: int = 4) -> Edit:
    return Edit("catalog.edit", number(digits, places), _set(field))


def percent(row: Product) -> str:
    """The tax rate as people write it: 0.1300 → 13 %."""
    return f"{(row.tax_rate * 100).normalize():f} %"


def branch(raw: str) -> Q:
    """Products of a category with everything below it."""
    return Q(category__path__contains=f"/{int(raw)}/")


class ProductTable(Table):
    """Products of the own catalogue and of those open to the reader."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Name"), cell=name_of, sort="name", slug="name", edit=_named(_set)),
        Column(
            "",
            _("Category"),
            cell=lambda row: name_of(row.category),
            dim=True,
            hide_on_phone=True,
            sort="category__path",
            slug="category",
            edit=_filed("category_id", queries.categories),
        ),
        Column(
            "",
            _("Brand"),
            cell=lambda row: name_of(row.brand),
            dim=True,
            hide_on_phone=True,
            hidden=True,
            sort="brand__code",
            slug="brand",
            edit=_filed("brand_id", queries.brands),
        ),
        Column("unit", _("Unit"), cell=lambda row: figures.unit(row.unit), dim=True, hide_on_phone=True),
        Column("min_qty", _("Smallest quantity"), cell="qty", dim=True, hide_on_phone=True, edit=_amount("min_qty")),
        Column("pack_multiple", _("Step"), cell="qty", dim=True, hide_on_phone=True, edit=_amount("pack_multiple")),
        Column("max_qty", _("Largest quantity"), cell="qty", dim=True, hide_on_phone=True, hidden=True, edit=_amount("max_qty")),
        Column(
            "lead_days", _("Lead time"), cell="number", num=True, dim=True, hide_on_phone=True, hidden=True, sort="lead_days", edit=_amount("lead_days", 3, 0)
        ),
        Column("weight", _("Weight (kg)"), cell="qty", dim=True, hide_on_phone=True, hidden=True, sort="weight", edit=_amount("weight", 14)),
        Column("", _("Tax"), cell=percent, num=True, dim=True, hide_on_phone=True, slug="tax"),
        Column("", _("Owner"), cell=lambda row: name_of(row.owner), dim=True, hide_on_phone=True, sort="owner__code", slug="owner"),
        Column("state", _("State"), cell="state", tones=TONES),
    )
    tabs = (
        Tab("active", _("Active"), Q(state=ProductState.ACTIVE)),
        Tab("blocked", _("Blocked"), Q(state=ProductState.BLOCKED), wrong=True),
        Tab("all", _("All")),
    )
    filters = (
        Filter("category", _("Category"), choices=lambda actor: [(one.pk, f"{one.code} {name_of(one)}") for one in queries.categories(actor)], q=branch),
        Filter("brand", _("Brand"), lookup="brand_id", choices=lambda actor: [(one.pk, f"{one.code} {name_of(one)}") for one in queries.brands(actor)]),
        Filter("gtin", _("Barcode"), kind="text", q=lambda raw: Q(gtin=raw.zfill(14))),
    )
    kind, numbered = "catalog.product", True
    order = ("code", "pk")
    empty = _("No product stands here.")
    remedy = _("Register products, or make an agreement with who sells them.")


def in_tree(row: Category) -> SafeString:
    """The name of a category, further in the deeper it stands."""
    return format_html('<span class="ps-{}">{}</span>', min(row.depth, 5), name_of(row))


def held(number: int) -> str:
    """How many products, in words."""
    return ngettext("{n} product", "{n} products", number).format(n=number)


class CategoryTable(Table):
    """The tree of categories, line by line; each with how many products are in it and below."""

    columns = (
        Column("code", _("Code"), cell="link"),
        Column("", _("Name"), cell=in_tree, slug="name", edit=_named(_set_category)),
        Column("name", _("Name"), hidden=True, slug="name_zh"),
        Column("name_en", _("English name"), dim=True, hide_on_phone=True),
        Column("", pgettext_lazy("tree", "Under"), cell=lambda row: row.parent.code if row.parent else "", dim=True, hide_on_phone=True, slug="under"),
        Column("depth", _("Depth"), cell="number", dim=True, hide_on_phone=True, hidden=True, slug="depth"),
        Column("held", _("Products"), cell=lambda row: held(row.held), dim=True),
        Column("", _("Owner"), cell=lambda row: name_of(row.owner), dim=True, hide_on_phone=True, slug="owner"),
    )
    search = ("code__icontains", "name__icontains", "name_en__icontains")
    order = ("owner_id", "path")
    per_page = 500
    empty = _("No category stands here.")
    remedy = _("Make the categories of your catalogue, then name them on its products.")


class BrandTable(Table):
    """Brands of the own catalogue and of those open to the reader."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Name"), cell=name_of, sort="name", slug="name", edit=_named(_set_brand)),
        Column("", _("Owner"), cell=lambda row: name_of(row.owner), dim=True, hide_on_phone=True, sort="owner__code", slug="owner"),
    )
    search = ("code__icontains", "name__icontains", "name_en__icontains")
    order = ("owner_id", "code", "pk")
    empty = _("No brand stands here.")
    remedy = _("Register a brand, then name it on its products.")


class TaxClassTable(Table):
    """Tax classes with their rates today."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Name"), cell=name_of, sort="name", slug="name", edit=_named(_set_class)),
        Column("", _("Rate today"), cell=lambda row: f"{(row.today * 100).normalize():f} %" if row.today is not None else "", num=True, slug="rate"),
        Column("", _("Exempt"), cell=lambda row: _("yes") if row.exempt else "", dim=True, hide_on_phone=True, slug="exempt"),
        Column("", _("Owner"), cell=lambda row: name_of(row.owner), dim=True, hide_on_phone=True, sort="owner__code", slug="owner"),
    )
    search = ("code__icontains", "name__icontains", "name_en__icontains")
    order = ("owner_id", "code", "pk")
    empty = _("No tax class stands here.")
    remedy = _("Take the usual classes, then name them on products: their rates then change in one place.")


def _set_amount(row: Cost, value: Any, actor: Any) -> None:
    set_cost(CostDraft(row.product_id, value, row.valid_from), actor=actor)


class CostTable(Table):
    """What goods cost one's own organisation, by product and day."""

    columns = (
        Column("product.code", _("Product"), cell="link", sort="product__code", slug="code"),
        Column("", _("Name"), cell=lambda row: name_of(row.product), sort="product__name", slug="name"),
        Column("amount", _("Cost"), cell="price", sort="amount", edit=Edit("catalog.keep_costs", number(18, 6), _set_amount)),
        Column("currency", _("Currency"), cell="code", hide_on_phone=True),
        Column("valid_from", pgettext_lazy("validity", "From"), cell="day", sort="valid_from"),
    )
    search = ("product__code__icontains", "product__name__icontains", "product__initials__startswith")
    order = ("product__code", "-valid_from", "-pk")
    empty = _("No cost stands here.")
    remedy = _("Say on a product what it costs you, or bring a file: sales then show their margin to those who may see it.")
