"""Packing by file: what is to pack goes out, what is in which parcel comes back, and can be undone until it leaves."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import, undoing_of
from qudao.base.importing import kinds
from qudao.base.tests.brought_back import brought_back, same_again
from qudao.fulfilment import actions
from qudao.fulfilment.models import Package, PackageLine
from qudao.fulfilment.tests.make import place
from qudao.inventory.actions import OpeningLine, receive_opening, track_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, NotFound, Refused
from qudao.kernel.gs1 import check_digit
from qudao.orders.tests.make import assert_sound

pytestmark = pytest.mark.django_db
BODY = "13999999000000001"
ELSEWHERE = BODY + check_digit(BODY)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def packer(world):
    return world.cast.hq_warehouse


@pytest.fixture
def picked(world, packer):
    return actions.start_pick(place(world, 5, 3).pk, actor=packer)


def begun(actor, *lines):
    text = "发货单,包裹,商品编码,批次,数量,毛重\n" + "\n".join(lines)
    return begin_import("fulfilment.parcels", SimpleUploadedFile("packed.csv", text.encode()), actor=actor)


def inside(shipment):
    """The number of each parcel with what is in it, by product and lot."""
    found = {}
    for x in PackageLine.unscoped.filter(package__shipment=shipment).select_related("package", "line__product").order_by("package__no", "line_id", "lot"):
        found.setdefault(x.package.no, []).append((x.line.product.code, x.lot, x.qty))
    return list(found.values())


def wrong(run, actor):
    return {(one.row, one.column, one.fault.code.partition(".")[2]) for one in import_runs.look(run, actor).wrong}


def test_what_a_warehouse_packed_elsewhere_comes_in_with_its_numbers_and_goes_out_again(world, packer, picked):
    one, two = (p.code for p in world.products[:2])
    number = picked.number
    run = begun(packer, f"{number},1,{one},,2,7.5", f"{number},1,{two},,3,", f"{number.lower()},(00){ELSEWHERE},{one.lower()},,2,", f"{number},,{one},,1,")
    run_import(run.pk, actor=packer)
    assert inside(picked) == [[(one, "", D(2)), (two, "", D(3))], [(one, "", D(2))]]
    first, second = Package.unscoped.order_by("no")
    assert (first.weight, first.sscc[:3], second.sscc) == (D("7.5"), "004", ELSEWHERE)
    same_again("fulfilment.parcels", packer, 4)
    undo_import(run.pk, actor=packer)
    assert inside(picked) == []
    assert_sound()


def test_what_is_to_pack_is_a_file_that_may_come_back_packed(world, packer, picked):
    lines = list(kinds()["fulfilment.parcels"](packer).lines())
    assert [(line[0], line[1], line[4]) for line in lines] == [(picked.number, "", D(5)), (picked.number, "", D(3))]

    def packed(rows):
        for row in rows:
            row[1] = "1"

    assert [one.what for one in brought_back("fulfilment.parcels", packer, "csv", packed).entries] == ["new", "new"]
    assert list(kinds()["fulfilment.parcels"](world.dealer).lines()) == []


def test_every_row_is_judged(world, packer, picked):
    actions.pack_rest(picked.pk, actor=packer)
    Package.unscoped.filter(shipment=picked).update(no=7)
    other = actions.start_pick(place(world, 4).pk, actor=packer)
    one, two = (p.code for p in world.products[:2])
    own = Package.unscoped.get().sscc
    body = own[:-4] + "777"
    run = begun(
        packer,
        f"SH-0,1,{one},,1,",
        f"{other.number},1,{two},,1,",
        f"{other.number},1,NONE,,1,",
        f"{other.number},1,{one},,0,",
        f"{other.number},2,{one},L1,1,",
        f"{other.number},3,{one},,9,",
        f"{other.number},123456789012345678,{one},,1,",
        f"{other.number},{body}{check_digit(body)},{one},,1,",
        f"{picked.number},7,{one},,4,",
        f"{other.number},4,{one},,1,-1",
    )
    assert wrong(run, packer) == {
        (2, "shipment", "not_picking"),
        (3, "product", "not_in_shipment"),
        (4, "product", "not_in_shipment"),
        (5, "qty", "quantity"),
        (6, "lot", "lot_untracked"),
        (7, "qty", "more_than_left"),
        (8, "parcel", "sscc"),
        (9, "parcel", "sscc_own"),
        (10, "parcel", "parcel_there"),
        (11, "weight", "weight"),
    }
    for stranger in (world.cast.hq_finance, world.cast.stranger):
        with pytest.raises((Forbidden, NotFound)):
            begun(stranger, f"{other.number},1,{one},,1,")
    assert wrong(begun(world.cast.dealer_admin, f"{other.number},1,{one},,1,"), world.cast.dealer_admin) == {(2, "shipment", "not_picking")}


def test_lots_are_named_or_chosen_and_what_has_left_stays(world, packer):
    product = world.products[0]
    track_product(product.pk, actor=world.cast.hq_admin)
    given = [OpeningLine(product.pk, D(4), lot, clock.today() + timedelta(days=n)) for lot, n in (("SOON", 9), ("LATE", 90))]
    receive_opening(world.shelf.main, given, "opening", actor=packer)
    picked = actions.start_pick(place(world, 6).pk, actor=packer)
    run = begun(packer, f"{picked.number},A,{product.code},LATE,2,", f"{picked.number},A,{product.code},SOON,1,", f"{picked.number},B,{product.code},,3,")
    run_import(run.pk, actor=packer)
    assert inside(picked) == [[(product.code, "LATE", D(2)), (product.code, "SOON", D(1))], [(product.code, "SOON", D(3))]]
    actions.dispatch_shipment(picked.pk, actor=packer)
    assert {fault.code for _row, fault in undoing_of(run, packer).kept} == {"fulfilment.parcel_left"}
    with pytest.raises(Refused):
        undo_import(run.pk, actor=packer)
    assert_sound()
