"""What an order brings beyond the cost of its goods: by the cost of its day, for the seller's own people with the grant."""

from dataclasses import replace
from datetime import date
from decimal import Decimal as D

import pytest

from qudao.catalog.actions import set_costs
from qudao.catalog.rules import CostDraft, Margin
from qudao.orders.models import Line
from qudao.orders.queries.margin import margin_of
from qudao.orders.tests.make import make_world, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def test_the_margin_of_an_order(world):
    admin = world.cast.hq_admin
    set_costs([CostDraft(world.products[0].pk, D(60), date(2026, 1, 1)), CostDraft(world.products[0].pk, D(99), date(2099, 1, 1))], actor=admin)
    order = place(world, 3, 0, 5)  # 3 and 5 pieces of 100.00 with 13 % tax
    net = Line.unscoped.get(order=order, no=1).net
    assert margin_of(admin, order) == Margin(net, D("180.00"), 1)
    Line.unscoped.filter(order=order, no=1).update(given_up=1)
    given_up = margin_of(admin, order)
    assert given_up == Margin((net * 2 / 3).quantize(D("0.01")), D("120.00"), 1)


def test_nobody_else_reads_it(world):
    order = place(world, 1)
    admin = world.cast.hq_admin
    assert margin_of(admin, order) is not None
    for actor in (world.cast.hq_clerk, world.cast.dealer_admin, world.dealer, replace(admin, fields=frozenset({"trade.cost"}))):
        assert margin_of(actor, order) is None
