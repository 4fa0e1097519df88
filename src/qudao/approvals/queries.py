"""Reads of approvals: which rules apply, what waits for me, what was signed."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import QuerySet

from qudao.approvals.models import Node, Request, Rule, Signature
from qudao.approvals.rules import RuleCard
from qudao.approvals.states import NodeState, RequestState
from qudao.base.access import Actor, get_visible, policy_of, visible
from qudao.base.db import rows
from qudao.base.subject import Subject
from qudao.people.models import Membership, Role
from qudao.people.states import MemberState


def unscoped_rules_for(seller_id: int, kind: str, amount: Decimal) -> list[RuleCard]:
    """The rules that apply to a document of this kind and amount, in the order of signing; empty = no approval needed. One statement."""
    found = rows(
        """select r.id, r.position, r.role_id, p.code, p.name, p.name_en, r.min_amount
             from approvals_rule r join people_role p on p.id = r.role_id
            where r.owner_id = %s and r.kind = %s and r.active and r.min_amount <= %s
            order by r.position, r.id""",
        [seller_id, kind, amount],
    )
    return [RuleCard(*row) for row in found]


def _my_roles(actor: Actor) -> QuerySet:
    return Membership.unscoped.filter(pk=actor.membership_id or 0, state=MemberState.ACTIVE).values("role_id")


def pending_for(actor: Actor) -> QuerySet[Node]:
    """The steps that wait for this person's signature, longest waiting first, each with its request; it takes the role of the step, no verb."""
    if actor.user_id is None:
        return Node.unscoped.none()
    return (
        Node.unscoped.filter(state=NodeState.CURRENT, request__state=RequestState.PENDING, role_id__in=_my_roles(actor))
        .filter(request__seller_id=actor.org_id)
        .exclude(request__submitted_by_id=actor.user_id)
        .exclude(request__in=Signature.unscoped.filter(user_id=actor.user_id).values("request_id"))
        .select_related("request", "request__submitted_by", "role")
        .order_by("entered_at", "pk")
    )


def may_sign(actor: Actor, subject: Subject) -> bool:
    """Whether the document waits for this person now. One statement; for showing the buttons, `actions.sign` decides again under lock."""
    return pending_for(actor).filter(request__subject_kind=subject.kind, request__subject_id=subject.id).exists()


def requests(actor: Actor, *, state: str = "") -> QuerySet[Request]:
    """The approval requests of the actor's organisation, newest first."""
    found = visible(actor, Request).select_related("submitted_by").order_by("-pk")
    return found.filter(state=state) if state else found


def course(actor: Actor, subject: Subject) -> list[Node]:
    """The steps of all requests of a document, oldest first, each with its signatures; empty for who is not of the seller. Two statements.

    The caller has shown that the actor sees the document itself.
    """
    mine = Node.unscoped.filter(policy_of(Node).rows(actor, "approvals.view"))
    nodes = mine.filter(request__subject_kind=subject.kind, request__subject_id=subject.id)
    return list(nodes.select_related("request", "role").prefetch_related("signatures__user").order_by("request_id", "position"))


def rules(actor: Actor, *, kind: str = "") -> QuerySet[Rule]:
    """The rules in use of the actor's organisation, in the order of signing."""
    found = visible(actor, Rule).filter(active=True).select_related("role", "owner").order_by("owner_id", "kind", "min_amount", "position", "pk")
    return found.filter(kind=kind) if kind else found


def rule(actor: Actor, rule_id: int) -> Rule:
    """One rule; NotFound when it does not exist for this actor."""
    return get_visible(actor, Rule, rule_id)


def unscoped_role_fits(role_id: int, owner_id: int) -> bool:
    """Whether a role comes with the product or belongs to the organisation. One statement."""
    return bool(rows("select 1 from people_role where id = %s and (owner_id is null or owner_id = %s)", [role_id, owner_id]))


def unscoped_role_choices(owner_id: int, kind: str) -> list[tuple[int, str, str]]:
    """(id, name, English name) of the roles that people of an organisation may have: meant for its kind, or its own. One statement."""
    fitting = Role.unscoped.filter(owner__isnull=True, kinds__contains=[kind]) | Role.unscoped.filter(owner_id=owner_id)
    return list(fitting.order_by("pk").values_list("pk", "name", "name_en"))
