"""Small differences and refunds on a real database: both books, credit, orders, taking back; the limit; who may; pages and API."""

import json
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from qudao.base.printing import pdf_of
from qudao.base.tests.pdf_text import pages_of
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.models import Balance, EntryLine, OpenItem
from qudao.ledger.states import Account
from qudao.orders.tests.make import assert_sound
from qudao.payments import actions, queries, rules
from qudao.payments.models import Application, Payment, Tolerance
from qudao.payments.prints import REFUND
from qudao.payments.tests.test_actions import balance, billed, buckets, codes, pay
from qudao.people.tests.make import bearer, sign_in


def close(world, invoice, actor=None):
    return actions.close_short(invoice.pk, "bank fee", actor=actor or world.cast.hq_finance)


def books(world):
    """Every balance that is not zero, by the code of its organisation and account."""
    return {(b.org_id, b.account): b.amount for b in Balance.unscoped.exclude(amount=0)}


@given(amount=st.decimals("-1", "5", places=2), limit=st.decimals("0", "2", places=2))
def test_only_more_than_nothing_and_at_most_the_limit_is_small(amount, limit):
    if 0 < amount <= limit:
        rules.check_small(amount, limit, "CNY")
    else:
        with pytest.raises(Refused):
            rules.check_small(amount, limit, "CNY")


@pytest.mark.django_db
def test_an_invoice_short_by_a_little_is_closed_in_both_books_and_opened_again(world):
    invoice = billed(world, 3)
    pay(world, "299.40")
    before = books(world)
    lh, d001 = world.cast.lh, world.cast.d001
    kept = close(world, invoice)
    invoice.refresh_from_db()
    invoice.order.refresh_from_db()
    assert (kept.amount, invoice.state, invoice.order.status, invoice.order.payment) == (D("0.60"), "paid", "closed", "paid")
    assert balance(lh, Account.WRITE_OFF, d001) == D("0.60") == -balance(d001, Account.WRITE_OFF, lh)
    assert balance(lh, Account.RECEIVABLE, d001) == 0 == balance(d001, Account.PAYABLE, lh) and buckets(world) == (0, 0)
    assert_sound()
    undone = actions.undo_difference(kept.pk, actor=world.cast.hq_finance)
    invoice.refresh_from_db()
    invoice.order.refresh_from_db()
    assert (undone.amount, invoice.open, invoice.state, invoice.order.status) == (D("-0.60"), D("0.60"), "partially_paid", "delivered")
    assert books(world) == before and buckets(world) == (D("0.60"), 0), "a full reversal nets to nothing"
    assert set(OpenItem.unscoped.values_list("open_amount", flat=True)) == {D("0.60")}
    assert_sound()
    for one in (kept, undone):
        with pytest.raises(Refused) as twice:
            actions.undo_difference(one.pk, actor=world.cast.hq_finance)
        assert codes(twice)[0][0] == "payments.not_a_difference"
    pay(world, "0.60")
    invoice.order.refresh_from_db()
    assert (invoice.order.status, invoice.order.payment) == ("closed", "paid")
    assert_sound()


@pytest.mark.django_db
def test_a_small_rest_of_a_payment_is_kept_and_given_back(world):
    billed(world, 3)
    payment = pay(world, "300.50")
    before, lh, d001 = books(world), world.cast.lh, world.cast.d001
    closed = actions.close_over(payment.pk, actor=world.cast.hq_finance)
    assert (closed.state, closed.left, buckets(world)) == ("applied", 0, (0, 0))
    assert balance(lh, Account.WRITE_OFF, d001) == D("-0.50") == -balance(d001, Account.WRITE_OFF, lh)
    assert balance(lh, Account.UNAPPLIED_IN, d001) == 0 == balance(d001, Account.UNAPPLIED_OUT, lh)
    assert_sound()
    (kept,) = queries.differences(world.cast.hq_finance)
    actions.undo_difference(kept.pk, actor=world.cast.hq_finance)
    payment.refresh_from_db()
    assert (payment.left, payment.state) == (D("0.50"), "partially_applied") and books(world) == before
    assert not queries.differences(world.cast.hq_finance).exists()
    assert_sound()


