"""People and tokens over the API: one access ladder for every address."""

import pytest

from qudao.people.models import ApiToken
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db
API = "/api/v1"


def test_me_says_who_acts(client, cast, django_assert_num_queries):
    headers = bearer(cast.dealer)
    client.get(f"{API}/me", headers=headers)  # the first use of the day is noted after the answer
    with django_assert_num_queries(3):  # the token, the person, the membership
        answer = client.get(f"{API}/me", headers=headers)
    assert answer.status_code == 200
    assert (answer.json()["email"], answer.json()["organisation"]["code"]) == ("dealer@example.com", "D001")
    assert client.get(f"{API}/me").status_code == 401
    assert client.get(f"{API}/me", headers={"Authorization": "Bearer qd_" + "x" * 43}).status_code == 401


def test_people_are_listed_invited_changed_and_ended(client, cast):
    headers = bearer(cast.dealer_admin)
    found = client.get(f"{API}/people?limit=2", headers=headers).json()
    assert [p["email"] for p in found["items"]] == ["sub_dealer@example.com", "dealer_admin@example.com"] and found["next_after"]
    rest = client.get(f"{API}/people?after={found['next_after']}&state=active&org_id={cast.d001.pk}", headers=headers).json()
    assert [p["email"] for p in rest["items"]] == ["dealer@example.com"] and rest["next_after"] is None
    body = {"email": "n@example.com", "name": "N", "org_id": cast.d001.pk, "role_id": unscoped_system_role("dealer_buyer")}
    answer = client.post(f"{API}/people", body, content_type="application/json", headers={**headers, "Idempotency-Key": "invite-0001"})
    again = client.post(f"{API}/people", body, content_type="application/json", headers={**headers, "Idempotency-Key": "invite-0001"})
    assert answer.status_code == 201 and again.content == answer.content
    assert answer.json()["state"] == "invited" and answer.json()["name"] == ""
    one = f"{API}/people/{cast.dealer.membership_id}"
    change = {"role_id": unscoped_system_role("shop_owner"), "scope": "self"}
    assert client.put(one, change, content_type="application/json", headers=headers).json()["role"] == "shop_owner"
    refused = client.put(one, {**change, "scope": "all"}, content_type="application/json", headers=headers)
    assert refused.status_code == 409 and refused.json()["code"] == "people.exceeds_scope"
    assert client.post(f"{one}/end", {"reason": "x"}, content_type="application/json", headers=headers).json()["state"] == "ended"
    assert client.get(one, headers=headers).json()["state"] == "ended"


def test_strangers_and_weak_roles_are_refused(client, cast):
    one = f"{API}/people/{cast.dealer.membership_id}"
    assert client.get(one).status_code == 401
    assert client.get(one, headers=bearer(cast.stranger_admin)).status_code == 404
    assert client.get(one, headers=bearer(cast.stranger)).status_code == 403
    assert client.post(f"{one}/end", {}, content_type="application/json", headers=bearer(cast.stranger_admin)).status_code == 404
    assert client.post(f"{one}/end", {}, content_type="application/json", headers=bearer(cast.hq_clerk)).status_code == 403


def test_tokens_are_made_by_people_only_and_revoked(client, cast):
    sign_in(client, cast.dealer)
    made = client.post(f"{API}/tokens", {"name": "ERP", "days": 30}, content_type="application/json")
    assert made.status_code == 201 and made.json()["token"].startswith("qd_")
    headers = {"Authorization": f"Bearer {made.json()['token']}"}
    listed = client.get(f"{API}/tokens", headers=headers).json()["items"]
    assert [t["name"] for t in listed] == ["ERP"] and "token" not in listed[0] and "sha256" not in listed[0]
    assert client.post(f"{API}/tokens", {"name": "more"}, content_type="application/json", headers=headers).status_code == 403
    assert client.post(f"{API}/tokens", {"name": " ", "days": 0}, content_type="application/json").status_code == 422
    assert client.delete(f"{API}/tokens/{made.json()['id']}", headers=bearer(cast.stranger)).status_code == 404
    assert client.delete(f"{API}/tokens/{made.json()['id']}", headers=headers).status_code == 200
    assert client.get(f"{API}/me", headers=headers).status_code == 401
    assert ApiToken.unscoped.get(pk=made.json()["id"]).revoked_at
