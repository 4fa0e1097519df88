"""The tree of categories: all of it line by line, one with what stands around it, and what may be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from qudao.base.access import policy_of
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, Panel, import_buttons
from qudao.catalog import actions, queries
from qudao.catalog.forms import CategoryForm
from qudao.catalog.models import Category
from qudao.catalog.tables import CategoryTable, held, name_of


class CategoryList(ListPage):
    """The categories the reader may see, in tree order."""

    verb = "catalog.view"
    query = queries.categories
    table = CategoryTable
    title = gettext_lazy("Categories")
    above = "products"

    def prepare(self, rows: list[Category]) -> list[Category]:
        counts = queries.category_counts(self.actor)
        for row in rows:
            row.held = counts.get(row.pk, 0)  # type: ignore[attr-defined]
        return rows

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("catalog.categories", self.actor),
            Button(_("New category"), reverse("category_new"), icon="plus", primary=True, verb="catalog.edit", ask=True, key="n"),
        ]


def card_panel(request: HttpRequest, category: Category) -> Panel:
    """Its names and where it stands."""
    number = queries.category_counts(request.actor).get(category.pk, 0)  # type: ignore[attr-defined]
    facts = [
        (_("Name"), category.name),
        (_("English name"), category.name_en),
        (pgettext("tree", "Under"), name_of(category.parent)),
        (_("Products"), held(number) if number else ""),
        (_("Owner"), name_of(category.owner)),
    ]
    return Panel(_("Card"), "parts/panel_facts.html", {"facts": facts})


def below_panel(request: HttpRequest, category: Category) -> Panel:
    """What stands directly below it, with its products."""
    actor = request.actor  # type: ignore[attr-defined]
    counts = queries.category_counts(actor)
    items = [
        {"label": f"{one.code} {name_of(one)}", "url": one.get_absolute_url(), "end": held(counts.get(one.pk, 0))}
        for one in queries.categories(actor).filter(parent_id=category.pk)
    ]
    return Panel(_("Categories below"), "parts/panel_items.html", {"items": items, "empty": _("None stands below it.")})


class CategoryDetail(DetailPage):
    """One category: its names, what is below it, and its products."""

    verb = "catalog.view"
    query = queries.categories
    kind = "catalog.category"
    panels = (card_panel, below_panel)
    above = "categories"

    def head(self, obj: Category) -> Head:
        return Head(obj.code, None, name_of(obj))

    def buttons(self, obj: Category) -> Sequence[Button]:
        found = [Button(_("Show its products"), f"{reverse('products')}?tab=all&category={obj.pk}", icon="packages")]
        if policy_of(Category).may(self.actor, "catalog.edit", obj):
            found += [
                Button(_("Change"), reverse("category_change", args=[obj.pk]), icon="pencil", primary=True, verb="catalog.edit", key="e"),
                Button(_("New category below"), f"{reverse('category_new')}?parent_id={obj.pk}", icon="plus", verb="catalog.edit", ask=True),
                Button(_("Remove"), reverse("category_removal", args=[obj.pk]), icon="x", verb="catalog.edit", ask=True, danger=True),
            ]
        return found


class CategoryNew(FormPage):
    """A category of the own catalogue."""

    verb = "catalog.edit"
    form = CategoryForm
    title = submit = gettext_lazy("New category")
    said = gettext_lazy("The category is registered.")
    above = "categories"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        draft = actions.CategoryDraft(**cleaned)
        return actions.register_category(self.actor.org_id, draft, actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


class CategoryChange(FormPage):
    """Other names, or another place in the tree."""

    verb = "catalog.edit"
    form = CategoryForm
    title = gettext_lazy("Change category")
    said = gettext_lazy("The changes are saved.")
    above = "category"

    def find(self, **kwargs: Any) -> Category:
        return queries.category(self.actor, kwargs["pk"], self.verb)

    def perform(self, obj: Category, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_category(obj.pk, actions.CategoryDraft(**cleaned), actor=self.actor, client_id=client_id)


class CategoryRemoval(ActionPage):
    """Out of the tree, when nothing is in it."""

    verb = "catalog.edit"
    query = queries.categories
    action = actions.remove_category
    title = submit = gettext_lazy("Remove category")
    said = gettext_lazy("The category is removed.")
    danger = True
    above = "categories"

    def find(self, **kwargs: Any) -> Category:
        return queries.category(self.actor, kwargs["pk"], self.verb)

    def says(self, obj: Category) -> Any:
        return _("{name} disappears. This works only while no product and no other category is in it.").format(name=name_of(obj))

    def done(self, result: Any) -> str:
        return self.back


routes = [
    path("categories/", CategoryList.as_view(), name="categories"),
    path("categories/new", CategoryNew.as_view(), name="category_new"),
    path("categories/<int:pk>/", CategoryDetail.as_view(), name="category"),
    path("categories/<int:pk>/change", CategoryChange.as_view(), name="category_change"),
    path("categories/<int:pk>/removal", CategoryRemoval.as_view(), name="category_removal"),
]
