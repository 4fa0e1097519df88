"""Credit accounts and the work of the seller's finance on them: limits, rules, holds and stops by hand, and the state that follows from all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from qudao.approvals.actions import signed
from qudao.approvals.queries import unscoped_separates
from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, emit, part, record
from qudao.base.db import rows, update_rows
from qudao.base.lock import Rank, lock_one, lock_rows, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.catalog.queries import unscoped_has_category
from qudao.funds import queries, rules
from qudao.funds.actions import asked
from qudao.funds.events import LimitChanged
from qudao.funds.models import Account, House, StateChange, SubLimit
from qudao.funds.rules import LimitTerms, Patience
from qudao.funds.states import State
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any

#: the states from good to bad
WORST = list(State)


@part
def ensure_account(agreement_id: int, *, actor: Actor) -> Account:
    """The account of an agreement that is no draft: that of the two in its currency, opened without credit and with the seller's rules when there is none.
    Three statements; convergent.

    What is owed to an outside seller, or for transfers, has no limit until somebody sets one.
    """
    rows(
        """INSERT INTO funds_account (seller_id, buyer_id, currency, prepaid, transfers, limit_amount, temp_limit, grace_days,
               tolerance, stop_days, watch_percent, ordered, shipped, invoiced, unapplied, by_hand, by_hand_reason, state, lined, deposit_required,
               deposit_first, deposit_held, state_since)
           SELECT a.seller_id, a.buyer_id, a.currency, a.prepaid, a.transfers,
               CASE WHEN (s.kind = 'supplier' OR a.transfers) AND NOT a.prepaid THEN %s ELSE 0 END, 0,
               coalesce(h.grace_days, 0), coalesce(h.tolerance, CASE WHEN s.kind = 'supplier' OR a.transfers THEN %s ELSE 0 END), h.stop_days, h.watch_percent,
               0, 0, 0, 0, '', '', 'ok', false, 0, false, 0, %s
           FROM agreements_agreement a JOIN network_organisation s ON s.id = a.seller_id LEFT JOIN funds_house h ON h.seller_id = a.seller_id
           WHERE a.id = %s AND a.state <> 'draft'
           ON CONFLICT (seller_id, buyer_id, currency, prepaid, transfers) DO NOTHING""",
        (rules.NO_LIMIT, rules.NO_LIMIT, clock.now(), agreement_id),
    )
    found = Account.unscoped.filter(pk__in=queries.unscoped_accounts_of([agreement_id]).values()).first()
    if found is None:
        raise NotFound("funds.no_account")
    return found


@action("funds.open_account")
def open_account(agreement_id: int, *, actor: Actor) -> Account:
    """Open the account that an agreement uses by hand; usually its activation does it."""
    account = ensure_account(agreement_id, actor=actor)
    get_visible(actor, Account, account.pk, "funds.open_account")
    return account


@signed(asked.LIMIT, asked.limit_asks, asked.limit_card)
@action("funds.set_limit")
def set_limit(account_id: int, terms: LimitTerms, reason: str, *, actor: Actor) -> Account:
    """Set the limits and the patience of an account of the own organisation as seller. Locks it; emits LimitChanged.

    Raises Refused funds.duty_limit for more credit where duties are kept apart: then one asks and another grants.
    """
    rules.check_terms(terms, clock.today())
    account = lock_account(account_id, "funds.set_limit", reason, actor)
    _check_duty({account.pk: terms}, [account], actor)
    return apply_terms(account, terms, reason, actor)


def apply_terms(account: Account, terms: LimitTerms, reason: str, actor: Actor) -> Account:
    """Set the terms of an account that is locked, with all that follows."""
    raise_if_any(rules.prepaid_faults(terms) if account.prepaid else [], Invalid)
    if detail := _limit(account, terms, reason):
        account.save(update_fields=list(detail))
        tell_changed(account)
        follow([account.pk], actor=actor)
        account.refresh_from_db()
    return account


def _check_duty(terms: Mapping[int, LimitTerms], accounts: Iterable[Account], actor: Actor) -> None:
    """Where the seller keeps duties apart, more credit takes a request and another person. One statement, none for less or for the system."""
    sellers = {one.seller_id for one in accounts if rules.gives_more(one.terms, terms[one.pk])}
    if actor.kind != "system" and any(unscoped_separates(pk) for pk in sellers):
        raise Refused("funds.duty_limit")


@signed(asked.LIMIT, asked.limits_asks, asked.limits_card)
@action("funds.set_limit")
def set_limits(terms: Mapping[int, LimitTerms], reason: str, *, actor: Actor) -> dict[int, dict[str, list]]:
    """`set_limit` for many accounts, by id, all or none, in four statements. Returns by account what changed, [before, after].

    Raises Invalid with every fault at its account ("rows.<id>.<field>"), NotFound.
    """
    if not reason.strip():
        raise Invalid("funds.reason_missing", field="reason")
    if visible(actor, Account, "funds.set_limit").filter(pk__in=terms).count() != len(terms):
        raise NotFound("funds.no_account")
    today = clock.today()
    raise_if_any([replace(fault, field=f"rows.{pk}.{fault.field}") for pk, one in terms.items() for fault in rules.term_faults(one, today)], Invalid)
    locked = lock_rows(Account, terms, rank=Rank.FUNDS)
    paid = [replace(fault, field=f"rows.{one.pk}.{fault.field}") for one in locked if one.prepaid for fault in rules.prepaid_faults(terms[one.pk])]
    raise_if_any(paid, Invalid)
    _check_duty(terms, locked, actor)
    found = {one.pk: detail for one in locked if (detail := _limit(one, terms[one.pk], reason))}
    update_rows([one for one in locked if one.pk in found], sorted({name for detail in found.values() for name in detail}))
    for one in locked:
        if one.pk in found:
            tell_changed(one)
    return found


def _limit(account: Account, terms: LimitTerms, reason: str) -> dict[str, list]:
    """Write terms into an account that is locked, not yet into its table, and the line of the log; what changed, [before, after]."""
    before, detail = str(account.limit_amount), dict[str, list]()
    new = {
        "limit_amount": terms.limit,
        "temp_limit": terms.temp_limit,
        "temp_until": terms.temp_until if terms.temp_limit else None,
        "grace_days": terms.grace_days,
        "tolerance": terms.tolerance,
        "stop_days": terms.stop_days,
        "watch_percent": terms.watch_percent,
    }
    for name, value in new.items():
        if getattr(account, name) != value:
            detail[name] = [getattr(account, name), value]
            setattr(account, name, value)
    if detail:
        told = {name: [str(value) for value in pair] for name, pair in detail.items()}
        record(_subject(account), before=before, after=str(terms.limit), reason=reason, detail=told)
    return detail


@signed(asked.LIMIT, asked.lines_asks, asked.lines_card)
@action("funds.set_limit")
def set_line_limits(account_id: int, limits: Mapping[int, Decimal | None], reason: str, *, actor: Actor) -> Account:
    """What product lines (by category, with all below it) may use of the limit; None: no limit of its own any more. What is not named stays.

    Locks the account; emits LimitChanged. Raises Invalid for an amount or a category the seller does not sell.
    """
    faults = [Fault("funds.amount", f"lines.{pk}", {"amount": str(x)}) for pk, x in limits.items() if x is not None and not rules.is_money(x)]
    account = lock_account(account_id, "funds.set_limit", reason, actor)
    faults += [Fault("funds.no_category", f"lines.{pk}") for pk in limits if not unscoped_has_category(account.seller_id, pk)]
    raise_if_any(faults, Invalid)
    before = dict(SubLimit.unscoped.filter(account=account, category_id__in=limits).values_list("category_id", "amount"))
    changed = {pk: amount for pk, amount in limits.items() if before.get(pk) != amount}
    if not changed:
        return account
    for pk, amount in changed.items():
        if amount is None:
            SubLimit.unscoped.filter(account=account, category_id=pk).delete()
        else:
            SubLimit.unscoped.update_or_create(account=account, category_id=pk, defaults={"amount": amount})
    account.lined = SubLimit.unscoped.filter(account=account).exists()
    account.save(update_fields=["lined"])
    told = {str(pk): [str(before.get(pk, "")), "" if amount is None else str(amount)] for pk, amount in changed.items()}
    record(_subject(account), reason=reason, detail={"lines": told})
    tell_changed(account)
    return account


@action("funds.freeze")
def freeze(account_id: int, reason: str, *, state: str = State.STOP, until: date | None = None, actor: Actor) -> Account:
    """Let new orders wait (`hold`) or let nothing pass, nor be shipped (`stop`), up to and including `until`, whatever the rules say.

    Locks the account; emits LimitChanged. Raises Invalid, Refused when it is so already.
    """
    if state not in (State.HOLD, State.STOP):
        raise Invalid("funds.by_hand_state", field="state")
    if until is not None and until < clock.today():
        raise Invalid("funds.until_past", field="until")
    account = lock_account(account_id, "funds.freeze", reason, actor)
    if (account.by_hand, account.by_hand_until) == (state, until):
        raise Refused("funds.already_frozen")
    return _by_hand(account, str(state), until, reason, actor)


@action("funds.unfreeze")
def unfreeze(account_id: int, reason: str, *, actor: Actor) -> Account:
    """End a hold or stop by hand; what the rules say counts again. Locks the account; emits LimitChanged."""
    account = lock_account(account_id, "funds.unfreeze", reason, actor)
    if not account.by_hand:
        raise Refused("funds.not_frozen")
    return _by_hand(account, "", None, reason, actor)


@action("funds.set_rules")
def set_rules(patience: Patience, *, actor: Actor) -> House:
    """The rules of the own organisation for its accounts: new ones get them, and those that had the same as before follow. Emits LimitChanged for each.

    Locks the accounts that follow.
    """
    raise_if_any(rules.patience_faults(patience), Invalid)
    seller_id = actor.org_id
    before = queries.unscoped_house(seller_id)
    names = ("grace_days", "tolerance", "stop_days", "watch_percent")
    new = {name: getattr(patience, name) for name in names}
    house, _new = House.unscoped.update_or_create(seller_id=seller_id, defaults=new)
    same = Account.unscoped.filter(seller_id=seller_id, **{name: getattr(before, name) for name in names}) if patience != before else Account.unscoped.none()
    following = lock_rows(Account, same.values_list("pk", flat=True), rank=Rank.FUNDS)
    for account in following:
        for name, value in new.items():
            setattr(account, name, value)
        tell_changed(account)
    update_rows(following, names)
    if patience != before:
        detail = {name: [str(getattr(before, name)), str(value)] for name, value in new.items() if getattr(before, name) != value}
        record(Subject("funds.house", house.pk, seller_id), detail={**detail, "accounts": len(following)})
    return house


@action("funds.freeze")
def follow_states(sides: Iterable[tuple[int, int]] | None = None, *, actor: Actor) -> int:
    """Note the state of the accounts of these (seller, buyer) (None: of all) as of today, and end wishes by hand whose last day is over; how many changed.
    Convergent.
    """
    return follow(None, sides, actor=actor)


@part
def follow(account_ids: Iterable[int] | None, sides: Iterable[tuple[int, int]] | None = None, *, actor: Actor, note: str = "") -> int:
    """Note the state of these accounts (those of `sides`; None of both: of all) where it is another than was noted: history, notices to both sides, and
    LimitChanged where more passes than before, so that held orders try again. One statement when nothing changed; else it locks the accounts that do.
    """
    today = clock.today()
    moved = queries.unscoped_moved(today, accounts=account_ids, sides=sides)
    if not moved:
        return 0
    note_rank(Rank.FUNDS)
    cards = queries.unscoped_accounts_locked(moved, today)
    accounts = Account.unscoped.select_related("seller", "buyer").in_bulk(cards)
    now, written = clock.now(), []
    for pk, card in cards.items():
        account, standing = accounts[pk], card.standing
        if account.by_hand_until and account.by_hand_until < today:
            account.by_hand, account.by_hand_until, account.by_hand_reason = "", None, ""
        if account.state == standing.state:
            continue
        before = State(account.state)
        reasons = json.loads(json.dumps([[fault.code, dict(fault.params)] for fault in standing.reasons], cls=DjangoJSONEncoder))
        change = StateChange(account_id=account.pk, at=now, before=before, after=standing.state, reasons=reasons, note=note[:200])
        change.who = actor.name if note else ""
        written.append(change)
        account.state, account.state_since = standing.state, now
        _tell(account, standing.state, actor)
        if WORST.index(standing.state) < WORST.index(before):
            tell_changed(account)
    update_rows(list(accounts.values()), ("by_hand", "by_hand_until", "by_hand_reason", "state", "state_since"))
    StateChange.unscoped.bulk_create(written)
    return len(written)


def _tell(account: Account, state: State, actor: Actor) -> None:
    """Both sides learn of a new state: who sets limits at the seller, who sees credit at the buyer."""
    said: dict[str, Any] = {"number": account.buyer.code, "buyer": account.buyer.name, "seller": account.seller.name}
    for org_id, verb in ((account.seller_id, "funds.set_limit"), (account.buyer_id, "funds.view")):
        notify(f"funds.{state}", _subject(account), org_id=org_id, verb=verb, except_user=actor.user_id, **said)


def lock_account(account_id: int, verb: str, reason: str, actor: Actor) -> Account:
    if not reason.strip():
        raise Invalid("funds.reason_missing", field="reason")
    get_visible(actor, Account, account_id, verb)
    return lock_one(Account, account_id, rank=Rank.FUNDS)


def _by_hand(account: Account, state: str, until: date | None, reason: str, actor: Actor) -> Account:
    detail = {"until": str(until)} if until else None
    record(_subject(account), before=account.by_hand or "open", after=state or "open", reason=reason, since=account.state_since, detail=detail)
    account.by_hand, account.by_hand_until, account.by_hand_reason = state, until, reason.strip()[:200] if state else ""
    account.save(update_fields=["by_hand", "by_hand_until", "by_hand_reason"])
    tell_changed(account)
    follow([account.pk], note=reason.strip(), actor=actor)
    account.refresh_from_db()
    return account


def tell_changed(account: Account) -> None:
    limit = account.limit_amount + account.temp_limit
    emit(LimitChanged(account.seller_id, account.buyer_id, limit, account.by_hand == State.STOP), _subject(account))


def _subject(account: Account) -> Subject:
    return Subject("funds.account", account.pk, account.seller_id, account.buyer_id)
