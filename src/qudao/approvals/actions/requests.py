"""The life of a request: opened with its steps, signed one after another, closed. Called down by the document's own action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from qudao.approvals import queries, rules
from qudao.approvals.events import RequestClosed
from qudao.approvals.models import Link, Node, Request, Signature
from qudao.approvals.rules import Facts, Needed
from qudao.approvals.states import Decision, NodeState, RequestState
from qudao.base.access import Actor
from qudao.base.action import emit, part
from qudao.base.lock import Rank, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused, raise_if_any
from qudao.network import queries as network

#: the state a step is left in, by what its signer decided
LEFT = {Decision.APPROVE: NodeState.APPROVED, Decision.REJECT: NodeState.REJECTED, Decision.RETURN: NodeState.RETURNED}


@dataclass(frozen=True)
class Outcome:
    """What a signature led to: the state of the request, and the step that waits now (None when it is closed)."""

    state: str
    node: Node | None


@part
def open_request(subject: Subject, needed: Needed, *, actor: Actor) -> Request:
    """Ask for the signatures that `needed` (from `queries.unscoped_rules_for`) calls for. Tells who can sign first.

    Three statements; the unique constraint refuses a second open request. Raises ValueError when nothing is needed.
    """
    if not needed:
        raise ValueError("the flow asks for nothing: the document needs no approval")
    now = clock.now()
    request = Request.unscoped.create(
        **subject.columns(), amount=needed.case.amount, facts=rules.stored(needed.case), version_id=needed.version_id, submitted_by_id=actor.user_id,
        opened_at=now,
    )  # fmt: skip
    made = [
        Node(request=request, position=n, role_id=one.step.role_id, branch=one.branch, amount_from=one.amount_from, remind_hours=one.step.remind_hours)
        for n, one in enumerate(needed.asked, 1)
    ]
    made[0].state, made[0].entered_at = NodeState.CURRENT, now
    Node.unscoped.bulk_create(made)
    ask(request, made[0])
    return request


@part
def sign(subject: Subject, decision: str, reason: str = "", *, actor: Actor) -> Outcome:
    """Sign the step that waits: approve, reject, or send back to the submitter. Locks the request; the signature stays whatever happens later.

    The signer must act for the seller with the right of the step (or that of a colleague who is away), must not have submitted the document,
    and signs a document once. Raises Refused with the reason, Invalid when a rejection or a return has no reason.
    """
    if decision != Decision.APPROVE and not reason.strip():
        raise Invalid("approvals.reason_missing", field="reason")
    request = _lock(subject)
    nodes = steps_of(request)
    current, right = entitled(request, nodes, actor)
    now = clock.now()
    user_id = actor.user_id
    assert user_id is not None  # the system holds no right
    on_behalf = right if right != user_id else None
    Signature.unscoped.create(
        request=request, node=current, user_id=user_id, on_behalf_id=on_behalf, decision=decision, reason=reason.strip(), at=now
    )  # fmt: skip
    end_links(current, now)
    later = [node for node in nodes if node.state == NodeState.WAITING]
    state = rules.outcome(decision, is_last=not later)
    current.state, current.left_at = LEFT[Decision(decision)], now
    if state == RequestState.PENDING:
        current.save(update_fields=["state", "left_at"])  # before the next enters: one step waits at a time
        enter(request, later[0], now)
        return Outcome(state, later[0])
    _close(request, state, [current, *later], now)
    return Outcome(state, None)


@part
def withdraw(subject: Subject, *, actor: Actor, by_cancel: bool = False) -> Request:
    """Take the question back before anybody has signed; with `by_cancel` (the document itself is given up) also after. Locks the request."""
    request = _lock(subject)
    if request.state != RequestState.PENDING:
        raise Refused("approvals.closed", number=subject.number, state=RequestState(request.state).label)
    if not by_cancel and Signature.unscoped.filter(request=request).exists():
        raise Refused("approvals.decided", number=subject.number)
    open_nodes = list(Node.unscoped.filter(request=request, state__in=[NodeState.CURRENT, NodeState.WAITING]))
    now = clock.now()
    for node in open_nodes:
        end_links(node, now)
    _close(request, RequestState.WITHDRAWN, open_nodes, now)
    return request


def _lock(subject: Subject) -> Request:
    """The newest request of a document, locked; a double click waits here and then sees what the first one did."""
    note_rank(Rank.APPROVAL)
    found = Request.unscoped.select_for_update(of=("self",)).filter(subject_kind=subject.kind, subject_id=subject.id).order_by("-pk").first()
    if found is None:
        raise Refused("approvals.none", number=subject.number)
    return found


def steps_of(request: Request) -> list[Node]:
    """The steps of a locked request in the order of signing."""
    return list(Node.unscoped.filter(request=request).select_related("role", "signer").order_by("position"))


def entitled(request: Request, nodes: Sequence[Node], actor: Actor) -> tuple[Node, int]:
    """The step that waits and whose right the actor uses for it; raises Refused when it is not the actor's to decide. Two statements."""
    current = next((node for node in nodes if node.state == NodeState.CURRENT), nodes[-1])
    right = queries.unscoped_right(current, actor) if request.state == RequestState.PENDING else None
    me = actor.user_id or 0
    used = Q(user_id=me) if right else Q(user_id=me) | Q(on_behalf_id=me)
    signed = Signature.unscoped.filter(used, request=request).exists()
    seller = "" if right else next((card.name for card in network.unscoped_cards([request.seller_id or 0]).values()), "")
    submitter = actor.user_id is not None and request.submitted_by_id == actor.user_id
    person = current.signer.name if current.signer else ""
    raise_if_any(rules.sign_faults(Facts(request.number, request.state, seller, current.role.name, submitter, signed, bool(right), person)))
    assert right is not None
    return current, right


def enter(request: Request, node: Node, now: datetime) -> None:
    """Let a step begin to wait, and tell who can sign it."""
    node.state, node.entered_at = NodeState.CURRENT, now
    node.save(update_fields=["state", "entered_at"])
    ask(request, node)


def end_links(node: Node, now: datetime) -> None:
    """The links in mails about a step decide nothing any more. One statement."""
    Link.unscoped.filter(node=node, ended_at=None).update(ended_at=now)


def ask(request: Request, node: Node, code: str = "approvals.waiting", **params: Any) -> None:
    """Tell everybody who can sign the step that it waits. One statement and the notice."""
    wanted = queries.unscoped_askable(node.pk)
    if wanted:
        notify(code, request.subject, user_ids=wanted, number=request.number, amount=str(request.amount), **params)


def _close(request: Request, state: str, nodes: Sequence[Node], now: datetime) -> None:
    """Close the request; steps that were never decided are no longer needed."""
    for node in nodes:
        if node.state in (NodeState.CURRENT, NodeState.WAITING):
            node.state = NodeState.SKIPPED
        node.left_at = now
    Node.unscoped.bulk_update(nodes, ["state", "left_at"])
    request.state, request.closed_at = state, now
    request.save(update_fields=["state", "closed_at"])
    emit(RequestClosed(request.pk, str(state), int((now - request.opened_at).total_seconds())), request.subject)
