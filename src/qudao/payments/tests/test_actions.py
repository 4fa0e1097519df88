"""Payments on a real database: both books, open items, credit and orders; advances, announcements; never too much; what it costs."""

from datetime import timedelta
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from qudao.base import models as base
from qudao.base.audit import timeline
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.fulfilment.tests.make import place, received
from qudao.funds.queries import unscoped_card
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.models import OpenItem
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.orders.tests.make import assert_sound, make_world
from qudao.payments import actions
from qudao.payments.actions import PaymentFacts
from qudao.payments.models import Application, Payment

pytestmark = pytest.mark.django_db


def codes(caught):
    return [(f.code, f.field) for f in caught.value.faults]


def facts(world, amount, **more):
    return PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(amount), **more)


def billed(world, *quantities):
    """An order received and invoiced."""
    order = place(world, *quantities)
    received(world, order)
    return issue_invoices(order.pk, actor=world.cast.hq_finance)[0]


def pay(world, amount, applications=None, **more):
    return actions.record_payment(facts(world, amount, **more), applications, actor=world.cast.hq_finance)


def buckets(world):
    p = unscoped_card(world.agreement.pk).position
    return p.invoiced, p.unapplied


def balance(org, account, other):
    return unscoped_balance(org.pk, account, other.pk)


def test_a_payment_settles_its_invoice_on_both_sides_and_closes_the_order(world):
    invoice = billed(world, 3, 0, 5)
    payment = pay(world, "800.00", reference="BANK-1")
    assert (payment.number, payment.state, payment.applied) == ("RC-D001-00001", "applied", D(800))
    invoice.refresh_from_db()
    assert (invoice.state, invoice.paid) == ("paid", D(800))
    invoice.order.refresh_from_db()
    assert (invoice.order.status, invoice.order.payment) == ("closed", "paid")
    lh, d001 = world.cast.lh, world.cast.d001
    assert [balance(lh, a, d001) for a in (Account.BANK, Account.RECEIVABLE, Account.UNAPPLIED_IN)] == [D(800), 0, 0]
    assert [balance(d001, a, lh) for a in (Account.BANK, Account.PAYABLE, Account.UNAPPLIED_OUT)] == [D(-800), 0, 0]
    assert set(OpenItem.unscoped.values_list("open_amount", flat=True)) == {D(0)}
    assert buckets(world) == (0, 0)
    assert [(a.invoice_id, a.amount, a.how) for a in Application.unscoped.all()] == [(invoice.pk, D(800), "exact")]
    assert [(x.verb, x.after) for x in timeline(payment.subject)] == [("payments.record", "applied")]
    names = set(base.Event.unscoped.filter(subject_kind__in=["payments.payment", "billing.invoice"]).values_list("name", flat=True))
    assert names >= {"payments.PaymentReceived", "billing.InvoiceSettled"}
    assert_sound()


def test_leftovers_stay_unapplied_and_give_credit_back(world):
    billed(world, 1)
    payment = pay(world, 150)
    assert (payment.state, payment.left) == ("partially_applied", D(50))
    assert buckets(world) == (0, D(50))
    assert balance(world.cast.lh, Account.UNAPPLIED_IN, world.cast.d001) == D(-50)
    assert balance(world.cast.d001, Account.UNAPPLIED_OUT, world.cast.lh) == D(50)
    assert_sound()


def test_an_advance_is_applied_later_without_changing_the_exposure(world):
    payment = pay(world, 120)
    assert payment.state == "received" and buckets(world) == (0, D(120))
    with pytest.raises(Refused) as caught:
        actions.apply_payment(payment.pk, actor=world.cast.hq_finance)
    assert codes(caught) == [("payments.nothing_to_apply", "")]
    invoice = billed(world, 1)
    assert unscoped_card(world.agreement.pk).exposure == D(-20)
    again = actions.apply_payment(payment.pk, actor=world.cast.hq_finance)
    assert (again.state, again.left) == ("partially_applied", D(20))
    assert unscoped_card(world.agreement.pk).exposure == D(-20) and buckets(world) == (0, D(20))
    invoice.refresh_from_db()
    assert invoice.state == "paid"
    assert balance(world.cast.lh, Account.UNAPPLIED_IN, world.cast.d001) == D(-20)
    assert balance(world.cast.lh, Account.RECEIVABLE, world.cast.d001) == 0
    assert balance(world.cast.d001, Account.PAYABLE, world.cast.lh) == 0
    assert_sound()


def test_a_person_may_choose_and_may_leave_all_unapplied(world):
    first, second = billed(world, 1), billed(world, 2)
    payment = pay(world, 150, [(second.pk, D(120))])
    assert [(x.state, x.paid) for x in Invoice.unscoped.order_by("id")] == [("issued", 0), ("partially_paid", D(120))]
    assert pay(world, 10, ()).state == "received"
    with pytest.raises(Refused) as caught:
        actions.apply_payment(payment.pk, [(first.pk, D(31))], actor=world.cast.hq_finance)
    assert codes(caught) == [("payments.more_than_left", "applications")]
    actions.apply_payment(payment.pk, [(first.pk, D(30))], actor=world.cast.hq_finance)
    with pytest.raises(Refused) as caught:
        actions.apply_payment(payment.pk, actor=world.cast.hq_finance)
    assert codes(caught) == [("payments.illegal", "")]
    assert_sound()


def test_too_much_on_an_invoice_changes_nothing(world):
    invoice = billed(world, 1)
    with pytest.raises(Refused) as caught:
        pay(world, 500, [(invoice.pk, D("100.01"))])
    assert codes(caught) == [("payments.more_than_open", f"applications.{invoice.pk}")]
    assert not Payment.unscoped.exists() and buckets(world) == (D(100), 0)


