"""What becomes of a step that nobody signs in time: it goes up, passes or is rejected, as its flow says."""

from __future__ import annotations

from datetime import datetime

from qudao.approvals import queries, rules
from qudao.approvals.actions.requests import ask, end_links
from qudao.approvals.events import StepLate
from qudao.approvals.models import Node, Request
from qudao.approvals.states import NOBODY, Late, NodeState, RequestState
from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.lock import Rank, lock_rows
from qudao.base.subject import Subject
from qudao.kernel import clock


@action("approvals.remind")
def time_out(*, actor: Actor) -> int:
    """Do once what its flow says with every step whose time is out; the number of steps. Locks the requests. Convergent: run as often as you like.

    Emits StepLate where the flow decides; the document's own module then decides it. Others are handed up, and who can sign now is told.
    """
    now = clock.now()
    due = queries.unscoped_timed_out(now)
    if not due:
        return 0
    found = _waiting([one.pk for one in lock_rows(Request, {request for _node, request in due}, rank=Rank.APPROVAL)], {node for node, _request in due})
    for node in found:
        node.late_at = now
        decision = rules.late_decision(node.late_then, node.late_below, node.request.amount)
        if decision:
            node.save(update_fields=["late_at"])
            emit(StepLate(node.request.subject_kind, node.request.subject_id, decision), node.request.subject)
        else:
            _hand_up(node, now)
        record(node.request.own_subject, detail={"step": node.position, "hours": node.late_hours, "then": node.late_then})
    return len(found)


@action("approvals.remind")
def hand_up(subject: Subject, *, actor: Actor) -> int:
    """Hand up the steps of a document that its flow would have decided, and could not; the number of steps. Locks the request. Convergent."""
    request = Request.unscoped.filter(subject_kind=subject.kind, subject_id=subject.id, state=RequestState.PENDING).values_list("pk", flat=True)
    found = [
        node
        for node in _waiting([one.pk for one in lock_rows(Request, list(request), rank=Rank.APPROVAL)], None)
        if node.late_at and node.late_then != Late.ESCALATE
    ]
    for node in found:
        _hand_up(node, clock.now())
        record(node.request.own_subject, detail={"step": node.position})
    return len(found)


def _waiting(request_ids: list[int], node_ids: set[int] | None) -> list[Node]:
    """The steps of locked requests that wait, those of `node_ids` only when their time was not out before."""
    found = Node.unscoped.filter(request_id__in=request_ids, state=NodeState.CURRENT, request__state=RequestState.PENDING).select_related("request")
    return list(found.order_by("pk") if node_ids is None else found.filter(pk__in=node_ids, late_at=None).order_by("pk"))


def _hand_up(node: Node, now: datetime) -> None:
    """Let the higher role sign instead; where nobody holds it, or it is the same, the administrators do."""
    request, before = node.request, node.role_id
    end_links(node, now)
    node.role_id = node.late_role_id or queries.unscoped_administrators(request.seller_id or 0)
    node.signer_id, node.given_by_id, node.department, node.added, node.note, node.reminded_at = None, None, "", False, "", None
    node.late_then, node.late_below = Late.ESCALATE, None  # the flow decides it no more
    node.save(update_fields=["role", "signer", "given_by", "department", "added", "note", "reminded_at", "late_at", "late_then", "late_below"])
    told = {"hours": node.late_hours}
    if node.role_id == before or not ask(request, node, "approvals.escalated", **told):
        node.role_id, node.note = queries.unscoped_administrators(request.seller_id or 0), NOBODY
        node.save(update_fields=["role", "note"])
        ask(request, node, "approvals.escalated", **told)
