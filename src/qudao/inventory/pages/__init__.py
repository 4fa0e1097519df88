"""Pages of stock: what lies where, what moved, what supplies an agreement; those of places, lots and typed lines stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from qudao.agreements.queries import Agreement, agreements
from qudao.base.access import Actor, visible
from qudao.base.action import unit
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, Head, ListPage, Panel, import_buttons
from qudao.base.html.tables import by_language
from qudao.inventory import actions, queries
from qudao.inventory.forms import CountForm, SupplyForm
from qudao.inventory.models import Place, Stock, SupplyPlace
from qudao.inventory.pages import holds, lots, places, serving, typed
from qudao.inventory.pages.holds import badge, hold_buttons
from qudao.inventory.pages.lots import keeps_facts, product_panel
from qudao.inventory.states import PlaceKind
from qudao.inventory.tables import MoveTable, StockTable, quantities
from qudao.kernel.quantity import plain

__all__ = ["product_panel", "routes", "supply_panel"]

NEWEST = 20
#: what the page of supply asks for besides the warehouse
TERMS = ("lead_days", "shows", "short", "priority", "surcharge", "reserve_days", "keeps_days", "keeps_percent", "receipt_days", "photos")


class StockList(ListPage):
    """What lies where, as far as one sees."""

    verb = "inventory.view"
    query = queries.on_hand
    table = StockTable
    title = gettext_lazy("Stock on hand")

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("inventory.opening", self.actor),
            Button(_("Lots"), reverse("lots"), icon="list", verb="inventory.view"),
            Button(_("Move goods"), reverse("stock_shift"), icon="arrow-right", verb="inventory.move"),
            Button(_("Enter opening stock"), reverse("stock_opening"), icon="plus", primary=True, verb="inventory.receive", key="n"),
        ]


class MoveList(ListPage):
    """What moved."""

    verb = "inventory.view"
    query = queries.moves
    table = MoveTable
    title = gettext_lazy("Stock moves")


def figures_panel(request: HttpRequest, stock: Stock) -> Panel:
    """On hand, reserved, free."""
    facts = [
        *quantities(stock),
        *([(_("Blocked because"), stock.held)] if stock.held else []),
        (_("Place"), stock.place.label),
        (_("Owner"), by_language(stock.place.owner.name, stock.place.owner.name_en)),
    ]
    return Panel(_("Quantities"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def moves_panel(request: HttpRequest, stock: Stock) -> Panel:
    """The newest moves of this product in this place."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    items = []
    for move in queries.moves_of(actor, stock.product_id, stock.place_id)[:NEWEST]:
        coming = move.to_place_id == stock.place_id
        other = move.from_place if coming else move.to_place
        words = _("from {place}") if coming else _("to {place}")
        label = words.format(place=f"{other.label} {other.owner.code}")
        items.append(
            {
                "label": label,
                "facts": [figures.moment(move.at), *([move.number] if move.number else [])],
                "end": figures.qty(move.qty if coming else -move.qty, stock.product.unit),
            }
        )
    return Panel(_("Moves"), "parts/panel_items.html", {"items": items, "empty": _("Nothing has moved yet.")})


def reservations_panel(request: HttpRequest, stock: Stock) -> Panel:
    """For what it is promised, oldest first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    items = [
        {
            "label": one.number or str(one.subject_id),
            "facts": [figures.moment(one.at)],
            "end": figures.qty(one.qty - one.taken - one.released, stock.product.unit),
        }
        for one in queries.open_reservations(actor, stock.place_id, stock.product_id)[:NEWEST]
    ]
    return Panel(_("Reserved for"), "parts/panel_items.html", {"items": items, "empty": _("Nothing is reserved.")})


class StockDetail(DetailPage):
    """One product in one place."""

    verb = "inventory.view"
    query = queries.on_hand
    kind = "inventory.stock"
    panels = (moves_panel, reservations_panel, figures_panel)
    above = "stock"

    def head(self, obj: Stock) -> Head:
        return Head(obj.product.code, badge(obj), by_language(obj.product.name, obj.product.name_en), facts=[obj.place.label])

    def buttons(self, obj: Stock) -> Sequence[Button]:
        found = [Button(_("All moves"), f"{reverse('moves')}?product={obj.product.code}&place={obj.place_id}", icon="list")]
        if obj.place.owner_id == self.actor.org_id and obj.place.kind == PlaceKind.STOCK and not obj.place.closed:
            to = f"{reverse('stock_shift')}?from_place={obj.place_id}"
            found.append(Button(_("Move goods"), to, icon="arrow-right", verb="inventory.move"))
            found.append(Button(_("Adjust"), reverse("stock_adjustment", args=[obj.pk]), icon="pencil", primary=True, verb="inventory.adjust", ask=True))
        return [*found, *hold_buttons(self.actor, obj)]


class StockAdjust(ActionPage):
    """Set the stock to what was counted."""

    verb = "inventory.adjust"
    query = queries.on_hand
    form = CountForm
    title = submit = gettext_lazy("Adjust")
    said = gettext_lazy("The stock is adjusted.")
    above = "stock_item"

    def initial(self, obj: Stock) -> dict[str, Any]:
        return {"counted": obj.on_hand.normalize() if obj.on_hand else 0}

    def says(self, obj: Stock) -> Any:
        on_hand = figures.qty(obj.on_hand, obj.product.unit)
        return _("{on_hand} are on the books. The difference is posted as a move and stays in the log.").format(on_hand=on_hand)

    def perform(self, obj: Stock, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.adjust_stock(obj.place_id, obj.product_id, cleaned["counted"], cleaned["reason"], actor=self.actor, client_id=client_id)


def supply_set(actor: Actor, agreement_id: int) -> SupplyPlace:
    """What the actor's organisation set for an agreement that it sells under; where nothing is set, what counts then, unsaved. Two statements at most."""
    mine = visible(actor, SupplyPlace).select_related("place").filter(agreement_id=agreement_id, place__owner_id=actor.org_id)
    main = visible(actor, Place).filter(owner_id=actor.org_id, code="MAIN")
    return mine.first() or SupplyPlace(agreement_id=agreement_id, place=main.first())


