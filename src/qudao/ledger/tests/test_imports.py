"""The chart of accounts and what goes where from files, and the way back."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import, undoing_of
from qudao.base.tests.brought_back import brought_back, same_again
from qudao.base.tests.page_text import text
from qudao.catalog.actions import CategoryDraft, register_category
from qudao.kernel.errors import Forbidden, Invalid, Refused
from qudao.ledger import actions, queries
from qudao.ledger.models import ChartAccount
from qudao.ledger.rules import ChartFacts
from qudao.ledger.states import CHARTS, Account
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def books(cast):
    """LH and D001 have the Chinese chart."""
    for actor in (cast.hq_finance, cast.dealer_admin):
        actions.open_chart("china", actor=actor)
    return cast


def begun(actor, kind, said):
    return begin_import(f"ledger.{kind}", SimpleUploadedFile("chart.csv", said.encode()), actor=actor)


def done(actor, kind, said):
    run = begun(actor, kind, said)
    run_import(run.pk, actor=actor)
    return run


def accounts(actor):
    return {one.code: (one.name, one.name_en, one.kind) for one in queries.chart(actor)}


def test_accounts_are_added_and_renamed_and_all_goes_back(books):
    finance = books.hq_finance
    before = accounts(finance)
    run = done(finance, "chart", "科目编码,科目名称,英文名称,类别\n600101,手机收入,Phones,收入\n1002,招商银行,,\n1122,应收账款,,\n")
    now = accounts(finance)
    assert now["600101"] == ("手机收入", "Phones", "income") and now["1002"] == ("招商银行", "Cash at bank", "asset")
    assert accounts(books.dealer_admin) == before, "each organisation has its own"
    undo_import(run.pk, actor=finance)
    assert accounts(finance) == before


def test_what_goes_where_is_set_and_set_back(books):
    finance = books.hq_finance
    actions.remove_homes([queries.all_homes(finance).get(account="write_off").pk], actor=finance)
    before = queries.homes(finance)
    run = done(finance, "homes", "业务,科目编码\n收入,5401\nwrite_off,5603\nbank,1002\n")
    assert queries.homes(finance) == before | {"revenue": "5401", "write_off": "5603"}
    undo_import(run.pk, actor=finance)
    assert queries.homes(finance) == before and queries.homes(books.dealer_admin)["revenue"] == "5001"


def test_rules_by_category_and_rate_come_and_go_with_the_file(books):
    parts = register_category(books.lh.pk, CategoryDraft("PARTS", "配件", "Parts"), actor=books.hq_admin)
    finance, before = books.hq_finance, list(queries.all_homes(books.hq_finance).values_list("account", "chart__code", "category_id", "tax_rate"))
    run = done(finance, "homes", "业务,科目编码,类别,税率\n收入,5401,PARTS,\n收入,5711,PARTS,6%\n销项税,22210101,,0.06\n收入,5001,,\n")
    now = set(queries.exact_homes(finance).values_list("account", "chart__code", "category_id", "tax_rate"))
    assert now == {("revenue", "5401", parts.pk, None), ("revenue", "5711", parts.pk, D("0.06")), ("output_tax", "22210101", None, D("0.06"))}
    same_again("ledger.homes", finance, len(Account) + 3)
    undo_import(run.pk, actor=finance)
    assert list(queries.all_homes(finance).values_list("account", "chart__code", "category_id", "tax_rate")) == before
    looked = import_runs.look(
        begun(finance, "homes", "posting,code,category,tax_rate\nrevenue,5001,NONE,\nbank,1002,,6%\noutput_tax,5001,PARTS,\nrevenue,5001,,7\n"), finance
    )
    assert {(one.row, one.column) for one in looked.wrong} == {(2, "category"), (3, "tax_rate"), (4, "category"), (5, "tax_rate")}


def test_faults_stand_at_their_columns(books):
    looked = import_runs.look(begun(books.hq_finance, "chart", "code,name,kind\n9 9,x,asset\n77,,asset\n78,x,\n79,x,magic\n"), books.hq_finance)
    assert {(one.row, one.column) for one in looked.wrong} == {(2, "code"), (3, "name"), (4, "kind"), (5, "kind")}
    looked = import_runs.look(begun(books.hq_finance, "homes", "posting,code\nrevenue,nope\nmagic,5001\nrevenue,5001\n"), books.hq_finance)
    assert {(one.row, one.column) for one in looked.wrong} >= {(2, "code"), (3, "posting")} and {one.row for one in looked.wrong} == {2, 3, 4}


def test_an_account_that_is_used_is_not_taken_back(books):
    run = done(books.hq_finance, "chart", "code,name,kind\n600101,手机收入,income\n")
    actions.map_accounts({"revenue": "600101"}, actor=books.hq_finance)
    assert undoing_of(run, books.hq_finance).kept
    with pytest.raises(Refused, match=r"ledger\.chart_used"):
        actions.remove_chart_accounts([ChartAccount.unscoped.get(code="600101").pk], actor=books.hq_finance)
    actions.map_accounts({"revenue": "5001"}, actor=books.hq_finance)
    assert actions.remove_chart_accounts([ChartAccount.unscoped.get(code="600101").pk], actor=books.dealer_admin) == 0


@pytest.mark.parametrize(("kind", "rows"), [("chart", len(CHARTS["china"])), ("homes", len(Account))])
def test_what_is_there_is_had_as_a_file_that_changes_nothing(books, kind, rows):
    same_again(f"ledger.{kind}", books.hq_finance, rows)
    changed = brought_back(f"ledger.{kind}", books.hq_finance, change=lambda lines: lines[0].__setitem__(1, "5401"))
    assert [entry.what for entry in changed.entries] == ["changed"] + ["same"] * (rows - 1)


def test_many_at_once_all_or_none_and_by_whom_it_may(books, django_assert_max_num_queries):
    many = [ChartFacts(f"7{n:03}", f"科目 {n}", "", "expense") for n in range(200)]
    with django_assert_max_num_queries(4):
        assert [one.code for one in actions.save_chart_accounts(many, actor=books.hq_finance)] == [one.code for one in many]
    with pytest.raises(Invalid) as wrong:
        actions.save_chart_accounts([many[0], ChartFacts("", "", "", "magic")], actor=books.hq_finance)
    assert {fault.field for fault in wrong.value.faults} == {"rows.1.code", "rows.1.name", "rows.1.kind"}
    with pytest.raises(Forbidden):
        begun(books.dealer, "chart", "code,name,kind\n1,x,asset\n")


def test_the_page_leads_to_both_files(books, client):
    page = text(sign_in(client, books.hq_finance).get(reverse("chart")))
    assert reverse("import_new", args=["ledger.chart"]) in page and reverse("import_new", args=["ledger.homes"]) in page
