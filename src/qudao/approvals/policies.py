"""Approvals are the seller's own affair: the buyer sees the state of its document, never who signed or by which rule."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.approvals.models import Node, Request, Rule, Signature
from qudao.base.access import Actor, Policy, own, register

VERBS = {
    "approvals.view": _("See approvals and their rules"),
    "approvals.edit_rules": _("Decide what needs whose approval"),
}
FIELDS: dict[str, str] = {}


@register
class RulePolicy(Policy):
    model = Rule
    view_verb = "approvals.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "owner")


@register
class RequestPolicy(Policy):
    model = Request
    view_verb = "approvals.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "seller")


@register
class NodePolicy(Policy):
    model = Node
    view_verb = "approvals.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "request__seller")


@register
class SignaturePolicy(Policy):
    model = Signature
    view_verb = "approvals.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "request__seller")
