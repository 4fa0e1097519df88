"""A document goes back to an earlier signature; who has signed is not asked twice; what stays in the history still proves itself."""

from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.approvals import actions, queries
from qudao.approvals.models import Node, Signature
from qudao.approvals.rules import Branch, Case, FlowDraft, Plan, Step, When, replay
from qudao.approvals.states import MOST_ROUNDS
from qudao.approvals.tests.make import KIND, Api, document, in_action, open_for, sign
from qudao.approvals.tests.test_signers import flow, sound, waits
from qudao.base.access import system_actor
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.actions import place_member
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member, sign_in

SYSTEM = system_actor()


def role(code, position):
    return Step(unscoped_system_role(code), position)


@pytest.fixture
def order(cast):
    """Clerk, finance and administrator sign, one after another."""
    return flow(cast, role("hq_clerk", 1), role("hq_finance", 2), role("hq_admin", 3))


def steps(request):
    """Every step: its role, state, round, and whether it was asked anew since."""
    found = Node.unscoped.filter(request=request).order_by("position").select_related("role")
    return [f"{one.role.code.removeprefix('hq_')} {one.state} {one.round}{' void' if one.void else ''}" for one in found]


def codes(kind, body):
    with pytest.raises(kind) as error:
        body()
    return [(fault.code, fault.field) for fault in error.value.faults]


def test_it_goes_back_to_a_signature_and_everything_from_there_is_asked_again(cast, order):
    request = open_for(order, cast.dealer)
    sign(order, cast.hq_clerk)
    sign(order, cast.hq_finance)
    actions.send_back(request.pk, 2, "the discount is not agreed", actor=cast.hq_admin)
    assert steps(request) == ["clerk approved 1", "finance approved 1 void", "admin returned 1 void", "finance current 2", "admin waiting 2"]
    sound()
    assert codes(Refused, lambda: sign(order, cast.hq_admin)) == [("approvals.role_needed", "")]
    assert codes(Refused, lambda: sign(order, cast.hq_clerk)) == [("approvals.already_signed", "")]  # the first signature still counts
    assert sign(order, cast.hq_finance).state == "pending"
    assert sign(order, cast.hq_admin).state == "approved"
    assert Signature.unscoped.filter(request=request).count() == 5
    sound()


def test_steps_that_were_not_asked_yet_stay_behind_and_it_may_go_back_again(cast, order):
    request = open_for(order, cast.dealer)
    sign(order, cast.hq_clerk)
    actions.send_back(request.pk, 1, "which address?", actor=cast.hq_finance)
    assert steps(request) == ["clerk approved 1 void", "finance returned 1 void", "clerk current 2", "finance waiting 2", "admin waiting 2"]
    sign(order, cast.hq_clerk)
    actions.send_back(request.pk, 3, "still not", actor=cast.hq_finance)
    assert waits(request) == ["hq_clerk"]
    sound()
    for actor, state in ((cast.hq_clerk, "pending"), (cast.hq_finance, "pending"), (cast.hq_admin, "approved")):
        assert sign(order, actor).state == state
    sound()


def test_what_cannot_go_back_says_why(cast, order):
    request = open_for(order, cast.dealer)
    assert codes(Invalid, lambda: actions.send_back(request.pk, 1, "no", actor=cast.hq_clerk)) == [("approvals.step_unknown", "position")]
    sign(order, cast.hq_clerk)
    assert codes(Invalid, lambda: actions.send_back(request.pk, 1, " ", actor=cast.hq_finance)) == [("approvals.reason_missing", "reason")]
    assert codes(Invalid, lambda: actions.send_back(request.pk, 3, "no", actor=cast.hq_finance)) == [("approvals.step_unknown", "position")]
    assert codes(Refused, lambda: actions.send_back(request.pk, 1, "no", actor=cast.hq_admin)) == [("approvals.role_needed", "")]
    with pytest.raises(Forbidden):
        actions.send_back(request.pk, 1, "no", actor=cast.hq_warehouse)
    with pytest.raises((NotFound, Forbidden)):
        actions.send_back(request.pk, 1, "no", actor=cast.dealer)
    for _n in range(MOST_ROUNDS):
        (now,) = Node.unscoped.filter(request=request, state="current")
        actions.send_back(request.pk, now.position - 1, "again", actor=cast.hq_finance)
        sign(order, cast.hq_clerk)
    (now,) = Node.unscoped.filter(request=request, state="current")
    assert codes(Refused, lambda: actions.send_back(request.pk, now.position - 1, "again", actor=cast.hq_finance)) == [("approvals.too_many_rounds", "")]
    sound()


def test_signers_beside_and_links_end_and_a_part_that_is_taken_out_asks_once(cast):
    people = (cast.hq_finance.user_id, cast.hq_admin.user_id)
    order = flow(cast, role("hq_clerk", 1), Step(who="person", mode="all", people=people, position=2))
    request = open_for(order, cast.dealer)
    sign(order, cast.hq_clerk)
    letter = in_action(SYSTEM, lambda: actions.letter_for(order, cast.hq_finance.user_id, actor=SYSTEM))
    actions.send_back(request.pk, 1, "no", actor=cast.hq_admin)
    assert letter is not None and waits(request) == ["hq_clerk"] and waits(request, "skipped") == ["hq_finance"]
    sound()
    part = in_action(SYSTEM, lambda: actions.ask_again(order, document(cast.lh, cast.d001, 43), actor=SYSTEM))
    assert steps(part) == ["clerk current 1", "admin waiting 1", "admin waiting 1"]
    sound()
    for actor in (cast.hq_clerk, cast.hq_finance, cast.hq_admin):
        outcome = sign(order, actor)
    assert outcome.state == "approved"
    sound()


