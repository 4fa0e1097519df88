"""Pages and API of stock: one access ladder for every address, and what each shows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.base.tests.page_text import text
from qudao.inventory.actions import reserve
from qudao.inventory.models import Place, Stock, SupplyPlace
from qudao.inventory.rules import Demand
from qudao.inventory.tests.make import ORDER, in_unit, levels, make_places, make_stock
from qudao.kernel import clock
from qudao.kernel.period import working_day
from qudao.people.tests.make import bearer, sign_in

D = Decimal
API = "/api/v1"
JSON = "application/json"


@pytest.fixture
def pages(client):
    """page(actor, name, *args, data=None, **query) → response, as a signed-in person."""

    def page(actor, name, *args, data=None, **query):
        sign_in(client, actor)
        url = reverse(name, args=args)
        return client.get(url, query) if data is None else client.post(url, data)

    return page


def test_the_list_shows_ones_own_stock_with_what_is_free(cast, shelf, pages):
    in_unit(reserve, [Demand(shelf.main, shelf.products[0].pk, D(3), 1)], ORDER)
    shown = text(pages(cast.hq_warehouse, "stock"))
    assert "P1" in shown and "P3" in shown
    assert ">P2<" not in text(pages(cast.hq_warehouse, "stock", tab="reserved"))
    assert ">P1<" not in text(pages(cast.dealer, "stock", tab="all"))
    assert pages(cast.hq_finance, "stock").status_code == 200


@pytest.mark.parametrize("name", ["stock", "moves", "places"])
def test_a_list_takes_few_statements(cast, shelf, client, name, django_assert_max_num_queries):
    sign_in(client, cast.hq_warehouse)
    client.get(reverse(name))
    with django_assert_max_num_queries(12):
        assert client.get(reverse(name)).status_code == 200


def test_a_stock_row_shows_its_moves_and_reservations_to_the_owner_only(cast, shelf, pages):
    in_unit(reserve, [Demand(shelf.main, shelf.products[0].pk, D(3), 1)], ORDER)
    row = Stock.unscoped.get(place=shelf.main, product=shelf.products[0])
    shown = text(pages(cast.hq_warehouse, "stock_item", row.pk))
    assert "SO-1" in shown and reverse("stock_adjustment", args=[row.pk]) in shown
    assert pages(cast.dealer, "stock_item", row.pk).status_code == 404
    assert pages(cast.stranger_admin, "stock_adjustment", row.pk).status_code == 404
    assert pages(cast.dealer, "stock_adjustment", row.pk).status_code == 403
    theirs = make_places(cast.d001)["MAIN"]
    make_stock(theirs, {shelf.products[0].pk: 4})
    foreign = Stock.unscoped.get(place=theirs)
    shown = text(pages(cast.hq_warehouse, "stock_item", foreign.pk))
    assert reverse("stock_adjustment", args=[foreign.pk]) not in shown


def test_an_adjustment_from_the_page_keeps_what_was_typed_when_refused(cast, shelf, pages):
    row = Stock.unscoped.get(place=shelf.main, product=shelf.products[0])
    refused = pages(cast.hq_warehouse, "stock_adjustment", row.pk, data={"counted": "10", "reason": "as before"})
    assert "as before" in text(refused, 409)
    done = pages(cast.hq_warehouse, "stock_adjustment", row.pk, data={"counted": "12.5", "reason": "found"})
    assert done.status_code == 302
    row.refresh_from_db()
    assert row.on_hand == D("12.5")


def test_opening_stock_line_by_line_tells_every_wrong_line(cast, shelf, pages):
    lines = {"place": shelf.main, "reason": "sheet 7", "lines-product": ["p1", "NONE", "P2"], "lines-qty": ["2", "1", "x"]}
    refused = pages(cast.hq_warehouse, "stock_opening", data=lines)
    assert text(refused, 422).count("is not a number") == 1 and "There is no such product" in text(refused, 422)
    good = {**lines, "lines-product": ["p1", "P2"], "lines-qty": ["2", "1,000"]}
    assert pages(cast.hq_warehouse, "stock_opening", data=good).status_code == 302
    found = levels(shelf.main)
    assert [found[shelf.main, p.pk][0] for p in shelf.products] == [D(12), D(1010), D(10)]
    assert pages(cast.hq_warehouse, "stock_opening", data={"place": shelf.main, "reason": "x"}).status_code == 422
    assert pages(cast.dealer, "stock_opening").status_code == 403


def test_the_list_leads_to_the_import_for_who_may_import(cast, shelf, pages):
    door = reverse("import_new", args=["inventory.opening"])
    assert door in text(pages(cast.hq_warehouse, "stock")) and door not in text(pages(cast.hq_finance, "stock"))


def test_a_warehouse_is_opened_once_per_code(cast, shelf, pages):
    assert pages(cast.hq_warehouse, "place_new", data={"code": "east", "name": "东仓"}).status_code == 302
    assert Place.unscoped.filter(code="EAST", owner=cast.lh).exists()
    assert "EAST" in text(pages(cast.hq_warehouse, "places"))
    assert "EAST" not in text(pages(cast.dealer, "places"))
    assert pages(cast.dealer, "place_new").status_code == 403


def test_moves_are_found_by_product_and_place(cast, shelf, pages):
    assert "P1" in text(pages(cast.hq_warehouse, "moves", product="p1", place=shelf.main))
    assert "P2" not in text(pages(cast.hq_warehouse, "moves", product="p1"))
    assert "P1" not in text(pages(cast.dealer, "moves"))


# --- API ---


def test_stock_moves_and_places_by_keyset(cast, shelf, client):
    headers = bearer(cast.hq_warehouse)
    first = client.get(f"{API}/stock?limit=2&place_id={shelf.main}", headers=headers).json()
    assert [row["product_code"] for row in first["items"]] == ["P3", "P2"]
    rest = client.get(f"{API}/stock?limit=2&place_id={shelf.main}&after={first['next_after']}", headers=headers).json()
    assert [(row["product_code"], row["free"], row["unit"]) for row in rest["items"]] == [("P1", "10.0000", "台")]
    assert rest["next_after"] is None
    moves = client.get(f"{API}/moves?product_id={shelf.products[0].pk}", headers=headers).json()["items"]
    assert [(m["qty"], m["to_place_id"]) for m in moves] == [("10.0000", shelf.main)]
    assert client.get(f"{API}/places?kind=stock", headers=bearer(cast.stranger)).json()["items"] == []
    assert client.get(f"{API}/stock", headers=bearer(cast.dealer)).json()["items"] == []
    assert client.get(f"{API}/stock").status_code == 401


def test_openings_and_adjustments_are_idempotent(cast, shelf, client):
    headers = {**bearer(cast.hq_warehouse), "Idempotency-Key": "opening-0001"}
    body = {"lines": [{"product_id": shelf.products[0].pk, "qty": "2.5"}], "reason": "count"}
    for _again in range(2):
        assert client.post(f"{API}/places/{shelf.main}/openings", body, content_type=JSON, headers=headers).status_code == 201
    assert levels(shelf.main)[shelf.main, shelf.products[0].pk][0] == D("12.5")
    count = {"product_id": shelf.products[0].pk, "counted": "12", "reason": "one half broke"}
    answer = client.post(f"{API}/places/{shelf.main}/adjustments", count, content_type=JSON, headers=bearer(cast.hq_warehouse))
    assert answer.json()["on_hand"] == "12.0000"
    again = client.post(f"{API}/places/{shelf.main}/adjustments", count, content_type=JSON, headers=bearer(cast.hq_warehouse))
    assert again.status_code == 409 and again.json()["faults"][0]["code"] == "inventory.no_difference"
    assert client.post(f"{API}/places/{shelf.main}/openings", body, content_type=JSON, headers=bearer(cast.dealer)).status_code == 403
    assert client.post(f"{API}/places/{shelf.main}/openings", body, content_type=JSON, headers=bearer(cast.stranger_admin)).status_code == 404
    bad = client.post(f"{API}/places/{shelf.main}/openings", {**body, "lines": []}, content_type=JSON, headers=bearer(cast.hq_warehouse))
    assert bad.status_code == 422


def test_a_place_is_opened_over_the_api(cast, shelf, client):
    answer = client.post(f"{API}/places", {"code": "west"}, content_type=JSON, headers=bearer(cast.hq_warehouse))
    assert answer.status_code == 201 and answer.json()["code"] == "WEST"
    assert client.post(f"{API}/places", {"code": "x"}, content_type=JSON, headers=bearer(cast.dealer)).status_code == 403


def test_availability_is_told_to_the_sides_as_the_seller_chose(cast, shelf, agreement, client):
    url = f"{API}/agreements/{agreement.pk}/availability?product_id={shelf.products[0].pk}"
    told = {"product_id": shelf.products[0].pk, "band": "in_stock", "qty": None, "promise": [{"on": working_day(clock.today(), 2).isoformat(), "qty": None}]}
    assert client.get(url, headers=bearer(cast.dealer)).json()["items"] == [told]
    assert client.get(url, headers=bearer(cast.stranger)).status_code == 404
    put = {"place_id": shelf.main, "shows": "exact", "lead_days": 1}
    supply = f"{API}/agreements/{agreement.pk}/supply-place"
    assert client.put(supply, put, content_type=JSON, headers=bearer(cast.hq_warehouse)).json() == {"agreement_id": agreement.pk, **put}
    assert SupplyPlace.unscoped.get().shows == "exact"
    told = client.get(f"{url}&qty=12", headers=bearer(cast.dealer)).json()["items"][0]
    assert told["qty"] == "10.0000"
    assert told["promise"] == [{"on": working_day(clock.today(), 1).isoformat(), "qty": "10.0000"}, {"on": None, "qty": "2.0000"}]
    assert client.put(supply, put, content_type=JSON, headers=bearer(cast.dealer)).status_code == 403
