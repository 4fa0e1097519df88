"""A draft replayed over what was submitted, and how long signatures took."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.urls import reverse

from qudao.approvals import actions, queries
from qudao.approvals.rules import Branch, Case, FlowDraft, Plan, Step, When, replay
from qudao.approvals.tests.make import KIND, Api, document, make_rule, open_for, sign
from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in

START = datetime(2026, 6, 1, 8, tzinfo=UTC)


def branch(role, amount=0, **when):
    return Branch("", When(Decimal(amount), **when), (Step(role),))


def test_a_replay_counts_who_is_needed_and_what_changes():
    cases = [Case(Decimal(50)), Case(Decimal(500)), Case(Decimal(5000), first=True)]
    told = replay(Plan(1, (branch(1, 100), branch(2, 100, first=True))), Plan(1, (branch(1),)), cases)
    assert (told.total, told.through, told.unsure, told.changed) == (3, 1, 1, (0, 1, 2))
    assert told.asked == ((Step(1), 2), (Step(2), 2))
    one, none = Plan(1, (branch(1),)), Plan(0)
    assert replay(one, one, cases).changed == () and replay(none, none, cases).through == 3


def test_a_draft_is_replayed_over_what_was_submitted(client, cast, django_assert_num_queries):
    with clock.freeze(START):
        make_rule(cast.lh, "hq_clerk", actor=cast.hq_admin)
        for pk, amount in ((1, "50"), (2, "500")):
            open_for(document(cast.lh, cast.d001, pk), cast.dealer, amount)
    with clock.freeze(START + timedelta(hours=4)):
        sign(document(cast.lh, cast.d001, 1), cast.hq_clerk)
        flow = actions.save_draft(cast.lh.pk, FlowDraft(KIND, "", (branch(unscoped_system_role("hq_finance"), 100),)), actor=cast.hq_admin)
        (told,) = queries.waited(flow, START)
        assert (told.count, told.median, told.p90, told.role[1]) == (1, 4.0, 4.0, "Order clerk")
        page = text(sign_in(client, cast.hq_admin).get(reverse("approval_what_if", args=[flow.pk]), {"months": 1}))
        for words in ("What the draft would ask", "Pass straight through", "Finance clerk", "SO-1", "SO-2", "median 4.0 h, P90 4.0 h"):
            assert words in page
        status, found = Api(cast.hq_admin)("get", f"/approval-flows/{flow.pk}/what-if")
    assert (status, found["total"], found["through"], found["changed"], found["asked"][0]["count"]) == (200, 2, 1, ["SO-2", "SO-1"], 1)
    with clock.freeze(START + timedelta(days=400)):
        assert queries.unscoped_submitted(flow, clock.now() - timedelta(days=30)) == []
