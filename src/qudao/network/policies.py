"""Who sees which organisations: oneself, the line of organisations above (their names), and one's own branch; never siblings."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, Scope, register
from qudao.network.models import Organisation
from qudao.network.rules import ids_of

VERBS = {
    "network.view": _("See organisations"),
    "network.register": _("Register organisations"),
    "network.change": _("Change organisations"),
    "network.move": _("Move organisations in the tree"),
    "network.suspend": _("Suspend and resume organisations"),
    "network.close": _("Close organisations"),
}


def in_branch(actor: Actor) -> Q:
    """The organisations an actor answers for: all, the own branch, or only the own one, by scope."""
    if actor.scope == Scope.ALL:
        return Q()
    if actor.scope == Scope.BRANCH:
        return Q(path__startswith=actor.org_path)
    return Q(pk=actor.org_id)


@register
class OrganisationPolicy(Policy):
    """Seeing reaches up to the sellers above; changing only reaches the own branch."""

    model = Organisation
    view_verb = "network.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        """For seeing: the branch and the line above; pages and API give only the names of the line above (`queries.knows_fully`)."""
        if verb == "network.view" and actor.scope != Scope.ALL:
            return in_branch(actor) | Q(pk__in=ids_of(actor.org_path))
        return in_branch(actor)
