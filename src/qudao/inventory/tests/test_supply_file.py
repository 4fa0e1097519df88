"""Terms of supply from a file: everything that the page of supply can say, brought back unchanged and taken back."""

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.agreements.tests.make import make_agreement
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import
from qudao.base.tests.brought_back import brought_back, same_again
from qudao.inventory import actions
from qudao.inventory.models import SupplyPlace
from qudao.inventory.pages import TERMS
from qudao.kernel.errors import Forbidden, Refused
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db
HEADS = "buyer,agreement,Warehouse,Lead time,The buyer is told,If goods are short,Served when goods come in,Surcharge of emergencies (%),"
HEADS += "Goods are kept for days,Lots keep for days more,Or for % of the shelf life,Received by itself after days,Damaged or wrong goods need a photo\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def east(cast, shelf):
    return actions.register_place("EAST", actor=cast.hq_warehouse)


@pytest.fixture
def sold(cast, shelf):
    return [make_agreement(cast.lh, buyer) for buyer in (cast.d001, cast.d002)]


def begun(actor, *lines):
    text = HEADS + "".join(f"{line}\n" for line in lines)
    return begin_import("inventory.supply", SimpleUploadedFile("supply.csv", text.encode()), actor=actor)


def terms(agreement):
    one = SupplyPlace.unscoped.get(agreement=agreement)
    return (one.place.code, *(getattr(one, name) for name in TERMS))


def test_a_row_says_all_that_the_page_says(cast, sold, east):
    actor = cast.hq_warehouse
    run = run_import(begun(actor, "D001,,EAST,5,exact,backorder,7,12.5,14,30,20,0,no").pk, actor=actor)
    other = run_import(begun(actor, "D002,,,3,,,,,,,,,").pk, actor=actor)
    assert terms(sold[0]) == ("EAST", 5, "exact", "backorder", 7, D("12.50"), 14, 30, 20, 0, False)
    assert terms(sold[1]) == ("MAIN", 3, "banded", "refuse", 0, 0, None, 0, 0, 7, True), "what a row does not say stays"
    same_again("inventory.supply", actor, 2)
    again = run_import(begun(actor, "D001,,,,,,,,0,,,,").pk, actor=actor)
    assert terms(sold[0])[6] is None, "0: kept until they are picked"
    with pytest.raises(Refused, match="changed_since"):
        undo_import(run.pk, actor=actor)
    undo_import(again.pk, actor=actor)
    undo_import(run.pk, actor=actor)
    undo_import(other.pk, actor=actor)
    assert terms(sold[0]) == terms(sold[1]) == ("MAIN", 2, "banded", "refuse", 0, 0, None, 0, 0, 7, True)


def test_a_closed_warehouse_supplies_nobody_new(cast, sold, east):
    actions.close_place(east.pk, "moved out", actor=cast.hq_warehouse)
    found = {(one.row, one.column, one.fault.code) for one in import_runs.look(begun(cast.hq_warehouse, "D001,,EAST,,,,,,,,,,"), cast.hq_warehouse).wrong}
    assert found == {(2, "place", "inventory.place_closed")}


def test_what_is_there_comes_back_also_where_nothing_is_set(cast, sold):
    same_again("inventory.supply", cast.hq_warehouse, 2)
    looked = brought_back("inventory.supply", cast.hq_warehouse, change=lambda lines: lines[0].__setitem__(8, 10))
    assert [entry.what for entry in looked.entries] == ["changed", "same"] and looked.entries[0].changes == (("reserve_days", None, 10),)
    assert not SupplyPlace.unscoped.exists()


def test_every_cell_is_judged_and_only_the_seller_s_people_may(cast, sold, client):
    wrong = begun(cast.hq_warehouse, "D001,,WEST,900,secret,never,100,101,366,9999,101,366,perhaps", "D009,,,1,,,,,,,,,", "D002,,,1.5,,,,,,,,,")
    found = {(one.row, one.column, one.fault.code) for one in import_runs.look(wrong, cast.hq_warehouse).wrong}
    assert found == {
        (2, "place", "inventory.no_place"), (2, "lead_days", "inventory.lead_days"), (2, "shows", "base.import_choice"), (2, "short", "base.import_choice"),
        (2, "priority", "inventory.short_unknown"), (2, "surcharge", "inventory.surcharge"), (2, "reserve_days", "inventory.reserve_days"),
        (2, "keeps_days", "inventory.keeps"), (2, "keeps_percent", "inventory.keeps"),
        (2, "receipt_days", "inventory.receipt_days"), (2, "photos", "base.import_flag"),
        (3, "buyer", "agreements.none_with_buyer"), (4, "lead_days", "inventory.lead_days"),
    }  # fmt: skip
    with pytest.raises(Forbidden):
        begun(cast.dealer, "D001,,,1,,,,,,,,,")
    page = sign_in(client, cast.hq_admin).get("/places/").content.decode()
    assert "/imports/new/inventory.supply/" in page
    nobody = begun(cast.stranger_admin, "D001,,,1,,,,,,,,,")
    assert [one.fault.code for one in import_runs.look(nobody, cast.stranger_admin).wrong] == ["agreements.none_with_buyer"]
