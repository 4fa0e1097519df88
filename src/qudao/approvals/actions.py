"""Every change of rules and requests. Documents call `open_request`, `sign` and `withdraw` down; the answer tells them how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from qudao.approvals import queries, rules
from qudao.approvals.events import RequestClosed
from qudao.approvals.models import Node, Request, Rule, Signature
from qudao.approvals.rules import Facts, RuleCard, RuleDraft
from qudao.approvals.states import Decision, NodeState, RequestState
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, part, record
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Forbidden, Invalid, Refused, raise_if_any
from qudao.network import queries as network
from qudao.people import queries as people


@dataclass(frozen=True)
class Outcome:
    """What a signature led to: the state of the request, and the step that waits now (None when it is closed)."""

    state: str
    node: Node | None


@part
def open_request(subject: Subject, cards: Sequence[RuleCard], amount: Decimal, *, actor: Actor) -> Request:
    """Ask for the signatures that `cards` (from `queries.unscoped_rules_for`) call for. Tells who can sign first.

    Three statements; the unique constraint refuses a second open request. Raises ValueError without rules: then nothing needs approval.
    """
    nodes = rules.steps(cards)
    if not nodes:
        raise ValueError("no rule applies: the document needs no approval")
    now = clock.now()
    request = Request.unscoped.create(**subject.columns(), amount=amount, submitted_by_id=actor.user_id, opened_at=now)
    made = [Node(request=request, position=n, role_id=card.role_id) for n, card in enumerate(nodes, 1)]
    made[0].state, made[0].entered_at = NodeState.CURRENT, now
    Node.unscoped.bulk_create(made)
    _ask(request, made[0])
    return request


@part
def sign(subject: Subject, decision: str, reason: str = "", *, actor: Actor) -> Outcome:
    """Sign the step that waits. Locks the request; the signature stays whatever happens later.

    The signer must act for the seller in the role of the step, must not have submitted the document, and signs a document once.
    Raises Refused with the reason, Invalid when a rejection has no reason.
    """
    if decision == Decision.REJECT and not reason.strip():
        raise Invalid("approvals.reason_missing", field="reason")
    request = _lock(subject)
    nodes = list(Node.unscoped.filter(request=request).select_related("role").order_by("position"))
    current = next((node for node in nodes if node.state == NodeState.CURRENT), nodes[-1])
    raise_if_any(rules.sign_faults(_facts(request, current, subject, actor)))
    now = clock.now()
    user_id = actor.user_id
    assert user_id is not None  # the system holds no role
    Signature.unscoped.create(request=request, node=current, user_id=user_id, decision=decision, reason=reason.strip(), at=now)
    later = [node for node in nodes if node.state == NodeState.WAITING]
    state = rules.outcome(decision, is_last=not later)
    current.state, current.left_at = (NodeState.REJECTED if decision == Decision.REJECT else NodeState.APPROVED), now
    if state == RequestState.PENDING:
        current.save(update_fields=["state", "left_at"])  # before the next enters: one step waits at a time
        later[0].state, later[0].entered_at = NodeState.CURRENT, now
        later[0].save(update_fields=["state", "entered_at"])
        _ask(request, later[0])
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
    _close(request, RequestState.WITHDRAWN, open_nodes, clock.now())
    return request


@action("approvals.edit_rules")
def add_rule(owner_id: int, draft: RuleDraft, *, actor: Actor) -> Rule:
    """Let documents of a kind and size need a signature from now on; what already waits is not asked again. Raises Invalid, Refused."""
    _require_owner(owner_id, actor)
    _check_rule(owner_id, draft, but=None)
    rule = Rule.unscoped.create(owner_id=owner_id, **asdict(draft))
    record(_rule_subject(rule), detail=_told(rule))
    return rule


@action("approvals.edit_rules")
def change_rule(rule_id: int, draft: RuleDraft, *, actor: Actor) -> Rule:
    """Change a rule in use. Locks it; the log keeps what it was."""
    rule = _lock_rule(rule_id, actor)
    _check_rule(rule.owner_id, draft, but=rule.pk)
    before = _told(rule)
    for name, value in asdict(draft).items():
        setattr(rule, name, value)
    rule.save()
    record(_rule_subject(rule), detail={"before": before, "after": _told(rule)})
    return rule


@action("approvals.edit_rules")
def retire_rule(rule_id: int, *, actor: Actor) -> Rule:
    """Take a rule out of use. Locks it; requests it has opened go on."""
    rule = _lock_rule(rule_id, actor)
    rule.active = False
    rule.save(update_fields=["active"])
    record(_rule_subject(rule), before="active", after="retired", detail=_told(rule))
    return rule


def _lock(subject: Subject) -> Request:
    """The newest request of a document, locked; a double click waits here and then sees what the first one did."""
    note_rank(Rank.APPROVAL)
    found = Request.unscoped.select_for_update(of=("self",)).filter(subject_kind=subject.kind, subject_id=subject.id).order_by("-pk").first()
    if found is None:
        raise Refused("approvals.none", number=subject.number)
    return found


def _facts(request: Request, node: Node, subject: Subject, actor: Actor) -> Facts:
    holds = actor.org_id == request.seller_id and node.role_id in people.unscoped_role_ids(actor.membership_id)
    signed = Signature.unscoped.filter(request=request, user_id=actor.user_id or 0).exists()
    seller = "" if holds else next((card.name for card in network.unscoped_cards([request.seller_id or 0]).values()), "")
    submitter = actor.user_id is not None and request.submitted_by_id == actor.user_id
    return Facts(subject.number, request.state, seller, node.role.name, submitter, signed, holds)


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


def _ask(request: Request, node: Node) -> None:
    """Tell everybody who can sign the step that it waits, except who submitted the document."""
    if request.seller_id is not None:
        holders = people.unscoped_people_in_role(request.seller_id, node.role_id)
        wanted = [user_id for user_id in holders if user_id != request.submitted_by_id]
        if wanted:
            notify("approvals.waiting", request.subject, user_ids=wanted, number=request.number, amount=str(request.amount))


def _require_owner(owner_id: int, actor: Actor) -> None:
    """Rules are kept by the organisation whose documents they hold up."""
    if actor.kind != "system" and owner_id != actor.org_id:
        network.organisation(actor, owner_id)
        raise Forbidden("base.forbidden", verb="approvals.edit_rules")


def _lock_rule(rule_id: int, actor: Actor) -> Rule:
    get_visible(actor, Rule, rule_id, "approvals.edit_rules")
    rule = lock_one(Rule, rule_id, rank=Rank.NETWORK)
    if not rule.active:
        raise Refused("approvals.rule_retired")
    return rule


def _check_rule(owner_id: int, draft: RuleDraft, but: int | None) -> None:
    faults = rules.draft_faults(draft)
    if not queries.unscoped_role_fits(draft.role_id, owner_id):
        faults.append(Fault("approvals.role_unknown", "role_id"))
    raise_if_any(faults, Invalid)
    if Rule.unscoped.filter(owner_id=owner_id, active=True, **asdict(draft)).exclude(pk=but or 0).exists():
        raise Refused("approvals.rule_exists")


def _rule_subject(rule: Rule) -> Subject:
    return Subject("approvals.rule", rule.pk, rule.owner_id, None, rule.kind)


def _told(rule: Rule) -> dict[str, object]:
    return {"kind": rule.kind, "min_amount": str(rule.min_amount), "position": rule.position, "role": rule.role_id}
