"""The books under any sequence of invoices, payments, applications, reversals, retries and locked months: always balanced, always mirrored.

A plain dictionary predicts every balance; after each step the rows equal it, the deferred constraints pass and every invariant holds.
`QUDAO_SLOW=1` runs it long.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from qudao.base.access import Actor, system_actor
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.ledger.actions import Posting, lock_period, post, settle_items, unlock_period
from qudao.ledger.models import Balance, OpenItem
from qudao.ledger.states import Account
from qudao.ledger.tests.make import apply_cash, assert_sound, in_unit, invoice_postings, invoice_subject, make_invoice, make_receipt
from qudao.network.models import Organisation
from qudao.network.tests.make import make_network

SLOW = os.environ.get("QUDAO_SLOW") == "1"
RUN = settings(
    max_examples=200 if SLOW else 12,
    stateful_step_count=50 if SLOW else 20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
ZERO = Decimal(0)
NOW = datetime(2026, 5, 20, 4, tzinfo=UTC)
MONTHS = [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)]
AMOUNT = st.decimals("0.01", "999.99", places=2)
DAY = st.dates(date(2026, 3, 1), date(2026, 5, 20))
PAIR = st.integers(0, 2)


class LedgerMachine(RuleBasedStateMachine):
    """Runs on the books of `orgs` (LH, D001, D002, S001), which a subclass gives; every example is rolled back."""

    orgs: dict[str, Organisation]

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.frozen = clock.freeze(NOW)
        self.frozen.__enter__()

    def teardown(self) -> None:
        self.frozen.__exit__(None, None, None)
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @initialize()
    def start(self) -> None:
        ids = {code: org.pk for code, org in self.orgs.items()}
        self.pairs = [(ids["LH"], ids["D001"]), (ids["LH"], ids["D002"]), (ids["D001"], ids["S001"])]
        self.n = 0
        self.open: dict[int, list] = {}  # invoice → [pair, day, amount, open]
        self.cash = dict.fromkeys(self.pairs, ZERO)
        self.locked: set[tuple[int, date]] = set()

    def passes(self, pair: tuple[int, int], day: date) -> bool:
        return not any((org, day.replace(day=1)) in self.locked for org in pair)

    def number(self) -> int:
        self.n += 1
        return self.n

    @rule(pair=PAIR, amount=AMOUNT, day=DAY)
    def invoice(self, pair: int, amount: Decimal, day: date) -> None:
        n = self.number()
        try:
            make_invoice(invoice_subject(*self.pairs[pair], n), amount, day)
        except Refused as refused:
            assert not self.passes(self.pairs[pair], day), refused
        else:
            assert self.passes(self.pairs[pair], day)
            self.open[n] = [self.pairs[pair], day, amount, amount]

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def post_an_invoice_again(self, data: st.DataObject) -> None:
        n = data.draw(st.sampled_from(sorted(self.open)))
        pair, day, amount, _open = self.open[n]
        subject = invoice_subject(*pair, n)
        assert in_unit(post, invoice_postings(subject, amount, day), subject) == 0

    @rule(pair=PAIR, amount=AMOUNT, day=DAY)
    def pay(self, pair: int, amount: Decimal, day: date) -> None:
        try:
            make_receipt(*self.pairs[pair], self.number(), amount, day)
        except Refused:
            assert not self.passes(self.pairs[pair], day)
        else:
            assert self.passes(self.pairs[pair], day)
            self.cash[self.pairs[pair]] += amount

    @precondition(lambda self: self.open)
    @rule(data=st.data(), amount=AMOUNT, day=DAY)
    def settle(self, data: st.DataObject, amount: Decimal, day: date) -> None:
        n = data.draw(st.sampled_from(sorted(self.open)))
        pair, _day, _amount, left = self.open[n]
        try:
            apply_cash(invoice_subject(*pair, n), self.number(), amount, day)
        except Refused:
            assert amount > left or not self.passes(pair, day)
        else:
            assert amount <= left
            assert self.passes(pair, day)
            self.open[n][3] -= amount
            self.cash[pair] -= amount

    @precondition(lambda self: self.open)
    @rule(data=st.data(), amount=AMOUNT)
    def take_back(self, data: st.DataObject, amount: Decimal) -> None:
        """An application is reversed by a new entry; never beyond what was settled."""
        n = data.draw(st.sampled_from(sorted(self.open)))
        (seller, buyer), _day, total, left = self.open[n]
        subject = invoice_subject(seller, buyer, n)
        key, day = f"reversal:{self.number()}", NOW.date()
        claim = ((Account.RECEIVABLE, buyer, amount), (Account.UNAPPLIED_IN, buyer, -amount))
        debt = ((Account.UNAPPLIED_OUT, seller, amount), (Account.PAYABLE, seller, -amount))

        def body(actor):
            settle_items([(subject.kind, subject.id, -amount)], actor=actor)
            post([Posting(seller, day, "reversal", key, claim), Posting(buyer, day, "reversal", key, debt)], subject, actor=actor)

        try:
            in_unit(body)
        except Refused:
            assert left + amount > total
        else:
            assert left + amount <= total
            self.open[n][3] += amount
            self.cash[seller, buyer] += amount

    @rule(pair=PAIR, cents=st.integers(1, 5))
    def an_unbalanced_entry_is_refused(self, pair: int, cents: int) -> None:
        seller, buyer = self.pairs[pair]
        lines = ((Account.BANK, buyer, Decimal(1)), (Account.REVENUE, buyer, Decimal(-1) + Decimal(cents) / 100))
        with pytest.raises(Refused):
            in_unit(post, [Posting(seller, NOW.date(), "bad", f"bad:{self.number()}", lines)], Subject("test.bad", 1))

    @rule(org=st.sampled_from(["LH", "D001", "D002", "S001"]), month=st.sampled_from(MONTHS), lock=st.booleans())
    def close_or_open_a_month(self, org: str, month: date, lock: bool) -> None:
        pk = self.orgs[org].pk
        actor = bookkeeper(pk)
        allowed = (lock != ((pk, month) in self.locked)) and not (lock and month == MONTHS[-1])
        try:
            if lock:
                lock_period(month, actor=actor)
            else:
                unlock_period(month, "test", actor=actor)
        except Refused:
            assert not allowed
            return
        assert allowed
        (self.locked.add if lock else self.locked.discard)((pk, month))

    @invariant()
    def books_equal_the_dictionary(self) -> None:
        if not hasattr(self, "locked"):
            return
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        expected: dict[tuple, Decimal] = {}
        for (seller, buyer), _day, _amount, left in self.open.values():
            for key, sign in (((seller, "receivable", buyer), 1), ((buyer, "payable", seller), -1)):
                expected[key] = expected.get(key, ZERO) + sign * left
        for (seller, buyer), left in self.cash.items():
            expected[seller, "unapplied_in", buyer] = -left
            expected[buyer, "unapplied_out", seller] = left
        accounts = ["receivable", "payable", "unapplied_in", "unapplied_out"]
        found = {(b.org_id, b.account, b.counterparty_id): b.amount for b in Balance.unscoped.filter(account__in=accounts)}
        assert {k: v for k, v in found.items() if v} == {k: v for k, v in expected.items() if v}
        left_open = {(i.subject_id, i.side): i.open_amount for i in OpenItem.unscoped.all()}
        assert left_open == {(n, side): one[3] for n, one in self.open.items() for side in ("receivable", "payable")}
        assert_sound()


def bookkeeper(org_id: int) -> Actor:
    """The system, acting for one organisation's books."""
    return replace(system_actor(), org_id=org_id)


@pytest.mark.machine
def test_books_survive_any_sequence(db):
    run_state_machine_as_test(type("OnNetwork", (LedgerMachine,), {"orgs": make_network()}), settings=RUN)
    assert_sound()
