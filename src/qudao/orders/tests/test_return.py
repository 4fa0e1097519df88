"""Sending an order back to who submitted it."""

from decimal import Decimal

import pytest

from qudao.approvals.actions import add_rule
from qudao.approvals.rules import RuleDraft
from qudao.base import models as base
from qudao.base.audit import timeline
from qudao.kernel.errors import Forbidden, Invalid, Refused
from qudao.orders.actions import approve_order, return_order, submit_order
from qudao.orders.states import Status
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.people.queries import unscoped_system_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = make_world()
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_clerk")), actor=world.cast.hq_admin)
    return world


def test_an_order_sent_back_is_a_draft_that_can_be_submitted_again(world):
    order = place(world, 4)
    returned = return_order(order.pk, reason=" change the address ", actor=world.cast.hq_clerk)
    assert (returned.status, returned.approval, returned.gross) == (Status.DRAFT, "none", Decimal(400))
    line = timeline(order.subject).last()
    assert (line.verb, line.before, line.after, line.reason) == ("orders.return", "in_review", "draft", "change the address")
    asked = base.Event.unscoped.filter(name="base.NoticeAsked").last().payload
    assert (asked["code"], asked["org_id"], asked["params"]["reason"]) == ("orders.returned", order.buyer_id, "change the address")
    assert submit_order(order.pk, actor=world.dealer).status == Status.IN_REVIEW
    assert approve_order(order.pk, actor=world.cast.hq_clerk).status == Status.CONFIRMED
    assert_sound()


def test_sending_back_is_the_approvers_and_needs_a_reason(world):
    order = place(world, 4)
    with pytest.raises(Invalid):
        return_order(order.pk, reason=" ", actor=world.cast.hq_clerk)
    for actor in (world.dealer, world.cast.hq_warehouse):
        with pytest.raises(Forbidden):
            return_order(order.pk, reason="no", actor=actor)
    with pytest.raises(Refused) as error:
        return_order(order.pk, reason="no", actor=world.cast.hq_finance)  # the clerk's step
    assert error.value.faults[0].code == "approvals.role_needed"
    approve_order(order.pk, actor=world.cast.hq_clerk)
    with pytest.raises(Refused) as error:
        return_order(order.pk, reason="no", actor=world.cast.hq_clerk)
    assert error.value.faults[0].code == "orders.illegal"
