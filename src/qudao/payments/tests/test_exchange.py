"""What paying an invoice in another currency gains or loses: by the rates of two days, to the cent, for each side in its own currency."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt
from qudao.fulfilment.tests.make import counts, shipped
from qudao.inventory.tests.make import make_places
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden
from qudao.kernel.period import DateSpan
from qudao.ledger.states import Side
from qudao.orders.actions import place_order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import START, make_credit
from qudao.payments import queries
from qudao.payments.actions import PaymentFacts, issue_credit, record_payment
from qudao.payments.rules import CreditAsk
from qudao.people.tests.make import bearer, sign_in
from qudao.pricing.actions import set_rate
from qudao.pricing.rules import RateDraft

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()
SPAN = DateSpan(START, None)


def rate(org, source, target, day, worth):
    set_rate(org.pk, RateDraft(source, target, day, D(worth)), actor=SYSTEM)


@pytest.fixture
def abroad(world):
    """An invoice of today over USD 98.00 to D002; LH keeps CNY → USD for its prices and USD → CNY: 6.50, from today on 7.00."""
    lh, buyer = world.cast.lh, world.cast.d002
    make_credit(make_agreement(lh, buyer, currency="USD", payment_days=30), D(1000))
    make_places(buyer)
    rate(lh, "CNY", "USD", START, "0.14")
    rate(lh, "USD", "CNY", START + timedelta(days=1), "6.50")
    rate(lh, "USD", "CNY", clock.today(), "7.00")
    order = place_order(Placing(lh.pk, buyer.pk, [NewLine(world.products[0].pk, D(7))]), actor=world.cast.hq_clerk, client_id=uuid4())
    shipment = shipped(world, order)
    confirm_receipt(shipment.pk, counts(shipment, (0,)), actor=SYSTEM)
    drain()
    return Invoice.unscoped.get(buyer=buyer)


def paid(world, amount, days_ago=9):
    facts = PaymentFacts(world.cast.lh.pk, world.cast.d002.pk, D(amount), paid_on=clock.today() - timedelta(days=days_ago))
    return record_payment(facts, actor=world.cast.hq_finance)


def told(world, side=Side.RECEIVABLE, actor=None):
    return queries.exchanges(actor or world.cast.hq_finance, side, SPAN)


def test_parts_of_an_invoice_lose_together_what_the_whole_loses(world, abroad, django_assert_num_queries):
    paid(world, "33.33")
    paid(world, "64.67")
    with django_assert_num_queries(1):
        second, first = told(world)
    assert (first.value, first.money_value, first.difference) == (D("233.31"), D("216.65"), D("-16.66"))
    assert (second.value, second.money_value, second.difference) == (D("452.69"), D("420.36"), D("-32.33"))
    assert first.value + second.value == D("98") * 7 and (first.rate, first.money_rate) == (D(7), D("6.5"))
    assert (first.rate_day, first.day, first.foreign, first.currency) == (clock.today(), clock.today() - timedelta(days=9), "USD", "CNY")
    assert queries.lacking_rates(told(world)) == []


def test_each_side_needs_its_own_rates_and_the_way_back_counts_by_its_inverse(world, abroad):
    paid(world, 98)
    finance = world.cast.stranger
    (mine,) = told(world, Side.PAYABLE, finance)
    assert mine.difference is None and mine.rate is None
    assert queries.lacking_rates([mine]) == [("USD", "CNY", clock.today() - timedelta(days=9))]
    rate(world.cast.d002, "CNY", "USD", START, "0.125")
    rate(world.cast.d002, "USD", "CNY", clock.today(), "9")
    (mine,) = told(world, Side.PAYABLE, finance)
    assert (mine.money_rate, mine.rate, mine.difference) == (D(8), D(9), D(98)), "its debt of 882.00 was paid with 784.00"
    assert told(world, Side.RECEIVABLE, finance) == []


def test_own_currency_and_credit_notes_of_the_same_invoice_differ_in_nothing(world, abroad):
    issue_credit(abroad.pk, [CreditAsk(abroad.lines.get().pk, D(1))], "price", actor=world.cast.hq_finance)
    assert [one.difference for one in told(world)] == [D(0)]
    record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(5)), actor=world.cast.hq_finance)
    assert len(told(world)) == 1


def test_page_sheet_and_api_tell_it_with_its_reasons_and_others_see_nothing(world, abroad):
    paid(world, 98)
    client = sign_in(Client(), world.cast.hq_finance)
    url = f"{reverse('exchange_differences')}?since={START}"
    page = text(client.get(url))
    assert abroad.number in page and "-49.00" in page.replace("−", "-") and "6.50" in page and "686.00" in page
    assert client.get(f"{url}&as=xlsx")["Content-Type"].endswith("sheet")
    assert reverse("exchange_differences") in client.get(reverse("accounts")).content.decode()
    headers = {"headers": bearer(world.cast.hq_finance)}
    (row,) = Client().get(f"/api/v1/exchange-differences?since={START}", **headers).json()["items"]
    assert (row["difference"], row["rate"], row["money_rate_day"]) == ("-49.00", "7.000000", str(START + timedelta(days=1)))
    assert Client().get(f"/api/v1/exchange-differences?since={clock.today()}&until={START}", **headers).status_code == 422
    assert Client().get(f"/api/v1/exchange-differences?since={START}", headers=bearer(world.cast.stranger)).json()["items"] == []
    with pytest.raises(Forbidden):
        told(world, actor=world.cast.hq_warehouse)