def test_an_announced_payment_moves_nothing_until_the_seller_has_it(world):
    invoice = billed(world, 1)
    payment = actions.announce_payment(facts(world, 100, reference="T-7"), actor=world.cast.dealer_admin)
    assert (payment.state, buckets(world)) == ("announced", (D(100), 0))
    told = base.Event.unscoped.filter(name="base.NoticeAsked", subject_kind="payments.payment").get()
    assert (told.payload["code"], told.payload["org_id"]) == ("payments.payment_announced", world.cast.lh.pk)
    confirmed = actions.confirm_payment(payment.pk, actor=world.cast.hq_finance)
    assert (confirmed.state, confirmed.paid_on) == ("applied", clock.today())
    invoice.refresh_from_db()
    assert invoice.state == "paid" and buckets(world) == (0, 0)
    with pytest.raises(Refused) as caught:
        actions.confirm_payment(payment.pk, actor=world.cast.hq_finance)
    assert codes(caught) == [("payments.illegal", "")]
    assert_sound()


def test_an_announced_payment_without_an_invoice_is_an_advance(world):
    payment = actions.announce_payment(facts(world, 70), actor=world.cast.dealer_admin)
    assert actions.confirm_payment(payment.pk, actor=world.cast.hq_finance).state == "received"
    assert buckets(world) == (0, D(70))
    assert_sound()


def test_an_announced_payment_can_be_declined_with_a_reason(world):
    payment = actions.announce_payment(facts(world, 100), actor=world.cast.dealer_admin)
    with pytest.raises(Invalid):
        actions.decline_payment(payment.pk, " ", actor=world.cast.hq_finance)
    assert actions.decline_payment(payment.pk, "never came", actor=world.cast.hq_finance).state == "declined"
    with pytest.raises(Refused):
        actions.confirm_payment(payment.pk, actor=world.cast.hq_finance)
    assert_sound()


def test_the_same_client_id_records_one_payment(world):
    key = uuid4()
    first = actions.record_payment(facts(world, 10), actor=world.cast.hq_finance, client_id=key)
    again = actions.record_payment(facts(world, 99), actor=world.cast.hq_finance, client_id=key)
    assert first == again and Payment.unscoped.count() == 1


def test_each_side_enters_its_own(world):
    cast = world.cast
    with pytest.raises(Forbidden):
        actions.record_payment(facts(world, 1), actor=cast.dealer_admin)
    with pytest.raises(Forbidden):
        actions.announce_payment(facts(world, 1), actor=cast.hq_finance)
    with pytest.raises(Refused) as caught:
        actions.record_payment(PaymentFacts(cast.lh.pk, cast.d002.pk, D(1)), actor=cast.hq_finance)
    assert codes(caught) == [("payments.no_agreement", "buyer")]
    payment = pay(world, 10)
    with pytest.raises(Forbidden):
        actions.apply_payment(payment.pk, actor=cast.dealer_admin)
    for act in (actions.apply_payment, actions.confirm_payment):
        with pytest.raises(NotFound):
            act(payment.pk, actor=cast.stranger_admin)
        with pytest.raises(NotFound):
            act(0, actor=cast.hq_finance)
    with pytest.raises(Invalid) as caught:
        pay(world, 1, paid_on=clock.today() + timedelta(days=1))
    assert codes(caught) == [("payments.future", "paid_on")]


@pytest.mark.parametrize("size", [10, 50])
def test_statements_do_not_grow_with_the_lines(db, django_assert_num_queries, size):
    world = make_world([100] * size)
    billed(world, *[1] * size)
    with django_assert_num_queries(12):
        # BEGIN, agreement + open invoices, orders, invoices, order paid, order closed, number + payment + applications, credit, entries,
        # entry lines + balances, open items, log, outbox, COMMIT
        pay(world, 100 * size)
    with django_assert_num_queries(8):  # an advance: BEGIN, agreement, payment, credit, entries, lines + balances, log, outbox, COMMIT
        payment = pay(world, 100 * size)
    billed(world, *[1] * size)
    with django_assert_num_queries(13):  # and the payment read before
        actions.apply_payment(payment.pk, actor=world.cast.hq_finance)


def violates(name, change):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        change()
    assert caught.value.__cause__.diag.constraint_name == name


def test_each_constraint_holds(world):
    billed(world, 1)
    payment = pay(world, 100)
    rows, application = Payment.unscoped.filter(pk=payment.pk), Application.unscoped.get()
    copy = {f.attname: getattr(payment, f.attname) for f in Payment._meta.concrete_fields if f.attname != "id"}
    violates("payments_payment_number_unique", lambda: Payment.unscoped.create(**copy))
    violates("payments_payment_amount_positive", lambda: rows.update(amount=0, applied=0, state="received"))
    violates("payments_payment_applied_within_amount", lambda: rows.update(applied=101))
    violates("payments_payment_state_fits", lambda: rows.update(state="received"))
    violates("payments_payment_method_known", lambda: rows.update(method="shells"))
    violates("payments_payment_sides_differ", lambda: rows.update(buyer=world.cast.lh))
    applied = {"payment": payment, "invoice": application.invoice, "at": clock.now()}
    violates("payments_application_amount_fits", lambda: Application.unscoped.create(**applied, amount=0))
    violates("payments_application_amount_fits", lambda: Application.unscoped.create(**applied, amount=-1))
    violates("payments_application_is_append_only", lambda: Application.unscoped.filter(pk=application.pk).update(amount=1))
    violates("payments_application_is_append_only", lambda: Application.unscoped.filter(pk=application.pk).delete())
