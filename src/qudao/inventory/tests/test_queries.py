"""Who sees which stock, and what a buyer is told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qudao.agreements.tests.make import make_agreement
from qudao.base.access import visible
from qudao.catalog.tests.make import make_product
from qudao.inventory import queries
from qudao.inventory.actions import register_place, reserve, set_supply_place
from qudao.inventory.models import Move, Place, Reservation, Stock
from qudao.inventory.queries import Available, Supply
from qudao.inventory.rules import Demand
from qudao.inventory.tests.make import ORDER, in_unit, make_places, make_stock
from qudao.kernel.errors import Forbidden, NotFound

D = Decimal


def test_the_sellers_rows_are_hidden_from_the_buyer_and_the_branch_above_sees_the_buyers(cast, shelf):
    theirs = make_places(cast.d001)
    below = make_places(cast.s001)
    make_stock(theirs["MAIN"], {shelf.products[0].pk: 4})
    make_stock(below["MAIN"], {shelf.products[0].pk: 1})
    in_unit(reserve, [Demand(shelf.main, shelf.products[0].pk, D(1), 1), Demand(theirs["MAIN"], shelf.products[0].pk, D(1), 2)], ORDER)
    assert set(queries.on_hand(cast.hq_warehouse).values_list("place__owner__code", flat=True)) == {"LH", "D001", "S001"}
    assert set(queries.on_hand(cast.dealer).values_list("place__owner__code", flat=True)) == {"D001"}
    assert set(queries.on_hand(cast.dealer_admin).values_list("place__owner__code", flat=True)) == {"D001", "S001"}
    assert not queries.on_hand(cast.stranger).exists()
    for model in (Move, Reservation, Stock, Place):
        mine = set(visible(cast.stranger_admin, model).values_list("pk", flat=True))
        assert not mine & set(visible(cast.hq_warehouse, model).exclude(pk__in=mine).values_list("pk", flat=True))
    assert queries.moves(cast.dealer).count() == 1
    assert not queries.moves_of(cast.dealer, shelf.products[0].pk, shelf.main).exists()
    assert queries.open_reservations(cast.dealer, shelf.main, shelf.products[0].pk).count() == 0


def test_the_list_of_stock_is_one_statement(cast, shelf, django_assert_num_queries):
    with django_assert_num_queries(1):
        rows = list(queries.on_hand(cast.hq_warehouse, place_id=shelf.main))
        assert [(r.product.code, r.free, r.place.owner.code) for r in rows] == [("P1", D(10), "LH"), ("P2", D(10), "LH"), ("P3", D(10), "LH")]


def test_of_a_seller_without_a_warehouse_nothing_is_known(cast):
    agreement, product = make_agreement(cast.lh, cast.d001), make_product(cast.lh, "P1")
    Place.unscoped.filter(owner=cast.lh).delete()
    assert queries.available_for(cast.dealer, agreement.pk, {product.pk: D(1)}) == {product.pk: Available(None, None)}


def test_a_buyer_is_told_only_what_the_seller_shows(cast, shelf, agreement):
    a, b, c = (p.pk for p in shelf.products)
    in_unit(reserve, [Demand(shelf.main, b, D(3), 1), Demand(shelf.main, c, D(10), 2)], ORDER)
    bands = {a: Available("in_stock", None), b: Available("low", None), c: Available("out", None)}
    assert queries.available_for(cast.dealer, agreement.pk, dict.fromkeys([a, b, c], D(0))) == bands
    set_supply_place(agreement.pk, shelf.main, "exact", actor=cast.hq_warehouse)
    assert queries.available_for(cast.dealer, agreement.pk, {b: D(0)})[b] == Available("low", D(7))
    set_supply_place(agreement.pk, shelf.main, "nothing", actor=cast.hq_warehouse)
    assert queries.available_for(cast.dealer, agreement.pk, {b: D(5)})[b] == Available(None, None)
    with pytest.raises(NotFound):
        queries.available_for(cast.stranger, agreement.pk, {a: D(1)})
    with pytest.raises(NotFound):
        queries.available_for(cast.sub_dealer, agreement.pk, {a: D(1)})


def test_a_quantity_is_promised_as_far_as_the_stock_goes(cast, shelf, agreement, monkeypatch):
    a, b, c = (p.pk for p in shelf.products)
    in_unit(reserve, [Demand(shelf.main, b, D(3), 1), Demand(shelf.main, c, D(10), 2)], ORDER)
    monkeypatch.setattr("qudao.inventory.queries.clock.today", lambda: date(2026, 11, 20))  # a Friday
    day, asked = date(2026, 11, 24), {a: D(8), b: D(8), c: D(8)}
    found = queries.available_for(cast.dealer, agreement.pk, asked)
    assert [found[p].promise for p in (a, b, c)] == [((day, None),), ((day, None), (None, None)), ((None, None),)], "no quantity where a band is shown"
    set_supply_place(agreement.pk, shelf.main, "exact", 5, actor=cast.hq_warehouse)
    found = queries.available_for(cast.dealer, agreement.pk, asked)
    assert [found[p].promise for p in (b, c)] == [((date(2026, 11, 27), D(7)), (None, D(1))), ((None, D(8)),)]
    later = queries.available_for(cast.dealer, agreement.pk, asked, date(2026, 12, 1))
    assert later[a].promise == ((date(2026, 12, 1), D(8)),), "not before it is wanted"


def test_an_agreement_is_supplied_by_main_unless_the_seller_says_otherwise(cast, shelf, agreement, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert queries.unscoped_supply(agreement.pk) == Supply(agreement.pk, shelf.main, "banded", 2)
    east = register_place("EAST", actor=cast.hq_warehouse)
    set_supply_place(agreement.pk, east.pk, actor=cast.hq_warehouse)
    assert queries.unscoped_supplies([agreement.pk, 999999]) == {agreement.pk: Supply(agreement.pk, east.pk, "banded", 2)}
    assert queries.supply_of(cast.hq_clerk, agreement.pk).place == east
    with pytest.raises(NotFound):
        queries.unscoped_supply(999999)


def test_standard_places_win_over_later_ones_of_the_same_kind(cast, shelf):
    register_place("A-FIRST", actor=cast.hq_warehouse)
    found = queries.unscoped_places([cast.lh.pk, cast.d001.pk])
    assert found[cast.lh.pk, "stock"] == shelf.main
    assert found[cast.lh.pk, "transit"] == shelf.transit


def test_what_is_reserved_for_a_document_by_line(cast, shelf):
    in_unit(reserve, [Demand(shelf.main, shelf.products[0].pk, D(2), 7), Demand(shelf.main, shelf.products[1].pk, D(3), 8)], ORDER)
    assert queries.unscoped_reserved_for(ORDER.kind, ORDER.id) == {7: D(2), 8: D(3)}
    assert queries.unscoped_free([(shelf.main, shelf.products[0].pk), (shelf.transit, 1)]) == {
        (shelf.main, shelf.products[0].pk): D(8),
        (shelf.transit, 1): D(0),
    }


def test_an_organisation_finds_its_own_main_place(cast, shelf):
    assert queries.main_place(cast.hq_warehouse).pk == shelf.main
    with pytest.raises(Forbidden):
        queries.places(cast.hq_finance.__class__(**{**vars(cast.hq_finance), "verbs": frozenset()}))
