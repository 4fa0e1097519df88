"""The smallest order of an agreement holds back what comes to less before tax: one sentence, by every way in."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qudao.agreements.actions import set_min_order
from qudao.base.access import system_actor
from qudao.base.sentences import say
from qudao.kernel.errors import Invalid, Refused
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.tests.make import assert_sound, make_world, place, placing

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    """Three products at 100 with 13 % tax in it (88.50 before); an order must come to 265.49, that is three pieces."""
    world = make_world([10, 10, 10])
    set_min_order(world.agreement.pk, D("265.49"), actor=system_actor())
    return world


def test_an_order_too_small_is_refused_in_one_sentence(world):
    with pytest.raises(Refused) as refusal:
        place(world, 2)
    (fault,) = refusal.value.faults
    assert fault.code == "orders.below_amount" and fault.params["missing"] == D("265.49") - fault.params["net"]
    said = say(fault)
    assert str(fault.params["missing"]) in said.sentence and "265.49 CNY" in said.sentence and said.remedy
    assert not Order.unscoped.exists()
    order = place(world, 1, 2)
    assert order.status == "confirmed" and order.net >= D("265.49"), "to the cent is enough"
    assert_sound()


def test_emergencies_and_samples_may_be_small(world):
    assert place(world, 1, kind="emergency").status == "confirmed"
    assert place(world, 1, kind="sample", note="fair", actor=world.cast.hq_clerk).net == 0
    assert_sound()


def test_what_is_wrong_with_a_line_is_said_first(world):
    with pytest.raises(Invalid) as refusal:
        place(world, 1, -1)
    assert "orders.below_amount" not in {fault.code for fault in refusal.value.faults}, "nobody knows yet what it comes to"


def test_a_file_of_orders_is_told_in_place(world):
    small, enough = actions.place_orders([(placing(world, 1), None), (placing(world, 3), None)], actor=world.dealer)
    assert [fault.code for fault in small.faults] == ["orders.below_amount"] and small.order is None
    assert enough.order is not None and enough.order.status == "confirmed"
    assert Order.unscoped.count() == 1 and Line.unscoped.count() == 1
    assert_sound()


def test_what_both_agreed_on_later_is_not_held_back(world):
    order = place(world, 3)
    line = Line.unscoped.get(order=order)
    actions.amend_order(order.pk, actions.Amendment({line.pk: D(1)}), actor=world.cast.hq_clerk)
    order.refresh_from_db()
    assert order.net < D("265.49"), "the seller may take less"
    assert_sound()
