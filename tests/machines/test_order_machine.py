"""The life of orders as a Hypothesis machine: any sequence of acts, then every invariant of every module holds."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from qudao.approvals.actions import add_rule
from qudao.approvals.rules import RuleDraft
from qudao.base.access import system_actor
from qudao.base.invariants import all_checks, offending
from qudao.inventory.actions import set_reserve_days
from qudao.inventory.tests.make import make_stock
from qudao.kernel import clock
from qudao.kernel.errors import DomainError
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.queries import unscoped_overdue
from qudao.orders.rules import NewLine
from qudao.orders.states import TRANSITIONS, Status
from qudao.orders.tests.make import World, make_world, place, placing
from qudao.people.queries import unscoped_system_role

pytestmark = [pytest.mark.django_db, pytest.mark.machine]
SLOW = os.environ.get("QUDAO_SLOW") == "1"
RUN = settings(max_examples=200 if SLOW else 8, stateful_step_count=40 if SLOW else 14, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
LEGAL = {(a, b) for (a, _event), b in TRANSITIONS.items()} | {(s, s) for s in Status.values}
#: one act of a person may make several moves of the table
LEGAL |= {(Status.DRAFT, Status.IN_REVIEW), (Status.DRAFT, Status.CONFIRMED)}


class OrderLife(RuleBasedStateMachine):
    """Orders of one dealer on scarce stock and a tight credit line, whose goods are kept for five days; orders of 300 and more need an approval."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.status: dict[int, str] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def _try(self, act: Any, *args: Any, **kwargs: Any) -> None:
        before = self._picture()
        try:
            act(*args, **kwargs)
        except DomainError:
            assert self._picture() == before, "a refused act changed something"

    def _picture(self) -> list[tuple]:
        return list(Order.unscoped.order_by("pk").values_list("pk", "status", "approval", "credit", "allocation", "state_since"))

    def _one(self, index: int) -> int:
        ids = list(Order.unscoped.order_by("pk").values_list("pk", flat=True))
        return ids[index % len(ids)] if ids else 0

    @rule(quantities=st.lists(st.integers(0, 4), min_size=3, max_size=3), short=st.sampled_from(["", "backorder", "cut"]))
    def place_order(self, quantities: list[int], short: str) -> None:
        self._try(place, self.world, *quantities, short=short)

    @rule(index=st.integers(0, 50), line=st.integers(0, 5), qty=st.integers(0, 6), product=st.sampled_from([None, 0, 1, 2]))
    def amend(self, index: int, line: int, qty: int, product: int | None) -> None:
        order = self._one(index)
        lines = list(Line.unscoped.filter(order_id=order).order_by("no").values_list("pk", flat=True))
        added = [] if product is None else [NewLine(self.world.products[product].pk, D(1))]
        wanted = actions.Amendment({lines[line % len(lines)]: D(qty)} if lines else {}, added)
        self._try(actions.amend_order, order, wanted, actor=self.world.dealer)

    @rule(index=st.integers(0, 50), line=st.integers(0, 5), qty=st.integers(1, 4), seller=st.booleans())
    def split(self, index: int, line: int, qty: int, seller: bool) -> None:
        order = self._one(index)
        lines = list(Line.unscoped.filter(order_id=order).order_by("no").values_list("pk", flat=True))
        wanted = actions.Splitting({lines[line % len(lines)]: D(qty)} if lines else {})
        self._try(actions.split_order, order, wanted, actor=self.world.cast.hq_clerk if seller else self.world.dealer)

    @rule(product=st.integers(0, 2), qty=st.integers(1, 3))
    def goods_come_in(self, product: int, qty: int) -> None:
        make_stock(self.world.shelf.main, {self.world.products[product].pk: qty})

    @rule()
    def facts_are_delivered(self) -> None:
        self._refill()

    @rule(index=st.integers(0, 50))
    def approve(self, index: int) -> None:
        self._try(actions.approve_order, self._one(index), actor=self.world.cast.hq_finance)

    @rule(index=st.integers(0, 50))
    def reject(self, index: int) -> None:
        self._try(actions.reject_order, self._one(index), reason="no", actor=self.world.cast.hq_finance)

    @rule(index=st.integers(0, 50))
    def withdraw(self, index: int) -> None:
        self._try(actions.withdraw_order, self._one(index), actor=self.world.dealer)

    @rule(index=st.integers(0, 50))
    def submit(self, index: int) -> None:
        self._try(actions.submit_order, self._one(index), actor=self.world.dealer)

    @rule(index=st.integers(0, 50), quantities=st.lists(st.integers(0, 4), min_size=3, max_size=3))
    def edit(self, index: int, quantities: list[int]) -> None:
        self._try(actions.edit_order, self._one(index), placing(self.world, *quantities), actor=self.world.dealer)

    @rule(index=st.integers(0, 50))
    def cancel(self, index: int) -> None:
        self._try(actions.cancel_order, self._one(index), reason="no", actor=self.world.dealer)

    @rule(days=st.integers(1, 12))
    def nights_pass(self, days: int) -> None:
        with clock.freeze(clock.now() + timedelta(days=days)):
            for pk in unscoped_overdue(clock.today()):
                self._try(actions.watch_reserved, pk, actor=system_actor())

    @rule(index=st.integers(0, 50), days=st.integers(0, 20))
    def keep(self, index: int, days: int) -> None:
        self._try(actions.keep_goods, self._one(index), clock.today() + timedelta(days=days), actor=self.world.cast.hq_clerk)

    def _refill(self) -> None:
        products = [p.pk for p in self.world.products]
        actions.refill_orders([(self.world.shelf.main, product) for product in products], actor=system_actor())

    @invariant()
    def every_move_is_in_the_table(self) -> None:
        now = dict(Order.unscoped.values_list("pk", "status"))
        for pk, status in now.items():
            assert (self.status.get(pk, Status.DRAFT), status) in LEGAL
        self.status = now

    @invariant()
    def everything_holds(self) -> None:
        for check in all_checks():
            assert offending(check) == (0, []), check.name


def test_any_sequence_of_acts_keeps_every_invariant():
    world = make_world([6, 6, 6], limit=D(1500))
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_finance"), D(300)), actor=system_actor())
    set_reserve_days(world.agreement.pk, 5, actor=world.cast.hq_warehouse)
    OrderLife.world = world
    run_state_machine_as_test(OrderLife, settings=RUN)
    assert not Order.unscoped.exists()  # every example was rolled back
