"""A head office pays a month of two outlets with one payment: announced, confirmed as a whole, both orders closed, both books even; also on prepaid terms."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.funds.queries import unscoped_card
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound, make_world
from qudao.payments.actions import PoolFacts, announce_pool, confirm_pool, record_pool
from qudao.payments.tests.branches import deliver, outlets

pytestmark = pytest.mark.django_db


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
