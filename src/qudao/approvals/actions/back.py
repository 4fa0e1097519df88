"""A document goes back to an earlier signature of the same run: it and all that followed is asked anew, what was signed stays in the history."""

from __future__ import annotations

from copy import copy

from qudao.approvals import queries
from qudao.approvals.actions.requests import end_links, enter_stage, entitled, lock_request
from qudao.approvals.models import Node, Request, Signature
from qudao.approvals.states import MOST_ROUNDS, Decision, NodeState
from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused


@action("approvals.send_back")
def send_back(request_id: int, position: int, reason: str, *, actor: Actor) -> Request:
    """Ask again for the signature at `position`, which the document has already got, and for all after it. Locks the request; tells who signs there.

    The steps from there on are void and begin a round as new steps; signatures before them still count. Raises Refused when the step is not the
    actor's or the document went back too often, Invalid without a reason or for a step that cannot be asked again.
    """
    request, nodes = lock_request(request_id, actor)
    node, right = entitled(request, nodes, actor)
    if not reason.strip():
        raise Invalid("approvals.reason_missing", field="reason")
    to = next((one for one in queries.signed_before(nodes, node) if one.position == position), None)
    if to is None:
        raise Invalid("approvals.step_unknown", field="position", number=request.number)
    if node.round > MOST_ROUNDS:
        raise Refused("approvals.too_many_rounds", number=request.number, most=MOST_ROUNDS)
    now = clock.now()
    Signature.unscoped.create(
        request=request, node=node, user_id=actor.user_id, on_behalf_id=right if right != actor.user_id else None, decision=Decision.BACK,
        reason=reason.strip(), at=now, round=node.round,
    )  # fmt: skip
    again = [one for one in nodes if not one.void and one.stage >= to.stage and one.state != NodeState.WAITING]
    for one in again:
        if one.state == NodeState.CURRENT:
            end_links(one, now)
            one.state, one.left_at = NodeState.RETURNED if one is node else NodeState.SKIPPED, now
        one.void = True
    Node.unscoped.bulk_update(again, ["state", "left_at", "void"])
    made = _asked_again(nodes, again)
    enter_stage(request, made, now, code="approvals.again", reason=reason.strip())
    record(request.own_subject, reason=reason.strip(), detail={"step": node.position, "to": position})
    return request


def _asked_again(nodes: list[Node], again: list[Node]) -> list[Node]:
    """New steps for those that are void, before those that were not asked yet; all of them are of the next round."""
    later = [one for one in nodes if one.state == NodeState.WAITING]
    closed = [one for one in nodes if one.state != NodeState.WAITING]
    stages = {stage: n for n, stage in enumerate(sorted({one.stage for one in again}), 1)}
    number, stage, position = (max(one.round for one in nodes) + 1, max(one.stage for one in closed), max(one.position for one in closed))
    for one in reversed(later):  # from the end, so that no two steps ever have one position
        one.position, one.stage, one.round = one.position + len(again), one.stage + len(stages), number
        one.save(update_fields=["position", "stage", "round"])
    made = []
    for n, one in enumerate(again, 1):
        new = copy(one)
        new.pk, new.position, new.stage, new.round, new.void = None, position + n, stage + stages[one.stage], number, False
        new.state, new.entered_at, new.left_at, new.reminded_at, new.late_at = NodeState.WAITING, None, None, None, None
        new.covered_by_id = None
        made.append(new)
    return Node.unscoped.bulk_create(made)
