"""Pages and API of shipments: one access ladder for every address, what each shows, and that nothing typed is lost."""

from __future__ import annotations

import json
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.base.tests.page_text import text
from qudao.fulfilment.actions import start_pick
from qudao.fulfilment.models import Difference, ReceiptLine, Shipment
from qudao.fulfilment.tests.make import encoded, lines, photo, place, received, shipped
from qudao.orders.tests.make import make_downstream
from qudao.people.tests.make import bearer, sign_in

API = "/api/v1"


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

    def call(actor, method, path, body=None, **headers):
        headers = bearer(actor) | headers
        answer = getattr(client, method)(API + path, json.dumps(body) if body is not None else None, content_type="application/json", headers=headers)
        return answer.status_code, answer.json()

    return call


def test_each_side_has_its_list(world, pages):
    planned, gone = start_pick(place(world, 1).pk, actor=world.cast.hq_warehouse), shipped(world, place(world, 2))
    mine = text(pages(world.cast.hq_warehouse, "shipments", side="sell"))
    assert planned.number in mine and gone.number in mine
    theirs = text(pages(world.dealer, "shipments", side="buy"))
    assert gone.number in theirs and planned.number not in theirs
    assert gone.number in text(pages(world.dealer, "shipments", tab="to_receive"))
    assert gone.number not in text(pages(world.cast.stranger, "shipments"))


@pytest.mark.parametrize("name", ["shipments", "differences"])
def test_a_list_takes_few_statements(world, client, name, django_assert_max_num_queries):
    received(world, place(world, 2), 1)
    sign_in(client, world.cast.hq_warehouse)
    client.get(reverse(name))
    with django_assert_max_num_queries(10):
        assert client.get(reverse(name)).status_code == 200


def test_the_document_offers_the_next_step_to_the_side_whose_it_is(world, pages):
    shipment = start_pick(place(world, 2).pk, actor=world.cast.hq_warehouse)
    shown = text(pages(world.cast.hq_warehouse, "shipment", shipment.pk))
    assert reverse("shipment_dispatch", args=[shipment.pk]) in shown and "P1" in shown
    assert reverse("shipment_dispatch", args=[shipment.pk]) not in text(pages(world.dealer, "shipment", shipment.pk))
    gone = shipped(world, place(world, 1))
    assert reverse("shipment_receipt", args=[gone.pk]) in text(pages(world.dealer, "shipment", gone.pk))
    assert pages(world.cast.stranger, "shipment", gone.pk).status_code == 404


def test_picking_dispatch_and_stopping_through_pages(world, pages):
    order = place(world, 5)
    assert pages(world.cast.hq_warehouse, "order_picking", order.pk).status_code == 200
    assert pages(world.cast.hq_warehouse, "order_picking", order.pk, data={}).status_code == 302
    shipment = Shipment.unscoped.get(order=order)
    assert pages(world.cast.hq_warehouse, "shipment_unpicking", shipment.pk, data={}).status_code == 302
    assert pages(world.cast.hq_warehouse, "shipment_picking", shipment.pk, data={}).status_code == 302
    (line,) = lines(shipment)
    asked = pages(world.cast.hq_warehouse, "shipment_dispatch", shipment.pk)
    assert 'value="5"' in text(asked)
    typed = {"lines-ref": [line.pk], "lines-qty": ["9"], "carrier": "SF", "tracking": "1"}
    refused = pages(world.cast.hq_warehouse, "shipment_dispatch", shipment.pk, data=typed)
    assert 'value="9"' in text(refused, 409) and "Only 5 were picked" in text(refused, 409)
    done = pages(world.cast.hq_warehouse, "shipment_dispatch", shipment.pk, data=typed | {"lines-qty": ["3"]})
    assert done.status_code == 302 and done.headers["Location"] == reverse("shipment", args=[shipment.pk])
    shipment.refresh_from_db()
    assert (shipment.state, shipment.carrier) == ("shipped", "SF")
    assert Shipment.unscoped.get(order=order, state="created").line_count == 1


