"""Pages and API of invoices: who sees them, who sees amounts, and issuing."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.base.tests.page_text import text
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.fulfilment.tests.make import place, received
from qudao.orders.actions import place_order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_downstream
from qudao.people.tests.make import bearer, sign_in


@pytest.fixture
def pages(client):
    """page(actor, name, *args, data=None, **query) → response, as a signed-in person."""

    def page(actor, name, *args, data=None, **query):
        sign_in(client, actor)
        url = reverse(name, args=args)
        return client.get(url, query) if data is None else client.post(url, data)

    return page


def billed(world, *quantities):
    order = place(world, *quantities)
    received(world, order)
    return issue_invoices(order.pk, actor=world.cast.hq_finance)[0]


def downstream(world):
    """An invoice of D001 to S001 over 260.00."""
    make_downstream(world)
    people = world.cast
    order = place_order(Placing(people.d001.pk, people.s001.pk, [NewLine(world.products[0].pk, D(2))]), actor=people.sub_dealer)
    shipment = ship_order(order.pk, actor=people.dealer_admin)
    confirm_receipt(shipment.pk, actor=people.sub_dealer)
    return issue_invoices(order.pk, actor=people.dealer_admin)[0]


def test_each_side_has_its_list_and_its_document(world, pages):
    invoice = billed(world, 3)
    for actor, side in ((world.cast.hq_finance, "sell"), (world.dealer, "buy")):
        shown = text(pages(actor, "invoices", side=side))
        assert invoice.number in shown and "300.00" in shown
        assert "300.00" in text(pages(actor, "invoice", invoice.pk))
    assert invoice.number not in text(pages(world.dealer, "invoices", side="sell"))
    assert invoice.number not in text(pages(world.dealer, "invoices", tab="overdue"))
    assert invoice.number not in text(pages(world.cast.stranger, "invoices"))
    assert pages(world.cast.stranger, "invoice", invoice.pk).status_code == 404
    assert pages(world.cast.hq_warehouse, "invoices").status_code == 403


def test_a_list_takes_few_statements(world, client, django_assert_max_num_queries):
    billed(world, 2)
    sign_in(client, world.cast.hq_finance)
    client.get(reverse("invoices"))
    with django_assert_max_num_queries(10):
        assert client.get(reverse("invoices")).status_code == 200


def test_what_is_delivered_can_be_billed_from_the_order_page(world, pages):
    order = place(world, 3)
    received(world, order)
    assert pages(world.dealer, "order_invoicing", order.pk, data={}).status_code == 403
    assert pages(world.cast.hq_finance, "order_invoicing", order.pk).status_code == 200
    done = pages(world.cast.hq_finance, "order_invoicing", order.pk, data={})
    assert done.headers["Location"] == reverse("invoice", args=[Invoice.unscoped.get().pk])
    again = pages(world.cast.hq_finance, "order_invoicing", order.pk, data={})
    assert again.headers["Location"] == reverse("order", args=[order.pk])


def test_amounts_between_two_dealers_need_the_grant(world, client, pages):
    invoice = downstream(world)
    path = f"/api/v1/invoices/{invoice.pk}"
    assert client.get(path, headers=bearer(world.cast.hq_admin)).json()["gross"] == "260.00"  # holds the grant
    hidden = client.get(path, headers=bearer(world.cast.hq_clerk)).json()
    assert hidden["number"] == invoice.number and {hidden[n] for n in ("net", "tax", "gross", "paid")} == {None}
    assert {line["gross"] for line in hidden["lines"]} == {None}
    assert "260.00" not in text(pages(world.cast.hq_clerk, "invoice", invoice.pk)) + text(pages(world.cast.hq_clerk, "invoices"))
    assert client.get(path, headers=bearer(world.cast.stranger_admin)).status_code == 404


def test_the_api_issues_what_is_missing(world, client):
    order = place(world, 3)
    received(world, order)
    path = f"/api/v1/orders/{order.pk}/invoices"
    assert client.post(path, content_type="application/json", headers=bearer(world.cast.dealer_admin)).status_code == 403
    first = client.post(path, content_type="application/json", headers=bearer(world.cast.hq_finance))
    assert first.status_code == 201 and first.json()["items"][0]["gross"] == "300.00"
    again = client.post(path, content_type="application/json", headers=bearer(world.cast.hq_finance))
    assert (again.status_code, again.json()) == (200, {"items": []})
    whole = client.get(first.headers["Location"], headers=bearer(world.dealer)).json()
    assert whole["lines"][0]["qty"] == "3.0000" and whole["state"] == "issued"
    assert client.get("/api/v1/invoices", headers=bearer(world.dealer)).json()["items"][0]["number"] == "INV-LH-000001"
