"""Reads of proposals: actions that wait for signatures."""

from __future__ import annotations

from django.db.models import Model, QuerySet

from qudao.approvals import rules
from qudao.approvals.models import Node, Proposal, Request, Signature
from qudao.approvals.queries.requests import pending_for
from qudao.approvals.states import PROPOSED, Late, NodeState, ProposalState
from qudao.base.access import Actor, policy_of, visible


def proposals(actor: Actor) -> QuerySet[Proposal]:
    """What the actor asked for, or may see of what colleagues asked for, newest first."""
    return visible(actor, Proposal).select_related("asked_by").order_by("-pk")


def unscoped_proposals_for(actor: Actor) -> QuerySet[Proposal]:
    """The same for an action that has checked its own verb."""
    return Proposal.unscoped.filter(policy_of(Proposal).reach(actor, "approvals.ask"))


def proposals_about(actor: Actor, document: Model) -> list[Proposal]:
    """What waits about a document that the actor was shown, of the actor's own organisation. One statement."""
    found = Proposal.unscoped.filter(subject_kind=document._meta.label_lower, subject_id=document.pk, org_id=actor.org_id, state=ProposalState.WAITING)
    return list(found.select_related("asked_by").order_by("pk"))


def unscoped_hands_on(document: Model) -> set[int]:
    """Who asked for something about a document, and who signed it or refused to. One statement."""
    asked = Proposal.unscoped.filter(subject_kind=document._meta.label_lower, subject_id=document.pk)
    signed = Signature.unscoped.filter(request__subject_kind__in=PROPOSED, request__subject_id__in=asked.values("pk")).values_list("user_id")
    return {user for (user,) in asked.values_list("asked_by_id").union(signed)}


def proposed_to(actor: Actor) -> list[Node]:
    """The steps of proposals that wait for this person's signature, longest waiting first, at most 200. One statement."""
    return list(pending_for(actor).filter(request__subject_kind__in=PROPOSED)[:200])


def unscoped_late_proposals() -> list[tuple[Proposal, str]]:
    """What waits though the time of its step is out and its flow decides, with the decision, oldest first, at most 500. Two statements."""
    late = Node.unscoped.filter(state=NodeState.CURRENT, late_at__isnull=False, late_then__in=(Late.PASS, Late.REJECT), request__subject_kind__in=PROPOSED)
    told = late.order_by("late_at").values_list("request__subject_id", "late_then", "late_below", "request__amount")[:500]
    decided = {pk: rules.late_decision(then, below, amount) for pk, then, below, amount in told}
    found = {one.pk: one for one in Proposal.unscoped.filter(pk__in=decided, state=ProposalState.WAITING)}
    return [(found[pk], str(decision)) for pk, decision in decided.items() if pk in found and decision]


def unscoped_request_of(made: Proposal) -> Request:
    """The request of a proposal. One statement."""
    return Request.unscoped.filter(subject_kind=made.kind, subject_id=made.pk).latest("pk")
