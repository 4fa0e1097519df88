"""Transfers between two dealers as a Hypothesis machine: any sequence of acts of the three, then every invariant holds, and the brand's own goods, sales and
money are as before.
"""

from __future__ import annotations

import os
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from qudao.base.invariants import all_checks, offending
from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import Settlement, confirm_receipt, settle_difference, ship_order
from qudao.fulfilment.models import Difference, Shipment, ShipmentLine
from qudao.fulfilment.rules import Count
from qudao.inventory.models import Stock
from qudao.kernel.errors import DomainError
from qudao.ledger.models import Balance, OpenItem
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.queries import sales
from qudao.orders.tests.make import make_world
from qudao.orders.tests.transfers import Passing, make_passing
from qudao.payments.actions import record_payment
from qudao.payments.rules import PaymentFacts

pytestmark = [pytest.mark.django_db, pytest.mark.machine]
SLOW = os.environ.get("QUDAO_SLOW") == "1"
RUN = settings(max_examples=120 if SLOW else 6, stateful_step_count=40 if SLOW else 16, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
WHO = st.sampled_from(["clerk", "giver", "taker"])


def brand(passing: Passing) -> tuple[Any, ...]:
    """What of the brand no transfer may touch: its stock, its books, its sales."""
    lh = passing.world.cast.lh.pk
    stock = Stock.unscoped.filter(place__owner=lh).aggregate(n=Sum("on_hand"), r=Sum("reserved"))
    return stock["n"], stock["r"], sorted(Balance.unscoped.filter(org_id=lh).exclude(amount=0).values_list("account", "amount")), sales(passing.clerk).count()


class TransferLife(RuleBasedStateMachine):
    """Ten pieces at D001 that the brand passes on to D002."""

    passing: Passing
    start: tuple[Any, ...]

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()

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
        return list(Order.unscoped.order_by("pk").values_list("pk", "status", "approval", "allocation", "fulfilment", "billing", "payment", "gross"))

    def _one(self, index: int) -> int:
        ids = list(Order.unscoped.order_by("pk").values_list("pk", flat=True))
        return ids[index % len(ids)] if ids else 0

    def _actor(self, who: str) -> Any:
        return getattr(self.passing, who)

    @initialize(quantities=st.lists(st.integers(1, 5), min_size=1, max_size=3))
    def some_are_arranged(self, quantities: list[int]) -> None:
        for qty in quantities:
            self.passing.arrange(qty)

    @rule(index=st.integers(0, 2), missing=st.integers(0, 1), steps=st.integers(1, 6))
    def one_goes_on(self, index: int, missing: int, steps: int) -> None:
        """The next acts of its life, by whose turn it is."""
        for _n in range(steps):
            self._next(self._one(index), missing)

    def _next(self, pk: int, missing: int) -> None:
        order = Order.unscoped.get(pk=pk)
        giver = self.passing.giver
        if order.status == "in_review":
            self._try(actions.approve_order, order.pk, short="backorder", actor=giver)
        elif order.fulfilment in ("none", "partial") and order.status in ("confirmed", "in_fulfilment"):
            self._try(ship_order, order.pk, carrier="SF", tracking="1", actor=giver)
        elif order.fulfilment == "shipped":
            self.count(missing, "taker")
        elif order.billing != "full" and order.fulfilment == "received":
            self._try(issue_invoices, order.pk, actor=giver)
        else:
            self.settle("giver")
            self.pay("giver")

    @rule(qty=st.integers(1, 7), short=st.sampled_from(["", "backorder", "cut"]), who=WHO)
    def arrange(self, qty: int, short: str, who: str) -> None:
        self._try(self.passing.arrange, qty, short=short, actor=self._actor(who))

    @rule(index=st.integers(0, 20), who=WHO)
    def accept(self, index: int, who: str) -> None:
        self._try(actions.approve_order, self._one(index), actor=self._actor(who))

    @rule(index=st.integers(0, 20), who=WHO)
    def decline(self, index: int, who: str) -> None:
        self._try(actions.reject_order, self._one(index), reason="no", actor=self._actor(who))

    @rule(index=st.integers(0, 20), who=WHO)
    def cancel(self, index: int, who: str) -> None:
        self._try(actions.cancel_order, self._one(index), reason="no", actor=self._actor(who))

    @rule(index=st.integers(0, 20), qty=st.integers(0, 9), who=WHO)
    def change(self, index: int, qty: int, who: str) -> None:
        order = self._one(index)
        lines = list(Line.unscoped.filter(order_id=order).values_list("pk", flat=True))
        self._try(actions.amend_order, order, actions.Amendment({pk: D(qty) for pk in lines}), actor=self._actor(who))

    @rule(index=st.integers(0, 20), who=WHO)
    def ship(self, index: int, who: str) -> None:
        self._try(ship_order, self._one(index), carrier="SF", tracking="1", actor=self._actor(who))

    @rule(missing=st.integers(0, 1), who=WHO)
    def count(self, missing: int, who: str) -> None:
        for shipment in Shipment.unscoped.filter(state="shipped").order_by("pk")[:1]:
            told = [Count(line.pk, line.qty - missing, short=D(missing)) for line in ShipmentLine.unscoped.filter(shipment=shipment)]
            self._try(confirm_receipt, shipment.pk, told if missing else [], actor=self._actor(who))

    @rule(who=WHO)
    def settle(self, who: str) -> None:
        for one in Difference.unscoped.exclude(state="settled").order_by("pk")[:1]:
            self._try(settle_difference, one.pk, Settlement("written_off", "carrier"), actor=self._actor(who))

    @rule(index=st.integers(0, 20), who=WHO)
    def bill(self, index: int, who: str) -> None:
        self._try(issue_invoices, self._one(index), actor=self._actor(who))

    @rule(who=WHO)
    def pay(self, who: str) -> None:
        for one in Invoice.unscoped.exclude(state="paid").order_by("pk")[:1]:
            self._try(record_payment, PaymentFacts(one.seller_id, one.buyer_id, one.gross, one.number), actor=self._actor(who))

    @rule()
    def facts_are_delivered(self) -> None:
        drain()

    @invariant()
    def everything_holds(self) -> None:
        for check in all_checks():
            assert offending(check) == (0, []), check.name

    @invariant()
    def goods_and_money_are_between_the_two(self) -> None:
        cast = self.passing.world.cast
        assert brand(self.passing) == self.start, "the brand only arranged"
        sides = {cast.d001.pk, cast.d002.pk}
        for model in (Order, Invoice):
            assert set(model.unscoped.values_list("seller_id", "buyer_id")) <= {(cast.d001.pk, cast.d002.pk)}
        assert {pair for item in OpenItem.unscoped.all() for pair in (item.org_id, item.counterparty_id)} <= sides
        given = Line.unscoped.aggregate(n=Sum("shipped"))["n"] or 0
        there = Stock.unscoped.filter(place__owner=cast.d001, place__code="MAIN").aggregate(n=Sum("on_hand"))["n"]
        here = Stock.unscoped.filter(place__owner=cast.d002, place__code="MAIN").aggregate(n=Sum("on_hand"))["n"] or 0
        assert (there, here) == (10 - given, Line.unscoped.aggregate(n=Sum("received"))["n"] or 0)


def test_any_sequence_of_acts_of_three_keeps_every_invariant():
    TransferLife.passing = make_passing(make_world([10]), 10)
    drain()
    TransferLife.start = brand(TransferLife.passing)
    run_state_machine_as_test(TransferLife, settings=RUN)
    assert not Order.unscoped.exists()  # every example was rolled back
