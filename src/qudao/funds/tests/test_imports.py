"""The import of credit limits, and the way back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import, undoing_of
from qudao.base.models import ActionLog, ImportRun
from qudao.base.tests.brought_back import same_again
from qudao.catalog.tests.make import make_category
from qudao.funds.actions import LimitTerms, set_limit, set_limits, set_line_limits
from qudao.funds.models import Account, SubLimit
from qudao.funds.tests.make import make_account, make_agreement
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound

D = Decimal


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def accounts(cast):
    """LH gives credit of 1,000.00 to D001 and D002, D001 to S001."""
    pairs = {"D001": (cast.lh, cast.d001), "D002": (cast.lh, cast.d002), "S001": (cast.d001, cast.s001)}
    return {code: make_account(make_agreement(*pair)) for code, pair in pairs.items()}


def begun(actor, text):
    return begin_import("funds.limits", SimpleUploadedFile("limits.csv", text.encode()), actor=actor)


def limits():
    return dict(Account.unscoped.order_by("buyer__code").values_list("buyer__code", "limit_amount"))


def test_limits_are_set_and_set_back(cast, accounts, django_assert_max_num_queries):
    run = begun(cast.hq_finance, '客户编码,信用额度,账期宽限\nd001,"2,000.00",\nD002,1000,\n')
    looked = import_runs.look(run, cast.hq_finance)
    assert [(e.what, e.changes) for e in looked.entries] == [("changed", (("limit_amount", D(1000), D(2000)),)), ("same", ())]
    with django_assert_max_num_queries(25):
        run_import(run.pk, actor=cast.hq_finance)
    assert limits() == {"D001": 2000, "D002": 1000, "S001": 1000}
    assert ActionLog.unscoped.filter(subject_kind="funds.account", before="1000.00", after="2000.00").exclude(reason="").count() == 1
    undo_import(run.pk, actor=cast.hq_finance)
    assert limits() == {"D001": 1000, "D002": 1000, "S001": 1000}


def test_every_term_is_judged_and_only_own_accounts_are_known(cast, accounts):
    day = clock.today().isoformat()
    text = f"buyer,limit,temp_limit,temp_until,grace_days\nD001,1.005,5,,\nD002,-1,,,400\nS001,5,,,\nNONE,5,,,\nD001,5,,{day},1.5\n"
    looked = import_runs.look(begun(cast.hq_finance, text), cast.hq_finance)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "limit_amount", "funds.amount"), (2, "temp_until", "funds.temp_until_missing"), (3, "limit_amount", "funds.amount"),
        (3, "grace_days", "funds.grace_days"), (4, "buyer", "funds.no_account"), (5, "buyer", "funds.no_account"), (6, "grace_days", "funds.grace_days"),
        (6, "buyer", "base.import_twice"),
    }  # fmt: skip


def test_a_temporary_limit_that_is_over_goes_with_the_next_change(cast, accounts):
    Account.unscoped.filter(pk=accounts["D001"].pk).update(temp_limit=50, temp_until=clock.today().replace(year=2020))
    run = begun(cast.hq_finance, "buyer,limit\nD001,3000\n")
    run_import(run.pk, actor=cast.hq_finance)
    account = Account.unscoped.get(pk=accounts["D001"].pk)
    assert (account.limit_amount, account.temp_limit, account.temp_until) == (3000, 0, None)
    undo_import(run.pk, actor=cast.hq_finance)
    account.refresh_from_db()
    assert (account.limit_amount, account.temp_limit) == (1000, 0)


def test_what_finance_changed_since_stays(cast, accounts):
    run = begun(cast.hq_finance, "buyer,limit\nD001,2000\nD002,3000\n")
    run_import(run.pk, actor=cast.hq_finance)
    set_limit(accounts["D001"].pk, LimitTerms(D(5000)), "asked for", actor=cast.hq_finance)
    assert [t.label.split()[0] for t in undoing_of(run, cast.hq_finance).free] == ["D002"]
    assert undo_import(run.pk, actor=cast.hq_finance).state == ImportRun.State.PARTLY
    assert limits() == {"D001": 5000, "D002": 1000, "S001": 1000}


def test_a_stranger_sees_no_import_and_changes_no_limit(cast, accounts):
    run = begun(cast.hq_finance, "buyer,limit\nD001,2000\n")
    with pytest.raises(NotFound):
        run_import(run.pk, actor=cast.stranger_admin)
    with pytest.raises(NotFound):
        set_limits({accounts["D001"].pk: LimitTerms(D(1))}, "x", actor=cast.stranger_admin)


def test_many_limits_are_set_all_or_none(cast, accounts):
    one, two = accounts["D001"].pk, accounts["D002"].pk
    with pytest.raises(Invalid) as wrong:
        set_limits({one: LimitTerms(D(2000)), two: LimitTerms(D("-1"))}, "file", actor=cast.hq_finance)
    assert [fault.field for fault in wrong.value.faults] == [f"rows.{two}.limit"]
    with pytest.raises(Invalid):
        set_limits({one: LimitTerms(D(2000))}, " ", actor=cast.hq_finance)
    assert set_limits({one: LimitTerms(D(2000)), two: LimitTerms(D(1000))}, "file", actor=cast.hq_finance) == {one: {"limit_amount": [D(1000), D(2000)]}}


def test_limits_of_product_lines_are_set_changed_and_set_back(cast, accounts):
    tv, cold = make_category(cast.lh, "TV"), make_category(cast.lh, "COLD")
    set_line_limits(accounts["D001"].pk, {tv.pk: D(300)}, "start", actor=cast.hq_finance)
    text = "经销商,产品线,额度\nd001,TV,400\nD001,COLD,200\nD002,TV,100\n"
    run = begin_import("funds.lines", SimpleUploadedFile("lines.csv", text.encode()), actor=cast.hq_finance)
    assert [e.what for e in import_runs.look(run, cast.hq_finance).entries] == ["changed", "new", "new"]
    run_import(run.pk, actor=cast.hq_finance)
    rows = SubLimit.unscoped.order_by("account__buyer__code", "category__code").values_list("account__buyer__code", "category__code", "amount")
    assert list(rows) == [("D001", "COLD", D(200)), ("D001", "TV", D(400)), ("D002", "TV", D(100))] and cold.pk
    undo_import(run.pk, actor=cast.hq_finance)
    assert list(rows.all()) == [("D001", "TV", D(300))]
    assert dict(Account.unscoped.values_list("buyer__code", "lined")) == {"D001": True, "D002": False, "S001": False}
    wrong = "buyer,category,amount\nS001,TV,1\nD001,NONE,-1\nD001,TV,x\n"
    looked = import_runs.look(begin_import("funds.lines", SimpleUploadedFile("w.csv", wrong.encode()), actor=cast.hq_finance), cast.hq_finance)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "buyer", "funds.no_account"), (3, "category", "funds.no_category"), (3, "amount", "funds.amount"), (4, "amount", "base.import_number"),
    }  # fmt: skip


def deposits():
    return dict(Account.unscoped.order_by("buyer__code").values_list("buyer__code", "deposit_required"))


def test_deposits_asked_for_come_from_a_file_and_go_back(cast, accounts):
    def begin(text, actor=cast.hq_finance):
        return begin_import("funds.deposits", SimpleUploadedFile("deposits.csv", f"经销商,保证金,下单前须缴清\n{text}".encode()), actor=actor)

    looked = import_runs.look(begin("D001,500,是\nD002,0,\nS001,5,\nD009,5,\n"), cast.hq_finance)
    assert [entry.what for entry in looked.entries] == ["changed", "same"] and {one.fault.code for one in looked.wrong} == {"funds.no_account"}
    assert [one.fault.code for one in import_runs.look(begin("D001,-1,\n"), cast.hq_finance).wrong] == ["funds.amount"]
    run = run_import(begin("D001,500,是\n").pk, actor=cast.hq_finance)
    account = Account.unscoped.get(buyer__code="D001")
    assert deposits() == {"D001": 500, "D002": 0, "S001": 0} and account.deposit_first
    same_again("funds.deposits", cast.hq_finance, 1)
    undo_import(run.pk, actor=cast.hq_finance)
    account.refresh_from_db()
    assert (account.deposit_required, account.deposit_first) == (0, False)
    with pytest.raises(Forbidden):
        begin("D001,5,\n", actor=cast.dealer)
