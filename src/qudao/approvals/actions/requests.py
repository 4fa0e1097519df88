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
from qudao.approvals.states import NOBODY, Decision, Mode, NodeState, RequestState, Who
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
    made = _nodes(request, needed)
    first = [node for node in made if node.stage == 1]
    for node in first:
        node.state, node.entered_at = NodeState.CURRENT, now
    Node.unscoped.bulk_create(made)
    for node in first:
        _call(request, node)
    return request


@part
def ask_again(subject: Subject, taken_out: Subject, *, actor: Actor) -> Request:
    """Ask for every signature of a document that waits once more, for a part that was taken out of it into a document of its own: for the amount and
    the facts of the whole, of the same submitter, so that nothing passes in parts that did not as a whole. Four statements.

    The caller holds the lock of the document, so nobody decides on it meanwhile.
    """
    request = Request.unscoped.get(subject_kind=subject.kind, subject_id=subject.id, state=RequestState.PENDING)
    nodes, now = steps_of(request), clock.now()
    made = Request.unscoped.create(
        **taken_out.columns(), amount=request.amount, facts=request.facts, version_id=request.version_id, submitted_by_id=request.submitted_by_id,
        opened_at=now,
    )  # fmt: skip
    for node in nodes:
        first = node.stage == nodes[0].stage
        node.pk, node.request, node.reminded_at, node.late_at, node.left_at = None, made, None, None, None
        node.state, node.entered_at = (NodeState.CURRENT, now) if first else (NodeState.WAITING, None)
    Node.unscoped.bulk_create(nodes)
    for node in nodes:
        if node.state == NodeState.CURRENT:
            _call(made, node)
    return made


def _nodes(request: Request, needed: Needed) -> list[Node]:
    """The steps of a new request. One holder of a role costs no statement; who else is meant is looked up once, when the document is submitted."""
    made: list[Node] = []
    asked: set[int] = set()
    admins, org = 0, request.seller_id or 0
    for one in needed.asked:
        step, stage = one.step, made[-1].stage + 1 if made else 1
        told = {"request": request, "branch": one.branch, "amount_from": one.amount_from, "remind_hours": step.remind_hours}
        told |= {name: getattr(step, name) for name in ("late_hours", "late_then", "late_role_id", "late_below")}
        if step.who == Who.ROLE and step.mode == Mode.ANY:
            made.append(Node(**told, stage=stage, role_id=step.role_id))
            continue
        admins = admins or queries.unscoped_administrators(org)
        role = step.role_id or admins
        called = queries.unscoped_called(step, org, request.subject_kind, request.submitted_by_id)
        if step.who == Who.DEPARTMENT and step.mode == Mode.ANY and called:
            made.append(Node(**told, stage=stage, role_id=role, department=step.department))
        for n, user_id in enumerate(called if step.who != Who.DEPARTMENT or step.mode != Mode.ANY else ()):
            if user_id in asked:
                continue  # nobody signs a document twice
            asked.add(user_id)
            stage += 1 if n and step.mode == Mode.SEQUENCE else 0
            made.append(Node(**told, stage=stage, role_id=role, signer_id=user_id))
        if not called:
            made.append(Node(**told, stage=stage, role_id=role if step.who == Who.MANAGER else admins, note=NOBODY))
    for position, node in enumerate(made, 1):
        node.position = position
    return made


