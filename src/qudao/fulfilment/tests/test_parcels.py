"""Parcels: what is picked goes into them all at once or one by one, each has its number once, and with parcels exactly what is in them leaves."""

import json
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base.db import rows, run
from qudao.base.printing import pdf_of
from qudao.base.search import folded_barcode
from qudao.base.tests.page_text import text
from qudao.base.tests.pdf_text import pages_of
from qudao.catalog.actions import set_pack
from qudao.fulfilment import actions, rules
from qudao.fulfilment.actions.batch import Leaving
from qudao.fulfilment.invariants import CHECKS
from qudao.fulfilment.models import Package, PackageLine, Shipment
from qudao.fulfilment.prints import LABEL, PACKING_LIST, PARCEL_LABEL, labels
from qudao.fulfilment.states import MOST_PACKAGES, State
from qudao.fulfilment.tests.make import lines, place, shipped
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.kernel.gs1 import check_digit
from qudao.network.models import Organisation
from qudao.orders.tests.make import assert_sound
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def packer(world):
    return world.cast.hq_warehouse


@pytest.fixture
def picked(world, packer):
    """5 of the first product and 3 of the second, being picked."""
    return actions.start_pick(place(world, 5, 3).pk, actor=packer)


def inside(shipment):
    """What is in each parcel, by the number of the order line."""
    found = {p.no: {} for p in Package.unscoped.filter(shipment=shipment)}
    for x in PackageLine.unscoped.filter(package__shipment=shipment).select_related("package", "line__line"):
        found[x.package.no][x.line.line.no] = x.qty
    return [found[no] for no in sorted(found)]


def numbers(shipment):
    return list(Package.unscoped.filter(shipment=shipment).order_by("no").values_list("sscc", flat=True))


# --- rules ---


def test_what_is_left_fills_parcels_and_the_rest_of_all_lines_goes_into_one():
    assert rules.in_parcels({1: D(5), 2: D(3)}, {}) == [{1: D(5), 2: D(3)}]
    assert rules.in_parcels({1: D(5), 2: D(3)}, {1: D(2), 2: D(3)}) == [{1: D(2)}, {1: D(2)}, {2: D(3)}, {1: D(1)}]
    assert rules.in_parcels({1: D(0), 2: D("0.5")}, {2: D(1)}) == [{2: D("0.5")}]
    with pytest.raises(Refused, match="nothing_to_pack"):
        rules.in_parcels({1: D(0)}, {})
    with pytest.raises(Refused, match="too_many_parcels"):
        rules.in_parcels({1: D(MOST_PACKAGES + 1)}, {1: D(1)})


def test_without_parcels_anything_may_leave_with_them_only_what_is_inside():
    assert rules.packed_faults({1: D(5)}, {}, "SH") == [] == rules.packed_faults({1: D(5)}, {1: D("5.0000")}, "SH")
    for leaving in ({1: D(4)}, {1: D(5), 2: D(1)}, {}):
        assert [one.code for one in rules.packed_faults(leaving, {1: D(5)}, "SH")] == ["fulfilment.not_packed"]


# --- packing ---


def test_everything_goes_into_one_parcel_with_a_number_of_its_own(world, packer, picked):
    actions.pack_rest(picked.pk, "pallet", actor=packer, client_id="c1")
    actions.pack_rest(picked.pk, "pallet", actor=packer, client_id="c1")
    assert inside(picked) == [{1: D(5), 2: D(3)}]
    (number,) = numbers(picked)
    assert len(number) == 18 and check_digit(number[:-1]) == number[-1] and number.startswith("004")
    with pytest.raises(Refused, match="nothing_to_pack"):
        actions.pack_rest(picked.pk, actor=packer)
    assert_sound()


def test_so_many_units_or_a_full_pack_make_a_parcel(world, packer, picked):
    actions.pack_rest(picked.pk, per=D(2), actor=packer)
    assert inside(picked) == [{1: D(2)}, {1: D(2)}, {2: D(2)}, {1: D(1), 2: D(1)}]
    actions.unpack_shipment(picked.pk, actor=packer)
    set_pack(world.products[0].pk, "box", D(4), actor=world.cast.hq_admin)
    set_pack(world.products[0].pk, "pallet", D(40), actor=world.cast.hq_admin)
    actions.pack_rest(picked.pk, by_packs=True, actor=packer)
    assert inside(picked) == [{1: D(4)}, {1: D(1), 2: D(3)}]
    for wrong in (D(0), D(-1), D("0.00001"), D("NaN")):
        with pytest.raises(Invalid, match="parcel_size"):
            actions.pack_rest(picked.pk, per=wrong, actor=packer)
    assert_sound()


