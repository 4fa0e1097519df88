"""Every change of an agreement, and of the groups in which a seller puts its buyers."""

from qudao.agreements.actions.assortments import change_rule, end_rule, follow_assortments, set_rule
from qudao.agreements.actions.groups import add_members, change_group, create_group, end_membership, remove_members
from qudao.agreements.actions.notices import subject_of, tell_expiring
from qudao.agreements.actions.terms import (
    activate_agreement,
    authorise,
    change_agreement,
    draft_agreement,
    end_agreement,
    end_expired,
    ensure_transfer_terms,
    set_channel,
    set_min_order,
    suspend_agreement,
    withdraw_authorisation,
)

__all__ = [
    "activate_agreement", "add_members", "authorise", "change_agreement", "change_group", "change_rule", "create_group",
    "draft_agreement", "end_agreement", "end_expired", "end_membership", "end_rule", "ensure_transfer_terms", "follow_assortments",
    "remove_members", "set_channel", "set_min_order", "set_rule", "subject_of", "suspend_agreement", "tell_expiring", "withdraw_authorisation",
]  # fmt: skip
