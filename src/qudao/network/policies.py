"""Who sees which organisations: oneself, the line of organisations above (their names), and one's own branch; never siblings.

Delivery addresses: one's own and those of one's branch, because that is who one delivers to.
"""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, Scope, register
from qudao.network.models import Address, FormerPlace, Organisation
from qudao.network.rules import ids_of

VERBS = {
    "network.view": _("See organisations"),
    "network.register": _("Register organisations"),
    "network.change": _("Change organisations"),
    "network.move": _("Move organisations in the tree"),
    "network.suspend": _("Suspend and resume organisations"),
    "network.close": _("Close organisations"),
    "network.address": _("Keep delivery addresses"),
}


def in_branch(actor: Actor, by: str = "") -> Q:
    """The organisations an actor answers for: all, the own branch, or only the own one, by scope. `by` ("organisation__"): rows of theirs."""
    if actor.scope == Scope.ALL:
        return Q()
    if actor.scope == Scope.BRANCH:
        return Q(**{f"{by}path__startswith": actor.org_path})
    return Q(**{f"{by}id": actor.org_id})


@register
class OrganisationPolicy(Policy):
    """Seeing reaches up to the sellers above; changing only reaches the own branch."""

    model = Organisation
    view_verb = "network.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        """For seeing: the branch and the line above; pages and API give only the names of the line above (`queries.knows_fully`)."""
        if verb == "network.view" and actor.scope != Scope.ALL:
            return in_branch(actor) | Q(pk__in=ids_of(actor.org_path))
        return in_branch(actor)


@register
class FormerPlacePolicy(Policy):
    """Where an organisation stood is for those who answer for it."""

    model = FormerPlace
    view_verb = "network.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return in_branch(actor, "organisation__")


@register
class AddressPolicy(Policy):
    """Whoever answers for an organisation sees and keeps its addresses; those beside and above it do not."""

    model = Address
    view_verb = "network.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return in_branch(actor, "organisation__")