def test_parcels_are_added_changed_and_taken_apart_and_no_number_comes_twice(world, packer, picked):
    first, second = lines(picked)
    actions.pack_lines(picked.pk, {first.pk: D(2)}, weight=D("1.5"), actor=packer)
    actions.pack_lines(picked.pk, {first.pk: D(3), second.pk: D(1)}, "pallet", actor=packer)
    with pytest.raises(Refused, match="more_than_left"):
        actions.pack_lines(picked.pk, {second.pk: D(3)}, actor=packer)
    one, two = Package.unscoped.filter(shipment=picked).order_by("no")
    actions.change_package(one.pk, {first.pk: D(2), second.pk: D(2)}, "other", D(2), actor=packer)
    one.refresh_from_db()
    assert (one.kind, one.weight, inside(picked)[0]) == ("other", D(2), {1: D(2), 2: D(2)}) and one.sscc == numbers(picked)[0]
    with pytest.raises(Refused, match="more_than_left"):
        actions.change_package(one.pk, {second.pk: D(3)}, "other", actor=packer)
    actions.remove_package(two.pk, actor=packer)
    actions.pack_rest(picked.pk, actor=packer)
    assert inside(picked) == [{1: D(2), 2: D(2)}, {1: D(3), 2: D(1)}] and two.sscc not in numbers(picked)
    with pytest.raises(NotFound):
        actions.remove_package(two.pk, actor=packer)
    assert_sound()


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"kind": "sack"}, "package_kind"),
        ({"weight": D(-1)}, "weight"),
        ({"weight": D("0.0001")}, "weight"),
        ({"lines": {}}, "no_lines"),
        ({"lines": {0: D(1)}}, "unknown_line"),
    ],
)
def test_what_is_no_parcel_is_refused(packer, picked, how, code):
    told = {"lines": {lines(picked)[0].pk: D(1)}} | how
    with pytest.raises(Invalid, match=code):
        actions.pack_lines(picked.pk, **told, actor=packer)
    assert numbers(picked) == []


def test_a_shipment_has_so_many_parcels_at_most(packer, picked, monkeypatch):
    monkeypatch.setattr(actions.pack, "MOST_PACKAGES", 1)
    with pytest.raises(Refused, match="too_many_parcels"):
        actions.pack_rest(picked.pk, per=D(4), actor=packer)


def test_numbers_go_on_in_the_series_of_the_gs1_prefix_until_it_is_used_up(world, packer, picked):
    Organisation.unscoped.filter(pk=world.cast.lh.pk).update(gs1_prefix="6901234567")
    run("INSERT INTO base_series (key, next) VALUES ('sscc:6901234567', 98)")
    actions.pack_rest(picked.pk, per=D(2), actor=packer)
    assert [number[11:17] for number in numbers(picked)] == ["000098", "000099", "000101", "000102"]
    actions.unpack_shipment(picked.pk, actor=packer)
    run("UPDATE base_series SET next = 990001 WHERE key = 'sscc:6901234567'")
    actions.pack_rest(picked.pk, actor=packer)
    assert numbers(picked)[0].startswith("16901234567000001"), "the next extension digit"
    actions.unpack_shipment(picked.pk, actor=packer)
    run("UPDATE base_series SET next = 9900001 WHERE key = 'sscc:6901234567'")
    with pytest.raises(Refused, match="numbers_used_up"):
        actions.pack_rest(picked.pk, actor=packer)


def test_only_who_sends_it_packs_and_only_while_it_is_picked(world, packer, picked):
    actions.pack_rest(picked.pk, actor=packer)
    package = Package.unscoped.get(shipment=picked)
    ways = (
        lambda who: actions.pack_rest(picked.pk, actor=who),
        lambda who: actions.pack_lines(picked.pk, {}, actor=who),
        lambda who: actions.unpack_shipment(picked.pk, actor=who),
        lambda who: actions.change_package(package.pk, {}, "other", actor=who),
        lambda who: actions.remove_package(package.pk, actor=who),
    )
    for way in ways:
        for who in (world.dealer, world.cast.hq_finance):
            with pytest.raises(Forbidden):
                way(who)
        with pytest.raises((Forbidden, NotFound)):
            way(world.cast.stranger)
    actions.dispatch_shipment(picked.pk, actor=packer)
    for way in ways:
        with pytest.raises(Refused, match="illegal"):
            way(packer)
    planned = Shipment.unscoped.create(
        order_id=picked.order_id, seller=picked.seller, buyer=picked.buyer, from_place=picked.from_place, seq=9, number="SH-9",
        state_since=picked.created_at, created_at=picked.created_at,
    )  # fmt: skip
    with pytest.raises(Refused, match="illegal"):
        actions.pack_rest(planned.pk, actor=packer)


