"""Agreements over the API."""

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.tests.make import Api
from qudao.catalog.tests.make import make_product

TERMS = {"code": "A1", "valid_from": "2026-01-01", "payment_days": 45, "invoice_on": "shipment"}


def test_an_agreement_lives_through_the_api(cast):
    hq, dealer = Api(cast.hq_admin), Api(cast.dealer)
    status, made = hq("post", "/agreements", {**TERMS, "buyer_id": cast.d001.pk})
    assert (status, made["state"], made["seller_code"], made["buyer_code"], made["invoice_on"]) == (201, "draft", "LH", "D001", "shipment")
    at = f"/agreements/{made['id']}"
    assert hq("put", at, {**TERMS, "payment_days": 60})[1]["payment_days"] == 60
    status, grant = hq("post", f"{at}/authorisations", {"valid_from": "2026-01-01"})
    assert (status, grant["allowed"], grant["product_id"]) == (201, True, None)
    assert hq("post", f"{at}/activation", {})[1]["state"] == "active"
    assert dealer("get", at)[1]["state"] == "active"
    assert dealer("get", f"{at}/authorisations")[1] == [grant]
    assert hq("delete", f"/authorisations/{grant['id']}")[0] == 200
    assert hq("post", f"{at}/suspension", {})[0] == 422
    assert hq("post", f"{at}/suspension", {"reason": "overdue"})[1]["state"] == "suspended"
    assert hq("post", f"{at}/end", {"reason": "exit"})[1]["state"] == "ended"
    status, problem = hq("post", f"{at}/activation", {})
    assert (status, problem["code"]) == (409, "agreements.state")


def test_sides_and_strangers(cast, django_assert_num_queries):
    made, product = make_agreement(cast.lh, cast.d001), make_product(cast.lh, "P")
    at = f"/agreements/{made.pk}"
    dealer, stranger = Api(cast.dealer_admin), Api(cast.stranger_admin)
    dealer("get", at)  # the first use of a token in a day is noted
    with django_assert_num_queries(2):  # who asks, agreements
        page = dealer("get", "/agreements?side=buyer&state=active")[1]
    assert [one["id"] for one in page["items"]] == [made.pk]
    assert dealer("get", "/agreements?side=seller")[1]["items"] == []
    assert dealer("post", f"{at}/end", {"reason": "x"})[0] == 403
    assert dealer("post", f"{at}/authorisations", {"valid_from": "2026-01-01", "product_id": product.pk})[0] == 403
    assert stranger("get", at)[0] == stranger("get", f"{at}/authorisations")[0] == stranger("post", f"{at}/end", {"reason": "x"})[0] == 404
    assert stranger("get", "/agreements")[1]["items"] == []
