"""Warehouses: described, closed and opened again; and goods that go from one to another, by page, API and file."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.tests.make import Api
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import
from qudao.base.models import Event
from qudao.base.tests.brought_back import same_again
from qudao.base.tests.edit_cell import edit
from qudao.base.tests.page_text import text
from qudao.inventory.actions import (
    OpeningLine,
    PlaceFacts,
    change_place,
    close_place,
    move_between_places,
    open_shelves,
    post_moves,
    promise,
    receive_opening,
    register_place,
    remove_places,
    reopen_place,
    reserve,
    set_serving,
    set_supply_place,
    track_product,
)
from qudao.inventory.models import Lot, Move, Place, Stock
from qudao.inventory.pages.places import PlaceList
from qudao.inventory.rules import Demand, MoveSpec, Whom
from qudao.inventory.tests.make import ORDER, SHIPMENT, assert_sound, in_unit, levels
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import sign_in


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def east(cast, shelf):
    return register_place("EAST", "东仓", actor=cast.hq_warehouse)


def codes(caught):
    return [(f.code, f.field) for f in caught.value.faults]


def shift(cast, shelf, east, *lines, back=False, actor=None):
    ends = (east.pk, shelf.main) if back else (shelf.main, east.pk)
    return move_between_places(*ends, [OpeningLine(*line) for line in lines], "nearer", actor=actor or cast.hq_warehouse)


def wait_for(demands, *, actor):
    """As an order does that is short and may wait."""
    shelves = open_shelves(demands, actor=actor)
    shelves.serve(demands, ORDER, wait=True)
    promise(shelves, actor=actor)


# --- places ---


def test_a_warehouse_is_described_closed_and_opened_again_on_its_pages(cast, shelf, client):
    hq = sign_in(client, cast.hq_admin)
    form = {"code": "north", "name": "北仓", "name_en": "North", "address": "1 Quay", "contact": "Li", "phone": "1"}
    assert text(hq.get(reverse("place_new"))) and hq.post(reverse("place_new"), form).status_code == 302
    north = Place.unscoped.get(code="NORTH")
    shown = text(hq.get(north.get_absolute_url()))
    assert "North" in shown and "1 Quay" in shown and "Nothing lies there" in shown and "Close warehouse" in shown
    change = reverse("place_change", args=[north.pk])
    assert "1 Quay" in text(hq.get(change))
    assert hq.post(change, {"name": "北仓", "name_en": "Far North", "address": "2 Quay"}).status_code == 302
    assert "2 Quay" in text(hq.get(reverse("places"))) and "Far North" in text(hq.get(north.get_absolute_url()))
    closing = reverse("place_closing", args=[north.pk])
    assert "Nothing enters NORTH" in text(hq.get(closing))
    assert hq.post(closing, {"reason": "moved out"}).status_code == 302
    assert "Open again" in text(hq.get(north.get_absolute_url())) and "NORTH" not in text(hq.get(reverse("places")))
    assert "NORTH" in text(hq.get(f"{reverse('places')}?tab=closed")) and "NORTH" not in text(hq.get(reverse("stock_shift")))
    assert text(hq.get(reverse("place_opening", args=[north.pk]))) and hq.post(reverse("place_opening", args=[north.pk])).status_code == 302
    assert not Place.unscoped.get(pk=north.pk).closed
    main = text(hq.get(reverse("place", args=[shelf.main])))
    assert "Close warehouse" not in main and "3 products" in main


def test_a_closed_warehouse_takes_nothing_until_it_is_open_again(cast, shelf, east):
    close_place(east.pk, "moved out", actor=cast.hq_warehouse)
    line = [OpeningLine(shelf.products[0].pk, D(1))]
    for attempt in (
        lambda: receive_opening(east.pk, line, "x", actor=cast.hq_warehouse),
        lambda: shift(cast, shelf, east, (shelf.products[0].pk, D(1))),
        lambda: in_unit(post_moves, [MoveSpec(shelf.products[0].pk, D(1), shelf.outside, east.pk, 7)], ORDER),
        lambda: in_unit(wait_for, [Demand(east.pk, shelf.products[0].pk, D(1), 7)]),
        lambda: close_place(east.pk, "again", actor=cast.hq_warehouse),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.faults[0].code == "inventory.place_closed"
    with pytest.raises(Invalid):
        set_serving(Whom(), [east.pk], actor=cast.hq_admin)
    reopen_place(east.pk, actor=cast.hq_warehouse)
    with pytest.raises(Refused) as refused:
        reopen_place(east.pk, actor=cast.hq_warehouse)
    assert codes(refused) == [("inventory.place_open", "")]
    shift(cast, shelf, east, (shelf.products[0].pk, D(1)))
    assert_sound()


def test_what_hinders_the_closing_is_told_at_once(cast, shelf, east):
    one, two, _three = (product.pk for product in shelf.products)
    agreement = make_agreement(cast.lh, cast.d001)
    set_supply_place(agreement.pk, east.pk, actor=cast.hq_admin)
    set_serving(Whom(), [east.pk], actor=cast.hq_admin)
    shift(cast, shelf, east, (one, D(4)), (two, D(2)))
    in_unit(post_moves, [MoveSpec(two, D(2), east.pk, shelf.transit, 1)], SHIPMENT)
    Stock.unscoped.filter(place=east, product_id=two).update(awaited=True)
    with pytest.raises(Refused) as refused:
        close_place(east.pk, "moved out", actor=cast.hq_warehouse)
    found = {fault.code: fault.params for fault in refused.value.faults}
    assert list(found) == [f"inventory.place_{name}" for name in ("not_empty", "awaited", "under_way", "supplies", "serves")]
    assert found["inventory.place_not_empty"]["n"] == 1 and found["inventory.place_under_way"]["numbers"] == "SH-1"
    assert found["inventory.place_supplies"]["codes"] == agreement.code
    in_unit(post_moves, [MoveSpec(two, D(2), shelf.transit, shelf.outside, 1)], SHIPMENT)
    with pytest.raises(Refused) as refused:
        close_place(east.pk, "moved out", actor=cast.hq_warehouse)
    assert "inventory.place_under_way" not in [code for code, _field in codes(refused)]
    with pytest.raises(Refused) as main:
        close_place(shelf.main, "moved out", actor=cast.hq_warehouse)
    assert codes(main) == [("inventory.place_main", "")]
    with pytest.raises(Invalid):
        close_place(east.pk, " ", actor=cast.hq_warehouse)


def test_only_the_owner_keeps_a_place(cast, east):
    for actor in (cast.dealer_admin, cast.stranger_admin):
        for attempt in (
            lambda a: change_place(east.pk, PlaceFacts("x"), actor=a),
            lambda a: close_place(east.pk, "x", actor=a),
            lambda a: reopen_place(east.pk, actor=a),
        ):
            with pytest.raises(NotFound):
                attempt(actor)
    with pytest.raises(Forbidden):
        change_place(east.pk, PlaceFacts("x"), actor=cast.hq_clerk)
    with pytest.raises(IntegrityError, match="inventory_place_closed_is_warehouse"), transaction.atomic():
        Place.unscoped.filter(code="MAIN").update(closed=True)


def test_places_by_program(cast, shelf):
    api = Api(cast.hq_admin)
    status, made = api("post", "/places", {"code": "EAST", "name": "东仓", "address": "1 Quay"})
    assert (status, made["address"], made["closed"]) == (201, "1 Quay", False)
    at = f"/places/{made['id']}"
    assert api("put", at, {"name": "东仓", "phone": "5"})[1]["phone"] == "5" and api("get", at)[1]["address"] == ""
    body = {
        "to_place_id": made["id"],
        "reason": "nearer",
        "lines": [{"product_id": shelf.products[0].pk, "qty": "4"}, {"product_id": shelf.products[1].pk, "qty": "99"}],
    }
    status, refused = api("post", f"/places/{shelf.main}/shifts", body)
    assert status == 409 and [fault["field"] for fault in refused["faults"]] == ["lines.1"]
    assert api("post", f"/places/{shelf.main}/shifts", {**body, "lines": body["lines"][:1]})[1]["id"] == made["id"]
    assert api("post", f"{at}/closing", {"reason": "x"})[0] == 409
    assert api("post", f"{at}/shifts", {**body, "to_place_id": shelf.main, "lines": body["lines"][:1]})[0] == 200
    assert api("post", f"{at}/closing", {"reason": "x"})[1]["closed"] and not api("delete", f"{at}/closing")[1]["closed"]
    assert Api(cast.stranger)("get", at)[0] in (403, 404)


def test_warehouses_come_from_a_file_and_go_back(cast, shelf, east):
    same_again("inventory.places", cast.hq_admin, 2)
    content = "Code,Name,Address,Phone\nEAST,,2 Quay,\nNEW,新仓,3 Quay,9\n,x,,\n"
    run = begin_import("inventory.places", SimpleUploadedFile("p.csv", content.encode()), actor=cast.hq_admin)
    assert [(w.row, w.column) for w in import_runs.look(run, cast.hq_admin).wrong] == [(4, "code")]
    run = run_import(run.pk, import_runs.Told(skip_wrong=True), actor=cast.hq_admin)
    assert (run.made, run.changed) == (1, 1) and Place.unscoped.get(code="NEW").phone == "9"
    new = Place.unscoped.get(code="NEW")
    set_serving(Whom(), [new.pk], actor=cast.hq_admin)
    with pytest.raises(Refused) as used:
        remove_places([new.pk], actor=cast.hq_admin)
    assert codes(used) == [("inventory.place_used", f"rows.{new.pk}")]
    undo_import(run.pk, actor=cast.hq_admin)
    assert Place.unscoped.get(pk=east.pk).address == "" and Place.unscoped.filter(pk=new.pk).exists()


def test_an_empty_warehouse_of_a_file_goes_with_its_undo(cast, shelf):
    run = begin_import("inventory.places", SimpleUploadedFile("p.csv", b"Code,Name\nNEW,x\n"), actor=cast.hq_admin)
    run_import(run.pk, actor=cast.hq_admin)
    undo_import(run.pk, actor=cast.hq_admin)
    assert not Place.unscoped.filter(code="NEW").exists()


# --- goods between warehouses ---


def test_goods_leave_and_arrive_at_once(cast, shelf, east, django_assert_max_num_queries):
    one, two, _three = (product.pk for product in shelf.products)
    with django_assert_max_num_queries(16):
        shift(cast, shelf, east, (one, D(4)), (two, D("2.5")))
    now = levels(shelf.main, east.pk)
    assert (now[shelf.main, one][0], now[east.pk, one][0], now[shelf.main, two][0], now[east.pk, two][0]) == (6, 4, D("7.5"), D("2.5"))
    assert [(m.from_place_id, m.to_place_id) for m in Move.unscoped.order_by("-pk")[:2]] == [(shelf.main, east.pk)] * 2
    assert_sound()


def test_what_is_reserved_or_not_there_stays(cast, shelf, east):
    one, two, _three = (product.pk for product in shelf.products)
    in_unit(reserve, [Demand(shelf.main, one, D(8), 1)], ORDER)
    with pytest.raises(Refused) as short:
        shift(cast, shelf, east, (two, D(1)), (one, D(3)))
    assert codes(short) == [("inventory.short", "lines.1")] and not Stock.unscoped.filter(place=east).exists()
    shift(cast, shelf, east, (one, D(2)))
    for lines, told in (
        ([], "inventory.no_lines"),
        ([(one, D(0))], "inventory.quantity"),
        ([(10**9, D(1))], "inventory.no_product"),
        ([(one, D(1), "L")], "inventory.lot_untracked"),
    ):
        with pytest.raises(Invalid) as wrong:
            shift(cast, shelf, east, *lines)
        assert wrong.value.faults[0].code == told
    with pytest.raises(Invalid):
        move_between_places(shelf.main, shelf.main, [OpeningLine(one, D(1))], "x", actor=cast.hq_warehouse)
    with pytest.raises(Invalid):
        move_between_places(shelf.main, east.pk, [OpeningLine(one, D(1))], " ", actor=cast.hq_warehouse)
    with pytest.raises(Refused):
        move_between_places(shelf.main, shelf.transit, [OpeningLine(one, D(1))], "x", actor=cast.hq_warehouse)
    for actor, error in ((cast.dealer_admin, NotFound), (cast.hq_clerk, Forbidden)):
        with pytest.raises(error):
            shift(cast, shelf, east, (one, D(1)), actor=actor)
    assert_sound()


def test_lots_go_with_their_goods(cast, shelf, east):
    product = shelf.products[0]
    track_product(product.pk, actor=cast.hq_admin)
    days = {"SOON": clock.today() + timedelta(days=9), "LATE": clock.today() + timedelta(days=99)}
    receive_opening(shelf.main, [OpeningLine(product.pk, D(5), lot, day) for lot, day in days.items()], "opening", actor=cast.hq_warehouse)
    shift(cast, shelf, east, (product.pk, D(3), "LATE"), (product.pk, D(6)))
    there = {(x.lot, x.qty, x.expires_on) for x in Lot.unscoped.filter(place=east, qty__gt=0)}
    assert there == {("LATE", D(3), days["LATE"]), ("SOON", D(5), days["SOON"]), ("", D(1), None)} or ("LATE", D(4), days["LATE"]) in there
    with pytest.raises(Refused) as absent:
        shift(cast, shelf, east, (product.pk, D(1), "NONE"))
    assert codes(absent) == [("inventory.lot_short", "lines.0")]
    assert_sound()


def test_who_waits_for_goods_in_the_other_warehouse_hears_of_them(cast, shelf, east):
    one = shelf.products[0].pk
    shift(cast, shelf, east, (one, D(1)))
    Stock.unscoped.filter(place=east, product_id=one).update(awaited=True)
    before = Event.unscoped.filter(name__contains="GoodsFree").count()
    shift(cast, shelf, east, (one, D(1)))
    assert Event.unscoped.filter(name__contains="GoodsFree").count() == before + 1


def test_goods_are_moved_line_by_line_on_the_page(cast, shelf, east, client):
    hq = sign_in(client, cast.hq_warehouse)
    page = reverse("stock_shift")
    assert "东仓" in text(hq.get(page, {"from_place": shelf.main}))
    first, second = shelf.products[0].code, shelf.products[1].code
    form = {"from_place": shelf.main, "to_place": east.pk, "reason": "nearer"}
    wrong = hq.post(page, {**form, "lines-product": [first, second], "lines-qty": ["4", "99"], "lines-lot": ["", ""]})
    assert "99" in text(wrong, 409) and "are missing" in text(wrong, 409)
    assert hq.post(page, {**form, "lines-product": [first], "lines-qty": ["4"], "lines-lot": [""]}).status_code == 302
    assert levels(east.pk)[east.pk, shelf.products[0].pk][0] == 4


def test_goods_are_moved_by_a_file_and_go_back(cast, shelf, east):
    first, second = shelf.products[0].code, shelf.products[1].code
    head = "Product,Quantity,From warehouse,To warehouse,Lot\n"
    content = f"{head}{first},4,MAIN,EAST,\n{first},99,MAIN,EAST,\n{second},1,MAIN,NO,\nNO,1,MAIN,EAST,\n"
    content += f"{second},1,MAIN,MAIN,\n{second},2,MAIN,EAST,L\n{second},0,MAIN,EAST,\n"
    run = begin_import("inventory.shifts", SimpleUploadedFile("s.csv", content.encode()), actor=cast.hq_warehouse)
    assert [(w.row, w.column, w.fault.code) for w in import_runs.look(run, cast.hq_warehouse).wrong] == [
        (3, "qty", "inventory.short"), (4, "to_place", "inventory.place_unknown"), (5, "product", "inventory.no_product"),
        (6, "to_place", "inventory.same_place"), (7, "lot", "inventory.lot_untracked"), (8, "qty", "inventory.quantity"),
    ]  # fmt: skip
    before = levels(shelf.main)
    run = run_import(run.pk, import_runs.Told(skip_wrong=True), actor=cast.hq_warehouse)
    assert levels(east.pk)[east.pk, shelf.products[0].pk][0] == 4
    undo_import(run.pk, actor=cast.hq_warehouse)
    assert levels(shelf.main) == before
    assert_sound()


def test_a_place_is_described_in_the_list(cast):
    place = register_place("W9", "九号仓", actor=cast.hq_admin)
    for column, value in (("label", "九号库"), ("address", "湖滨路 9 号"), ("contact", "老周"), ("phone", "0571-1")):
        assert edit(PlaceList, cast.hq_admin, place, column, value).raw == value
    place.refresh_from_db()
    assert (place.name, place.address, place.contact, place.phone) == ("九号库", "湖滨路 9 号", "老周", "0571-1")
    with pytest.raises(Forbidden):
        edit(PlaceList, cast.hq_clerk, place, "phone", "1")
