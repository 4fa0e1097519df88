"""Each check of goods, invoices and payments finds the fault it is for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import connection, transaction

from qudao.base.invariants import offending
from qudao.billing import invariants as billing
from qudao.billing.actions import issue_invoices
from qudao.fulfilment import invariants as fulfilment
from qudao.fulfilment.actions import dispatch_shipment, pack_rest, start_pick
from qudao.fulfilment.tests.make import place, received, shipped
from qudao.inventory.actions import OpeningLine, receive_opening, track_product
from qudao.kernel import clock
from qudao.orders.tests.make import assert_sound
from qudao.payments import invariants as payments
from qudao.payments.actions import PaymentFacts, record_payment

pytestmark = pytest.mark.django_db

CHECKS = [*fulfilment.CHECKS, *billing.CHECKS, *payments.CHECKS]


@pytest.fixture
def busy(world):
    """Orders being picked, in parcels by lot, on the way, invoiced, paid in part and settled, one of them with a difference."""
    packer, product = world.cast.hq_warehouse, world.products[2]
    track_product(product.pk, actor=world.cast.hq_admin)
    receive_opening(world.shelf.main, [OpeningLine(product.pk, D(5), "A1", clock.today() + timedelta(days=90))], "opening", actor=packer)
    packed = start_pick(place(world, 0, 0, 2).pk, actor=packer)
    pack_rest(packed.pk, actor=packer)
    dispatch_shipment(packed.pk, actor=packer)
    start_pick(place(world, 1).pk, actor=world.cast.hq_warehouse)
    shipped(world, place(world, 1))
    for _ in range(2):
        order = place(world, 5)
        received(world, order, 1)
        issue_invoices(order.pk, actor=world.cast.hq_finance)
    order = place(world, 3)
    received(world, order)
    issue_invoices(order.pk, actor=world.cast.hq_finance)
    for amount in (D(300), D(50)):
        record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, amount), actor=world.cast.hq_finance)
    return world


def test_every_check_finds_its_planted_fault(busy):
    assert_sound()
    missed = []
    for check in CHECKS:
        assert check.plant, f"{check.name} plants nothing"
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(check.plant)
            if not offending(check)[0]:
                missed.append(check.name)
            transaction.set_rollback(True)
    assert missed == []
    assert_sound()
