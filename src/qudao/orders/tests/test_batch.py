"""A file of orders: each judged in its turn, what is refused hinders nobody, a second file with the same ids makes nothing twice."""

from datetime import date
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from qudao.approvals.tests.make import make_rule
from qudao.base import models as base
from qudao.inventory.models import Reservation
from qudao.kernel.errors import Forbidden, Invalid
from qudao.orders.actions import place_order, place_orders
from qudao.orders.models import Line, Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_world, placing

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def file_of(world, *orders):
    return [(placing(world, *quantities), uuid4()) for quantities in orders]


def outcome(entered):
    return [(one.order.status if one.order else "", [f.code for f in one.faults]) for one in entered]


def test_a_file_makes_the_same_orders_as_one_after_the_other(world):
    single = place_order(placing(world, 2, 3), actor=world.dealer)
    first, second = (one.order for one in place_orders(file_of(world, (2, 3), (1, 0, 4)), actor=world.dealer))
    same = ("status", "credit", "allocation", "gross", "net", "tax", "place_id", "agreement_id", "payment_days", "line_count", "ordered_on")
    assert [getattr(first, name) for name in same] == [getattr(single, name) for name in same]
    assert [single.number, first.number, second.number] == ["SO-D001-00001", "SO-D001-00002", "SO-D001-00003"]
    columns = ("no", "product_id", "qty", "unit_price", "price_source", "price_steps", "net", "tax", "gross")
    assert list(Line.unscoped.filter(order=first).order_by("no").values_list(*columns)) == list(
        Line.unscoped.filter(order=single).order_by("no").values_list(*columns)
    )
    assert Reservation.unscoped.filter(subject_id=second.pk).count() == 2
    assert base.Event.unscoped.filter(name="orders.OrderConfirmed").count() == 3
    assert_sound()


def test_what_is_short_or_over_the_limit_is_told_and_hinders_nobody():
    world = make_world([10, 10, 10], limit=D(1500))
    entered = place_orders(file_of(world, (8,), (4,), (0, 7), (0, 6), (0, 0, 1)), actor=world.dealer)
    assert outcome(entered) == [
        ("confirmed", []),
        ("", ["inventory.short"]),
        ("confirmed", []),
        ("", ["funds.limit", "inventory.short"]),
        ("", ["funds.limit"]),
    ]
    assert entered[1].faults[0].field == "lines.1.qty"
    assert Order.unscoped.count() == Line.unscoped.count() == 2
    assert_sound()


def test_bad_lines_and_strangers_to_each_other_are_told_in_place(world):
    people = world.cast
    bad = Placing(people.lh.pk, people.d001.pk, [NewLine(None, D(1), "P9"), NewLine(world.products[0].pk, D(0))])
    late = placing(world, 1, requested_on=date(2020, 1, 1))
    untermed = Placing(people.lh.pk, people.d002.pk, [NewLine(world.products[0].pk, D(1))])
    entered = place_orders([(one, None) for one in (bad, late, placing(world, 1))], actor=world.dealer)
    told = [("", ["orders.unknown_product", "orders.qty_not_positive"]), ("", ["orders.date_passed"]), ("confirmed", [])]
    assert outcome(entered) == told
    assert outcome(place_orders([(untermed, None)], actor=people.stranger)) == [("", ["orders.no_agreement"])]
    with pytest.raises(Forbidden):
        place_orders([(placing(world, 1), None)], actor=people.stranger)
    with pytest.raises(Invalid, match="orders.too_many_orders"):
        place_orders([(placing(world, 1), None)] * 501, actor=world.dealer)
    assert place_orders([], actor=world.dealer) == []


def test_the_same_file_again_returns_its_orders(world):
    file = file_of(world, (1,), (2,))
    first = place_orders(file, actor=world.dealer)
    again = place_orders([*file, *file_of(world, (3,))], actor=world.dealer)
    assert [one.order.pk for one in again[:2]] == [one.order.pk for one in first]
    assert [one.known for one in again] == [True, True, False]
    assert Order.unscoped.count() == 3


def test_what_needs_a_signature_waits_for_it(world):
    make_rule(world.cast.lh, "hq_clerk", "500")
    small, large = place_orders(file_of(world, (2,), (9,)), actor=world.dealer)
    assert (small.order.status, large.order.status, large.order.approval) == ("confirmed", "in_review", "pending")
    assert_sound()


def test_thirty_orders_take_as_many_statements_as_three(world):
    def cost(count):
        file = file_of(world, *[(1, 1)] * count)
        with CaptureQueriesContext(connection) as seen:
            place_orders(file, actor=world.dealer)
        return len(seen)

    cost(1)
    assert cost(3) == cost(30)
