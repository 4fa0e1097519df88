"""Which invoices a payment pays, without a database."""

from datetime import date
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.kernel.errors import Invalid, Refused
from qudao.payments import rules
from qudao.payments.rules import Open, PaymentFacts
from qudao.payments.states import State

OLD, MID, NEW = (
    Open(1, "INV-LH-000001", date(2026, 1, 31), D(100)),
    Open(2, "INV-LH-000002", date(2026, 2, 28), D(250)),
    Open(3, "INV-LH-000003", date(2026, 3, 31), D(100)),
)


def pairs(found):
    return [(a.invoice_id, a.amount, a.how) for a in found]


def codes(caught):
    return [(f.code, f.field) for f in caught.value.faults]


def test_a_balance_is_spread_over_what_is_owed_both_in_their_order():
    assert rules.spread([(1, D(100)), (2, D(250))], [(7, D(30)), (8, D(100)), (9, D(500))]) == [
        (7, 1, D(30)),
        (8, 1, D(70)),
        (8, 2, D(30)),
        (9, 2, D(220)),
    ]
    assert rules.spread([(1, D(100))], [(7, D(30))]) == [(7, 1, D(30))]
    assert rules.spread([], [(7, D(30))]) == []


def test_an_amount_that_only_one_invoice_has_pays_it_though_others_are_older():
    assert pairs(rules.match(D(250), [OLD, MID, NEW])) == [(2, D(250), "exact")]


def test_an_amount_that_two_invoices_have_pays_the_older_first():
    assert pairs(rules.match(D(100), [NEW, MID, OLD])) == [(1, D(100), "oldest")]


def test_otherwise_the_oldest_due_is_paid_first_and_the_rest_stays_unapplied():
    assert pairs(rules.match(D(120), [NEW, OLD, MID])) == [(1, D(100), "oldest"), (2, D(20), "oldest")]
    assert pairs(rules.match(D(500), [OLD, MID, NEW])) == [(1, D(100), "oldest"), (2, D(250), "oldest"), (3, D(100), "oldest")]
    assert rules.match(D(500), []) == []


def test_a_reference_decides_alone():
    assert pairs(rules.match(D(250), [OLD, MID, NEW], "for inv-lh-000003, thanks")) == [(3, D(100), "reference")]
    assert pairs(rules.match(D(150), [OLD, MID, NEW], "INV-LH-000003/INV-LH-000001")) == [(1, D(100), "reference"), (3, D(50), "reference")]


@pytest.mark.parametrize("reference", ["INV-LH-0000031", "XINV-LH-000003", "000003", ""])
def test_a_number_is_named_only_as_a_whole(reference):
    assert pairs(rules.match(D(250), [OLD, MID, NEW], reference)) == [(2, D(250), "exact")]


def test_a_person_may_choose_within_the_payment_and_the_invoices():
    assert pairs(rules.check_explicit(D(300), [(3, D(50)), (2, D(250))], [OLD, MID, NEW])) == [(3, D(50), "explicit"), (2, D(250), "explicit")]
    with pytest.raises(Refused) as caught:
        rules.check_explicit(D(300), [(1, D(101)), (2, D(250)), (9, D(1))], [OLD, MID, NEW])
    assert codes(caught) == [
        ("payments.more_than_open", "applications.1"),
        ("payments.unknown_invoice", "applications.9"),
        ("payments.more_than_left", "applications"),
    ]
    with pytest.raises(Invalid) as caught:
        rules.check_explicit(D(300), [(1, D(0)), (2, D(1)), (2, D(1))], [OLD, MID, NEW])
    assert codes(caught) == [("payments.amount", "applications.1"), ("payments.twice", "applications.2")]


def test_every_fault_of_the_input_is_said_at_once():
    with pytest.raises(Invalid) as caught:
        rules.check_facts(PaymentFacts(1, 2, D("0.005"), "x" * 201, "shells", date(2026, 5, 2)), date(2026, 5, 1))
    assert codes(caught) == [
        ("payments.amount", "amount"),
        ("payments.method", "method"),
        ("payments.future", "paid_on"),
        ("payments.too_long", "reference"),
    ]


@pytest.mark.parametrize(("applied", "state"), [(0, State.RECEIVED), (1, State.PARTIALLY_APPLIED), (5, State.APPLIED)])
def test_the_state_says_how_much_is_applied(applied, state):
    assert rules.state_of(D(5), D(applied)) == state


@given(
    amount=st.decimals("0.01", 1000, places=2),
    opens=st.lists(st.decimals("0.01", 500, places=2), max_size=6),
)
def test_nothing_is_ever_overpaid_and_nothing_is_left_while_something_is_owed(amount, opens):
    due = [Open(n, f"INV-{n}", date(2026, 1, 1 + n), part) for n, part in enumerate(opens)]
    found = rules.match(amount, due)
    known = {i.id: i.open for i in due}
    total = sum((a.amount for a in found), D(0))
    assert all(0 < a.amount <= known[a.invoice_id] for a in found) and len({a.invoice_id for a in found}) == len(found)
    assert total == min(amount, sum(opens, D(0)))


def test_a_reference_names_all_parts_of_a_collective_invoice_or_one_of_them():
    def named(reference, number):
        return rules._names(reference, number) or rules._names_whole(reference, number)

    parts = ("INV-LH-000012/1", "INV-LH-000012/12")
    assert [named("pays inv-lh-000012, thanks", one) for one in parts] == [True, True]
    assert [named("INV-LH-000012/12", one) for one in parts] == [False, True]
    assert not named("INV-LH-0000123", parts[0]) and not named("INV-LH-00001", parts[0]) and not named("", parts[0])
