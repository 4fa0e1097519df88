"""Pages that block goods for quality and release them: a lot, or all of a product in a warehouse."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from qudao.base.access import Actor
from qudao.base.html.pages import ActionPage, Button
from qudao.inventory import actions, queries
from qudao.inventory.forms import HoldForm
from qudao.inventory.models import Lot, Stock
from qudao.inventory.states import PlaceKind


def badge(row: Lot | Stock) -> tuple[Any, str] | None:
    """That goods are blocked, as (word, tone)."""
    return (pgettext_lazy("stock", "Blocked"), "wrong") if row.held else None


def hold_buttons(actor: Actor, row: Lot | Stock) -> list[Button]:
    """Block or release goods in an own warehouse that is open."""
    if row.place.owner_id != actor.org_id or row.place.kind != PlaceKind.STOCK or row.place.closed:
        return []
    name = "lot" if isinstance(row, Lot) else "stock"
    if row.held:
        return [Button(_("Release"), reverse(f"{name}_release", args=[row.pk]), icon="lock-open", verb="inventory.hold", ask=True)]
    if isinstance(row, Stock) and row.tracked:
        return []
    return [Button(pgettext_lazy("stock", "Block"), reverse(f"{name}_hold", args=[row.pk]), icon="lock", verb="inventory.hold", ask=True)]


class HoldStock(ActionPage):
    """Block all of a product in a warehouse."""

    verb = "inventory.hold"
    query: Any = queries.on_hand
    form = HoldForm
    title = submit = pgettext_lazy("stock", "Block")
    said = gettext_lazy("The goods are blocked; the warehouse is told.")
    danger = True
    above = "stock_item"
    act: Any = staticmethod(actions.hold_stock)

    def says(self, obj: Any) -> Any:
        return _("They stay where they are: promised to nobody new, and what is reserved cannot leave until they are released.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return self.act(obj.pk, cleaned["reason"], actor=self.actor, client_id=client_id)


class FreeStock(HoldStock):
    """Release it."""

    title = submit = gettext_lazy("Release")
    said = gettext_lazy("The goods are released; who waits for them is served.")
    danger = False
    act = staticmethod(actions.free_stock)

    def says(self, obj: Any) -> Any:
        return _("Blocked: {reason}").format(reason=obj.held) if obj.held else ""


class HoldLot(HoldStock):
    """Block a lot in a warehouse."""

    query = queries.lots
    above = "lot"
    act = staticmethod(actions.hold_lot)


class FreeLot(FreeStock):
    """Release it."""

    query = queries.lots
    above = "lot"
    act = staticmethod(actions.free_lot)


routes = [
    path("stock/<int:pk>/hold", HoldStock.as_view(), name="stock_hold"),
    path("stock/<int:pk>/release", FreeStock.as_view(), name="stock_release"),
    path("lots/<int:pk>/hold", HoldLot.as_view(), name="lot_hold"),
    path("lots/<int:pk>/release", FreeLot.as_view(), name="lot_release"),
]
