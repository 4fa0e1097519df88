"""Several packers at one shipment: nothing is packed twice, no number is given twice, and a shipment leaves with exactly what is in its parcels."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from functools import partial
from uuid import uuid4

import pytest

from qudao.base.access import system_actor
from qudao.fulfilment import actions
from qudao.fulfilment.models import Difference, Package, PackageLine, Receipt, ReceiptLine, Shipment
from qudao.fulfilment.rules import Count
from qudao.fulfilment.tests.make import counts, lines
from qudao.inventory.models import Move
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.orders.tests.make import assert_sound, make_world, place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def codes(found):
    return sorted(one.faults[0].code for one in found if isinstance(one, Refused))


def picked(world, *quantities):
    return actions.start_pick(place(world, *quantities).pk, actor=world.cast.hq_warehouse)


def test_ten_packers_put_in_what_there_is_and_no_more(race):
    world = make_world()
    shipment = picked(world, 7)
    (line,) = lines(shipment)
    found = race([lambda: actions.pack_lines(shipment.pk, {line.pk: D(2)}, actor=world.cast.hq_warehouse, client_id=uuid4()) for _x in range(10)])
    assert codes(found) == ["fulfilment.more_than_left"] * 7
    assert sum(PackageLine.unscoped.values_list("qty", flat=True)) == D(6)
    assert Package.unscoped.values("sscc").distinct().count() == Package.unscoped.count() == 3
    assert sorted(Package.unscoped.values_list("no", flat=True)) == [1, 2, 3]
    assert_sound()


def test_two_who_pack_the_rest_at_once_pack_it_once(race):
    world = make_world()
    shipment = picked(world, 5, 3)
    found = race([lambda: actions.pack_rest(shipment.pk, actor=world.cast.hq_warehouse, client_id=uuid4()) for _x in range(4)])
    assert codes(found) == ["fulfilment.nothing_to_pack"] * 3 and Package.unscoped.count() == 1
    assert_sound()


def test_packers_of_many_shipments_share_one_series_without_a_number_twice(race):
    world = make_world()
    shipments = [picked(world, 4) for _x in range(6)]
    race([lambda one=one: actions.pack_rest(one.pk, per=D(1), actor=world.cast.hq_warehouse, client_id=uuid4()) for one in shipments])
    assert Package.unscoped.values("sscc").distinct().count() == Package.unscoped.count() == 24
    assert_sound()


def test_packing_and_unpacking_while_it_leaves_ends_in_what_is_inside_having_left(race):
    world = make_world()
    shipment = picked(world, 6)
    (line,) = lines(shipment)
    packer = world.cast.hq_warehouse
    actions.pack_lines(shipment.pk, {line.pk: D(4)}, actor=packer)
    package = Package.unscoped.get()
    race(
        [
            lambda: actions.dispatch_shipment(shipment.pk, lines={line.pk: D(4)}, actor=packer, client_id=uuid4()),
            lambda: actions.pack_rest(shipment.pk, actor=packer, client_id=uuid4()),
            lambda: actions.remove_package(package.pk, actor=packer, client_id=uuid4()),
            lambda: actions.change_package(package.pk, {line.pk: D(2)}, "carton", actor=packer, client_id=uuid4()),
        ]
    )
    shipment = Shipment.unscoped.get(pk=shipment.pk)
    inside = sum(PackageLine.unscoped.filter(package__shipment=shipment).values_list("qty", flat=True), D(0))
    left = sum(Move.unscoped.filter(subject_kind="fulfilment.shipment", subject_id=shipment.pk).values_list("qty", flat=True), D(0))
    assert left == ((inside or D(4)) if shipment.state == "shipped" else 0), (shipment.state, inside, left)
    assert_sound()


def test_the_night_and_the_buyer_count_a_shipment_once(race):
    world = make_world()
    shipment = actions.ship_order(place(world, 5).pk, actor=world.cast.hq_warehouse)
    days = {"shipped_at": clock.now() - timedelta(days=30), "warned_on": clock.today() - timedelta(days=5)}
    Shipment.unscoped.filter(pk=shipment.pk).update(**days)
    night = partial(actions.watch_receipt, shipment.pk, actor=system_actor())
    found = race([night, partial(actions.confirm_receipt, shipment.pk, counts(shipment, (1,)), actor=world.dealer), night])
    assert codes(found) in ([], ["fulfilment.illegal"])
    receipt = Receipt.unscoped.get()
    assert receipt.automatic is bool(codes(found)) and Difference.unscoped.count() == (0 if receipt.automatic else 1)
    assert_sound()


def test_two_who_receive_a_part_at_once_take_no_more_than_is_under_way(race):
    world = make_world()
    shipment = actions.ship_order(place(world, 10).pk, actor=world.cast.hq_warehouse)
    (line,) = lines(shipment)
    part = actions.Part([Count(line.pk, D(4))])
    found = race([lambda: actions.receive_part(shipment.pk, part, actor=world.dealer, client_id=uuid4()) for _x in range(4)])
    assert sorted(one.faults[0].code for one in found if isinstance(one, Invalid)) == ["fulfilment.more_than_under_way"] * 2
    assert sum(ReceiptLine.unscoped.values_list("received", flat=True)) == D(8) and Shipment.unscoped.get().state == "partly"
    assert_sound()


def test_a_part_the_last_one_and_the_end_at_once_count_everything_once(race):
    world = make_world()
    shipment = actions.ship_order(place(world, 10).pk, actor=world.cast.hq_warehouse)
    (line,) = lines(shipment)
    part = actions.Part([Count(line.pk, D(6))])
    same = uuid4()  # the second of these is a retry of the first
    race(
        [
            partial(actions.receive_part, shipment.pk, part, actor=world.dealer, client_id=same),
            partial(actions.receive_part, shipment.pk, part, actor=world.dealer, client_id=same),
            partial(actions.confirm_receipt, shipment.pk, actor=world.dealer, client_id=uuid4()),
            partial(actions.end_receipt, shipment.pk, actor=world.dealer, client_id=uuid4()),
        ]
    )
    counted = ReceiptLine.unscoped.values_list("received", "short")
    assert sum((a + b for a, b in counted), D(0)) == 10 and Shipment.unscoped.get().state == "received"
    assert Receipt.unscoped.filter(partial=False).count() == 1
    assert_sound()
