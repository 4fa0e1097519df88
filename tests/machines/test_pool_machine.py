"""Payments of a head office under any sequence of bills, announcements, money, applications, withdrawals and credit: the whole is its parts, no invoice
is paid beyond itself, both books and credit follow. A plain sum predicts what is on the bank; after each step every invariant holds.
`QUDAO_SLOW=1` runs it long.
"""

from __future__ import annotations

import os
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from qudao.billing.models import Invoice
from qudao.kernel.errors import Refused
from qudao.ledger.models import Balance
from qudao.orders.tests.make import assert_sound, make_world
from qudao.payments.actions import (
    PaymentFacts,
    announce_pool,
    apply_payment,
    confirm_pool,
    decline_pool,
    issue_credit,
    record_bank,
    record_payment,
    record_pool,
    withdraw_payments,
)
from qudao.payments.models import Payment, Pool
from qudao.payments.rules import CreditAsk, PoolFacts
from qudao.payments.states import UNAPPLIED
from qudao.payments.tests.test_pools import Branches

SLOW = os.environ.get("QUDAO_SLOW") == "1"
RUN = settings(
    max_examples=60 if SLOW else 5,
    stateful_step_count=30 if SLOW else 12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
AMOUNT = st.decimals("0.01", "600.00", places=2)
PICK = st.integers(0, 20)


class PoolMachine(RuleBasedStateMachine):
    """Runs on the branches that a subclass gives; every example is rolled back."""

    branches: Branches

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @initialize()
    def start(self) -> None:
        self.bank = D(0)
        self.announced: list[Pool] = []

    def quietly(self, do: Any) -> Any:
        """A step that may be refused; then nothing of it stays."""
        try:
            with transaction.atomic():
                return do()
        except Refused:
            return None

    def facts(self, amount: D, pick: int) -> PoolFacts:
        rest = (None, self.branches.s001.pk, self.branches.s002.pk)[pick % 3]
        return self.branches.facts(amount, rest_buyer_id=rest)

    @rule(second=st.booleans(), qty=st.integers(1, 4))
    def bill(self, second: bool, qty: int) -> None:
        org, buyer = (self.branches.s002, self.branches.second) if second else (self.branches.s001, self.branches.world.cast.sub_dealer)
        self.quietly(lambda: self.branches.billed(org, buyer, qty))

    @rule(amount=AMOUNT, pick=PICK)
    def record(self, amount: D, pick: int) -> None:
        record_pool(self.facts(amount, pick), actor=self.branches.finance)
        self.bank += amount

    @rule(amount=AMOUNT, second=st.booleans())
    def pays_itself(self, amount: D, second: bool) -> None:
        buyer = self.branches.s002 if second else self.branches.s001
        record_payment(PaymentFacts(self.branches.lh.pk, buyer.pk, amount), actor=self.branches.finance)
        self.bank += amount

    @rule(amount=AMOUNT, pick=PICK)
    def announce(self, amount: D, pick: int) -> None:
        self.announced.append(announce_pool(self.facts(amount, pick), actor=self.branches.head))

    @precondition(lambda self: self.announced)
    @rule(pick=PICK, by_file=st.booleans(), more=AMOUNT)
    def confirm(self, pick: int, by_file: bool, more: D) -> None:
        pool = self.announced.pop(pick % len(self.announced))
        if by_file:
            record_bank(self.branches.lh.pk, [self.facts(more, pick), pool], actor=self.branches.finance)
            self.bank += more
        else:
            confirm_pool(pool.pk, actor=self.branches.finance)
        self.bank += pool.amount

    @precondition(lambda self: self.announced)
    @rule(pick=PICK)
    def decline(self, pick: int) -> None:
        decline_pool(self.announced.pop(pick % len(self.announced)).pk, "not here", actor=self.branches.finance)

    @rule(pick=PICK)
    def apply(self, pick: int) -> None:
        found = list(Payment.unscoped.filter(state__in=UNAPPLIED).order_by("pk"))
        if found:
            self.quietly(lambda: apply_payment(found[pick % len(found)].pk, actor=self.branches.finance))

    @rule(pick=PICK)
    def withdraw(self, pick: int) -> None:
        found = list(Pool.unscoped.filter(state="received").order_by("pk"))
        if found:
            pool = found[pick % len(found)]
            if self.quietly(lambda: withdraw_payments([], "by mistake", [pool.pk], actor=self.branches.finance)):
                self.bank -= pool.amount

    @rule(pick=PICK)
    def credit(self, pick: int) -> None:
        found = list(Invoice.unscoped.order_by("pk"))
        line = found[pick % len(found)].lines.get()
        self.quietly(lambda: issue_credit(line.invoice_id, [CreditAsk(line.pk, D(1))], "price", actor=self.branches.finance))

    @invariant()
    def all_holds(self) -> None:
        assert_sound()
        mine = {self.branches.s001.pk, self.branches.s002.pk}
        assert sum((one.amount for one in Balance.unscoped.filter(org=self.branches.lh, account="bank", counterparty__in=mine)), D(0)) == self.bank
        for pool in Pool.unscoped.prefetch_related("parts"):
            assert sum(part.amount for part in pool.parts.all()) == pool.amount


@pytest.mark.django_db
def test_pools_stay_sound_whatever_happens():
    world = make_world((10_000,), limit=D(1_000_000))
    branches = Branches(world)

    class OnBranches(PoolMachine):
        pass

    OnBranches.branches = branches
    run_state_machine_as_test(OnBranches, settings=RUN)
    assert not Pool.unscoped.exists(), "every example is rolled back"
