"""Price lists, who pays by them, and special prices from files: there and back, every fault at its cell, and undone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.agreements.tests.make import make_agreement, make_group
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import
from qudao.base.tests.brought_back import brought_back, same_again
from qudao.catalog.tests.make import make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, NotFound, Refused
from qudao.pricing import queries
from qudao.pricing.actions import assign_list, assign_wide, end_special_price, remove_lists, remove_special_prices, set_rate
from qudao.pricing.models import ListAssignment, PriceList, SpecialPrice, WideAssignment
from qudao.pricing.rules import RateDraft, Wide
from qudao.pricing.tests.make import make_list, make_price, make_special

D = Decimal


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def begun(cast, kind, content, actor=None):
    return begin_import(f"pricing.{kind}", SimpleUploadedFile("f.csv", content.encode()), actor=actor or cast.hq_admin)


def done(cast, kind, content):
    return run_import(begun(cast, kind, content).pk, actor=cast.hq_admin)


def faults(cast, kind, content):
    return {(one.row, one.column, one.fault.code) for one in import_runs.look(begun(cast, kind, content), cast.hq_admin).wrong}


# --- prices and rates ---


def test_prices_in_force_and_rates_brought_back_change_nothing(cast):
    base = make_list(cast.lh, "B", is_base=True)
    one, two = make_product(cast.lh, "P1"), make_product(cast.lh, "P2")
    make_price(base, one.pk, "100")
    make_price(base, one.pk, "90.5", "10")
    make_price(base, one.pk, "110", since=date(2099, 1, 1))
    make_price(base, two.pk, "200", since=date(2099, 1, 1))
    make_price(make_list(cast.d001, "B"), make_product(cast.d001, "OTHER").pk, "1")
    same_again("pricing.prices", cast.hq_admin, 3)
    set_rate(cast.lh.pk, RateDraft("USD", "CNY", date(2026, 1, 1), D("7.1")), actor=cast.hq_admin)
    same_again("pricing.rates", cast.hq_admin, 1)
    assert brought_back("pricing.prices", cast.hq_admin).rows == 3


# --- lists ---


def lists():
    return {one.code: (one.name, one.currency, one.is_base) for one in PriceList.unscoped.all()}


def test_lists_come_from_a_file_and_go_back(cast):
    make_list(cast.lh, "B", is_base=True)
    make_list(cast.lh, "GOLD", currency="USD", tax_inclusive=False)
    same_again("pricing.lists", cast.hq_admin, 2)
    before = lists()
    run = done(cast, "lists", "Code,Name,Currency,Base list\nNEW,新,,yes\nB,,,no\nGOLD,金,USD,\n".replace("NEW,新,,yes\nB,,,no", "B,,,no\nNEW,新,,yes"))
    assert (run.made, run.changed) == (1, 2)
    assert lists() == {"NEW": ("新", "CNY", True), "B": ("价目 B", "CNY", False), "GOLD": ("金", "USD", False)}
    undo_import(run.pk, actor=cast.hq_admin)
    assert lists() == before


def test_every_fault_of_lists_is_at_its_cell(cast):
    make_list(cast.lh, "B", is_base=True)
    content = "Code,Name,Currency,Prices include tax,Base list\n,X,,,\nN1,,,,\nN2,X,EURO,,\nB,,USD,no,\nN3,X,,,yes\nN4,X,CN,,maybe\n"
    assert faults(cast, "lists", content) == {
        (2, "code", "base.import_empty"), (3, "name", "pricing.name_missing"), (4, "currency", "base.import_long"), (5, "currency", "pricing.list_stays"),
        (5, "tax_inclusive", "pricing.list_stays"), (6, "is_base", "pricing.base_exists"), (7, "currency", "pricing.currency_wrong"),
        (7, "is_base", "base.import_flag"),
    }  # fmt: skip


def test_only_an_empty_list_goes(cast):
    empty, filled = make_list(cast.lh, "E"), make_list(cast.lh, "F")
    make_price(filled, make_product(cast.lh, "P1").pk, "1")
    with pytest.raises(Refused) as used:
        remove_lists([empty.pk, filled.pk], actor=cast.hq_admin)
    assert [(fault.code, fault.field) for fault in used.value.faults] == [("pricing.list_used", f"rows.{filled.pk}")]
    for actor, error in ((cast.stranger_admin, NotFound), (cast.hq_warehouse, Forbidden)):
        with pytest.raises(error):
            remove_lists([empty.pk], actor=actor)
    remove_lists([empty.pk], actor=cast.hq_admin)
    assert set(lists()) == {"F"}


# --- assignments ---


def assigned():
    single = {(one.list.code, one.agreement.code): one.priority for one in ListAssignment.unscoped.select_related("list", "agreement")}
    wide = WideAssignment.unscoped.select_related("list", "group", "region")
    return single | {(w.list.code, w.group and w.group.code, w.region and w.region.code, w.area_code, w.channel): w.priority for w in wide}


@pytest.fixture
def deal(cast):
    return make_agreement(cast.lh, cast.d001)


def test_who_pays_by_which_list_comes_from_a_file_and_goes_back(cast, deal):
    gold, silver = make_list(cast.lh, "GOLD"), make_list(cast.lh, "SILVER")
    make_group(cast.lh, "A", cast.d001)
    assign_list(deal.pk, gold.pk, 3, actor=cast.hq_admin)
    assign_wide(silver.pk, Wide(area_code="33", channel="online"), 2, actor=cast.hq_admin)
    same_again("pricing.assignments", cast.hq_admin, 2)
    before = assigned()
    head = "Price list,Agreement,Group of buyers,Area code,Channel,Priority\n"
    run = done(cast, "assignments", f"{head}GOLD,{deal.code},,,,7\nSILVER,{deal.code},,,,\nGOLD,,A,,,1\nSILVER,,,33,Online,5\n")
    assert (run.made, run.changed) == (2, 2)
    assert assigned() == {
        ("GOLD", deal.code): 7, ("SILVER", deal.code): 0, ("GOLD", "A", None, "", ""): 1, ("SILVER", None, None, "33", "online"): 5,
    }  # fmt: skip
    undo_import(run.pk, actor=cast.hq_admin)
    assert assigned() == before


def test_every_fault_of_assignments_is_at_its_cell(cast, deal):
    make_list(cast.lh, "GOLD")
    make_list(cast.lh, "DOLLAR", currency="USD")
    head = "Price list,Agreement,Group of buyers,Region,Priority\n"
    content = f"{head}NO,{deal.code},,,\nGOLD,NO,,,\nGOLD,,NO,,\nGOLD,,,NO,\nGOLD,,,,\nDOLLAR,{deal.code},,,\nGOLD,{deal.code},,,1.5\n"
    assert faults(cast, "assignments", content) == {
        (2, "list", "pricing.list_unknown"), (3, "agreement", "pricing.agreement_unknown"), (4, "group", "pricing.group_unknown"),
        (5, "region", "network.unknown"), (6, "agreement", "pricing.assign_unclear"), (7, "list", "pricing.rate_missing"),
        (8, "priority", "base.import_number"),
    }  # fmt: skip


# --- special prices ---


def test_special_prices_come_from_a_file_and_go_back(cast, deal):
    one, two = make_product(cast.lh, "P1"), make_product(cast.lh, "P2")
    make_special(deal.pk, one.pk, "80", reason="opening")
    make_special(deal.pk, one.pk, "70", min_qty=D(10), valid_to=date(2099, 1, 1))
    same_again("pricing.specials", cast.hq_admin, 2)
    head = "Agreement,Product,Price,From quantity,From,To\n"
    run = done(cast, "specials", f"{head}{deal.code},P1,79,,2026-01-01,\n{deal.code},P1,70,10,2026-01-01,2099-01-01\n{deal.code},P2,5,,,\n")
    assert (run.made, run.changed, run.same) == (1, 1, 1)
    asked = [queries.Item(1, one.pk, D(1)), queries.Item(2, two.pk, D(1)), queries.Item(3, one.pk, D(10))]

    def pays():
        return [quote and quote.amount for quote in map(queries.unscoped_quote(deal.pk, asked, clock.today()).get, (1, 2, 3))]

    assert pays() == [79, 5, 70]
    same_again("pricing.specials", cast.hq_admin, 3)
    undo_import(run.pk, actor=cast.hq_admin)
    assert pays() == [80, None, 70] and SpecialPrice.unscoped.count() == 2


def test_a_special_price_that_somebody_ended_since_stays(cast, deal):
    make_product(cast.lh, "P1")
    run = done(cast, "specials", f"Agreement,Product,Price,From\n{deal.code},P1,5,2026-01-01\n")
    end_special_price(SpecialPrice.unscoped.get().pk, clock.today(), "agreed", actor=cast.hq_admin)
    with pytest.raises(Refused):
        undo_import(run.pk, actor=cast.hq_admin)
    assert SpecialPrice.unscoped.exists()


def test_every_fault_of_special_prices_is_at_its_cell(cast, deal):
    make_product(cast.lh, "P1")
    head = "Agreement,Product,Price,From quantity,From,To\n"
    content = f"{head}NO,P1,1,,,\n{deal.code},NO,1,,,\n{deal.code},P1,0,-1,,\n{deal.code},P1,1,,2026-05-02,2026-05-01\n{deal.code},P1,x,,2026,\n"
    assert faults(cast, "specials", content) == {
        (2, "agreement", "pricing.agreement_unknown"), (3, "product", "pricing.product_unknown"), (4, "amount", "pricing.amount_wrong"),
        (4, "min_qty", "pricing.min_qty_wrong"), (5, "valid_to", "pricing.span_wrong"), (6, "amount", "base.import_number"),
        (6, "valid_from", "base.import_day"),
    }  # fmt: skip


def test_special_prices_are_removed_by_who_may_grant_them(cast, deal):
    made = make_special(deal.pk, make_product(cast.lh, "P1").pk, "80")
    for actor, error in ((cast.dealer_admin, (NotFound, Forbidden)), (cast.hq_warehouse, Forbidden)):
        with pytest.raises(error):
            remove_special_prices([made.pk], "mistake", actor=actor)
    remove_special_prices([made.pk], "mistake", actor=cast.hq_admin)
    assert not SpecialPrice.unscoped.exists()
