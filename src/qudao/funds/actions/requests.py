"""Requests for limits (domain C10): one person, of the seller or the buyer, asks; another one at the seller grants, perhaps less, or declines."""

from __future__ import annotations

from typing import Any

from qudao.approvals.actions import signed
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.funds import rules
from qudao.funds.actions import asked
from qudao.funds.actions.shared import set_shared
from qudao.funds.actions.terms import apply_terms, lock_account
from qudao.funds.models import Account, LimitRequest
from qudao.funds.rules import Wanted
from qudao.funds.states import RequestState
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused, raise_if_any


@action("funds.ask_limit")
def ask_limit(account_id: int, wanted: Wanted, reason: str, *, actor: Actor) -> LimitRequest:
    """Ask for another limit of an account, for good or up to a day. Locks the account; the seller's finance is told.

    Raises Refused while another request for it waits, or when the account is prepaid; Invalid at the field.
    """
    raise_if_any(rules.wanted_faults(wanted, clock.today()), Invalid)
    account = lock_account(account_id, "funds.ask_limit", reason, actor)
    if account.prepaid:
        raise Refused("funds.account_prepaid_no_credit")
    if LimitRequest.unscoped.filter(account=account, state=RequestState.REQUESTED).exists():
        raise Refused("funds.request_waits")
    about: dict[str, Any] = {"reason": reason.strip()[:500], "asked_by": actor.user_id, "asked_name": actor.name, "asked_at": clock.now()}
    limits = {"limit_amount": wanted.limit, "temp_limit": wanted.temp_limit, "temp_until": wanted.temp_until if wanted.temp_limit else None}
    made = LimitRequest.unscoped.create(account=account, org_id=actor.org_id or account.seller_id, was=account.counting.limit, **limits, **about)
    record(_subject(account), reason=reason, detail={"asked": _said(wanted, account.currency)})
    _tell("funds.limit_asked", account, actor, wanted, reason, org_id=account.seller_id, verb="funds.set_limit")
    return made


@signed(asked.LIMIT, asked.grant_asks, asked.grant_card)
@action("funds.set_limit")
def grant_limit(request_id: int, granted: Wanted | None = None, answer: str = "", *, actor: Actor) -> LimitRequest:
    """Grant a request (None: as it was asked), from now on, of the limit it shares where it does. Locks the account; emits LimitChanged, so
    that held orders try again; who asked is told.

    Raises Refused funds.request_own for who asked, funds.request_over when it is decided. It waits for the signatures a flow of credit limits asks for.
    """
    request, account = _open(request_id, "funds.set_limit", actor)
    wanted = granted or request.wanted
    today = clock.today()
    raise_if_any(rules.wanted_faults(wanted, today), Invalid)
    request.was = account.counting.limit
    request.granted_limit, request.granted_temp = wanted.limit, wanted.temp_limit
    request.granted_until = wanted.temp_until if wanted.temp_limit else None
    _decide(request, RequestState.GRANTED, answer, actor)
    terms, why = wanted.on(account.counting, today), answer.strip() or request.reason
    if account.shared_id:
        set_shared(account.shared_id, terms, why, actor=actor)
    else:
        account = apply_terms(account, terms, why, actor)
    _tell("funds.limit_granted", account, actor, wanted, answer, user_ids=_asker(request))
    return request


@action("funds.set_limit")
def decline_limit(request_id: int, answer: str, *, actor: Actor) -> LimitRequest:
    """Decline a request, with a reason that who asked reads. Locks the account. Raises as `grant_limit`."""
    if not answer.strip():
        raise Invalid("funds.reason_missing", field="answer")
    request, account = _open(request_id, "funds.set_limit", actor)
    _decide(request, RequestState.DECLINED, answer, actor)
    record(_subject(account), reason=answer, detail={"request": RequestState.DECLINED.value})
    _tell("funds.limit_declined", account, actor, Wanted(), answer, user_ids=_asker(request))
    return request


@action("funds.ask_limit")
def withdraw_limit(request_id: int, *, actor: Actor) -> LimitRequest:
    """Take back a request of the own organisation that is not decided. Locks the account."""
    request, account = _open(request_id, "funds.ask_limit", actor)
    _decide(request, RequestState.WITHDRAWN, "", actor)
    record(_subject(account), detail={"request": RequestState.WITHDRAWN.value})
    return request


def _open(request_id: int, verb: str, actor: Actor) -> tuple[LimitRequest, Account]:
    """A request that waits, with its account, which is locked: whoever changes a request of it waits here."""
    seen = get_visible(actor, LimitRequest, request_id, verb)
    account = lock_one(Account, seen.account_id, rank=Rank.FUNDS)
    request = LimitRequest.unscoped.get(pk=request_id)
    if request.state != RequestState.REQUESTED:
        raise Refused("funds.request_over")
    if verb == "funds.set_limit" and actor.user_id is not None and request.asked_by == actor.user_id:
        raise Refused("funds.request_own")
    return request, account


def _decide(request: LimitRequest, state: RequestState, answer: str, actor: Actor) -> None:
    request.state, request.answer = state, answer.strip()[:500]
    request.decided_by, request.decided_name, request.decided_at = actor.user_id, actor.name, clock.now()
    request.save()


def _asker(request: LimitRequest) -> list[int]:
    return [request.asked_by] if request.asked_by else []


def _said(wanted: Wanted, currency: str) -> str:
    """What is wanted, as figures: the permanent limit, the temporary one with its last day."""
    parts = [] if wanted.limit is None else [f"{wanted.limit:,.2f} {currency}"]
    if wanted.temp_limit:
        parts.append(f"+{wanted.temp_limit:,.2f} {currency} ≤ {wanted.temp_until}")
    return " ".join(parts)


def _tell(code: str, account: Account, actor: Actor, wanted: Wanted, reason: str, **to: Any) -> None:
    said: dict[str, Any] = {"number": account.buyer.code, "buyer": account.buyer.name, "seller": account.seller.name, "name": actor.name}
    notify(code, _subject(account), except_user=actor.user_id, wanted=_said(wanted, account.currency), reason=reason.strip(), **said, **to)


def _subject(account: Account) -> Subject:
    return Subject("funds.account", account.pk, account.seller_id, account.buyer_id)
