"""Requests and signatures, and each constraint violated once."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from qudao.approvals import actions
from qudao.approvals.models import Absence, Calendar, Flow, Link, Node, Request, Signature, Version
from qudao.approvals.tests.make import KIND, document, make_rule, open_for, sign, withdraw
from qudao.base import models as base
from qudao.base.access import system_actor
from qudao.base.subject import Subject
from qudao.base.work import unit
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member

SYSTEM = system_actor()


def codes(error):
    return [(fault.code, fault.field) for fault in error.value.faults]


@pytest.fixture
def order(cast):
    """An order of D001 at LH that a clerk and then finance must sign."""
    make_rule(cast.lh, "hq_finance", "500", 2)
    make_rule(cast.lh, "hq_clerk")
    return document(cast.lh, cast.d001)


def states(request):
    return list(Node.unscoped.filter(request=request).order_by("position").values_list("role__code", "state"))


def test_a_request_opens_with_its_first_step_and_asks_who_can_sign(cast, order, django_assert_num_queries):
    with django_assert_num_queries(7):  # flow; begin; request; nodes; holders; event; commit
        request = open_for(order, cast.dealer)
    assert states(request) == [("hq_clerk", "current"), ("hq_finance", "waiting")]
    assert (request.submitted_by_id, request.amount, request.subject) == (cast.dealer.user_id, 1000, order)
    asked = base.Event.unscoped.get(name="base.NoticeAsked")
    assert (asked.payload["code"], asked.payload["user_ids"]) == ("approvals.waiting", [cast.hq_clerk.user_id])


def test_steps_are_signed_in_order_and_keep_their_times(cast, order):
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    with clock.freeze(start):
        request = open_for(order, cast.dealer)
    with pytest.raises(Refused) as error:
        sign(order, cast.hq_finance)  # not yet
    assert codes(error) == [("approvals.role_needed", "")]
    with clock.freeze(start + timedelta(hours=1)):
        outcome = sign(order, cast.hq_clerk, reason="fine")
    assert (outcome.state, outcome.node.role.code) == ("pending", "hq_finance")
    with clock.freeze(start + timedelta(hours=3)):
        assert sign(order, cast.hq_finance).state == "approved"
    request.refresh_from_db()
    assert (request.state, request.closed_at) == ("approved", start + timedelta(hours=3))
    times = [(n.left_at - n.entered_at) for n in Node.unscoped.filter(request=request).order_by("position")]
    assert times == [timedelta(hours=1), timedelta(hours=2)]
    signed = list(Signature.unscoped.order_by("pk").values_list("user_id", "decision", "reason"))
    assert signed == [(cast.hq_clerk.user_id, "approve", "fine"), (cast.hq_finance.user_id, "approve", "")]
    closed = base.Event.unscoped.get(name="approvals.RequestClosed")
    assert closed.payload == {"request_id": request.pk, "state": "approved", "seconds": 10800}


def test_a_signature_costs_few_statements(cast, order, django_assert_num_queries):
    open_for(order, cast.dealer)
    # begin; request locked; nodes; right; signed; signature; links; node left; node entered; who can sign; event; commit
    with django_assert_num_queries(12):
        sign(order, cast.hq_clerk)


def test_the_submitter_does_not_approve_even_with_the_role(cast, order):
    colleague = actor_of(make_member("clerk2@example.com", cast.lh, "hq_clerk"))
    open_for(order, cast.hq_clerk)  # the clerk wrote the order for the dealer
    with pytest.raises(Refused) as error:
        sign(order, cast.hq_clerk)
    assert codes(error) == [("approvals.own_document", "")]
    assert sign(order, colleague).state == "pending"


def test_only_the_sellers_people_sign(cast):
    make_rule(cast.d001, "dealer_admin")
    order = document(cast.d001, cast.s001)
    open_for(order, cast.sub_dealer)
    for actor in (cast.hq_admin, cast.stranger_admin, cast.dealer, SYSTEM):
        with pytest.raises(Refused) as error:
            sign(order, actor)
        assert codes(error) == [("approvals.role_needed", "")]
    assert sign(order, cast.dealer_admin).state == "approved"


def test_nobody_signs_twice_and_a_double_click_signs_once(cast):
    make_rule(cast.lh, "hq_clerk", position=1)
    make_rule(cast.lh, "hq_clerk", position=2)
    make_member("clerk9@example.com", cast.lh, "hq_clerk")
    order = document(cast.lh, cast.d001)
    request = open_for(order, cast.dealer)
    sign(order, cast.hq_clerk)
    with pytest.raises(Refused) as error:
        sign(order, cast.hq_clerk)
    assert codes(error) == [("approvals.already_signed", "")]
    assert states(request) == [("hq_clerk", "approved"), ("hq_clerk", "current")]  # the other clerk is asked


def test_a_rejection_needs_a_reason_and_ends_the_request(cast, order):
    request = open_for(order, cast.dealer)
    with pytest.raises(Invalid) as error:
        sign(order, cast.hq_clerk, "reject", " ")
    assert codes(error) == [("approvals.reason_missing", "reason")]
    assert sign(order, cast.hq_clerk, "reject", "too much").state == "rejected"
    assert states(request) == [("hq_clerk", "rejected"), ("hq_finance", "skipped")]
    with pytest.raises(Refused) as error:
        sign(order, cast.hq_finance)
    assert codes(error) == [("approvals.closed", "")]


def test_a_request_is_withdrawn_before_the_first_signature(cast, order):
    request = open_for(order, cast.dealer)
    assert withdraw(order, cast.dealer).state == "withdrawn"
    assert states(request) == [("hq_clerk", "skipped"), ("hq_finance", "skipped")]
    with pytest.raises(Refused) as error:
        withdraw(order, cast.dealer)
    assert codes(error) == [("approvals.closed", "")]
    again = open_for(order, cast.dealer)
    sign(order, cast.hq_clerk)
    with pytest.raises(Refused) as error:
        withdraw(order, cast.dealer)
    assert codes(error) == [("approvals.decided", "")]
    assert withdraw(order, cast.dealer, by_cancel=True).pk == again.pk
    assert states(again) == [("hq_clerk", "approved"), ("hq_finance", "skipped")]


def test_what_never_waited_cannot_be_signed_or_withdrawn(cast, order):
    for call in (lambda: sign(order, cast.hq_clerk), lambda: withdraw(order, cast.dealer)):
        with pytest.raises(Refused) as error:
            call()
        assert codes(error) == [("approvals.none", "")]
    with pytest.raises(ValueError, match="asks for nothing"):
        open_for(Subject("orders.other", 1, cast.lh.pk, cast.d001.pk, "X"), cast.dealer)


def test_a_second_open_request_is_refused(cast, order):
    open_for(order, cast.dealer)
    with pytest.raises(Refused) as error:
        open_for(order, cast.dealer)
    assert codes(error) == [("approvals.request_subject_one_pending", "")]


def test_signatures_stay(cast, order):
    open_for(order, cast.dealer)
    sign(order, cast.hq_clerk)
    for sql in ("update approvals_signature set reason = 'x'", "delete from approvals_signature"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


class Rows:
    def __init__(self, cast):
        self.cast, self.role = cast, unscoped_system_role("hq_clerk")
        self.rule = make_rule(cast.lh, "hq_clerk")
        self.request = open_for(document(cast.lh, cast.d001), cast.dealer)
        self.node = Node.unscoped.get(request=self.request)
        self.later = Node.unscoped.create(request=self.request, position=2, role_id=self.role)
        self.signature = Signature.unscoped.create(request=self.request, node=self.node, user_id=cast.hq_clerk.user_id, decision="approve", at=clock.now())

    def a_request(self, **change):
        values = {**document(self.cast.lh, self.cast.d001, 7).columns(), "amount": 1, "opened_at": clock.now()}
        return Request(**{**values, **change})

    def a_version(self, **change):
        return Version(**{"flow_id": self.rule.flow_id, "no": 7, **change})

    def twice_drafted(self):
        self.a_version().save()
        return self.a_version(no=8)

    def a_node(self, **change):
        return Node(**{"request": self.request, "position": 3, "role_id": self.role, **change})

    def an_absence(self, **change):
        today = clock.today()
        values = {"org": self.cast.lh, "user_id": self.cast.hq_clerk.user_id, "deputy_id": self.cast.hq_admin.user_id, "first_day": today, "last_day": today}
        return Absence(**{**values, **change})

    def a_link(self, **change):
        now = clock.now()
        values = {"sha256": "a", "node": self.node, "user_id": self.cast.hq_clerk.user_id, "created_at": now, "expires_at": now + timedelta(hours=1)}
        return Link(**{**values, **change})

    def named(self, node):
        node.signer_id, node.given_by_id = self.cast.hq_clerk.user_id, self.cast.hq_admin.user_id
        return node

    def twice_linked(self):
        self.a_link().save()
        return self.a_link()

    def twice_named(self):
        self.named(self.a_node()).save()
        return self.named(self.a_node(position=4))

    def a_calendar(self, **change):
        return Calendar(**{"org_id": self.cast.lh.pk, "weekdays": [0], "begins": time(9), "ends": time(18), **change})

    def twice_kept(self):
        self.a_calendar().save()
        return self.a_calendar()

    def a_signature(self, **change):
        values = {"request": self.request, "node": self.later, "user_id": self.cast.hq_finance.user_id, "decision": "approve", "at": clock.now()}
        return Signature(**{**values, **change})


BROKEN = {
    "approvals_flow_owner_kind_unique": lambda r: Flow(owner=r.cast.lh, kind=KIND),
    "approvals_flow_kind_present": lambda r: Flow(owner=r.cast.lh, kind=""),
    "approvals_version_flow_no_unique": lambda r: r.a_version(no=1, state="superseded", published_at=clock.now(), ended_at=clock.now()),
    "approvals_version_flow_one_published": lambda r: r.a_version(state="published", published_at=clock.now()),
    "approvals_version_flow_one_draft": lambda r: r.twice_drafted(),
    "approvals_version_state_times_match": lambda r: r.a_version(published_at=clock.now()),
    "approvals_request_subject_one_pending": lambda r: r.a_request(subject_id=42),
    "approvals_request_state_closed_at_match": lambda r: r.a_request(state="approved"),
    "approvals_request_state_amount_known": lambda r: r.a_request(amount=-1),
    "approvals_node_request_position_unique": lambda r: r.a_node(position=2),
    "approvals_node_state_times_match": lambda r: r.a_node(state="approved"),
    "approvals_node_late_hours_then_match": lambda r: r.a_node(late_hours=24),
    "approvals_signature_request_user_unique": lambda r: r.a_signature(user_id=r.cast.hq_clerk.user_id),
    "approvals_signature_node_unique": lambda r: r.a_signature(node=r.node),
    "approvals_signature_decision_reason_present": lambda r: r.a_signature(decision="return"),
    "approvals_signature_request_right_unique": lambda r: r.a_signature(on_behalf_id=r.cast.hq_clerk.user_id),
    "approvals_signature_on_behalf_of_another": lambda r: r.a_signature(on_behalf_id=r.cast.hq_finance.user_id),
    "approvals_node_signer_given_by_another": lambda r: r.a_node(given_by_id=r.cast.hq_clerk.user_id),
    "approvals_node_request_signer_unique": lambda r: r.twice_named(),
    "approvals_node_covered_skipped": lambda r: r.a_node(covered_by_id=r.cast.hq_clerk.user_id),
    "approvals_node_void_closed": lambda r: r.a_node(void=True),
    "approvals_calendar_org_unique": lambda r: r.twice_kept(),
    "approvals_calendar_hours_ordered": lambda r: r.a_calendar(ends=time(9)),
    "approvals_calendar_weekdays_present": lambda r: r.a_calendar(weekdays=[]),
    "approvals_absence_days_ordered": lambda r: r.an_absence(last_day=clock.today() - timedelta(days=1)),
    "approvals_absence_deputy_another": lambda r: r.an_absence(deputy_id=r.cast.hq_clerk.user_id),
    "approvals_link_sha256_unique": lambda r: r.twice_linked(),
    "approvals_link_expires_later": lambda r: r.a_link(expires_at=clock.now() - timedelta(hours=1)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_holds(cast, name):
    row = BROKEN[name](Rows(cast))
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        row.save(force_insert=True)


def test_every_constraint_is_broken_above():
    assert {c.name for model in (Flow, Version, Request, Node, Signature, Absence, Link, Calendar) for c in model._meta.constraints} == set(BROKEN)


def test_parts_need_an_action(cast, order):
    with pytest.raises(RuntimeError):
        actions.sign(order, "approve", actor=cast.hq_clerk)
    with pytest.raises(TypeError):
        unit(lambda: actions.sign(order, "approve", actor=None))
