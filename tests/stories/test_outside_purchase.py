"""A dealer buys from a supplier that has nobody here: terms and prices kept by the dealer's people, an order signed in its own house, two deliveries with
what was wrong settled, the supplier's invoice and the payment; stock, credit and books to the piece and the cent.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.approvals.tests.make import make_rule
from qudao.base.outbox import drain
from qudao.base.printing import pdf_of
from qudao.base.tests.page_text import text
from qudao.base.tests.pdf_text import pages_of
from qudao.billing.actions import Paper, issue_invoices, record_invoice
from qudao.billing.models import Invoice
from qudao.billing.prints import INVOICE
from qudao.fulfilment.actions import Settlement, receive_purchase, settle_difference
from qudao.fulfilment.models import Difference, Shipment
from qudao.fulfilment.queries import unscoped_coming
from qudao.fulfilment.rules import Count
from qudao.funds.queries import unscoped_card
from qudao.inventory.models import Stock
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.models import Balance, OpenItem
from qudao.orders import actions
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.orders.tests.outside import again, make_outside
from qudao.payments.actions import record_payment
from qudao.payments.rules import PaymentFacts
from qudao.people.tests.make import actor_of, bearer, make_member, sign_in

pytestmark = pytest.mark.django_db
API = "/api/v1"
JSON = "application/json"


@pytest.fixture
def world():
    return make_world([10])


@pytest.fixture
def outside(world):
    return make_outside(world.cast)


def stock(outside):
    """What lies in the keeper's places by product code and place."""
    found = Stock.unscoped.filter(place__owner=outside.keeper).exclude(on_hand=0).values_list("product__code", "place__code", "on_hand")
    return {(code, place): qty for code, place, qty in found if code.startswith("X")}


def books(org):
    return {b.account: b.amount for b in Balance.unscoped.filter(org_id=org.pk).exclude(amount=0)}


def lines_of(order):
    return list(Line.unscoped.filter(order=order).order_by("no"))


def test_from_the_order_to_the_payment(world, outside):
    make_rule(world.cast.d001, "dealer_admin")
    boss = actor_of(make_member("boss@hupan.example", world.cast.d001, "dealer_admin"))
    order = outside.order(10, 5)
    assert order.status == "in_review"
    actions.approve_order(order.pk, actor=boss)
    day = clock.today() + timedelta(days=7)
    first, second = lines_of(order)
    assert not unscoped_coming(outside.keeper.pk, [first.product_id])[first.product_id], "not before the seller names a day"
    actions.confirm_purchase(order.pk, day, "S-100", actor=outside.buyer)
    assert [(one.on, one.qty) for one in unscoped_coming(outside.keeper.pk, [first.product_id])[first.product_id]] == [(day, D(10))]

    # the first delivery: six of ten, one of them broken; the rest is still expected
    receive_purchase(order.pk, [Count(first.pk, D(5), damaged=D(1))], delivery_note="DN-1", note="by noon", actor=outside.buyer)
    drain()
    order.refresh_from_db()
    assert (order.status, order.fulfilment, order.billing) == ("in_fulfilment", "partial", "none"), "nobody issues an invoice for the supplier"
    assert stock(outside) == {("X1", "MAIN"): D(5)}
    assert [one.qty for one in unscoped_coming(outside.keeper.pk, [first.product_id])[first.product_id]] == [D(4)]
    assert_sound()

    # the second one: all of the rest, and one too many
    receive_purchase(order.pk, [Count(first.pk, D(4)), Count(second.pk, D(5), over=D(1))], delivery_note="DN-2", actor=outside.buyer)
    order.refresh_from_db()
    assert (order.status, order.fulfilment) == ("delivered", "received")
    assert stock(outside) == {("X1", "MAIN"): D(9), ("X2", "MAIN"): D(5), ("X2", "CLAIMS"): D(1)}
    assert list(Shipment.unscoped.order_by("id").values_list("state", "tracking")) == [("received", "DN-1"), ("received", "DN-2")]

    # the broken one is lost, the one too many is kept free of charge
    broken, surplus = Difference.unscoped.order_by("id")
    settle_difference(broken.pk, Settlement("written_off", "carrier"), actor=again(outside.admin))
    settle_difference(surplus.pk, Settlement("kept", "nobody"), actor=again(outside.admin))
    assert stock(outside) == {("X1", "MAIN"): D(9), ("X2", "MAIN"): D(6)}
    assert not Stock.unscoped.filter(place__owner=outside.supplier).exclude(on_hand=0).exists(), "the supplier's stock is not kept"
    assert_sound()

    # its invoice, under its own number
    finance = again(outside.admin)
    paper = Paper("FP-2026-0815", clock.today(), gross=D(550))
    for wrong, code in ((Paper("FP-1", clock.today(), gross=D(600)), "billing.differs"), (Paper(" ", clock.today()), "billing.number")):
        with pytest.raises((Refused, Invalid), match=code.replace(".", r"\.")):
            record_invoice(order.pk, wrong, actor=finance)
    with pytest.raises(Refused, match=r"billing\.sellers_paper"):
        issue_invoices(order.pk, actor=finance)
    invoice = record_invoice(order.pk, paper, actor=finance)
    assert (invoice.number, invoice.gross, invoice.due_on) == ("FP-2026-0815", D(550), clock.today() + timedelta(days=30))
    assert books(outside.keeper)["payable"] == D(-550)
    assert OpenItem.unscoped.get(org=outside.keeper, side="payable").open_amount == D(550)
    with pytest.raises(Refused, match=r"billing\.nothing_received"):
        record_invoice(order.pk, Paper("FP-2", clock.today()), actor=finance)

    # and the money
    facts = PaymentFacts(outside.supplier.pk, outside.keeper.pk, D(550), "FP-2026-0815", paid_on=clock.today())
    payment = record_payment(facts, actor=finance)
    order.refresh_from_db()
    assert (payment.state, order.status, order.payment) == ("applied", "closed", "paid")
    assert books(outside.keeper).get("payable", D(0)) == 0 and books(outside.keeper)["bank"] == D(-550)
    assert unscoped_card(outside.agreement.pk).position.exposure == 0
    drain()
    assert_sound()


