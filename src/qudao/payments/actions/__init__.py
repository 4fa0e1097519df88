"""Every state change of payments and credit notes."""

from qudao.payments.actions.ahead import apply_balances
from qudao.payments.actions.bank import record_bank
from qudao.payments.actions.credit import issue_credit
from qudao.payments.actions.deposit import deduct_deposit
from qudao.payments.actions.differences import close_over, close_short, refund_payment, set_tolerance, undo_difference
from qudao.payments.actions.pool import announce_pool, confirm_pool, decline_pool, record_pool, set_payer
from qudao.payments.actions.receive import Received, announce_payment, apply_payment, confirm_payment, decline_payment, record_payment, record_payments
from qudao.payments.actions.withdraw import withdraw_payments
from qudao.payments.rules import PaymentFacts, PoolFacts

__all__ = [
    "PaymentFacts",
    "PoolFacts",
    "Received",
    "announce_payment",
    "announce_pool",
    "apply_balances",
    "apply_payment",
    "close_over",
    "close_short",
    "confirm_payment",
    "confirm_pool",
    "decline_payment",
    "decline_pool",
    "deduct_deposit",
    "issue_credit",
    "record_bank",
    "record_payment",
    "record_payments",
    "record_pool",
    "refund_payment",
    "set_payer",
    "set_tolerance",
    "undo_difference",
    "withdraw_payments",
]
