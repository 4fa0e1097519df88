"""Pages and API of credit: both sides see the same, only the seller's finance changes it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.base.subject import Subject
from qudao.base.tests.page_text import text
from qudao.funds.actions import hold
from qudao.funds.tests.make import fill, in_unit, order
from qudao.kernel import clock
from qudao.ledger.actions import ItemSpec, open_items
from qudao.people.tests.make import bearer, sign_in

D = Decimal
API = "/api/v1"
JSON = "application/json"


@pytest.fixture
def used(cast, agreement, account):
    """The account with an order, and an overdue invoice of 250.00."""
    in_unit(hold, agreement.pk, D("123.45"), order(1))
    fill(agreement, invoiced="250.00")
    today = clock.today()
    invoice = Subject("billing.invoice", 1, cast.lh.pk, cast.d001.pk, "INV-1")
    in_unit(open_items, [ItemSpec(invoice, today - timedelta(days=40), today - timedelta(days=10), D("250.00"))])
    return account


def test_the_list_and_the_account_are_seen_by_both_sides_only(cast, used, client):
    for actor in (cast.hq_finance, cast.dealer):
        sign_in(client, actor)
        assert "626.55" in text(client.get(reverse("funds")))
        shown = text(client.get(reverse("fund", args=[used.pk])))
        assert "626.55" in shown and "INV-1" in shown and "SO-1" in shown and "250.00" in shown
    for actor in (cast.stranger_admin, cast.sub_dealer):
        sign_in(client, actor)
        assert "626.55" not in text(client.get(reverse("funds")))
        assert client.get(reverse("fund", args=[used.pk])).status_code == 404
    sign_in(client, cast.hq_warehouse)
    assert client.get(reverse("funds")).status_code == 403


def test_only_the_sellers_finance_is_offered_to_change_it(cast, used, client):
    sign_in(client, cast.dealer_admin)
    shown = text(client.get(reverse("fund", args=[used.pk])))
    assert f'{reverse("fund_limit", args=[used.pk])}"' not in shown
    refused = client.post(reverse("fund_limit", args=[used.pk]), {"limit": "9999", "grace_days": "0", "reason": "please"})
    assert refused.status_code == 403
    sign_in(client, cast.hq_finance)
    assert reverse("fund_limit", args=[used.pk]) in text(client.get(reverse("fund", args=[used.pk])))


def test_finance_sets_limit_and_freezes_from_the_page(cast, used, client):
    sign_in(client, cast.hq_finance)
    url = reverse("fund_limit", args=[used.pk])
    assert "1000" in text(client.get(url))
    bad = client.post(url, {"limit": "2000", "temp_limit": "5", "grace_days": "0", "reason": "keep this"})
    assert "keep this" in text(bad, 422)
    assert client.post(url, {"limit": "2000", "grace_days": "10", "reason": "good payer"}).status_code == 302
    used.refresh_from_db()
    assert (used.limit_amount, used.grace_days) == (D(2000), 10)
    stop = {"state": "stop", "until": "2099-12-31", "reason": "cheque bounced"}
    assert client.post(reverse("fund_freeze", args=[used.pk]), stop).status_code == 302
    assert "cheque bounced" in text(client.get(reverse("fund", args=[used.pk])))
    assert client.post(reverse("fund_unfreeze", args=[used.pk]), {"reason": "paid"}).status_code == 302
    used.refresh_from_db()
    assert (used.by_hand, used.by_hand_until, used.state) == ("", None, "watch")


def test_the_pages_take_few_statements(cast, used, client, django_assert_max_num_queries):
    sign_in(client, cast.hq_finance)
    client.get(reverse("funds"))
    with django_assert_max_num_queries(12):
        assert client.get(reverse("funds")).status_code == 200
    with django_assert_max_num_queries(18):
        assert client.get(reverse("fund", args=[used.pk])).status_code == 200


# --- API ---


def test_credit_is_read_by_both_sides(cast, used, agreement, client):
    for actor in (cast.hq_finance, cast.dealer):
        card = client.get(f"{API}/agreements/{agreement.pk}/credit", headers=bearer(actor)).json()
        assert (card["limit"], card["exposure"], card["available"], card["overdue"], card["overdue_days"]) == ("1000.00", "373.45", "626.55", "250.00", 10)
        assert [a["id"] for a in client.get(f"{API}/funds", headers=bearer(actor)).json()["items"]] == [used.pk]
        entries = client.get(f"{API}/funds/{used.pk}/entries?limit=1", headers=bearer(actor)).json()
        assert entries["items"][0]["bucket"] == "invoiced" and entries["next_after"]
    assert client.get(f"{API}/agreements/{agreement.pk}/credit", headers=bearer(cast.stranger)).status_code == 404
    assert client.get(f"{API}/funds/{used.pk}/entries", headers=bearer(cast.stranger)).status_code == 404
    assert client.get(f"{API}/funds", headers=bearer(cast.hq_warehouse)).status_code == 403


def test_limit_and_freeze_over_the_api(cast, used, client):
    headers = bearer(cast.hq_finance)
    body = {"limit": "3000.00", "reason": "year review"}
    answer = client.put(f"{API}/funds/{used.pk}/limit", body, content_type=JSON, headers={**headers, "Idempotency-Key": "limit-0001"})
    assert answer.status_code == 200 and answer.json()["available"] == "2626.55"
    assert client.put(f"{API}/funds/{used.pk}/limit", body, content_type=JSON, headers=bearer(cast.dealer)).status_code == 403
    assert client.put(f"{API}/funds/{used.pk}/limit", body, content_type=JSON, headers=bearer(cast.dealer_admin)).status_code == 403
    assert client.put(f"{API}/funds/{used.pk}/limit", body, content_type=JSON, headers=bearer(cast.stranger_admin)).status_code == 404
    assert client.put(f"{API}/funds/{used.pk}/limit", {**body, "limit": "-1"}, content_type=JSON, headers=headers).status_code == 422
    reason = {"reason": "cheque"}
    assert client.post(f"{API}/funds/{used.pk}/freeze", reason, content_type=JSON, headers=headers).json()["state"] == "stop"
    assert client.post(f"{API}/funds/{used.pk}/freeze", reason, content_type=JSON, headers=headers).status_code == 409
    assert client.post(f"{API}/funds/{used.pk}/unfreeze", reason, content_type=JSON, headers=headers).json()["by_hand"] == ""
