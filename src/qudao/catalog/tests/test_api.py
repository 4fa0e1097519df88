"""Products over the API."""

import pytest

from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.work import unit
from qudao.catalog import actions
from qudao.catalog.tests.make import make_product


@pytest.fixture
def hq(cast):
    return Api(cast.hq_admin)


def test_a_product_lives_through_the_api(hq):
    status, made = hq("post", "/products", {"code": "A", "name": "空调", "gtin": "6901234567892"})
    assert (status, made["gtin"], made["tax_rate"], made["owner_code"]) == (201, "06901234567892", "0.1300", "LH")
    at = f"/products/{made['id']}"
    assert hq("get", at) == (200, made)
    status, changed = hq("put", at, {"code": "A", "name": "热泵", "min_qty": "2"})
    assert (status, changed["name"], changed["min_qty"]) == (200, "热泵", "2.0000")
    assert hq("post", f"{at}/block", {"reason": "recall"})[1]["state"] == "blocked"
    assert hq("delete", f"{at}/block")[1]["state"] == "active"
    status, pack = hq("post", f"{at}/packs", {"name": "箱", "factor": "12"})
    assert (status, hq("get", f"{at}/packs")) == (201, (200, [{**pack, "factor": "12.0000"}]))
    assert hq("delete", f"/packs/{pack['id']}")[0] == 200


def test_faults_come_as_a_problem_with_fields(hq):
    status, problem = hq("post", "/products", {"code": " ", "name": "", "tax_rate": "13"})
    assert status == 422
    assert {fault["field"] for fault in problem["faults"]} == {"code", "name", "tax_rate"}
    assert all(fault["sentence"] for fault in problem["faults"])


def test_a_repeated_key_makes_one_product(hq):
    key = {"Idempotency-Key": "0123456789"}
    first = hq("post", "/products", {"code": "A", "name": "甲"}, **key)
    assert hq("post", "/products", {"code": "A", "name": "甲"}, **key) == first
    assert len(hq("get", "/products")[1]["items"]) == 1


def test_lists_go_by_pages_and_codes(hq, cast, django_assert_num_queries):
    made = [make_product(cast.lh, f"P{n}").pk for n in range(5)]
    page = hq("get", "/products?limit=2")[1]
    assert [one["id"] for one in page["items"]] == made[:2:-1]
    assert page["next_after"] == made[3]
    with django_assert_num_queries(5):  # who asks, products, and a line of the log about this export in a transaction of its own
        page = hq("get", f"/products?limit=2&after={made[1]}")[1]
    assert ([one["id"] for one in page["items"]], page["next_after"]) == ([made[0]], None)
    assert [one["code"] for one in hq("get", "/products?code=P1,P3,X")[1]["items"]] == ["P3", "P1"]
    assert hq("get", "/products?search=zzz")[1]["items"] == []


def test_others_see_nothing_and_change_nothing(cast):
    product = make_product(cast.lh, "A")
    dealer, stranger = Api(cast.dealer_admin), Api(cast.stranger)
    unit(lambda: actions.set_audience([cast.d001.pk], [(cast.lh.pk, cast.d001.pk)], actor=system_actor()))
    at = f"/products/{product.pk}"
    assert dealer("get", at)[0] == 200
    assert dealer("put", at, {"code": "A", "name": "x"})[0] == 403
    assert dealer("post", "/products", {"code": "A", "name": "x", "owner_id": cast.lh.pk})[0] == 403
    assert stranger("get", at)[0] == 404
    assert stranger("post", f"{at}/block", {"reason": "x"})[0] == 403


def test_categories(hq):
    status, top = hq("post", "/categories", {"code": "T", "name": "类"})
    assert (status, top["path"]) == (201, f"/{top['id']}/")
    below = hq("post", "/categories", {"code": "T1", "name": "类一", "parent_id": top["id"]})[1]
    assert [one["code"] for one in hq("get", "/categories")[1]] == ["T", "T1"]
    assert hq("put", f"/categories/{below['id']}", {"code": "T1", "name": "新"})[1]["path"] == f"/{below['id']}/"