def test_the_database_keeps_numbers_apart_and_parcels_within_what_was_picked(packer, picked):
    actions.pack_rest(picked.pk, per=D(4), actor=packer)
    first, second = numbers(picked)[:2]
    with pytest.raises(IntegrityError, match="fulfilment_package_sscc_unique"), transaction.atomic():
        Package.unscoped.filter(sscc=second).update(sscc=first)
    with pytest.raises(IntegrityError, match="fulfilment_package_no_unique"), transaction.atomic():
        Package.unscoped.filter(shipment=picked).update(no=1)
    with pytest.raises(IntegrityError, match="fulfilment_package_sscc_digits"), transaction.atomic():
        Package.unscoped.filter(sscc=first).update(sscc="12")
    with pytest.raises(IntegrityError, match="fulfilment_package_weight_not_negative"), transaction.atomic():
        Package.unscoped.filter(sscc=first).update(weight=-1)
    with pytest.raises(IntegrityError, match="fulfilment_packageline_qty_positive"), transaction.atomic():
        PackageLine.unscoped.filter(package__shipment=picked).update(qty=0)
    with pytest.raises(IntegrityError, match="fulfilment_shipmentline_packed_fits"), transaction.atomic():
        run("UPDATE fulfilment_shipmentline SET packed = qty + 1 WHERE shipment_id = %s", (picked.pk,))
    one = PackageLine.unscoped.filter(package__shipment=picked).first()
    with pytest.raises(IntegrityError, match="fulfilment_packageline_line_unique"), transaction.atomic():
        PackageLine.unscoped.create(package_id=one.package_id, line_id=one.line_id, qty=1)


# --- leaving ---


def test_with_parcels_exactly_what_is_in_them_leaves(world, packer, picked):
    first, second = lines(picked)
    actions.pack_lines(picked.pk, {first.pk: D(4)}, actor=packer)
    for way in (
        lambda: actions.dispatch_shipment(picked.pk, actor=packer),
        lambda: actions.dispatch_shipment(picked.pk, lines={first.pk: D(3)}, actor=packer),
        lambda: actions.ship_order(picked.order_id, actor=packer),
    ):
        with pytest.raises(Refused, match="not_packed"):
            way()
    refused = actions.ship_orders([Leaving(picked.order_id)], actor=packer).refused
    assert [one.code for one in refused[picked.order_id]] == ["fulfilment.not_packed"]
    actions.dispatch_shipment(picked.pk, lines={first.pk: D(4), second.pk: D(0)}, actor=packer)
    assert inside(picked) == [{1: D(4)}]
    rest = Shipment.unscoped.get(order=picked.order_id, state=State.CREATED)
    assert {x.line.no: x.qty for x in lines(rest)} == {1: D(1), 2: D(3)}, "what stays behind is planned again"
    assert_sound()


def test_packed_shipments_leave_by_every_way_and_one_that_is_not_picked_any_more_loses_its_parcels(world, packer, picked):
    actions.pack_rest(picked.pk, actor=packer)
    actions.cancel_pick(picked.pk, actor=packer)
    assert numbers(picked) == [] and not any(line.packed for line in lines(picked))
    actions.start_pick(picked.order_id, actor=packer)
    actions.pack_rest(picked.pk, actor=packer)
    assert actions.ship_order(picked.order_id, actor=packer).pk == picked.pk
    other = actions.start_pick(place(world, 2).pk, actor=packer)
    actions.pack_rest(other.pk, actor=packer)
    assert actions.ship_orders([Leaving(other.order_id)], actor=packer).sent == {other.order_id: [other.pk]}
    actions.confirm_receipt(other.pk, actor=world.dealer)
    assert_sound()


def test_a_shipment_with_parcels_leaves_with_the_statements_of_one_without(world, packer, django_assert_num_queries):
    shipped(world, place(world, 1, 1))
    picked = actions.start_pick(place(world, 5, 3).pk, actor=packer)
    actions.pack_rest(picked.pk, per=D(1), actor=packer)
    with django_assert_num_queries(13):
        actions.dispatch_shipment(picked.pk, actor=packer)


def test_many_parcels_take_as_many_statements_as_one(world, packer, django_assert_max_num_queries):
    picked = actions.start_pick(place(world, 90, 3).pk, actor=packer)
    with django_assert_max_num_queries(13):
        actions.pack_rest(picked.pk, per=D(1), actor=packer)
    assert len(numbers(picked)) == 93


