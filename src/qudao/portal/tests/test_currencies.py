"""A dealer that trades with one seller in two currencies chooses which; one that trades in one is never asked."""

import re
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.base.access import system_actor
from qudao.base.tests.page_text import text
from qudao.baskets.actions import add_lines
from qudao.baskets.rules import Entry
from qudao.kernel import clock
from qudao.orders.models import Order
from qudao.orders.tests.make import START, make_credit, make_world
from qudao.payments.models import Payment
from qudao.people.tests.make import sign_in
from qudao.pricing.actions import set_rate
from qudao.pricing.rules import RateDraft

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client):
    client.cookies["qudao_language"] = "en"
    return make_world()


@pytest.fixture
def dollars(world):
    set_rate(world.cast.lh.pk, RateDraft("CNY", "USD", START, D("0.14")), actor=system_actor())
    made = make_agreement(world.cast.lh, world.cast.d001, currency="USD", code="A-USD")
    make_credit(made)
    return made


def options(page):
    return re.findall(r'<option value="(\d+)"[^>]*>([^<]*)', page[page.index('name="agreement"') :]) if 'name="agreement"' in page else []


def test_with_one_agreement_nobody_is_asked(client, world):
    sign_in(client, world.dealer)
    assert not options(text(client.get(reverse("shop"))))
    sign_in(client, world.cast.hq_finance)
    assert 'name="currency"' not in text(client.get(reverse("payment_new")))
    sign_in(client, world.cast.hq_clerk)
    assert 'name="currency"' not in text(client.get(reverse("transfer_new")))


def test_the_catalogue_has_a_basket_for_each_currency(client, world, dollars):
    for agreement, qty in ((world.agreement, 2), (dollars, 3)):
        add_lines(agreement.pk, [Entry(world.products[0].pk, D(qty))], actor=world.dealer)
    sign_in(client, world.dealer)
    for page in ("shop", "basket"):
        named = dict(options(text(client.get(reverse(page)))))
        assert named[str(world.agreement.pk)].endswith("· CNY") and named[str(dollars.pk)].endswith("· USD")
    for agreement, gross in ((world.agreement, "200.00"), (dollars, "42.00")):
        page = text(client.get(reverse("basket"), {"agreement": agreement.pk}))
        assert gross in page and agreement.currency in page


def test_who_types_the_code_of_a_dealer_says_which_of_its_agreements(client, world, dollars):
    sign_in(client, world.cast.hq_clerk)
    found = client.get(reverse("order_dealers"), {"q": "d001"}).json()["results"]
    assert [(one["pick"], one["note"]) for one in found] == [(world.agreement.pk, "CNY"), (dollars.pk, "USD")]
    lines = {"lines-code": [world.products[0].code], "lines-qty": ["2"]}
    assert client.post(reverse("order_new"), {"dealer": "d001", **lines}).status_code == 422
    picked = found[1]
    assert client.post(reverse("order_new"), {"dealer": picked["text"], "agreement": picked["pick"], **lines}).status_code == 302
    assert Order.unscoped.get().currency == "USD"


def test_money_says_its_currency(client, world, dollars):
    sign_in(client, world.cast.hq_finance)
    assert 'name="currency"' in text(client.get(reverse("payment_new")))
    facts = {"partner": world.cast.d001.pk, "amount": "10", "paid_on": clock.today().isoformat(), "method": "transfer"}
    assert "several currencies (CNY, USD)" in text(client.post(reverse("payment_new"), facts), 422)
    assert client.post(reverse("payment_new"), {**facts, "currency": "USD"}).status_code == 302
    assert Payment.unscoped.get().agreement_id == dollars.pk
