"""Every change of flows and requests. Documents call `open_request`, `sign` and `withdraw` down; the answer tells them how to go on."""

from qudao.approvals.actions.back import send_back
from qudao.approvals.actions.calendar import CalendarDraft, keep_hours
from qudao.approvals.actions.duties import check_other_hand, separate_duties
from qudao.approvals.actions.edit_flows import add_rule, discard_draft, publish_flow, retire_flow, save_draft
from qudao.approvals.actions.hand_on import AbsenceDraft, add_signer, delegate, end_absence, name_deputy
from qudao.approvals.actions.late import hand_up, time_out
from qudao.approvals.actions.links import Letter, letter_for, remind
from qudao.approvals.actions.proposals import SIGNED, Asking, decide_late, decide_proposal, signed, withdraw_proposal
from qudao.approvals.actions.requests import Outcome, ask_again, open_request, sign, withdraw

__all__ = [
    "SIGNED",
    "AbsenceDraft",
    "Asking",
    "CalendarDraft",
    "Letter",
    "Outcome",
    "add_rule",
    "add_signer",
    "ask_again",
    "check_other_hand",
    "decide_late",
    "decide_proposal",
    "delegate",
    "discard_draft",
    "end_absence",
    "hand_up",
    "keep_hours",
    "letter_for",
    "name_deputy",
    "open_request",
    "publish_flow",
    "remind",
    "retire_flow",
    "save_draft",
    "send_back",
    "separate_duties",
    "sign",
    "signed",
    "time_out",
    "withdraw",
    "withdraw_proposal",
]
