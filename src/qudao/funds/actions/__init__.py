"""Every change of credit: what documents do with it, and what the seller's finance does with accounts."""

from qudao.funds.actions.deposit import pay_deposit, refund_deposit, set_deposit, take_deposit
from qudao.funds.actions.requests import ask_limit, decline_limit, grant_limit, withdraw_limit
from qudao.funds.actions.shared import end_shared, share_limit
from qudao.funds.actions.terms import ensure_account, follow_states, freeze, open_account, set_limit, set_limits, set_line_limits, set_rules, unfreeze
from qudao.funds.actions.use import Change, Desk, grant, hand_over, hold, open_desk, recheck, recheck_all, release, shift, shift_all
from qudao.funds.rules import LimitTerms, SharedDraft, Wanted

__all__ = [
    "Change",
    "Desk",
    "LimitTerms",
    "SharedDraft",
    "Wanted",
    "ask_limit",
    "decline_limit",
    "end_shared",
    "ensure_account",
    "follow_states",
    "freeze",
    "grant",
    "grant_limit",
    "hand_over",
    "hold",
    "open_account",
    "open_desk",
    "pay_deposit",
    "recheck",
    "recheck_all",
    "refund_deposit",
    "release",
    "set_deposit",
    "set_limit",
    "set_limits",
    "set_line_limits",
    "set_rules",
    "share_limit",
    "shift",
    "shift_all",
    "take_deposit",
    "unfreeze",
    "withdraw_limit",
]
