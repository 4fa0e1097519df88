"""Credit under any sequence of orders, deliveries, payments, limits, holds by hand and shared limits. Plain sums predict every bucket and what passes;
after each step every invariant of credit holds. `QUDAO_SLOW=1` runs it long.
"""

from __future__ import annotations

import os
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from qudao.agreements.models import Agreement
from qudao.base.access import system_actor
from qudao.funds.actions import LimitTerms, SharedDraft, end_shared, freeze, grant, hold, open_desk, release, set_limit, share_limit, shift, unfreeze
from qudao.funds.models import Account, Entry, SharedLimit
from qudao.funds.queries import unscoped_card, unscoped_what_if
from qudao.funds.tests.make import assert_sound, in_unit, make_account, make_agreement, order
from qudao.kernel.errors import DomainError, Refused
from qudao.network.tests.make import make_org

pytestmark = [pytest.mark.django_db, pytest.mark.machine]
SLOW = os.environ.get("QUDAO_SLOW") == "1"
RUN = settings(max_examples=100 if SLOW else 8, stateful_step_count=50 if SLOW else 20, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
SYSTEM = system_actor()
AMOUNT = st.decimals("0.01", "700.00", places=2)
LIMIT = st.decimals("0.00", "2000.00", places=2)
WHO = st.integers(0, 2)
STEPS = {"ship": ("ordered", "shipped"), "bill": ("shipped", "invoiced"), "settle": ("invoiced", None)}


class FundsLife(RuleBasedStateMachine):
    """Three branches of a head office; what each uses is kept here beside, and whether an order passes is told before it is asked."""

    agreements: list[Agreement]

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.buckets = [dict.fromkeys(("ordered", "shipped", "invoiced", "unapplied"), D(0)) for _ in self.agreements]
        self.limits = [D(1000)] * 3
        self.stopped = [""] * 3
        self.shared: tuple[D, frozenset[int]] | None = None
        self.n = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def used(self, who: int) -> D:
        b = self.buckets[who]
        return b["ordered"] + b["shipped"] + b["invoiced"] - b["unapplied"]

    def free(self, who: int) -> D:
        """What one more order of a branch may use, by this machine's own sums."""
        if self.shared and who in self.shared[1]:
            return self.shared[0] - sum(map(self.used, self.shared[1]))
        return self.limits[who] - self.used(who)

    def passes(self, who: int, amount: D) -> bool:
        return not self.stopped[who] and amount <= self.free(who)

    def part(self, call: Any, who: int, *args: Any) -> bool:
        self.n += 1
        try:
            with transaction.atomic():
                in_unit(call, self.agreements[who].pk, *args, order(self.n))
        except DomainError:
            return False
        return True

    @rule(who=WHO, amount=AMOUNT)
    def hold_for_an_order(self, who: int, amount: D) -> None:
        told = not unscoped_what_if(self.agreements[who].pk, amount)
        assert told == self.passes(who, amount) == self.part(hold, who, amount)
        if told:
            self.buckets[who]["ordered"] += amount

    @rule(amounts=st.lists(AMOUNT, min_size=3, max_size=3))
    def hold_for_a_batch(self, amounts: list[D]) -> None:
        """One order of each at an open desk: those before count."""

        def batch(*, actor: Any) -> None:
            desk = open_desk([one.pk for one in self.agreements], actor=actor)
            for who, amount in enumerate(amounts):
                passes = not desk.faults(self.agreements[who].pk, amount)
                assert passes == self.passes(who, amount)
                if passes:
                    desk.take(self.agreements[who].pk, amount, order(self.n))
                    self.buckets[who]["ordered"] += amount
            grant(desk, actor=actor)

        in_unit(batch)

    @rule(who=WHO, amount=AMOUNT)
    def cancel(self, who: int, amount: D) -> None:
        fits = amount <= self.buckets[who]["ordered"]
        assert self.part(release, who, amount) == fits
        if fits:
            self.buckets[who]["ordered"] -= amount

    @rule(who=WHO, amount=AMOUNT, step=st.sampled_from(sorted(STEPS)))
    def move_on(self, who: int, amount: D, step: str) -> None:
        source, target = STEPS[step]
        fits = amount <= self.buckets[who][source]
        assert self.part(shift, who, [(source, target, amount)]) == fits
        if fits:
            self.buckets[who][source] -= amount
            if target:
                self.buckets[who][target] += amount

    @rule(who=WHO, amount=AMOUNT)
    def money_comes(self, who: int, amount: D) -> None:
        assert self.part(shift, who, [(None, "unapplied", amount)])
        self.buckets[who]["unapplied"] += amount

    @rule(who=WHO, amount=AMOUNT)
    def money_is_applied(self, who: int, amount: D) -> None:
        b = self.buckets[who]
        fits = amount <= b["unapplied"] and amount <= b["invoiced"]
        assert self.part(shift, who, [("unapplied", None, amount), ("invoiced", None, amount)]) == fits
        if fits:
            b["unapplied"] -= amount
            b["invoiced"] -= amount

    @rule(who=WHO, limit=LIMIT)
    def set_the_limit(self, who: int, limit: D) -> None:
        set_limit(self.account(who).pk, LimitTerms(limit), "changed", actor=SYSTEM)
        self.limits[who] = limit

    @rule(who=WHO, state=st.sampled_from(["hold", "stop"]))
    def stop_or_let_pass(self, who: int, state: str) -> None:
        try:
            if self.stopped[who]:
                unfreeze(self.account(who).pk, "over", actor=SYSTEM)
                state = ""
            else:
                freeze(self.account(who).pk, "a dispute", state=state, actor=SYSTEM)
        except Refused:
            raise AssertionError("it may be stopped and let pass at any time") from None
        self.stopped[who] = state

    @rule(limit=LIMIT, members=st.sets(WHO, min_size=1))
    def share(self, limit: D, members: set[int]) -> None:
        one = self.agreements[0]
        buyers = [self.agreements[who].buyer_id for who in members]
        share_limit(SharedDraft(one.seller_id, one.buyer.parent_id, "CNY", buyers, limit), "one for all", actor=SYSTEM)
        self.shared = (limit, frozenset(members))

    @rule()
    def share_no_more(self) -> None:
        if self.shared:
            end_shared(SharedLimit.unscoped.get().pk, "each for itself", actor=SYSTEM)
            self.shared = None

    def account(self, who: int) -> Account:
        return Account.unscoped.get(buyer=self.agreements[who].buyer_id)

    @invariant()
    def the_accounts_say_what_the_sums_say(self) -> None:
        for who, agreement in enumerate(self.agreements):
            card = unscoped_card(agreement.pk)
            assert card is not None
            assert {name: getattr(card.position, name) for name in self.buckets[who]} == self.buckets[who]
            assert card.available == self.free(who)
        assert_sound()


def test_credit_under_any_sequence(db):
    brand = make_org("hq", "LH")
    head = make_org("dealer", "D001", brand)
    found = [make_agreement(brand, make_org("dealer", f"S{n}", head)) for n in range(3)]
    for one in found:
        make_account(one)
    run_state_machine_as_test(type("Funds", (FundsLife,), {"agreements": found}), settings=RUN)
    assert not Entry.unscoped.exists() and not SharedLimit.unscoped.exists(), "every example is rolled back"
