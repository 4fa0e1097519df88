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
from qudao.approvals.states import NOBODY, PROPOSED, Decision, Mode, NodeState, RequestState, Who
from qudao.base.access import Actor
from qudao.base.action import emit, part
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, NotFound, Refused, raise_if_any
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
        _call(request, node, now)
    return request


@part
def ask_again(subject: Subject, taken_out: Subject, *, actor: Actor) -> Request:
    """Ask for every signature of a document that waits once more, for a part that was taken out of it into a document of its own: for the amount and
    the facts of the whole, of the same submitter, so that nothing passes in parts that did not as a whole. Four statements.

    The caller holds the lock of the document, so nobody decides on it meanwhile.
    """
    request = Request.unscoped.get(subject_kind=subject.kind, subject_id=subject.id, state=RequestState.PENDING)
    nodes, now = [node for node in steps_of(request) if not node.void], clock.now()
    made = Request.unscoped.create(
        **taken_out.columns(), amount=request.amount, facts=request.facts, version_id=request.version_id, submitted_by_id=request.submitted_by_id,
        opened_at=now,
    )  # fmt: skip
    for position, node in enumerate(nodes, 1):
        first = node.stage == nodes[0].stage
        node.position, node.round, node.covered_by = position, 1, None
        node.pk, node.request, node.reminded_at, node.late_at, node.left_at = None, made, None, None, None
        node.state, node.entered_at = (NodeState.CURRENT, now) if first else (NodeState.WAITING, None)
    Node.unscoped.bulk_create(nodes)
    for node in nodes:
        if node.state == NodeState.CURRENT:
            _call(made, node, now)
    return made


def _nodes(request: Request, needed: Needed) -> list[Node]:
    """The steps of a new request. One holder of a role costs no statement; who else is meant is looked up once, when the document is submitted."""
    made: list[Node] = []
    asked: set[int] = set()
    skips = needed.skip_signed  # whom a later step asks again is skipped there, when the turn comes
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
            if user_id in asked and not skips:
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
def sign(subject: Subject, decision: str, reason: str = "", *, seen: int = 0, actor: Actor) -> Outcome:
    """Sign the step that waits: approve, reject, or send back to the submitter. Locks the request; the signature stays whatever happens later.

    The signer must act for the seller with the right of the step (or that of a colleague who is away), must not have submitted the document,
    and signs a document once. Raises Refused with the reason, Invalid when a rejection or a return has no reason. The system decides without a
    signature what its flow lets pass or be rejected when the time is out. `seen`: the request (id) the signer was shown; when the document was
    changed and asked for anew since, nothing is signed (approvals.changed).
    """
    if decision != Decision.APPROVE and not reason.strip():
        raise Invalid("approvals.reason_missing", field="reason")
    request = _lock(subject)
    if seen and request.pk != seen:
        raise Refused("approvals.changed", number=subject.number)
    nodes = steps_of(request)
    now = clock.now()
    current = _timed_out(request, nodes, decision) if actor.kind == "system" else None
    if current is None:
        current, right = entitled(request, nodes, actor)
        on_behalf = right if right != actor.user_id else None
        Signature.unscoped.create(
            request=request, node=current, user_id=actor.user_id, on_behalf_id=on_behalf, decision=decision, reason=reason.strip(), at=now,
            round=current.round,
        )  # fmt: skip
    end_links(current, now)
    open_ = [node for node in nodes if node.state in (NodeState.CURRENT, NodeState.WAITING) and node is not current]
    state = rules.outcome(decision, is_last=not open_)
    current.state, current.left_at = LEFT[Decision(decision)], now
    if state == RequestState.PENDING:
        current.save(update_fields=["state", "left_at"])
        waits = _left_beside(request, open_, actor, now) or enter_stage(request, open_, now)
        if waits:
            return Outcome(state, waits[0])
        _close(request, RequestState.APPROVED, [], now)
        return Outcome(RequestState.APPROVED, None)
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


def _left_beside(request: Request, nodes: Sequence[Node], actor: Actor, now: datetime) -> list[Node]:
    """The steps of the same stage that still wait; what the signer was to sign there as well is skipped, or goes to somebody else."""
    beside = [node for node in nodes if node.state == NodeState.CURRENT]
    return [node for node in beside if actor.user_id is None or node.signer_id != actor.user_id or _call(request, node, now)]


@part
def withdraw(subject: Subject, *, actor: Actor, by_cancel: bool = False) -> Request:
    """Take the question back before anybody has signed; with `by_cancel` (the document is given up, or changed and asked anew) also after. Locks
    the request.
    """
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
    note_rank(Rank.PROPOSAL if subject.kind in PROPOSED else Rank.APPROVAL)
    found = Request.unscoped.select_for_update(of=("self",)).filter(subject_kind=subject.kind, subject_id=subject.id).order_by("-pk").first()
    if found is None:
        raise Refused("approvals.none", number=subject.number)
    return found


def lock_request(request_id: int, actor: Actor) -> tuple[Request, list[Node]]:
    """A request of the actor's organisation, locked, with its steps; NotFound for every other."""
    if not Request.unscoped.filter(pk=request_id, seller_id=actor.org_id).exists():
        raise NotFound("base.not_found")
    request = lock_one(Request, request_id, rank=Rank.APPROVAL)
    return request, steps_of(request)


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
    signed = Signature.unscoped.filter(used, request=request, node__void=False).exists()
    seller = "" if right else next((card.name for card in network.unscoped_cards([request.seller_id or 0]).values()), "")
    submitter = actor.user_id is not None and request.submitted_by_id == actor.user_id
    person = current.signer.name if current.signer else ""
    raise_if_any(rules.sign_faults(Facts(request.number, request.state, seller, current.role.name, submitter, signed, bool(right), person)))
    assert right is not None
    return current, right


def enter_stage(request: Request, nodes: Sequence[Node], now: datetime, **told: Any) -> list[Node]:
    """Let the next of these stages begin to wait, tell who can sign, and return what waits; a stage that earlier signatures cover is passed over.

    What nobody can sign goes to the administrators. Nodes are saved.
    """
    waiting = [node for node in nodes if node.state == NodeState.WAITING]
    while waiting:
        stage = min(node.stage for node in waiting)
        entered = [node for node in waiting if node.stage == stage and enter(request, node, now, **told)]
        if entered:
            return entered
        waiting = [node for node in waiting if node.stage != stage]
    return []


def enter(request: Request, node: Node, now: datetime, **told: Any) -> bool:
    """Let a step begin to wait, and tell who can sign it; whether it does wait, or an earlier signature covers it."""
    node.state, node.entered_at = NodeState.CURRENT, now
    node.save(update_fields=["state", "entered_at"])
    return _call(request, node, now, **told)


def _call(request: Request, node: Node, now: datetime, **told: Any) -> bool:
    """Tell who can sign. What only somebody could sign who has signed before is skipped, if the flow says so; what nobody can sign goes to the
    administrators instead of waiting for ever. Whether the step waits.
    """
    if ask(request, node, **told):
        return True
    node.covered_by_id = queries.unscoped_covering(node.pk)
    if node.covered_by_id:
        end_links(node, now)
        node.state, node.left_at = NodeState.SKIPPED, now
        node.save(update_fields=["state", "left_at", "covered_by"])
        return False
    node.role_id, node.signer_id, node.department, node.note = queries.unscoped_administrators(request.seller_id or 0), None, "", NOBODY
    node.given_by_id, node.added = None, False
    node.save(update_fields=["role", "signer", "department", "note", "given_by", "added"])
    ask(request, node, **told)
    return True


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
