"""Posting, open items and periods on a real database: both books, retries, locked months, and how many statements they take."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from qudao.base.models import ActionLog
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, Refused
from qudao.ledger.actions import ItemSpec, lock_period, open_items, post, settle_items, unlock_period
from qudao.ledger.models import Balance, Entry, EntryLine, OpenItem, Period
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.rules import Posting
from qudao.ledger.states import Account
from qudao.ledger.tests.make import apply_cash, assert_sound, in_unit, invoice_postings, invoice_subject, make_invoice, make_receipt

D = Decimal
DAY = date(2026, 3, 15)


@pytest.fixture
def invoice(cast):
    return invoice_subject(cast.lh.pk, cast.d001.pk, 1)


def immediately():
    """Run the deferred constraints now instead of at commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def captured(django_assert_num_queries, number):
    return django_assert_num_queries(number + 2)  # the savepoint of the test's own transaction


def test_an_invoice_is_posted_in_both_books_in_two_statements(invoice, cast, django_assert_num_queries):
    with captured(django_assert_num_queries, 2):
        assert in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice) == 2
    immediately()
    assert unscoped_balance(cast.lh.pk, Account.RECEIVABLE, cast.d001.pk) == D("113.00")
    assert unscoped_balance(cast.d001.pk, Account.PAYABLE, cast.lh.pk) == D("-113.00")
    assert unscoped_balance(cast.lh.pk, Account.OUTPUT_TAX, cast.d001.pk) == D("-13.00")
    assert Entry.unscoped.count() == 2
    assert EntryLine.unscoped.count() == 6
    assert set(EntryLine.unscoped.values_list("month", flat=True)) == {date(2026, 3, 1)}


def test_posting_the_same_source_again_changes_nothing(invoice):
    lines = invoice_postings(invoice, D("113.00"), DAY)
    in_unit(post, lines, invoice)
    assert in_unit(post, lines, invoice) == 0
    assert in_unit(post, [*lines, Posting(invoice.seller_id, DAY, "fee", "fee:1", lines[0].lines)], invoice) == 1
    assert Entry.unscoped.count() == 3
    assert unscoped_balance(invoice.seller_id, Account.RECEIVABLE, invoice.buyer_id) == D("226.00")


def test_an_entry_that_does_not_balance_is_refused_by_rule_and_by_the_database(invoice):
    bad = Posting(invoice.seller_id, DAY, "invoice", "x", ((Account.BANK, None, D("1.00")), (Account.REVENUE, None, D("-0.99"))))
    with pytest.raises(Refused, match=r"ledger\.unbalanced"):
        in_unit(post, [bad], invoice)
    in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice)
    immediately()
    line = EntryLine.unscoped.first()
    values = {f.attname: getattr(line, f.attname) for f in EntryLine._meta.fields if f.attname != "id"}
    with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
        EntryLine.unscoped.create(**values)
        immediately()


def test_an_account_without_counterparty_has_one_balance(cast):
    subject = Subject("payments.transfer", 1)
    for n in (1, 2):
        lines = ((Account.BANK, None, D("5.00")), (Account.OPENING, None, D("-5.00")))
        in_unit(post, [Posting(cast.lh.pk, DAY, "opening", f"opening:{n}", lines)], subject)
    assert Balance.unscoped.filter(org=cast.lh).count() == 2
    assert unscoped_balance(cast.lh.pk, Account.BANK, None) == D("10.00")
    assert_sound()


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_entryline"])
@pytest.mark.parametrize("change", ["UPDATE {} SET month = month", "DELETE FROM {}"])
def test_entries_and_lines_never_change(invoice, table, change):
    in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice)
    immediately()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))


@pytest.mark.parametrize(
    ("table", "change", "name"),
    [
        ("ledger_openitem", "open_amount = amount + 1", "ledger_openitem_open_within_amount"),
        ("ledger_openitem", "open_amount = -1", "ledger_openitem_open_within_amount"),
        ("ledger_openitem", "counterparty_id = org_id", "ledger_openitem_two_sides"),
        ("ledger_openitem", "side = 'payable'", "ledger_openitem_subject_unique"),
        ("ledger_balance", "account = 'bank', counterparty_id = NULL", "ledger_balance_key_unique"),
    ],
)
def test_constraints_hold_against_any_sql(invoice, table, change, name):
    make_invoice(invoice, D("113.00"), DAY)
    immediately()
    with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change}")


@pytest.mark.parametrize(
    ("change", "name"),
    [({"amount": 0}, "ledger_entryline_amount_not_zero"), ({"account": "cash_box"}, "ledger_entryline_account_known")],
)
def test_a_line_names_a_known_account_and_an_amount(invoice, change, name):
    in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice)
    line = EntryLine.unscoped.first()
    values = {f.attname: getattr(line, f.attname) for f in EntryLine._meta.fields if f.attname != "id"} | change
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        EntryLine.unscoped.create(**values)


def test_periods_are_months(cast):
    with pytest.raises(IntegrityError, match="ledger_period_month_first"), transaction.atomic():
        Period.unscoped.create(org=cast.lh, month=DAY, state_since=clock.now())
    Period.unscoped.create(org=cast.lh, month=date(2026, 3, 1), state_since=clock.now())
    with pytest.raises(IntegrityError, match="ledger_period_month_unique"), transaction.atomic():
        Period.unscoped.create(org=cast.lh, month=date(2026, 3, 1), state_since=clock.now())


