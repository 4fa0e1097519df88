"""A debt that is paid from the deposit of the buyer (domain C14)."""

from __future__ import annotations

from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.funds.actions import take_deposit
from qudao.funds.queries import account_of_seller
from qudao.kernel.errors import Invalid, Refused
from qudao.ledger.actions import post
from qudao.payments import rules
from qudao.payments.actions.receive import Money, pair_of, pay_debts, postings_of, settle, shift_paid, tell, write_payment
from qudao.payments.events import PaymentReceived
from qudao.payments.models import Payment
from qudao.payments.rules import PaymentFacts
from qudao.payments.states import Method


@action("payments.deduct")
def deduct_deposit(account_id: int, amount: Decimal, reason: str, invoice_id: int | None = None, *, actor: Actor) -> Payment:
    """Pay open invoices (None: the oldest due first) of a buyer of the own organisation from its deposit, with a reason the buyer reads.

    It is a payment like any other, but posted against the deposit in both books. Locks orders, invoices, payment, funds, ledger. Emits PaymentReceived.
    Raises Refused when less is owed or held.
    """
    if not reason.strip():
        raise Invalid("payments.reason_needed", field="reason")
    if not rules.is_amount(amount):
        raise Invalid("payments.amount", field="amount")
    account = account_of_seller(actor, account_id, "payments.deduct")
    sides = (account.seller_id, account.buyer_id)
    pair = pair_of(*sides, account.currency)
    paid = pay_debts(pair, Money(*sides, amount, ""), [(invoice_id, amount)] if invoice_id else None, actor)
    if paid.total != amount:
        raise Refused("payments.deposit_beyond_debt", field="amount", owed=paid.total)
    facts = PaymentFacts(*sides, amount, method=Method.DEPOSIT, note=reason.strip()[: rules.MAX_TEXT])
    payment = write_payment(facts, pair, rules.state_of(amount, paid.total), paid, actor)
    shift_paid(payment, paid, [], actor)
    take_deposit(account.pk, amount, reason, payment.number, actor=actor)
    post(postings_of(payment, paid), payment.subject, actor=actor)
    settle(paid, actor)
    record(payment.subject, after=payment.state, reason=reason.strip(), detail={"amount": str(amount), "deposit": account.pk})
    emit(PaymentReceived(payment.pk, *sides, amount, paid.total, payment.currency), payment.subject)
    tell("payments.deposit_deducted", payment, payment.buyer_id, "payments.view", actor, reason=reason.strip())
    return payment
