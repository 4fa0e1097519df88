"""Pages of places: the list, one with what is written about it, and a page per verb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from qudao.base.access import Actor, all_verbs, visible
from qudao.base.audit import timeline
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, Panel, import_buttons
from qudao.base.html.tables import by_language
from qudao.inventory import actions, queries
from qudao.inventory.forms import CloseForm, PlaceFactsForm, PlaceForm
from qudao.inventory.models import Place
from qudao.inventory.rules import PlaceFacts
from qudao.inventory.states import PlaceKind
from qudao.inventory.tables import PlaceTable, place_state

VERB = "inventory.manage_places"
NEWEST = 30


class PlaceList(ListPage):
    """Where goods can be."""

    verb = "inventory.view"
    query = queries.places
    table = PlaceTable
    title = gettext_lazy("Places")

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("inventory.places", self.actor),
            Button(_("Who is served from where"), reverse("serving_rules"), icon="list", verb="inventory.view"),
            *(replace(one, label=_("Import terms of supply")) for one in import_buttons("inventory.supply", self.actor)),
            Button(_("Move goods"), reverse("stock_shift"), icon="arrow-right", verb="inventory.move"),
            Button(_("Open a warehouse"), reverse("place_new"), icon="plus", primary=True, verb=VERB, key="n"),
        ]


def card_panel(request: HttpRequest, place: Place) -> Panel:
    """What is written about the place."""
    facts = [
        (_("Name"), place.name),
        (_("English name"), place.name_en),
        (_("Address"), place.address),
        (_("Contact"), place.contact),
        (_("Phone"), place.phone),
        (_("Owner"), by_language(place.owner.name, place.owner.name_en)),
    ]
    return Panel(_("Card"), "parts/panel_facts.html", {"facts": facts})


def held_panel(request: HttpRequest, place: Place) -> Panel | None:
    """How many products lie there; nothing of the place outside, which keeps none."""
    if place.kind == PlaceKind.OUTSIDE:
        return None
    number = queries.on_hand(request.actor, place_id=place.pk).filter(on_hand__gt=0).count()  # type: ignore[attr-defined]
    to = f"{reverse('stock')}?tab=all&place={place.pk}"
    items = [{"label": ngettext("{n} product", "{n} products", number).format(n=number), "url": to}] if number else []
    return Panel(_("What lies there"), "parts/panel_items.html", {"items": items, "empty": _("Nothing lies there.")}, aside=True)


def timeline_panel(request: HttpRequest, place: Place) -> Panel:
    """What happened to the place: opened, described, closed, counted, moved from."""
    verbs = all_verbs()
    lines = timeline(actions.subject_of(place)).order_by("-at", "-pk")[:NEWEST]
    entries = [{"who": line.actor_name or _("System"), "at": line.at, "what": verbs.get(line.verb, line.verb), "reason": line.reason} for line in lines]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


class PlaceDetail(DetailPage):
    """One place."""

    verb = "inventory.view"
    query = queries.places
    kind = "inventory.place"
    panels = (card_panel, held_panel, timeline_panel)
    above = "places"

    def head(self, obj: Place) -> Head:
        return Head(obj.code, place_state(obj) if obj.kind == PlaceKind.STOCK else None, obj.label, facts=[obj.get_kind_display()])

    def buttons(self, obj: Place) -> Sequence[Button]:
        if obj.owner_id != self.actor.org_id:
            return []
        to = {name: reverse(f"place_{name}", args=[obj.pk]) for name in ("change", "closing", "opening")}
        found = [Button(_("Change"), to["change"], icon="pencil", primary=True, verb=VERB, key="e")]
        if obj.closed:
            return [*found, Button(_("Open again"), to["opening"], icon="lock-open", verb=VERB, ask=True)]
        if obj.kind == PlaceKind.STOCK:
            found.append(Button(_("Move goods"), f"{reverse('stock_shift')}?from_place={obj.pk}", icon="arrow-right", verb="inventory.move"))
        if obj.kind == PlaceKind.STOCK and obj.code != "MAIN":
            found.append(Button(_("Close warehouse"), to["closing"], icon="x", verb=VERB, ask=True, danger=True))
        return found


class PlaceNew(FormPage):
    """Another warehouse."""

    verb = VERB
    form = PlaceForm
    title = submit = gettext_lazy("Open a warehouse")
    said = gettext_lazy("The warehouse is open.")
    above = "places"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        code = cleaned.pop("code")
        return actions.register_place(code, facts=PlaceFacts(**cleaned), actor=self.actor, client_id=client_id)


def kept(actor: Actor) -> QuerySet[Place]:
    """The places that the actor may change."""
    return visible(actor, Place, VERB).select_related("owner")


class PlaceChange(ActionPage):
    """What is written about it."""

    verb = VERB
    query = kept
    form = PlaceFactsForm
    title = gettext_lazy("Change place")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The changes are saved.")
    above = "place"

    def initial(self, obj: Place) -> dict[str, Any]:
        return {name: getattr(obj, name) for name in PlaceFactsForm.base_fields}

    def perform(self, obj: Place, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_place(obj.pk, PlaceFacts(**cleaned), actor=self.actor, client_id=client_id)


class PlaceClose(PlaceChange):
    """Nothing enters it any more."""

    action = actions.close_place
    form = CloseForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Close warehouse")
    said = gettext_lazy("The warehouse is closed.")
    danger = True

    def initial(self, obj: Place) -> dict[str, Any]:
        return {}

    def says(self, obj: Place) -> Any:
        return _("Nothing enters {place} any more. It must be empty, and nothing may be supplied out of it. It can be opened again.").format(place=obj.code)

    def perform(self, obj: Place, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.close_place(obj.pk, cleaned["reason"], actor=self.actor, client_id=client_id)


class PlaceReopen(ActionPage):
    """Goods may enter again."""

    verb = VERB
    query = kept
    action = actions.reopen_place
    title = submit = gettext_lazy("Open again")
    said = gettext_lazy("The warehouse is open.")


routes = [
    path("places/", PlaceList.as_view(), name="places"),
    path("places/new", PlaceNew.as_view(), name="place_new"),
    path("places/<int:pk>/", PlaceDetail.as_view(), name="place"),
    path("places/<int:pk>/change", PlaceChange.as_view(), name="place_change"),
    path("places/<int:pk>/closing", PlaceClose.as_view(), name="place_closing"),
    path("places/<int:pk>/opening", PlaceReopen.as_view(), name="place_opening"),
]
