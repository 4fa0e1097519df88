"""Every change of rules and requests. Documents call `open_request`, `sign` and `withdraw` down; the answer tells them how to go on."""

from qudao.approvals.actions.edit_rules import add_rule, change_rule, retire_rule
from qudao.approvals.actions.hand_on import AbsenceDraft, add_signer, delegate, end_absence, name_deputy
from qudao.approvals.actions.links import Letter, letter_for, remind
from qudao.approvals.actions.requests import Outcome, open_request, sign, withdraw

__all__ = [
    "AbsenceDraft",
    "Letter",
    "Outcome",
    "add_rule",
    "add_signer",
    "change_rule",
    "delegate",
    "end_absence",
    "letter_for",
    "name_deputy",
    "open_request",
    "remind",
    "retire_rule",
    "sign",
    "withdraw",
]
