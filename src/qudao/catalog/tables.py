"""The list of products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language
from qudao.catalog import queries
from qudao.catalog.actions import change_product
from qudao.catalog.models import Category, Product
from qudao.catalog.rules import ProductDraft
from qudao.catalog.states import ProductState

TONES: dict[str, str] = {ProductState.ACTIVE: "done", ProductState.BLOCKED: "wrong"}


def name_of(row: Any) -> str:
    """The name of a product, category or organisation in the reader's language; "" for none."""
    return by_language(row.name, row.name_en) if row else ""


def _described(row: Product, actor: Any, **change: Any) -> Product:
    """The product described anew, as it is but for one field."""
    draft = ProductDraft(**{f.name: getattr(row, f.name) for f in fields(ProductDraft)})
    return change_product(row.pk, replace(draft, **change), actor=actor)


def _rename(row: Product, value: str, actor: Any) -> Product:
    """A new name in the language it is read in."""
    return _described(row, actor, **{"name" if name_of(row) == row.name else "name_en": value})


def _quantity() -> forms.Field:
    return forms.DecimalField(max_digits=18, decimal_places=4, min_value=0)


def _set(field: str) -> Callable[[Product, Any, Any], Product]:
    return lambda row, value, actor: _described(row, actor, **{field: value})


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
        Column("", _("Name"), cell=name_of, sort="name", slug="name", edit=Edit("catalog.edit", lambda: forms.CharField(max_length=200), _rename, now=name_of)),
        Column("", _("Category"), cell=lambda row: name_of(row.category), dim=True, hide_on_phone=True, sort="category__path", slug="category"),
        Column("", _("Brand"), cell=lambda row: name_of(row.brand), dim=True, hide_on_phone=True, hidden=True, sort="brand__code", slug="brand"),
        Column("unit", _("Unit"), dim=True, hide_on_phone=True),
        Column("min_qty", _("Smallest quantity"), cell="qty", dim=True, hide_on_phone=True, edit=Edit("catalog.edit", _quantity, _set("min_qty"))),
        Column("pack_multiple", _("Step"), cell="qty", dim=True, hide_on_phone=True, edit=Edit("catalog.edit", _quantity, _set("pack_multiple"))),
        Column("weight", _("Weight (kg)"), cell="qty", dim=True, hide_on_phone=True, hidden=True, sort="weight"),
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
        Column("", _("Name"), cell=in_tree, slug="name"),
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
        Column("", _("Name"), cell=name_of, sort="name", slug="name"),
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
        Column("", _("Name"), cell=name_of, sort="name", slug="name"),
        Column("", _("Rate today"), cell=lambda row: f"{(row.today * 100).normalize():f} %" if row.today is not None else "", num=True, slug="rate"),
        Column("", _("Exempt"), cell=lambda row: _("yes") if row.exempt else "", dim=True, hide_on_phone=True, slug="exempt"),
        Column("", _("Owner"), cell=lambda row: name_of(row.owner), dim=True, hide_on_phone=True, sort="owner__code", slug="owner"),
    )
    search = ("code__icontains", "name__icontains", "name_en__icontains")
    order = ("owner_id", "code", "pk")
    empty = _("No tax class stands here.")
    remedy = _("Take the usual classes, then name them on products: their rates then change in one place.")
