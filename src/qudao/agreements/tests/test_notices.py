"""Both sides are told what becomes of their agreement, each thing once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.agreements import actions, jobs, rules
from qudao.agreements.models import Agreement
from qudao.agreements.states import EXPIRY_DAYS, NOTICES
from qudao.agreements.tests.make import draft, make_agreement
from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.kernel import clock
from qudao.messages.models import Notice

SYSTEM = system_actor()


def at(day: date):
    return clock.freeze(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))


def told(actor):
    drain()
    found = list(Notice.unscoped.filter(user_id=actor.user_id, code__startswith="agreements.").order_by("pk"))
    Notice.unscoped.filter(pk__in=[one.pk for one in found]).delete()
    assert all(one.number == "A" and one.code in NOTICES for one in found)
    return [one.code.partition(".")[2] for one in found]


def test_the_other_side_is_told_and_never_who_did_it(cast):
    made = draft(cast.lh, cast.d001, code="A", actor=cast.hq_admin)
    assert told(cast.dealer) == []
    actions.activate_agreement(made.pk, actor=cast.hq_admin)
    assert (told(cast.dealer), told(cast.hq_admin), told(cast.stranger)) == (["activated"], [], [])
    actions.set_min_order(made.pk, Decimal(500), actor=cast.hq_admin)
    actions.set_min_order(made.pk, Decimal(500), actor=cast.hq_admin)
    actions.set_min_order(made.pk, Decimal(0), actor=cast.hq_admin)
    assert told(cast.dealer) == ["min_order_changed", "min_order_dropped"]
    actions.suspend_agreement(made.pk, "overdue", actor=cast.hq_admin)
    actions.end_agreement(made.pk, "left", actor=cast.hq_admin)
    assert (told(cast.dealer), told(cast.hq_admin)) == (["suspended", "ended"], [])


def test_a_draft_that_is_thrown_away_concerns_nobody(cast):
    actions.end_agreement(draft(cast.lh, cast.d001, code="A").pk, "no", actor=cast.hq_admin)
    assert told(cast.dealer) == []


def test_both_sides_are_told_before_it_runs_out_each_day_once(cast):
    last = date(2026, 12, 31)
    with at(date(2026, 6, 1)):
        made = make_agreement(cast.lh, cast.d001, code="A", valid_to=last)
        make_agreement(cast.lh, cast.d002, code="B")
    drain()
    Notice.unscoped.all().delete()
    days = []
    for left in range(100, -2, -1):
        if left % 9 == 8:
            continue  # a night without the job
        with at(last - timedelta(days=left)):
            jobs.tell_expiring(0)
            assert actions.tell_expiring(actor=SYSTEM) == 0
            if said := told(cast.dealer):
                assert said == told(cast.hq_admin) == (["expiring"] if left else ["last_day"])
                days.append(left)
    assert days == [90, 60, 30, 7, 0] and Agreement.unscoped.get(pk=made.pk).expiry_told == 0


@pytest.mark.parametrize(
    ("days", "before", "now"), [(91, None, None), (90, None, 90), (90, 90, None), (45, None, 60), (29, 60, 30), (0, 7, 0), (0, 0, None), (-1, 7, None)]
)
def test_which_day_is_told(days, before, now):
    assert rules.expiry_due(days, before) == now


@given(st.sets(st.integers(0, 120)))
def test_whatever_nights_are_missed_no_day_is_told_twice_and_they_fall(nights):
    before, said = None, []
    for left in sorted(nights, reverse=True):
        due = rules.expiry_due(left, before)
        if due is not None:
            said.append(due)
            before = due
    assert said == sorted(set(said), reverse=True) and set(said) <= set(EXPIRY_DAYS)
    assert bool(said) == any(left <= 90 for left in nights)
