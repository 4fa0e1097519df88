"""Who sees stock: the owner of the place and the scopes above it. A buyer never sees a seller's rows; see `queries.available_for`."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, own, register, within
from qudao.inventory.models import Lot, LotMove, Move, Place, Reservation, ServingRule, Stock, SupplyPlace, Tracked

VERBS = {
    "inventory.view": _("See stock and its moves"),
    "inventory.receive": _("Enter opening stock"),
    "inventory.adjust": _("Adjust stock to what was counted"),
    "inventory.move": _("Move goods between own warehouses"),
    "inventory.hold": _("Block goods for quality and release them"),
    "inventory.manage_places": _("Set up places and what supplies whom"),
}


def _owned(actor: Actor, verb: str, *paths: str) -> Q:
    """Reading reaches as far as the actor's scope; writing stays with the owner."""
    return within(actor, *paths) if verb == "inventory.view" else own(actor, *paths)


@register
class PlacePolicy(Policy):
    model = Place
    view_verb = "inventory.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "owner")


@register
class StockPolicy(Policy):
    model = Stock
    view_verb = "inventory.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "place__owner")


@register
class ReservationPolicy(Policy):
    model = Reservation
    view_verb = "inventory.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "place__owner")


@register
class MovePolicy(Policy):
    """A move between two owners is seen by both."""

    model = Move
    view_verb = "inventory.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "from_place__owner", "to_place__owner")


@register
class LotPolicy(Policy):
    model = Lot
    view_verb = "inventory.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "place__owner")


@register
class LotMovePolicy(Policy):
    """As the move it is a part of."""

    model = LotMove
    view_verb = "inventory.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "from_place__owner", "to_place__owner")


@register
class TrackedPolicy(Policy):
    """Whose product it is says whether it is tracked."""

    model = Tracked
    view_verb = "inventory.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "product__owner")


@register
class SupplyPlacePolicy(Policy):
    model = SupplyPlace
    view_verb = "inventory.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "place__owner")


@register
class ServingRulePolicy(Policy):
    model = ServingRule
    view_verb = "inventory.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _owned(actor, verb, "owner")
