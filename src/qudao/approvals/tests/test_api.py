"""Approval flows and waiting approvals over the API."""

from datetime import timedelta

from qudao.approvals.tests.make import Api, document, make_rule, open_for
from qudao.kernel import clock
from qudao.people.queries import unscoped_system_role


def test_flows_live_through_the_api(cast):
    hq, role = Api(cast.hq_admin), unscoped_system_role("hq_clerk")
    branch = {"name": "Big", "when": {"amount_from": "100.00", "types": ["sample"]}, "steps": [{"role_id": role}]}
    status, made = hq("post", "/approval-flows", {"kind": "orders.order", "name": "Orders", "branches": [branch]})
    assert (status, made["name"], [(one["no"], one["state"]) for one in made["versions"]]) == (201, "Orders", [(1, "draft")])
    assert made["versions"][0]["branches"][0]["when"]["types"] == ["sample"]
    at = f"/approval-flows/{made['id']}"
    assert hq("post", f"{at}/publication")[1]["versions"][0]["state"] == "published"
    assert hq("post", f"{at}/publication")[0] == hq("post", f"{at}/discard")[0] == 409
    hq("post", "/approval-flows", {"kind": "orders.order", "branches": []})
    assert hq("post", f"{at}/publication")[1]["code"] == "approvals.flow_empty"
    assert [one["no"] for one in hq("post", f"{at}/discard")[1]["versions"]] == [1]
    status, more = hq("post", "/approval-flows/rule", {"kind": "orders.order", "role_id": role, "min_amount": "5"})
    assert (status, [(one["no"], one["state"], len(one["branches"])) for one in more["versions"]]) == (201, [(2, "published", 2), (1, "superseded", 1)])
    assert [one["id"] for one in hq("get", "/approval-flows")[1]["items"]] == [made["id"]]
    assert hq("post", f"{at}/retirement")[1]["versions"][0]["state"] == "superseded" and hq("post", f"{at}/retirement")[0] == 409
    assert hq("post", "/approval-flows/rule", {"kind": "orders.order", "role_id": 0})[0] == 422


def test_others_neither_see_nor_change_flows(cast):
    flow_id = make_rule(cast.lh, "hq_clerk").flow_id
    dealer = Api(cast.dealer_admin)
    assert dealer("get", f"/approval-flows/{flow_id}")[0] == dealer("post", f"/approval-flows/{flow_id}/retirement")[0] == 404
    assert Api(cast.dealer)("get", "/approval-flows")[0] == 403


def test_what_waits_for_me(cast, django_assert_num_queries):
    make_rule(cast.lh, "hq_clerk")
    open_for(document(cast.lh, cast.d001), cast.dealer)
    hq = Api(cast.hq_clerk)
    hq("get", "/approvals")  # the first use of a token in a day is noted
    with django_assert_num_queries(2):  # who asks, steps
        (waiting,) = hq("get", "/approvals")[1]
    assert (waiting["number"], waiting["amount"], waiting["role"]) == ("SO-42", "1000.00", "hq_clerk")
    assert Api(cast.hq_finance)("get", "/approvals")[1] == []


def test_a_step_is_handed_on_and_a_signer_added_over_the_api(cast):
    make_rule(cast.lh, "hq_clerk")
    request = open_for(document(cast.lh, cast.d001), cast.dealer)
    hq, at = Api(cast.hq_clerk), f"/approvals/{request.pk}"
    status, found = hq("post", f"{at}/signers", {"user_id": cast.hq_finance.user_id, "before": True, "reason": "please look"})
    assert (status, [(step["role"], step["state"], step["signer_id"]) for step in found["steps"]]) == (
        200, [("hq_finance", "current", cast.hq_finance.user_id), ("hq_clerk", "waiting", None)],
    )  # fmt: skip
    assert hq("post", f"{at}/delegation", {"user_id": cast.hq_admin.user_id})[0] == 409  # it is finance's turn
    finance = Api(cast.hq_finance)
    assert finance("get", "/approvals")[1][0]["request_id"] == request.pk
    status, found = finance("post", f"{at}/delegation", {"user_id": cast.hq_admin.user_id, "reason": "yours"})
    assert (status, found["steps"][0]["signer_id"], found["steps"][0]["note"]) == (200, cast.hq_admin.user_id, "yours")
    assert finance("post", f"{at}/delegation", {"user_id": cast.hq_admin.user_id})[0] == 409
    assert Api(cast.hq_admin)("post", f"{at}/delegation", {"user_id": cast.dealer.user_id})[0] == 422
    assert Api(cast.dealer_admin)("post", f"{at}/delegation", {"user_id": cast.hq_admin.user_id})[0] == 404
    assert Api(cast.dealer)("post", f"{at}/signers", {"user_id": cast.hq_admin.user_id})[0] == 403


def test_a_deputy_is_named_and_ended_over_the_api(cast):
    hq, today = Api(cast.hq_clerk), clock.today()
    body = {"deputy_id": cast.hq_admin.user_id, "first_day": today.isoformat(), "last_day": (today + timedelta(days=5)).isoformat()}
    status, made = hq("post", "/absences", body)
    assert (status, made["user_id"], made["ended_at"]) == (201, cast.hq_clerk.user_id, None)
    assert [one["id"] for one in Api(cast.hq_admin)("get", "/absences")[1]] == [made["id"]]
    assert hq("post", "/absences", {**body, "deputy_id": cast.hq_clerk.user_id})[0] == 422
    assert Api(cast.hq_finance)("delete", f"/absences/{made['id']}")[0] == 404
    assert hq("delete", f"/absences/{made['id']}")[1]["ended_at"] and hq("delete", f"/absences/{made['id']}")[0] == 409