def supply_panel(request: HttpRequest, agreement: Agreement) -> Panel | None:
    """On an agreement: what supplies it, for its seller. Named in `qudao.web.panels`."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id != agreement.seller_id or not actor.can("inventory.view"):
        return None
    supply = supply_set(actor, agreement.pk)
    change = Button(_("Change"), reverse("agreement_supply", args=[agreement.pk]), icon="pencil", ask=True)
    terms = [_("If goods are short: {what}").format(what=supply.get_short_display())]
    terms += [_("Served when goods come in: {priority}").format(priority=supply.priority)] if supply.priority else []
    terms += [_("Emergencies: +{percent} %").format(percent=plain(supply.surcharge))] if supply.surcharge else []
    if supply.reserve_days:
        terms.append(ngettext("Goods kept for {n} day", "Goods kept for {n} days", supply.reserve_days).format(n=supply.reserve_days))
    terms += keeps_facts(supply)
    if supply.receipt_days:
        terms.append(ngettext("Received by itself after {n} day", "Received by itself after {n} days", supply.receipt_days).format(n=supply.receipt_days))
    else:
        terms.append(_("Received only when counted"))
    terms += [_("Damage needs a photo")] if supply.photos else []
    served = queries.unscoped_supply(agreement.pk) if supply.place_id else None
    if served and (served.more or served.place_id != supply.place_id):  # a rule goes before the warehouse of the agreement
        names = dict(visible(actor, Place).filter(pk__in=[served.place_id, *served.more]).values_list("pk", "code"))
        shown = " → ".join(names.get(pk, "") for pk in (served.place_id, *served.more))
        terms.append(_("By a rule") if served.splits else _("By a rule, from one place"))
    else:
        shown = f"{supply.place.code} {supply.place.name}".strip() if supply.place_id else str(_("No warehouse yet."))
    item = {
        "label": shown,
        "facts": [ngettext("{n} working day", "{n} working days", supply.lead_days).format(n=supply.lead_days), supply.get_shows_display(), *terms],
        "buttons": [change] if actor.can("inventory.manage_places") else [],
    }
    return Panel(_("Supply"), "parts/panel_items.html", {"items": [item]}, aside=True)


class Supply(ActionPage):
    """Choose what supplies an agreement of the own organisation."""

    verb = "inventory.manage_places"
    query = agreements
    form = SupplyForm
    title = gettext_lazy("What supplies this agreement")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The supply of the agreement is saved; it holds for new orders.")
    above = "agreement"

    def initial(self, obj: Agreement) -> dict[str, Any]:
        supply = supply_set(self.actor, obj.pk)
        return {**{name: getattr(supply, name) for name in TERMS}, "place": supply.place_id}

    def perform(self, obj: Agreement, cleaned: dict[str, Any], client_id: UUID) -> Any:
        before = supply_set(self.actor, obj.pk)

        def body() -> Any:
            """What changed, all of it or nothing."""
            supply = actions.set_supply_place(obj.pk, cleaned["place"].pk, cleaned["shows"], cleaned["lead_days"], actor=self.actor, client_id=client_id)
            if (before.short, before.priority) != (cleaned["short"], cleaned["priority"]):
                supply = actions.set_shortage(obj.pk, cleaned["short"], cleaned["priority"], actor=self.actor)
            if before.surcharge != cleaned["surcharge"]:
                supply = actions.set_surcharge(obj.pk, cleaned["surcharge"], actor=self.actor)
            if before.reserve_days != cleaned["reserve_days"]:
                supply = actions.set_reserve_days(obj.pk, cleaned["reserve_days"], actor=self.actor)
            if (before.keeps_days, before.keeps_percent) != (cleaned["keeps_days"], cleaned["keeps_percent"]):
                supply = actions.set_keeps(obj.pk, cleaned["keeps_days"], cleaned["keeps_percent"], actor=self.actor)
            if (before.receipt_days, before.photos) != (cleaned["receipt_days"], cleaned["photos"]):
                supply = actions.set_receiving(obj.pk, cleaned["receipt_days"], cleaned["photos"], actor=self.actor)
            return supply

        return unit(body)


routes = [
    *holds.routes,
    *lots.routes,
    *places.routes,
    *serving.routes,
    *typed.routes,
    path("agreements/<int:pk>/supply", Supply.as_view(), name="agreement_supply"),
    path("stock/", StockList.as_view(), name="stock"),
    path("stock/<int:pk>/", StockDetail.as_view(), name="stock_item"),
    path("stock/<int:pk>/adjustment", StockAdjust.as_view(), name="stock_adjustment"),
    path("moves/", MoveList.as_view(), name="moves"),
]
