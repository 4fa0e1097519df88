"""What goods cost: the list, the panel of a product, and a new cost from a day on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, FormPage, ListPage, Panel, import_buttons
from qudao.catalog import actions, queries
from qudao.catalog.forms import CostForm
from qudao.catalog.models import Cost, Product
from qudao.catalog.rules import CostDraft
from qudao.catalog.tables import CostTable
from qudao.kernel import clock

#: costs that the page of a product shows
SHOWN = 12


class CostList(ListPage):
    """What goods cost the own organisation; empty for who may not see it."""

    verb = "catalog.view"
    query = queries.costs
    table = CostTable
    title = gettext_lazy("Costs")
    above = "products"

    def buttons(self) -> Sequence[Button]:
        return import_buttons("catalog.costs", self.actor) if self.actor.sees("trade.cost") else []


def cost_panel(request: HttpRequest, product: Product) -> Panel | None:
    """What the product costs the reader's organisation, newest first, for those who may see it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.sees("trade.cost"):
        return None
    keeps, today = actor.can("catalog.keep_costs"), clock.today()
    found = list(queries.costs(actor).filter(product=product).order_by("-valid_from")[:SHOWN])
    if not (found or keeps):
        return None
    items = [
        {
            "label": figures.money(one.amount, one.currency),
            "facts": [_("not yet")] if one.valid_from > today else [],
            "end": figures.day(one.valid_from),
            "buttons": [Button(_("Remove"), reverse("cost_removal", args=[one.pk]), ask=True)] if keeps else [],
        }
        for one in found
    ]
    return Panel(_("Cost"), "parts/panel_items.html", {"items": items, "empty": _("No cost is kept.")}, aside=True)


def cost_buttons(actor: Actor, product: Product) -> list[Button]:
    """The way to say what a product costs, for those who keep costs."""
    if not (actor.sees("trade.cost") and actor.can("catalog.keep_costs")):
        return []
    return [Button(_("Set cost"), reverse("product_cost", args=[product.pk]), icon="coins", verb="catalog.keep_costs", ask=True)]


class ProductCost(FormPage):
    """What a product costs from a day on."""

    verb = "catalog.keep_costs"
    form = CostForm
    title = submit = gettext_lazy("Set cost")
    said = gettext_lazy("The cost is saved.")

    def find(self, **kwargs: Any) -> Product:
        return queries.product(self.actor, kwargs["pk"])

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def perform(self, obj: Product, cleaned: dict[str, Any], client_id: UUID) -> Cost:
        return actions.set_cost(CostDraft(obj.pk, **cleaned), actor=self.actor, client_id=client_id)

    def done(self, result: Cost) -> str:
        return reverse("product", args=[result.product_id])


class CostRemoval(ActionPage):
    """Take a cost back that was said by mistake."""

    verb = "catalog.keep_costs"
    query = queries.costs
    title = submit = gettext_lazy("Remove cost")
    said = gettext_lazy("The cost is removed.")
    danger = True
    above = "costs"

    def says(self, obj: Cost) -> Any:
        return _("The cost before it counts again, also for the margin of orders of these days.")

    def perform(self, obj: Cost, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.remove_costs([obj.pk], actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


routes = [
    path("costs/", CostList.as_view(), name="costs"),
    path("costs/<int:pk>/removal", CostRemoval.as_view(), name="cost_removal"),
    path("products/<int:pk>/cost", ProductCost.as_view(), name="product_cost"),
]
