"""An order whose approval nobody gives in time: its flow decides, or somebody above does."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from qudao.approvals.actions import publish_flow, save_draft, time_out
from qudao.approvals.models import Node
from qudao.approvals.rules import Branch, FlowDraft, Step, When
from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.kernel import clock
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.people.queries import unscoped_system_role

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()


def waiting(then, *quantities, stock=None, **more):
    """An order under a flow whose time runs out after a day."""
    world = make_world(limit=D(5000))
    steps = (Step(unscoped_system_role("hq_clerk"), late_hours=24, late_then=then, **more),)
    publish_flow(save_draft(world.cast.lh.pk, FlowDraft("orders.order", "", (Branch("", When(), steps),)), actor=SYSTEM).pk, actor=SYSTEM)
    order = place(world, *quantities)
    assert order.status == "in_review"
    return order


def after_a_day(order):
    with clock.freeze(clock.now() + timedelta(hours=25)):
        time_out(actor=SYSTEM)
        drain()
    assert_sound()
    return Order.unscoped.get(pk=order.pk)


def test_a_small_one_passes_with_credit_and_stock(db):
    order = after_a_day(waiting("pass", 3, late_below=D(1000)))
    assert (order.status, order.approval, order.credit, order.allocation) == ("confirmed", "approved", "pass", "full")


def test_one_that_lacks_credit_waits_for_it(db):
    order = after_a_day(waiting("pass", 60, late_below=D(100000)))
    assert (order.status, order.approval, order.credit) == ("submitted", "approved", "hold")


def test_one_that_nobody_wanted_is_rejected_with_a_reason(db):
    order = after_a_day(waiting("reject", 3))
    assert (order.status, order.approval) == ("rejected", "rejected")


def test_one_that_stock_does_not_let_pass_goes_up(db):
    order = after_a_day(waiting("pass", 100000, late_below=D(100000000)))
    assert order.status == "in_review"
    assert Node.unscoped.get(state="current").role.code == "hq_admin"