def test_what_did_not_come_is_sent_again(world, outside):
    order = outside.order(4)
    drain()
    (line,) = lines_of(order)
    receive_purchase(order.pk, [Count(line.pk, D(3), short=D(1))], actor=outside.buyer)
    drain()
    assert_sound()  # also the figures of the day: nobody dispatched it
    (missing,) = Difference.unscoped.all()
    settle_difference(missing.pk, Settlement("written_off", "carrier", "again"), actor=again(outside.admin))
    order.refresh_from_db()
    assert (order.status, order.allocation) == ("in_fulfilment", "outside")
    drain()
    assert_sound()
    receive_purchase(order.pk, [Count(line.pk, D(1))], actor=outside.buyer)
    order.refresh_from_db()
    assert order.status == "delivered" and stock(outside) == {("X1", "MAIN"): D(4)}
    assert_sound()


def test_the_rest_is_given_up(world, outside):
    order = outside.order(4)
    receive_purchase(order.pk, [Count(lines_of(order)[0].pk, D(3))], actor=outside.buyer)
    actions.close_order_short(order.pk, reason="the seller has no more", actor=again(outside.admin))
    order.refresh_from_db()
    assert (order.status, order.gross) == ("closed_short", D(150))
    assert unscoped_card(outside.agreement.pk).position.exposure == D(150)
    assert_sound()


def test_nothing_comes_that_was_not_ordered_or_is_not_theirs(world, outside):
    order = outside.order(4)
    (line,) = lines_of(order)
    with pytest.raises(Refused, match=r"fulfilment\.more_than_expected"):
        receive_purchase(order.pk, [Count(line.pk, D(5))], actor=outside.buyer)
    with pytest.raises(Invalid, match=r"fulfilment\.no_lines"):
        receive_purchase(order.pk, [], actor=outside.buyer)
    with pytest.raises(Invalid, match=r"fulfilment\.unknown_line"):
        receive_purchase(order.pk, [Count(line.pk + 1000, D(1))], actor=outside.buyer)
    with pytest.raises(Invalid, match=r"fulfilment\.twice"):
        receive_purchase(order.pk, [Count(line.pk, D(1)), Count(line.pk, D(1))], actor=outside.buyer)
    with pytest.raises(Invalid, match=r"fulfilment\.too_long"):
        receive_purchase(order.pk, [Count(line.pk, D(1))], delivery_note="x" * 81, actor=outside.buyer)
    for stranger in (world.cast.stranger_admin, world.cast.sub_dealer):
        with pytest.raises((NotFound, Forbidden)):
            receive_purchase(order.pk, [Count(line.pk, D(1))], actor=stranger)
        with pytest.raises((NotFound, Forbidden)):
            record_invoice(order.pk, Paper("FP", clock.today()), actor=stranger)
    for above in (world.cast.hq_warehouse, world.cast.hq_admin):
        with pytest.raises(Forbidden):
            receive_purchase(order.pk, [Count(line.pk, D(1))], actor=again(above))
    with pytest.raises((NotFound, Forbidden)):
        record_payment(PaymentFacts(outside.supplier.pk, outside.keeper.pk, D(1), "x", paid_on=clock.today()), actor=again(world.cast.hq_finance))
    inside = place(world, 1)
    with pytest.raises(Refused, match=r"fulfilment\.not_outside"):
        receive_purchase(inside.pk, [Count(lines_of(inside)[0].pk, D(1))], actor=world.dealer)
    with pytest.raises(Refused, match=r"billing\.sellers_number"):
        record_invoice(inside.pk, Paper("FP", clock.today()), actor=world.cast.hq_finance)
    assert stock(outside) == {}
    assert_sound()