def test_receiving_with_differences_through_the_page(world, pages):
    shipment = shipped(world, place(world, 10, 4))
    first, second = lines(shipment)
    asked = text(pages(world.dealer, "shipment_receipt", shipment.pk))
    assert 'value="10"' in asked and 'value="4"' in asked
    typed = {"lines-ref": [first.pk, second.pk], "lines-received": ["11", "4"], "lines-damaged": ["", ""], "lines-over": ["", "1"], "lines-note": ["", ""]}
    refused = pages(world.dealer, "shipment_receipt", shipment.pk, data=typed | {"note": "at the door"})
    assert 'value="11"' in text(refused, 422) and "at the door" in text(refused, 422)
    done = pages(
        world.dealer, "shipment_receipt", shipment.pk, data=typed | {"lines-received": ["7", "4"], "lines-damaged": ["2", ""], f"photo-{first.pk}": photo()}
    )
    assert done.status_code == 302
    assert {(d.kind, d.qty) for d in Difference.unscoped.all()} == {("damaged", D(2)), ("short", D(1)), ("over", D(1))}
    shown = text(pages(world.cast.hq_warehouse, "shipment", shipment.pk))
    assert "Received with differences" in shown
    assert shipment.number in text(pages(world.cast.hq_finance, "differences"))
    again = pages(world.dealer, "shipment_receipt", shipment.pk, data=typed)
    assert again.status_code == 409


def test_everything_of_an_order_is_shipped_in_one_step(world, pages):
    order = place(world, 1)
    assert pages(world.dealer, "order_shipping", order.pk, data={"carrier": "SF"}).status_code == 403
    assert pages(world.cast.hq_warehouse, "order_shipping", order.pk, data={"carrier": "SF"}).status_code == 302
    assert Shipment.unscoped.get().state == "shipped"


def test_the_order_page_shows_its_shipments(world, pages):
    order = place(world, 1)
    assert reverse("order_shipping", args=[order.pk]) in text(pages(world.cast.hq_warehouse, "order", order.pk))
    shipment = shipped(world, order)
    assert shipment.number in text(pages(world.dealer, "order", order.pk))


def test_amounts_of_differences_stay_with_the_two_sides(world, pages, api):
    make_downstream(world)
    received(world, place(world, 2), 1)
    assert "100.00" in text(pages(world.cast.hq_finance, "differences"))
    assert "100.00" in text(pages(world.dealer, "differences"))
    from_above = world.cast.hq_warehouse
    status, answer = api(from_above, "get", "/differences")
    assert status == 200 and [d["amount"] for d in answer["items"]] == ["100.00"]  # its own side


def test_the_api_ships_and_receives_once_for_each_key(world, api):
    order = place(world, 3)
    key = {"Idempotency-Key": "ship-0001"}
    first = api(world.cast.hq_warehouse, "post", f"/orders/{order.pk}/shipments", {"carrier": "SF", "tracking": "1"})
    assert first[0] == 201 and first[1]["state"] == "shipped"
    shipment = first[1]["id"]
    status, whole = api(world.dealer, "get", f"/shipments/{shipment}")
    assert status == 200 and whole["lines"][0]["qty"] == "3.0000" and whole["lines"][0]["received"] is None
    body = {"lines": [{"line_id": whole["lines"][0]["id"], "received": "2", "damaged": "1", "photos": [encoded()]}], "note": "ok"}
    assert api(world.dealer, "post", f"/shipments/{shipment}/receipt", body, **key)[0] == 201
    assert api(world.dealer, "post", f"/shipments/{shipment}/receipt", body)[0] == 409
    assert ReceiptLine.unscoped.get().damaged == 1
    assert api(world.dealer, "get", "/shipments")[1]["items"][0]["state"] == "received"
    assert api(world.cast.stranger, "get", f"/shipments/{shipment}")[0] == 404


def test_the_api_picks_parts(world, api):
    order = place(world, 5)
    status, picked = api(world.cast.hq_warehouse, "post", f"/orders/{order.pk}/picking", {"lines": [{"line_id": order.lines.get().pk, "qty": "4"}]})
    assert status == 201 and picked["state"] == "picking"
    assert api(world.cast.hq_warehouse, "post", f"/shipments/{picked['id']}/picking-cancellation")[0] == 200
    status, picked = api(world.cast.hq_warehouse, "post", f"/orders/{order.pk}/picking", {})
    line = Shipment.unscoped.get(pk=picked["id"]).lines.get()
    gone = api(world.cast.hq_warehouse, "post", f"/shipments/{picked['id']}/dispatch", {"lines": [{"line_id": line.pk, "qty": "2"}]})
    assert gone[0] == 200 and gone[1]["state"] == "shipped"
    assert api(world.dealer, "post", f"/shipments/{picked['id']}/dispatch", {})[0] == 403
