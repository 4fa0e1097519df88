"""The API of organisations, here because it needs people who sign in."""

import pytest

from qudao.people.tests.make import bearer

pytestmark = pytest.mark.django_db
URL = "/api/v1/organisations"


def test_organisations_over_the_api(client, cast):
    headers = bearer(cast.dealer_admin)

    def send(method, path, body=None):
        return getattr(client, method)(f"{URL}{path}", body or {}, content_type="application/json", headers=headers)

    items = client.get(f"{URL}?kind=dealer,hq", headers=headers).json()["items"]
    assert [(o["code"], o["state"]) for o in items] == [("S001", "active"), ("D001", "active"), ("LH", None)]
    made = send("post", "", {"kind": "outlet", "code": "s090", "name": "九零店", "parent_id": cast.d001.pk})
    assert made.status_code == 201 and made["Location"] == f"{URL}/{made.json()['id']}" and made.json()["code"] == "S090"
    one = f"/{made.json()['id']}"
    assert send("put", one, {"code": "S090", "name": "新名"}).json()["name"] == "新名"
    assert send("post", f"{one}/suspension", {"reason": "x"}).json()["state"] == "suspended"
    assert send("delete", f"{one}/suspension").json()["state"] == "active"
    assert send("post", f"{one}/move", {"parent_id": cast.s001.pk, "reason": "x"}).status_code == 403
    assert send("post", f"{one}/closure", {"reason": "x"}).status_code == 403
    bad = send("post", "", {"kind": "club", "code": "c", "name": "c", "parent_id": cast.d001.pk})
    assert bad.status_code == 422 and bad.json()["code"] == "network.kind"
    assert client.get(f"{URL}/{cast.d002.pk}", headers=headers).status_code == 404
    admin = bearer(cast.hq_admin)
    moved = client.post(f"{URL}{one}/move", {"parent_id": cast.d002.pk, "reason": "x"}, content_type="application/json", headers=admin)
    assert moved.json()["parent_id"] == cast.d002.pk
    assert client.post(f"{URL}{one}/closure", {"reason": "x"}, content_type="application/json", headers=admin).json()["state"] == "closed"
    assert client.get(f"{URL}?code=s090", headers=headers).json()["items"] == []
