"""Brands, and the replacements of a product: its successor and its equivalents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import policy_of
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, Panel, import_buttons
from qudao.catalog import actions, queries
from qudao.catalog.forms import BrandForm, EquivalentForm, SuccessorForm
from qudao.catalog.models import Brand, Product
from qudao.catalog.rules import BrandDraft
from qudao.catalog.tables import BrandTable, name_of


def names_panel(request: HttpRequest, row: Any) -> Panel:
    """The names of a brand or tax class, and whose it is."""
    facts = [(_("Name"), row.name), (_("English name"), row.name_en), (_("Owner"), name_of(row.owner))]
    return Panel(_("Card"), "parts/panel_facts.html", {"facts": facts})


class BrandList(ListPage):
    """The brands the reader may see."""

    verb = "catalog.view"
    query = queries.brands
    table = BrandTable
    title = gettext_lazy("Brands")
    above = "products"

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("catalog.brands", self.actor),
            Button(_("New brand"), reverse("brand_new"), icon="plus", primary=True, verb="catalog.edit", ask=True, key="n"),
        ]


class BrandNew(FormPage):
    """A brand of the own catalogue."""

    verb = "catalog.edit"
    form = BrandForm
    title = submit = gettext_lazy("New brand")
    said = gettext_lazy("The brand is registered.")
    above = "brands"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.register_brand(self.actor.org_id, BrandDraft(**cleaned), actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


class BrandDetail(DetailPage):
    """One brand, with the way to its products."""

    verb = "catalog.view"
    query = queries.brands
    kind = "catalog.brand"
    panels = (names_panel,)
    above = "brands"

    def head(self, obj: Brand) -> Head:
        return Head(obj.code, None, name_of(obj))

    def buttons(self, obj: Brand) -> Sequence[Button]:
        found = [Button(_("Show its products"), f"{reverse('products')}?tab=all&brand={obj.pk}", icon="packages")]
        if policy_of(Brand).may(self.actor, "catalog.edit", obj):
            found += [
                Button(_("Change"), reverse("brand_change", args=[obj.pk]), icon="pencil", primary=True, verb="catalog.edit", ask=True, key="e"),
                Button(_("Remove"), reverse("brand_removal", args=[obj.pk]), icon="x", verb="catalog.edit", ask=True, danger=True),
            ]
        return found


class BrandChange(BrandNew):
    """Another name."""

    title = gettext_lazy("Change brand")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The changes are saved.")

    def find(self, **kwargs: Any) -> Brand:
        return queries.brand(self.actor, kwargs["pk"], self.verb)

    def initial(self, obj: Brand) -> dict[str, Any]:
        return {name: getattr(obj, name) for name in BrandForm.base_fields}

    def perform(self, obj: Brand, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_brand(obj.pk, BrandDraft(**cleaned), actor=self.actor, client_id=client_id)


class BrandRemoval(ActionPage):
    """Away with it, when no product has it."""

    verb = "catalog.edit"
    query = queries.brands
    action = actions.remove_brand
    title = submit = gettext_lazy("Remove brand")
    said = gettext_lazy("The brand is removed.")
    danger = True

    def find(self, **kwargs: Any) -> Brand:
        return queries.brand(self.actor, kwargs["pk"], self.verb)

    def says(self, obj: Brand) -> Any:
        return _("{name} disappears. This works only while no product has it.").format(name=name_of(obj))

    def done(self, result: Any) -> str:
        return reverse("brands")


def replacements_panel(request: HttpRequest, product: Product) -> Panel | None:
    """What takes its place and what can stand in for it; nothing when there is none."""
    actor = request.actor  # type: ignore[attr-defined]
    keeps = actor.can("catalog.edit") and policy_of(Product).may(actor, "catalog.edit", product)
    items: list[dict[str, Any]] = []
    if after := queries.succession(actor, product.pk):
        off = [Button(_("Remove"), reverse("product_successor_removal", args=[product.pk]), ask=True)] if keeps else []
        since = _("Successor from {day}").format(day=figures.day(after.valid_from))
        items.append(
            {"label": f"{after.successor.code} {name_of(after.successor)}", "url": after.successor.get_absolute_url(), "facts": [since], "buttons": off}
        )
    alike = queries.stand_ins(actor, product.pk)
    items += [{"label": f"{one.code} {name_of(one)}", "url": one.get_absolute_url(), "facts": [_("Equivalent")]} for one in alike]
    if alike and keeps:
        items.append({"label": "", "buttons": [Button(_("Not equivalent any more"), reverse("product_equivalents_removal", args=[product.pk]), ask=True)]})
    return Panel(_("Replacements"), "parts/panel_items.html", {"items": items, "empty": ""}, aside=True) if items else None


class _OfProduct(ActionPage):
    """A verb on a product."""

    verb = "catalog.edit"
    query = queries.products
    above = "product"


class Successor(_OfProduct):
    """Name what takes its place."""

    form = SuccessorForm
    title = submit = gettext_lazy("Name successor")
    said = gettext_lazy("The successor is named.")

    def perform(self, obj: Product, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_successor(obj.pk, cleaned["product_code"], cleaned["valid_from"], actor=self.actor, client_id=client_id)


class SuccessorRemoval(_OfProduct):
    """The product stands for itself again."""

    action = actions.remove_successor
    title = submit = gettext_lazy("Remove successor")
    said = gettext_lazy("The product has no successor any more.")
    danger = True


class Equivalents(_OfProduct):
    """Say what can stand in for it."""

    form = EquivalentForm
    title = submit = gettext_lazy("Add equivalent")
    said = gettext_lazy("They can stand in for one another.")

    def perform(self, obj: Product, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.join_equivalents([obj.pk, cleaned["product_code"]], actor=self.actor, client_id=client_id)


class EquivalentsRemoval(_OfProduct):
    """Out of its set."""

    action = actions.leave_equivalents
    title = submit = gettext_lazy("Not equivalent any more")
    said = gettext_lazy("Nothing stands in for it any more.")
    danger = True


routes = [
    path("brands/", BrandList.as_view(), name="brands"),
    path("brands/new", BrandNew.as_view(), name="brand_new"),
    path("brands/<int:pk>/", BrandDetail.as_view(), name="brand"),
    path("brands/<int:pk>/removal", BrandRemoval.as_view(), name="brand_removal"),
    path("brands/<int:pk>/change", BrandChange.as_view(), name="brand_change"),
    path("products/<int:pk>/successor", Successor.as_view(), name="product_successor"),
    path("products/<int:pk>/successor/removal", SuccessorRemoval.as_view(), name="product_successor_removal"),
    path("products/<int:pk>/equivalents", Equivalents.as_view(), name="product_equivalents"),
    path("products/<int:pk>/equivalents/removal", EquivalentsRemoval.as_view(), name="product_equivalents_removal"),
]