def kept(cast, skip, *steps_):
    draft = FlowDraft(KIND, "", (Branch("", When(), steps_),), skip_signed=skip)
    made = actions.save_draft(cast.lh.pk, draft, actor=SYSTEM)
    actions.publish_flow(made.pk, actor=SYSTEM)
    return document(cast.lh, cast.d001)


@pytest.mark.parametrize("skip", [True, False])
def test_who_has_signed_is_skipped_with_the_reason_where_the_flow_says_so(cast, skip):
    named = Step(who="person", people=(cast.hq_clerk.user_id,), position=2)
    order = kept(cast, skip, role("hq_clerk", 1), named, role("hq_finance", 3))
    request = open_for(order, cast.dealer)
    outcome = sign(order, cast.hq_clerk)
    assert waits(request) == (["hq_finance"] if skip else ["hq_admin"])
    if skip:
        covered = Node.unscoped.get(request=request, position=2)
        assert (covered.state, covered.covered_by_id, outcome.node.position) == ("skipped", cast.hq_clerk.user_id, 3)
        actions.send_back(request.pk, 1, "look again", actor=cast.hq_finance)
        assert waits(request) == ["hq_clerk"]
        sign(order, cast.hq_clerk)
        assert steps(request)[3:] == ["clerk approved 2", "admin skipped 2", "finance current 2"]
        assert sign(order, cast.hq_finance).state == "approved"
    sound()


def test_the_last_step_may_be_skipped_and_a_person_who_is_named_twice_signs_once(cast):
    clerk = cast.hq_clerk.user_id
    order = kept(cast, True, Step(who="person", people=(clerk,)), Step(who="person", people=(clerk,), position=2))
    request = open_for(order, cast.dealer)
    assert sign(order, cast.hq_clerk).state == "approved" and waits(request, "skipped") == ["hq_clerk"]
    sound()


def test_a_manager_who_signed_as_clerk_is_not_asked_again_but_another_holder_is(cast):
    boss = actor_of(make_member("boss@example.com", cast.lh, "hq_clerk", name="boss"))
    place_member(cast.hq_finance.membership_id, "Money", boss.membership_id, actor=cast.hq_admin)
    order = kept(cast, True, role("hq_clerk", 1), Step(unscoped_system_role("hq_admin"), 2, who="manager"), role("hq_clerk", 3))
    request = open_for(order, cast.hq_finance)
    sign(order, boss)
    assert waits(request) == ["hq_clerk"]  # the manager's step is covered; the third is for the other clerk, not for the boss
    assert codes(Refused, lambda: sign(order, boss)) == [("approvals.already_signed", "")]
    assert sign(order, cast.hq_clerk).state == "approved"
    sound()


def test_who_submitted_never_signs_and_covers_nothing(cast):
    other = actor_of(make_member("clerk2@example.com", cast.lh, "hq_clerk", name="second"))
    order = kept(cast, True, role("hq_clerk", 1), Step(who="person", people=(cast.hq_clerk.user_id,), position=2))
    request = open_for(order, cast.hq_clerk)
    sign(order, other)
    assert waits(request) == ["hq_admin"]
    sound()


def test_a_replay_leaves_out_who_is_named_twice():
    steps_ = (Step(who="person", people=(7,)), Step(who="person", mode="all", people=(7, 8), position=2), Step(who="person", people=(8,), position=3))
    plans = [Plan(1, (Branch("", When(), steps_),), skip) for skip in (True, False)]
    told = replay(*plans, [Case(Decimal(1))])
    assert [(step.people, n) for step, n in told.asked] == [((7,), 1), ((8,), 1)] and told.changed == (0,)


def test_habits_and_going_back_by_page_and_api(cast, client, order):
    request = open_for(order, cast.dealer)
    sign(order, cast.hq_clerk)
    api = Api(cast.hq_finance)
    assert api("post", f"/approvals/{request.pk}/back", {"position": 2, "reason": "no"})[0] == 422
    status, told = api("post", f"/approvals/{request.pk}/back", {"position": 1, "reason": "no"})
    assert status == 200 and [(one["state"], one["round"], one["void"]) for one in told["steps"]][:3] == [
        ("approved", 1, True), ("returned", 1, True), ("current", 2, False),
    ]  # fmt: skip
    assert Api(cast.hq_warehouse)("post", f"/approvals/{request.pk}/back", {"position": 1, "reason": "no"})[0] == 403
    page = sign_in(client, cast.hq_admin)
    (flow_,) = queries.flows(cast.hq_admin)
    address = reverse("approval_flow_habits", args=[flow_.pk])
    assert page.get(address).status_code == 200
    assert page.post(address, {"working_hours": "on"}).status_code == 302
    (draft,) = [one for one in queries.flow(cast.hq_admin, flow_.pk).versions.all() if one.state == "draft"]
    assert (draft.skip_signed, draft.working_hours, len(draft.branches)) == (False, True, 1)
    told = b"administrators sign instead", b"working hours"
    assert all(words in page.get(reverse("approval_flow", args=[flow_.pk])).content for words in told)
