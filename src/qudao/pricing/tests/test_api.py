"""Prices over the API."""

import pytest

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.tests.make import Api
from qudao.catalog.tests.make import make_product


@pytest.fixture
def trade(cast):
    return make_agreement(cast.lh, cast.d001), make_product(cast.lh, "P"), Api(cast.hq_admin), Api(cast.dealer), Api(cast.stranger)


def test_a_list_is_made_filled_assigned_and_quoted(trade):
    agreement, product, hq, dealer, stranger = trade
    status, made = hq("post", "/price-lists", {"code": "L", "name": "价目", "is_base": True})
    assert (status, made["currency"]) == (201, "CNY")
    at = f"/price-lists/{made['id']}"
    rows = [{"product_id": product.pk, "amount": amount, "min_qty": qty, "valid_from": "2026-01-01"} for qty, amount in (("0", "10"), ("5", "9"))]
    assert hq("post", f"{at}/prices", {"prices": rows})[0] == 201
    status, page = dealer("get", f"{at}/prices?on=2026-06-01")
    assert [(one["amount"], one["product_code"]) for one in page["items"]] == [("9.000000", "P"), ("10.000000", "P")]
    asked = {"on": "2026-06-01", "items": [{"product_id": product.pk, "qty": "7"}, {"product_id": 0, "qty": "1"}]}
    status, (first, second) = dealer("post", f"/agreements/{agreement.pk}/quotes", asked)
    assert (status, first["amount"], first["source"], second["amount"]) == (200, "9.000000", "base", None)
    assert [step["verdict"] for step in first["steps"]] == ["chosen", "smaller_break"]
    assert hq("put", at, {"code": "L", "name": "新", "is_base": False})[1]["is_base"] is False
    assert dealer("get", at)[0] == 404  # neither base nor assigned any more
    assert hq("post", f"/agreements/{agreement.pk}/price-lists", {"list_id": made["id"], "priority": 3})[0] == 201
    assert dealer("get", f"/agreements/{agreement.pk}/price-lists")[1][0]["priority"] == 3
    assert dealer("get", "/price-lists")[1]["items"][0]["id"] == made["id"]
    price_id = page["items"][0]["id"]
    assert hq("post", f"/prices/{price_id}/end", {"last_day": "2099-01-01"})[0] == 200
    assert hq("delete", f"/agreements/{agreement.pk}/price-lists/{made['id']}")[0] == 200
    assert stranger("get", at)[0] == stranger("post", f"/agreements/{agreement.pk}/quotes", asked)[0] == 404


def test_special_prices(trade):
    agreement, product, hq, dealer, stranger = trade
    at = f"/agreements/{agreement.pk}/special-prices"
    row = {"product_id": product.pk, "amount": "7.5", "valid_from": "2026-01-01", "reason": "tender"}
    status, (made,) = hq("post", at, {"prices": [row]})
    assert status == 201
    assert [(one["id"], one["amount"], one["source"]) for one in dealer("get", at)[1]] == [(made, "7.500000", "manual")]
    assert stranger("get", at)[0] == 404
    assert dealer("post", at, {"prices": [row]})[0] == 403
    assert hq("post", f"/special-prices/{made}/end", {"last_day": "2099-01-01"})[0] == 422
    assert hq("post", f"/special-prices/{made}/end", {"last_day": "2099-01-01", "reason": "lost"})[0] == 200
    status, problem = hq("post", at, {"prices": [{**row, "amount": "0"}]})
    assert (status, problem["faults"][0]["field"]) == (422, "rows.0.amount")


def test_prices_between_others_need_the_grant(trade, cast):
    lower = make_agreement(cast.d001, cast.s001)
    asked = {"items": [{"product_id": 1, "qty": "1"}]}
    assert Api(cast.hq_finance)("post", f"/agreements/{lower.pk}/quotes", asked)[0] == 200  # holds trade.downstream_prices
    assert Api(cast.hq_clerk)("post", f"/agreements/{lower.pk}/quotes", asked)[0] == 403
