"""Who else signs: a step handed to a colleague, a signer added before or after, a deputy while one is away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from qudao.approvals import queries, rules
from qudao.approvals.actions.requests import ask, end_links, enter, entitled, lock_request
from qudao.approvals.models import Absence, Node, Request
from qudao.approvals.rules import Colleague
from qudao.approvals.states import DECIDED_BY, MOST_STEPS, NodeState
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any


@dataclass(frozen=True)
class AbsenceDraft:
    """From `first_day` to `last_day`, both included, `deputy_id` may sign what the person may sign."""

    deputy_id: int
    first_day: date
    last_day: date
    note: str = ""


@action("approvals.delegate")
def delegate(request_id: int, user_id: int, reason: str = "", *, actor: Actor) -> Request:
    """Hand the step that waits for the actor to a colleague, who alone signs it from now on. Locks the request; tells the colleague.

    Raises Refused when the step is not the actor's, Invalid when the colleague may not sign this document.
    """
    request, nodes = lock_request(request_id, actor)
    node, _right = entitled(request, nodes, actor)
    to, _role_id = _colleague(request, user_id, actor)
    node.signer_id, node.given_by_id, node.note, node.reminded_at = to.id, actor.user_id, reason.strip(), None
    node.save(update_fields=["signer", "given_by", "note", "reminded_at"])
    end_links(node, clock.now())
    record(request.own_subject, reason=reason.strip(), detail={"step": node.position, "to": to.id})
    ask(request, node)
    return request


@action("approvals.add_signer")
def add_signer(request_id: int, user_id: int, before: bool, reason: str = "", *, actor: Actor) -> Request:
    """Let a colleague sign, too: before the actor, whose step waits again afterwards, or after. Locks the request; tells the colleague.

    Raises Refused when the step is not the actor's or the request has too many steps, Invalid when the colleague may not sign this document.
    """
    request, nodes = lock_request(request_id, actor)
    node, _right = entitled(request, nodes, actor)
    to, role_id = _colleague(request, user_id, actor)
    if sum(not one.void for one in nodes) >= MOST_STEPS:
        raise Refused("approvals.too_many_steps", most=MOST_STEPS)
    now, at = clock.now(), node.position if before else node.position + 1
    stage = node.stage if before else node.stage + 1
    if before:
        node.state, node.entered_at, node.reminded_at = NodeState.WAITING, None, None
        end_links(node, now)
    for later in reversed([one for one in nodes if one.position >= at]):  # from the end, so that no two steps ever have one position
        later.position += 1
        later.stage += 1 if later.stage > node.stage or later is node else 0
        later.save(update_fields=["position", "stage", "state", "entered_at", "reminded_at"])
    made = Node(
        request=request, position=at, stage=stage, role_id=role_id, signer_id=to.id, given_by_id=actor.user_id, added=True, note=reason.strip(),
        round=node.round,
    )  # fmt: skip
    made.save()
    record(request.own_subject, reason=reason.strip(), detail={"step": at, "to": to.id, "before": before})
    if before:
        enter(request, made, now)
    return request


@action("approvals.delegate")
def name_deputy(draft: AbsenceDraft, *, actor: Actor) -> Absence:
    """Say who signs while one is away. Locks nothing: a second deputy for the same days is allowed. Tells the deputy. Raises Invalid."""
    if actor.user_id is None:
        raise Refused("approvals.colleague_unknown")
    faults = rules.absence_faults(draft.first_day, draft.last_day, clock.today())
    to = next((one for kind in DECIDED_BY for one, *_role in queries.unscoped_colleagues(actor.org_id, kind) if one.id == draft.deputy_id), Colleague(0, ""))
    faults += rules.colleague_faults(replace(to, is_self=draft.deputy_id == actor.user_id), "", "deputy_id")
    raise_if_any(faults, Invalid)
    made = Absence.unscoped.create(
        org_id=actor.org_id, user_id=actor.user_id, deputy_id=to.id, first_day=draft.first_day, last_day=draft.last_day, note=draft.note.strip()
    )  # fmt: skip
    record(_subject(made), reason=made.note, detail={"deputy": to.id, "from": draft.first_day, "to": draft.last_day})
    told: dict[str, Any] = {"name": actor.name, "first_day": draft.first_day.isoformat(), "last_day": draft.last_day.isoformat()}
    notify("approvals.deputy", _subject(made), user_ids=[to.id], **told)
    return made


@action("approvals.delegate")
def end_absence(absence_id: int, *, actor: Actor) -> Absence:
    """End an absence: the deputy signs nothing more from now on. Either of the two may. Locks it; a second time is refused."""
    get_visible(actor, Absence, absence_id)
    absence = lock_one(Absence, absence_id, rank=Rank.NETWORK)
    if absence.ended_at is not None or absence.last_day < clock.today():
        raise Refused("approvals.absence_over")
    absence.ended_at = clock.now()
    absence.save(update_fields=["ended_at"])
    record(_subject(absence), before="open", after="ended")
    return absence


def _colleague(request: Request, user_id: int, actor: Actor) -> tuple[Colleague, int]:
    """The colleague and the role held here; raises Invalid with the reason why this one cannot sign the request."""
    found = {one.id: (one, role_id) for one, _name, _name_en, role_id in queries.unscoped_colleagues(actor.org_id, request.subject_kind, request.pk)}
    to, role_id = found.get(user_id, (Colleague(0, ""), 0))
    faults: list[Fault] = rules.colleague_faults(replace(to, is_self=user_id == actor.user_id), request.number)
    raise_if_any(faults, Invalid)
    return to, role_id


def _subject(absence: Absence) -> Subject:
    return Subject("approvals.absence", absence.pk, absence.org_id, None, "")
