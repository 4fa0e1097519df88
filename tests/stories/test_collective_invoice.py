"""A month of a dealer on one invoice: three orders received, one paper, paid by its number, a part of it credited, on account and on prepaid terms."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest

from qudao.base.outbox import drain
from qudao.billing.actions import issue_collective, set_cycle
from qudao.billing.jobs import collect
from qudao.billing.models import Collective, Invoice
from qudao.fulfilment.tests.make import received
from qudao.funds.queries import unscoped_card
from qudao.kernel import clock
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.payments.actions import PaymentFacts, close_short, issue_credit, record_payment
from qudao.payments.models import Application
from qudao.payments.rules import CreditAsk
from qudao.payments.states import How

pytestmark = pytest.mark.django_db


def monthly(world):
    set_cycle(world.agreement.pk, "month", 25, actor=world.cast.hq_finance)


def month(world, *orders):
    """Orders placed and received; nothing is invoiced yet."""
    made = [place(world, *quantities) for quantities in orders]
    for order in made:
        received(world, order)
    drain()
    assert not Invoice.unscoped.exists()
    return made


def parts():
    return [(one.number.rpartition("/")[2], one.gross, one.paid, one.state) for one in Invoice.unscoped.order_by("id")]


def test_it_is_issued_on_its_day_paid_by_its_number_and_closes_every_order():
    world = make_world()
    monthly(world)
    orders = month(world, (1,), (2,), (0, 3))
    with clock.freeze(clock.now() + timedelta(days=32)):
        collect(0)
        drain()
        whole = Collective.unscoped.get()
        assert (whole.gross, whole.part_count, whole.due_on) == (D(600), 3, clock.today() + timedelta(days=30))
        # what comes in over it is applied to its parts, the first ones first, though another invoice is due as well
        other = place(world, 4)
        received(world, other)
        record_payment(PaymentFacts(whole.seller_id, whole.buyer_id, D(250), whole.number), actor=world.cast.hq_finance)
        drain()
        assert parts() == [("1", D(100), D(100), "paid"), ("2", D(200), D(150), "partially_paid"), ("3", D(300), D(0), "issued")]
        issue_credit(Invoice.unscoped.get(number=f"{whole.number}/3").pk, [CreditAsk(_line(whole, 3), D(1))], "missing", actor=world.cast.hq_finance)
        drain()
        record_payment(PaymentFacts(whole.seller_id, whole.buyer_id, D("249.50"), f"{whole.number}/2, {whole.number}/3"), actor=world.cast.hq_finance)
        drain()
        assert parts()[1:] == [("2", D(200), D(200), "paid"), ("3", D(300), D("299.50"), "partially_paid")]
        assert_sound()
        close_short(Invoice.unscoped.get(number=f"{whole.number}/3").pk, actor=world.cast.hq_finance)
        drain()
        for order in orders:
            order.refresh_from_db()
            assert (order.status, order.billing, order.payment) == ("closed", "full", "paid")
        assert unscoped_balance(whole.seller_id, Account.RECEIVABLE, whole.buyer_id) == unscoped_balance(whole.buyer_id, Account.PAYABLE, whole.seller_id) == 0
        position = unscoped_card(world.agreement.pk).position
        assert (position.shipped, position.invoiced) == (D(400), D(0))
        issue_collective(world.agreement.pk, actor=world.cast.hq_finance)  # the other one, before its day
    assert_sound()


def _line(whole, part):
    return Invoice.unscoped.get(number=f"{whole.number}/{part}").lines.get().pk


def test_on_prepaid_terms_each_part_is_paid_from_what_was_frozen_for_its_order():
    world = make_world(limit=D(0), prepaid=True)
    monthly(world)
    record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(1000)), actor=world.cast.hq_finance)
    drain()
    month(world, (2,), (3,))
    assert unscoped_card(world.agreement.pk).position.frozen_funds == D(500)
    whole = issue_collective(world.agreement.pk, actor=world.cast.hq_finance)
    drain()
    assert whole.due_on == whole.date and [one[3] for one in parts()] == ["paid", "paid"]
    assert set(Application.unscoped.values_list("how", flat=True)) == {How.BALANCE}
    position = unscoped_card(world.agreement.pk).position
    assert (position.unapplied, position.frozen_funds) == (D(500), D(0))
    assert_sound()
