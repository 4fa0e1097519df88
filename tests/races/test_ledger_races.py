"""The same source, the same items and the same month from several connections at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest

from qudao.base.access import system_actor
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.ledger.actions import lock_period, post, settle_items
from qudao.ledger.models import Entry, OpenItem, Period
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.ledger.tests.make import assert_sound, in_unit, invoice_postings, invoice_subject, make_invoice
from qudao.network.tests.make import make_network
from qudao.people.actions import ensure_system_roles
from qudao.people.tests.make import actor_of, make_member

pytestmark = pytest.mark.race
D = Decimal
DAY = date(2026, 3, 15)
THREADS = 8


@pytest.fixture
def orgs(transactional_db):
    return make_network()


def test_one_source_is_posted_once(orgs, race):
    invoice = invoice_subject(orgs["LH"].pk, orgs["D001"].pk, 1)
    results = race([partial(in_unit, post, invoice_postings(invoice, D("113.00"), DAY), invoice) for _ in range(THREADS)])
    assert sorted(results) == [0] * 7 + [2]
    assert unscoped_balance(orgs["LH"].pk, Account.RECEIVABLE, orgs["D001"].pk) == D("113.00")


def test_many_invoices_of_one_pair_in_both_books_neither_deadlock_nor_differ(orgs, race):
    lh, d001, d002 = (orgs[code].pk for code in ("LH", "D001", "D002"))

    def client(n):
        for i in range(5):
            buyer = d001 if (n + i) % 2 else d002
            make_invoice(invoice_subject(lh, buyer, n * 100 + i), D("113.00"), DAY)

    assert race([partial(client, n) for n in range(THREADS)]) == [None] * THREADS
    assert unscoped_balance(lh, Account.RECEIVABLE, d001) + unscoped_balance(lh, Account.RECEIVABLE, d002) == D("113.00") * 40
    assert_sound()


def test_an_item_is_settled_no_more_than_once(orgs, race):
    invoice = invoice_subject(orgs["LH"].pk, orgs["D001"].pk, 1)
    make_invoice(invoice, D("113.00"), DAY)
    results = race([partial(in_unit, settle_items, [(invoice.kind, invoice.id, D("50.00"))]) for _ in range(THREADS)])
    assert sum(isinstance(r, Refused) for r in results) == 6
    assert set(OpenItem.unscoped.values_list("open_amount", flat=True)) == {D("13.00")}


def test_no_entry_slips_into_a_month_that_is_being_locked(orgs, race):
    ensure_system_roles(actor=system_actor())
    finance = actor_of(make_member("f@example.com", orgs["LH"], "hq_finance"))

    def lock():
        with clock.freeze(datetime(2026, 4, 2, 4, tzinfo=UTC)):
            return lock_period(DAY, actor=finance)

    def invoice(n):
        make_invoice(invoice_subject(orgs["LH"].pk, orgs["D001"].pk, n), D("113.00"), DAY)

    results = race([*(partial(invoice, n) for n in range(4)), lock, *(partial(invoice, n) for n in range(4, 7))])
    assert [r for r in results if isinstance(r, Exception) and not isinstance(r, Refused)] == []
    period = Period.unscoped.get()
    assert period.state == "locked"
    assert Entry.unscoped.count() == 2 * sum(r is None for r in results)
    with pytest.raises(Refused):
        invoice(99)
    assert_sound()