# --- paper, pages, API ---


def test_papers_tell_what_is_in_which_parcel_and_each_has_its_label(world, packer, picked):
    first, second = lines(picked)
    actions.pack_lines(picked.pk, {first.pk: D(5)}, weight=D("7.25"), actor=packer)
    actions.pack_lines(picked.pk, {second.pk: D(3)}, "pallet", actor=packer)
    actions.dispatch_shipment(picked.pk, actor=packer)
    one, two = Package.unscoped.filter(shipment=picked).order_by("no")
    for language, words in (("en", ("Carton", "7.25 kg", "Pallet")), ("zh-hans", ("纸箱", "7.25", "托盘"))):
        for actor in (packer, world.dealer):
            listed = "\n".join(pages_of(pdf_of(PACKING_LIST, actor, [picked.pk], language=language)))
            missing = [said for said in (*words, one.sscc[:17], two.sscc[:17]) if said not in listed]
            assert missing == [], (language, listed)
    assert len(pages_of(pdf_of(LABEL, packer, [picked.pk], language="en"))) == 2
    assert [label.unit for label in labels(world.dealer, [picked.pk])] == [one.sscc, two.sscc]
    (page,) = pages_of(pdf_of(PARCEL_LABEL, world.dealer, [two.pk], language="en"))
    assert f"(00) {two.sscc}" in page and picked.number in page and one.sscc not in page
    with pytest.raises(NotFound):
        pdf_of(PARCEL_LABEL, world.cast.stranger, [two.pk], language="en")


def test_the_warehouse_packs_on_the_page_of_the_shipment(world, packer, picked, client):
    client.cookies["qudao_language"] = "en"
    sign_in(client, packer)
    packing, page = reverse("shipment_packing", args=[picked.pk]), picked.get_absolute_url()
    assert packing in client.get(page).content.decode() and "Everything in one parcel" in text(client.get(packing))
    wrong = client.post(packing, {"how": "units", "kind": "carton"})
    assert wrong.status_code == 422 and "Say how many units go into one parcel" in wrong.content.decode()
    client.post(packing, {"how": "units", "per": "2", "kind": "carton"})
    assert len(numbers(picked)) == 4
    shown = text(client.get(page))
    assert all(number in shown for number in numbers(picked)) and "Everything is in parcels." in shown
    last = Package.unscoped.filter(shipment=picked).order_by("-no").first()
    change, removal = reverse("parcel_change", args=[last.pk]), reverse("parcel_removal", args=[last.pk])
    assert last.sscc in text(client.get(change)) and last.sscc in text(client.get(removal))
    refs = [str(line.pk) for line in lines(picked)]
    assert client.post(change, {"kind": "other", "weight": "3", "lines-ref": refs, "lines-qty": ["1", "9"]}).status_code == 409
    client.post(change, {"kind": "other", "weight": "3", "lines-ref": refs, "lines-qty": ["1", ""]})
    assert inside(picked)[-1] == {1: D(1)}
    client.post(removal, {})
    new = reverse("shipment_parcels", args=[picked.pk])
    assert "Filled with everything" in text(client.get(new))
    client.post(new, {"kind": "pallet", "weight": "", "lines-ref": refs, "lines-qty": ["1", "1"]})
    assert inside(picked)[-1] == {1: D(1), 2: D(1)}
    assert client.post(reverse("shipment_unpacking", args=[picked.pk]), {}).status_code == 302 and numbers(picked) == []


def test_dispatch_proposes_what_is_in_parcels(packer, picked, client):
    first, _second = lines(picked)
    actions.pack_lines(picked.pk, {first.pk: D(4)}, actor=packer)
    sign_in(client, packer)
    page = reverse("shipment_dispatch", args=[picked.pk])
    refs = [str(line.pk) for line in lines(picked)]
    editor = client.get(page).context["editor"]
    assert [line.raw["qty"] for line in editor.lines] == ["4", "0"]
    assert client.post(page, {"lines-ref": refs, "lines-qty": ["5", "0"]}).status_code == 409
    assert client.post(page, {"lines-ref": refs, "lines-qty": ["4", "0"]}).status_code == 302


def test_the_buyer_sees_parcels_and_cannot_touch_them(world, packer, picked, client):
    actions.pack_rest(picked.pk, actor=packer)
    (number,) = numbers(picked)
    package = Package.unscoped.get(shipment=picked)
    sign_in(client, world.dealer)
    shown = client.get(picked.get_absolute_url()).content.decode()
    assert number in shown and f'{reverse("shipment_packing", args=[picked.pk])}"' not in shown
    label = f"/parcels/{package.pk}/parcel-label.pdf"
    assert label in shown and client.get(label)["Content-Type"] == "application/pdf"
    assert client.get(reverse("parcel_change", args=[package.pk])).status_code == 403
    sign_in(client, world.cast.stranger)
    assert client.get(picked.get_absolute_url()).status_code == 404


