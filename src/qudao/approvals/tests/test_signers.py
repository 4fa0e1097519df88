"""Whom a step of a flow means: a role, named people, the manager of who submitted, a department; one of them, all, or in turn."""

from decimal import Decimal

import pytest

from qudao.approvals import actions, queries
from qudao.approvals.models import Node
from qudao.approvals.rules import Branch, FlowDraft, Step, When, branch_faults
from qudao.approvals.tests.make import KIND, document, open_for, sign
from qudao.base.access import system_actor
from qudao.base.invariants import all_checks, offending
from qudao.kernel.errors import Invalid, Refused
from qudao.people.actions import end_member, place_member
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member

SYSTEM = system_actor()


def flow(cast, *steps):
    made = actions.save_draft(cast.lh.pk, FlowDraft(KIND, "", (Branch("", When(), steps),)), actor=SYSTEM)
    actions.publish_flow(made.pk, actor=SYSTEM)
    return document(cast.lh, cast.d001)


def waits(request, state="current"):
    found = Node.unscoped.filter(request=request, state=state).order_by("position").select_related("signer", "role")
    return [node.signer.name if node.signer else node.department or node.role.code for node in found]


def sound():
    for check in all_checks():
        if check.name.startswith("approvals."):
            assert offending(check) == (0, []), check.name


def test_named_people_sign_all_in_any_order(cast):
    order = flow(cast, Step(who="person", mode="all", people=(cast.hq_clerk.user_id, cast.hq_finance.user_id)), Step(unscoped_system_role("hq_admin"), 2))
    request = open_for(order, cast.dealer)
    assert (waits(request), waits(request, "waiting")) == (["hq_clerk", "hq_finance"], ["hq_admin"])
    sound()
    with pytest.raises(Refused):
        sign(order, cast.hq_admin)
    assert sign(order, cast.hq_finance).node.signer_id == cast.hq_clerk.user_id
    sound()
    assert sign(order, cast.hq_clerk).state == "pending" and waits(request) == ["hq_admin"]
    assert sign(order, cast.hq_admin).state == "approved"
    sound()


def test_one_rejection_ends_all_that_wait_beside(cast):
    order = flow(cast, Step(who="person", mode="all", people=(cast.hq_clerk.user_id, cast.hq_finance.user_id)))
    request = open_for(order, cast.dealer)
    assert sign(order, cast.hq_finance, "reject", "no").state == "rejected" and waits(request, "skipped") == ["hq_clerk"]
    sound()


def test_a_signer_is_added_before_one_of_many(cast):
    order = flow(cast, Step(who="person", mode="all", people=(cast.hq_clerk.user_id, cast.hq_finance.user_id)))
    request = open_for(order, cast.dealer)
    actions.add_signer(request.pk, cast.hq_admin.user_id, True, actor=cast.hq_clerk)
    assert (waits(request), waits(request, "waiting")) == (["hq_admin", "hq_finance"], ["hq_clerk"])
    sound()
    for actor in (cast.hq_admin, cast.hq_finance):
        assert sign(order, actor).state == "pending"
    assert sign(order, cast.hq_clerk).state == "approved"
    sound()


def test_holders_of_a_role_sign_one_after_another(cast):
    second = actor_of(make_member("clerk2@example.com", cast.lh, "hq_clerk", name="second"))
    order = flow(cast, Step(unscoped_system_role("hq_clerk"), mode="sequence"))
    request = open_for(order, cast.dealer)
    assert (waits(request), waits(request, "waiting")) == (["hq_clerk"], ["second"])
    sign(order, cast.hq_clerk)
    assert sign(order, second).state == "approved"
    sound()


def test_the_manager_of_who_submitted_signs_or_the_role_given_instead(cast):
    boss = actor_of(make_member("boss@example.com", cast.lh, "hq_clerk", name="boss"))
    place_member(cast.hq_clerk.membership_id, "Sales", boss.membership_id, actor=cast.hq_admin)
    order = flow(cast, Step(unscoped_system_role("hq_finance"), who="manager"))
    assert waits(open_for(order, cast.hq_clerk)) == ["boss"]
    assert waits(open_for(document(cast.lh, cast.d001, 43), cast.dealer)) == ["hq_finance"]  # a dealer has no manager here
    end_member(boss.membership_id, actor=SYSTEM)
    assert sign(order, cast.hq_finance).state == "approved"


def test_anybody_of_a_department_signs(cast, django_assert_num_queries):
    place_member(cast.hq_finance.membership_id, "Money", None, actor=cast.hq_admin)
    order = flow(cast, Step(who="department", department="Money"))
    request = open_for(order, cast.dealer)
    assert waits(request) == ["Money"] and queries.pending_for(cast.hq_finance).count() == 1
    assert queries.pending_for(cast.hq_admin).count() == 0
    assert sign(order, cast.hq_finance).state == "approved"


def test_what_nobody_can_sign_goes_to_the_administrators(cast):
    order = flow(cast, Step(who="person", people=(cast.hq_finance.user_id,)), Step(who="department", department="Nowhere", position=2))
    end_member(cast.hq_finance.membership_id, actor=SYSTEM)
    other = actor_of(make_member("admin2@example.com", cast.lh, "hq_admin"))
    request = open_for(order, cast.dealer)
    assert waits(request) == ["hq_admin"] and Node.unscoped.filter(request=request, note="nobody").count() == 2
    sign(order, cast.hq_admin)
    assert sign(order, other).state == "approved"


def test_steps_are_checked(cast):
    for step, field in (
        (Step(), "role_id"), (Step(who="person"), "people"), (Step(who="department"), "department"), (Step(who="person", people=(1, 2)), "mode"),
    ):  # fmt: skip
        assert [fault.field for fault in branch_faults(Branch("", When(Decimal(0)), (step,)))] == [field]
    with pytest.raises(Invalid) as error:
        flow(cast, Step(who="person", people=(cast.dealer.user_id,)))
    assert error.value.faults[0].code == "approvals.people_unknown"
