"""Many clicks at once on one basket: every one is counted, and one basket becomes one order."""

from __future__ import annotations

from decimal import Decimal as D
from uuid import uuid4

import pytest

from qudao.baskets.actions import add_lines, submit_basket
from qudao.baskets.models import Basket, Line
from qudao.baskets.rules import Entry
from qudao.kernel.errors import Refused
from qudao.orders.models import Order
from qudao.orders.tests.make import World, assert_sound, make_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def click(world: World, **options) -> Basket:
    return add_lines(world.agreement.pk, [Entry(world.products[0].pk, D(1))], actor=world.dealer, **options)


def test_twenty_clicks_at_once_are_twenty(race):
    world = make_world()
    baskets = race([lambda: click(world, client_id=uuid4()) for _x in range(20)])
    assert {b.pk for b in baskets} == {Basket.unscoped.get().pk}
    assert (Line.unscoped.get().qty, Basket.unscoped.get().version) == (D(20), 20)


def test_one_click_sent_ten_times_is_one(race):
    world, same = make_world(), uuid4()
    race([lambda: click(world, client_id=same) for _x in range(10)])
    assert Line.unscoped.get().qty == 1


def test_ten_submits_at_once_make_one_order(race):
    world = make_world()
    basket, same = click(world), uuid4()
    orders = race([lambda: submit_basket(basket.pk, actor=world.dealer, client_id=same) for _x in range(10)])
    assert {o.pk for o in orders} == {Order.unscoped.get().pk}
    assert not Line.unscoped.exists()
    assert_sound()


def test_submits_of_two_devices_make_one_order_and_one_refusal_in_words(race):
    world = make_world()
    basket = click(world)
    found = race([lambda: submit_basket(basket.pk, actor=world.dealer, client_id=uuid4()) for _x in range(6)])
    refused = [one for one in found if isinstance(one, Refused)]
    assert [one.faults[0].code for one in refused] == ["baskets.empty"] * 5 and Order.unscoped.count() == 1
    assert_sound()


def test_clicks_while_one_submits_are_ordered_or_stay(race):
    world = make_world()
    basket = click(world)
    race([lambda: submit_basket(basket.pk, actor=world.dealer, client_id=uuid4()), *[lambda: click(world, client_id=uuid4()) for _x in range(8)]])
    rest = sum(Line.unscoped.values_list("qty", flat=True), D(0))
    ordered = sum(one.gross for one in Order.unscoped.all()) / 100
    assert rest + ordered == 9
    assert_sound()
