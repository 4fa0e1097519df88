"""Eight connections after the same goods: never oversold, nobody refused without cause, no deadlock left over."""

from __future__ import annotations

import random
from decimal import Decimal
from functools import partial

import pytest

from qudao.base.subject import Subject
from qudao.inventory.actions import post_moves, release, reserve
from qudao.inventory.models import Place
from qudao.inventory.rules import Demand, MoveSpec
from qudao.inventory.tests.make import assert_sound, in_unit, levels, make_places, make_shelf, make_stock
from qudao.kernel.errors import Refused
from qudao.network.tests.make import make_org

pytestmark = pytest.mark.race
D = Decimal
THREADS = 8


@pytest.fixture
def brand(transactional_db):
    return make_org("hq", "LH")


def order(n):
    return Subject("orders.order", n)


def outcomes(results):
    """(how many passed, how many were refused as short); anything else fails the test."""
    strange = [r for r in results if isinstance(r, Exception) and not isinstance(r, Refused)]
    assert strange == []
    refused = [r for r in results if isinstance(r, Refused)]
    assert all(f.code == "inventory.short" for r in refused for f in r.faults)
    return len(results) - len(refused), len(refused)


def test_the_last_units_go_to_exactly_as_many(brand, race):
    shelf = make_shelf(brand, [3])
    product = shelf.products[0].pk
    bodies = [partial(in_unit, reserve, [Demand(shelf.main, product, D(1), 1)], order(n)) for n in range(THREADS)]
    assert outcomes(race(bodies)) == (3, 5)
    assert levels(shelf.main) == {(shelf.main, product): (D(3), D(3))}
    assert_sound()


def test_lines_in_any_order_neither_deadlock_nor_oversell(brand, race):
    shelf = make_shelf(brand, [60] * 5)
    dice = random.Random(7)

    def client(c):
        passed = 0
        for n in range(20):
            products = dice.sample(shelf.products, 5)
            demands = [Demand(shelf.main, p.pk, D(1), i) for i, p in enumerate(products)]
            try:
                in_unit(reserve, demands, order(c * 1000 + n))
                passed += 1
            except Refused:
                pass
        return passed

    results = race([partial(client, c) for c in range(THREADS)])
    assert sum(results) == 60
    assert set(levels(shelf.main).values()) == {(D(60), D(60))}
    assert_sound()


def test_two_places_together_are_never_oversold(brand, race):
    """Half the orders ask MAIN first, half the other place: stock is locked by place and product all the same."""
    shelf = make_shelf(brand, [20] * 3)
    north = Place.unscoped.create(owner=brand, code="NORTH").pk
    make_stock(north, {p.pk: 20 for p in shelf.products})
    dice = random.Random(9)

    def client(c):
        first, then = (shelf.main, north) if c % 2 else (north, shelf.main)
        passed = 0
        for n in range(20):
            demands = [Demand(first, p.pk, D(1), i, (then,)) for i, p in enumerate(dice.sample(shelf.products, 3))]
            try:
                in_unit(reserve, demands, order(c * 1000 + n))
                passed += 1
            except Refused:
                pass
        return passed

    assert sum(race([partial(client, c) for c in range(THREADS)])) == 40
    assert {held for held in levels().values() if held[0]} == {(D(20), D(20))}
    assert_sound()


def test_reserving_and_moving_out_share_the_stock(brand, race):
    shelf = make_shelf(brand, [4])
    product = shelf.products[0].pk
    keep = [partial(in_unit, reserve, [Demand(shelf.main, product, D(1), 1)], order(n)) for n in range(4)]
    out = [partial(in_unit, post_moves, [MoveSpec(product, D(1), shelf.main, shelf.outside)], Subject("test.move", n)) for n in range(4)]
    assert outcomes(race([*keep, *out])) == (4, 4)
    ((on_hand, reserved),) = levels(shelf.main).values()
    assert on_hand == reserved
    assert_sound()


def test_the_first_receipts_into_an_empty_place_add_up(brand, race):
    shelf = make_shelf(brand, [0, 0, 0])
    dealer = make_places(make_org("dealer", "D001", brand))["MAIN"]

    def receive(n):
        products = random.Random(n).sample(shelf.products, 3)
        in_unit(post_moves, [MoveSpec(p.pk, D(2), shelf.outside, dealer) for p in products], Subject("test.receipt", n))

    assert outcomes(race([partial(receive, n) for n in range(THREADS)])) == (THREADS, 0)
    assert set(levels(dealer).values()) == {(D(16), D(0))}
    assert_sound()


def test_two_cancellations_at_once_give_back_once(brand, race):
    shelf = make_shelf(brand, [10])
    in_unit(reserve, [Demand(shelf.main, shelf.products[0].pk, D(6), 1)], order(1))
    results = race([partial(in_unit, release, order(1)) for _ in range(THREADS)])
    assert sorted(results) == [D(0)] * 7 + [D(6)]
    assert set(levels(shelf.main).values()) == {(D(10), D(0))}
    assert_sound()


def test_shipping_and_cancelling_at_once_end_in_one_of_the_two(brand, race):
    shelf = make_shelf(brand, [10])
    product = shelf.products[0].pk
    for n in range(5):
        in_unit(reserve, [Demand(shelf.main, product, D(2), 1)], order(n))
        ship = [MoveSpec(product, D(2), shelf.main, shelf.outside, 1, take_reserved=True)]
        shipped, given = race([partial(in_unit, post_moves, ship, Subject("test.shipment", n), reserved_for=order(n)), partial(in_unit, release, order(n))])
        if isinstance(shipped, Refused):
            assert given == D(2)
        else:
            assert (shipped, given) == (None, D(0))
        assert_sound()
