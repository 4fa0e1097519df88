"""Pages of lots: what lies where of which lot, one lot with its way, tracking a product, how long goods must keep for a buyer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, Head, ListPage, Panel, import_buttons
from qudao.base.html.tables import by_language
from qudao.catalog.queries import Product, products
from qudao.inventory import actions, queries
from qudao.inventory.forms import CountForm, TrackForm
from qudao.inventory.models import Lot, SupplyPlace
from qudao.inventory.pages.holds import badge, hold_buttons
from qudao.inventory.states import PlaceKind
from qudao.inventory.tables import LotTable
from qudao.kernel import clock

NEWEST = 50


class LotList(ListPage):
    """What lies where of which lot."""

    verb = "inventory.view"
    query = queries.lots
    table = LotTable
    title = gettext_lazy("Lots")

    def buttons(self) -> Sequence[Button]:
        return import_buttons("inventory.tracking", self.actor)


def way_panel(request: HttpRequest, lot: Lot) -> Panel:
    """Where this lot came from and to whom it went, as far as one sees; newest first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    items = []
    for move in queries.lot_moves(actor, lot)[:NEWEST]:
        ends = f"{move.from_place.label} {move.from_place.owner.code} → {move.to_place.label} {move.to_place.owner.code}"
        facts = [figures.moment(move.at), *([move.number] if move.number else [])]
        items.append({"label": ends, "facts": facts, "end": figures.qty(move.qty, lot.product.unit)})
    return Panel(_("Where it came from and went"), "parts/panel_items.html", {"items": items, "empty": _("Nothing has moved yet.")})


class LotDetail(DetailPage):
    """One lot in one place."""

    verb = "inventory.view"
    query = queries.lots
    kind = "inventory.lot"
    panels = (way_panel,)
    above = "lots"

    def head(self, obj: Lot) -> Head:
        state = (_("Expired"), "wrong") if obj.expires_on and obj.expires_on < clock.today() else badge(obj)
        until = [_("good until {day}").format(day=figures.day_long(obj.expires_on))] if obj.expires_on else []
        facts = [obj.product.code, obj.place.label, figures.qty(obj.qty, obj.product.unit), *until]
        facts += [_("Blocked: {reason}").format(reason=obj.held)] if obj.held else []
        return Head(obj.lot or _("without a number"), state, by_language(obj.product.name, obj.product.name_en), facts=facts)

    def buttons(self, obj: Lot) -> Sequence[Button]:
        if obj.place.owner_id != self.actor.org_id or obj.place.kind != PlaceKind.STOCK:
            return []
        adjust = Button(_("Adjust"), reverse("lot_adjustment", args=[obj.pk]), icon="pencil", primary=True, verb="inventory.adjust", ask=True)
        return [adjust, *hold_buttons(self.actor, obj)]


class LotAdjust(ActionPage):
    """Set one lot to what was counted of it."""

    verb = "inventory.adjust"
    query = queries.lots
    form = CountForm
    title = submit = gettext_lazy("Adjust")
    said = gettext_lazy("The stock is adjusted.")
    above = "lot"

    def initial(self, obj: Lot) -> dict[str, Any]:
        return {"counted": obj.qty.normalize()}

    def says(self, obj: Lot) -> Any:
        on_hand = figures.qty(obj.qty, obj.product.unit)
        return _("{on_hand} are on the books. The difference is posted as a move and stays in the log.").format(on_hand=on_hand)

    def perform(self, obj: Lot, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.adjust_lot(obj.pk, cleaned["counted"], cleaned["reason"], actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return reverse("lots")


def product_panel(request: HttpRequest, product: Product) -> Panel | None:
    """On a product: whether it is tracked by lot, for its owner. Named in `qudao.web.panels`."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id != product.owner_id or not actor.can("inventory.view"):
        return None
    found = queries.tracked(actor, product.pk)
    facts = []
    if found and found.shelf_days:
        facts = [ngettext("keeps for {n} day", "keeps for {n} days", found.shelf_days).format(n=found.shelf_days)]
    change = Button(_("Change") if found else _("Track by lot"), reverse("product_lots", args=[product.pk]), icon="pencil", ask=True)
    item = {
        "label": _("Tracked by lot") if found else _("Not tracked by lot"),
        "url": f"{reverse('lots')}?product={product.code}" if found else "",
        "facts": facts,
        "buttons": [change] if actor.can("inventory.manage_places") else [],
    }
    return Panel(_("Lots"), "parts/panel_items.html", {"items": [item]}, aside=True)


class Track(ActionPage):
    """Track a product by lot."""

    verb = "inventory.manage_places"
    query = products
    form = TrackForm
    title = gettext_lazy("Track by lot")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The product is tracked by lot.")
    above = "product"

    def initial(self, obj: Product) -> dict[str, Any]:
        found = queries.tracked(self.actor, obj.pk)
        return {"shelf_days": found.shelf_days if found else None}

    def says(self, obj: Product) -> Any:
        return _("From then on every receipt names its lot and what expires first is shipped first. What lies there now has no number. It cannot be undone.")

    def perform(self, obj: Product, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.track_product(obj.pk, cleaned["shelf_days"], actor=self.actor, client_id=client_id)


def keeps_facts(supply: SupplyPlace) -> list[str]:
    """How long lots must still keep that are shipped to the buyer."""
    days = ngettext("keeps {n} day more", "keeps {n} days more", supply.keeps_days).format(n=supply.keeps_days) if supply.keeps_days else ""
    percent = _("keeps {n} % of its shelf life").format(n=supply.keeps_percent) if supply.keeps_percent else ""
    return [one for one in (days, percent) if one]


routes = [
    path("lots/", LotList.as_view(), name="lots"),
    path("lots/<int:pk>/", LotDetail.as_view(), name="lot"),
    path("lots/<int:pk>/adjustment", LotAdjust.as_view(), name="lot_adjustment"),
    path("products/<int:pk>/lots", Track.as_view(), name="product_lots"),
]
