"""Approvals are the seller's own affair: the buyer sees the state of its document, never who signed or by which rule."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.approvals.models import Absence, Calendar, Flow, Link, Node, Proposal, Request, Separation, Signature, Version
from qudao.approvals.states import PROPOSED
from qudao.base.access import Actor, Policy, own, register
from qudao.people.models import Membership

VERBS = {
    "approvals.view": _("See approvals and their flows"),
    "approvals.edit_rules": _("Decide what needs whose approval"),
    "approvals.delegate": _("Hand on what waits for one's own signature, and name a deputy"),
    "approvals.add_signer": _("Ask a colleague to sign, too"),
    "approvals.send_back": _("Send back to an earlier signature what waits for one's own"),
    "approvals.ask": _("See what one asked others to sign, and take it back"),
    "approvals.sign": _("Sign agreements, credit limits, money out, write-offs and claims that wait for one's signature"),
    "approvals.remind": _("Remind people of what waits for their signature"),
}
FIELDS: dict[str, str] = {}


def _own_work(actor: Actor) -> Q:
    """Requests of documents that a person submitted or signed; what waits for its signature is in its inbox, whatever it sees here."""
    return Q(submitted_by_id=actor.user_id) | Q(pk__in=Signature.unscoped.filter(user_id=actor.user_id).values("request_id"))


@register
class FlowPolicy(Policy):
    model = Flow
    view_verb = "approvals.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "owner")


@register
class VersionPolicy(Policy):
    model = Version
    view_verb = "approvals.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "flow__owner")


@register
class RequestPolicy(Policy):
    model = Request
    view_verb = "approvals.view"

    def mine(self, actor: Actor) -> Q:
        return _own_work(actor)

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "seller")


@register
class ProposalPolicy(Policy):
    """Who asked for it; and in the same organisation who signs, or sees approvals. Neither the other side of the document nor anybody above."""

    model = Proposal
    view_verb = "approvals.ask"

    def mine(self, actor: Actor) -> Q:
        asked = Q(role__in=Membership.unscoped.filter(pk=actor.membership_id).values("role")) | Q(signer_id=actor.user_id)
        steps = Node.unscoped.filter(asked, request__subject_kind__in=PROPOSED, request__seller_id=actor.org_id)
        return Q(asked_by_id=actor.user_id) | Q(pk__in=steps.values("request__subject_id"))

    def rows(self, actor: Actor, verb: str) -> Q:
        widely = actor.can("approvals.view") or actor.can("approvals.sign")
        return own(actor, "org") & (Q() if widely else Q(asked_by_id=actor.user_id))


@register
class NodePolicy(Policy):
    model = Node
    view_verb = "approvals.view"

    def mine(self, actor: Actor) -> Q:
        return Q(request__in=Request.unscoped.filter(_own_work(actor)))

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "request__seller")


@register
class SignaturePolicy(Policy):
    model = Signature
    view_verb = "approvals.view"

    def mine(self, actor: Actor) -> Q:
        return Q(request__in=Request.unscoped.filter(_own_work(actor)))

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "request__seller")


@register
class CalendarPolicy(Policy):
    model = Calendar
    view_verb = "approvals.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "org")


@register
class SeparationPolicy(Policy):
    model = Separation
    view_verb = "approvals.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "org")


@register
class AbsencePolicy(Policy):
    """One's own absences, and those in which one stands in for a colleague."""

    model = Absence
    view_verb = "approvals.delegate"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return Q(org_id=actor.org_id) & (Q(user_id=actor.user_id or 0) | Q(deputy_id=actor.user_id or 0))


@register
class LinkPolicy(Policy):
    """Nobody lists links; the one who has the secret uses it."""

    model = Link
    view_verb = "approvals.view"
