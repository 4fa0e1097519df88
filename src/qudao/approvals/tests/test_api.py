"""Approval rules and waiting approvals over the API."""

from qudao.approvals.tests.make import Api, document, make_rule, open_for
from qudao.people.queries import unscoped_system_role


def test_rules_live_through_the_api(cast):
    hq = Api(cast.hq_admin)
    body = {"kind": "orders.order", "role_id": unscoped_system_role("hq_clerk"), "min_amount": "100.00"}
    status, made = hq("post", "/approval-rules", body)
    assert (status, made["min_amount"], made["position"], made["active"]) == (201, "100.00", 1, True)
    at = f"/approval-rules/{made['id']}"
    assert hq("put", at, {**body, "position": 2})[1]["position"] == 2
    assert [one["id"] for one in hq("get", "/approval-rules")[1]["items"]] == [made["id"]]
    assert hq("post", "/approval-rules", {**body, "position": 2})[0] == 409
    assert hq("delete", at)[1]["active"] is False
    assert hq("get", "/approval-rules")[1]["items"] == []
    assert hq("get", at)[0] == 200
    assert hq("post", "/approval-rules", {**body, "role_id": 0})[0] == 422


def test_others_neither_see_nor_change_rules(cast):
    rule = make_rule(cast.lh, "hq_clerk")
    dealer = Api(cast.dealer_admin)
    assert dealer("get", f"/approval-rules/{rule.pk}")[0] == dealer("delete", f"/approval-rules/{rule.pk}")[0] == 404
    assert Api(cast.dealer)("get", "/approval-rules")[0] == 403


def test_what_waits_for_me(cast, django_assert_num_queries):
    make_rule(cast.lh, "hq_clerk")
    open_for(document(cast.lh, cast.d001), cast.dealer)
    hq = Api(cast.hq_clerk)
    hq("get", "/approvals")  # the first use of a token in a day is noted
    with django_assert_num_queries(2):  # who asks, steps
        (waiting,) = hq("get", "/approvals")[1]
    assert (waiting["number"], waiting["amount"], waiting["role"]) == ("SO-42", "1000.00", "hq_clerk")
    assert Api(cast.hq_finance)("get", "/approvals")[1] == []
