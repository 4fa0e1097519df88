"""Limits that a head office and organisations below it share: whatever their accounts use together must fit into one limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qudao.approvals.actions import signed
from qudao.approvals.queries import unscoped_separates
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, part, record
from qudao.base.lock import Rank, lock_one, lock_rows
from qudao.base.subject import Subject
from qudao.funds import rules
from qudao.funds.actions import asked
from qudao.funds.actions.terms import follow, tell_changed
from qudao.funds.models import Account, SharedLimit
from qudao.funds.rules import LimitTerms, SharedDraft
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Forbidden, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.network.queries import OrgCard, unscoped_cards


@signed(asked.LIMIT, asked.shared_asks, asked.shared_card)
@action("funds.set_limit")
def share_limit(draft: SharedDraft, reason: str, *, actor: Actor) -> SharedLimit:
    """Give a head office and those named below it one limit together, in place of their own; made when there is none, else changed. Who is not named
    any more has its own limit again. Convergent.

    Locks the accounts, then the shared limit; emits LimitChanged of each. Raises Invalid at the field, Refused for who shares another one, and
    funds.duty_limit for more credit where duties are kept apart: then one of them asks for it.
    """
    if not actor.acts_as(draft.seller_id):
        raise Forbidden("base.forbidden", verb="funds.set_limit")
    if not reason.strip():
        raise Invalid("funds.reason_missing", field="reason")
    head, accounts = _checked(draft)
    found = SharedLimit.unscoped.filter(seller_id=draft.seller_id, head_id=head.id, currency=draft.currency).first()
    wanted = {one.pk for one in accounts}
    shared, locked = _lock(found or SharedLimit.unscoped.create(seller_id=draft.seller_id, head_id=head.id, currency=draft.currency), wanted)
    others = [one for pk, one in locked.items() if pk in wanted and one.shared_id not in (None, shared.pk)]
    raise_if_any([Fault("funds.shared_other", "buyers", {"name": one.buyer.name}) for one in others])
    joins = [one for pk, one in locked.items() if pk in wanted and one.shared_id != shared.pk]
    leaves = [one for pk, one in locked.items() if pk not in wanted]
    _move(joins, shared.pk, ["", head.code], reason)
    _move(leaves, None, [head.code, ""], reason)
    shared.used = sum((_use(locked[pk]) for pk in wanted), ZERO)
    shared.save(update_fields=["used"])
    _set(shared, draft.terms, reason, head.code, actor)
    _follow(list(locked.values()), actor)
    shared.refresh_from_db()
    return shared


@action("funds.set_limit")
def end_shared(shared_id: int, reason: str, *, actor: Actor) -> None:
    """Let everybody who shares a limit have its own again. Locks the accounts, then the shared limit, which disappears; emits LimitChanged of each."""
    if not reason.strip():
        raise Invalid("funds.reason_missing", field="reason")
    seen = get_visible(actor, SharedLimit, shared_id, "funds.set_limit")
    shared, members = _lock(seen, set())
    code = unscoped_cards([shared.head_id])[shared.head_id].code
    _move(list(members.values()), None, [code, ""], reason)
    record(_about(shared, code), before=str(shared.limit_amount), after="0", reason=reason, detail={"ended": True})
    shared.delete()
    _follow(list(members.values()), actor)


@part
def set_shared(shared_id: int, terms: LimitTerms, reason: str, *, actor: Actor) -> None:
    """Set the limits of a shared limit, which was asked for by one person and granted by another. Locks it; emits LimitChanged of all who share it."""
    shared = lock_one(SharedLimit, shared_id, rank=Rank.FUNDS)
    code = unscoped_cards([shared.head_id])[shared.head_id].code
    _write(shared, terms, reason, code)
    _follow(list(Account.unscoped.filter(shared=shared)), actor)


def _lock(seen: SharedLimit, more: set[int]) -> tuple[SharedLimit, dict[int, Account]]:
    """A shared limit with the accounts that share it and `more`, all locked: accounts first, as whoever uses credit does."""
    sharing = Account.unscoped.filter(shared=seen).order_by("pk")
    locked = {one.pk: one for one in lock_rows(Account, more | set(sharing.values_list("pk", flat=True)), rank=Rank.FUNDS)}
    shared = lock_one(SharedLimit, seen.pk, rank=Rank.FUNDS)
    late = set(sharing.values_list("pk", flat=True)) - locked.keys()  # who joined since it was looked at
    return shared, locked | {one.pk: one for one in lock_rows(Account, late, rank=Rank.FUNDS)}


def _move(accounts: list[Account], shared_id: int | None, told: list[str], reason: str) -> None:
    """Let locked accounts share a limit, or none. One statement."""
    Account.unscoped.filter(pk__in=[one.pk for one in accounts]).update(shared=shared_id)
    for one in accounts:
        one.shared_id = shared_id
        record(_account(one), reason=reason, detail={"shared": told})


def _checked(draft: SharedDraft) -> tuple[OrgCard, list[Account]]:
    """The head office and the accounts that are to share its limit. Raises Invalid with every fault at its field."""
    today = clock.today()
    cards = unscoped_cards({draft.head_id, *draft.buyer_ids})
    head = cards.get(draft.head_id)
    faults = [fault for fault in rules.term_faults(draft.terms, today) if fault.field in ("limit", "temp_limit", "temp_until")]
    if head is None or head.id == draft.seller_id:
        raise Invalid.of([*faults, Fault("funds.shared_head", "head")])
    kinds = {"seller_id": draft.seller_id, "currency": draft.currency, "prepaid": False, "transfers": False}
    of = {one.buyer_id: one for one in Account.unscoped.select_related("buyer").filter(buyer_id__in=draft.buyer_ids, **kinds)}
    if not any(card.path.startswith(head.path) and pk in of for pk, card in cards.items()):
        faults.append(Fault("funds.shared_head", "head"))
    for pk in sorted(set(draft.buyer_ids)):
        card = cards.get(pk)
        if card is None or not card.path.startswith(head.path):
            faults.append(Fault("funds.shared_below", "buyers", {"name": card.name if card else pk}))
        elif pk not in of:
            faults.append(Fault("funds.shared_none", "buyers", {"name": card.name, "currency": draft.currency}))
    raise_if_any(faults, Invalid)
    return head, list(of.values())


def _set(shared: SharedLimit, terms: LimitTerms, reason: str, code: str, actor: Actor) -> None:
    """Write the limits; more of them takes a request and another person where the seller keeps duties apart."""
    if actor.kind != "system" and rules.gives_more(shared.terms, terms) and unscoped_separates(shared.seller_id):
        raise Refused("funds.duty_limit")
    _write(shared, terms, reason, code)


def _write(shared: SharedLimit, terms: LimitTerms, reason: str, code: str) -> None:
    before = shared.terms
    terms = replace(terms, temp_until=terms.temp_until if terms.temp_limit else None)
    shared.limit_amount, shared.temp_limit, shared.temp_until = terms.limit, terms.temp_limit, terms.temp_until
    if shared.terms != before:
        shared.save(update_fields=["limit_amount", "temp_limit", "temp_until"])
        names = {"limit_amount": "limit", "temp_limit": "temp_limit", "temp_until": "temp_until"}
        told = {name: [str(getattr(before, of)), str(getattr(terms, of))] for name, of in names.items() if getattr(before, of) != getattr(terms, of)}
        record(_about(shared, code), before=str(before.limit), after=str(terms.limit), reason=reason, detail=told)


def _use(account: Account) -> Any:
    return account.ordered + account.shipped + account.invoiced - account.unapplied


def _follow(accounts: list[Account], actor: Actor) -> None:
    """Everybody whose limit is another now: its state, and the orders that wait for it."""
    for one in accounts:
        tell_changed(one)
    if accounts:
        follow([one.pk for one in accounts], actor=actor)


def _account(account: Account) -> Subject:
    return Subject("funds.account", account.pk, account.seller_id, account.buyer_id)


def _about(shared: SharedLimit, code: str) -> Subject:
    return Subject("funds.sharedlimit", shared.pk, shared.seller_id, shared.head_id, code)
