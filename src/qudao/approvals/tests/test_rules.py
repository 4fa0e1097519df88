"""Who may sign, and what a signature leads to."""

from decimal import Decimal

import pytest

from qudao.approvals.rules import Facts, RuleCard, RuleDraft, draft_faults, outcome, sign_faults, steps

FINE = {"number": "SO-1", "state": "pending", "seller": "LH", "role": "Clerk", "is_submitter": False, "has_signed": False, "holds_role": True}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"state": "approved"}, "approvals.closed"),
        ({"state": "withdrawn", "is_submitter": True}, "approvals.closed"),
        ({"is_submitter": True}, "approvals.own_document"),
        ({"has_signed": True}, "approvals.already_signed"),
        ({"holds_role": False}, "approvals.role_needed"),
        ({"has_signed": True, "holds_role": False}, "approvals.already_signed"),
    ],
)
def test_somebody_else_with_the_role_signs_once(change, code):
    assert [fault.code for fault in sign_faults(Facts(**{**FINE, **change}))] == ([code] if code else [])


def card(pk, position, role):
    return RuleCard(pk, position, role, "", "", "", Decimal(0))


def test_steps_go_by_position_then_rule_and_a_role_stands_once_in_a_position():
    cards = [card(4, 2, 10), card(1, 2, 11), card(3, 1, 10), card(2, 1, 10)]
    assert [one.id for one in steps(cards)] == [2, 1, 4]
    assert steps([]) == []


@pytest.mark.parametrize(
    ("decision", "last", "state"),
    [("approve", False, "pending"), ("approve", True, "approved"), ("reject", False, "rejected"), ("reject", True, "rejected")],
)
def test_one_rejection_rejects_and_the_last_approval_approves(decision, last, state):
    assert outcome(decision, last) == state


def test_a_rule_is_checked_field_by_field():
    assert draft_faults(RuleDraft("orders.order", 1)) == []
    faults = draft_faults(RuleDraft(" ", 1, Decimal(-1), 0))
    assert {f.field for f in faults} == {"kind", "min_amount", "position"}
