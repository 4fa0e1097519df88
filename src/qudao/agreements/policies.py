"""An agreement is seen by its two sides and by the branches above either; only who acts for the seller changes it."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.agreements.models import Agreement, Assortment, AssortmentRule, Authorisation, Group, GroupMember
from qudao.base.access import Actor, Policy, register, within
from qudao.catalog.policies import acting

VERBS = {
    "agreements.view": _("See agreements"),
    "agreements.draft": _("Draft agreements and change drafts"),
    "agreements.activate": _("Activate agreements"),
    "agreements.suspend": _("Suspend agreements"),
    "agreements.end": _("End agreements"),
    "agreements.authorise": _("Give and withdraw authorisations"),
    "agreements.group": _("Keep groups of buyers"),
    "agreements.assort": _("Say what is shown to which buyers"),
}
FIELDS: dict[str, str] = {}


@register
class AgreementPolicy(Policy):
    model = Agreement
    view_verb = "agreements.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "seller", "buyer") if verb == self.view_verb else acting(actor, "seller")


@register
class AuthorisationPolicy(Policy):
    model = Authorisation
    view_verb = "agreements.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == self.view_verb:
            return within(actor, "agreement__seller", "agreement__buyer")
        return acting(actor, "agreement__seller")


@register
class GroupPolicy(Policy):
    model = Group
    view_verb = "agreements.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "owner")


@register
class GroupMemberPolicy(Policy):
    model = GroupMember
    view_verb = "agreements.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "group__owner")


@register
class AssortmentRulePolicy(Policy):
    """Rules are their seller's own affair: a buyer sees what is shown, never that something is not."""

    model = AssortmentRule
    view_verb = "agreements.assort"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "seller")


@register
class AssortmentPolicy(Policy):
    model = Assortment
    view_verb = "agreements.assort"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "agreement__seller")
