"""A new agreement opens no new limit: all agreements of the same two in a currency use one account (decision 0013)."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qudao.agreements.actions import activate_agreement, authorise, end_agreement, suspend_agreement
from qudao.agreements.rules import Grant
from qudao.agreements.tests.make import draft, make_agreement
from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.catalog.models import Product
from qudao.catalog.tests.make import make_category
from qudao.fulfilment.tests.make import received
from qudao.funds.actions import LimitTerms, set_limit, set_line_limits
from qudao.funds.models import Account, Entry
from qudao.funds.queries import unscoped_accounts_of, unscoped_card, unscoped_lines
from qudao.kernel.errors import Refused
from qudao.orders import actions
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound, make_credit, make_world, place, renewed
from qudao.payments.actions import PaymentFacts, record_payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world(limit=D(1000))  # ten pieces


def beyond(call):
    with pytest.raises(Refused, match=r"funds\.limit"):
        call()


def waiting(world, *quantities):
    return place(world, *quantities, may_wait=True)


def status(order):
    return Order.unscoped.get(pk=order.pk).status


def test_what_is_open_under_the_old_agreement_counts_under_the_new_one(world):
    place(world, 6)
    new = renewed(world)
    assert Account.unscoped.count() == 1 and unscoped_card(new.agreement.pk).available == D(400)
    beyond(lambda: place(new, 5))
    place(new, 4)
    beyond(lambda: place(new, 0, 1))
    again = renewed(new)
    beyond(lambda: place(again, 0, 1))
    assert unscoped_card(world.agreement.pk) == unscoped_card(again.agreement.pk)
    assert not [one for one in Entry.unscoped.filter(kind="hold") if one.exposure > one.limit_amount]
    assert_sound()


def test_agreements_that_follow_each_other_or_rest_beside_each_other_share_it(world):
    """One is suspended while another is in force, a draft waits, a third begins later: there is one limit."""
    place(world, 6)
    suspend_agreement(world.agreement.pk, "renegotiated", actor=system_actor())
    second = make_agreement(world.cast.lh, world.cast.d001, code="A-2", payment_days=60)
    third = draft(world.cast.lh, world.cast.d001, code="A-3")
    authorise(third.pk, Grant(third.valid_from), actor=system_actor())
    drain()
    beyond(lambda: place(world, 5))
    order = place(world, 4)
    assert order.agreement_id == second.pk
    end_agreement(second.pk, "back to the old terms", actor=system_actor())
    activate_agreement(world.agreement.pk, actor=system_actor())
    drain()
    beyond(lambda: place(world, 0, 1))
    end_agreement(world.agreement.pk, "and to other ones", actor=system_actor())
    activate_agreement(third.pk, actor=system_actor())
    drain()
    beyond(lambda: place(world, 0, 1))
    assert set(unscoped_accounts_of([world.agreement.pk, second.pk, third.pk]).values()) == {world.account.pk}
    assert_sound()


def test_money_for_the_old_agreement_frees_credit_for_what_waits_under_the_new_one(world):
    order = place(world, 10)
    received(world, order)
    drain()
    new = renewed(world)
    first, second = waiting(new, 0, 6), waiting(new, 0, 3)
    assert [status(first), status(second)] == ["submitted", "submitted"]
    invoice = Invoice.unscoped.get()
    record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(700)), actor=world.cast.hq_finance)
    drain()
    assert [status(first), status(second)] == ["confirmed", "submitted"], "300.00 of the old invoice are open, 600.00 are ordered: 100.00 are free"
    record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(300)), actor=world.cast.hq_finance)
    drain()
    invoice.refresh_from_db()
    assert invoice.state == "paid" and status(second) == "confirmed"
    assert_sound()


def test_orders_that_wait_under_two_agreements_get_credit_by_age(world):
    used = place(world, 10)
    old = waiting(world, 0, 8)
    new = renewed(world)
    late = waiting(new, 0, 4)
    assert [status(old), status(late)] == ["submitted", "submitted"]
    actions.cancel_order(used.pk, reason="changed plans", actor=world.dealer)
    drain()
    assert [status(old), status(late)] == ["confirmed", "submitted"], "the older one first; both together would be beyond the limit"
    set_limit(world.account.pk, LimitTerms(D(1200)), "more", actor=world.cast.hq_finance)
    drain()
    assert status(late) == "confirmed" and unscoped_card(new.agreement.pk).exposure == D(1200)
    assert_sound()


def test_the_limit_of_a_product_line_counts_all_agreements(world):
    cold = make_category(world.cast.lh, "COLD")
    Product.unscoped.filter(pk=world.products[0].pk).update(category=cold)
    set_line_limits(world.account.pk, {cold.pk: D(500)}, "cold goods", actor=world.cast.hq_finance)
    order = place(world, 3)
    received(world, order)
    drain()
    new = renewed(world)
    with pytest.raises(Refused, match=r"funds\.line_limit"):
        place(new, 3)
    place(new, 2)
    place(new, 0, 5)
    assert unscoped_lines(unscoped_card(new.agreement.pk))[0].used == D(500)
    assert_sound()


def test_money_paid_ahead_under_the_old_agreement_pays_what_is_invoiced_under_the_new_one():
    world = make_world(limit=D(0), prepaid=True)
    record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(1000)), actor=world.cast.hq_finance)
    received(world, place(world, 4))
    new = renewed(world)
    with pytest.raises(Refused, match=r"funds\.prepaid"):
        place(new, 7)
    received(world, place(new, 6))
    drain()
    assert [i.state for i in Invoice.unscoped.all()] == ["paid", "paid"]
    assert unscoped_card(new.agreement.pk).position.unapplied == 0
    assert_sound()


def test_terms_that_do_not_mix_and_other_currencies_are_accounts_of_their_own(world):
    """Credit, prepaid, credit again: what was open under credit counts again, and money paid ahead was no limit meanwhile."""
    place(world, 8)
    ahead = renewed(world, prepaid=True, payment_days=0)
    with pytest.raises(Refused, match=r"funds\.prepaid"):
        place(ahead, 1)
    dollars = renewed(ahead, prepaid=False, currency="USD", payment_days=30)
    assert unscoped_card(dollars.agreement.pk).limit == 0
    back = renewed(dollars, currency="CNY")
    beyond(lambda: place(back, 3))
    place(back, 2)
    assert sorted(Account.unscoped.values_list("currency", "prepaid", "limit_amount")) == [("CNY", False, D(1000)), ("CNY", True, D(0)), ("USD", False, D(0))]
    assert make_credit(world.agreement, D(900)).pk == world.account.pk
    assert_sound()
