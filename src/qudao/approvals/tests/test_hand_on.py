"""Handing on, adding signers, deputies, sending back, and reminders: who signs in the end, and who must not."""

from datetime import UTC, datetime, timedelta

import pytest

from qudao.approvals import actions, jobs, queries
from qudao.approvals.actions import AbsenceDraft
from qudao.approvals.models import Node, Request, Signature
from qudao.approvals.tests.make import document, make_rule, open_for, sign, withdraw
from qudao.base import models as base
from qudao.base.audit import timeline
from qudao.base.invariants import all_checks, offending
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.models import Membership
from qudao.people.tests.make import actor_of, make_member


@pytest.fixture
def order(cast):
    """An order that a clerk and then finance must sign."""
    make_rule(cast.lh, "hq_clerk")
    make_rule(cast.lh, "hq_finance", position=2)
    return document(cast.lh, cast.d001)


@pytest.fixture
def colleague(cast):
    """A second clerk."""
    return actor_of(make_member("clerk2@example.com", cast.lh, "hq_clerk", name="Second clerk"))


@pytest.fixture(autouse=True)
def sound(db):
    """Whatever a test did, the invariants of approvals hold after it."""
    yield
    for check in all_checks():
        if check.name.startswith("approvals."):
            assert offending(check) == (0, []), check.name


def states(request):
    return list(Node.unscoped.filter(request=request).order_by("position").values_list("role__code", "signer__name", "state"))


def waits(*actors):
    return [queries.pending_for(actor).exists() for actor in actors]


def refused(kind, call):
    with pytest.raises(kind) as error:
        call()
    return [fault.code for fault in error.value.faults]


def asked():
    return [
        event.payload["user_ids"]
        for event in base.Event.unscoped.filter(name="base.NoticeAsked").order_by("pk")
        if event.payload["code"] == "approvals.waiting"
    ]


# --- handing on ---


def test_a_step_handed_on_is_the_colleagues_alone(cast, order, colleague):
    request = open_for(order, cast.dealer)
    actions.delegate(request.pk, colleague.user_id, "you know this dealer", actor=cast.hq_clerk)
    assert states(request)[0] == ("hq_clerk", "Second clerk", "current")
    assert waits(cast.hq_clerk, colleague) == [False, True] and asked()[-1] == [colleague.user_id]
    assert refused(Refused, lambda: sign(order, cast.hq_clerk)) == ["approvals.person_needed"]
    assert sign(order, colleague).state == "pending"
    (line,) = timeline(request.own_subject)
    assert (line.verb, line.reason, line.detail) == ("approvals.delegate", "you know this dealer", {"step": 1, "to": colleague.user_id})
    assert not timeline(order).filter(verb="approvals.delegate").exists()  # the buyer's log does not know


def test_a_colleague_of_another_role_signs_what_was_handed_on_and_nobody_else_of_that_role(cast, order):
    request = open_for(order, cast.dealer)
    actions.delegate(request.pk, cast.hq_admin.user_id, actor=cast.hq_clerk)
    assert waits(cast.hq_admin, cast.hq_clerk) == [True, False]
    assert sign(order, cast.hq_admin).node.role.code == "hq_finance"


def test_when_the_colleague_leaves_the_holders_of_the_role_sign_again(cast, order, colleague):
    request = open_for(order, cast.dealer)
    actions.delegate(request.pk, colleague.user_id, actor=cast.hq_clerk)
    Membership.unscoped.filter(pk=colleague.membership_id).update(state="ended")
    assert waits(cast.hq_clerk, colleague) == [True, False]
    assert sign(order, cast.hq_clerk).state == "pending"


def test_a_step_is_not_handed_to_the_submitter_nor_to_who_signed_nor_to_strangers(cast, order, colleague):
    request = open_for(order, colleague)  # the second clerk entered it for the dealer
    hand = lambda to, actor=cast.hq_clerk: actions.delegate(request.pk, to.user_id, actor=actor)
    assert refused(Invalid, lambda: hand(colleague)) == ["approvals.colleague_submitted"]
    assert refused(Invalid, lambda: hand(cast.hq_clerk)) == ["approvals.colleague_self"]
    for stranger in (cast.dealer_admin, cast.hq_warehouse):  # of another organisation; without the right to approve
        assert refused(Invalid, lambda one=stranger: hand(one)) == ["approvals.colleague_unknown"]
    sign(order, cast.hq_clerk)
    assert refused(Invalid, lambda: hand(cast.hq_clerk, cast.hq_finance)) == ["approvals.colleague_signed"]
    assert refused(Refused, lambda: hand(cast.hq_admin)) == ["approvals.already_signed"]
    assert states(request) == [("hq_clerk", None, "approved"), ("hq_finance", None, "current")]


