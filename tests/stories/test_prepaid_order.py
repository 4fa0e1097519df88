"""A buyer on prepaid terms: pays in, orders within it, is invoiced and paid by himself, and gets back what is not delivered."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.fulfilment.tests.make import received, shipped
from qudao.funds.queries import unscoped_card
from qudao.kernel.errors import Refused
from qudao.orders.actions import Amendment, amend_order, cancel_order, close_order_short, submit_order, withdraw_order
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.payments.actions import PaymentFacts, apply_balances, apply_payment, issue_credit, record_payment
from qudao.payments.models import Application, Payment
from qudao.payments.rules import CreditAsk
from qudao.payments.states import How

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world(limit=D(0), prepaid=True)


def pay_in(world, amount):
    made = record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(amount)), actor=world.cast.hq_finance)
    drain()
    return made


def money(world):
    """Balance, what is frozen of it, what is free."""
    position = unscoped_card(world.agreement.pk).position
    return position.unapplied, position.frozen_funds, position.unapplied - position.frozen_funds


def status(order):
    order.refresh_from_db()
    return order.status


def test_an_order_cancelled_half_shipped():
    """1,000.00 paid in; of ten pieces the four that are there are delivered and paid by themselves, the rest is given up and free again."""
    world = make_world([4, 0, 0], limit=D(0), prepaid=True)
    pay_in(world, 1000)
    order = place(world, 10, short="backorder")
    assert (status(order), money(world)) == ("confirmed", (D(1000), D(1000), D(0)))
    received(world, order)
    drain()
    invoice = Application.unscoped.get().invoice
    assert (invoice.state, invoice.paid, invoice.due_on) == ("paid", D(400), invoice.date)
    assert [(a.payment.number, a.amount, a.how) for a in Application.unscoped.select_related("payment")] == [("RC-D001-00001", D(400), How.BALANCE)]
    assert money(world) == (D(600), D(600), D(0))
    close_order_short(order.pk, reason="no longer needed", actor=world.cast.hq_admin)
    drain()
    assert (status(order), money(world)) == ("closed_short", (D(600), D(0), D(600)))
    assert_sound()


def test_several_payments_and_a_credit_note_pay_one_invoice_the_oldest_first(world):
    pay_in(world, 150)
    received(world, place(world, 1))
    drain()
    invoice = Application.unscoped.get().invoice
    issue_credit(invoice.pk, [CreditAsk(invoice.lines.get().pk, D(1))], "returned", actor=world.cast.hq_finance)
    pay_in(world, 350)
    assert money(world) == (D(500), D(0), D(500))
    received(world, place(world, 0, 5))
    drain()
    assert money(world) == (D(0), D(0), D(0))
    last = Application.unscoped.exclude(invoice=invoice).order_by("id").values_list("payment__method", "amount", "how")
    assert list(last) == [("transfer", D(50), "balance"), ("credit_note", D(100), "balance"), ("transfer", D(350), "balance")]
    assert {p.state for p in Payment.unscoped.all()} == {"applied"}
    assert apply_balances([world.agreement.pk], actor=system_actor()) == []
    assert_sound()


def test_money_releases_what_waits_for_it(world):
    pay_in(world, 300)
    waiting = place(world, 5, may_wait=True)
    assert (status(waiting), money(world)) == ("submitted", (D(300), D(0), D(300)))
    pay_in(world, "199.99")
    assert status(waiting) == "submitted", "a cent is missing"
    pay_in(world, "0.01")
    assert (status(waiting), money(world)) == ("confirmed", (D(500), D(500), D(0)))
    assert_sound()


def test_cancelling_and_taking_back_free_the_money_at_once(world):
    pay_in(world, 1000)
    order = place(world, 6, 4)
    amend_order(order.pk, Amendment({order.lines.get(no=1).pk: D(2)}), actor=world.dealer)
    assert money(world) == (D(1000), D(600), D(400))
    cancel_order(order.pk, reason="changed plans", actor=world.dealer)
    assert money(world) == (D(1000), D(0), D(1000))
    assert_sound()


def test_no_way_round_the_balance(world):
    """Taken back and submitted again, more of a line, a second order beside: nothing passes without money."""
    payment = pay_in(world, 500)
    waiting = place(world, 6, may_wait=True)
    withdraw_order(waiting.pk, actor=world.dealer)
    with pytest.raises(Refused, match=r"funds\.prepaid"):
        submit_order(waiting.pk, actor=world.dealer)
    order = place(world, 0, 5)
    with pytest.raises(Refused, match=r"funds\.prepaid"):
        amend_order(order.pk, Amendment({order.lines.get().pk: D(6)}), actor=world.dealer)
    with pytest.raises(Refused, match=r"funds\.prepaid"):
        place(world, 1)
    with pytest.raises(Refused, match=r"payments\.nothing_to_apply"):
        apply_payment(payment.pk, actor=world.cast.hq_finance)
    shipped(world, order)
    assert money(world) == (D(500), D(500), D(0))
    assert_sound()
