"""A deposit from the first order to the end: asked for, paid in, a debt taken from it, the rest sent back; both books to the cent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.base.models import Event
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.billing.actions import issue_invoices
from qudao.fulfilment.tests.make import received
from qudao.funds.actions import pay_deposit, refund_deposit, set_deposit
from qudao.funds.models import Account, DepositEntry
from qudao.funds.queries import unscoped_card
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.models import Balance
from qudao.messages.models import Notice
from qudao.messages.pages.notices import address_of
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.payments.actions import deduct_deposit
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db
API = "/api/v1"
JSON = "application/json"


@pytest.fixture
def world():
    return make_world(limit=D(1000))


def books(world):
    """(bank, deposit, receivable or payable) of the seller and of the buyer."""
    found = {(b.org_id, b.account): b.amount for b in Balance.unscoped.exclude(amount=0)}
    lh, d001 = world.cast.lh.pk, world.cast.d001.pk
    names = {lh: ("bank", "deposit_in", "receivable"), d001: ("bank", "deposit_out", "payable")}
    return [tuple(found.get((org, name), D(0)) for name in names[org]) for org in (lh, d001)]


def status(order):
    order.refresh_from_db()
    return order.status


def owing(world, *quantities):
    order = place(world, *quantities)
    received(world, order)
    (invoice,) = issue_invoices(order.pk, actor=world.cast.hq_finance)
    drain()
    return invoice


def test_the_life_of_a_deposit(world):
    finance, account = world.cast.hq_finance, world.account.pk
    set_deposit(account, D(500), True, "new dealer", actor=finance)
    with pytest.raises(Refused, match=r"funds\.deposit"):
        place(world, 1)
    waiting = place(world, 3, may_wait=True)
    assert status(waiting) == "submitted" and unscoped_card(world.agreement.pk).standing.state == "hold"
    pay_deposit(account, D("499.99"), "BANK-1", actor=finance)
    drain()
    assert status(waiting) == "submitted", "a cent is missing"
    pay_deposit(account, D("0.01"), "BANK-2", actor=finance)
    drain()
    assert status(waiting) == "confirmed"
    assert books(world) == [(D(500), D(-500), D(0)), (D(-500), D(500), D(0))]
    assert unscoped_card(world.agreement.pk).available == D(700), "a deposit gives no credit and pays nothing by itself"

    invoice = owing(world, 0, 4)
    payment = deduct_deposit(account, D(150), "three months late", actor=finance)
    invoice.refresh_from_db()
    assert (payment.method, payment.state, invoice.paid) == ("deposit", "applied", D(150))
    assert books(world) == [(D(500), D(-350), D(250)), (D(-500), D(350), D(-250))]
    assert unscoped_card(world.agreement.pk).position.invoiced == D(250)
    refund_deposit(account, D(350), "end of the contract", actor=finance)
    assert books(world) == [(D(150), D(0), D(250)), (D(-150), D(0), D(-250))]
    told = list(DepositEntry.unscoped.order_by("id").values_list("kind", "amount", "held", "number"))
    assert told == [
        ("paid_in", D("499.99"), D("499.99"), ""),
        ("paid_in", D("0.01"), D(500), ""),
        ("deducted", D(150), D(350), payment.number),
        ("refunded", D(350), D(0), ""),
    ]
    drain()
    notice = Notice.unscoped.filter(code="funds.deposit_refunded", user_id=world.dealer.user_id).get()
    assert address_of(notice) == reverse("fund", args=[account])
    codes = {e.payload["code"] for e in Event.unscoped.filter(name="base.NoticeAsked")}
    assert {"funds.deposit_paid_in", "funds.deposit_refunded", "payments.deposit_deducted"} <= codes
    assert_sound()


def test_no_more_than_is_held_and_no_more_than_is_owed(world):
    finance, account = world.cast.hq_finance, world.account.pk
    pay_deposit(account, D(100), "BANK-1", actor=finance)
    invoice = owing(world, 2)
    with pytest.raises(Refused, match=r"payments\.deposit_beyond_debt"):
        deduct_deposit(account, D("200.01"), "late", actor=finance)
    with pytest.raises(Refused, match=r"funds\.deposit_held"):
        deduct_deposit(account, D(101), "late", actor=finance)
    with pytest.raises(Refused, match=r"payments\.unknown_invoice"):
        deduct_deposit(account, D(1), "late", invoice.pk + 1000, actor=finance)
    with pytest.raises(Refused, match=r"funds\.deposit_held"):
        refund_deposit(account, D("100.01"), "end", actor=finance)
    for bad in (D(0), D("-1"), D("0.001")):
        with pytest.raises(Invalid, match=r"amount"):
            pay_deposit(account, bad, "BANK", actor=finance)
        with pytest.raises(Invalid, match=r"amount"):
            deduct_deposit(account, bad, "late", actor=finance)
    with pytest.raises(Invalid, match=r"funds\.deposit_future"):
        pay_deposit(account, D(1), "BANK", clock.today() + timedelta(days=1), actor=finance)
    with pytest.raises(Invalid, match=r"payments\.reason_needed"):
        deduct_deposit(account, D(1), " ", actor=finance)
    assert Account.unscoped.get(pk=account).deposit_held == D(100)
    assert_sound()


def test_only_the_seller_moves_it(world):
    account = world.account.pk
    for call in (
        lambda actor: set_deposit(account, D(1), False, "x", actor=actor),
        lambda actor: pay_deposit(account, D(1), "x", actor=actor),
        lambda actor: refund_deposit(account, D(1), "x", actor=actor),
        lambda actor: deduct_deposit(account, D(1), "x", actor=actor),
    ):
        for actor in (world.dealer, world.cast.dealer_admin, world.cast.stranger_admin):
            with pytest.raises((Forbidden, NotFound)):
                call(actor)
    assert not DepositEntry.unscoped.exists()


def test_pages_and_api(world, client):
    account = world.account.pk
    sign_in(client, world.cast.hq_finance)
    assert client.post(reverse("fund_deposit", args=[account]), {"required": "500", "first": "on", "reason": "new dealer"}).status_code == 302
    paid = {"amount": "200", "day": str(clock.today()), "reason": "BANK-1"}
    assert client.post(reverse("fund_deposit_in", args=[account]), paid).status_code == 302
    assert client.post(reverse("fund_deposit_out", args=[account]), paid | {"amount": "300"}).status_code == 409
    assert f'href="{reverse("fund", args=[account])}"' in text(client.get(reverse("funds"), {"tab": "deposit"}))
    headers = bearer(world.cast.hq_finance)
    body = {"amount": "300.00", "reason": "BANK-2"}
    answer = client.post(f"{API}/funds/{account}/deposit/receipts", body, content_type=JSON, headers={**headers, "Idempotency-Key": "deposit-01"})
    assert answer.status_code == 200 and answer.json()["deposit_held"] == "500.00"
    again = client.post(f"{API}/funds/{account}/deposit/receipts", body, content_type=JSON, headers={**headers, "Idempotency-Key": "deposit-01"})
    assert again.json()["deposit_held"] == "500.00" and DepositEntry.unscoped.count() == 2
    invoice = owing(world, 5)
    url = reverse("fund_deduction", args=[account])
    assert invoice.number in text(client.get(url))
    assert client.post(url, {"amount": "600", "reason": "late"}).status_code == 409
    assert client.post(url, {"amount": "100", "invoice_id": str(invoice.pk), "reason": "late"}).status_code == 302
    answer = client.post(f"{API}/funds/{account}/deposit/deductions", {"amount": "50.00", "reason": "late"}, content_type=JSON, headers=headers)
    assert answer.status_code == 201 and answer.json()["method"] == "deposit"
    terms = {"required": "100.00", "first": False, "reason": "good payer"}
    assert client.put(f"{API}/funds/{account}/deposit-terms", terms, content_type=JSON, headers=headers).json()["deposit_first"] is False
    for actor in (world.cast.hq_finance, world.cast.dealer_admin):
        sign_in(client, actor)
        shown = text(client.get(reverse("fund", args=[account])))
        assert "¥350.00" in shown and "Deducted for a debt" in shown
        rows = client.get(f"{API}/funds/{account}/deposit", headers=bearer(actor)).json()["items"]
        assert [row["kind"] for row in rows] == ["deducted", "deducted", "paid_in", "paid_in"]
    assert client.get(f"{API}/funds/{account}/deposit", headers=bearer(world.cast.stranger_admin)).status_code == 404
    assert client.post(url, {"amount": "1", "reason": "x"}).status_code == 403
    assert_sound()