def test_only_who_may_sign_hands_on(cast, order, colleague):
    request = open_for(order, cast.dealer)
    assert refused(Refused, lambda: actions.delegate(request.pk, colleague.user_id, actor=cast.hq_finance)) == ["approvals.role_needed"]
    with pytest.raises(Forbidden):
        actions.delegate(request.pk, colleague.user_id, actor=cast.hq_warehouse)
    with pytest.raises(NotFound):
        actions.delegate(request.pk, colleague.user_id, actor=cast.dealer_admin)
    withdraw(order, cast.dealer)
    assert refused(Refused, lambda: actions.delegate(request.pk, colleague.user_id, actor=cast.hq_clerk)) == ["approvals.closed"]


# --- adding a signer ---


def test_a_signer_added_before_signs_first_and_the_step_waits_again(cast, order):
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    with clock.freeze(start):
        request = open_for(order, cast.dealer)
        actions.add_signer(request.pk, cast.hq_admin.user_id, True, "is the price right?", actor=cast.hq_clerk)
    assert states(request) == [("hq_admin", "hq_admin", "current"), ("hq_clerk", None, "waiting"), ("hq_finance", None, "waiting")]
    assert waits(cast.hq_admin, cast.hq_clerk) == [True, False] and asked()[-1] == [cast.hq_admin.user_id]
    with clock.freeze(start + timedelta(hours=2)):
        sign(order, cast.hq_admin)
    assert waits(cast.hq_clerk) == [True] and asked()[-1] == [cast.hq_clerk.user_id]
    assert Node.unscoped.get(request=request, position=2).entered_at == start + timedelta(hours=2)
    sign(order, cast.hq_clerk)
    assert sign(order, cast.hq_finance).state == "approved"


def test_a_signer_added_after_signs_next(cast, order):
    request = open_for(order, cast.dealer)
    actions.add_signer(request.pk, cast.hq_admin.user_id, False, actor=cast.hq_clerk)
    assert states(request) == [("hq_clerk", None, "current"), ("hq_admin", "hq_admin", "waiting"), ("hq_finance", None, "waiting")]
    assert sign(order, cast.hq_clerk).node.position == 2
    assert [node.added for node in queries.course(cast.hq_clerk, order)] == [False, True, False]


def test_nobody_is_asked_twice_and_steps_are_limited(cast, order, monkeypatch):
    request = open_for(order, cast.dealer)
    actions.add_signer(request.pk, cast.hq_admin.user_id, False, actor=cast.hq_clerk)
    for call in (
        lambda: actions.add_signer(request.pk, cast.hq_admin.user_id, True, actor=cast.hq_clerk),
        lambda: actions.delegate(request.pk, cast.hq_admin.user_id, actor=cast.hq_clerk),
    ):
        assert refused(Invalid, call) == ["approvals.colleague_asked"]
    monkeypatch.setattr("qudao.approvals.actions.hand_on.MOST_STEPS", 3)
    assert refused(Refused, lambda: actions.add_signer(request.pk, cast.hq_finance.user_id, False, actor=cast.hq_clerk)) == ["approvals.too_many_steps"]


# --- deputies ---


def away(actor, deputy, first=0, last=3):
    today = clock.today()
    return actions.name_deputy(AbsenceDraft(deputy.user_id, today + timedelta(days=first), today + timedelta(days=last)), actor=actor)