def test_the_same_source_in_the_same_month_is_unique(invoice):
    in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice)
    entry = Entry.unscoped.first()
    values = {f.attname: getattr(entry, f.attname) for f in Entry._meta.fields if f.attname != "id"}
    with pytest.raises(IntegrityError, match="ledger_entry_source_key_unique"), transaction.atomic():
        Entry.unscoped.create(**values)


# --- open items ---


def test_an_item_is_opened_for_both_sides_in_one_statement_and_only_once(invoice, django_assert_num_queries):
    spec = [ItemSpec(invoice, DAY, date(2026, 4, 14), D("113.00"))]
    with captured(django_assert_num_queries, 1):
        in_unit(open_items, spec)
    in_unit(open_items, spec)
    assert set(OpenItem.unscoped.values_list("org_id", "side", "counterparty_id", "number", "open_amount")) == {
        (invoice.seller_id, "receivable", invoice.buyer_id, "INV-1", D("113.00")),
        (invoice.buyer_id, "payable", invoice.seller_id, "INV-1", D("113.00")),
    }


def test_an_item_needs_an_amount(invoice):
    with pytest.raises(Invalid, match=r"ledger\.item_amount"):
        in_unit(open_items, [ItemSpec(invoice, DAY, DAY, D("0.00"))])


def test_settling_lowers_both_sides_in_one_statement_and_can_be_taken_back(invoice, django_assert_num_queries):
    make_invoice(invoice, D("113.00"), DAY)
    with captured(django_assert_num_queries, 1):
        in_unit(settle_items, [(invoice.kind, invoice.id, D("100.00")), (invoice.kind, invoice.id, D("3.00"))])
    assert set(OpenItem.unscoped.values_list("open_amount", flat=True)) == {D("10.00")}
    in_unit(settle_items, [(invoice.kind, invoice.id, D("-103.00"))])
    assert set(OpenItem.unscoped.values_list("open_amount", flat=True)) == {D("113.00")}


@pytest.mark.parametrize("amount", [D("113.01"), D("-0.01")])
def test_more_than_what_is_open_cannot_be_settled_nor_reopened(invoice, amount):
    make_invoice(invoice, D("113.00"), DAY)
    with pytest.raises(Refused, match=r"ledger\.over_settled"):
        in_unit(settle_items, [(invoice.kind, invoice.id, amount)])
    assert set(OpenItem.unscoped.values_list("open_amount", flat=True)) == {D("113.00")}


def test_what_has_no_item_cannot_be_settled(invoice):
    with pytest.raises(Refused, match=r"ledger\.over_settled"):
        in_unit(settle_items, [(invoice.kind, 99, D("1.00"))])


def test_invoice_receipt_and_application_leave_sound_books(invoice, cast):
    make_invoice(invoice, D("113.00"), DAY)
    make_receipt(cast.lh.pk, cast.d001.pk, 1, D("100.00"), DAY)
    assert unscoped_balance(cast.lh.pk, Account.UNAPPLIED_IN, cast.d001.pk) == D("-100.00")
    apply_cash(invoice, 1, D("100.00"), DAY)
    assert unscoped_balance(cast.lh.pk, Account.UNAPPLIED_IN, cast.d001.pk) == D("0.00")
    assert unscoped_balance(cast.d001.pk, Account.PAYABLE, cast.lh.pk) == D("-13.00")
    immediately()
    assert_sound()


# --- periods ---


@pytest.fixture
def in_april():
    with clock.freeze(datetime(2026, 4, 2, 9, tzinfo=UTC)):
        yield


def test_a_locked_month_takes_no_entry_of_that_organisation(invoice, cast, in_april):
    lock_period(date(2026, 3, 20), actor=cast.hq_finance)
    with pytest.raises(Refused) as refused:
        in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice)
    assert [(f.code, f.params["month"]) for f in refused.value.faults] == [("ledger.period_locked", "2026-03")]
    assert not Entry.unscoped.exists()
    in_unit(post, invoice_postings(invoice, D("113.00"), date(2026, 4, 1)), invoice)
    assert ActionLog.unscoped.get(verb="ledger.lock_period").after == "locked"


def test_a_retry_into_a_month_that_was_locked_meanwhile_is_harmless(invoice, cast, in_april):
    in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice)
    immediately()
    lock_period(DAY, actor=cast.hq_finance)
    assert in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice) == 0


def test_the_database_refuses_an_entry_in_a_locked_month_at_commit(invoice, cast, in_april):
    in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice)
    with pytest.raises(IntegrityError, match="is locked"), transaction.atomic():
        Period.unscoped.create(org=cast.lh, month=date(2026, 3, 1), state="locked", state_since=clock.now())
        immediately()


def test_a_month_is_unlocked_with_a_reason_and_locked_only_once(invoice, cast, in_april):
    lock_period(DAY, actor=cast.hq_finance)
    with pytest.raises(Refused, match=r"ledger\.already_locked"):
        lock_period(DAY, actor=cast.hq_finance)
    with pytest.raises(Invalid, match=r"ledger\.reason_missing"):
        unlock_period(DAY, " ", actor=cast.hq_finance)
    assert unlock_period(DAY, "late invoice", actor=cast.hq_finance).state == "open"
    with pytest.raises(Refused, match=r"ledger\.not_locked"):
        unlock_period(DAY, "again", actor=cast.hq_finance)
    in_unit(post, invoice_postings(invoice, D("113.00"), DAY), invoice)


def test_the_running_month_cannot_be_locked_nor_by_a_buyer(cast, in_april):
    with pytest.raises(Refused, match=r"ledger\.month_not_over"):
        lock_period(date(2026, 4, 1), actor=cast.hq_finance)
    with pytest.raises(Forbidden):
        lock_period(DAY, actor=cast.dealer)
