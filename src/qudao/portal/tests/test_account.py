"""The account page of both sides: the same cent, what is open, the statement without its history, and a payment that closes what was chosen."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from python_calamine import CalamineWorkbook

from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.kernel import clock
from qudao.kernel.period import DateSpan
from qudao.ledger.tests.make import invoice_subject, make_invoice, make_receipt
from qudao.orders.tests.make import make_world, place
from qudao.payments.models import Payment
from qudao.people.tests.make import cast as make_cast
from qudao.people.tests.make import sign_in
from qudao.portal.queries.account import statement, whose

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def english(client):
    client.cookies["qudao_language"] = "en"


@pytest.fixture
def books():
    """On 30 June D001 owes LH 339.00, of which 113.00 is overdue, and 40.00 is paid and not applied."""
    cast = make_cast()
    with clock.freeze(datetime(2026, 6, 30, 4, tzinfo=UTC)):
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 1), D("113.00"), date(2026, 5, 1), days=30)
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 2), D("226.00"), date(2026, 6, 15), days=30)
        make_receipt(cast.lh.pk, cast.d001.pk, 1, D("40.00"), date(2026, 6, 20))
        yield cast


def test_both_sides_see_the_same_cent(client, books):
    for actor, other in ((books.hq_finance, books.d001), (books.dealer_admin, books.lh)):
        sign_in(client, actor)
        page = client.get(reverse("account", args=[other.pk])).content.decode()
        for text in ("¥339.00", "¥113.00", "40.00 not applied, balance 299.00", "INV-1", "INV-2", "PAY-1", "¥299.00", "30 days overdue", "15 days left"):
            assert text in page, text
        assert ("Owed to us" in page) is (actor is books.hq_finance)
    hers, ours = (statement(a, whose(a, o.pk), DateSpan(date(2026, 6, 1), None)) for a, o in ((books.dealer_admin, books.lh), (books.hq_finance, books.d001)))
    assert (hers.opening, hers.closing, [x.balance for x in hers.lines]) == (ours.opening, ours.closing, [x.balance for x in ours.lines])
    assert (ours.opening, ours.closing) == (D("113.00"), D("299.00"))


def test_from_the_balance_to_the_document_are_two_clicks_and_a_stranger_sees_nothing(client, books):
    sign_in(client, books.hq_finance)
    page = client.get(reverse("account", args=[books.d001.pk])).content.decode()
    assert 'href="#open"' in page and f'href="{reverse("invoice", args=[1])}"' in page
    for actor, other in ((books.dealer_admin, books.d002), (books.stranger, books.d001)):
        sign_in(client, actor)
        assert client.get(reverse("account", args=[other.pk])).status_code == 404
        assert client.get(reverse("account_sheet", args=[other.pk])).status_code == 404
    sign_in(client, books.hq_warehouse)
    assert client.get(reverse("account", args=[books.d001.pk])).status_code == 403


def test_a_statement_of_any_time_opens_with_what_was_owed_before_it(client, books):
    sign_in(client, books.hq_finance)
    url = reverse("account_sheet", args=[books.d001.pk])
    sheet = CalamineWorkbook.from_filelike(BytesIO(client.get(url, {"since": "2026-06-01", "until": "2026-06-16"}).content)).get_sheet_by_index(0).to_python()
    assert [row[2:] for row in sheet[1:]] == [["", "", "", 113.0], ["INV-2", 226.0, "", 339.0], ["", "", "", 339.0]]
    page = client.get(reverse("account", args=[books.d001.pk]), {"since": "2026-04-01", "until": "2026-04-30"}).content.decode()
    assert "Nothing happened in this time." in page and "since=2026-03-01" in page and "since=2026-05-01" in page


def test_a_long_history_costs_a_statement_no_more_rows(books):
    span = DateSpan(date(2026, 6, 1), date(2026, 6, 30))
    found = whose(books.hq_finance, books.d001.pk)
    for n in range(100, 140):
        make_invoice(invoice_subject(books.lh.pk, books.d001.pk, n), D("10.00"), date(2025, 1, 1) + timedelta(n), days=30)
    with CaptureQueriesContext(connection) as caught:
        told = statement(books.hq_finance, found, span)
    assert (len(caught), told.opening, told.closing) == (1, D("513.00"), D("699.00"))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN (ANALYZE, FORMAT TEXT) " + caught[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "ledger_entryline_party" in plan and "Rows Removed by Filter: 4" not in plan, plan


def test_the_page_takes_few_statements_however_much_is_open(client, books, django_assert_max_num_queries):
    for n in range(200, 230):
        make_invoice(invoice_subject(books.lh.pk, books.d001.pk, n), D("10.00"), date(2026, 6, 1), days=30)
    sign_in(client, books.hq_finance)
    client.get(reverse("account", args=[books.d001.pk]))
    with django_assert_max_num_queries(15):
        assert client.get(reverse("account", args=[books.d001.pk])).status_code == 200


def owing():
    """A world in which the dealer owes two invoices of 400.00 and 200.00."""
    world = make_world((100, 100, 100))
    for qty in (4, 2):
        order = place(world, qty)
        shipment = ship_order(order.pk, carrier="SF", tracking="1", actor=world.cast.hq_warehouse)
        confirm_receipt(shipment.pk, [], actor=world.cast.dealer)
    drain()
    return world, list(Invoice.unscoped.order_by("pk"))


def test_a_payment_recorded_for_chosen_invoices_closes_them_and_says_what_remains(client):
    world, (first, second) = owing()
    sign_in(client, world.cast.hq_finance)
    asked = {"partner": world.cast.d001.pk, "invoice": [second.pk]}
    page = client.get(reverse("payment_new"), asked).content.decode()
    assert 'value="200.00"' in page and second.number in page and f'value="{second.pk}"' in page
    data = {"partner": world.cast.d001.pk, "amount": "250", "paid_on": clock.today(), "method": "transfer", "apply": "on", "invoices": str(second.pk)}
    answer = client.post(reverse("payment_new"), data)
    page = client.get(answer["Location"]).content.decode()
    assert second.number in page and "paid in full" in page and first.number not in page and "Not applied yet" in page and "¥50.00" in page
    page = client.get(reverse("account", args=[world.cast.d001.pk])).content.decode()
    assert "¥400.00" in page and "50.00 not applied, balance 350.00" in page and "Payments that wait" in page


def test_a_buyer_announces_a_payment_for_chosen_invoices(client):
    world, (first, second) = owing()
    sign_in(client, world.cast.dealer_admin)
    page = client.get(reverse("account", args=[world.cast.lh.pk])).content.decode()
    assert "Owed by us" in page and reverse("payment_announcement") in page
    page = client.get(reverse("payment_announcement"), {"partner": world.cast.lh.pk, "invoice": [first.pk, second.pk]}).content.decode()
    assert 'value="600.00"' in page and f"{first.number} {second.number}" in page
    data = {"partner": world.cast.lh.pk, "amount": "600", "paid_on": clock.today(), "method": "transfer", "reference": first.number, "invoices": str(first.pk)}
    assert client.post(reverse("payment_announcement"), data).status_code == 302
    payment = Payment.unscoped.get()
    assert (payment.state, payment.reference) == ("announced", first.number)
    assert payment.number in client.get(reverse("account", args=[world.cast.lh.pk])).content.decode()
