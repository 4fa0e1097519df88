"""Lots: what is tracked, named, proposed and refused; that lots always sum to what is on hand; and that other products pay nothing for it."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base.import_runs import begin_import, look, run_import, undo_import
from qudao.base.tests.brought_back import same_again
from qudao.base.tests.page_text import text
from qudao.inventory import rules
from qudao.inventory.actions import OpeningLine, adjust_lot, adjust_stock, hold_lot, post_moves, receive_opening, reserve, set_keeps, track_product
from qudao.inventory.models import Lot, LotMove, Stock, Tracked
from qudao.inventory.queries import on_hand, unscoped_free, unscoped_good_until, unscoped_proposals, unscoped_used_up
from qudao.inventory.rules import Demand, LotQty, MoveSpec
from qudao.inventory.tests.make import ORDER, SHIPMENT, assert_sound, in_unit
from qudao.inventory.tests.test_actions import statements
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, NotFound, Refused
from qudao.people.tests.make import bearer, sign_in


def day(n):
    return clock.today() + timedelta(days=n)


def lots(place):
    return {(x.lot, x.qty) for x in Lot.unscoped.filter(place=place, qty__gt=0)}


def codes(caught):
    return [(f.code, f.field) for f in caught.value.faults]


@pytest.fixture
def one(cast, shelf):
    """The first product, tracked: ten without a number, and lots that expired yesterday, are good for ten days and for a hundred."""
    product = shelf.products[0]
    track_product(product.pk, 200, actor=cast.hq_admin)
    lines = [OpeningLine(product.pk, D(5), lot, day(until)) for lot, until in (("OLD", -1), ("SOON", 10), ("LATE", 100))]
    receive_opening(shelf.main, lines, "opening", actor=cast.hq_warehouse)
    return product


def test_what_lies_there_when_tracking_begins_is_a_lot_without_a_number(cast, shelf, one):
    assert lots(shelf.main) == {("", D(10)), ("OLD", D(5)), ("SOON", D(5)), ("LATE", D(5))}
    assert Stock.unscoped.get(product=one).tracked and not Stock.unscoped.filter(tracked=True).exclude(product=one).exists()
    assert track_product(one.pk, 300, actor=cast.hq_admin).shelf_days == 300 and Tracked.unscoped.count() == 1
    for actor, error in ((cast.dealer_admin, Refused), (cast.stranger_admin, Refused)):
        with pytest.raises((error, NotFound)):
            track_product(one.pk, actor=actor)
    with pytest.raises(Invalid):
        track_product(one.pk, 0, actor=cast.hq_admin)
    assert_sound()


def test_who_brings_goods_names_their_lot(cast, shelf, one):
    two = shelf.products[1]
    with pytest.raises(Invalid) as caught:
        receive_opening(shelf.main, [OpeningLine(one.pk, D(1)), OpeningLine(two.pk, D(1), "X")], "opening", actor=cast.hq_warehouse)
    assert codes(caught) == [("inventory.lot_missing", "lines.0"), ("inventory.lot_untracked", "lines.1")]
    with pytest.raises(Refused) as caught:
        receive_opening(shelf.main, [OpeningLine(one.pk, D(1), "SOON", day(11))], "opening", actor=cast.hq_warehouse)
    assert codes(caught) == [("inventory.lot_expiry", "")]
    receive_opening(shelf.main, [OpeningLine(one.pk, D(1), "SOON")], "opening", actor=cast.hq_warehouse)
    assert ("SOON", D(6)) in lots(shelf.main)
    assert_sound()


def test_expired_goods_are_neither_free_nor_reserved(shelf, one):
    assert unscoped_free([(shelf.main, one.pk)]) == {(shelf.main, one.pk): D(20)}
    with pytest.raises(Refused) as caught:
        in_unit(reserve, [Demand(shelf.main, one.pk, D(21), 1)], ORDER)
    assert codes(caught) == [("inventory.short", "lines.1")] and caught.value.faults[0].params["available"] == "20"
    in_unit(reserve, [Demand(shelf.main, one.pk, D(20), 1)], ORDER)
    assert_sound()


def test_what_expires_first_is_shipped_first_and_only_if_it_keeps_long_enough(cast, shelf, one, agreement):
    in_unit(reserve, [Demand(shelf.main, one.pk, D(18), 1)], ORDER)

    def ship(qty, *named):
        spec = MoveSpec(one.pk, D(qty), shelf.main, shelf.transit, 1, take_reserved=True, lots=named)
        in_unit(post_moves, [spec], SHIPMENT, reserved_for=ORDER, agreement_id=agreement.pk)

    ship(6)  # not what has expired
    assert lots(shelf.transit) == {("SOON", D(5)), ("LATE", D(1))}
    set_keeps(agreement.pk, 5, 60, actor=cast.hq_admin)  # 60 % of 200 days
    assert unscoped_good_until([(agreement.pk, one.pk)]) == {(agreement.pk, one.pk): day(120)}
    assert unscoped_proposals([(agreement.pk, Demand(shelf.main, one.pk, D(12), 7))]) == {7: [LotQty("", None, D(10))]}
    for named, code in (
        ((), "inventory.lots_short"),
        ((LotQty("LATE", None, D(4)), LotQty("", None, D(8))), "inventory.lot_unsold"),
        ((LotQty("NONE", None, D(12)),), "inventory.lot_short"),
        ((LotQty("", None, D(10)),), "inventory.lots_differ"),
    ):
        with pytest.raises(Refused) as caught:
            ship(12, *named)
        assert codes(caught) == [(code, "lines.1")]
    set_keeps(agreement.pk, 0, actor=cast.hq_admin)
    ship(12, LotQty("LATE", None, D(4)), LotQty("", None, D(8)))
    assert lots(shelf.main) == {("OLD", D(5)), ("", D(2))}
    in_unit(post_moves, [MoveSpec(one.pk, D(18), shelf.transit, shelf.claims, 1)], SHIPMENT)
    assert lots(shelf.claims) == {("SOON", D(5)), ("LATE", D(5)), ("", D(8))}
    assert_sound()


def test_a_document_takes_from_transit_what_it_brought(shelf, one):
    brought = {1: "LATE", 2: "SOON"}
    for n, lot in brought.items():
        spec = MoveSpec(one.pk, D(2), shelf.main, shelf.transit, n, lots=(LotQty(lot, None, D(2)),))
        in_unit(post_moves, [spec], type(SHIPMENT)("fulfilment.shipment", n, number=f"SH-{n}"))
    in_unit(post_moves, [MoveSpec(one.pk, D(2), shelf.transit, shelf.claims, 1)], type(SHIPMENT)("fulfilment.shipment", 1, number="SH-1"))
    assert lots(shelf.transit) == {("SOON", D(2))} and lots(shelf.claims) == {("LATE", D(2))}
    assert_sound()


def test_one_lot_is_counted_and_the_product_too(cast, shelf, one):
    late = Lot.unscoped.get(lot="LATE")
    assert adjust_lot(late.pk, D(3), "counted", actor=cast.hq_warehouse).qty == 3
    assert adjust_lot(late.pk, D(4), "counted", actor=cast.hq_warehouse).qty == 4
    with pytest.raises(Refused):
        adjust_lot(late.pk, D(4), "counted", actor=cast.hq_warehouse)
    with pytest.raises(NotFound):
        adjust_lot(late.pk, D(4), "counted", actor=cast.dealer_admin)
    adjust_stock(shelf.main, one.pk, D(10), "counted", actor=cast.hq_warehouse)  # 14 less: what expires first
    assert lots(shelf.main) == {("", D(10))}
    adjust_stock(shelf.main, one.pk, D(11), "counted", actor=cast.hq_warehouse)
    assert lots(shelf.main) == {("", D(11))}
    assert_sound()


def test_products_without_lots_pay_no_statement(shelf, one):
    two = shelf.products[1]
    assert statements(lambda *, actor: in_unit(reserve, [Demand(shelf.main, two.pk, D(1), 1)], ORDER)) == 3
    assert statements(lambda *, actor: in_unit(post_moves, [MoveSpec(two.pk, D(1), shelf.main, shelf.outside)], SHIPMENT)) == 2
    assert statements(lambda *, actor: in_unit(post_moves, [MoveSpec(one.pk, D(1), shelf.main, shelf.outside)], SHIPMENT)) == 4
    assert not LotMove.unscoped.filter(product=two).exists()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("inventory_lot_not_negative", lambda product: Lot.unscoped.filter(product=product).update(qty=-1)),
        ("inventory_lot_unique", lambda product: Lot.unscoped.filter(product=product).update(lot="SAME")),
        (
            "inventory_lotmove_qty_positive",
            lambda product: LotMove(at=clock.now(), product=product, qty=0, from_place_id=1, to_place_id=2, subject_id=1).save(),
        ),
        ("inventory_tracked_shelf_days_positive", lambda product: Tracked.unscoped.update(shelf_days=0)),
    ],
)
def test_the_tables_refuse_what_cannot_be(shelf, one, name, change):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        change(one)
    assert caught.value.__cause__.diag.constraint_name == name


def test_until_when_a_lot_must_keep_is_the_longer_of_days_and_percent():
    today = clock.today()
    assert (
        rules.good_until(today, 30, 0, None) == day(30) and rules.good_until(today, 30, 50, 100) == day(50) and rules.good_until(today, 0, 33, 100) == day(33)
    )


def test_the_pages_of_lots(client, cast, shelf, one, django_assert_max_num_queries):
    sign_in(client, cast.hq_warehouse)
    with django_assert_max_num_queries(15):
        page = text(client.get(reverse("lots")))
    assert "SOON" in page and "LATE" in page
    expired = text(client.get(reverse("lots"), {"tab": "expired"}))
    assert "OLD" in expired and "LATE" not in expired
    late = Lot.unscoped.get(lot="LATE")
    assert "OUTSIDE" in text(client.get(reverse("lot", args=[late.pk]))).upper()
    assert client.post(reverse("lot_adjustment", args=[late.pk]), {"counted": "4", "reason": "counted"}).status_code == 302
    line = {"lines-product": ["P1"], "lines-qty": ["3"], "lines-lot": ["NEW"], "lines-expires_on": [day(50).isoformat()]}
    assert client.post(reverse("stock_opening"), {"place": shelf.main, "reason": "count", **line}).status_code == 302
    assert Lot.unscoped.get(lot="NEW").expires_on == day(50)
    for wrong in ({"lines-expires_on": ["2026-13-40"]}, {"lines-lot": [""]}):
        assert client.post(reverse("stock_opening"), {"place": shelf.main, "reason": "count", **line, **wrong}).status_code == 422
    sign_in(client, cast.hq_admin)
    two = shelf.products[1]
    assert "Not tracked by lot" in text(client.get(reverse("product", args=[two.pk])))
    assert client.post(reverse("product_lots", args=[two.pk]), {"shelf_days": "30"}).status_code == 302
    assert "keeps for 30 days" in text(client.get(reverse("product", args=[two.pk])))
    assert_sound()


def test_a_file_of_opening_stock_names_lots_and_is_taken_back(cast, shelf, one, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    file = SimpleUploadedFile("stock.csv", f"商品编码,数量,批号,有效期至\nP1,5,F1,{day(60)}\nP2,1,,\n".encode())
    run = begin_import("inventory.opening", file, actor=cast.hq_warehouse)
    run_import(run.pk, actor=cast.hq_warehouse)
    assert ("F1", D(5)) in lots(shelf.main) and Lot.unscoped.get(lot="F1").expires_on == day(60)
    undo_import(run.pk, actor=cast.hq_warehouse)
    assert not {x for x in lots(shelf.main) if x[0] == "F1"}
    assert_sound()


def test_products_are_tracked_by_a_file(cast, shelf, one, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    same_again("inventory.tracking", cast.hq_admin, 1)
    first, second = shelf.products[0].code, shelf.products[1].code
    run = begin_import("inventory.tracking", SimpleUploadedFile("t.csv", f"Product,Shelf life\n{first},30\n{second},\n".encode()), actor=cast.hq_admin)
    run = run_import(run.pk, actor=cast.hq_admin)
    assert (run.made, run.changed) == (1, 1)
    assert {one.product.code: one.shelf_days for one in Tracked.unscoped.select_related("product")} == {first: 30, second: None}
    same_again("inventory.tracking", cast.hq_admin, 2)
    content = f"Product,Shelf life\nNO,1\n{first},0\n{second},1.5\n".encode()
    wrong = look(begin_import("inventory.tracking", SimpleUploadedFile("w.csv", content), actor=cast.hq_admin), cast.hq_admin).wrong
    assert [(w.row, w.column, w.fault.code) for w in wrong] == [
        (2, "product", "inventory.no_product"), (3, "shelf_days", "inventory.shelf_days"), (4, "shelf_days", "inventory.shelf_days"),
    ]  # fmt: skip
    assert_sound()


def test_what_people_read_as_free_is_what_may_be_promised_everywhere(cast, shelf, one, client):
    """Of 25 pieces five have expired and five are blocked, four are reserved: 11, in the list, on the page, in the API and in the file."""
    hold_lot(Lot.unscoped.get(place=shelf.main, lot="SOON").pk, "Smells", actor=cast.hq_warehouse)
    in_unit(reserve, [Demand(shelf.main, one.pk, D(4), 1)], ORDER)
    row, key = Stock.unscoped.get(place=shelf.main, product=one), (shelf.main, one.pk)
    assert unscoped_free([key])[key] == on_hand(cast.hq_warehouse).get(pk=row.pk).free == 11
    client.cookies["qudao_language"] = "en"
    sign_in(client, cast.hq_warehouse)
    assert "11" in text(client.get(reverse("stock"))).split("P1", 1)[1].split("P2")[0]
    assert re.search(r"Free\s*</dt>\s*<dd[^>]*>\s*11\b", client.get(reverse("stock_item", args=[row.pk])).content.decode())
    told = client.get("/api/v1/stock", {"product_id": one.pk}, headers=bearer(cast.hq_warehouse)).json()["items"]
    assert [D(x["free"]) for x in told] == [11]
    sheet = client.get(reverse("stock"), {"export": "csv"}).content.decode("utf-8-sig")
    assert {row["Product"]: D(row["Free"]) for row in csv.DictReader(StringIO(sheet))}["P1"] == 11
    with clock.freeze(clock.now() + timedelta(days=200)):  # then all of it has expired but what never had a day: ten, of which four are reserved
        assert on_hand(cast.hq_warehouse).get(pk=row.pk).free == 6
        assert not used_up(cast.hq_warehouse, one)
        hold_lot(Lot.unscoped.get(place=shelf.main, lot="").pk, "Smells too", actor=cast.hq_warehouse)
        assert unscoped_free([key])[key] <= 0 and on_hand(cast.hq_warehouse).get(pk=row.pk).free == 0
        assert used_up(cast.hq_warehouse, one)


def used_up(actor, product):
    return on_hand(actor).filter(pk__in=unscoped_used_up(actor.org_id), product=product).exists()
