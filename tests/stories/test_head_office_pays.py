"""A head office pays a month of two outlets with one payment: announced, confirmed as a whole, both orders closed, both books even; also on prepaid terms."""

from __future__ import annotations

from decimal import Decimal as D
from uuid import uuid4

import pytest

from qudao.agreements.tests.make import make_agreement
from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import make_places
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.network.tests.make import make_org
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_credit, make_world
from qudao.payments.actions import PoolFacts, announce_pool, confirm_pool, record_pool, set_payer
from qudao.people.tests.make import actor_of, make_member

pytestmark = pytest.mark.django_db


def outlets(world, **terms):
    """Two outlets of D001 that buy from LH itself; D001 pays."""
    cast = world.cast
    s002 = make_org("dealer", "S002", cast.d001, name="湖畔家电滨江店", name_en="Lakeside Binjiang")
    buyers = {cast.s001: cast.sub_dealer, s002: actor_of(make_member("s002@example.com", s002, "shop_owner"))}
    agreements = {}
    for org in buyers:
        agreements[org] = make_agreement(cast.lh, org, **terms)
        make_places(org)
        make_credit(agreements[org], D(0) if terms.get("prepaid") else D(5000))
        set_payer(agreements[org].pk, cast.d001.pk, actor=cast.hq_finance)
    return buyers, agreements


def deliver(world, org, buyer, qty):
    order = place_order(Placing(world.cast.lh.pk, org.pk, [NewLine(world.products[0].pk, D(qty))]), actor=buyer, client_id=uuid4())
    drain()
    confirm_receipt(ship_order(order.pk, carrier="SF", tracking="1", actor=world.cast.hq_warehouse).pk, actor=buyer)
    drain()


def test_two_outlets_are_paid_by_one_payment_of_their_head_office():
    world = make_world()
    buyers, agreements = outlets(world, payment_days=30)
    for org, buyer in buyers.items():
        deliver(world, org, buyer, 2)
    cast = world.cast
    pool = announce_pool(PoolFacts(cast.lh.pk, cast.d001.pk, D(450), "October"), actor=cast.dealer_admin)
    confirm_pool(pool.pk, actor=cast.hq_finance)
    drain()
    assert set(Invoice.unscoped.values_list("state", flat=True)) == {"paid"} and set(Order.unscoped.values_list("status", flat=True)) == {"closed"}
    left = []
    for org, agreement in agreements.items():
        assert unscoped_balance(cast.lh.pk, Account.RECEIVABLE, org.pk) == unscoped_balance(org.pk, Account.PAYABLE, cast.lh.pk) == 0
        left.append(unscoped_card(agreement.pk).position.unapplied)
    assert left == [D(50), D(0)]
    assert_sound()


def test_on_prepaid_terms_the_part_of_each_branch_is_its_balance():
    world = make_world()
    buyers, agreements = outlets(world, prepaid=True, payment_days=0)
    cast = world.cast
    for org in buyers:
        record_pool(PoolFacts(cast.lh.pk, cast.d001.pk, D(300), rest_buyer_id=org.pk), actor=cast.hq_finance)
    for org, buyer in buyers.items():
        deliver(world, org, buyer, 2)
    assert set(Invoice.unscoped.values_list("state", flat=True)) == {"paid"}
    assert [unscoped_card(one.pk).position.unapplied for one in agreements.values()] == [D(100), D(100)]
    assert_sound()
