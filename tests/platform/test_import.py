"""`qudao import`: the kinds of the import centre, faults by row and column, the same file twice changes nothing, any file can be undone."""

from __future__ import annotations

import json

import pytest

from qudao.base.db import rows
from qudao.base.import_runs import undo_import
from qudao.inventory.tests.make import make_places
from qudao.people.tests.make import cast
from qudao.web import cli
from qudao.web.commands import import_

pytestmark = pytest.mark.django_db
ORGS = """code,kind,name,name_en,under,area_code
N1,region,北方大区,North,LH,110100
N101,dealer,北京电器,Beijing Appliances,N1,110105
N102,outlet,朝阳店,Chaoyang Shop,N101,110105
"""
PRODUCTS = """code,name,name_en,tax_rate,gtin,min_qty
X-1,冰箱,Refrigerator,13%,6901234567892,1
X-2,风扇,Fan,0.13,,2
"""


def load(kind, tmp_path, text, *more):
    file = tmp_path / "file.csv"
    file.write_text(text)
    return import_.run(cli._parser(["import"]).parse_args(["import", kind, str(file), "--as", "hq_admin@example.com", "--json", *more]))


@pytest.fixture
def people(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return cast()


def test_what_can_be_loaded_is_listed(capsys):
    assert import_.run(cli._parser(["import"]).parse_args(["import"])) == cli.OK
    assert {"catalog.products", "funds.limits", "inventory.opening", "network.organisations", "pricing.prices"} <= set(capsys.readouterr().out.split())


def test_organisations_and_a_second_time_nothing(people, tmp_path, capsys):
    assert load("network.organisations", tmp_path, ORGS) == cli.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["loaded"], told["new"], told["faults"]) == (3, 3, 3, [])
    found = rows("SELECT code, kind, tier FROM network_organisation WHERE code LIKE 'N1%%' ORDER BY code")
    assert found == [("N1", "region", 0), ("N101", "dealer", 1), ("N102", "outlet", 2)]
    logged = rows("SELECT count(*) FROM base_actionlog")
    assert load("network.organisations", tmp_path, ORGS) == cli.OK
    assert rows("SELECT count(*) FROM base_actionlog") == logged


def test_products_new_changed_and_the_same(people, tmp_path, capsys):
    assert load("catalog.products", tmp_path, PRODUCTS) == cli.OK
    assert rows("SELECT code, gtin, tax_rate::text, min_qty::int FROM catalog_product ORDER BY code") == [
        ("X-1", "06901234567892", "0.1300", 1),
        ("X-2", "", "0.1300", 2),
    ]
    logged = rows("SELECT count(*) FROM base_actionlog")
    assert load("catalog.products", tmp_path, PRODUCTS) == cli.OK
    assert rows("SELECT count(*) FROM base_actionlog") == logged
    assert load("catalog.products", tmp_path, PRODUCTS.replace("风扇", "落地扇")) == cli.OK
    assert rows("SELECT name FROM catalog_product ORDER BY code") == [("冰箱",), ("落地扇",)]


def test_faults_are_named_by_row_and_column_and_nothing_is_written(people, tmp_path, capsys):
    bad = PRODUCTS + "X-1,Again,,,6901234567890,0\nX-3,,,2,,-1\n"
    assert load("catalog.products", tmp_path, bad) == cli.FAILED
    told = json.loads(capsys.readouterr().out)
    assert {(fault["row"], fault["column"]) for fault in told["faults"]} == {(4, "code"), (4, "gtin"), (5, "name"), (5, "tax_rate"), (5, "min_qty")}
    assert told["loaded"] == 0
    assert load("network.organisations", tmp_path, ORGS.replace("dealer", "planet").replace("LH", "NOBODY")) == cli.FAILED
    told = json.loads(capsys.readouterr().out)
    assert {(fault["row"], fault["column"]) for fault in told["faults"]} >= {(2, "under"), (3, "kind")}
    assert rows("SELECT count(*) FROM catalog_product") == [(0,)]


def test_a_dry_run_writes_nothing_and_a_missing_column_is_said(people, tmp_path, capsys):
    assert load("catalog.products", tmp_path, PRODUCTS, "--check") == cli.OK
    assert rows("SELECT count(*) FROM catalog_product") == [(0,)]
    capsys.readouterr()
    assert load("catalog.products", tmp_path, PRODUCTS.replace("code", "key")) == cli.FAILED
    assert [fault["row"] for fault in json.loads(capsys.readouterr().out)["faults"]] == [1]


def test_stock_is_not_added_twice_by_the_same_file(people, tmp_path, capsys):
    make_places(people.lh)
    assert load("catalog.products", tmp_path, PRODUCTS) == cli.OK
    capsys.readouterr()
    for loaded in (2, 0):
        assert load("inventory.opening", tmp_path, "product,qty\nX-1,5\nX-2,7\n") == cli.OK
        assert json.loads(capsys.readouterr().out)["loaded"] == loaded
    assert rows("SELECT on_hand::int FROM inventory_stock ORDER BY on_hand") == [(5,), (7,)]
    assert rows("SELECT count(*) FROM base_importrun WHERE kind = 'inventory.opening'") == [(1,)]


def test_what_the_command_imported_can_be_undone(people, tmp_path, capsys):
    assert load("catalog.products", tmp_path, PRODUCTS) == cli.OK
    undo_import(json.loads(capsys.readouterr().out)["import"], actor=people.hq_admin)
    assert rows("SELECT count(*) FROM catalog_product") == [(0,)]
    assert load("catalog.products", tmp_path, PRODUCTS) == cli.OK
    assert rows("SELECT count(*) FROM catalog_product") == [(2,)]


def test_what_a_person_may_not_import_is_said(people, tmp_path, capsys):
    file = tmp_path / "file.csv"
    file.write_text(PRODUCTS)
    assert import_.run(cli._parser(["import"]).parse_args(["import", "catalog.products", str(file), "--as", "dealer@example.com"])) == cli.FAILED
    assert "nothing written" in capsys.readouterr().out and rows("SELECT count(*) FROM catalog_product") == [(0,)]
