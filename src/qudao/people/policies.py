"""Who sees which people: those of the organisations in one's scope; managed only inside the own organisation, or by the brand and its regions."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, Scope, register, within
from qudao.network.states import OrgKind
from qudao.people.models import ApiToken, Membership, Role, SecondFactor, Session, User

VERBS = {
    "people.view": _("See people"),
    "people.invite": _("Invite people"),
    "people.change": _("Change people's roles and views"),
    "people.end": _("End memberships"),
    "people.roles": _("Write own roles"),
    "people.me": _("Change the own profile, password and second factor"),
    "people.token": _("Make own API tokens"),
    "people.sign_in": _("Sign in"),
    "people.support": _("Set passwords and system roles"),
}


def manages(actor: Actor, org: str = "org") -> Q:
    """The rows of organisations whose people an actor manages.

    The brand's people reach as far as their scope; a dealer's to their own organisation and, with a view of their branch, to the outlets directly below
    it. A sub-dealer is a company of its own.
    """
    if actor.org_kind in ("hq", "region", "system"):
        return within(actor, org)
    own = Q(**{f"{org}_id": actor.org_id})
    return own | Q(**{f"{org}__parent_id": actor.org_id, f"{org}__kind": OrgKind.OUTLET}) if actor.scope in (Scope.BRANCH, Scope.ALL) else own


@register
class UserPolicy(Policy):
    """A person is seen where a membership of the person is seen; oneself always."""

    model = User
    view_verb = "people.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == "people.me":
            return Q(pk=actor.user_id) if actor.kind != "system" else Q()
        reach = within(actor, "org") if verb == "people.view" else manages(actor)
        if actor.scope == Scope.SELF:
            return Q(pk=actor.user_id)
        return Q(pk__in=Membership.unscoped.filter(reach).values("user"))


@register
class MembershipPolicy(Policy):
    """Seen within scope, managed in one's own organisation (see `manages`); the own membership is always seen."""

    model = Membership
    view_verb = "people.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb in ("people.me", "people.token"):
            return Q(user_id=actor.user_id)
        if verb == "people.view":
            if actor.scope == Scope.SELF:
                return Q(user_id=actor.user_id)
            return within(actor, "org")
        return manages(actor)


@register
class RolePolicy(Policy):
    """The system's roles and the own organisation's; only the latter can be written."""

    model = Role
    view_verb = "people.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == "people.roles":
            return Q(owner__isnull=False) & manages(actor, "owner")
        return Q(owner__isnull=True) | Q(owner_id=actor.org_id) | (manages(actor, "owner") & Q(owner__isnull=False))


class _OwnRows(Policy):
    """Rows of the person alone."""

    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return Q(user_id=actor.user_id)


@register
class SessionPolicy(_OwnRows):
    """One's own signed-in devices."""

    model = Session
    view_verb = "people.me"


@register
class SecondFactorPolicy(_OwnRows):
    """One's own second factor."""

    model = SecondFactor
    view_verb = "people.me"


@register
class ApiTokenPolicy(Policy):
    """One's own tokens; who manages people also sees and revokes those of the managed organisations."""

    model = ApiToken
    view_verb = "people.token"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        own = Q(membership__user_id=actor.user_id)
        if not actor.can("people.end"):
            return own
        managed = manages(actor, "membership__org")
        return own | managed if managed else managed  # "own or everything" would be read as "own" by Q
