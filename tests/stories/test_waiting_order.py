"""An order waits for credit until a payment, a credit note or a cancellation makes room; every way round the limit ends there too."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices
from qudao.fulfilment.tests.make import received
from qudao.funds.queries import unscoped_card
from qudao.kernel.errors import Refused
from qudao.orders.actions import cancel_order, submit_order, withdraw_order
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.payments.actions import PaymentFacts, issue_credit, record_payment
from qudao.payments.rules import CreditAsk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world(limit=D(1000))


def status(order):
    order.refresh_from_db()
    return order.status


def pay(world, amount):
    record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(amount)), actor=world.cast.hq_finance)
    drain()


def owing(world):
    """Eight pieces received and invoiced: 800.00 of the 1,000.00 are in use."""
    order = place(world, 8)
    received(world, order)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    drain()
    return invoice


def test_a_payment_releases_what_waits(world):
    owing(world)
    waiting = place(world, 5, may_wait=True)
    assert status(waiting) == "submitted"
    pay(world, "299.99")
    assert status(waiting) == "submitted", "a cent is missing"
    pay(world, "0.01")
    assert status(waiting) == "confirmed" and unscoped_card(world.agreement.pk).position.exposure == D(1000)
    assert_sound()


def test_a_credit_note_and_a_cancellation_release_it_too(world):
    invoice = owing(world)
    first = place(world, 0, 5, may_wait=True)
    issue_credit(invoice.pk, [CreditAsk(invoice.lines.get().pk, D(3))], "returned", actor=world.cast.hq_finance)
    drain()
    assert status(first) == "confirmed"
    second = place(world, 0, 0, 2, may_wait=True)
    assert status(second) == "submitted"
    cancel_order(first.pk, reason="changed plans", actor=world.dealer)
    drain()
    assert status(second) == "confirmed"
    assert_sound()


def test_money_paid_ahead_is_credit(world):
    """A buyer without any limit pays first: what is not applied yet is what may be ordered."""
    waiting = place(world, 15, may_wait=True)
    pay(world, "500.00")
    assert status(waiting) == "confirmed" and unscoped_card(world.agreement.pk).position.exposure == D(1000)
    assert_sound()


def test_no_way_round_the_limit(world):
    """Taken back and submitted again, placed once more beside, in two halves: nothing gets more than the limit."""
    waiting = place(world, 15, may_wait=True)
    withdraw_order(waiting.pk, actor=world.dealer)
    with pytest.raises(Refused) as refusal:
        submit_order(waiting.pk, actor=world.dealer)
    assert [f.code for f in refusal.value.faults] == ["funds.limit"]
    halves = [place(world, 8, may_wait=True), place(world, 7, may_wait=True)]
    assert [status(order) for order in halves] == ["confirmed", "submitted"]
    drain()
    assert unscoped_card(world.agreement.pk).position.exposure == D(800)
    assert_sound()
