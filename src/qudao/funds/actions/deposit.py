"""Deposits (domain C14): money of the buyer that the seller holds beside all trade: asked for, paid in, sent back, and deducted for a debt.

It pays nothing by itself and gives no credit; both books keep it on an account of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from qudao.approvals.actions import signed
from qudao.base.access import Actor
from qudao.base.action import action, part, record
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.funds import rules
from qudao.funds.actions import asked
from qudao.funds.actions.terms import follow, lock_account, tell_changed
from qudao.funds.models import Account, DepositEntry
from qudao.funds.states import DepositKind
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.ledger.actions import Posting, post
from qudao.ledger.states import Account as Book


@dataclass(frozen=True)
class Step:
    """What happens to a deposit: money that comes is more than zero."""

    kind: DepositKind
    amount: Decimal
    reference: str
    day: date
    number: str = ""


@action("funds.deposit")
def set_deposit(account_id: int, required: Decimal, first: bool, reason: str, *, actor: Actor) -> Account:
    """How large a deposit the buyer is to pay, and whether orders pass only when it is paid. Locks the account; emits LimitChanged."""
    rules.check_amount(required)
    account = lock_account(account_id, "funds.deposit", reason, actor)
    if (account.deposit_required, account.deposit_first) == (required, first):
        return account
    before, account.deposit_required, account.deposit_first = account.deposit_required, required, first
    account.save(update_fields=["deposit_required", "deposit_first"])
    record(_subject(account), before=str(before), after=str(required), reason=reason, detail={"first": first})
    return _judged(account, actor)


@action("funds.deposit")
def pay_deposit(account_id: int, amount: Decimal, reference: str, day: date | None = None, *, actor: Actor) -> Account:
    """Money of a deposit came on `day` (None: today). Both books post it; orders that wait for it are tried again. Locks the account, ledger."""
    _check(amount, day)
    account = lock_account(account_id, "funds.deposit", reference, actor)
    return _move(account, Step(DepositKind.PAID_IN, amount, reference, day or clock.today()), actor)


@signed(asked.OUT, asked.deposit_asks, asked.deposit_card)
@action("funds.deposit")
def refund_deposit(account_id: int, amount: Decimal, reason: str, day: date | None = None, *, actor: Actor) -> Account:
    """Send a deposit, or a part of it, back to the buyer. It cannot be taken back. Locks the account, ledger. Raises Refused when less is held."""
    _check(amount, day)
    account = lock_account(account_id, "funds.deposit", reason, actor)
    return _move(account, Step(DepositKind.REFUNDED, -amount, reason, day or clock.today()), actor)


@part
def take_deposit(account_id: int, amount: Decimal, reason: str, number: str, *, actor: Actor) -> None:
    """A debt is paid from the deposit by the document `number`, which posts both books. Locks the account. Raises Refused when less is held."""
    account = lock_one(Account, account_id, rank=Rank.FUNDS)
    _write(account, Step(DepositKind.DEDUCTED, -amount, reason, clock.today(), number), actor)
    _judged(account, actor)


def _check(amount: Decimal, day: date | None) -> None:
    if not rules.is_money(amount) or not amount:
        raise Invalid("funds.deposit_amount", field="amount")
    if day and day > clock.today():
        raise Invalid("funds.deposit_future", field="day")


def _move(account: Account, step: Step, actor: Actor) -> Account:
    """Money comes or goes: the entry, the state that follows, both books, the log, and the buyer is told."""
    entry = _write(account, step, actor)
    account = _judged(account, actor)
    seller, buyer, key, amount = account.seller_id, account.buyer_id, f"deposit:{entry.pk}", step.amount
    sides = ((seller, Book.BANK, Book.DEPOSIT_IN, buyer), (buyer, Book.DEPOSIT_OUT, Book.BANK, seller))
    postings = [
        Posting(org, step.day, "deposit", key, ((debit, other, amount), (credit, other, -amount)), account.currency) for org, debit, credit, other in sides
    ]
    post(postings, _subject(account), actor=actor)
    record(_subject(account), before=str(account.deposit_held - amount), after=str(account.deposit_held), reason=step.reference)
    said: dict[str, Any] = {"number": account.buyer.code, "buyer": account.buyer.name, "amount": str(abs(amount)), "currency": account.currency}
    said["reason"] = step.reference
    notify(f"funds.deposit_{step.kind}", _subject(account), org_id=account.buyer_id, verb="funds.view", except_user=actor.user_id, **said)
    return account


def _write(account: Account, step: Step, actor: Actor) -> DepositEntry:
    """Change what is held of a locked account, with its entry."""
    if account.deposit_held + step.amount < 0:
        raise Refused("funds.deposit_held", field="amount", held=account.deposit_held)
    account.deposit_held += step.amount
    account.save(update_fields=["deposit_held"])
    facts: dict[str, Any] = {"account_id": account.pk, "at": clock.now(), "day": step.day, "kind": step.kind, "amount": abs(step.amount)}
    return DepositEntry.unscoped.create(**facts, held=account.deposit_held, reference=step.reference.strip()[:200], number=step.number, who=actor.name)


def _judged(account: Account, actor: Actor) -> Account:
    """More or less may pass now."""
    tell_changed(account)
    follow([account.pk], actor=actor)
    account.refresh_from_db()
    return account


def _subject(account: Account) -> Subject:
    return Subject("funds.account", account.pk, account.seller_id, account.buyer_id)
