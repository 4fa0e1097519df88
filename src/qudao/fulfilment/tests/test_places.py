"""An order that several warehouses serve: what is reserved where, a plan for each, and every way it can go from there."""

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.base.outbox import drain
from qudao.fulfilment import actions
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.tests.make import lines, on_hand, place, shipped
from qudao.inventory.actions import adjust_stock, register_place, set_serving, set_shortage
from qudao.inventory.queries import unscoped_reserved_at
from qudao.inventory.rules import Whom
from qudao.inventory.tests.make import levels, make_stock
from qudao.kernel.errors import Refused
from qudao.orders.actions import Amendment, Splitting, amend_order, cancel_order, close_order_short, split_order
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def north(world):
    """A second warehouse with 50 of the first two products, after MAIN with 100 of each."""
    pk = register_place("NORTH", actor=world.cast.hq_admin).pk
    make_stock(pk, {p.pk: 50 for p in world.products[:2]})
    set_serving(Whom(), [world.shelf.main, pk], actor=world.cast.hq_admin)
    return pk


def reserved(order):
    """place → [reserved of each line]."""
    found = unscoped_reserved_at("orders.order", [order.pk]).get(order.pk, {})
    return {at: [int(qty) for qty in by_line.values()] for at, by_line in found.items()}


def plans(order, state="created"):
    return {s.from_place_id: [int(x.qty) for x in lines(s)] for s in Shipment.unscoped.filter(order=order, state=state)}


def test_what_one_place_has_comes_out_of_one(world, north):
    order = place(world, 100)
    drain()
    assert reserved(order) == plans(order) == {world.shelf.main: [100]}
    assert_sound()


def test_a_line_is_spread_and_each_place_ships_its_part(world, north):
    order = place(world, 120, 5)
    assert reserved(order) == {world.shelf.main: [100, 5], north: [20]}
    drain()
    assert plans(order) == {world.shelf.main: [100, 5], north: [20]}
    assert_sound()
    keeper = world.cast.hq_warehouse
    picked = actions.start_pick(order.pk, place_id=north, actor=keeper)
    assert (picked.from_place_id, plans(order), plans(order, "picking")) == (north, {world.shelf.main: [100, 5]}, {north: [20]})
    (line,) = lines(picked)
    actions.dispatch_shipment(picked.pk, lines={line.pk: D(15)}, actor=keeper)
    assert plans(order) == {world.shelf.main: [100, 5], north: [5]}
    assert levels(north)[north, world.products[0].pk] == (D(35), D(5))
    assert_sound()
    again = actions.start_pick(order.pk, actor=keeper)
    assert again.from_place_id == world.shelf.main
    assert actions.cancel_pick(again.pk, actor=keeper).state == "created"
    shipped(world, order)
    for one in Shipment.unscoped.filter(order=order, state="shipped"):
        actions.confirm_receipt(one.pk, actor=world.dealer)
    drain()
    order.refresh_from_db()
    assert (order.status, order.fulfilment, order.invoiced) == ("delivered", "received", order.gross)
    assert [on_hand(at, world.products[0].pk) for at in (world.shelf.main, north)] == [0, 30]
    assert_sound()


def test_many_orders_of_a_list_leave_out_of_all_their_places(world, north):
    orders = [place(world, 120), place(world, 0, 3)]
    drain()
    done = actions.ship_orders([actions.Leaving(one.pk) for one in orders], actor=world.cast.hq_warehouse)
    assert [len(done.sent[one.pk]) for one in orders] == [2, 1] and not done.refused
    assert_sound()


def test_without_splitting_an_order_comes_out_of_one_place_or_not_at_all(world, north):
    set_serving(Whom(), [north, world.shelf.main], False, actor=world.cast.hq_admin)
    assert reserved(place(world, 60, 60)) == {world.shelf.main: [60, 60]}
    with pytest.raises(Refused) as caught:
        place(world, 60)
    assert caught.value.faults[0].code == "inventory.short"
    assert_sound()


def test_less_and_cancelled_and_split_give_back_in_every_place(world, north):
    order = place(world, 120)
    line = Line.unscoped.get(order=order)
    amend_order(order.pk, Amendment({line.pk: D(90)}), actor=world.dealer)
    assert reserved(order) == {world.shelf.main: [90]}
    assert_sound()
    other = place(world, 30)
    assert reserved(other) == {north: [30]}
    cancel_order(order.pk, reason="no need", actor=world.dealer)
    cancel_order(other.pk, reason="no need", actor=world.dealer)
    assert reserved(order) == reserved(other) == {} and levels(north)[north, world.products[0].pk] == (D(50), D(0))
    third = place(world, 120)
    made = split_order(third.pk, Splitting({Line.unscoped.get(order=third).pk: D(30)}), actor=world.dealer)
    drain()
    assert reserved(third) == plans(third) == {world.shelf.main: [90]}
    assert reserved(made) == plans(made) == {world.shelf.main: [10], north: [20]}
    assert_sound()


def test_what_is_short_waits_at_all_places_and_takes_what_comes_in_first(world, north):
    set_shortage(world.agreement.pk, "backorder", actor=world.cast.hq_admin)
    order = place(world, 160)
    drain()
    assert_sound()
    product = world.products[0].pk
    adjust_stock(north, product, D(54), "found", actor=world.cast.hq_warehouse)
    drain()
    line = Line.unscoped.get(order=order)
    assert (line.backordered, reserved(order)) == (D(6), {world.shelf.main: [100], north: [54]})
    adjust_stock(world.shelf.main, product, D(110), "found", actor=world.cast.hq_warehouse)
    drain()
    line.refresh_from_db()
    assert line.backordered == 0 and plans(order) == {world.shelf.main: [106], north: [54]}
    adjust_stock(north, product, D(60), "found", actor=world.cast.hq_warehouse)
    assert reserved(place(world, 6)) == {north: [6]}, "nobody waits there any more"
    shipped(world, order)
    drain()
    assert_sound()


def test_who_gives_up_the_rest_lets_others_have_it_everywhere(world, north):
    set_shortage(world.agreement.pk, "backorder", actor=world.cast.hq_admin)
    order = place(world, 160)
    drain()
    for shipment in [shipped(world, order)] and Shipment.unscoped.filter(order=order, state="shipped"):
        actions.confirm_receipt(shipment.pk, actor=world.dealer)
    close_order_short(order.pk, reason="enough", actor=world.cast.hq_clerk)
    drain()
    adjust_stock(north, world.products[0].pk, D(4), "found", actor=world.cast.hq_warehouse)
    assert reserved(place(world, 4)) == {north: [4]}
    drain()
    assert_sound()


def test_the_page_of_an_order_says_which_warehouse_sends_what(world, north, client):
    order = place(world, 120)
    drain()
    shown = sign_in(client, world.cast.hq_warehouse).get(reverse("order", args=[order.pk])).content.decode()
    assert "NORTH" in shown
    mine = Shipment.unscoped.get(order=order, from_place=north)
    assert client.post(reverse("shipment_picking", args=[mine.pk]), {}).status_code == 302
    mine.refresh_from_db()
    assert mine.state == "picking"
