"""Money that is taken from two ends at the same moment: a deposit while its product line is ordered, a credit note while the invoice is paid."""

from __future__ import annotations

from decimal import Decimal as D
from functools import partial
from uuid import uuid4

import pytest

from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.catalog.models import Product
from qudao.catalog.tests.make import make_category
from qudao.fulfilment.tests.make import place, received
from qudao.funds.actions import pay_deposit, set_line_limits
from qudao.funds.models import Account, DepositEntry
from qudao.funds.queries import unscoped_card, unscoped_lines
from qudao.kernel.errors import Conflict, Refused
from qudao.ledger.models import OpenItem
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account as Book
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound, make_world, placing
from qudao.payments.actions import PaymentFacts, deduct_deposit, issue_credit, record_payment
from qudao.payments.models import Application, Payment
from qudao.payments.rules import CreditAsk

pytestmark = pytest.mark.race


@pytest.fixture
def world(transactional_db):
    return make_world(limit=D(5000))


def billed(world, quantity):
    order = place(world, quantity)
    received(world, order)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    drain()
    return invoice


def done(results):
    """What went through; the rest was refused, or asked to look again."""
    strange = [r for r in results if isinstance(r, Exception) and not isinstance(r, Refused | Conflict)]
    assert strange == []
    return [r for r in results if not isinstance(r, Exception)]


def test_a_deposit_pays_a_debt_once_while_the_line_it_frees_is_ordered(race, world):
    """A line of 500 with 300 invoiced: one order of 200 passes at once, another one only when the deposit has paid; the deposit pays once."""
    cold = make_category(world.cast.lh, "COLD")
    Product.unscoped.filter(pk=world.products[0].pk).update(category=cold)
    finance, account = world.cast.hq_finance, world.account.pk
    set_line_limits(account, {cold.pk: D(500)}, "new line", actor=finance)
    pay_deposit(account, D(300), "BANK-1", actor=finance)
    invoice = billed(world, 3)
    drain()
    orders = [partial(place_order, placing(world, 2), actor=world.dealer, client_id=uuid4()) for _ in range(4)]
    debts = [partial(deduct_deposit, account, D(300), "overdue", invoice.pk, actor=finance) for _ in range(3)]
    results = race([*orders, *debts])
    assert len(done(results[4:])) == 1 and 1 <= len(done(results[:4])) <= 2
    assert Invoice.unscoped.get().state == "paid" and Account.unscoped.get(pk=account).deposit_held == 0
    assert [e.amount for e in DepositEntry.unscoped.filter(kind="deducted")] == [D(300)]
    (line,) = unscoped_lines(unscoped_card(world.agreement.pk))
    assert line.used == 200 * Order.unscoped.filter(status="confirmed").exclude(billing="full").count() <= line.limit
    assert_sound()


def test_a_limit_of_a_line_is_cut_while_it_is_ordered(race, world):
    """Whoever is first: what is confirmed was within the limit of its moment, and nothing more comes after the cut."""
    cold = make_category(world.cast.lh, "COLD")
    Product.unscoped.filter(pk=world.products[0].pk).update(category=cold)
    finance, account = world.cast.hq_finance, world.account.pk
    set_line_limits(account, {cold.pk: D(600)}, "new line", actor=finance)
    orders = [partial(place_order, placing(world, 2), actor=world.dealer, client_id=uuid4()) for _ in range(4)]
    results = race(
        [*orders, partial(set_line_limits, account, {cold.pk: D(200)}, "less", actor=finance), *(partial(pay_deposit, account, D(5), "B", actor=finance),) * 2]
    )
    assert not isinstance(results[4], Exception) and len(done(results[5:])) == 2
    assert 1 <= len(done(results[:4])) <= 3 and Account.unscoped.get(pk=account).deposit_held == 10
    with pytest.raises(Refused, match="line_limit"):
        place_order(placing(world, 2), actor=world.dealer, client_id=uuid4())
    assert_sound()


def test_an_invoice_is_credited_and_paid_but_never_beyond_itself(race, world):
    """Two payments of the whole and two credit notes of a third each: together they close it once, and what is too much is left over to the cent."""
    invoice, cast = billed(world, 3), world.cast
    line = invoice.lines.get().pk
    pays = [partial(record_payment, PaymentFacts(cast.lh.pk, cast.d001.pk, D(300)), actor=cast.hq_finance)] * 2
    credits = [partial(issue_credit, invoice.pk, [CreditAsk(line, D(1))], "price", actor=cast.hq_finance)] * 2
    results = race([*pays, *credits])
    assert len(done(results)) == len(results), results
    invoice.refresh_from_db()
    assert (invoice.paid, invoice.state) == (D(300), "paid")
    assert sum(a.amount for a in Application.unscoped.filter(invoice=invoice)) == D(300)
    money = list(Payment.unscoped.all())
    left = sum(p.left for p in money)
    assert sorted(p.amount for p in money) == [D(100), D(100), D(300), D(300)] and left == D(500)
    assert unscoped_card(world.agreement.pk).position.unapplied == left
    assert unscoped_balance(cast.lh.pk, Book.UNAPPLIED_IN, cast.d001.pk) == -left == -unscoped_balance(cast.d001.pk, Book.UNAPPLIED_OUT, cast.lh.pk)
    assert not OpenItem.unscoped.exclude(open_amount=0).exists()
    assert_sound()


def test_of_a_line_no_more_is_credited_than_was_invoiced(race, world):
    invoice, cast = billed(world, 3), world.cast
    line = invoice.lines.get().pk
    asks = [partial(issue_credit, invoice.pk, [CreditAsk(line, D(2))], "price", actor=cast.hq_finance)] * 4
    results = race([*asks, partial(record_payment, PaymentFacts(cast.lh.pk, cast.d001.pk, D(150)), actor=cast.hq_finance)])
    assert len(done(results[:4])) == 1 and not isinstance(results[4], Exception)
    invoice.refresh_from_db()
    assert invoice.paid == sum(a.amount for a in Application.unscoped.filter(invoice=invoice)) == D(300)
    assert sum(p.left for p in Payment.unscoped.all()) == D(50)
    assert_sound()
