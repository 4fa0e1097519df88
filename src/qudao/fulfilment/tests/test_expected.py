"""Available to promise: what comes in counts for what is short, after those who wait already; told to who may know it."""

from datetime import date
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.urls import reverse

from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.fulfilment import rules
from qudao.fulfilment.queries import unscoped_coming, unscoped_expected, unscoped_promised
from qudao.fulfilment.states import TRAVEL_DAYS
from qudao.fulfilment.tests.make import place, shipped
from qudao.inventory.actions import hold_stock, set_shortage
from qudao.inventory.models import Stock
from qudao.inventory.tests.make import make_places
from qudao.kernel import clock
from qudao.kernel.period import working_day
from qudao.orders.actions import place_order
from qudao.orders.models import Line
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_downstream
from qudao.people.tests.make import bearer, sign_in


def test_a_quantity_is_there_on_the_day_that_receipts_sum_to_it():
    first, second = date(2026, 3, 2), date(2026, 3, 9)
    receipts = [(first, D(5)), (second, D(5))]
    assert [rules.there_on(receipts, D(qty)) for qty in (1, 5, 6, 11)] == [first, first, second, None]


@pytest.fixture
def shop(world, db):
    """D001 has 50 of P1 for its shops, and 30 more ordered of LH; what is short waits."""
    agreement = make_downstream(world)
    set_shortage(agreement.pk, "backorder", actor=world.cast.dealer_admin)
    return place(world, 30)


def ask(world, qty):
    """An order of the shop S001."""
    people = world.cast
    placing = Placing(people.d001.pk, people.s001.pk, [NewLine(world.products[0].pk, D(qty))])
    return place_order(placing, actor=people.sub_dealer, client_id=uuid4())


def test_what_is_promised_upstream_and_what_is_on_its_way_is_expected(world, shop):
    org, product = world.cast.d001.pk, world.products[0].pk
    leaves = Line.unscoped.get(order=shop).promised_on
    (coming,) = unscoped_coming(org, [product])[product]
    assert (coming.on, coming.qty, coming.number) == (working_day(leaves, TRAVEL_DAYS), D(30), shop.number)
    shipment = shipped(world, shop)
    (coming,) = unscoped_coming(org, [product])[product]
    assert (coming.on, coming.number) == (max(working_day(clock.today(), TRAVEL_DAYS), clock.today()), shipment.number)
    assert unscoped_coming(org, []) == {}


def test_who_waits_first_is_expected_first(world, shop):
    org, product = world.cast.d001.pk, world.products[0].pk
    day = unscoped_coming(org, [product])[product][0].on
    assert unscoped_expected(org, {product: D(30)}) == {product: day} and unscoped_expected(org, {product: D(31)}) == {}
    first, second = ask(world, 70), ask(world, 20)
    found = unscoped_promised(org, [product])
    assert found == {Line.unscoped.get(order=first).pk: day} and second.allocation == "backorder"
    assert unscoped_expected(org, {product: D(1)}) == {}
    drain()
    assert_sound()


def test_the_order_says_to_both_sides_when_its_goods_are_expected(world, shop, client):
    order = ask(world, 70)
    for actor in (world.cast.dealer_admin, world.cast.sub_dealer):
        page = sign_in(client, actor).get(reverse("order", args=[order.pk])).content.decode()
        assert "Waits for goods" in page and "expected" in page


def test_the_page_of_the_stock_and_the_api_tell_what_can_be_promised_by_when(world, shop, client):
    ask(world, 60)
    product = world.products[0].pk
    stock = Stock.unscoped.get(place_id=make_places(world.cast.d001)["MAIN"], product_id=product)
    page = sign_in(client, world.cast.dealer_admin).get(reverse("stock_item", args=[stock.pk])).content.decode()
    assert "Available to promise" in page and shop.number in page
    own = client.get(f"/api/v1/products/{product}/expected-receipts", headers=bearer(world.cast.dealer_admin)).json()
    assert [(one["number"], D(one["qty"]), D(one["to_promise"])) for one in own] == [(shop.number, D(30), D(20))]
    theirs = client.get(f"/api/v1/products/{product}/expected-receipts", headers=bearer(world.cast.hq_admin))
    assert theirs.json() == [], "the seller does not see what its buyer expects of others"


def test_what_is_blocked_is_not_promised(world, shop, client):
    product, keeper = world.products[0].pk, world.cast.dealer_admin
    stock = Stock.unscoped.get(place_id=make_places(world.cast.d001)["MAIN"], product_id=product)

    def promised():
        told = client.get(f"/api/v1/products/{product}/expected-receipts", headers=bearer(keeper)).json()
        return [D(one["to_promise"]) for one in told]

    assert promised() == [D(80)]
    hold_stock(stock.pk, "Look at it", actor=keeper)
    assert promised() == [D(30)]
    page = text(sign_in(client, keeper).get(reverse("stock_item", args=[stock.pk])))
    assert "Look at it" in page and "to promise by then: 30" in page
