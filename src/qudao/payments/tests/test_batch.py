"""A bank's file: each line pays what those before it left open, all or none, in the statements of one payment."""

from datetime import date
from decimal import Decimal as D

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from qudao.base import models as base
from qudao.billing.actions import issue_all_invoices
from qudao.billing.models import Invoice
from qudao.fulfilment.tests.make import place, received
from qudao.funds.queries import unscoped_card
from qudao.kernel.errors import Forbidden, Invalid, Refused
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound
from qudao.payments.actions import PaymentFacts, Received, record_payments
from qudao.payments.models import Application, Payment

pytestmark = pytest.mark.django_db


def billed(world, *rows):
    """Orders received, and invoiced together."""
    orders = [place(world, *row) for row in rows]
    for order in orders:
        received(world, order)
    return issue_all_invoices([order.pk for order in orders], actor=world.cast.hq_finance)


def line(world, amount, applications=None, **more):
    return Received(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(amount), **more), applications)


def record(world, *lines):
    return record_payments(lines, actor=world.cast.hq_finance)


def test_invoices_of_many_orders_are_numbered_without_a_gap_and_made_once(world):
    made = billed(world, (3,), (0, 2), (1, 1, 1))
    assert [one.number for one in made] == ["INV-LH-000001", "INV-LH-000002", "INV-LH-000003"]
    assert [one.gross for one in made] == [D(300), D(200), D(300)]
    assert issue_all_invoices([one.order_id for one in made], actor=world.cast.hq_finance) == []
    assert base.Event.unscoped.filter(name="billing.InvoiceIssued").count() == 3
    with pytest.raises(Forbidden):
        issue_all_invoices([made[0].order_id], actor=world.cast.dealer_admin)
    assert_sound()


def test_lines_pay_by_name_by_amount_and_the_oldest_and_the_rest_is_kept(world):
    a, b, c = billed(world, (3,), (2,), (5,))
    payments = record(world, line(world, 300, [(a.pk, D(300))]), line(world, 100, reference=f"for {b.number}"), line(world, 700))
    assert [(one.number, one.state, one.applied) for one in payments] == [
        ("RC-D001-00001", "applied", D(300)),
        ("RC-D001-00002", "applied", D(100)),
        ("RC-D001-00003", "partially_applied", D(600)),
    ]
    assert set(Invoice.unscoped.values_list("state", flat=True)) == {"paid"}
    assert set(Order.unscoped.values_list("status", flat=True)) == {"closed"}
    assert list(Application.unscoped.order_by("pk").values_list("invoice_id", "amount", "how")) == [
        (a.pk, D(300), "explicit"),
        (b.pk, D(100), "reference"),
        (b.pk, D(100), "oldest"),
        (c.pk, D(500), "oldest"),
    ]
    position = unscoped_card(world.agreement.pk).position
    assert (position.invoiced, position.unapplied) == (D(0), D(100))
    assert_sound()


def test_one_bad_line_leaves_nothing_behind(world):
    (a,) = billed(world, (3,))
    with pytest.raises(Refused, match="payments.more_than_open"):
        record(world, line(world, 200, [(a.pk, D(200))]), line(world, 200, [(a.pk, D(200))]))
    with pytest.raises(Invalid, match="payments.future"):
        record(world, line(world, 100), line(world, 100, paid_on=date(2999, 1, 1)))
    with pytest.raises(Refused, match="payments.no_agreement"):
        record(world, Received(PaymentFacts(world.cast.lh.pk, world.cast.d002.pk, D(1))))
    with pytest.raises(Forbidden):
        record_payments([line(world, 100)], actor=world.cast.dealer_admin)
    assert not Payment.unscoped.exists()
    assert_sound()


def test_ten_lines_take_as_many_statements_as_two(world):
    def cost(count):
        made = billed(world, *[(1,)] * count)
        with CaptureQueriesContext(connection) as seen:
            record(world, *(line(world, one.gross, [(one.pk, one.gross)]) for one in made))
        return len(seen)

    cost(1)
    assert cost(2) == cost(10)
