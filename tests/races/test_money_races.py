"""Several connections after the same goods and the same invoice: shipped, received, billed and paid once, and numbers without gaps."""

from __future__ import annotations

from decimal import Decimal as D
from functools import partial

import pytest

from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt, plan_shipments, ship_order, start_pick
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.tests.make import place, received, shipped
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import in_unit
from qudao.kernel.errors import Refused
from qudao.orders.tests.make import assert_sound, make_world
from qudao.payments.actions import PaymentFacts, apply_payment, record_payment
from qudao.payments.models import Payment

pytestmark = pytest.mark.race
TIMES = 6


@pytest.fixture
def world(transactional_db):
    return make_world()


def refused(results):
    """The codes of the refusals; anything else that went wrong fails the test."""
    strange = [r for r in results if isinstance(r, Exception) and not isinstance(r, Refused)]
    assert strange == []
    return [r.faults[0].code for r in results if isinstance(r, Refused)]


def test_everything_happens_once_however_often_it_is_asked_for(race, world):
    order, cast = place(world, 3), world.cast
    shipping = race([partial(ship_order, order.pk, actor=cast.hq_warehouse)] * TIMES)
    assert refused(shipping) == ["fulfilment.nothing_to_ship"] * (TIMES - 1)
    shipment = Shipment.unscoped.get()
    receiving = race([partial(confirm_receipt, shipment.pk, actor=cast.dealer)] * TIMES)
    assert refused(receiving) == ["fulfilment.illegal"] * (TIMES - 1)
    billing = race([partial(issue_invoices, order.pk, actor=cast.hq_finance)] * TIMES)
    assert refused(billing) == [] and sum(len(made) for made in billing) == 1
    paying = race([partial(record_payment, PaymentFacts(cast.lh.pk, cast.d001.pk, D(200)), actor=cast.hq_finance)] * TIMES)
    assert refused(paying) == []
    assert Invoice.unscoped.get().paid == 300
    assert sum(p.applied for p in Payment.unscoped.all()) == 300
    position = unscoped_card(world.agreement.pk).position
    assert (position.invoiced, position.unapplied) == (0, D(200 * TIMES - 300))
    assert_sound()


def test_planning_and_picking_at_the_same_time_plan_nothing_twice(race, world):
    order = place(world, 5, 5)
    picking = partial(start_pick, order.pk, actor=world.cast.hq_warehouse)
    refused(race([partial(in_unit, plan_quietly, order.pk), picking, partial(in_unit, plan_quietly, order.pk), picking]))
    assert [s.state for s in Shipment.unscoped.exclude(state="cancelled")] == ["picking"]
    assert_sound()


def plan_quietly(order_id, *, actor):
    from qudao.base.work import current

    current().doing.append(("test.plan", actor))
    return plan_shipments([order_id], actor=actor)


def test_invoices_of_one_seller_have_no_gaps_under_load(race, world):
    orders = [place(world, 1) for _ in range(TIMES)]
    for order in orders:
        received(world, order)
    made = race([partial(issue_invoices, order.pk, actor=world.cast.hq_finance) for order in orders])
    assert refused(made) == []
    assert sorted(x.number for x in Invoice.unscoped.all()) == [f"INV-LH-{n:06d}" for n in range(1, TIMES + 1)]
    assert_sound()


def test_one_advance_is_not_applied_twice(race, world):
    cast = world.cast
    payment = record_payment(PaymentFacts(cast.lh.pk, cast.d001.pk, D(100)), actor=cast.hq_finance)
    for _ in range(2):
        order = place(world, 1)
        received(world, order)
        issue_invoices(order.pk, actor=cast.hq_finance)
    race([partial(apply_payment, payment.pk, actor=cast.hq_finance)] * TIMES)
    payment.refresh_from_db()
    assert (payment.applied, payment.state) == (100, "applied")
    assert sorted(x.paid for x in Invoice.unscoped.all()) == [0, 100]
    assert_sound()


def test_receipts_and_dispatches_of_one_order_do_not_wait_for_each_other_forever(race, world):
    first, second = shipped(world, place(world, 2, 2)), place(world, 2, 2)
    results = race(
        [
            partial(confirm_receipt, first.pk, actor=world.cast.dealer),
            partial(ship_order, second.pk, actor=world.cast.hq_warehouse),
            partial(place, world, 1, 1),
            partial(place, world, 1, 1),
        ]
    )
    assert refused(results) == []
    assert_sound()
