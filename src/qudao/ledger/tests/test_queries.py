"""Ageing, statements and who may read whose books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qudao.base.access import visible
from qudao.kernel.errors import Forbidden, NotFound
from qudao.kernel.period import DateSpan
from qudao.ledger import queries
from qudao.ledger.models import Balance, OpenItem
from qudao.ledger.queries import PartyAccount
from qudao.ledger.tests.make import apply_cash, invoice_subject, make_invoice, make_receipt

D = Decimal
ON = date(2026, 6, 30)


@pytest.fixture
def books(cast):
    """LH's invoices on D001 in every bucket of ageing, one on D002, and D001's own on S001; 100.00 of D001 not applied yet."""
    lh, d001 = cast.lh.pk, cast.d001.pk
    due = [date(2026, 6, 30), date(2026, 6, 29), date(2026, 5, 30), date(2026, 4, 30), date(2026, 3, 31), date(2025, 12, 31)]
    for n, day in enumerate(due, 1):
        make_invoice(invoice_subject(lh, d001, n), D(f"{n}0.00"), day, days=0)
    make_invoice(invoice_subject(lh, cast.d002.pk, 7), D("700.00"), ON, days=30)
    make_invoice(invoice_subject(d001, cast.s001.pk, 8), D("8.00"), ON, days=30)
    make_receipt(lh, d001, 1, D("100.00"), date(2026, 6, 1))
    return cast


def test_ageing_sorts_open_items_by_days_past_due_in_one_statement(books, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = queries.ageing(books.hq_finance, books.lh.pk, ON)
    d001, d002 = found
    assert (d001.code, list(d001.buckets.values())) == ("D001", [D("10.00"), D("20.00"), D("30.00"), D("40.00"), D("50.00"), D("60.00")])
    assert (d001.total, d001.overdue, d001.oldest_days, d001.unapplied) == (D("210.00"), D("200.00"), 181, D("100.00"))
    assert (d002.code, d002.total, d002.overdue, d002.oldest_days) == ("D002", D("700.00"), D("0.00"), 0)


def test_the_buyer_sees_the_same_debt_from_the_own_books(books):
    (row,) = queries.ageing(books.dealer, books.d001.pk, ON, side="payable")
    assert (row.code, row.total, row.unapplied) == ("LH", D("210.00"), D("100.00"))


def test_cash_without_open_items_still_shows(books):
    make_receipt(books.lh.pk, books.s001.pk, 9, D("5.00"), ON)
    row = queries.ageing(books.hq_finance, books.lh.pk, ON)[-1]
    assert (row.code, row.total, row.unapplied) == ("S001", D("0.00"), D("5.00"))


def test_a_statement_closes_to_opening_and_lines_and_ignores_applications(books, django_assert_num_queries):
    apply_cash(invoice_subject(books.lh.pk, books.d001.pk, 6), 1, D("60.00"), date(2026, 6, 2))
    span = DateSpan(date(2026, 5, 1), ON)
    with django_assert_num_queries(1):
        ours = queries.statement(books.hq_finance, PartyAccount(books.lh.pk, books.d001.pk), span)
    assert (ours.opening, ours.closing) == (D("150.00"), D("110.00"))
    assert [(line.kind, line.number, line.amount, line.balance) for line in ours.lines] == [
        ("invoice", "INV-3", D("30.00"), D("180.00")),
        ("payment", "PAY-1", D("-100.00"), D("80.00")),
        ("invoice", "INV-2", D("20.00"), D("100.00")),
        ("invoice", "INV-1", D("10.00"), D("110.00")),
    ]
    theirs = queries.statement(books.dealer, PartyAccount(books.d001.pk, books.lh.pk, "payable"), span)
    assert (theirs.opening, theirs.closing, [line.amount for line in theirs.lines]) == (ours.opening, ours.closing, [line.amount for line in ours.lines])


def test_an_open_ended_statement_of_an_unknown_counterparty_is_empty(books):
    empty = queries.statement(books.hq_finance, PartyAccount(books.lh.pk, books.s001.pk), DateSpan(date(2026, 1, 1)))
    assert (str(empty.opening), empty.closing, empty.lines) == ("0.00", D(0), []), "as every amount, with its cents"


def test_books_are_read_by_their_organisation_and_by_who_sees_everything(books):
    assert visible(books.hq_finance, OpenItem).count() == 16
    assert set(visible(books.dealer, OpenItem).values_list("org__code", flat=True)) == {"D001"}
    assert set(visible(books.dealer_admin, Balance).values_list("org__code", flat=True)) == {"D001"}, "a branch gives no right to the books below"
    assert not visible(books.sub_dealer, OpenItem).filter(org=books.d001).exists()
    for foreign in (books.lh, books.d002, books.s001):
        with pytest.raises(NotFound):
            queries.ageing(books.dealer, foreign.pk, ON)
        with pytest.raises(NotFound):
            queries.statement(books.dealer_admin, PartyAccount(foreign.pk, books.d001.pk), DateSpan(ON))
        with pytest.raises(NotFound):
            queries.open_items(books.dealer, foreign.pk)
    with pytest.raises(Forbidden):
        queries.ageing(books.hq_warehouse, books.lh.pk, ON)


def test_open_items_come_oldest_due_first(books):
    found = queries.open_items(books.hq_finance, books.lh.pk, side="receivable", counterparty_id=books.d001.pk)
    assert [item.number for item in found] == ["INV-6", "INV-5", "INV-4", "INV-3", "INV-2", "INV-1"]
