"""Pages and API of payments: recording, announcing, confirming, applying; who sees what."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from qudao.base.tests.page_text import text
from qudao.billing.actions import issue_invoices
from qudao.fulfilment.tests.make import place, received
from qudao.kernel import clock
from qudao.payments.models import Payment
from qudao.people.tests.make import bearer, sign_in


@pytest.fixture
def pages(client):
    """page(actor, name, *args, data=None, **query) → response, as a signed-in person."""

    def page(actor, name, *args, data=None, **query):
        sign_in(client, actor)
        url = reverse(name, args=args)
        return client.get(url, query) if data is None else client.post(url, data)

    return page


@pytest.fixture
def api(client):
    """api(actor, method, path, body) → (status, answer), with a token."""

    def call(actor, method, path, body=None):
        answer = getattr(client, method)(
            "/api/v1" + path, json.dumps(body) if body is not None else None, content_type="application/json", headers=bearer(actor)
        )
        return answer.status_code, answer.json()

    return call


def billed(world, *quantities):
    order = place(world, *quantities)
    received(world, order)
    return issue_invoices(order.pk, actor=world.cast.hq_finance)[0]


def typed(partner, amount, **more):
    return {"partner": partner.pk, "amount": amount, "paid_on": clock.today().isoformat(), "method": "transfer", "reference": "", "note": ""} | more


def test_finance_records_a_payment_and_both_sides_read_it(world, pages):
    invoice = billed(world, 3)
    assert "D001" in text(pages(world.cast.hq_finance, "payment_new"))
    done = pages(world.cast.hq_finance, "payment_new", data=typed(world.cast.d001, "350", apply="on", reference="B-1"))
    payment = Payment.unscoped.get()
    assert done.headers["Location"] == reverse("payment", args=[payment.pk])
    for actor in (world.cast.hq_finance, world.dealer):
        assert invoice.number in text(pages(actor, "payment", payment.pk))
        assert payment.number in text(pages(actor, "payments"))
    assert pages(world.cast.stranger, "payment", payment.pk).status_code == 404
    assert payment.number not in text(pages(world.cast.stranger, "payments"))


def test_bad_input_comes_back_with_what_was_typed(world, pages):
    back = pages(world.cast.hq_finance, "payment_new", data=typed(world.cast.d001, "-5", reference="keep me"))
    assert "keep me" in text(back, 422)
    assert not Payment.unscoped.exists()


def test_a_buyer_announces_and_the_seller_confirms_or_declines(world, pages):
    billed(world, 1)
    assert pages(world.cast.dealer_admin, "payment_announcement").status_code == 200
    pages(world.cast.dealer_admin, "payment_announcement", data=typed(world.cast.lh, "100", reference="T"))
    pages(world.cast.dealer_admin, "payment_announcement", data=typed(world.cast.lh, "7"))
    second, first = Payment.unscoped.order_by("-id")
    assert reverse("payment_confirmation", args=[first.pk]) in text(pages(world.cast.hq_finance, "payment", first.pk))
    assert reverse("payment_confirmation", args=[first.pk]) not in text(pages(world.cast.dealer_admin, "payment", first.pk))
    assert pages(world.cast.hq_finance, "payment_confirmation", first.pk, data={}).status_code == 302
    assert pages(world.cast.hq_finance, "payment_refusal", second.pk, data={"reason": "not ours"}).status_code == 302
    assert [p.state for p in Payment.unscoped.order_by("id")] == ["applied", "declined"]


def test_applying_offers_what_the_rules_suggest(world, pages):
    pages(world.cast.hq_finance, "payment_new", data=typed(world.cast.d001, "250"))
    payment = Payment.unscoped.get()
    assert payment.state == "received"
    first, second = billed(world, 1), billed(world, 2)
    shown = text(pages(world.cast.hq_finance, "payment_applications", payment.pk))
    assert 'value="100.00"' in shown and 'value="150.00"' in shown and first.number in shown
    over = {"lines-ref": [first.pk, second.pk], "lines-amount": ["101", ""]}
    refused = pages(world.cast.hq_finance, "payment_applications", payment.pk, data=over)
    assert 'value="101"' in text(refused, 409)
    assert pages(world.cast.hq_finance, "payment_applications", payment.pk, data=over | {"lines-amount": ["", "200"]}).status_code == 302
    payment.refresh_from_db()
    assert payment.applied == 200


def test_a_list_takes_few_statements(world, client, django_assert_max_num_queries):
    sign_in(client, world.cast.hq_finance)
    client.post(reverse("payment_new"), typed(world.cast.d001, "250"))
    client.get(reverse("payments"))
    with django_assert_max_num_queries(10):
        assert client.get(reverse("payments")).status_code == 200


def test_the_api_records_announces_and_applies(world, api):
    invoice = billed(world, 3)
    sides = {"seller_id": world.cast.lh.pk, "buyer_id": world.cast.d001.pk}
    status, advance = api(world.cast.hq_finance, "post", "/payments", sides | {"amount": "100", "applications": []})
    assert (status, advance["state"], advance["applied"]) == (201, "received", "0.00")
    status, applied = api(world.cast.hq_finance, "post", f"/payments/{advance['id']}/applications", {})
    assert (status, applied["state"]) == (201, "applied")
    status, announced = api(world.cast.dealer_admin, "post", "/payments", sides | {"amount": "200", "reference": invoice.number})
    assert (status, announced["state"]) == (201, "announced")
    assert api(world.cast.dealer_admin, "post", f"/payments/{announced['id']}/confirmation", {})[0] == 403
    assert api(world.cast.hq_finance, "post", f"/payments/{announced['id']}/confirmation", {})[1]["state"] == "applied"
    assert api(world.cast.hq_finance, "post", f"/payments/{announced['id']}/refusal", {"reason": "x"})[0] == 409
    whole = api(world.dealer, "get", f"/payments/{announced['id']}")[1]
    assert [(a["invoice"], a["amount"], a["how"]) for a in whole["applications"]] == [(invoice.number, "200.00", "reference")]
    assert [p["amount"] for p in api(world.dealer, "get", "/payments")[1]["items"]] == ["200.00", "100.00"]
    assert api(world.cast.stranger, "get", f"/payments/{announced['id']}")[0] == 404
    status, problem = api(world.cast.hq_finance, "post", "/payments", sides | {"amount": "1", "applications": [{"invoice_id": invoice.pk, "amount": "1"}]})
    assert status == 409 and problem["faults"][0]["code"] == "payments.unknown_invoice"
