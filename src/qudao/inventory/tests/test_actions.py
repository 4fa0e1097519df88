"""Reserve, release and move on a real database: what they write, what they refuse, and how many statements they take."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from qudao.base.access import system_actor
from qudao.base.action import unit
from qudao.base.models import ActionLog
from qudao.base.subject import Subject
from qudao.base.work import NoWork
from qudao.inventory import actions
from qudao.inventory.actions import OpeningLine, adjust_stock, post_moves, receive_opening, register_place, release, reserve, set_supply_place
from qudao.inventory.models import Move, Place, Reservation, Stock, SupplyPlace
from qudao.inventory.rules import Demand, MoveSpec
from qudao.inventory.tests.make import ORDER, SHIPMENT, assert_sound, in_unit, levels, make_places, make_shelf
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused

D = Decimal
OTHER = Subject("orders.order", 2, number="SO-2")


def statements(body):
    """How many SQL statements a part takes, without BEGIN and COMMIT."""
    with CaptureQueriesContext(
        connection,
    ) as seen:
        in_unit(body)
    return len([q for q in seen.captured_queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))])


def demands(shelf, *quantities):
    return [Demand(shelf.main, p.pk, D(q), n) for n, (p, q) in enumerate(zip(shelf.products, quantities, strict=False), 1)]


def codes(refused):
    return [(f.code, f.field) for f in refused.value.faults]


# --- reserve ---


def test_reserve_takes_three_statements_for_any_number_of_lines(cast):
    shelf = make_shelf(cast.lh, [5] * 10)
    assert statements(partial(reserve, demands(shelf, *[1] * 10), ORDER)) == 3
    assert statements(partial(reserve, demands(shelf, 1), OTHER)) == 3
    assert levels(shelf.main)[shelf.main, shelf.products[0].pk] == (D(5), D(2))
    assert_sound()


def test_reserve_keeps_demands_of_one_product_apart_by_line(shelf):
    a = shelf.products[0].pk
    in_unit(reserve, [Demand(shelf.main, a, D(4), 1), Demand(shelf.main, a, D(6), 2)], ORDER)
    assert levels(shelf.main)[shelf.main, a] == (D(10), D(10))
    assert dict(Reservation.unscoped.values_list("ref_id", "qty")) == {1: D(4), 2: D(6)}


def test_all_shortages_are_reported_and_nothing_is_reserved(shelf):
    before = levels()
    with pytest.raises(Refused) as refused:
        in_unit(reserve, [*demands(shelf, 11, 10, 12), Demand(shelf.transit, shelf.products[0].pk, D(1), 9)], ORDER)
    assert codes(refused) == [("inventory.short", f"lines.{n}") for n in (1, 3, 9)]
    assert dict(refused.value.faults[1].params) == {"product_id": shelf.products[2].pk, "needed": "12", "available": "10", "short": "2"}
    assert levels() == before
    assert not Reservation.unscoped.exists()


def test_reserving_a_line_twice_is_refused_by_constraint(shelf):
    in_unit(reserve, demands(shelf, 1), ORDER)
    with pytest.raises(Refused, match=r"inventory\.reservation_open_once"):
        in_unit(reserve, demands(shelf, 1), ORDER)


def test_a_part_runs_only_inside_an_action(shelf):
    with pytest.raises(NoWork):
        reserve(demands(shelf, 1), ORDER, actor=system_actor())


# --- release ---


def test_release_gives_back_what_is_left_in_two_statements_and_can_be_repeated(shelf):
    in_unit(reserve, demands(shelf, 4, 5, 6), ORDER)
    in_unit(reserve, demands(shelf, 1), OTHER)
    assert statements(partial(release, ORDER)) == 2
    assert statements(partial(release, ORDER)) == 1
    assert [reserved for _on_hand, reserved in levels(shelf.main).values()] == [D(1), D(0), D(0)]
    assert set(Reservation.unscoped.filter(subject_id=1).values_list("state", "released")) == {("closed", D(4)), ("closed", D(5)), ("closed", D(6))}
    assert_sound()


def test_release_of_some_lines_leaves_the_others(shelf):
    in_unit(reserve, demands(shelf, 4, 5, 6), ORDER)
    assert in_unit(release, ORDER, ref_ids=[1, 3]) == D(10)
    assert list(Reservation.unscoped.filter(state="open").values_list("ref_id", flat=True)) == [2]
    assert in_unit(release, ORDER, ref_ids=[]) == D(0)
    assert_sound()


# --- post_moves ---


def test_shipping_takes_the_reservation_and_makes_the_first_row_of_the_other_place_in_four_statements(cast):
    shelf = make_shelf(cast.lh, [5] * 10)
    in_unit(reserve, demands(shelf, *[5] * 10), ORDER)
    ship = [MoveSpec(p.pk, D(3), shelf.main, shelf.transit, n, take_reserved=True) for n, p in enumerate(shelf.products, 1)]
    assert statements(partial(post_moves, ship, SHIPMENT)) == 4
    assert set(levels(shelf.main).values()) == {(D(2), D(2))}
    assert set(levels(shelf.transit).values()) == {(D(3), D(0))}
    assert set(Reservation.unscoped.values_list("taken", "state")) == {(D(3), "open")}
    rest = [MoveSpec(p.pk, D(2), shelf.main, shelf.transit, n, take_reserved=True) for n, p in enumerate(shelf.products, 1)]
    assert statements(partial(post_moves, rest, SHIPMENT)) == 3
    assert set(Reservation.unscoped.values_list("taken", "state")) == {(D(5), "closed")}
    back = [MoveSpec(p.pk, D(5), shelf.transit, shelf.main) for p in shelf.products]
    assert statements(partial(post_moves, back, SHIPMENT)) == 2
    assert_sound()


def test_more_than_reserved_cannot_be_taken(shelf):
    in_unit(reserve, demands(shelf, 4), ORDER)
    with pytest.raises(Refused) as refused:
        in_unit(post_moves, [MoveSpec(shelf.products[0].pk, D(5), shelf.main, shelf.transit, 1, take_reserved=True)], SHIPMENT)
    assert codes(refused) in ([("inventory.not_reserved", "lines.1")], [("inventory.short", "lines.1")])
    assert_sound()


def test_the_reservation_of_another_document_is_not_taken(shelf):
    in_unit(reserve, demands(shelf, 4), OTHER)
    ship = [MoveSpec(shelf.products[0].pk, D(4), shelf.main, shelf.transit, 1, take_reserved=True)]
    with pytest.raises(Refused, match=r"inventory\.not_reserved"):
        in_unit(post_moves, ship, SHIPMENT, reserved_for=ORDER)
    in_unit(post_moves, ship, SHIPMENT, reserved_for=OTHER)
    assert_sound()


def test_a_plain_move_does_not_touch_what_is_reserved(shelf):
    in_unit(reserve, demands(shelf, 8), ORDER)
    with pytest.raises(Refused) as refused:
        in_unit(post_moves, [MoveSpec(shelf.products[0].pk, D(3), shelf.main, shelf.outside, 7)], SHIPMENT)
    assert dict(refused.value.faults[0].params)["available"] == "2"


def test_goods_from_and_to_outside_keep_no_row_there(shelf):
    in_unit(post_moves, [MoveSpec(shelf.products[0].pk, D(3), shelf.outside, shelf.claims)], SHIPMENT)
    in_unit(post_moves, [MoveSpec(shelf.products[0].pk, D(1), shelf.claims, shelf.outside)], SHIPMENT)
    assert levels(shelf.outside) == {}
    assert levels(shelf.claims) == {(shelf.claims, shelf.products[0].pk): (D(2), D(0))}
    assert_sound()


def test_a_move_within_one_place_and_a_move_to_nowhere_are_refused(shelf):
    with pytest.raises(Invalid, match=r"inventory\.same_place"):
        in_unit(post_moves, [MoveSpec(shelf.products[0].pk, D(1), shelf.main, shelf.main)], SHIPMENT)
    with pytest.raises(NotFound, match=r"inventory\.no_place"):
        in_unit(post_moves, [MoveSpec(shelf.products[0].pk, D(1), shelf.main, 999999)], SHIPMENT)
    with pytest.raises(Invalid, match=r"inventory\.quantity"):
        in_unit(post_moves, [MoveSpec(shelf.products[0].pk, D(0), shelf.main, shelf.transit)], SHIPMENT)


# --- what the database refuses by itself ---


@pytest.mark.parametrize(
    ("table", "change", "name"),
    [
        ("inventory_stock", "reserved = on_hand + 1", "inventory_stock_reserved_within"),
        ("inventory_stock", "reserved = -1", "inventory_stock_reserved_within"),
        ("inventory_reservation", "taken = -1", "inventory_reservation_within_qty"),
        ("inventory_reservation", "state = 'closed'", "inventory_reservation_state_fits"),
        ("inventory_place", "kind = 'moon'", "inventory_place_kind_known"),
        ("inventory_place", "code = ''", "inventory_place_code_given"),
        ("inventory_place", "code = 'MAIN'", "inventory_place_code_unique"),
        ("inventory_move", "qty = 2", "inventory_move_is_append_only"),
    ],
)
def test_constraints_hold_against_any_sql(shelf, table, change, name):
    in_unit(reserve, demands(shelf, 1), ORDER)
    with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change}")


def test_moves_cannot_be_deleted_and_need_a_quantity_and_two_places(shelf):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Move.unscoped.all().delete()
    row = Move.unscoped.first()
    for name, change in {"inventory_move_qty_positive": {"qty": 0}, "inventory_move_places_differ": {"to_place_id": row.from_place_id}}.items():
        values = {f.attname: getattr(row, f.attname) for f in Move._meta.fields if f.attname != "id"} | change
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Move.unscoped.create(**values)


def test_one_row_per_place_and_product(shelf):
    with pytest.raises(IntegrityError, match="inventory_stock_place_product_unique"), transaction.atomic():
        Stock.unscoped.create(place_id=shelf.main, product=shelf.products[0])


# --- actions of people ---


def test_opening_stock_is_entered_by_the_warehouse_of_the_owner_and_logged(cast, shelf):
    receive_opening(shelf.main, [OpeningLine(shelf.products[0].pk, D("2.5"))], "count of the year", actor=cast.hq_warehouse)
    assert levels(shelf.main)[shelf.main, shelf.products[0].pk] == (D("12.5"), D(0))
    line = ActionLog.unscoped.get(verb="inventory.receive", actor_org=cast.lh.pk)
    assert (line.subject_kind, line.reason, line.detail) == ("inventory.place", "count of the year", {"lines": 1, "total": "2.5"})


def test_opening_stock_is_refused_to_buyers_strangers_and_outside(cast, shelf):
    lines = [OpeningLine(shelf.products[0].pk, D(1))]
    with pytest.raises(Forbidden):
        receive_opening(shelf.main, lines, "x", actor=cast.dealer)
    with pytest.raises(NotFound):
        receive_opening(shelf.main, lines, "x", actor=cast.stranger_admin)
    with pytest.raises(Refused, match=r"inventory\.place_kind"):
        receive_opening(shelf.outside, lines, "x", actor=cast.hq_warehouse)
    with pytest.raises(Invalid, match=r"inventory\.no_product"):
        receive_opening(shelf.main, [OpeningLine(999999, D(1))], "x", actor=cast.hq_warehouse)
    with pytest.raises(Invalid, match=r"inventory\.reason_missing"):
        receive_opening(shelf.main, lines, " ", actor=cast.hq_warehouse)
    with pytest.raises(Invalid, match=r"inventory\.no_lines"):
        receive_opening(shelf.main, [], "x", actor=cast.hq_warehouse)


def test_the_brand_sees_a_dealers_stock_but_does_not_adjust_it(cast, shelf):
    theirs = make_places(cast.d001)["MAIN"]
    with pytest.raises(Forbidden):
        adjust_stock(theirs, shelf.products[0].pk, D(5), "x", actor=cast.hq_warehouse)


def test_an_adjustment_posts_the_difference_both_ways(cast, shelf):
    product = shelf.products[0].pk
    assert adjust_stock(shelf.main, product, D(12), "found two", actor=cast.hq_warehouse).on_hand == D(12)
    assert adjust_stock(shelf.main, product, D(0), "all broken", actor=cast.hq_warehouse).on_hand == D(0)
    assert [(m.qty, m.to_place_id == shelf.main) for m in Move.unscoped.filter(product=product).order_by("id")] == [(D(10), True), (D(2), True), (D(12), False)]
    assert list(ActionLog.unscoped.filter(verb="inventory.adjust").order_by("id").values_list("before", "after")) == [("10", "12"), ("12", "0")]
    assert_sound()


def test_an_adjustment_below_what_is_reserved_or_without_difference_is_refused(cast, shelf):
    in_unit(reserve, demands(shelf, 4), ORDER)
    with pytest.raises(Refused, match=r"inventory\.reserved_more"):
        adjust_stock(shelf.main, shelf.products[0].pk, D(3), "x", actor=cast.hq_warehouse)
    with pytest.raises(Refused, match=r"inventory\.no_difference"):
        adjust_stock(shelf.main, shelf.products[0].pk, D(10), "x", actor=cast.hq_warehouse)
    with pytest.raises(Invalid, match=r"inventory\.quantity"):
        adjust_stock(shelf.main, shelf.products[0].pk, D(-1), "x", actor=cast.hq_warehouse)


def test_an_organisation_opens_another_warehouse_once(cast, shelf):
    place = register_place(" east ", "东仓", actor=cast.hq_warehouse)
    assert (place.code, place.kind, place.owner_id) == ("EAST", "stock", cast.lh.pk)
    with pytest.raises(Refused, match=r"inventory\.place_code_unique"), transaction.atomic():
        register_place("EAST", actor=cast.hq_warehouse)
    with pytest.raises(Invalid):
        register_place(" ", actor=cast.hq_warehouse)


def test_the_standard_places_are_made_once(cast):
    assert make_places(cast.d001) == make_places(cast.d001)
    assert Place.unscoped.filter(owner=cast.d001).count() == 4


def test_the_seller_chooses_what_supplies_an_agreement(cast, shelf, agreement):
    supply = set_supply_place(agreement.pk, shelf.main, "exact", actor=cast.hq_warehouse)
    assert (supply.place_id, supply.shows) == (shelf.main, "exact")
    assert SupplyPlace.unscoped.count() == 1
    foreign = make_places(cast.d001)["MAIN"]
    with pytest.raises(Refused, match=r"inventory\.foreign_place"):
        set_supply_place(agreement.pk, foreign, actor=cast.dealer_admin)
    with pytest.raises(NotFound):
        set_supply_place(999999, shelf.main, actor=cast.hq_warehouse)
    with pytest.raises(Invalid):
        set_supply_place(agreement.pk, shelf.main, "exact", 261, actor=cast.hq_warehouse)
    with pytest.raises(IntegrityError, match="inventory_supplyplace_shows_known"), transaction.atomic():
        SupplyPlace.unscoped.update(shows="all")


def test_nothing_is_written_for_nothing(shelf):
    assert statements(partial(reserve, [], ORDER)) == 0
    assert statements(partial(post_moves, [], ORDER)) == 0
    assert unit(lambda: actions.ensure_places(shelf.owner.pk, actor=system_actor()))["MAIN"] == shelf.main
