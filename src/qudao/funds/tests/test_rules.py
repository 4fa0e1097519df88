"""Decisions about credit, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.funds import rules
from qudao.funds.rules import LimitTerms, Patience, Position
from qudao.funds.states import Bucket
from qudao.kernel.errors import Invalid

D = Decimal
TODAY = date(2026, 3, 31)
#: The worked example of domain C10.
WORKED = Position(
    limit=D("500000.00"),
    temp_limit=D("50000.00"),
    temp_until=date(2026, 4, 30),
    ordered=D("120000.00"),
    shipped=D("60000.00"),
    invoiced=D("210000.00"),
    unapplied=D("15000.00"),
)


def test_the_worked_example_is_held_with_a_shortfall_of_15000():
    assert WORKED.exposure == D("375000.00")
    assert WORKED.available_on(TODAY) == D("175000.00")
    (fault,) = rules.may_hold(WORKED, D("190000.00"), TODAY)
    assert fault.code == "funds.limit"
    assert dict(fault.params) == {"limit": D("550000.00"), "exposure": D("375000.00"), "available": D("175000.00"), "short": D("15000.00")}


def test_what_is_exactly_free_passes():
    assert rules.may_hold(WORKED, D("175000.00"), TODAY) == []
    assert rules.may_hold(WORKED, D("175000.01"), TODAY)[0].params["short"] == D("0.01")


def test_a_temporary_limit_counts_through_its_last_day():
    assert WORKED.limit_on(date(2026, 4, 30)) == D("550000.00")
    assert WORKED.limit_on(date(2026, 5, 1)) == D("500000.00")


def test_every_reason_is_given_at_once():
    bad = replace(WORKED, by_hand="stop", overdue=D("100.00"), overdue_days=31, patience=Patience(30))
    assert [f.code for f in rules.may_hold(bad, D("190000.00"), TODAY)] == ["funds.frozen", "funds.overdue", "funds.limit"]


@pytest.mark.parametrize(
    ("days", "grace", "overdue", "tolerance", "passes"),
    [(31, 30, "100.00", "0", False), (30, 30, "100.00", "0", True), (31, 30, "100.00", "100.00", True), (1, 0, "0.01", "0", False)],
)
def test_overdue_is_forgiven_within_grace_or_tolerance(days, grace, overdue, tolerance, passes):
    position = replace(WORKED, overdue=D(overdue), overdue_days=days, patience=Patience(grace, D(tolerance)))
    assert (rules.may_ship(position) == []) == passes == (rules.may_hold(position, D(1), TODAY) == [])


OWES = replace(WORKED, overdue=D("100.00"), overdue_days=31)
GOOD = replace(WORKED, ordered=D(0), shipped=D(0))


@pytest.mark.parametrize(
    ("position", "state", "reasons", "ships"),
    [
        (GOOD, "ok", [], True),
        (replace(GOOD, patience=Patience(watch_percent=36)), "ok", [], True),
        (replace(GOOD, patience=Patience(watch_percent=35)), "watch", ["funds.near_limit"], True),
        (replace(OWES, patience=Patience(31)), "watch", ["funds.late"], True),
        (replace(OWES, patience=Patience(31, watch_percent=50)), "watch", ["funds.near_limit", "funds.late"], True),
        (replace(OWES, patience=Patience(30, stop_days=31)), "hold", ["funds.overdue"], True),
        (replace(OWES, patience=Patience(30, stop_days=30)), "stop", ["funds.overdue"], False),
        (replace(OWES, patience=Patience(30)), "stop", ["funds.overdue"], False),
        (replace(GOOD, by_hand="hold"), "hold", ["funds.by_hand_hold"], True),
        (replace(GOOD, by_hand="stop"), "stop", ["funds.frozen"], False),
        (replace(GOOD, ordered=D("500000.00")), "hold", ["funds.over_limit"], True),
        (replace(OWES, by_hand="hold", ordered=D("600000.00"), patience=Patience(30, stop_days=60)),
         "hold", ["funds.by_hand_hold", "funds.overdue", "funds.over_limit"], True),
        (replace(OWES, by_hand="hold", ordered=D("600000.00")), "stop", ["funds.overdue"], False),
    ],
)  # fmt: skip
def test_the_state_follows_from_the_worst_that_holds(position, state, reasons, ships):
    standing = rules.standing_of(position, TODAY)
    assert (standing.state, [fault.code for fault in standing.reasons]) == (state, reasons)
    assert (rules.may_ship(position) == []) == ships
    assert (rules.may_hold(position, D(0), TODAY) == []) == (state in ("ok", "watch"))


def test_a_prepaid_account_without_money_is_not_held():
    assert rules.standing_of(Position(D(0), D(0), None, D(0), D(0), D(0), D(0), prepaid=True), TODAY).state == "ok"


def test_rules_of_patience_are_checked_field_by_field():
    faults = rules.patience_faults(Patience(366, D("-1"), 10, 101))
    assert [f.field for f in faults] == ["tolerance", "grace_days", "stop_days", "watch_percent"]


def test_money_paid_ahead_gives_room_without_a_limit():
    prepaid = Position(D(0), D(0), None, D(0), D(0), D(0), unapplied=D("1000.00"))
    assert rules.may_hold(prepaid, D("1000.00"), TODAY) == []
    assert rules.may_hold(prepaid, D("1000.01"), TODAY)


STEPS = [("ordered", "shipped"), ("shipped", "invoiced"), ("ordered", "invoiced")]


@given(st.lists(st.sampled_from(STEPS), min_size=1), st.decimals("0.01", "99999", places=2))
def test_a_shift_between_the_buckets_of_a_trade_never_changes_the_exposure(pairs, amount):
    assert rules.exposure_change(rules.changes((a, b, amount) for a, b in pairs)) == 0


def test_applying_a_payment_leaves_the_exposure_and_receiving_it_lowers_it():
    assert rules.exposure_change(rules.changes([("unapplied", None, D(5)), ("invoiced", None, D(5))])) == 0
    assert rules.exposure_change(rules.changes([(None, "unapplied", D(5))])) == D(-5)


def test_buckets_that_do_not_change_are_left_out():
    assert rules.changes([(Bucket.ORDERED, Bucket.SHIPPED, D(5)), (Bucket.SHIPPED, Bucket.INVOICED, D(5))]) == {"ordered": D(-5), "invoiced": D(5)}


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (("ordered", "ordered", D(1)), "funds.same_bucket"),
        (("ordered", "paid", D(1)), "funds.bucket"),
        (("ordered", None, D(-1)), "funds.amount"),
        (("ordered", None, D("0.001")), "funds.amount"),
    ],
)
def test_a_bad_shift_is_refused(bad, code):
    with pytest.raises(Invalid) as refused:
        rules.changes([bad])
    assert refused.value.faults[0].code == code


def test_terms_are_checked_field_by_field():
    with pytest.raises(Invalid) as refused:
        rules.check_terms(LimitTerms(D(-1), temp_limit=D(5), temp_until=date(2026, 3, 30), grace_days=400), TODAY)
    assert [f.field for f in refused.value.faults] == ["limit", "temp_until", "grace_days"]
