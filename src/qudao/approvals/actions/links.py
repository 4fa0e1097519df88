"""Mails that decide: the facts of a step with a link that works once, for one person and one step; and reminders of what waits too long."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from qudao.approvals import queries
from qudao.approvals.actions.requests import ask
from qudao.approvals.models import Link, Node
from qudao.approvals.states import LINK_HOURS, NodeState, RequestState
from qudao.base.access import Actor
from qudao.base.action import action, part, record
from qudao.base.lock import Rank, lock_rows
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.network import queries as network
from qudao.people import queries as people
from qudao.people.rules import hash_of


@dataclass(frozen=True)
class Letter:
    """What a mail says of a document that waits: its secret, the other side's two names, the amount, who submitted it, the role asked for."""

    token: str
    party: str
    party_en: str
    amount: Decimal
    submitted_by: str
    role: str
    role_en: str
    hours: int = LINK_HOURS


@part
def letter_for(subject: Subject, user_id: int, *, actor: Actor) -> Letter | None:
    """Make a link for a person who may sign the document now; None when it does not wait for this person any more.

    None as well for whoever signs in with a second factor: a mail alone must not be enough for them. The secret is not kept, only its hash.
    """
    member = queries.unscoped_member_of(user_id, subject.seller_id or 0)
    signer = people.unscoped_actor_of_membership(member) if member else None
    if signer is None or people.unscoped_second_factor(user_id):
        return None
    node = queries.pending_for(signer).filter(request__subject_kind=subject.kind, request__subject_id=subject.id).first()
    if node is None:
        return None
    token, now, request = secrets.token_urlsafe(32), clock.now(), node.request
    Link.unscoped.create(sha256=hash_of(token), node=node, user_id=user_id, created_at=now, expires_at=now + timedelta(hours=LINK_HOURS))
    card = network.unscoped_cards([request.buyer_id]).get(request.buyer_id) if request.buyer_id else None
    by = request.submitted_by.name if request.submitted_by else ""
    return Letter(token, card.name if card else "", card.name_en if card else "", request.amount, by, node.role.name, node.role.name_en)


@action("approvals.remind")
def remind(*, actor: Actor) -> int:
    """Remind once of every step that has waited longer than its flow allows; the number of steps. Locks them. Convergent: run as often as you like."""
    now = clock.now()
    due = queries.unscoped_overdue(now)
    if not due:
        return 0
    nodes = [one for one in lock_rows(Node, due, rank=Rank.APPROVAL) if one.state == NodeState.CURRENT and one.reminded_at is None]
    for node in Node.unscoped.filter(pk__in=[one.pk for one in nodes], request__state=RequestState.PENDING).select_related("request"):
        node.reminded_at = now
        node.save(update_fields=["reminded_at"])
        ask(node.request, node, "approvals.reminder", hours=node.remind_hours)
        record(node.request.own_subject, detail={"step": node.position})
    return len(nodes)
