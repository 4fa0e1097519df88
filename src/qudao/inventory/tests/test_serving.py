"""Several warehouses: whom they serve, in which order, and what an order gets out of which of them."""

import json
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.base import import_runs
from qudao.base.import_runs import Told, begin_import, run_import, undo_import
from qudao.base.tests.brought_back import same_again
from qudao.inventory.actions import Demand, drop_serving, register_place, set_serving
from qudao.inventory.models import ServingRule
from qudao.inventory.queries import unscoped_available, unscoped_supply
from qudao.inventory.rules import Whom, keys_of, serve, shortages
from qudao.inventory.tests.make import make_places, make_shelf, make_stock
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.network.models import Organisation
from qudao.people.tests.make import bearer, cast, sign_in


def served(demands, **there):
    """What demands get, as {ref: {place: qty}}, and what they lack; places are A=1, B=2, C=3 and hold `A1=5`: five of product 1."""
    free = {("ABC".index(key[0]) + 1, int(key[1])): D(qty) for key, qty in there.items()}
    given, lacks = serve(demands, free)
    found: dict[int, dict[int, int]] = {}
    for d in given:
        found.setdefault(d.ref_id, {})[d.place_id] = int(d.qty)
    return found, {ref: int(qty) for ref, qty in lacks.items()}


def line(product, qty, ref, more=(2, 3), splits=True):
    return Demand(1, product, D(qty), ref, more, splits)


@pytest.mark.parametrize(
    ("there", "given", "lacks"),
    [
        ({"A1": 5, "B1": 9}, {7: {1: 5}}, {}),
        ({"A1": 4, "B1": 5}, {7: {2: 5}}, {}),
        ({"A1": 3, "B1": 1, "C1": 4}, {7: {1: 3, 2: 1, 3: 1}}, {}),
        ({"A1": 3, "C1": 1}, {7: {1: 3, 3: 1}}, {7: 1}),
    ],
)
def test_a_line_comes_out_of_the_first_place_that_has_it_all_else_in_order(there, given, lacks):
    assert served([line(1, 5, 7)], **there) == (given, lacks)


def test_the_whole_order_comes_out_of_one_place_where_one_has_everything():
    lines = [line(1, 5, 7), line(2, 2, 8)]
    assert served(lines, A1=5, B1=5, B2=2) == ({7: {2: 5}, 8: {2: 2}}, {})
    assert served(lines, A1=5, B2=2) == ({7: {1: 5}, 8: {2: 2}}, {})
    assert served([line(1, 5, 7, splits=False), line(2, 2, 8, splits=False)], A1=5, A2=1, B2=2) == ({7: {1: 5}, 8: {1: 1}}, {8: 1})


def test_what_several_places_lack_together_is_told_at_its_line():
    (fault,) = shortages([line(1, 9, 7)], {(1, 1): D(3), (2, 1): D(4)})
    assert (fault.field, fault.params["available"], fault.params["short"]) == ("lines.7", "7", "2")
    assert keys_of([line(1, 9, 7), line(1, 1, 8)]) == [(1, 1), (2, 1), (3, 1)]


@pytest.fixture
def world(db):
    people = cast()
    shelf = make_shelf(people.lh, (5,))
    agreement = make_agreement(people.lh, people.d001)
    north = register_place("NORTH", actor=people.hq_admin)
    make_stock(north.pk, {shelf.products[0].pk: 8})
    return people, shelf, agreement, north.pk


def test_the_nearest_rule_counts_and_a_dropped_one_no_longer(world):
    people, shelf, agreement, north = world
    admin = people.hq_admin
    assert (unscoped_supply(agreement.pk).place_id, unscoped_supply(agreement.pk).more) == (shelf.main, ())
    Organisation.unscoped.filter(pk=people.d001.pk).update(area_code="330106")
    set_serving(Whom(), [north], actor=admin)
    assert unscoped_supply(agreement.pk).place_id == north
    set_serving(Whom(area_code="32"), [shelf.main], actor=admin)
    assert unscoped_supply(agreement.pk).place_id == north
    set_serving(Whom(area_code="33"), [shelf.main, north], actor=admin)
    found = unscoped_supply(agreement.pk)
    assert (found.place_id, found.more, found.splits) == (shelf.main, (north,), True)
    set_serving(Whom(area_code="3301"), [north, shelf.main], False, actor=admin)
    found = unscoped_supply(agreement.pk)
    assert (found.place_id, found.more, found.splits) == (north, (shelf.main,), False)
    set_serving(Whom(region_id=people.lh.pk), [shelf.main], actor=admin)
    assert unscoped_supply(agreement.pk).more == ()
    own = set_serving(Whom(buyer_id=people.d001.pk), [north, shelf.main], actor=admin)
    assert unscoped_supply(agreement.pk).place_id == north
    drop_serving(own.pk, actor=admin)
    assert unscoped_supply(agreement.pk).place_id == shelf.main