def test_a_deputy_signs_on_behalf_while_the_other_is_away(cast, order):
    absence = away(cast.hq_clerk, cast.hq_admin)
    request = open_for(order, cast.dealer)
    assert waits(cast.hq_clerk, cast.hq_admin) == [True, True] and asked()[-1] == sorted([cast.hq_clerk.user_id, cast.hq_admin.user_id])
    sign(order, cast.hq_admin)
    signature = Signature.unscoped.get(request=request)
    assert (signature.user_id, signature.on_behalf_id) == (cast.hq_admin.user_id, cast.hq_clerk.user_id)
    other = document(cast.lh, cast.d001, 43)
    open_for(other, cast.dealer)
    actions.end_absence(absence.pk, actor=cast.hq_clerk)
    assert waits(cast.hq_admin) == [False] and refused(Refused, lambda: sign(other, cast.hq_admin)) == ["approvals.role_needed"]
    assert refused(Refused, lambda: actions.end_absence(absence.pk, actor=cast.hq_clerk)) == ["approvals.absence_over"]


@pytest.mark.parametrize(("first", "last"), [(1, 3), (-3, 0)])
def test_a_deputy_signs_on_the_days_of_the_absence_only(cast, order, first, last):
    away(cast.hq_clerk, cast.hq_admin, first, last)
    open_for(order, cast.dealer)
    assert waits(cast.hq_admin) == [first <= 0 <= last]


def test_a_right_is_used_once_and_never_for_the_own_document(cast, order):
    away(cast.hq_clerk, cast.hq_finance)
    request = open_for(order, cast.dealer)
    sign(order, cast.hq_finance)  # for the clerk
    assert refused(Refused, lambda: sign(order, cast.hq_finance)) == ["approvals.already_signed"]  # the second step takes somebody else
    assert waits(cast.hq_finance) == [False] and states(request)[1][2] == "current"
    own = document(cast.lh, cast.d001, 44)
    open_for(own, cast.hq_clerk)  # who is away submitted it: the deputy has no right from there
    assert waits(cast.hq_finance) == [False] and refused(Refused, lambda: sign(own, cast.hq_finance)) == ["approvals.role_needed"]


def test_a_deputy_is_a_colleague_who_may_decide(cast):
    assert refused(Invalid, lambda: away(cast.hq_clerk, cast.hq_clerk)) == ["approvals.colleague_self"]
    assert refused(Invalid, lambda: away(cast.hq_clerk, cast.hq_warehouse)) == ["approvals.colleague_unknown"]
    assert refused(Invalid, lambda: away(cast.hq_clerk, cast.hq_admin, 2, 1)) == ["approvals.days_wrong"]
    with pytest.raises(Forbidden):
        away(cast.hq_warehouse, cast.hq_admin)
    absence = away(cast.hq_clerk, cast.hq_admin)
    assert queries.absences(cast.hq_admin).count() == 1 and not queries.absences(cast.hq_finance).exists()
    with pytest.raises(NotFound):
        actions.end_absence(absence.pk, actor=cast.hq_finance)


# --- sending back, reminding ---


def test_sending_back_needs_a_reason_and_ends_the_request(cast, order):
    request = open_for(order, cast.dealer)
    assert refused(Invalid, lambda: sign(order, cast.hq_clerk, "return")) == ["approvals.reason_missing"]
    assert sign(order, cast.hq_clerk, "return", "wrong address").state == "returned"
    assert [state for _role, _name, state in states(request)] == ["returned", "skipped"]
    assert open_for(order, cast.dealer).state == "pending"  # submitted again, everything is asked anew


def test_a_reminder_comes_once_when_the_hours_of_the_rule_are_over(cast):
    make_rule(cast.lh, "hq_clerk", remind_hours=4)
    make_rule(cast.lh, "hq_finance", position=2)
    order = document(cast.lh, cast.d001)
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    with clock.freeze(start):
        open_for(order, cast.dealer)
    reminded = lambda: base.Event.unscoped.filter(name="base.NoticeAsked", payload__code="approvals.reminder")
    for hours, number in ((3, 0), (4, 1), (5, 1)):
        with clock.freeze(start + timedelta(hours=hours)):
            jobs.remind(timestamp=0)
        assert reminded().count() == number
    assert (reminded().get().payload["user_ids"], reminded().get().payload["params"]["hours"]) == ([cast.hq_clerk.user_id], 4)
    with clock.freeze(start + timedelta(hours=6)):
        sign(order, cast.hq_clerk)
    with clock.freeze(start + timedelta(hours=60)):
        jobs.remind(timestamp=0)  # the second rule asks for no reminder
    assert reminded().count() == 1 and Request.unscoped.get().state == "pending"
