"""Prices are seen by the owner of the list and the two sides of the agreement concerned, and by the grant to see prices between others.

A dealer never sees another dealer's list or special price: seeing far (a branch) is not enough, only standing in the trade is.
"""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from qudao.agreements.models import Agreement, GroupMember
from qudao.agreements.states import AgreementState
from qudao.base.access import Actor, Policy, own, register, within
from qudao.catalog.policies import acting, shown
from qudao.kernel import clock
from qudao.network.rules import ids_of
from qudao.pricing.models import ChangeLine, ListAssignment, Price, PriceChange, PriceList, Rate, SpecialPrice, WideAssignment

VERBS = {
    "pricing.view": _("See prices"),
    "pricing.edit": _("Keep price lists and their prices"),
    "pricing.assign": _("Assign price lists to agreements, groups and regions"),
    "pricing.grant": _("Grant special prices"),
    "pricing.rates": _("Keep exchange rates"),
}
FIELDS: dict[str, str] = {}


def _sides(actor: Actor, *org_fields: str) -> Q:
    """Rows where the actor stands in the trade; with the grant, those in its scope."""
    return own(actor, *org_fields) | within(actor, *org_fields) if actor.sees("trade.downstream_prices") else own(actor, *org_fields)


def _lists(actor: Actor, at: str = "") -> Q:
    """The lists an actor may look at: its own, those assigned to it, its group or its region as a buyer, and the base lists of its sellers; of the prices
    in them (`at`) a buyer looks at those of products that are shown to it."""
    today = clock.today()
    buys = Agreement.unscoped.filter(buyer_id=actor.org_id, state=AgreementState.ACTIVE, transfers=False)
    pk = f"{at}in" if at else "pk__in"
    owner = f"{at}owner" if at else "owner"
    assigned = ListAssignment.unscoped.filter(agreement__in=buys).values("list_id")
    member = GroupMember.unscoped.filter(Q(valid_to=None) | Q(valid_to__gte=today), buyer_id=actor.org_id, valid_from__lte=today).values("group_id")
    mine = buys.filter(seller_id=OuterRef("owner_id"), buyer__area_code__startswith=OuterRef("area_code"))
    wide = WideAssignment.unscoped.filter(
        Q(group__in=member) | Q(group=None),
        Q(region=None) | Q(region_id__in=ids_of(actor.org_path)),
        Q(Exists(mine), channel="") | Q(Exists(mine.filter(channel=OuterRef("channel")))),
    )
    abroad = buys.exclude(currency=F("seller__currency")).values("seller_id")
    base = PriceList.unscoped.filter(
        Q(owner__in=buys.values("seller_id"), currency__in=buys.values("currency")) | Q(owner__in=abroad, currency=F("owner__currency")), is_base=True
    ).values("pk")
    bought = Q(**{pk: assigned}) | Q(**{pk: base}) | Q(**{pk: wide.values("list_id")})
    return _sides(actor, owner) | acting(actor, owner) | (bought & shown(actor, "product") if at else bought)


@register
class PriceListPolicy(Policy):
    model = PriceList
    view_verb = "pricing.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _lists(actor) if verb == self.view_verb else acting(actor, "owner")


@register
class PricePolicy(Policy):
    model = Price
    view_verb = "pricing.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return _lists(actor, "list__") if verb == self.view_verb else acting(actor, "list__owner")


@register
class PriceChangePolicy(Policy):
    """People of who keeps the list, who signs and who audits among them: no buyer reads what prices are to be before they count."""

    model = PriceChange
    view_verb = "pricing.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "list__owner")


@register
class ChangeLinePolicy(Policy):
    model = ChangeLine
    view_verb = "pricing.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "change__list__owner")


@register
class ListAssignmentPolicy(Policy):
    model = ListAssignment
    view_verb = "pricing.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == self.view_verb:
            return _sides(actor, "agreement__seller", "agreement__buyer") | acting(actor, "agreement__seller")
        return acting(actor, "agreement__seller")


@register
class WideAssignmentPolicy(Policy):
    model = WideAssignment
    view_verb = "pricing.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "owner")


@register
class RatePolicy(Policy):
    model = Rate
    view_verb = "pricing.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "owner")


@register
class SpecialPricePolicy(Policy):
    model = SpecialPrice
    view_verb = "pricing.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == self.view_verb:
            return (_sides(actor, "agreement__seller", "agreement__buyer") & shown(actor, "product")) | acting(actor, "agreement__seller")
        return acting(actor, "agreement__seller")