def test_pages_and_api(world, outside, client):
    order = outside.order(10)
    (line,) = lines_of(order)
    sign_in(client, outside.buyer)
    form = text(client.get(reverse("order_receipt", args=[order.pk])))
    assert "Delivery note" in form and "X1" in form
    row = {"lines-ref": line.pk, "lines-received": "4", "lines-damaged": "1", "lines-short": "", "lines-over": "", "lines-refused": "", "lines-wrong": "",
           "lines-wrong_product": "", "lines-note": "", "delivery_note": "DN-9"}  # fmt: skip
    assert client.post(reverse("order_receipt", args=[order.pk]), row | {"lines-received": "40"}).status_code == 409
    answer = client.post(reverse("order_receipt", args=[order.pk]), row)
    shipment = Shipment.unscoped.get()
    assert answer.status_code == 302 and answer["Location"] == reverse("shipment", args=[shipment.pk])
    page = text(client.get(reverse("order", args=[order.pk])))
    assert "Partly received" in page and "Still to come" in page and shipment.number in page
    headers = bearer(outside.buyer)
    body = {"lines": [{"line_id": line.pk, "received": "5"}], "delivery_note": "DN-10"}
    url = f"{API}/orders/{order.pk}/receipts"
    assert client.post(url, body, content_type=JSON, headers={**headers, "Idempotency-Key": "come-0001"}).status_code == 201
    assert client.post(url, body, content_type=JSON, headers={**headers, "Idempotency-Key": "come-0001"}).status_code == 201
    assert stock(outside)["X1", "MAIN"] == D(9), "the same key counts once"

    sign_in(client, outside.admin)
    assert "450.00" in text(client.get(reverse("order_paper", args=[order.pk])))
    paper = {"number": "FP-5", "date": str(clock.today()), "due_on": "", "gross": "450"}
    assert client.post(reverse("order_paper", args=[order.pk]), paper | {"gross": "1"}).status_code == 409
    assert client.post(reverse("order_paper", args=[order.pk]), paper).status_code == 302
    invoice = Invoice.unscoped.get(number="FP-5")
    page = text(client.get(reverse("invoice", args=[invoice.pk])))
    printed = "\n".join(pages_of(pdf_of(INVOICE, outside.admin, [invoice.pk], language="en")))
    assert "Purchase invoice, as recorded FP-5" in printed and "Issued by" in printed and "it does not replace that invoice" in printed
    assert "Please pay" not in printed and printed.index(outside.keeper.name_en) < printed.index(outside.supplier.name_en or outside.supplier.name)
    bought = text(client.get(reverse("order", args=[order.pk])))
    assert "Payable, not due" in bought and "Receivable, not due" not in bought
    assert "Record what we paid" in page and f"partner={outside.supplier.pk}" in page
    paid = {"partner": outside.supplier.pk, "amount": "450", "paid_on": str(clock.today()), "method": "transfer", "reference": "", "invoices": str(invoice.pk)}
    assert client.post(reverse("payment_announcement"), paid).status_code == 302
    invoice.refresh_from_db()
    assert invoice.state == "paid"

    second = outside.order(1)
    receive_purchase(second.pk, [Count(lines_of(second)[0].pk, D(1))], actor=outside.buyer)
    admin = bearer(again(outside.admin))
    body = {"number": "FP-6", "date": str(clock.today())}
    made = client.post(f"{API}/orders/{second.pk}/seller-invoice", body, content_type=JSON, headers={**admin, "Idempotency-Key": "paper-0001"})
    assert made.status_code == 201 and made.json()["gross"] == "50.00"
    body = {"seller_id": outside.supplier.pk, "buyer_id": outside.keeper.pk, "amount": "50", "reference": "FP-6", "paid_on": str(clock.today())}
    made = client.post(f"{API}/payments", body, content_type=JSON, headers={**admin, "Idempotency-Key": "money-0001"})
    assert made.status_code == 201 and made.json()["state"] == "applied", made.content
    drain()
    assert_sound()
