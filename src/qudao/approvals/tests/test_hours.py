"""Working hours: time-outs and reminders that run only while somebody is there."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.urls import reverse

from qudao.approvals import actions, queries
from qudao.approvals.actions import CalendarDraft, keep_hours, remind, time_out
from qudao.approvals.models import Node
from qudao.approvals.rules import Branch, FlowDraft, Step, When
from qudao.approvals.tests.make import KIND, Api, document, open_for, sign
from qudao.approvals.tests.test_signers import sound
from qudao.base.access import system_actor
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid
from qudao.kernel.worktime import WorkTime
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in

SYSTEM = system_actor()
USUAL = CalendarDraft((0, 1, 2, 3, 4), time(9), time(18))


def at(day, hour, minute=0):
    """A moment of November 2026 in Shanghai (eight hours before UTC); the 20th is a Friday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("since", "hours", "due"),
    [
        (at(20, 10), 8, at(20, 18)), (at(20, 10), 9, at(23, 10)), (at(20, 17, 30), 1, at(23, 9, 30)), (at(20, 3), 1, at(20, 10)),
        (at(21, 12), 4, at(23, 13)), (at(20, 18), 1, at(23, 10)), (at(19, 16), 20, at(23, 18)),
    ],
)  # fmt: skip
def test_hours_run_from_nine_to_six_on_weekdays(since, hours, due):
    assert WorkTime().due(since, hours) == due
    assert WorkTime().hours(since, due) == hours


def test_a_holiday_is_free_and_the_saturday_that_makes_up_for_it_is_worked():
    work = WorkTime(holidays=frozenset({date(2026, 11, 20), date(2026, 11, 23)}), workdays=frozenset({date(2026, 11, 21)}))
    assert work.due(at(19, 17), 2) == at(21, 10) and work.due(at(21, 17), 2) == at(24, 10)
    assert work.hours(at(19, 17), at(24, 10)) == 1 + 9 + 1
    assert WorkTime(ends=time(12)).hours(at(20, 13), at(20, 20)) == 0
    for wrong in ({"weekdays": frozenset()}, {"weekdays": frozenset({7})}, {"begins": time(18)}):
        with pytest.raises(ValueError, match="working hour"):
            WorkTime(**wrong)


def opened(cast, since, working=True, **more):
    step = Step(unscoped_system_role("hq_clerk"), **{"late_hours": 8, "late_then": "escalate", "remind_hours": 4} | more)
    made = actions.save_draft(cast.lh.pk, FlowDraft(KIND, "", (Branch("", When(), (step,)),), working_hours=working), actor=SYSTEM)
    actions.publish_flow(made.pk, actor=SYSTEM)
    with clock.freeze(since):
        return open_for(document(cast.lh, cast.d001), cast.dealer)


def test_a_time_out_and_a_reminder_wait_over_the_weekend(cast):
    request = opened(cast, at(20, 16))  # Friday: two hours are left; the reminder comes Monday 11:00, the time is out at 15:00
    for moment, reminded, late in ((at(22, 12), 0, 0), (at(23, 10, 59), 0, 0), (at(23, 11), 1, 0), (at(23, 14, 59), 0, 0), (at(23, 15), 0, 1)):
        with clock.freeze(moment):
            assert (remind(actor=SYSTEM), time_out(actor=SYSTEM)) == (reminded, late), moment
    assert Node.unscoped.get(request=request).role.code == "hq_admin"
    sound()


def test_without_working_hours_the_clock_counts_as_before(cast):
    opened(cast, at(20, 16), working=False)
    with clock.freeze(at(20, 20)):
        assert (remind(actor=SYSTEM), time_out(actor=SYSTEM)) == (1, 0)
    with clock.freeze(at(21, 0)):
        assert time_out(actor=SYSTEM) == 1


def test_the_calendar_of_the_seller_counts_at_once_also_for_what_waits(cast, django_assert_num_queries):
    request = opened(cast, at(20, 16))
    keep_hours(cast.lh.pk, CalendarDraft((0, 1, 2, 3, 4), time(9), time(18), workdays=(date(2026, 11, 21),)), actor=cast.hq_admin)
    with clock.freeze(at(21, 14, 59)):
        assert time_out(actor=SYSTEM) == 0
        nodes = queries.course(cast.hq_admin, request.subject)
        with django_assert_num_queries(1):
            assert queries.unscoped_times_out(nodes) == {nodes[0].pk: at(21, 15)}
    with clock.freeze(at(21, 15)):
        assert time_out(actor=SYSTEM) == 1
        assert queries.unscoped_times_out(queries.course(cast.hq_admin, request.subject)) == {}


def test_how_long_signatures_took_is_told_in_working_hours(cast):
    opened(cast, at(20, 16))
    with clock.freeze(at(23, 10)):
        sign(document(cast.lh, cast.d001), cast.hq_clerk)
        (flow,) = queries.flows(cast.hq_admin)
        (by_clock,), (told,) = queries.waited(flow, at(1, 0)), queries.waited(flow, at(1, 0), WorkTime())
    assert (by_clock.median, told.median, told.p90) == (66.0, 3.0, 3.0)


def test_hours_are_kept_by_who_keeps_the_flows_by_page_and_api(cast, client):
    assert queries.calendar(cast.hq_admin) is None
    for wrong, field in (({"weekdays": ()}, "weekdays"), ({"ends": time(9)}, "ends"), ({"weekdays": (9,)}, "weekdays")):
        with pytest.raises(Invalid) as error:
            keep_hours(cast.lh.pk, CalendarDraft(**{**vars(USUAL), **wrong}), actor=cast.hq_admin)
        assert [fault.field for fault in error.value.faults] == [field]
    with pytest.raises(Forbidden):
        keep_hours(cast.lh.pk, USUAL, actor=cast.hq_clerk)
    with pytest.raises(Forbidden):
        keep_hours(cast.lh.pk, USUAL, actor=cast.dealer_admin if hasattr(cast, "dealer_admin") else cast.dealer)
    page = sign_in(client, cast.hq_admin)
    address = reverse("approval_hours")
    assert b"09:00" in page.get(address).content
    told = {"weekdays": ["0", "5"], "begins": "08:30", "ends": "17:00", "holidays": "2027-01-01, 2027-02-06\n2027-02-07", "workdays": ""}
    assert page.post(address, {**told, "holidays": "tomorrow"}).status_code == 422
    assert page.post(address, told).status_code == 302
    kept = queries.calendar(cast.hq_admin)
    assert (kept.weekdays, kept.begins, kept.holidays[-1], str(kept)) == ([0, 5], time(8, 30), date(2027, 2, 7), "08:30–17:00")
    status, told = Api(cast.hq_admin)("put", "/approval-flows/hours", {"weekdays": [0], "begins": "10:00", "ends": "12:00"})
    assert (status, told["weekdays"], told["holidays"]) == (200, [0], [])
    assert Api(cast.hq_admin)("get", "/approval-flows/hours") == (200, told)
    assert Api(cast.hq_warehouse)("get", "/approval-flows/hours")[0] == 403
    assert Api(cast.hq_admin)("put", "/approval-flows/hours", {"weekdays": [0], "begins": "10:00", "ends": "09:00"})[0] == 422
    assert keep_hours(cast.lh.pk, CalendarDraft((0,), time(10), time(12)), actor=cast.hq_admin).pk == kept.pk
