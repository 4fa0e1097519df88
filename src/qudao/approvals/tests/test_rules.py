"""Who may sign, and what a signature leads to."""

import json
from datetime import date, timedelta
from decimal import Decimal as D

import pytest

from qudao.approvals.rules import (
    Branch,
    Case,
    Colleague,
    Facts,
    FlowDraft,
    Plan,
    RuleDraft,
    Step,
    When,
    absence_faults,
    branch_faults,
    branches_of,
    case_of,
    colleague_faults,
    flow_faults,
    outcome,
    sign_faults,
    steps,
    stored,
)

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


def branch(when=None, *steps):
    return Branch("", When(**(when or {})), tuple(Step(role, position) for role, position in steps))


def test_steps_go_by_position_and_a_role_stands_once_in_a_position():
    found = steps([branch(None, (10, 1), (11, 2)), branch(None, (10, 1)), branch(None, (10, 2), (12, 1))])
    assert [(one.step.role_id, one.step.position) for one in found] == [(10, 1), (12, 1), (11, 2), (10, 2)]
    assert steps([]) == ()


CASE = Case(D(500), "regular", D(12), "hold", True, frozenset({"drinks", "juice"}), 2, frozenset({"A"}))


@pytest.mark.parametrize(
    ("when", "holds", "unknown"),
    [
        ({}, True, True),
        ({"amount_from": D(500)}, True, True),
        ({"amount_from": D("500.01")}, False, False),
        ({"amount_to": D(500)}, False, False),
        ({"amount_to": D(501)}, True, True),
        ({"types": ("sample", "regular")}, True, None),
        ({"types": ("sample",)}, False, None),
        ({"discount_from": D(12)}, True, None),
        ({"discount_from": D("12.5")}, False, None),
        ({"credit": "hold"}, True, None),
        ({"credit": "pass"}, False, None),
        ({"first": True}, True, None),
        ({"first": False}, False, None),
        ({"categories": ("juice", "tea")}, True, None),
        ({"categories": ("tea",)}, False, None),
        ({"tiers": (1, 2)}, True, None),
        ({"tiers": (1,)}, False, None),
        ({"groups": ("A", "B")}, True, None),
        ({"groups": ("B",)}, False, None),
        ({"tiers": (2,), "credit": "pass"}, False, None),
        ({"amount_from": D(501), "credit": "hold"}, False, False),
    ],
)
def test_a_branch_is_asked_when_all_it_says_holds(when, holds, unknown):
    assert When(**when).holds(CASE) is holds
    assert When(**when).holds(Case(D(500))) is unknown


def test_costly_facts_are_read_once_and_only_when_a_branch_depends_on_them():
    asked = []

    def more(names):
        asked.append(names)
        return {"first": False, "credit": "hold"}

    plan = Plan(3, (branch({"first": True}, (1, 1)), branch({"credit": "hold", "amount_from": D(100)}, (2, 1)), branch({"amount_from": D(900)}, (3, 1))))
    found = plan.needed(Case(D(500)), more)
    assert (asked, [one.step.role_id for one in found.asked], found.case.credit, found.version_id) == ([{"first", "credit"}], [2], "hold", 3)
    assert not Plan(3, (branch({"first": True, "amount_from": D(900)}, (1, 1)),)).needed(Case(D(500)), more) and len(asked) == 1
    assert plan.needed(Case(D(500))), "who does not know asks somebody"


def test_what_is_stored_comes_back():
    branches = (Branch("Big", When(D("1.50"), D(9), D(5), ("sample",), "hold", False, ("A",), (1, 2)), (Step(7, 2, 4), Step(8))), branch())
    assert branches_of(json.loads(json.dumps(stored(branches)))) == branches
    assert case_of(json.loads(json.dumps(stored(CASE)))) == CASE


@pytest.mark.parametrize(
    ("decision", "last", "state"),
    [("approve", False, "pending"), ("approve", True, "approved"), ("reject", False, "rejected"), ("reject", True, "rejected")],
)
def test_one_rejection_rejects_and_the_last_approval_approves(decision, last, state):
    assert outcome(decision, last) == state


def test_a_branch_is_checked_field_by_field():
    assert branch_faults(RuleDraft("orders.order", 1).branch) == []
    wrong = Branch("", When(D(-1), D(-2), D(101), credit="x"), (Step(1, 0, 721), Step(1, 100, 0)))
    assert [fault.field for fault in branch_faults(wrong)] == [
        "min_amount", "amount_to", "discount_from", "credit", "position", "remind_hours", "position", "remind_hours",
    ]  # fmt: skip
    assert [fault.code for fault in flow_faults(FlowDraft(" ", ""))] == ["approvals.kind_missing"]


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
