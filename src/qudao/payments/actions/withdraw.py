"""Money that was recorded by mistake is withdrawn: it counts for nothing any more, the documents and both their entries stay to be read."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.lock import Rank, lock_rows
from qudao.funds.actions import Change, shift_all
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Forbidden, Invalid, Refused, raise_if_any
from qudao.ledger.actions import Posting, post_all
from qudao.ledger.states import Account
from qudao.payments import rules
from qudao.payments.actions.receive import tell
from qudao.payments.events import PaymentWithdrawn
from qudao.payments.models import Payment, Pool
from qudao.payments.policies import check_owner
from qudao.payments.states import State


@action("payments.record")
def withdraw_payments(payment_ids: Sequence[int], reason: str, pool_ids: Sequence[int] = (), *, actor: Actor) -> list[Payment]:
    """Take back money that was recorded by mistake, all or none; the buyers read the reason. Nothing of it may be applied or sent back.

    A payment of a head office goes with all its parts (`pool_ids`). Both books get the opposite entry today, the credit it gave goes. Locks pools,
    payments, funds, ledger. Emits PaymentWithdrawn. Raises Refused with a fault for each payment that stays, also when orders under prepaid terms hold
    the money.
    """
    _check(reason)
    pools = [_withdraw_pool(pool, reason.strip(), actor) for pool in lock_rows(Pool, pool_ids, rank=Rank.PAYMENT)]
    parts = Payment.unscoped.filter(pool__in=pools).values_list("pk", flat=True)
    payments = lock_rows(Payment, {*payment_ids, *parts}, rank=Rank.PAYMENT)
    for one in payments:
        check_owner(actor, "payments.record", one.seller_id, one.pk)
    whole = {pool.pk for pool in pools}
    raise_if_any([fault for one in payments if (fault := rules.withdraw_fault(one, whole=one.pool_id in whole))], Refused)
    _withdraw(payments, reason.strip(), actor)
    return payments


def _withdraw_pool(pool: Pool, reason: str, actor: Actor) -> Pool:
    """A locked payment of a head office leaves its state; its parts follow."""
    get_visible(actor, Pool, pool.pk)
    if not actor.acts_as(pool.seller_id):
        raise Forbidden("base.forbidden", verb="payments.record")
    if pool.state != State.RECEIVED:
        raise Refused("payments.illegal", number=pool.number, state=State(pool.state).label)
    before, since = pool.state, pool.state_since
    pool.state, pool.state_since = State.WITHDRAWN, clock.now()
    pool.save(update_fields=["state", "state_since"])
    record(pool.subject, before=before, after=pool.state, reason=reason, since=since, detail={"parts": pool.part_count})
    return pool


def _check(reason: str) -> None:
    faults = [Fault("payments.reason_needed", "reason")] if not reason.strip() else []
    if len(reason) > rules.MAX_TEXT:
        faults.append(Fault("payments.too_long", "reason", {"limit": rules.MAX_TEXT}))
    raise_if_any(faults, Invalid)


def _withdraw(payments: Sequence[Payment], reason: str, actor: Actor) -> None:
    """State, credit and both books of locked payments of which nothing is applied: a statement of each kind for all."""
    now, changes, postings = clock.now(), [], []
    today = clock.date_of(now)
    for one in payments:
        before, since = one.state, one.state_since
        one.state, one.state_since = State.WITHDRAWN, now
        record(one.subject, before=before, after=one.state, reason=reason, since=since, detail={"amount": str(one.amount)})
        changes.append(Change(one.agreement_id, [("unapplied", None, one.amount)], one.subject))
        sides = ((one.seller_id, Account.UNAPPLIED_IN, Account.BANK, one.buyer_id), (one.buyer_id, Account.BANK, Account.UNAPPLIED_OUT, one.seller_id))
        postings += [
            (Posting(org, today, "reversal", f"withdrawal:{one.pk}", ((debit, other, one.amount), (credit, other, -one.amount)), one.currency), one.subject)
            for org, debit, credit, other in sides
        ]
    Payment.unscoped.filter(pk__in=[one.pk for one in payments]).update(state=State.WITHDRAWN, state_since=now)
    shift_all(changes, actor=actor)
    post_all(postings, actor=actor)
    for one in payments:
        emit(PaymentWithdrawn(one.pk, one.seller_id, one.buyer_id, one.amount, one.currency), one.subject)
        tell("payments.payment_withdrawn", one, one.buyer_id, "payments.view", actor, reason=reason)
