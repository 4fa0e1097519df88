"""Orders over the API: what a client may rely on when it retries, is refused, or sends nonsense."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal as D
from functools import cache
from uuid import uuid4

import pytest
from django.test import Client

from qudao.base.models import StoredAnswer
from qudao.base.rest import forget_answers
from qudao.inventory.tests.make import make_stock
from qudao.kernel import clock
from qudao.kernel.period import working_day
from qudao.orders.models import Order
from qudao.orders.tests.make import make_world
from qudao.people.tests.make import bearer

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world([5, 5, 5])


def body(world, qty=1, **more):
    line = {"product_id": world.products[0].pk, "qty": str(qty)}
    return {"client_id": str(uuid4()), "seller_id": world.cast.lh.pk, "buyer_id": world.cast.d001.pk, "lines": [line], **more}


@cache
def token_of(actor):
    return bearer(actor)["Authorization"]


@pytest.fixture(autouse=True)
def fresh_tokens():
    token_of.cache_clear()


def post(actor, path, data, key=""):
    headers = {"authorization": token_of(actor), **({"idempotency-key": key} if key else {})}
    return Client(headers=headers).post(f"/api/v1{path}", json.dumps(data), content_type="application/json")


def test_an_order_is_sent_to_a_chosen_address_and_to_another_one_later(world):
    clerk = world.cast.hq_clerk
    made = [
        post(world.dealer, f"/organisations/{world.cast.d001.pk}/addresses", {"recipient": name, "phone": "1", "street": f"{name} 路"}).json()["id"]
        for name in ("王芳", "李雷")
    ]
    placed = post(world.dealer, "/orders", body(world, address_id=made[1])).json()
    assert (placed["ship_name"], placed["ship_address"]) == ("李雷", "李雷 路")
    assert placed["promised_on"] == working_day(clock.today(), 2).isoformat()
    url = f"/api/v1/orders/{placed['id']}"
    answer = Client(headers={"authorization": token_of(clerk)}).put(f"{url}/address", {"address_id": made[0]}, content_type="application/json")
    assert answer.json()["ship_name"] == "王芳"
    read = Client(headers={"authorization": token_of(world.dealer)}).get(url).json()
    assert read["ship_phone"] == "1" and read["lines"][0]["promised_on"] == placed["promised_on"]
    refused = post(world.dealer, "/orders", body(world, address_id=987654))
    assert refused.status_code == 422 and "orders.address_unknown" in refused.content.decode()


def test_the_first_answer_is_replayed_byte_by_byte(world):
    data, key = body(world), uuid4().hex
    first, again = post(world.dealer, "/orders", data, key), post(world.dealer, "/orders", data, key)
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replay"]) == (201, 201, "true")
    assert first.content == again.content and first.headers["Location"] == again.headers["Location"]
    assert Order.unscoped.count() == 1 and json.loads(first.content)["status"] == "confirmed"


def test_another_body_under_the_same_key_is_a_conflict(world):
    key = uuid4().hex
    post(world.dealer, "/orders", body(world), key)
    answer = post(world.dealer, "/orders", body(world, 2), key)
    assert (answer.status_code, answer.json()["code"]) == (409, "base.other_body") and Order.unscoped.count() == 1


def test_the_key_of_one_caller_is_nothing_to_another(world):
    key, data = uuid4().hex, body(world)
    assert post(world.dealer, "/orders", data, key).status_code == 201
    assert post(world.cast.hq_clerk, "/orders", body(world, 2), key).status_code == 201


def test_a_refused_request_is_evaluated_anew(world):
    data, key = body(world, 6), uuid4().hex
    refused = post(world.dealer, "/orders", data, key)
    assert (refused.status_code, refused.headers["Content-Type"]) == (409, "application/problem+json")
    (fault,) = refused.json()["faults"]
    assert (fault["code"], fault["field"]) == ("inventory.short", "lines.1.qty") and fault["sentence"] and fault["remedy"]
    make_stock(world.shelf.main, {world.products[0].pk: D(10)})
    assert post(world.dealer, "/orders", data, key).status_code == 201


def test_after_thirty_days_a_key_is_new_and_forgotten(world):
    key = uuid4().hex
    post(world.dealer, "/orders", body(world), key)
    with clock.freeze(clock.now() + timedelta(days=31)):
        assert post(world.dealer, "/orders", body(world), key).status_code == 201
    StoredAnswer.unscoped.update(at=clock.now() - timedelta(days=31))
    assert forget_answers() == 1
    assert Order.unscoped.count() == 2 and not StoredAnswer.unscoped.exists()


def test_what_is_wrong_is_said_at_its_field(world):
    answer = post(world.dealer, "/orders", {"seller_id": "x"})
    assert answer.status_code == 422 and {f["field"] for f in answer.json()["faults"]} >= {"seller_id", "buyer_id", "lines"}
    assert post(world.dealer, "/orders", body(world), "short").json()["code"] == "base.bad_key"
    unknown = post(world.dealer, "/orders", body(world, lines=[{"product": "NOPE", "qty": "1"}]))
    assert (unknown.status_code, unknown.json()["faults"][0]["field"]) == (422, "lines.1.product")


def test_nobody_without_a_token_and_no_stranger_gets_in(world):
    assert Client().get("/api/v1/orders").status_code == 401
    order = post(world.dealer, "/orders", body(world)).json()
    path = f"/api/v1/orders/{order['id']}"
    assert Client(headers={"authorization": token_of(world.cast.stranger)}).get(path).status_code == 404
    seen = Client(headers={"authorization": token_of(world.cast.hq_clerk)}).get(path).json()
    assert seen["lines"][0]["price_steps"][0]["verdict"] == "chosen" and seen["side"] == "seller"


def test_every_verb_of_an_order_has_its_address(world):
    order = post(world.dealer, "/orders", body(world)).json()
    at = f"/orders/{order['id']}"
    assert post(world.dealer, f"{at}/cancellation", {"reason": ""}).status_code == 422
    assert post(world.dealer, f"{at}/cancellation", {"reason": "changed"}).json()["status"] == "cancelled"
    for verb in ("approval", "rejection", "withdrawal", "submission", "short-closing"):
        actor = world.dealer if verb in ("withdrawal", "submission") else world.cast.hq_clerk
        assert post(actor, f"{at}/{verb}", {"reason": "x"}).status_code == 409, verb
    life = Client(headers={"authorization": token_of(world.dealer)}).get(f"/api/v1{at}/timeline").json()
    assert [(x["verb"], x["channel"], x["after"]) for x in life] == [("orders.place", "api", "confirmed"), ("orders.cancel", "api", "cancelled")]


def test_what_has_the_wrong_shape_or_stands_nowhere_is_said_in_the_callers_language_and_form(world, client):
    chinese = bearer(world.dealer) | {"Accept-Language": "zh-CN"}
    body = {"seller_id": "x", "buyer_id": 1, "lines": [{"product": "P1", "qty": "many"}], "requested_on": "soon", "kind": "gift"}
    answer = client.post("/api/v1/orders", json.dumps(body), content_type="application/json", headers=chinese).json()
    said = {one["field"]: one["sentence"] for one in answer["faults"]}
    assert set(said) == {"seller_id", "lines.0.qty", "requested_on", "kind"}
    assert not [sentence for sentence in said.values() if "Input" in sentence or "should" in sentence]
    nowhere = client.get("/api/v1/nowhere", headers=chinese)
    assert (nowhere.status_code, nowhere["Content-Type"], nowhere.json()["code"]) == (404, "application/problem+json", "base.not_found")
