"""Issuing on a real database: both books, open items, credit and order move together; nothing is billed twice; what it costs."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from qudao.base import models as base
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices, pay_invoices
from qudao.billing.models import Invoice, InvoiceLine
from qudao.fulfilment.actions import confirm_receipt, dispatch_shipment, start_pick
from qudao.fulfilment.tests.make import Count, lines, place, received, shipped
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import in_unit
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.models import OpenItem
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.orders.actions import lock_trades
from qudao.orders.models import Line
from qudao.orders.tests.make import START, assert_sound, make_world
from qudao.pricing.actions import grant_special_price
from qudao.pricing.rules import SpecialDraft

pytestmark = pytest.mark.django_db


def codes(caught):
    return [(f.code, f.field) for f in caught.value.faults]


def costing(amount):
    """A world whose first product has a special price."""
    world = make_world([10])
    grant_special_price(SpecialDraft(world.agreement.pk, world.products[0].pk, D(amount), START, reason="deal"), actor=system_actor())
    return world


def books(world, org, other):
    found = {a: unscoped_balance(org.pk, a, other.pk) for a in Account}
    return {str(a): amount for a, amount in found.items() if amount}


def test_what_was_received_is_billed_in_both_books(world):
    order = place(world, 3, 0, 5)
    received(world, order)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    today = clock.today()
    assert (invoice.number, invoice.date, invoice.due_on) == ("INV-LH-000001", today, today + timedelta(days=30))
    assert (invoice.net, invoice.tax, invoice.gross, invoice.state) == (D("707.97"), D("92.03"), D("800.00"), "issued")
    invoice.refresh_from_db()
    assert [(x.no, x.qty, x.gross) for x in InvoiceLine.unscoped.order_by("no")] == [(1, D(3), D(300)), (2, D(5), D(500))]
    lh, d001 = world.cast.lh, world.cast.d001
    assert books(world, lh, d001) == {"receivable": D(800), "revenue": D("-707.97"), "output_tax": D("-92.03")}
    assert books(world, d001, lh) == {"payable": D(-800), "purchases": D("707.97"), "input_tax": D("92.03")}
    assert set(OpenItem.unscoped.values_list("org_id", "side", "open_amount", "due_on")) == {
        (lh.pk, "receivable", D(800), invoice.due_on),
        (d001.pk, "payable", D(800), invoice.due_on),
    }
    position = unscoped_card(world.agreement.pk).position
    assert (position.shipped, position.invoiced) == (0, D(800))
    order.refresh_from_db()
    assert (order.billing, order.payment, order.invoiced) == ("full", "none", D(800))
    assert [(x.verb, x.after) for x in timeline(invoice.subject)] == [("billing.issue", "issued")]
    names = list(base.Event.unscoped.filter(subject_kind="billing.invoice").order_by("id").values_list("name", flat=True))
    assert names == ["billing.InvoiceIssued", "base.NoticeAsked"]
    assert issue_invoices(order.pk, actor=world.cast.hq_finance) == []
    assert_sound()


def test_the_reaction_bills_a_receipt_once(world):
    order = place(world, 2)
    received(world, order)
    drain()
    assert Invoice.unscoped.count() == 1
    assert issue_invoices(order.pk, actor=world.cast.hq_finance) == []


def test_what_was_lost_is_not_billed_when_the_invoice_follows_the_receipt(world):
    order = place(world, 3)
    received(world, order, 1)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    order.refresh_from_db()
    assert (invoice.gross, order.billing) == (D(200), "full")
    position = unscoped_card(world.agreement.pk).position
    assert (position.ordered, position.shipped, position.invoiced) == (0, 0, D(200))
    assert_sound()


def test_a_shipment_is_billed_by_the_terms(db):
    world = make_world(invoice_on="shipment")
    order = place(world, 4)
    shipment = shipped(world, order)
    drain()
    assert Invoice.unscoped.get().gross == D(400)
    (line,) = lines(shipment)
    confirm_receipt(shipment.pk, [Count(line.pk, D(3), D(1))], actor=world.dealer)
    drain()
    assert Invoice.unscoped.count() == 1
    order.refresh_from_db()
    assert (order.billing, order.status) == ("full", "delivered")
    assert_sound()


def test_parts_of_an_order_sum_to_it_to_the_cent(db):
    world = costing("33.337")
    order = place(world, 7)
    line = Line.unscoped.get(order=order)
    for qty in (D(2), D(4), D(1)):
        shipment = start_pick(order.pk, {line.pk: qty}, actor=world.cast.hq_warehouse)
        dispatch_shipment(shipment.pk, actor=world.cast.hq_warehouse)
        confirm_receipt(shipment.pk, actor=world.dealer)
        issue_invoices(order.pk, actor=world.cast.hq_finance)
    order.refresh_from_db()
    made = Invoice.unscoped.order_by("id")
    assert [x.number for x in made] == ["INV-LH-000001", "INV-LH-000002", "INV-LH-000003"]
    assert (sum(x.net for x in made), sum(x.tax for x in made), sum(x.gross for x in made)) == (order.net, order.tax, order.gross)
    assert order.invoiced == order.gross
    position = unscoped_card(world.agreement.pk).position
    assert (position.ordered, position.shipped, position.invoiced) == (0, 0, order.gross)
    assert_sound()


def test_goods_for_nothing_are_billed_and_settled_at_once(db):
    world = costing("0.004")
    order = place(world, 1)
    received(world, order)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    order.refresh_from_db()
    assert (invoice.state, order.status) == ("paid", "closed")
    assert not OpenItem.unscoped.exists()


def test_a_number_is_given_back_when_the_invoice_fails(world):
    first, second = place(world, 1), place(world, 1)
    received(world, first)
    received(world, second)
    with pytest.raises(RuntimeError), transaction.atomic():
        issue_invoices(first.pk, actor=world.cast.hq_finance)
        raise RuntimeError
    (invoice,) = issue_invoices(second.pk, actor=world.cast.hq_finance)
    assert invoice.number == "INV-LH-000001"
    assert_sound()


def test_an_invoice_is_never_overpaid(world):
    order = place(world, 1)
    received(world, order)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)

    def pay(amounts, *, actor):
        return pay_invoices(amounts, lock_trades([order.pk], actor=actor), actor=actor)

    with pytest.raises(Refused) as caught:
        in_unit(pay, {invoice.pk: D("100.01"), 0: D(1)})
    assert codes(caught) == [("billing.more_than_open", f"applications.{invoice.pk}"), ("billing.unknown_invoice", "applications.0")]
    with pytest.raises(Invalid):
        in_unit(pay, {invoice.pk: D("0.001")})
    invoice.refresh_from_db()
    assert invoice.paid == 0


def test_only_the_seller_bills(world):
    order = place(world, 1)
    received(world, order)
    with pytest.raises(Forbidden):
        issue_invoices(order.pk, actor=world.cast.dealer_admin)
    with pytest.raises(NotFound):
        issue_invoices(order.pk, actor=world.cast.stranger_admin)
    with pytest.raises(Forbidden):
        issue_invoices(order.pk, actor=world.cast.hq_warehouse)


@pytest.mark.parametrize("size", [10, 50])
def test_statements_do_not_grow_with_the_lines(db, django_assert_num_queries, size):
    world = make_world([100] * size)
    order = place(world, *[2] * size)
    received(world, order)
    with django_assert_num_queries(10):
        # BEGIN, order, order lines, order, number + invoice + lines, credit, entries, entry lines + balances, open items, log, outbox, COMMIT
        issue_invoices(order.pk, actor=world.cast.hq_finance)
    with django_assert_num_queries(3):  # BEGIN, order, COMMIT
        issue_invoices(order.pk, actor=world.cast.hq_finance)


def violates(name, change):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        change()
    assert caught.value.__cause__.diag.constraint_name == name


def test_each_constraint_holds(world):
    order = place(world, 3)
    received(world, order)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    rows, line = Invoice.unscoped.filter(pk=invoice.pk), InvoiceLine.unscoped.get()
    copy = {f.attname: getattr(invoice, f.attname) for f in Invoice._meta.concrete_fields if f.attname != "id"}
    violates("billing_invoice_number_unique", lambda: Invoice.unscoped.create(**copy))
    violates("billing_invoice_gross_is_net_and_tax", lambda: rows.update(net=0))
    violates("billing_invoice_paid_within_gross", lambda: rows.update(paid=301, state="partially_paid"))
    violates("billing_invoice_state_fits", lambda: rows.update(paid=1))
    violates("billing_invoice_due_after_date", lambda: rows.update(due_on=invoice.date - timedelta(days=1)))
    violates("billing_invoice_sides_differ", lambda: rows.update(buyer=world.cast.lh))
    violates("billing_invoiceline_qty_positive", lambda: InvoiceLine.unscoped.filter(pk=line.pk).update(qty=0))
    violates("billing_invoiceline_gross_is_net_and_tax", lambda: InvoiceLine.unscoped.filter(pk=line.pk).update(tax=0))
    again = {f.attname: getattr(line, f.attname) for f in InvoiceLine._meta.concrete_fields if f.attname != "id"}
    violates("billing_invoiceline_line_unique", lambda: InvoiceLine.unscoped.create(**again))
