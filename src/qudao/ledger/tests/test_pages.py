"""Pages and API of the books: only one's own, the same figures in both."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.base.models import ActionLog
from qudao.base.sheets import read
from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.ledger.models import Period
from qudao.ledger.tables import AgeingTable
from qudao.ledger.tests.make import invoice_subject, make_invoice, make_receipt
from qudao.people.tests.make import bearer, sign_in

D = Decimal
API = "/api/v1"
JSON = "application/json"


@pytest.fixture
def books(cast):
    """On 30 June LH has two open invoices on D001, one overdue, one on D002, and 40.00 of D001 not applied; D001 has one on S001."""
    with clock.freeze(datetime(2026, 6, 30, 4, tzinfo=UTC)):
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 1), D("113.00"), date(2026, 5, 1), days=30)
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 2), D("226.00"), date(2026, 6, 15), days=30)
        make_invoice(invoice_subject(cast.lh.pk, cast.d002.pk, 3), D("777.00"), date(2026, 6, 15), days=30)
        make_invoice(invoice_subject(cast.d001.pk, cast.s001.pk, 4), D("55.55"), date(2026, 6, 15), days=30)
        make_receipt(cast.lh.pk, cast.d001.pk, 1, D("40.00"), date(2026, 6, 20))
        yield cast


def test_accounts_list_the_own_counterparties(books, client):
    sign_in(client, books.hq_finance)
    shown = text(client.get(reverse("accounts")))
    assert "339.00" in shown and "777.00" in shown and "55.55" not in shown
    sign_in(client, books.dealer)
    shown = text(client.get(reverse("accounts"), {"tab": "payable"}))
    assert "339.00" in shown and "777.00" not in shown


def test_the_account_shows_what_is_due_open_documents_and_the_statement(books, client):
    sign_in(client, books.hq_finance)
    shown = text(client.get(reverse("account", args=[books.d001.pk]), {"since": "2026-05-01", "until": "2026-06-30"}))
    assert "INV-1" in shown and "PAY-1" in shown and "299.00" in shown and "INV-4" not in shown
    later = text(client.get(reverse("account", args=[books.d001.pk]), {"since": "2026-06-16", "until": "x"}))
    assert "339.00" in later and "PAY-1" in later
    sign_in(client, books.dealer)
    shown = text(client.get(reverse("account", args=[books.lh.pk]), {"side": "payable"}))
    assert "INV-1" in shown and "INV-3" not in shown
    assert client.get(reverse("account", args=[books.d002.pk])).status_code == 404
    assert client.get(reverse("account", args=[999999])).status_code == 404


def test_ageing_shows_each_side_of_the_own_books(books, client):
    sign_in(client, books.hq_finance)
    shown = text(client.get(reverse("ageing")))
    assert "113.00" in shown and "777.00" in shown and "40.00" in shown and "55.55" not in shown
    assert "113.00" not in text(client.get(reverse("ageing"), {"side": "payable"}))
    sign_in(client, books.hq_warehouse)
    assert client.get(reverse("ageing")).status_code == 403


def test_ageing_shows_who_owes_most_past_due_first_a_page_at_a_time_with_the_sums_of_all(books, client, monkeypatch):
    monkeypatch.setattr(AgeingTable, "per_page", 1)
    sign_in(client, books.hq_finance)
    first, second = text(client.get(reverse("ageing"))), text(client.get(reverse("ageing"), {"page": "2"}))
    assert "D001" in first and "D002" not in first and "?page=2" in first and "1 of 2" in first
    assert "D002" in second and "D001" not in second and "?page=1" in second
    assert "1,116.00" in first and "1,116.00" in second, "113 + 226 + 777"
    assert "Nothing is open on this side." in text(client.get(reverse("ageing"), {"page": "9"}))
    assert text(client.get(reverse("ageing"), {"page": "x"})).count("D001") == first.count("D001")


def test_ageing_is_exported_whole_and_logged(books, client, monkeypatch):
    monkeypatch.setattr(AgeingTable, "per_page", 1)
    sign_in(client, books.hq_finance)
    assert "as=xlsx" in text(client.get(reverse("ageing")))
    answer = client.get(reverse("ageing"), {"as": "xlsx", "page": "2"})
    cells = [cell for row in read("a.xlsx", answer.content) for cell in row]
    assert any("D001" in str(cell) for cell in cells) and any("D002" in str(cell) for cell in cells)
    assert ActionLog.unscoped.filter(verb="base.export", actor_name=books.hq_finance.name).count() == 1


@pytest.mark.parametrize("name", ["accounts", "ageing", "periods"])
def test_a_page_takes_few_statements(books, client, name, django_assert_max_num_queries):
    sign_in(client, books.hq_finance)
    client.get(reverse(name))
    with django_assert_max_num_queries(12):
        assert client.get(reverse(name)).status_code == 200


def test_a_month_is_locked_and_opened_again_by_finance(books, client):
    sign_in(client, books.hq_finance)
    assert client.post(reverse("period_lock"), {"month": "2026-13"}).status_code == 422
    assert client.post(reverse("period_lock"), {"month": "2026-06"}).status_code == 409
    assert client.post(reverse("period_lock"), {"month": "2026-04"}).status_code == 302
    assert "2026-04" in text(client.get(reverse("periods")))
    assert client.post(reverse("period_unlock"), {"month": "2026-04", "reason": "late"}).status_code == 302
    assert Period.unscoped.get().state == "open"
    sign_in(client, books.dealer)
    assert client.get(reverse("period_lock")).status_code == 403
    assert "2026-04" not in text(client.get(reverse("periods")))


# --- API ---


def test_ageing_and_open_items_of_the_own_books(books, client):
    answer = client.get(f"{API}/ledger/ageing", headers=bearer(books.hq_finance)).json()
    d001 = answer["items"][0]
    assert (answer["on"], d001["code"], d001["not_due"], d001["days_30"], d001["overdue"], d001["oldest_days"], d001["unapplied"]) == (
        "2026-06-30", "D001", "226.00", "113.00", "113.00", 30, "40.00"
    )  # fmt: skip
    other = client.get(f"{API}/ledger/ageing?org_id={books.d001.pk}", headers=bearer(books.hq_finance)).json()
    assert [row["code"] for row in other["items"]] == ["S001"]
    assert client.get(f"{API}/ledger/ageing?org_id={books.lh.pk}", headers=bearer(books.dealer)).status_code == 404
    assert client.get(f"{API}/ledger/ageing", headers=bearer(books.hq_warehouse)).status_code == 403
    items = client.get(f"{API}/ledger/open-items?limit=1&side=payable", headers=bearer(books.dealer)).json()
    assert [item["number"] for item in items["items"]] == ["INV-2"] and items["next_after"]
    rest = client.get(f"{API}/ledger/open-items?after={items['next_after']}&side=payable", headers=bearer(books.dealer)).json()
    assert [item["number"] for item in rest["items"]] == ["INV-1"]


def test_the_statement_of_both_sides_agrees(books, client):
    ours = client.get(f"{API}/ledger/statement?counterparty_id={books.d001.pk}&since=2026-06-01", headers=bearer(books.hq_finance)).json()
    theirs = client.get(f"{API}/ledger/statement?counterparty_id={books.lh.pk}&since=2026-06-01&side=payable", headers=bearer(books.dealer)).json()
    assert (ours["opening"], ours["closing"]) == (theirs["opening"], theirs["closing"]) == ("113.00", "299.00")
    assert [line["number"] for line in ours["lines"]] == ["INV-2", "PAY-1"]
    bad = client.get(f"{API}/ledger/statement?counterparty_id=1&since=2026-06-01&until=2026-05-01", headers=bearer(books.hq_finance))
    assert bad.status_code == 422 and bad.json()["code"] == "ledger.span"


def test_months_over_the_api(books, client):
    headers = bearer(books.hq_finance)
    assert client.post(f"{API}/ledger/periods/2026-04/lock", headers=headers).json() == {"month": "2026-04", "state": "locked"}
    assert client.post(f"{API}/ledger/periods/2026-04/lock", headers=headers).json()["code"] == "ledger.already_locked"
    assert client.post(f"{API}/ledger/periods/april/lock", headers=headers).status_code == 422
    reason = {"reason": "late invoice"}
    assert client.post(f"{API}/ledger/periods/2026-04/unlock", reason, content_type=JSON, headers=headers).json()["state"] == "open"
    assert client.get(f"{API}/ledger/periods", headers=headers).json()["items"] == [{"month": "2026-04", "state": "open"}]
    assert client.post(f"{API}/ledger/periods/2026-04/lock", headers=bearer(books.dealer)).status_code == 403
