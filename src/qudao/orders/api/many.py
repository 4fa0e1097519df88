"""Many decisions in one call: each order for itself, so that one refusal stops no other."""

from __future__ import annotations

from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.approvals.actions import delegate
from qudao.approvals.queries import unscoped_open_requests
from qudao.base.access import Actor
from qudao.base.rest import reply
from qudao.base.sentences import say
from qudao.kernel.errors import DomainError, Fault, Forbidden, Invalid, NotFound
from qudao.orders import actions
from qudao.orders.api.changes import routes
from qudao.orders.queries import order_of

__all__ = ["routes"]
#: decision → its verb
VERBS = {"approve": "orders.approve", "reject": "orders.approve", "return": "orders.return", "hand_on": "approvals.delegate"}


class Chosen(Schema):
    """An order, and (`seen`) the id of the approval request that was looked at; nothing is decided when the order was changed since."""

    order_id: int
    seen: int = 0


class DecisionsIn(Schema):
    """One decision on many orders. All but an approval need a `reason`; `hand_on` a colleague. `may_wait`: what lacks only credit is kept for it."""

    decision: Literal["approve", "reject", "return", "hand_on"]
    orders: list[Chosen] = Field(..., min_length=1, max_length=100)
    reason: str = Field("", max_length=500)
    may_wait: bool = False
    user_id: int | None = None


class FaultOut(Schema):
    code: str
    sentence: str
    remedy: str


class DecidedOut(Schema):
    """What became of one order: its status, or why nothing was done."""

    order_id: int
    done: bool
    status: str | None
    faults: list[FaultOut]


class DecisionsOut(Schema):
    done: int
    failed: int
    items: list[DecidedOut]


@routes.post("/orders/decisions", response=DecisionsOut, summary="Decide many orders")
def decide_many(request: HttpRequest, body: DecisionsIn) -> HttpResponse:
    """Each in a transaction of its own, in the order given; the answer names every refusal. Sent again, what is decided is refused as decided."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can(VERBS[body.decision]):
        raise Forbidden("base.forbidden", verb=VERBS[body.decision])
    if body.decision == "hand_on" and body.user_id is None:
        raise Invalid("approvals.colleague_unknown", field="user_id")
    waits = unscoped_open_requests("orders.order", [one.order_id for one in body.orders])
    items = []
    for one in body.orders:
        status: str | None = None
        faults: tuple[Fault, ...] = ()
        try:
            status = _decide(one, body, waits.get(one.order_id, 0), actor)
        except DomainError as error:
            faults = error.faults
        said = [(fault.code, say(fault)) for fault in faults]
        told = [{"code": code, "sentence": str(words.sentence), "remedy": str(words.remedy)} for code, words in said]
        items.append({"order_id": one.order_id, "done": not faults, "status": status, "faults": told})
    failed = sum(not one["done"] for one in items)
    return reply({"done": len(items) - failed, "failed": failed, "items": items})


def _decide(one: Chosen, body: DecisionsIn, waits: int, actor: Actor) -> str:
    """Its status afterwards."""
    if body.decision == "approve":
        return actions.approve_order(one.order_id, reason=body.reason, may_wait=body.may_wait, seen=one.seen, actor=actor).status
    if body.decision == "reject":
        return actions.reject_order(one.order_id, reason=body.reason, seen=one.seen, actor=actor).status
    if body.decision == "return":
        return actions.return_order(one.order_id, reason=body.reason, seen=one.seen, actor=actor).status
    order = order_of(actor, one.order_id)
    if not (one.seen or waits):
        raise NotFound("base.not_found")
    delegate(one.seen or waits, body.user_id or 0, body.reason, actor=actor)
    return order.status
