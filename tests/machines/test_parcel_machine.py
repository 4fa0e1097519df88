"""Parcels under any sequence of packing, changing, taking apart, stopping and dispatching: never more in them than was picked, and exactly that leaves;
and receipts at once or in parts, by line or by parcel, of whatever left: never more than is under way.

A plain list predicts what is in each parcel; `QUDAO_SLOW=1` runs it long.
"""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from qudao.base.access import system_actor
from qudao.fulfilment import actions
from qudao.fulfilment.actions import Part
from qudao.fulfilment.models import Package, PackageLine, Receipt, Shipment, ShipmentLine
from qudao.fulfilment.rules import Count
from qudao.fulfilment.tests.make import counts, lines
from qudao.inventory.models import Move
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.orders.tests.make import assert_sound, make_world, place

SYSTEM = system_actor()
SLOW = os.environ.get("QUDAO_SLOW") == "1"
RUN = settings(
    max_examples=100 if SLOW else 10, stateful_step_count=40 if SLOW else 15, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
#: what is ordered and picked of two products
PICKED = (D(7), D(4))
some = st.integers(0, 5).map(D)


class Parcels(RuleBasedStateMachine):
    """One order that is picked, packed and sent; `inside`: by parcel id what is in it of each of the two lines."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()

    def teardown(self) -> None:
        assert_sound()
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.world = make_world()
        self.packer = self.world.cast.hq_warehouse
        self.order = place(self.world, *map(int, PICKED))
        self.inside: dict[int, tuple[D, D]] = {}
        self.numbers: set[str] = set()
        self.gone = False
        self.pick()

    def pick(self) -> None:
        self.shipment = actions.start_pick(self.order.pk, actor=self.packer)
        self.lines = [line.pk for line in lines(self.shipment)]

    def left(self, without: int = 0) -> list[D]:
        packed = [inside for pk, inside in self.inside.items() if pk != without]
        return [PICKED[n] - sum((one[n] for one in packed), D(0)) for n in (0, 1)]

    def content(self, first: D, second: D) -> dict[int, D]:
        return dict(zip(self.lines, (first, second), strict=True))

    def learn(self) -> None:
        """What the database holds of new parcels: their numbers are fresh."""
        for package in Package.unscoped.filter(shipment=self.shipment).exclude(pk__in=self.inside):
            assert package.sscc not in self.numbers
            self.numbers.add(package.sscc)
            held = dict(PackageLine.unscoped.filter(package=package).values_list("line_id", "qty"))
            self.inside[package.pk] = (held.get(self.lines[0], D(0)), held.get(self.lines[1], D(0)))

    @precondition(lambda self: not self.gone)
    @rule(first=some, second=some)
    def pack(self, first: D, second: D) -> None:
        free = self.left()
        if not first + second:
            return
        if first > free[0] or second > free[1]:
            with pytest.raises(Refused, match="more_than_left"):
                actions.pack_lines(self.shipment.pk, self.content(first, second), actor=self.packer)
        else:
            actions.pack_lines(self.shipment.pk, self.content(first, second), actor=self.packer)
            self.learn()

    @precondition(lambda self: not self.gone)
    @rule(per=st.integers(1, 4).map(D))
    def rest(self, per: D) -> None:
        if any(self.left()):
            actions.pack_rest(self.shipment.pk, per=per, actor=self.packer)
            self.learn()
            assert self.left() == [0, 0]

    @precondition(lambda self: not self.gone and self.inside)
    @rule(data=st.data(), first=some, second=some)
    def change(self, data: st.DataObject, first: D, second: D) -> None:
        pk = data.draw(st.sampled_from(sorted(self.inside)))
        free = self.left(without=pk)
        if not first + second:
            return
        if first > free[0] or second > free[1]:
            with pytest.raises(Refused, match="more_than_left"):
                actions.change_package(pk, self.content(first, second), "pallet", actor=self.packer)
        else:
            actions.change_package(pk, self.content(first, second), "pallet", actor=self.packer)
            self.inside[pk] = (first, second)

    @precondition(lambda self: not self.gone and self.inside)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        pk = data.draw(st.sampled_from(sorted(self.inside)))
        actions.remove_package(pk, actor=self.packer)
        del self.inside[pk]

    @precondition(lambda self: not self.gone)
    @rule()
    def stop_and_begin_again(self) -> None:
        actions.cancel_pick(self.shipment.pk, actor=self.packer)
        self.inside.clear()
        self.pick()

    @precondition(lambda self: not self.gone)
    @rule(first=some, second=some)
    def send_something_else(self, first: D, second: D) -> None:
        packed = tuple(PICKED[n] - self.left()[n] for n in (0, 1))
        if self.inside and (first, second) != packed and first + second and first <= PICKED[0] and second <= PICKED[1]:
            with pytest.raises(Refused, match="not_packed"):
                actions.dispatch_shipment(self.shipment.pk, lines=self.content(first, second), actor=self.packer)

    @precondition(lambda self: not self.gone and self.inside)
    @rule()
    def send(self) -> None:
        packed = [PICKED[n] - self.left()[n] for n in (0, 1)]
        actions.dispatch_shipment(self.shipment.pk, lines=self.content(*packed), actor=self.packer)
        self.gone = True
        left = Move.unscoped.filter(subject_kind="fulfilment.shipment", subject_id=self.shipment.pk).values_list("product_id", "qty")
        assert dict(left) == {p.pk: qty for p, qty in zip(self.world.products[:2], packed, strict=True) if qty}

    @precondition(lambda self: self.gone)
    @rule(nights=st.lists(st.integers(1, 20), min_size=1, max_size=3, unique=True).map(sorted))
    def nobody_counts(self, nights: list[int]) -> None:
        """The job of some nights: a warning first, and what nobody counted as it was sent at least two days later."""
        for night in nights:
            before = Shipment.unscoped.get(pk=self.shipment.pk)
            with clock.freeze(clock.now() + timedelta(days=night)):
                after = actions.watch_receipt(self.shipment.pk, actor=SYSTEM)
                if after.state != before.state:
                    assert before.warned_on and before.warned_on + timedelta(days=2) < clock.today()
                    assert Receipt.unscoped.get(shipment=after, partial=False).automatic

    @precondition(lambda self: self.gone)
    @rule(damaged=st.booleans())
    def somebody_counts(self, damaged: bool) -> None:
        shipment = Shipment.unscoped.get(pk=self.shipment.pk)
        counted = counts(shipment, (1,)) if damaged else []
        if shipment.state == "shipped" or (shipment.state == "partly" and not damaged):
            actions.confirm_receipt(shipment.pk, counted, actor=self.world.dealer)
        elif shipment.state != "partly":
            with pytest.raises(Refused, match="illegal"):
                actions.confirm_receipt(shipment.pk, counted, actor=self.world.dealer)

    @precondition(lambda self: self.gone)
    @rule(first=some, second=some, damaged=st.booleans())
    def a_part_comes(self, first: D, second: D, damaged: bool) -> None:
        """So much of each line is here, the rest still under way; never more than that."""
        shipment = Shipment.unscoped.get(pk=self.shipment.pk)
        open_ones = list(ShipmentLine.unscoped.filter(shipment=shipment).order_by("line__no"))
        rest = [line.rest for line in open_ones]
        here = dict(zip(self.lines, (first, second), strict=True))
        part = Part([Count(line.pk, here[line.pk] - (1 if damaged and here[line.pk] else 0), D(damaged and here[line.pk] > 0)) for line in open_ones])
        much = [here[line.pk] for line in open_ones]
        if shipment.state not in ("shipped", "partly"):
            with pytest.raises(Refused, match="illegal"):
                actions.receive_part(shipment.pk, part, actor=self.world.dealer)
        elif any(qty > left for qty, left in zip(much, rest, strict=True)):
            with pytest.raises(Invalid, match="more_than_under_way"):
                actions.receive_part(shipment.pk, part, actor=self.world.dealer)
        elif any(much):
            receipt = actions.receive_part(shipment.pk, part, actor=self.world.dealer)
            assert receipt.partial == (much != rest)
            assert Shipment.unscoped.get(pk=shipment.pk).state == ("partly" if receipt.partial else "received")

    @precondition(lambda self: self.gone)
    @rule(data=st.data())
    def a_parcel_comes(self, data: st.DataObject) -> None:
        shipment = Shipment.unscoped.get(pk=self.shipment.pk)
        found = list(Package.unscoped.filter(shipment=shipment, receipt=None).order_by("no").values_list("sscc", flat=True))
        if found and shipment.state in ("shipped", "partly"):
            one = data.draw(st.sampled_from(found))
            try:
                actions.receive_part(shipment.pk, Part(parcels=[one]), actor=self.world.dealer)
            except Refused as refused:  # what is in it was counted by line before
                assert refused.faults[0].code == "fulfilment.nothing_came"
            else:
                assert Package.unscoped.get(sscc=one).receipt_id

    @precondition(lambda self: self.gone)
    @rule()
    def nothing_more_comes(self) -> None:
        shipment = Shipment.unscoped.get(pk=self.shipment.pk)
        if shipment.state == "partly":
            actions.end_receipt(shipment.pk, actor=self.world.dealer)
        else:
            with pytest.raises(Refused, match="illegal"):
                actions.end_receipt(shipment.pk, actor=self.world.dealer)

    @precondition(lambda self: self.gone)
    @rule()
    def another_order(self) -> None:
        self.order, self.gone = place(self.world, *map(int, PICKED)), False
        self.inside = {}
        self.pick()

    @invariant()
    def the_rows_say_the_same(self) -> None:
        if hasattr(self, "lines"):
            held = dict(ShipmentLine.unscoped.filter(shipment=self.shipment).values_list("pk", "packed"))
            for n, pk in enumerate(self.lines):
                assert held.get(pk, D(0)) == PICKED[n] - self.left()[n] <= PICKED[n]
            assert set(Package.unscoped.filter(shipment=self.shipment).values_list("pk", flat=True)) == set(self.inside)


@pytest.mark.django_db
def test_parcels_under_any_sequence() -> None:
    run_state_machine_as_test(Parcels, settings=RUN)
    assert not Package.unscoped.exists(), "each example is rolled back"
