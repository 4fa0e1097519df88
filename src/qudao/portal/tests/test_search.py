"""What is found, by which part, and by whom."""

from decimal import Decimal

import pytest

from qudao.base.search import amount_of, candidates, matching, Reach, words_of
from qudao.network.tests.make import make_org
from qudao.orders.models import Order
from qudao.orders.tests.make import make_world, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world((100, 100, 100))


def test_any_part_of_a_number_finds_its_order(world):
    order = place(world, 4)
    number = order.number
    parts = [number, number.lower(), number[3:], number[-3:], number[:2], number[1:6]]
    for part in parts:
        assert list(Order.unscoped.filter(pk__in=matching("orders.order", part))) == [order], part
    assert not Order.unscoped.filter(pk__in=matching("orders.order", number + "9")).exists()