@part
def sign(subject: Subject, decision: str, reason: str = "", *, actor: Actor) -> Outcome:
    """Sign the step that waits: approve, reject, or send back to the submitter. Locks the request; the signature stays whatever happens later.

    The signer must act for the seller with the right of the step (or that of a colleague who is away), must not have submitted the document,
    and signs a document once. Raises Refused with the reason, Invalid when a rejection or a return has no reason. The system decides without a
    signature what its flow lets pass or be rejected when the time is out.
    """
    if decision != Decision.APPROVE and not reason.strip():
        raise Invalid("approvals.reason_missing", field="reason")
    request = _lock(subject)
    nodes = steps_of(request)
    now = clock.now()
    current = _timed_out(request, nodes, decision) if actor.kind == "system" else None
    if current is None:
        current, right = entitled(request, nodes, actor)
        on_behalf = right if right != actor.user_id else None
        Signature.unscoped.create(
            request=request, node=current, user_id=actor.user_id, on_behalf_id=on_behalf, decision=decision, reason=reason.strip(), at=now
        )  # fmt: skip
    end_links(current, now)
    open_ = [node for node in nodes if node.state in (NodeState.CURRENT, NodeState.WAITING) and node is not current]
    state = rules.outcome(decision, is_last=not open_)
    current.state, current.left_at = LEFT[Decision(decision)], now
    if state == RequestState.PENDING:
        current.save(update_fields=["state", "left_at"])
        beside = [node for node in open_ if node.state == NodeState.CURRENT]
        if not beside:
            enter_stage(request, open_, now)
        return Outcome(state, beside[0] if beside else open_[0])
    for node in open_:
        if node.state == NodeState.CURRENT:
            end_links(node, now)
    _close(request, state, [current, *open_], now)
    return Outcome(state, None)


def _timed_out(request: Request, nodes: Sequence[Node], decision: str) -> Node | None:
    """The step that its flow decides so by itself now."""
    for node in nodes:
        if node.state == NodeState.CURRENT and node.late_at and rules.late_decision(node.late_then, node.late_below, request.amount) == decision:
            return node
    return None


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
    found = queries.unscoped_right(request, actor) if request.state == RequestState.PENDING else None
    node_id, right = found or (0, None)
    waiting = [node for node in nodes if node.state == NodeState.CURRENT]
    current = next((node for node in waiting if node.pk == node_id), waiting[0] if waiting else nodes[-1])
    me = actor.user_id or 0
    used = Q(user_id=me) if right else Q(user_id=me) | Q(on_behalf_id=me)
    signed = Signature.unscoped.filter(used, request=request).exists()
    seller = "" if right else next((card.name for card in network.unscoped_cards([request.seller_id or 0]).values()), "")
    submitter = actor.user_id is not None and request.submitted_by_id == actor.user_id
    person = current.signer.name if current.signer else ""
    raise_if_any(rules.sign_faults(Facts(request.number, request.state, seller, current.role.name, submitter, signed, bool(right), person)))
    assert right is not None
    return current, right


def enter_stage(request: Request, nodes: Sequence[Node], now: datetime) -> None:
    """Let the next of these stages begin to wait, and tell who can sign; what nobody can sign goes to the administrators. Nodes are saved."""
    waiting = [node for node in nodes if node.state == NodeState.WAITING]
    for node in [one for one in waiting if one.stage == min(each.stage for each in waiting)]:
        enter(request, node, now)


def enter(request: Request, node: Node, now: datetime) -> None:
    """Let a step begin to wait, and tell who can sign it."""
    node.state, node.entered_at = NodeState.CURRENT, now
    node.save(update_fields=["state", "entered_at"])
    _call(request, node)


def _call(request: Request, node: Node) -> None:
    """Tell who can sign; a step that nobody can sign goes to the administrators instead of waiting for ever."""
    if not ask(request, node):
        node.role_id, node.signer_id, node.department, node.note = queries.unscoped_administrators(request.seller_id or 0), None, "", NOBODY
        node.given_by_id, node.added = None, False
        node.save(update_fields=["role", "signer", "department", "note", "given_by", "added"])
        ask(request, node)


def end_links(node: Node, now: datetime) -> None:
    """The links in mails about a step decide nothing any more. One statement."""
    Link.unscoped.filter(node=node, ended_at=None).update(ended_at=now)


def ask(request: Request, node: Node, code: str = "approvals.waiting", **params: Any) -> bool:
    """Tell everybody who can sign the step that it waits; whether there is anybody. One statement and the notice."""
    wanted = queries.unscoped_askable(node.pk)
    if wanted:
        notify(code, request.subject, user_ids=wanted, number=request.number, amount=str(request.amount), **params)
    return bool(wanted)


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