def test_what_is_told_to_a_buyer_adds_the_places_up(world):
    people, shelf, agreement, north = world
    product = shelf.products[0].pk
    set_serving(Whom(), [shelf.main, north], actor=people.hq_admin)
    assert unscoped_available(unscoped_supply(agreement.pk), {product: D(13)})[product].qty == 13
    set_serving(Whom(), [shelf.main, north], False, actor=people.hq_admin)
    assert unscoped_available(unscoped_supply(agreement.pk), {product: D(13)})[product].qty == 8


def test_a_rule_names_own_warehouses_and_one_whom(world):
    people, shelf, _agreement, north = world
    theirs = make_places(people.d001)["MAIN"]
    for whom, places, field in (
        (Whom(), [], "places"),
        (Whom(), [north, north], "places"),
        (Whom(), [theirs], "places"),
        (Whom(), [shelf.transit], "places"),
        (Whom(buyer_id=people.d001.pk, area_code="33"), [north], "area_code"),
        (Whom(buyer_id=0, group_id=99999), [north], "group_id"),
        (Whom(buyer_id=999999), [north], "buyer_id"),
        (Whom(region_id=999999), [north], "region_id"),
    ):
        with pytest.raises(Invalid) as caught:
            set_serving(whom, places, actor=people.hq_admin)
        assert caught.value.faults[0].field == field
    with pytest.raises(Forbidden):
        set_serving(Whom(), [north], actor=people.hq_clerk)
    rule = set_serving(Whom(), [north], actor=people.hq_admin)
    with pytest.raises((Forbidden, NotFound)):
        drop_serving(rule.pk, actor=people.dealer)
    for columns, name in (
        ({"buyer_id": people.d001.pk, "area_code": "33"}, "inventory_servingrule_one_whom"),
        ({"place_ids": []}, "inventory_servingrule_places_given"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            ServingRule.unscoped.update(**columns)
    with pytest.raises(IntegrityError, match="inventory_servingrule_whom_unique"), transaction.atomic():
        ServingRule.unscoped.create(owner=people.lh, place_ids=[north])


def test_pages_of_the_rules(world, client):
    people, _shelf, agreement, north = world
    admin = sign_in(client, people.hq_admin)
    url = reverse("serving_rule_new")
    assert "NORTH" in admin.get(url).content.decode()
    for typed in ({"places": "NOWHERE"}, {"places": "NORTH", "buyer": "NOBODY"}, {"places": "NORTH", "buyer": "D001", "area_code": "33"}):
        assert admin.post(url, typed).status_code == 422
    assert admin.post(url, {"buyer": "d001", "places": "north, MAIN", "splits": "on"}).status_code == 302
    rule = ServingRule.unscoped.get()
    assert (rule.buyer_id, rule.place_ids[0], rule.splits) == (people.d001.pk, north, True)
    shown = admin.get(reverse("serving_rules")).content.decode()
    assert "NORTH → MAIN" in shown
    assert "NORTH → MAIN" in admin.get(reverse("agreement", args=[agreement.pk])).content.decode()
    assert sign_in(client, people.dealer).get(reverse("serving_rules")).content.decode().count("NORTH") == 0
    gone = sign_in(client, people.hq_admin).post(reverse("serving_rule_removal", args=[rule.pk]), {})
    assert gone.status_code == 302 and not ServingRule.unscoped.exists()


def test_rules_by_program(world, client):
    people, shelf, _agreement, north = world
    more = {"content_type": "application/json", "headers": bearer(people.hq_admin)}
    body = {"area_code": "33", "place_ids": [north, shelf.main], "splits": False}
    made = client.post("/api/v1/serving-rules", json.dumps(body), **more)
    assert made.status_code == 201 and made.json()["area_code"] == "33"
    (listed,) = client.get("/api/v1/serving-rules", **more).json()
    assert (listed["place_ids"], listed["splits"]) == ([north, shelf.main], False)
    assert client.delete(f"/api/v1/serving-rules/{listed['id']}", **more).status_code == 200 and not ServingRule.unscoped.exists()


def test_rules_come_from_a_file_and_go_back(world, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    people, shelf, agreement, north = world
    set_serving(Whom(), [shelf.main], actor=people.hq_admin)
    text = "buyer,group,region,area_code,places,splits\nD001,,,,NORTH > MAIN,no\n,,,,NORTH,yes\nNOBODY,,,,MAIN,yes\n"
    run = begin_import("inventory.serving", SimpleUploadedFile("rules.csv", text.encode()), actor=people.hq_admin)
    looked = import_runs.look(run, people.hq_admin)
    assert [e.what for e in looked.entries] == ["new", "changed"] and [w.fault.code for w in looked.wrong] == ["inventory.buyer_unknown"]
    run_import(run.pk, Told(skip_wrong=True), actor=people.hq_admin)
    found = unscoped_supply(agreement.pk)
    assert (found.place_id, found.more, found.splits) == (north, (shelf.main,), False)
    same_again("inventory.serving", people.hq_admin, 2)
    undo_import(run.pk, actor=people.hq_admin)
    assert (unscoped_supply(agreement.pk).place_id, ServingRule.unscoped.get().place_ids) == (shelf.main, [shelf.main])
