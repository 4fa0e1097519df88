"""The import of opening stock: a file adds, so it is not taken twice by mistake; what is still free goes back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs
from qudao.base.import_runs import Told, begin_import, run_import, undo_import, undoing_of
from qudao.base.models import ImportRun
from qudao.inventory.actions import OpeningLine, register_place, reserve, return_opening
from qudao.inventory.models import Move
from qudao.inventory.rules import Demand
from qudao.inventory.tests.make import ORDER, assert_sound, in_unit, levels
from qudao.kernel.errors import NotFound, Refused

D = Decimal
FILE = "商品编码,数量,仓库\nP1,5,\nP2,7,EAST\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def east(cast, shelf):
    return register_place("EAST", actor=cast.hq_warehouse).pk


def begun(actor, text=FILE):
    return begin_import("inventory.opening", SimpleUploadedFile("stock.csv", text.encode()), actor=actor)


def test_stock_is_added_and_taken_back_by_moves(cast, shelf, east, django_assert_max_num_queries):
    one, two, _three = shelf.products
    run, moves = begun(cast.hq_warehouse), Move.unscoped.count()
    looked = import_runs.look(run, cast.hq_warehouse)
    assert [(e.what, e.changes) for e in looked.entries] == [("changed", (("qty", "10", "15"),)), ("new", (("qty", "0", "7"),))]
    with django_assert_max_num_queries(45):
        run_import(run.pk, actor=cast.hq_warehouse)
    assert levels()[shelf.main, one.pk][0] == 15 and levels()[east, two.pk][0] == 7
    assert undo_import(run.pk, actor=cast.hq_warehouse).state == ImportRun.State.UNDONE
    assert levels()[shelf.main, one.pk][0] == 10 and levels()[east, two.pk][0] == 0 and Move.unscoped.count() == moves + 4
    assert_sound()


def test_the_same_file_is_not_added_twice_by_mistake(cast, shelf, east):
    run_import(begun(cast.hq_warehouse).pk, actor=cast.hq_warehouse)
    again = begun(cast.hq_warehouse)
    with pytest.raises(Refused) as refused:
        run_import(again.pk, actor=cast.hq_warehouse)
    assert refused.value.faults[0].code == "base.import_again"
    run_import(again.pk, Told(again=True), actor=cast.hq_warehouse)
    assert levels()[east, shelf.products[1].pk][0] == 14
    undo_import(again.pk, actor=cast.hq_warehouse)
    assert levels()[east, shelf.products[1].pk][0] == 7


def test_what_is_promised_since_stays(cast, shelf, east):
    one = shelf.products[0]
    run = run_import(begun(cast.hq_warehouse).pk, actor=cast.hq_warehouse)
    in_unit(reserve, [Demand(shelf.main, one.pk, D(12), 1)], ORDER)
    undoing = undoing_of(run, cast.hq_warehouse)
    assert [t.label for t in undoing.free] == ["P2 · EAST"]
    assert [(fault.code, fault.params) for _t, fault in undoing.kept] == [("inventory.no_longer_free", {"qty": "5", "free": "3"})]
    assert undo_import(run.pk, actor=cast.hq_warehouse).state == ImportRun.State.PARTLY and levels()[shelf.main, one.pk] == (15, 12)
    assert_sound()


def test_wrong_rows_are_named(cast, shelf, east):
    looked = import_runs.look(begun(cast.hq_warehouse, "product,qty,place\nP9,1,\nP1,-1,\nP1,1.00001,NOWHERE\np1,2,east\nP1,,\n"), cast.hq_warehouse)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "product", "inventory.no_product"), (3, "qty", "inventory.quantity"), (4, "qty", "inventory.quantity"), (4, "place", "inventory.place_unknown"),
        (6, "qty", "base.import_empty"),
    }  # fmt: skip
    assert [e.row for e in looked.entries] == [5]


def test_opening_stock_is_returned_only_as_far_as_it_is_free(cast, shelf):
    one = shelf.products[0].pk
    with pytest.raises(Refused) as short:
        return_opening(shelf.main, [OpeningLine(one, D(11))], "typed wrong", actor=cast.hq_warehouse)
    assert short.value.faults[0].code == "inventory.short"
    with pytest.raises(NotFound):
        return_opening(shelf.main, [OpeningLine(one, D(1))], "typed wrong", actor=cast.stranger_admin)
    return_opening(shelf.main, [OpeningLine(one, D(4))], "typed wrong", actor=cast.hq_warehouse)
    assert levels()[shelf.main, one][0] == 6
