"""Who may sign, and what a signature leads to."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from qudao.approvals.rules import Colleague, Facts, RuleCard, RuleDraft, absence_faults, colleague_faults, draft_faults, outcome, sign_faults, steps

FINE = {"number": "SO-1", "state": "pending", "seller": "LH", "role": "Clerk", "is_submitter": False, "has_signed": False, "holds_right": True}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"state": "approved"}, "approvals.closed"),
        ({"state": "withdrawn", "is_submitter": True}, "approvals.closed"),
        ({"is_submitter": True}, "approvals.own_document"),
        ({"has_signed": True}, "approvals.already_signed"),
        ({"holds_right": False}, "approvals.role_needed"),
        ({"has_signed": True, "holds_right": False}, "approvals.already_signed"),
        ({"holds_right": False, "person": "Luo"}, "approvals.person_needed"),
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


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (Colleague(7, "Luo"), None),
        (Colleague(7, "Luo", is_self=True), "approvals.colleague_self"),
        (Colleague(7, "Luo", submitted=True), "approvals.colleague_submitted"),
        (Colleague(7, "Luo", signed=True), "approvals.colleague_signed"),
        (Colleague(7, "Luo", asked=True), "approvals.colleague_asked"),
        (Colleague(0, ""), "approvals.colleague_unknown"),
    ],
)
def test_whoever_is_asked_may_neither_have_submitted_nor_signed(one, code):
    assert [fault.code for fault in colleague_faults(one, "SO-1")] == ([code] if code else [])


TODAY = date(2026, 6, 10)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [(0, 0, None), (-3, 5, None), (0, 91, None), (2, 1, "approvals.days_wrong"), (-5, -1, "approvals.days_wrong"), (0, 92, "approvals.days_too_many")],
)
def test_an_absence_has_an_end_that_is_to_come(first, last, code):
    found = absence_faults(TODAY + timedelta(days=first), TODAY + timedelta(days=last), TODAY)
    assert [fault.code for fault in found] == ([code] if code else [])


def test_a_rejection_or_return_ends_the_request_at_once():
    assert [outcome("reject", is_last=False), outcome("return", is_last=False), outcome("approve", is_last=False), outcome("approve", is_last=True)] == [
        "rejected", "returned", "pending", "approved",
    ]  # fmt: skip


def test_a_reminder_comes_within_a_month():
    assert [draft_faults(RuleDraft("k", 1, remind_hours=n)) == [] for n in (None, 1, 720, 0, 721)] == [True, True, True, False, False]
