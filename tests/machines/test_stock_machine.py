"""Stock under any sequence of receipts, reservations, releases, shipments and adjustments: never wrong, never negative.

A plain dictionary predicts what every step does or refuses; after each step the rows equal it and every invariant holds.
`QUDAO_SLOW=1` runs it long.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from qudao.base.access import system_actor
from qudao.base.subject import Subject
from qudao.inventory.actions import LotQty, adjust_stock, free_stock, hold_stock, post_moves, release, reserve, track_product
from qudao.inventory.models import Lot, Reservation, Stock
from qudao.inventory.rules import Demand, MoveSpec
from qudao.inventory.tests.make import Shelf, assert_sound, in_unit, levels, make_shelf
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.network.tests.make import make_org

SLOW = os.environ.get("QUDAO_SLOW") == "1"
RUN = settings(
    max_examples=200 if SLOW else 12,
    stateful_step_count=50 if SLOW else 20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
ZERO = Decimal(0)
QTY = st.decimals("0.5", "9", places=1)
PLACE = st.integers(0, 1)  # MAIN, TRANSIT
PRODUCT = st.integers(0, 2)
BY_LOT = 2  # the product that is tracked by lot


class StockMachine(RuleBasedStateMachine):
    """Runs on the rows of `shelf`, which a subclass gives; every example is rolled back."""

    shelf: Shelf

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @initialize()
    def start(self) -> None:
        self.places = [self.shelf.main, self.shelf.transit]
        self.products = [p.pk for p in self.shelf.products]
        self.on_hand = {key: have[0] for key, have in levels().items()}
        self.promised: dict[tuple[int, int], list] = {}  # (document, line) → [place, product, left]
        self.line = 0
        self.blocked: set[tuple[int, int]] = set()

    # --- what the dictionary knows ---

    def reserved(self, place: int, product: int) -> Decimal:
        return sum((left for at, what, left in self.promised.values() if (at, what) == (place, product)), ZERO)

    def free(self, place: int, product: int) -> Decimal:
        return self.on_hand.get((place, product), ZERO) - self.reserved(place, product)

    def expired(self, place: int, product: int) -> Decimal:
        """What nobody may be promised; which lots lie there is proven by the invariants."""
        return sum(Lot.unscoped.filter(place=place, product=product, expires_on__lt=clock.today()).values_list("qty", flat=True), ZERO)

    def change(self, place: int, product: int, qty: Decimal) -> None:
        self.on_hand[place, product] = self.on_hand.get((place, product), ZERO) + qty

    # --- steps ---

    @rule(place=PLACE, product=PRODUCT, qty=QTY, lot=st.integers(-1, 2))
    def receive(self, place: int, product: int, qty: Decimal, lot: int) -> None:
        lots = (LotQty(f"L{lot}", clock.today() + timedelta(days=lot), qty),) if product == BY_LOT else ()
        in_unit(post_moves, [MoveSpec(self.products[product], qty, self.shelf.outside, self.places[place], lots=lots)], Subject("test.receipt", 1))
        self.change(self.places[place], self.products[product], qty)

    @rule(document=st.integers(1, 3), wanted=st.lists(st.tuples(PLACE, PRODUCT, QTY), min_size=1, max_size=4))
    def promise(self, document: int, wanted: list) -> None:
        demands = []
        for place, product, qty in wanted:
            self.line += 1
            demands.append(Demand(self.places[place], self.products[product], qty, self.line))
        needed: dict[tuple[int, int], Decimal] = {}
        for d in demands:
            needed[d.place_id, d.product_id] = needed.get((d.place_id, d.product_id), ZERO) + d.qty
        fits = all((ZERO if key in self.blocked else self.free(*key) - self.expired(*key)) >= qty for key, qty in needed.items())
        try:
            in_unit(reserve, demands, Subject("test.order", document))
        except Refused as refused:
            assert not fits
            assert {f.code for f in refused.faults} == {"inventory.short"}
        else:
            assert fits
            self.promised |= {(document, d.ref_id): [d.place_id, d.product_id, d.qty] for d in demands}

    @rule(document=st.integers(1, 3), some=st.booleans())
    def give_back(self, document: int, some: bool) -> None:
        lines = [line for doc, line in self.promised if doc == document]
        chosen = lines[: len(lines) // 2] if some else lines
        given = in_unit(release, Subject("test.order", document), ref_ids=chosen if some else None)
        assert given == sum((self.promised.pop((document, line))[2] for line in chosen), ZERO)

    @precondition(lambda self: self.promised)
    @rule(data=st.data(), qty=QTY, beyond=st.booleans())
    def ship(self, data: st.DataObject, qty: Decimal, beyond: bool) -> None:
        document, line = key = data.draw(st.sampled_from(sorted(self.promised)))
        place, product, left = self.promised[key]
        qty = left + qty if beyond else min(qty, left)
        target = self.shelf.transit if place == self.shelf.main else self.shelf.outside
        spec = MoveSpec(product, qty, place, target, line, take_reserved=True)
        try:
            in_unit(post_moves, [spec], Subject("test.shipment", 1), reserved_for=Subject("test.order", document))
        except Refused:
            assert beyond or (place, product) in self.blocked
            return
        assert not beyond and ((place, product) not in self.blocked or target == self.shelf.outside)
        self.change(place, product, -qty)
        if target != self.shelf.outside:
            self.change(target, product, qty)
        self.promised[key][2] -= qty
        if not self.promised[key][2]:
            del self.promised[key]

    @rule(product=PRODUCT, hold=st.booleans())
    def block_or_release(self, product: int, hold: bool) -> None:
        """Goods without lots are blocked for quality in the warehouse, and released."""
        key = (self.shelf.main, self.products[product])
        row = Stock.unscoped.filter(place=key[0], product=key[1]).first()
        doing = hold_stock if hold else free_stock
        if row is None:
            return
        if (hold and row.tracked) or (not hold and key not in self.blocked):
            with pytest.raises(Refused):
                doing(row.pk, "machine", actor=system_actor())
            return
        doing(row.pk, "machine", actor=system_actor())
        self.blocked = self.blocked | {key} if hold else self.blocked - {key}

    @rule(place=PLACE, product=PRODUCT, qty=QTY, out=st.booleans())
    def move(self, place: int, product: int, qty: Decimal, out: bool) -> None:
        source, what = self.places[place], self.products[product]
        target = self.shelf.outside if out else self.places[1 - place]
        fits = self.free(source, what) >= qty and (out or (source, what) not in self.blocked)
        try:
            in_unit(post_moves, [MoveSpec(what, qty, source, target)], Subject("test.move", 1))
        except Refused:
            assert not fits
            return
        assert fits
        self.change(source, what, -qty)
        if not out:
            self.change(target, what, qty)

    @rule(product=PRODUCT, counted=st.decimals("0", "9", places=1))
    def count(self, product: int, counted: Decimal) -> None:
        what = self.products[product]
        have = self.on_hand.get((self.shelf.main, what), ZERO)
        allowed = counted != have and counted >= self.reserved(self.shelf.main, what)
        try:
            adjust_stock(self.shelf.main, what, counted, "counted", actor=system_actor())
        except Refused:
            assert not allowed
        else:
            assert allowed
            self.on_hand[self.shelf.main, what] = counted

    # --- what must hold after each ---

    @invariant()
    def rows_equal_the_dictionary(self) -> None:
        if not hasattr(self, "promised"):
            return
        assert levels() == {key: (qty, self.reserved(*key)) for key, qty in self.on_hand.items()}
        left = {(r.subject_id, r.ref_id): r.qty - r.taken - r.released for r in Reservation.unscoped.filter(state="open")}
        assert left == {key: value[2] for key, value in self.promised.items()}
        assert_sound()


@pytest.mark.machine
def test_stock_survives_any_sequence(db):
    shelf = make_shelf(make_org("hq", "LH"), (10, 3, 2))
    track_product(shelf.products[BY_LOT].pk, actor=replace(system_actor(), org_id=shelf.owner.pk))
    run_state_machine_as_test(type("OnShelf", (StockMachine,), {"shelf": shelf}), settings=RUN)
    assert_sound()
