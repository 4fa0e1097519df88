"""The figures by day: they follow the orders, whatever the facts' order and number, and are the own organisation's only."""

from datetime import timedelta
from decimal import Decimal as D

import pytest

from qudao.analytics.actions import refresh_days
from qudao.analytics.models import Day
from qudao.analytics.queries import calendar, unscoped_days_of
from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices
from qudao.fulfilment.tests.make import received
from qudao.inventory.tests.make import in_unit
from qudao.kernel import clock
from qudao.orders.actions import cancel_order
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.payments.actions import PaymentFacts, announce_payment, issue_credit, record_payment
from qudao.payments.rules import CreditAsk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def today(actor):
    return calendar(actor, clock.today()).between(clock.today(), clock.today())


def test_an_order_counts_on_its_day_and_no_longer_when_it_is_cancelled(world):
    first, second = place(world, 3), place(world, 1)
    drain()
    span = today(world.cast.hq_clerk)
    assert (span.orders, span.amount, span.straight) == (2, first.gross + second.gross, 2)
    assert span.straight_share == D(1)
    cancel_order(second.pk, reason="not needed", actor=world.dealer)
    drain()
    assert (today(world.cast.hq_clerk).orders, today(world.cast.hq_clerk).amount) == (1, first.gross)
    assert_sound()


def test_a_dispatch_counts_once_with_the_hours_it_took(world):
    order = place(world, 2)
    with clock.freeze(order.placed_at + timedelta(hours=6)):
        received(world, order)
        drain()
    span = today(world.cast.hq_clerk)
    assert span.shipped == 1
    assert span.ship_hours == D(6)
    assert_sound()


def test_counting_again_changes_nothing_and_takes_three_statements(world, django_assert_num_queries):
    order = place(world, 2)
    drain()
    before = list(Day.unscoped.values())
    keys = unscoped_days_of([order.pk, order.pk])
    assert keys == [(order.seller_id, order.ordered_on)]
    with django_assert_num_queries(5):  # BEGIN, three, COMMIT
        in_unit(refresh_days, keys)
    assert list(Day.unscoped.values()) == before
    assert in_unit(refresh_days, []) == 0


def test_nobody_reads_the_figures_of_another_organisation(world):
    place(world, 2)
    drain()
    assert today(world.dealer).orders == 0
    assert calendar(world.dealer, clock.today()).days == {}


def test_months_and_weeks_sum_to_the_days(world):
    order = place(world, 2)
    drain()
    found = calendar(world.cast.hq_clerk, clock.today() - timedelta(days=400))
    months, weeks = found.months(clock.today()), found.weeks(clock.today())
    assert len(months) == 13
    assert len(weeks) == 13
    assert months[-1][1].amount == weeks[-1].amount == order.gross
    assert sum(span.orders for _month, span in months) == 1


def test_money_counts_on_the_day_it_was_paid(world):
    order = place(world, 2)
    received(world, order)
    drain()
    facts = PaymentFacts(order.seller_id, order.buyer_id, D("150.00"))
    record_payment(facts, actor=world.cast.hq_finance)
    announce_payment(facts, actor=world.dealer)  # only said, not yet here
    drain()
    assert today(world.cast.hq_finance).collected == D("150.00")
    assert_sound()


def test_a_credit_note_is_no_money_collected(world):
    order = place(world, 2)
    received(world, order)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    issue_credit(invoice.pk, [CreditAsk(invoice.lines.get().pk, D(1))], "missing", actor=world.cast.hq_finance)
    record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D("50.00")), actor=world.cast.hq_finance)
    drain()
    assert today(world.cast.hq_finance).collected == D("50.00")
    assert_sound()
