"""An outside customer in which nobody works: its seller enters the order, ships, writes down what arrived, invoices and books the money."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D

import pytest

from qudao.agreements.tests.make import make_agreement
from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.network.tests.make import make_org
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound, make_credit, make_world, placing
from qudao.payments.actions import PaymentFacts, record_payment

pytestmark = pytest.mark.django_db


def test_an_outside_customer_is_served_to_the_end():
    world = make_world()
    cast = world.cast
    customer = make_org("customer", "C001", cast.lh)
    make_credit(make_agreement(cast.lh, customer, payment_days=30, invoice_on="receipt"), D(10_000))
    drain()
    order = place_order(replace(placing(world, 2, 1), buyer_id=customer.pk), actor=cast.hq_clerk)
    shipment = ship_order(order.pk, actor=cast.hq_warehouse)
    confirm_receipt(shipment.pk, actor=cast.hq_warehouse)
    drain()
    (invoice,) = Invoice.unscoped.filter(order=order)
    assert invoice.gross == order.gross
    record_payment(PaymentFacts(cast.lh.pk, customer.pk, order.gross), actor=cast.hq_finance)
    drain()
    assert Order.unscoped.get(pk=order.pk).status == "closed"
    assert_sound()
