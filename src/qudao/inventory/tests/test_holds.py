"""Goods blocked for quality: promised to nobody, picked for nobody, released to who waits; by page and API."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.base.audit import timeline
from qudao.base.invariants import all_checks, offending
from qudao.base.models import Event
from qudao.base.subject import Subject
from qudao.base.tests.page_text import text
from qudao.inventory.actions import (
    OpeningLine,
    adjust_stock,
    free_lot,
    free_stock,
    hold_lot,
    hold_stock,
    move_between_places,
    post_moves,
    receive_opening,
    register_place,
    reserve,
    track_product,
)
from qudao.inventory.models import Lot, Stock
from qudao.inventory.queries import unscoped_free, unscoped_proposals
from qudao.inventory.rules import Demand, LotQty, MoveSpec, fefo
from qudao.inventory.tests.make import ORDER, SHIPMENT, assert_sound, in_unit
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import bearer, sign_in


def codes(caught):
    return {fault.code for fault in caught.value.faults}


@pytest.fixture
def one(cast, shelf):
    """The stock row of the first product: ten pieces without lots."""
    return Stock.unscoped.get(place=shelf.main, product=shelf.products[0])


@pytest.fixture
def lot(cast, shelf):
    """A lot of five of the second product, beside ten without a number."""
    product = shelf.products[1]
    track_product(product.pk, actor=cast.hq_admin)
    receive_opening(shelf.main, [OpeningLine(product.pk, D(5), "A1")], "opening", actor=cast.hq_warehouse)
    return Lot.unscoped.get(lot="A1")


def test_blocked_stock_is_promised_to_nobody_and_cannot_leave_until_it_is_released(cast, shelf, one):
    keeper, key = cast.hq_warehouse, (shelf.main, one.product_id)
    east = register_place("EAST", actor=keeper)
    in_unit(reserve, [Demand(*key, D(4), 1)], ORDER)
    hold_stock(one.pk, "Motor hums", actor=keeper)
    assert unscoped_free([key]) == {key: D(0)}
    with pytest.raises(Refused) as caught:
        in_unit(reserve, [Demand(*key, D(1), 2)], ORDER)
    assert codes(caught) == {"inventory.short"}
    for leaving in (MoveSpec(one.product_id, D(4), shelf.main, shelf.transit, 1, take_reserved=True), MoveSpec(one.product_id, D(1), shelf.main, east.pk, 1)):
        with pytest.raises(Refused) as caught:
            in_unit(post_moves, [leaving], SHIPMENT)
        assert codes(caught) == {"inventory.held"}
    with pytest.raises(Refused):
        move_between_places(shelf.main, east.pk, [OpeningLine(one.product_id, D(1))], "away", actor=keeper)
    receive_opening(shelf.main, [OpeningLine(one.product_id, D(3))], "more of it", actor=keeper)
    adjust_stock(shelf.main, one.product_id, D(11), "two thrown away", actor=keeper)
    assert unscoped_free([key]) == {key: D(0)}, "what comes in is blocked as well"
    free_stock(one.pk, "Only the fan cover", actor=keeper)
    assert unscoped_free([key]) == {key: D(7)}
    in_unit(post_moves, [MoveSpec(one.product_id, D(4), shelf.main, shelf.transit, 1, take_reserved=True)], SHIPMENT, reserved_for=ORDER)
    told = [(x.before, x.after, x.reason) for x in timeline(Subject("inventory.stock", one.pk, cast.lh.pk))]
    assert sorted(told) == [("free", "held", "Motor hums"), ("held", "free", "Only the fan cover")]
    assert_sound()


def test_a_blocked_lot_is_neither_proposed_nor_taken_but_may_be_written_off(cast, shelf, lot):
    keeper, product = cast.hq_warehouse, lot.product_id
    hold_lot(lot.pk, "Label is missing", actor=keeper)
    assert unscoped_free([(shelf.main, product)]) == {(shelf.main, product): D(10)}
    assert unscoped_proposals([(0, Demand(shelf.main, product, D(12), 1))]) == {1: [LotQty("", None, D(10))]}
    assert fefo([LotQty("A1", None, D(5), held=True)], D(2)) == ([], D(2))
    named = MoveSpec(product, D(2), shelf.main, shelf.transit, 1, lots=(LotQty("A1", None, D(2)),))
    with pytest.raises(Refused) as caught:
        in_unit(post_moves, [named], SHIPMENT)
    assert codes(caught) == {"inventory.lot_held"}
    with pytest.raises(Refused) as caught:
        in_unit(post_moves, [MoveSpec(product, D(12), shelf.main, shelf.transit, 1)], SHIPMENT)
    assert codes(caught) == {"inventory.lots_short"}
    adjust_stock(shelf.main, product, D(1), "all but one burnt", actor=keeper)
    assert sum(Lot.unscoped.filter(product_id=product).values_list("qty", flat=True)) == 1
    hold_lot(lot.pk, "Another reason", actor=keeper)
    free_lot(lot.pk, "Printed again", actor=keeper)
    assert Lot.unscoped.get(pk=lot.pk).held == ""
    assert_sound()


def test_who_waits_is_told_when_goods_are_released(cast, shelf, one):
    hold_stock(one.pk, "Look at it", actor=cast.hq_warehouse)
    Stock.unscoped.filter(pk=one.pk).update(awaited=True)
    assert not Event.unscoped.filter(name="inventory.GoodsFree").exists()
    free_stock(one.pk, "Good", actor=cast.hq_warehouse)
    assert Event.unscoped.filter(name="inventory.GoodsFree").count() == 1


def test_only_the_owner_blocks_with_a_reason_and_by_lot_where_there_are_lots(cast, shelf, one, lot):
    keeper = cast.hq_warehouse
    by_lot = Stock.unscoped.get(place=shelf.main, product=lot.product_id)
    for doing, pk, reason, actor, refusal in (
        (hold_stock, one.pk, " ", keeper, Invalid),
        (hold_stock, one.pk, "x" * 201, keeper, Invalid),
        (free_stock, one.pk, "never blocked", keeper, Refused),
        (free_lot, lot.pk, "never blocked", keeper, Refused),
        (hold_stock, by_lot.pk, "whole", keeper, Refused),
        (hold_stock, one.pk, "not mine", cast.dealer_admin, NotFound),
        (hold_lot, lot.pk, "not mine", cast.stranger_admin, NotFound),
        (hold_lot, lot.pk, "no right", cast.hq_clerk, Forbidden),
    ):
        with pytest.raises(refusal):
            doing(pk, reason, actor=actor)
    transit = Stock.unscoped.create(place_id=shelf.transit, product=one.product, on_hand=0)
    with pytest.raises(Refused, match="place_kind"):
        hold_stock(transit.pk, "on its way", actor=keeper)
    transit.held = "planted"
    transit.save()
    check = next(x for x in all_checks() if x.name == "inventory.blocked_goods_lie_in_warehouses")
    assert offending(check)[0] == 1


def test_pages_and_programs_block_and_release(cast, shelf, one, lot, client):
    sign_in(client, cast.hq_warehouse)
    for row, name, page in ((one, "stock", "stock_item"), (lot, "lot", "lot")):
        at, hold, release = reverse(page, args=[row.pk]), reverse(f"{name}_hold", args=[row.pk]), reverse(f"{name}_release", args=[row.pk])
        assert hold in text(client.get(at)) and "promised to nobody new" in text(client.get(hold))
        assert client.post(hold, {"reason": ""}).status_code == 422
        assert client.post(hold, {"reason": "Corner is wet"}).status_code == 302
        shown = text(client.get(at))
        assert "Corner is wet" in shown and release in shown and "Blocked" in shown
        listed = text(client.get(reverse("stock" if name == "stock" else "lots") + "?tab=held"))
        assert row.product.code in listed
        assert "Corner is wet" in text(client.get(release)) and client.post(release, {"reason": "Dry again"}).status_code == 302
        asked = f"/api/v1/{'stock' if name == 'stock' else 'lots'}/{row.pk}"
        head = bearer(cast.hq_warehouse)
        answer = client.post(f"{asked}/hold", {"reason": "again"}, content_type="application/json", headers=head)
        assert answer.json()["held"] == "again"
        assert client.post(f"{asked}/release", {"reason": "good"}, content_type="application/json", headers=head).json()["held"] == ""
        assert client.post(f"{asked}/release", {"reason": "good"}, content_type="application/json", headers=head).status_code == 409
    assert_sound()
