"""Who sees a basket: the person it belongs to, in the organisation that buys. Templates may be shared with the own organisation."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import EVERY_ROW, Actor, Policy, register
from qudao.baskets.models import Basket, Favourite, Line, Template, TemplateLine

VERBS = {"baskets.use": _("Fill a basket, keep templates and favourites")}
FIELDS: dict[str, str] = {}


def _own(actor: Actor, org: str, user: str) -> Q:
    return EVERY_ROW if actor.kind == "system" else Q(**{org: actor.org_id, user: actor.user_id})


def _templates(actor: Actor, before: str = "") -> Q:
    """Own templates, and those that a colleague shares."""
    shared = Q(**{f"{before}org_id": actor.org_id, f"{before}shared": True})
    return _own(actor, f"{before}org_id", f"{before}user_id") | shared


@register
class BasketPolicy(Policy):
    model = Basket
    view_verb = "baskets.use"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _own(actor, "buyer_id", "user_id")


@register
class LinePolicy(Policy):
    model = Line
    view_verb = "baskets.use"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _own(actor, "basket__buyer_id", "basket__user_id")


@register
class TemplatePolicy(Policy):
    model = Template
    view_verb = "baskets.use"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _templates(actor)


@register
class TemplateLinePolicy(Policy):
    model = TemplateLine
    view_verb = "baskets.use"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _templates(actor, "template__")


@register
class FavouritePolicy(Policy):
    model = Favourite
    view_verb = "baskets.use"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _own(actor, "org_id", "user_id")
