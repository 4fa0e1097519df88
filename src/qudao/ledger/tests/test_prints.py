"""The statement on paper: the figures of the account's page, for one's own books only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from qudao.base.models import ActionLog
from qudao.base.printing import pdf_of
from qudao.base.tests.pdf_text import pages_of
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, NotFound
from qudao.ledger.prints import STATEMENT
from qudao.ledger.tests.make import invoice_subject, make_invoice, make_receipt
from qudao.people.tests.make import sign_in


@pytest.fixture
def books(cast):
    """On 30 June D001 owes LH 113.00 (overdue) and 226.00; 40.00 of it are paid. D002 owes 777.00."""
    with clock.freeze(datetime(2026, 6, 30, 4, tzinfo=UTC)):
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 1), D("113.00"), date(2026, 5, 1), days=30)
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 2), D("226.00"), date(2026, 6, 15), days=30)
        make_invoice(invoice_subject(cast.lh.pk, cast.d002.pk, 3), D("777.00"), date(2026, 6, 15), days=30)
        make_receipt(cast.lh.pk, cast.d001.pk, 1, D("40.00"), date(2026, 6, 20))
        yield cast


def text(actor, org, language="en", **options):
    return "\n".join(pages_of(pdf_of(STATEMENT, actor, [org.pk], language=language, **options)))


def test_both_sides_print_the_same_balance(books):
    theirs = text(books.hq_finance, books.d001)
    for said in ("INV-1", "INV-2", "PAY-1", "Balance on 30 Jun 2026", "¥299.00", "¥339.00", "¥40.00", "1–30 days", "¥113.00"):
        assert said in theirs, said
    ours = text(books.dealer, books.lh, side="payable")
    assert "¥299.00" in ours and "INV-2" in ours and "777.00" not in ours + theirs
    assert "对账单 D001" in text(books.hq_finance, books.d001, language="zh-hans")


def test_the_span_begins_with_the_balance_before(books):
    later = text(books.hq_finance, books.d001, since="2026-06-16", until="2026-06-30")
    assert "INV-1" not in later and "Balance before" in later and "339.00" in later and "¥299.00" in later
    assert "INV-1" in text(books.hq_finance, books.d001, since="x", until="2026-99-99", side="x"), "what cannot be read is as if not said"


def test_only_ones_own_books_are_printed(books):
    with pytest.raises(NotFound):
        text(books.dealer, books.d002)
    with pytest.raises(NotFound):
        text(books.stranger, books.d001)
    with pytest.raises(Forbidden):
        text(replace(books.hq_warehouse, verbs=frozenset()), books.d001)


def test_the_page_of_the_account_leads_to_it(books, client):
    sign_in(client, books.hq_finance)
    address = f"/accounts/{books.d001.pk}/statement.pdf"
    assert address in client.get(f"/accounts/{books.d001.pk}/").content.decode()
    assert "¥299.00" in pages_of(client.get(address, {"since": "2026-05-01", "until": "2026-06-30"}).content)[0]


def test_the_list_of_accounts_prints_each_statement_of_its_side_in_one_click(books, client):
    owed = sign_in(client, books.hq_finance).get("/accounts/").content.decode()
    assert f"/accounts/{books.d001.pk}/statement.pdf?side=receivable&amp;currency=CNY" in owed and f"/accounts/{books.d002.pk}/statement.pdf" in owed
    assert client.get(f"/accounts/{books.d001.pk}/statement.pdf?side=receivable&currency=CNY")["Content-Type"] == "application/pdf"
    owing = sign_in(client, books.dealer).get("/accounts/?tab=payable").content.decode()
    assert f"/accounts/{books.lh.pk}/statement.pdf?side=payable" in owing and f"/accounts/{books.d002.pk}/" not in owing


def test_a_statement_says_who_printed_it(books, client):
    answer = sign_in(client, books.hq_finance).get(f"/accounts/{books.d001.pk}/statement.pdf", {"lang": "en"})
    code = answer["X-Export-Mark"]
    assert all(f"Printed by {books.hq_finance.name} on " in page and code in page for page in pages_of(answer.content))
    assert ActionLog.unscoped.get(verb="base.print").number == code