@pytest.mark.django_db
def test_what_is_no_small_difference_is_refused(world):
    invoice = billed(world, 3)
    with pytest.raises(Refused) as nothing:
        close(world, invoice)
    assert codes(nothing)[0][0] == "payments.nothing_paid"
    payment = pay(world, "298.99")
    for wrong in (lambda: close(world, invoice), lambda: actions.close_over(payment.pk, actor=world.cast.hq_finance)):
        with pytest.raises(Refused):
            wrong()
    assert not queries.short_paid(world.cast.hq_finance).exists()
    actions.set_tolerance("CNY", D("1.01"), actor=world.cast.hq_finance)
    assert [one.pk for one in queries.short_paid(world.cast.hq_finance)] == [invoice.pk]
    assert [one.amount for one in queries.tolerances(world.cast.hq_finance)] == [D("1.01")] and not queries.tolerances(world.dealer).exists()
    for actor, error in ((world.dealer, Forbidden), (world.cast.stranger, Forbidden), (world.cast.dealer_admin, NotFound), (world.cast.hq_clerk, Forbidden)):
        with pytest.raises((error, Forbidden)):
            close(world, invoice, actor)
    close(world, invoice)
    with pytest.raises(Refused) as again:
        close(world, invoice)
    assert codes(again)[0][0] == "payments.nothing_left"
    for currency, amount in (("yuan", "1"), ("CNY", "100.01"), ("CNY", "0.001")):
        with pytest.raises(Invalid):
            actions.set_tolerance(currency, D(amount), actor=world.cast.hq_finance)
    assert_sound()


@pytest.mark.django_db
def test_money_goes_back_to_the_buyer_in_both_books(world):
    payment, lh, d001 = pay(world, "500.00"), world.cast.lh, world.cast.d001
    for amount, error in (("0", Invalid), ("500.01", Refused)):
        with pytest.raises(error):
            actions.refund_payment(payment.pk, D(amount), actor=world.cast.hq_finance)
    with pytest.raises(Forbidden):
        actions.refund_payment(payment.pk, D(1), actor=world.dealer)
    actions.refund_payment(payment.pk, D("200.00"), "REF 7", actor=world.cast.hq_finance)
    payment.refresh_from_db()
    assert (payment.left, payment.refunded, payment.state) == (D(300), D(200), "partially_applied") and buckets(world) == (0, D(300))
    assert [balance(lh, a, d001) for a in (Account.BANK, Account.UNAPPLIED_IN)] == [D(300), D(-300)]
    assert [balance(d001, a, lh) for a in (Account.BANK, Account.UNAPPLIED_OUT)] == [D(-300), D(300)]
    actions.refund_payment(payment.pk, D("300.00"), actor=world.cast.hq_finance)
    with pytest.raises(Refused):
        actions.refund_payment(payment.pk, D("0.01"), actor=world.cast.hq_finance)
    text = "\n".join(pages_of(pdf_of(REFUND, world.dealer, [payment.pk], language="en")))
    assert "Refund advice" in text and "REF 7" in text and "¥500.00" in text
    kept = pay(world, "1.00", ())
    assert REFUND.fits(world.dealer, Payment.unscoped.get(pk=payment.pk)) and not REFUND.fits(world.dealer, kept)
    for actor, pk in ((world.dealer, kept.pk), (world.cast.stranger, payment.pk)):
        with pytest.raises(NotFound):
            pdf_of(REFUND, actor, [pk], language="en")
    actions.refund_payment(kept.pk, D("1.00"), actor=world.cast.hq_finance)
    assert books(world) == {} and buckets(world) == (0, 0)
    assert_sound()


@pytest.mark.django_db
def test_each_constraint_holds(world):
    invoice = billed(world, 1)
    payment = pay(world, "100.00")
    row = {"amount": D(1), "how": "difference", "at": payment.recorded_at}
    broken = {
        "payments_application_amount_fits": lambda: Application.unscoped.create(**{**row, "amount": D(-1), "payment": payment}),
        "payments_application_ends_fit": lambda: Application.unscoped.create(**{**row, "how": "exact", "invoice": invoice}),
        "payments_payment_refunded_within_applied": lambda: Payment.unscoped.filter(pk=payment.pk).update(refunded=D("100.01")),
        "payments_tolerance_amount_range": lambda: Tolerance.unscoped.create(seller=world.cast.lh, currency="CNY", amount=D("100.01")),
    }
    for name, breach in broken.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            breach()
    Tolerance.unscoped.create(seller=world.cast.lh, currency="CNY", amount=D(1))
    with pytest.raises(IntegrityError, match="payments_tolerance_seller_unique"), transaction.atomic():
        Tolerance.unscoped.create(seller=world.cast.lh, currency="CNY", amount=D(2))


