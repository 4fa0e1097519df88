"""Lots in parcels: what expires first goes in unless somebody names it, and exactly the lots in the parcels leave."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base.db import rows, run
from qudao.base.printing import pdf_of
from qudao.base.tests.page_text import text
from qudao.base.tests.pdf_text import pages_of
from qudao.fulfilment import actions, rules
from qudao.fulfilment.actions.batch import Leaving
from qudao.fulfilment.invariants import CHECKS
from qudao.fulfilment.models import Package, PackageLine
from qudao.fulfilment.prints import PACKING_LIST, PARCEL_LABEL
from qudao.fulfilment.tests.make import lines, place
from qudao.inventory.actions import LotQty, OpeningLine, receive_opening, track_product
from qudao.inventory.models import Lot
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.kernel.gs1 import check_digit
from qudao.orders.tests.make import assert_sound
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def packer(world):
    return world.cast.hq_warehouse


@pytest.fixture
def picked(world, packer):
    """6 of a product with 4 good for ten days, 20 for a hundred, and one over its day; 3 of another that has no lots."""
    product = world.products[0]
    run("DELETE FROM inventory_lot")
    track_product(product.pk, actor=world.cast.hq_admin)
    given = (("OVER", 1, -1), ("SOON", 4, 10), ("LATE", 20, 100))
    receive_opening(world.shelf.main, [OpeningLine(product.pk, D(q), lot, day(n)) for lot, q, n in given], "opening", actor=packer)
    return actions.start_pick(place(world, 6, 3).pk, actor=packer)


def day(days):
    return clock.today() + timedelta(days=days)


def inside(shipment):
    """By parcel what of which lot is in it, by the number of the order line."""
    found = PackageLine.unscoped.filter(package__shipment=shipment).order_by("package__no", "line__line__no", "expires_on")
    made = {}
    for x in found.select_related("package", "line__line"):
        made.setdefault(x.package.no, []).append((x.line.line.no, x.lot, x.qty))
    return [made[no] for no in sorted(made)]


def gone(world):
    return {(x.lot, x.qty) for x in Lot.unscoped.filter(place=world.shelf.transit, qty__gt=0)}


def test_named_lots_are_taken_off_what_is_there():
    there = [LotQty("A", None, D(3)), LotQty("B", day(5), D(2))]
    assert rules.take_lots(1, D(4), there, clock.today()) == [LotQty("B", day(5), D(2)), LotQty("A", None, D(2))]
    assert [one.qty for one in there] == [D(1), D(0)]
    for what, code in (([LotQty("A", None, D(2))], "lot_short"), ([LotQty("C", None, D(1))], "lot_short"), (D(2), "lots_short")):
        with pytest.raises(Refused, match=code):
            rules.take_lots(1, what, there, clock.today())
    with pytest.raises(Refused, match="lot_unsold"):
        rules.take_lots(1, [LotQty("B", None, D(1))], [LotQty("B", day(5), D(2))], day(6))


def test_what_expires_first_goes_in_and_leaves(world, packer, picked):
    actions.pack_rest(picked.pk, per=D(3), actor=packer)
    assert inside(picked) == [[(1, "SOON", D(3))], [(1, "SOON", D(1)), (1, "LATE", D(2))], [(2, "", D(3))]]
    actions.dispatch_shipment(picked.pk, actor=packer)
    assert gone(world) == {("SOON", D(4)), ("LATE", D(2))}
    assert_sound()


@pytest.mark.parametrize("way", ["dispatch", "order", "list"])
def test_named_lots_leave_by_every_way(world, packer, picked, way):
    first, second = lines(picked)
    actions.pack_lines(picked.pk, {first.pk: [LotQty("LATE", None, D(5))], second.pk: D(3)}, actor=packer)
    with pytest.raises(Refused, match="lot_short"):
        actions.pack_lines(picked.pk, {first.pk: [LotQty("OTHER", None, D(1))]}, actor=packer)
    with pytest.raises(Invalid, match="lot_untracked"):
        actions.change_package(Package.unscoped.get().pk, {second.pk: [LotQty("LATE", None, D(1))]}, "carton", actor=packer)
    actions.pack_lines(picked.pk, {first.pk: [LotQty("LATE", None, D(1))]}, actor=packer)
    if way == "dispatch":
        with pytest.raises(Refused, match="lots_packed"):
            actions.dispatch_shipment(picked.pk, lines={first.pk: [LotQty("SOON", None, D(4)), LotQty("LATE", None, D(2))], second.pk: D(3)}, actor=packer)
        actions.dispatch_shipment(picked.pk, lines={first.pk: [LotQty("LATE", None, D(6))], second.pk: D(3)}, actor=packer)
    elif way == "order":
        actions.ship_order(picked.order_id, actor=packer)
    else:
        assert not actions.ship_orders([Leaving(picked.order_id)], actor=packer).refused
    assert gone(world) == {("LATE", D(6))}
    assert_sound()


def test_what_others_have_packed_is_not_there_and_what_is_taken_out_is_again(world, packer, picked):
    actions.pack_rest(picked.pk, actor=packer)
    other = actions.start_pick(place(world, 5).pk, actor=packer)
    actions.pack_rest(other.pk, actor=packer)
    assert inside(other) == [[(1, "LATE", D(5))]], "the first four expire sooner and are in another parcel"
    actions.unpack_shipment(picked.pk, actor=packer)
    package = Package.unscoped.get(shipment=other)
    (line,) = lines(other)
    actions.change_package(package.pk, {line.pk: D(4)}, "carton", actor=packer)
    assert inside(other) == [[(1, "SOON", D(4))]]
    with pytest.raises(IntegrityError, match="fulfilment_packageline_line_unique"), transaction.atomic():
        PackageLine.unscoped.create(package=package, line=line, lot="SOON", qty=1)
    assert_sound()


def test_page_papers_and_api_name_the_lots(world, packer, picked, client):
    first, second = lines(picked)
    sign_in(client, packer)
    page = reverse("shipment_parcels", args=[picked.pk])
    refs = [str(first.pk), str(second.pk)]
    sent = {"kind": "carton", "weight": "", "lines-ref": refs, "lines-qty": ["3", "1"]}
    assert "what expires first" in client.get(page).content.decode()
    assert client.post(page, sent | {"lines-lots": ["LATE × 2", ""]}).status_code == 422
    assert client.post(page, sent | {"lines-lots": ["LATE × 2, SOON × 1", ""]}).status_code == 302
    assert inside(picked) == [[(1, "SOON", D(1)), (1, "LATE", D(2)), (2, "", D(1))]]
    package = Package.unscoped.get()
    change = reverse("parcel_change", args=[package.pk])
    assert client.get(change).context["editor"].lines[0].raw["lots"] == "SOON × 1, LATE × 2"
    client.post(change, sent | {"lines-qty": ["4", ""], "lines-lots": ["SOON × 1, LATE × 2", ""]})
    assert inside(picked) == [[(1, "SOON", D(4))]], "another quantity beside the old lots: what expires first"
    client.post(change, sent | {"lines-qty": ["4", ""], "lines-lots": ["SOON × 4", ""]})
    shown = text(client.get(picked.get_absolute_url()))
    assert "Lot SOON" in shown
    listed = "\n".join(pages_of(pdf_of(PACKING_LIST, packer, [picked.pk], language="en")))
    (label,) = pages_of(pdf_of(PARCEL_LABEL, packer, [package.pk], language="zh-hans"))
    assert "SOON" in listed and "SOON" in label and "批号" in label
    headers = bearer(packer)
    found = client.get(f"/api/v1/shipments/{picked.pk}/parcels", headers=headers).json()["parcels"][0]["lines"]
    assert [(x["lot"], x["expires_on"], x["qty"]) for x in found] == [("SOON", day(10).isoformat(), "4.0000")]
    body = {"kind": "carton", "lines": [{"line_id": first.pk, "qty": "2", "lots": [{"lot": "LATE", "qty": "2"}]}]}
    made = client.post(f"/api/v1/shipments/{picked.pk}/parcels", body, content_type="application/json", headers=headers)
    assert made.status_code == 201 and made.json()["parcels"][1]["lines"][0]["lot"] == "LATE"


def test_verify_finds_lots_that_left_otherwise(world, packer, picked):
    actions.pack_rest(picked.pk, actor=packer)
    actions.dispatch_shipment(picked.pk, actor=packer)
    check = next(one for one in CHECKS if one.name == "fulfilment.lots_left_as_packed")
    assert rows(check.sql) == []
    run("UPDATE fulfilment_packageline SET lot = 'ELSE' WHERE lot = 'SOON'")
    assert len(rows(check.sql)) == 2


def test_a_shipment_is_found_in_its_list_by_a_part_of_the_number_on_a_parcel(world, packer, picked, client):
    actions.pack_rest(picked.pk, actor=packer)
    other = actions.start_pick(place(world, 1).pk, actor=packer)
    actions.pack_rest(other.pk, actor=packer)
    number = Package.unscoped.get(shipment=picked).sscc
    actions.dispatch_shipment(picked.pk, actor=packer)  # a buyer's list begins with what has left
    for who, side in ((packer, "sell"), (world.dealer, "buy")):
        sign_in(client, who)
        for typed in (number, f"(00){number}", number[-6:], picked.number):
            shown = text(client.get("/shipments/", {"side": side, "tab": "all", "q": typed}))
            assert picked.number in shown and other.number not in shown, typed
    sign_in(client, world.cast.stranger)
    assert picked.number not in text(client.get("/shipments/", {"side": "buy", "tab": "all", "q": number}))


def test_parcels_packed_elsewhere_keep_their_numbers_all_or_none(world, packer, picked):
    first, second = lines(picked)
    body = "13999999000000001"
    bears = body + check_digit(body)
    one, two = actions.Parcel({first.pk: D(2)}, "pallet", D("3.5"), bears), actions.Parcel({second.pk: D(3)})
    actions.pack_parcels({picked.pk: [one, two]}, actor=packer)
    made = list(Package.unscoped.order_by("no").values_list("kind", "weight", "sscc"))
    assert made[0] == ("pallet", D("3.5"), bears) and made[1][2].startswith("004")
    for sscc, code in ((bears[:-1] + "0", "fulfilment.sscc"), (made[1][2], "sscc_own"), ("12", "fulfilment.sscc")):
        with pytest.raises(Invalid, match=code):
            actions.pack_parcels({picked.pk: [actions.Parcel({first.pk: D(1)}, sscc=sscc)]}, actor=packer)
    with pytest.raises(Refused, match="sscc_unique"):
        actions.pack_parcels({picked.pk: [actions.Parcel({first.pk: D(1)}, sscc=bears)]}, actor=packer)
    with pytest.raises(Refused, match="more_than_left"):
        actions.pack_parcels({picked.pk: [actions.Parcel({first.pk: D(3)}), actions.Parcel({first.pk: D(3)})]}, actor=packer)
    with pytest.raises(Forbidden):
        actions.pack_parcels({picked.pk: [two]}, actor=world.dealer)
    packages = list(Package.unscoped.values_list("pk", flat=True))
    with pytest.raises(NotFound):
        actions.remove_packages([*packages, 0], actor=packer)
    with pytest.raises(Forbidden):
        actions.remove_packages(packages, actor=world.dealer)
    actions.remove_packages(packages, actor=packer)
    assert inside(picked) == []
    assert_sound()
