"""Dispatch lists and proofs of delivery: as the single actions, for many in the statements of one."""

from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from qudao.base import models as base
from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import Arriving, Leaving, confirm_receipts, ship_orders, start_pick
from qudao.fulfilment.models import Difference, Receipt, Shipment
from qudao.fulfilment.tests.make import Count, lines, on_hand, place
from qudao.funds.actions import freeze
from qudao.inventory.tests.make import make_places
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound

pytestmark = pytest.mark.django_db


def send(world, *orders, **way):
    return ship_orders([Leaving(order.pk, **way) for order in orders], actor=world.cast.hq_warehouse)


def test_a_dispatch_list_sends_what_waits_planned_or_picked(world):
    planned, picked, fresh = place(world, 3, 2), place(world, 1), place(world, 0, 0, 4)
    drain()
    start_pick(picked.pk, actor=world.cast.hq_warehouse)
    done = send(world, planned, picked, fresh, carrier="SF", tracking="SF1")
    assert sorted(done.sent) == [planned.pk, picked.pk, fresh.pk]
    assert done.refused == {}
    assert set(Shipment.unscoped.values_list("state", "carrier", "tracking")) == {("shipped", "SF", "SF1")}
    assert set(Order.unscoped.values_list("status", "fulfilment")) == {("in_fulfilment", "shipped")}
    assert base.Event.unscoped.filter(name="fulfilment.ShipmentDispatched").count() == 3
    assert_sound()


def test_an_order_with_half_of_it_picked_leaves_in_two_shipments(world):
    order = place(world, 4, 2)
    first = order.lines.order_by("no").first()
    start_pick(order.pk, {first.pk: D(4)}, actor=world.cast.hq_warehouse)
    assert len(send(world, order).sent[order.pk]) == 2
    assert Order.unscoped.get().fulfilment == "shipped"
    assert_sound()


def test_what_cannot_leave_is_told_and_the_rest_leaves(world):
    good, gone = place(world, 1), place(world, 2)
    send(world, gone)
    done = send(world, good, gone)
    assert sorted(done.sent) == [good.pk]
    assert [f.code for f in done.refused[gone.pk]] == ["fulfilment.nothing_to_ship"]
    late = place(world, 1)
    freeze(world.account.pk, "dispute", actor=system_actor())
    assert [f.code for f in send(world, late).refused[late.pk]] == ["funds.frozen"]
    with pytest.raises(Forbidden):
        ship_orders([Leaving(late.pk)], actor=world.cast.dealer_admin)
    with pytest.raises(Invalid, match="fulfilment.too_long"):
        send(world, late, carrier="x" * 81)
    assert_sound()


def test_proofs_of_delivery_receive_and_bill_many_at_once(world):
    orders = [place(world, 3, 2), place(world, 5)]
    sent = send(world, *orders).sent
    (first,), (second,) = (sent[order.pk] for order in orders)
    line = lines(Shipment.unscoped.get(pk=first))[0]
    arriving = [Arriving(first, [Count(line.pk, D(2), damaged=D(1), note="dented")], "signed"), Arriving(second)]
    receipts = confirm_receipts(arriving, actor=world.dealer)
    assert receipts == dict(Receipt.unscoped.values_list("shipment_id", "pk"))
    assert list(Difference.unscoped.values_list("kind", "qty", "amount")) == [("damaged", D(1), D(100))]
    assert on_hand(make_places(world.cast.d001), world.products[0].pk) == 7
    drain()
    assert sorted(Invoice.unscoped.values_list("number", "gross")) == [("INV-LH-000001", D(400)), ("INV-LH-000002", D(500))]
    assert set(Order.unscoped.values_list("status", "billing")) == {("delivered", "full")}
    assert_sound()


def test_receipts_of_others_and_twice_the_same_order_are_refused(world):
    order = place(world, 3)
    (shipment,) = send(world, order).sent[order.pk]
    with pytest.raises(Forbidden):
        confirm_receipts([Arriving(shipment)], actor=world.cast.hq_admin)
    with pytest.raises(NotFound):
        confirm_receipts([Arriving(10**9)], actor=world.dealer)
    with pytest.raises(Invalid, match="fulfilment.twice"):
        confirm_receipts([Arriving(shipment), Arriving(shipment)], actor=world.dealer)
    with pytest.raises(Invalid, match="fulfilment.too_long"):
        confirm_receipts([Arriving(shipment, note="x" * 501)], actor=world.dealer)
    assert confirm_receipts([], actor=world.dealer) == {}


def test_ten_take_as_many_statements_as_two(world):
    def cost(count):
        orders = [place(world, 1, 1) for _n in range(count)]
        drain()
        with CaptureQueriesContext(connection) as shipping:
            sent = send(world, *orders).sent
        with CaptureQueriesContext(connection) as receiving:
            confirm_receipts([Arriving(shipment) for shipments in sent.values() for shipment in shipments], actor=world.dealer)
        return len(shipping), len(receiving)

    cost(1)
    assert cost(2) == cost(10)
