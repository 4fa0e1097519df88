"""Separation of duties: who announced does not confirm, who recorded does not refund, who ordered or signed a purchase does not pay it."""

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.approvals.actions import separate_duties
from qudao.approvals.tests.make import make_rule
from qudao.base.access import Actor
from qudao.base.models import ActionLog
from qudao.base.tests.page_text import text
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.fulfilment.tests.make import received
from qudao.kernel.errors import Forbidden, Refused
from qudao.orders.tests.make import make_world, place
from qudao.payments.actions import announce_payment, confirm_payment, issue_credit, record_payment, refund_payment
from qudao.payments.models import Payment
from qudao.payments.queries import unscoped_by_one_hand
from qudao.payments.rules import CreditAsk, PaymentFacts
from qudao.people.models import Membership
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return make_world()


def both_sides(world) -> tuple[Actor, Actor]:
    """One person of two firms: at the dealer, and in the brand's finance."""
    at_dealer = make_member("both@example.com", world.cast.d001, "dealer_admin")
    at_brand = Membership.unscoped.create(
        user=at_dealer.user, org=world.cast.lh, role_id=unscoped_system_role("hq_finance"), scope="all", state="active",
    )  # fmt: skip
    return actor_of(at_dealer), actor_of(at_brand)


def facts(world, amount, reference=""):
    return PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(amount), reference)


def owing(world, actor=None):
    """An invoice of 300.00 for an order that `actor` placed."""
    order = place(world, 3, actor=actor)
    received(world, order)
    issue_invoices(order.pk, actor=world.cast.hq_finance)
    return order, Invoice.unscoped.get(order=order)


def codes(refusal):
    return [fault.code for fault in refusal.value.faults]


def test_who_announced_does_not_confirm(world):
    dealer, brand = both_sides(world)
    separate_duties(True, actor=world.cast.hq_admin)
    announced = announce_payment(facts(world, 100), actor=dealer)
    with pytest.raises(Refused) as refusal:
        confirm_payment(announced.pk, actor=brand)
    assert codes(refusal) == ["payments.duty_announced"]
    assert confirm_payment(announced.pk, actor=world.cast.hq_finance).state == "received"


def test_who_recorded_or_credited_does_not_refund(world):
    separate_duties(True, actor=world.cast.hq_admin)
    finance = world.cast.hq_finance
    other = actor_of(make_member("f2@example.com", world.cast.lh, "hq_finance"))
    payment = record_payment(facts(world, 100), actor=finance)
    with pytest.raises(Refused) as refusal:
        refund_payment(payment.pk, D(40), actor=finance)
    assert codes(refusal) == ["payments.duty_recorded"]
    assert refund_payment(payment.pk, D(40), actor=other).refunded == D(40)
    _order, invoice = owing(world)
    record_payment(facts(world, 300, invoice.number), actor=finance)
    credit = issue_credit(invoice.pk, [CreditAsk(invoice.lines.get().pk, D(1))], "missing", actor=other)
    with pytest.raises(Refused):
        refund_payment(credit.pk, D(10), actor=other)
    assert refund_payment(credit.pk, D(10), actor=finance).refunded == D(10)


def test_who_ordered_or_signed_a_purchase_does_not_pay_it(world):
    separate_duties(True, actor=world.cast.dealer_admin)
    order, invoice = owing(world)
    with pytest.raises(Refused) as refusal:
        announce_payment(facts(world, 300, invoice.number), actor=world.dealer)
    assert codes(refusal) == ["payments.duty_ordered"] and refusal.value.faults[0].params["number"] == order.number
    assert announce_payment(facts(world, 300, invoice.number), actor=world.cast.dealer_admin).state == "announced"


def test_where_nobody_says_so_one_person_does_all_and_it_is_listed(world, client):
    finance = world.cast.hq_finance
    dealer, brand = both_sides(world)
    clean = record_payment(facts(world, 50), actor=finance)
    refunded = record_payment(facts(world, 100), actor=finance)
    refund_payment(refunded.pk, D(40), actor=finance)
    confirmed = confirm_payment(announce_payment(facts(world, 100), actor=dealer).pk, actor=brand)
    _order, invoice = owing(world)
    paid = confirm_payment(announce_payment(facts(world, 300, invoice.number), actor=world.dealer).pk, [(invoice.pk, D(300))], actor=finance)
    found = set(Payment.unscoped.filter(unscoped_by_one_hand()).values_list("pk", flat=True))
    assert found == {refunded.pk, confirmed.pk, paid.pk}
    client.cookies["qudao_language"] = "en"
    sign_in(client, actor_of(make_member("audit@example.com", world.cast.lh, "hq_auditor")))
    page = text(client.get(reverse("payments") + "?hands=one"))
    assert refunded.number in page and clean.number not in page and "Two duties by one person" in page


def test_switching_is_for_who_decides_on_approvals_and_is_logged(world, client):
    with pytest.raises(Forbidden):
        separate_duties(True, actor=world.dealer)
    sign_in(client, world.cast.hq_admin)
    client.cookies["qudao_language"] = "en"
    assert "Keep duties apart" in text(client.get(reverse("approval_duties")))
    assert client.post(reverse("approval_duties"), {"apart": "on"}).status_code == 302
    assert client.get("/api/v1/approval-flows/duties").json() == {"apart": True}
    assert client.put("/api/v1/approval-flows/duties", {"apart": True}, content_type="application/json").json() == {"apart": True}
    assert ActionLog.unscoped.filter(subject_kind="approvals.separation").count() == 1, "twice is as once"
    assert client.put("/api/v1/approval-flows/duties", {"apart": False}, content_type="application/json").json() == {"apart": False}
    sign_in(client, world.dealer)
    assert client.get("/api/v1/approval-flows/duties").status_code == 403


def test_a_purchase_one_signed_is_not_paid_by_the_same_person(world):
    make_rule(world.cast.lh, "hq_clerk", "0")
    separate_duties(True, actor=world.cast.hq_admin)
    assert record_payment(facts(world, 10), actor=world.cast.hq_finance).state == "received", "taking money in is no duty of a purchase"
