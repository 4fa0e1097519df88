"""Product lines with limits of their own: an order passes the account and each of its lines, and what uses a line is freed to the cent by what ends it."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices
from qudao.catalog.models import Product
from qudao.catalog.tests.make import make_category
from qudao.fulfilment.tests.make import received
from qudao.funds.actions import set_line_limits
from qudao.funds.queries import unscoped_card, unscoped_lines
from qudao.kernel.errors import Refused
from qudao.orders.actions import Amendment, amend_order, cancel_order, place_orders
from qudao.orders.tests.make import assert_sound, make_world, place, placing
from qudao.payments.actions import PaymentFacts, apply_payment, issue_credit, record_payment
from qudao.payments.rules import CreditAsk

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """P1 and P2 are refrigerators of a line with 1,000.00, P2 of one below it with 300.00; P3 belongs to no line with a limit."""
    found = make_world(limit=D(5000))
    cold = make_category(found.cast.lh, "COLD")
    small = make_category(found.cast.lh, "SMALL", cold)
    for product, category in zip(found.products, (cold, small, make_category(found.cast.lh, "TV")), strict=True):
        Product.unscoped.filter(pk=product.pk).update(category=category)
    set_line_limits(found.account.pk, {cold.pk: D(1000), small.pk: D(300)}, "new line", actor=found.cast.hq_finance)
    return found


def used(world):
    return [line.used for line in unscoped_lines(unscoped_card(world.agreement.pk))]


def refused(call):
    with pytest.raises(Refused) as refusal:
        call()
    return [(fault.code, fault.params.get("line", "").split(" ")[0], fault.params.get("short")) for fault in refusal.value.faults]


def status(order):
    order.refresh_from_db()
    return order.status


def test_an_order_must_pass_the_account_and_each_line(world):
    place(world, 7, 3, 30)
    assert used(world) == [D(1000), D(300)]
    assert refused(lambda: place(world, 1)) == [("funds.line_limit", "COLD", D(100))]
    assert refused(lambda: place(world, 0, 1)) == [("funds.line_limit", "COLD", D(100)), ("funds.line_limit", "SMALL", D(100))]
    assert refused(lambda: place(world, 1, 0, 20)) == [("funds.limit", "", D(1100)), ("funds.line_limit", "COLD", D(100))]
    place(world, 0, 0, 10)
    assert used(world) == [D(1000), D(300)], "what belongs to no line uses none"
    assert_sound()


def test_a_line_is_freed_to_the_cent_by_whatever_ends_its_use(world):
    order = place(world, 6, 2)
    other = place(world, 1)
    assert used(world) == [D(900), D(200)]
    cancel_order(other.pk, reason="changed plans", actor=world.dealer)
    amend_order(order.pk, Amendment({order.lines.get(no=2).pk: D(1)}), actor=world.dealer)
    assert used(world) == [D(700), D(100)]
    received(world, order)
    assert used(world) == [D(700), D(100)], "shipped and received goods use what they used"
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    assert used(world) == [D(700), D(100)], "and so does their invoice"
    issue_credit(invoice.pk, [CreditAsk(invoice.lines.get(no=2).pk, D(1))], "returned", actor=world.cast.hq_finance)
    assert used(world) == [D(600), D(0)]
    record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D("0.01")), actor=world.cast.hq_finance)
    assert used(world) == [D("599.99"), D(0)]
    unapplied = record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D("599.99")), (), actor=world.cast.hq_finance)
    assert used(world) == [D("599.99"), D(0)], "money that is not applied yet belongs to no line"
    apply_payment(unapplied.pk, actor=world.cast.hq_finance)
    assert used(world) == [D(0), D(0)]
    drain()
    assert_sound()


def test_an_order_that_waits_for_its_line_goes_on_by_itself(world):
    order = place(world, 8)
    waiting = place(world, 3, may_wait=True)
    cancel_order(order.pk, reason="changed plans", actor=world.dealer)
    drain()
    assert status(waiting) == "confirmed"
    next_one = place(world, 8, may_wait=True)
    assert status(next_one) == "submitted"
    cold = unscoped_lines(unscoped_card(world.agreement.pk))[0].category_id
    set_line_limits(world.account.pk, {cold: None}, "no limit any more", actor=world.cast.hq_finance)
    drain()
    assert status(next_one) == "confirmed"
    assert_sound()


def test_no_way_round_a_line(world):
    """In halves of one batch, more of a line, as a backorder: nothing gets more than the line has."""
    halves = place_orders([(placing(world, 6), None), (placing(world, 6), None), (placing(world, 4, may_wait=True), None)], actor=world.dealer)
    assert [bool(one.order) for one in halves] == [True, False, True] and halves[1].faults[0].code == "funds.line_limit"
    order = halves[0].order
    assert refused(lambda: amend_order(order.pk, Amendment({order.lines.get().pk: D(7)}), actor=world.dealer)) == [("funds.line_limit", "COLD", D(100))]
    assert refused(lambda: place(world, 200, short="backorder"))[-1] == ("funds.line_limit", "COLD", D(20000))
    assert used(world) == [D(1000), D(0)]
    assert_sound()
