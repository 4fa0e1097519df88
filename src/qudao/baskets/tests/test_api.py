"""Baskets over the API."""

from uuid import uuid4

import pytest

from qudao.approvals.tests.make import Api
from qudao.orders.models import Order
from qudao.orders.tests.make import place


@pytest.fixture
def buyer(world):
    return Api(world.dealer)


def lines(answer):
    return [(one["code"], one["qty"]) for one in answer["lines"]]


def test_a_basket_is_filled_set_described_submitted_and_emptied(buyer, world):
    about = {"agreement_id": world.agreement.pk}
    status, made = buyer(
        "post", "/baskets", {**about, "lines": [{"code": "P1", "qty": 2}, {"product_id": world.products[1].pk, "qty": 1}, {"code": "X", "qty": 4}]}
    )
    assert (status, lines(made)) == (201, [("P1", "2.0000"), ("P2", "1.0000"), ("X", "4.0000")])
    status, made = buyer("post", "/baskets", {**about, "lines": [{"code": "P1", "qty": 3}]})
    assert lines(made)[0] == ("P1", "5.0000")
    at = f"/baskets/{made['id']}"
    assert buyer("post", f"{at}/submission", {})[0] == 422  # X is no product
    unknown = next(one["id"] for one in made["lines"] if one["code"] == "X")
    assert buyer("delete", f"{at}/lines/{unknown}")[0] == 200
    assert lines(buyer("put", "/baskets", {**about, "lines": [{"code": "P2", "qty": 0}]})[1]) == [("P1", "5.0000")]
    status, made = buyer("patch", "/baskets", {**about, "po_number": "PO-3"})
    assert (status, made["po_number"], buyer("get", at)[1]) == (200, "PO-3", made)
    assert buyer("post", f"{at}/submission", {"version": made["version"] - 1})[0] == 409
    key = str(uuid4())
    first = buyer("post", f"{at}/submission", {"version": made["version"], "client_id": key})
    assert first[0] == 201 and buyer("post", f"{at}/submission", {"client_id": key}) == first
    assert (Order.unscoped.get().po_number, buyer("get", at)[1]["lines"]) == ("PO-3", [])
    assert [one["id"] for one in buyer("get", "/baskets")[1]["items"]] == [made["id"]]
    buyer("post", f"/orders/{first[1]['id']}/again")
    assert lines(buyer("get", at)[1]) == [("P1", "5.0000")]
    assert buyer("delete", at)[1]["lines"] == []


def test_a_repeated_key_adds_once(buyer, world):
    body, key = {"agreement_id": world.agreement.pk, "lines": [{"code": "P1", "qty": 2}]}, {"Idempotency-Key": "0123456789"}
    assert buyer("post", "/baskets", body, **key) == buyer("post", "/baskets", body, **key)
    assert lines(buyer("get", f"/baskets/{buyer('get', '/baskets')[1]['items'][0]['id']}")[1]) == [("P1", "2.0000")]


def test_templates_and_favourites(buyer, world):
    made = buyer("post", "/baskets", {"agreement_id": world.agreement.pk, "lines": [{"code": "P1", "qty": 2}]})[1]
    status, kept = buyer("post", f"/baskets/{made['id']}/template", {"name": "Weekly"})
    assert (status, kept["own"]) == (201, True)
    assert buyer("put", f"/templates/{kept['id']}", {"name": "Each week", "shared": True})[1]["name"] == "Each week"
    colleague = Api(world.cast.dealer_admin)
    assert colleague("get", "/templates")[1]["items"] == [{**kept, "name": "Each week", "shared": True, "own": False}]
    assert colleague("delete", f"/templates/{kept['id']}")[0] == 403
    assert lines(colleague("post", f"/templates/{kept['id']}/loading")[1]) == [("P1", "2.0000")]
    product = world.products[0]
    assert buyer.client.put(f"/api/v1/favourites/{product.pk}").status_code == 204
    assert buyer("get", "/favourites")[1]["items"] == [{"product_id": product.pk, "code": "P1"}]
    assert buyer.client.delete(f"/api/v1/favourites/{product.pk}").status_code == 204
    assert buyer.client.delete(f"/api/v1/templates/{kept['id']}").status_code == 204
    assert buyer("get", "/templates")[1]["items"] == []


def test_others_do_not_see_a_basket(buyer, world):
    made = buyer("post", "/baskets", {"agreement_id": world.agreement.pk, "lines": [{"code": "P1", "qty": 2}]})[1]
    order = place(world, 1)
    for who in (world.cast.dealer_admin, world.cast.stranger, world.cast.hq_admin):
        api = Api(who)
        assert api("get", f"/baskets/{made['id']}")[0] == 404
        assert api("post", f"/baskets/{made['id']}/submission", {})[0] == 404
        assert api("delete", f"/baskets/{made['id']}/lines/{made['lines'][0]['id']}")[0] == 404
    assert Api(world.cast.stranger)("post", f"/orders/{order.pk}/again")[0] == 404
    assert Api(world.cast.hq_clerk)("get", "/baskets")[0] == 403
