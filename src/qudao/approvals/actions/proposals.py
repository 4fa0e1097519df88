"""An action that waits for signatures: what it would do is tried and undone, its arguments are kept, and the last signature calls it as who asked.

`signed` is all that a kind of documents needs. Without a flow that asks for a signature the action runs as if it were not there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, partial, wraps
from typing import Any, TypeVar, get_type_hints

from django.conf import settings
from django.utils.translation import gettext, override
from pydantic import TypeAdapter

from qudao.approvals import queries
from qudao.approvals.actions.late import hand_up
from qudao.approvals.actions.requests import open_request, sign, withdraw
from qudao.approvals.models import Proposal
from qudao.approvals.rules import Case, Needed
from qudao.approvals.states import Decision, ProposalState, RequestState
from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.base.work import attempt, in_work
from qudao.kernel import clock
from qudao.kernel.errors import NotFound, Refused, Waits
from qudao.people.queries import unscoped_actor_of_membership

R = TypeVar("R")


@dataclass(frozen=True)
class Asking:
    """What a flow asks of an action about a document: `amount` in `currency` ("" = it has none), `type` of `states.KINDS[…].types`."""

    about: Subject
    amount: Decimal = Decimal(0)
    currency: str = ""
    type: str = ""


@dataclass(frozen=True)
class Signed:
    """An action that may wait: `card(**arguments)` tells (label, text) of what it would do, in the reader's language, without looking who reads."""

    name: str
    kind: str
    call: Callable[..., Any]
    card: Callable[..., list[tuple[Any, Any]]]

    @property
    def hints(self) -> dict[str, Any]:
        """The types of its arguments."""
        return _hints(self.call)

    def stored(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments as JSON keeps them."""
        return {name: TypeAdapter(self.hints[name]).dump_python(value, mode="json") for name, value in arguments.items()}

    def read(self, stored: dict[str, Any]) -> dict[str, Any]:
        """The arguments that were kept."""
        return {name: TypeAdapter(self.hints[name]).validate_python(value) for name, value in stored.items()}


#: by name, every action that may wait
SIGNED: dict[str, Signed] = {}
#: while the last signature has its action done, nothing is asked anew
_doing: ContextVar[bool] = ContextVar("doing", default=False)


class _TriedError(Exception):
    """Nothing was refused: undo it."""


@cache
def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(inspect.unwrap(call))


def signed(kind: str, tell: Callable[..., Asking | None], card: Callable[..., list[tuple[Any, Any]]]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Let an action wait for the signatures that the flow of `kind` of the actor's organisation asks for. One statement where it does not.

    `tell` and `card` take the arguments of the action (`tell` the actor, too); `tell` returns None for what needs no signature. Instead of its result the
    action then raises Waits, after everything is kept; when it is refused, it is refused at once. Raises Refused inside a larger transaction.
    """

    def wrap(function: Callable[..., R]) -> Callable[..., R]:
        name = f"{function.__module__}.{function.__qualname__}".removeprefix("qudao.")
        found = SIGNED[name] = Signed(name, kind, function, card)

        def hold(told: Asking, needed: Needed, arguments: dict[str, Any], *, actor: Actor) -> Proposal:
            return _hold(found, told, needed, arguments, actor)

        hold.__module__, hold.__qualname__ = function.__module__, function.__qualname__
        held = action(function.verb)(hold)  # type: ignore[attr-defined]

        @wraps(function)
        def perform(*args: Any, actor: Actor, client_id: Any = None, **kwargs: Any) -> R:
            plain = partial(function, *args, actor=actor, client_id=client_id, **kwargs)
            if not isinstance(actor, Actor) or actor.membership_id is None or not actor.can(function.verb) or _doing.get():  # type: ignore[attr-defined]
                return plain()
            told = tell(*args, **kwargs, actor=actor)
            needed = queries.unscoped_rules_for(actor.org_id, kind, Case(told.amount, told.type)) if told and told.amount.is_finite() else None
            if not told or not needed:
                return plain()
            if in_work() and actor.channel != "api":
                raise Refused("approvals.asked_singly", number=told.about.number)
            arguments = inspect.signature(function).bind(*args, actor=actor, **kwargs).arguments
            kept = held(told, needed, {name: value for name, value in arguments.items() if name != "actor"}, actor=actor, client_id=client_id)
            waits = Waits("approvals.asked", number=told.about.number, proposal=kept.pk)
            waits.address = kept.get_absolute_url()
            raise waits

        return perform

    return wrap


def _hold(found: Signed, told: Asking, needed: Needed, arguments: dict[str, Any], actor: Actor) -> Proposal:
    """Try the action, undo it, and keep it with its request."""

    def tried() -> None:
        _now(found.call, **arguments, actor=actor)
        raise _TriedError

    try:
        attempt(tried)
    except _TriedError:
        pass
    made = Proposal.unscoped.create(
        **told.about.columns(), org_id=actor.org_id, kind=found.kind, type=told.type, action=found.name, arguments=found.stored(arguments), amount=told.amount,
        currency=told.currency, member_id=actor.membership_id, asked_by_id=actor.user_id, asked_at=clock.now(),
    )  # fmt: skip
    record(_subject(made), after=made.state, detail={"kind": made.kind, "amount": str(made.amount), "about": f"{made.subject_kind} {made.subject_id}"})
    open_request(made.asking, needed, actor=actor)
    return made


@action("approvals.sign")
def decide_proposal(proposal_id: int, decision: str, reason: str = "", *, seen: int = 0, actor: Actor) -> Proposal:
    """Sign what waits (approve or reject). The last signature does it as who asked, in the same transaction: what is refused then is refused to the signer,
    and nothing is signed. Locks the proposal and its request, then what the action locks. Tells who asked. Raises Refused as `sign` does.
    """
    made = _lock(proposal_id, actor)
    outcome = sign(made.asking, decision, reason, seen=seen, actor=actor)
    if outcome.state == RequestState.PENDING:
        return made
    done = outcome.state == RequestState.APPROVED
    _close(made, ProposalState.DONE if done else ProposalState.REJECTED, reason)
    if done:
        _do(made, actor)
    said: dict[str, Any] = {"number": made.number} if done else {"number": made.number, "reason": reason.strip()}
    notify("approvals.done" if done else "approvals.refused", made.asking, user_ids=[made.asked_by_id], except_user=actor.user_id, **said)
    return made


@action("approvals.ask")
def withdraw_proposal(proposal_id: int, *, actor: Actor) -> Proposal:
    """Take back what one asked for, before anybody has signed. Locks it and its request. Raises Refused."""
    made = _lock(proposal_id, actor)
    if made.asked_by_id != actor.user_id:
        raise Refused("approvals.not_yours", number=made.number)
    withdraw(made.asking, actor=actor)
    _close(made, ProposalState.WITHDRAWN, "")
    return made


def decide_late(*, actor: Actor) -> int:
    """Decide each proposal whose flow does so now, because the time of its step is out; the number of them. Each is a transaction of its own.

    What is refused then is handed up. Convergent.
    """
    late = queries.unscoped_late_proposals()
    for made, then in late:
        approves = then == Decision.APPROVE
        with override(settings.LANGUAGE_CODE):
            reason = "" if approves else gettext("Nobody decided in time.")
        try:
            decide_proposal(made.pk, then, reason, actor=actor)
        except Refused:
            hand_up(made.asking, actor=actor)
    return len(late)


def _do(made: Proposal, actor: Actor) -> None:
    """Do what waited as who asked for it, with the rights of today."""
    asker, found = unscoped_actor_of_membership(made.member_id), SIGNED.get(made.action)
    if asker is None or found is None or not asker.can(found.call.verb):  # type: ignore[attr-defined]
        raise Refused("approvals.asker_gone", number=made.number)
    _now(found.call, **found.read(made.arguments), actor=replace(asker, channel=actor.channel))


def _now(call: Callable[..., Any], **arguments: Any) -> None:
    """Call an action without asking for signatures again, for it or for what it calls."""
    token = _doing.set(True)
    try:
        call(**arguments)
    finally:
        _doing.reset(token)


def _lock(proposal_id: int, actor: Actor) -> Proposal:
    """A proposal that the actor may see and that waits, locked."""
    if not queries.unscoped_proposals_for(actor).filter(pk=proposal_id).exists():
        raise NotFound("base.not_found")
    made = lock_one(Proposal, proposal_id, rank=Rank.PROPOSAL)
    if made.state != ProposalState.WAITING:
        raise Refused("approvals.proposal_over", number=made.number)
    return made


def _close(made: Proposal, state: str, reason: str) -> None:
    made.state, made.closed_at = state, clock.now()
    made.save(update_fields=["state", "closed_at"])
    record(_subject(made), before=ProposalState.WAITING, after=state, reason=reason.strip(), since=made.asked_at, detail={"kind": made.kind})


def _subject(made: Proposal) -> Subject:
    """The proposal itself, as the log names it."""
    return Subject("approvals.proposal", made.pk, made.org_id, None, made.number)