def test_a_scanner_reads_the_number_with_its_marks():
    for read in ("000400000000000000017", "(00)004000000000000017", "(00) 004000000000000017", "]C100004000000000000017", "\x1d00004000000000000017"):
        assert folded_barcode(read).endswith("17") and not folded_barcode(read).startswith(("0", "(", "]", "\x1d")), read
    assert folded_barcode("(00) oak") == "(00) oak"


def test_the_number_on_a_parcel_is_found_by_both_sides_and_by_nobody_else(world, packer, picked, client):
    actions.pack_rest(picked.pk, actor=packer)
    (number,) = numbers(picked)
    for who in (packer, world.dealer):
        sign_in(client, who)
        for typed in (number, f"00{number}", f"(00) {number}"):
            found = client.get("/search/", {"q": typed})
            assert found.status_code == 302 and found["Location"] == picked.get_absolute_url(), typed
    sign_in(client, world.cast.stranger)
    found = client.get("/search/", {"q": number})
    assert found.status_code == 200 and found.context["groups"] == []
    actions.unpack_shipment(picked.pk, actor=packer)
    sign_in(client, packer)
    assert client.get("/search/", {"q": number}).status_code == 200


def test_the_api_packs_and_tells_both_sides(world, packer, picked, client):
    tokens = {actor: bearer(actor) for actor in (packer, world.dealer, world.cast.stranger)}

    def call(actor, method, path, body=None, **headers):
        sent = json.dumps(body) if body is not None else None
        answer = getattr(client, method)(f"/api/v1{path}", sent, content_type="application/json", headers=tokens[actor] | headers)
        return answer.status_code, answer.json()

    first, _second = lines(picked)
    at = f"/shipments/{picked.pk}"
    key = {"Idempotency-Key": "pack-0001"}
    asked = {"kind": "pallet", "weight": "12.5", "lines": [{"line_id": first.pk, "qty": "2"}]}
    status, made = call(packer, "post", f"{at}/parcels", asked, **key)
    assert status == 201 and call(packer, "post", f"{at}/parcels", asked, **key) == (201, made)
    (parcel,) = made["parcels"]
    assert (parcel["kind"], parcel["weight"], parcel["lines"][0]["qty"]) == ("pallet", "12.500", "2.0000")
    assert call(packer, "post", f"{at}/packing", {"per": "0"})[0] == 422
    assert len(call(packer, "post", f"{at}/packing", {"by_packs": True})[1]["parcels"]) == 2
    status, shown = call(world.dealer, "get", at)
    assert [p["sscc"] for p in shown["parcels"]] == numbers(picked) and [x["packed"] for x in shown["lines"]] == ["5.0000", "3.0000"]
    assert call(world.dealer, "get", f"/parcels?sscc=(00){parcel['sscc']}")[1]["items"][0]["shipment_id"] == picked.pk
    assert call(world.cast.stranger, "get", f"/parcels?sscc={parcel['sscc']}")[1]["items"] == []
    changed = {"kind": "carton", "lines": [{"line_id": first.pk, "qty": "1"}]}
    assert call(packer, "put", f"/parcels/{parcel['id']}", changed)[1]["parcels"][0]["sscc"] == parcel["sscc"]
    assert call(world.dealer, "put", f"/parcels/{parcel['id']}", changed)[0] == 403
    assert call(world.cast.stranger, "get", f"{at}/parcels")[0] == 404
    assert len(call(packer, "delete", f"/parcels/{parcel['id']}")[1]["parcels"]) == 1
    assert call(packer, "post", f"{at}/unpacking")[1]["parcels"] == []


def test_verify_finds_parcels_that_do_not_add_up(world, packer, picked):
    actions.pack_rest(picked.pk, actor=packer)
    actions.dispatch_shipment(picked.pk, actor=packer)
    checks = {one.name: one for one in CHECKS}
    for name in ("fulfilment.parcels_hold_what_is_packed", "fulfilment.all_that_left_is_in_parcels"):
        assert rows(checks[name].sql) == []
    run("UPDATE fulfilment_shipmentline SET packed = packed - 1 WHERE shipment_id = %s", (picked.pk,))
    for name in ("fulfilment.parcels_hold_what_is_packed", "fulfilment.all_that_left_is_in_parcels"):
        assert len(rows(checks[name].sql)) == 2, name
