"""Who sees and keeps products: the owner keeps them; its branch, its regions, and whoever an Audience row names, see them but for its hidden ones."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import EVERY_ROW, Actor, Policy, own, register, within
from qudao.catalog.models import Audience, Brand, Category, Cost, Equivalent, HiddenProduct, HiddenSet, Pack, Product, Succession, TaxClass, TaxRate
from qudao.network.rules import ids_of
from qudao.network.states import OrgKind

VERBS = {
    "catalog.view": _("See products"),
    "catalog.edit": _("Keep products, packs and categories"),
    "catalog.block": _("Block and unblock products"),
    "catalog.keep_costs": _("Keep what goods cost"),
}
FIELDS = {
    "trade.cost": _("See what goods cost one's own organisation"),
    "trade.margin": _("See the margin of one's own sales"),
}
OUTSIDE = (OrgKind.SUPPLIER, OrgKind.CUSTOMER)


def acting(actor: Actor, owner: str) -> Q:
    """Rows whose `owner` the actor acts for: its own organisation, and the outside companies under it, which have nobody here to act."""
    return own(actor, owner) | Q(**{f"{owner}__kind__in": OUTSIDE, f"{owner}__parent_id": actor.org_id})


def shown(actor: Actor, *products: str) -> Q:
    """Rows none of whose columns `products` names a product that the sellers of the actor's organisation do not show it."""
    sets = Audience.unscoped.filter(viewer_id=actor.org_id, hidden__isnull=False).values("hidden_id")
    hidden = HiddenProduct.unscoped.filter(hidden__in=sets).values("product_id")
    found = EVERY_ROW
    for name in products:
        found &= ~Q(**{f"{name}__in": hidden})
    return found


def _seen(actor: Actor, verb: str, owner: str, *products: str) -> Q:
    """Rows whose `owner` the actor acts for; for looking also its scope, the owners above a region and those an Audience row opens."""
    if verb != "catalog.view":
        return acting(actor, owner)
    opened = Q(**{f"{owner}__in": Audience.unscoped.filter(viewer_id=actor.org_id).values("owner_id")})
    opened = opened & shown(actor, *products) if products else opened
    # A region is a part of the company above it.
    above = Q(**{f"{owner}__in": ids_of(actor.org_path)}) if actor.org_kind == OrgKind.REGION else Q(pk__in=[])
    return within(actor, owner) | opened | above


@register
class ProductPolicy(Policy):
    model = Product
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _seen(actor, verb, "owner", "pk")


@register
class CategoryPolicy(Policy):
    model = Category
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _seen(actor, verb, "owner")


@register
class BrandPolicy(Policy):
    model = Brand
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _seen(actor, verb, "owner")


@register
class TaxClassPolicy(Policy):
    model = TaxClass
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _seen(actor, verb, "owner")


@register
class TaxRatePolicy(Policy):
    model = TaxRate
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _seen(actor, verb, "tax_class__owner")


@register
class SuccessionPolicy(Policy):
    model = Succession
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _seen(actor, verb, "product__owner", "product", "successor")


@register
class EquivalentPolicy(Policy):
    model = Equivalent
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _seen(actor, verb, "product__owner", "product")


@register
class PackPolicy(Policy):
    model = Pack
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _seen(actor, verb, "product__owner", "product")


@register
class CostPolicy(Policy):
    """What goods cost an organisation is for its own people with the grant, whatever the scope of others: no dealer sees what its seller pays."""

    model = Cost
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "owner") if actor.sees("trade.cost") else Q(pk__in=[])


@register
class AudiencePolicy(Policy):
    model = Audience
    view_verb = "catalog.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "owner", "viewer")


@register
class HiddenSetPolicy(Policy):
    """What is not shown is nobody's to look at; who keeps the rules asks the module above."""

    model = HiddenSet
    view_verb = "catalog.view"
    people = None


@register
class HiddenProductPolicy(Policy):
    model = HiddenProduct
    view_verb = "catalog.view"
    people = None