@pytest.mark.django_db
def test_pages_close_one_or_many_and_take_back(client, world):
    first, second = billed(world, 1), billed(world, 2)
    pay(world, "99.50", [(first.pk, D("99.50"))])
    pay(world, "199.20", [(second.pk, D("199.20"))])
    finance = sign_in(client, world.cast.hq_finance)
    page = finance.get(reverse("small_differences")).content.decode()
    assert first.number in page and second.number in page
    assert reverse("invoice_difference", args=[first.pk]) in finance.get(reverse("invoice", args=[first.pk])).content.decode()
    assert finance.post(reverse("invoice_difference", args=[first.pk]), {"note": "fee"}).status_code == 302
    shown = finance.get(reverse("invoice", args=[first.pk])).content.decode()
    kept = Application.unscoped.get(how="difference")
    assert "Small difference" in shown and reverse("small_difference_removal", args=[kept.pk]) in shown
    order = finance.get(reverse("order", args=[first.order_id])).content.decode()
    assert "Small difference" in order
    assert finance.post(reverse("small_difference_removal", args=[kept.pk])).status_code == 302
    assert "Small difference taken back" in finance.get(reverse("invoice", args=[first.pk])).content.decode()
    assert finance.post(reverse("small_limit"), {"currency": "cny", "amount": "0.50"}).status_code == 302
    assert second.number not in finance.get(reverse("small_differences")).content.decode()
    rest = pay(world, "200.00", ())
    page = finance.get(reverse("payment", args=[rest.pk])).content.decode()
    assert reverse("payment_refund", args=[rest.pk]) in page and reverse("payment_difference", args=[rest.pk]) not in page
    assert finance.post(reverse("payment_refund", args=[rest.pk]), {"amount": "199.80", "note": "BACK-1"}).status_code == 302
    page = finance.get(reverse("payment", args=[rest.pk])).content.decode()
    assert "BACK-1" in page and reverse("payment_difference", args=[rest.pk]) in page
    assert finance.post(reverse("payment_difference", args=[rest.pk]), {"note": ""}).status_code == 302
    assert finance.post(reverse("payment_refund", args=[rest.pk]), {"amount": "1", "note": ""}).status_code == 409
    buyer = sign_in(client, world.dealer)
    assert "BACK-1" in buyer.get(reverse("payment", args=[rest.pk])).content.decode()
    assert buyer.get(reverse("payment_refund", args=[rest.pk])).status_code == 403
    assert_sound()


@pytest.mark.django_db
def test_programs_do_the_same(client, world):
    def call(actor, path, **body):
        answer = client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=bearer(actor))
        return answer.status_code, answer.json()

    invoice = billed(world, 1)
    payment = pay(world, "99.90")
    assert call(world.cast.hq_finance, "/small-differences/limit", currency="CNY", amount="0.05")[0] == 201
    assert call(world.cast.hq_finance, f"/invoices/{invoice.pk}/difference")[0] == 409
    assert call(world.cast.hq_finance, "/small-differences/limit", amount="2")[0] == 201
    status, kept = call(world.cast.hq_finance, f"/invoices/{invoice.pk}/difference", note="fee")
    assert (status, kept["amount"], kept["invoice_id"], kept["note"]) == (201, "0.10", invoice.pk, "fee")
    status, undone = call(world.cast.hq_finance, f"/small-differences/{kept['id']}/removal")
    assert (status, undone["amount"]) == (201, "-0.10")
    assert call(world.cast.hq_finance, f"/payments/{payment.pk}/difference")[0] == 409
    rest = pay(world, "3.00", ())
    status, sent = call(world.cast.hq_finance, f"/payments/{rest.pk}/refund", amount="2.50", note="X")
    assert (status, sent["applied"]) == (201, "2.50")
    assert call(world.cast.hq_finance, f"/payments/{rest.pk}/difference")[1]["state"] == "applied"
    whole = client.get(f"/api/v1/payments/{rest.pk}", headers=bearer(world.dealer)).json()
    assert [(a["invoice_id"], a["amount"], a["how"]) for a in whole["applications"]] == [(None, "2.50", "refund"), (None, "0.50", "difference")]
    assert call(world.dealer, f"/payments/{rest.pk}/refund", amount="1")[0] == 403
    assert EntryLine.unscoped.filter(account=Account.WRITE_OFF).count() == 6
    assert_sound()
