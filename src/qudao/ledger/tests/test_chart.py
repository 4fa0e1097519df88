"""The chart of accounts: from a template, its rules, the trial balance by its codes; posting knows nothing of it."""

import json
from datetime import date
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base.access import system_actor
from qudao.kernel.errors import Forbidden, Invalid
from qudao.kernel.period import DateSpan
from qudao.ledger import actions, queries
from qudao.ledger.models import ChartAccount, Mapping
from qudao.ledger.rules import ChartFacts
from qudao.ledger.states import CHARTS, Account, Template
from qudao.ledger.tests.make import assert_sound, invoice_subject, make_invoice, make_receipt
from qudao.people.tests.make import bearer, sign_in

JUNE = DateSpan(date(2026, 6, 1), date(2026, 6, 30))
YUAN = "CNY"


@pytest.fixture
def books(cast):
    """LH sold to D001 for 113.00 in May and 226.00 in June, and got 100.00 in June and 5.00 in July."""
    lh, d001 = cast.lh.pk, cast.d001.pk
    make_invoice(invoice_subject(lh, d001, 1), D("113.00"), date(2026, 5, 31))
    make_invoice(invoice_subject(lh, d001, 2), D("226.00"), date(2026, 6, 1))
    make_receipt(lh, d001, 1, D("100.00"), date(2026, 6, 30))
    make_receipt(lh, d001, 2, D("5.00"), date(2026, 7, 1))
    return cast


@pytest.mark.parametrize("template", Template.values)
def test_a_template_names_each_account_once_and_has_a_home_for_everything(template):
    chart = CHARTS[template]
    homes = [account for *_names, accounts in chart for account in accounts]
    assert sorted(homes) == sorted(Account) and len({code for code, *_rest in chart}) == len(chart)
    assert all(name and name_en for _code, name, name_en, *_rest in chart)


@pytest.mark.django_db
def test_a_chart_is_opened_once_and_what_was_changed_stays(cast, django_assert_num_queries):
    assert actions.open_chart("china", actor=cast.hq_finance) == len(CHARTS["china"])
    actions.save_chart_account(ChartFacts("1002", "招商银行", "CMB", "asset"), actor=cast.hq_finance)
    actions.map_accounts({"write_off": "5603"}, actor=cast.hq_finance)
    assert actions.open_chart("china", actor=cast.hq_finance) == 0
    assert ChartAccount.unscoped.get(org=cast.lh, code="1002").name == "招商银行" and queries.homes(cast.hq_finance)["write_off"] == "5603"
    both = [cast.d001.pk, cast.d002.pk]
    assert actions.open_charts(both, "plain", actor=system_actor()) == 2 * len(CHARTS["plain"])
    assert actions.open_charts(both, "plain", actor=system_actor()) == 0 and Mapping.unscoped.count() == 3 * len(Account)
    assert_sound()


@pytest.mark.django_db
def test_bad_input_says_everything_and_others_have_no_say(cast):
    actions.open_chart("plain", actor=cast.hq_finance)
    with pytest.raises(Invalid) as wrong:
        actions.save_chart_account(ChartFacts("a b", "", "x" * 81, "asse"), actor=cast.hq_finance)
    assert sorted(f.field for f in wrong.value.faults) == ["code", "kind", "name", "name_en"]
    with pytest.raises(Invalid) as wrong:
        actions.map_accounts({"revenue": "9", "nothing": "1000"}, actor=cast.hq_finance)
    assert sorted(f.code for f in wrong.value.faults) == ["ledger.chart_account", "ledger.event"]
    with pytest.raises(Invalid):
        actions.open_chart("none", actor=cast.hq_finance)
    for act in (lambda a: actions.open_chart("plain", actor=a), lambda a: actions.map_accounts({}, actor=a)):
        with pytest.raises(Forbidden):
            act(cast.dealer)
    assert not queries.chart(cast.dealer).exists()


@pytest.mark.django_db
def test_the_trial_balance_is_the_books_by_code_in_one_statement(books, django_assert_num_queries):
    actions.open_chart("china", actor=books.hq_finance)
    with django_assert_num_queries(1):
        found = queries.trial_balance(books.hq_finance, JUNE)
    told = {row.code: (row.opening, row.debit, row.credit, row.closing) for row in found}
    assert told == {
        "1002": (0, D(100), 0, D(100)), "1122": (D(113), D(226), 0, D(339)), "2203": (0, 0, D(100), D(-100)),
        "22210106": (D(-13), 0, D(26), D(-39)), "5001": (D(-100), 0, D(200), D(-300)),
    }  # fmt: skip
    for column in zip(*told.values(), strict=True):
        assert sum(column[0:0]) == 0
    assert sum(row.opening for row in found) == 0 == sum(row.closing for row in found)
    assert sum(row.debit for row in found) == sum(row.credit for row in found)
    later = queries.trial_balance(books.hq_finance, DateSpan(date(2026, 7, 1)))
    assert {row.code: row.opening for row in later}["1122"] == D(339), "a closing is the next opening"


@pytest.mark.django_db
def test_two_kinds_on_one_code_are_summed_and_what_has_no_home_keeps_its_name(books):
    assert {row.account for row in queries.trial_balance(books.hq_finance, JUNE)} == {"bank", "receivable", "unapplied_in", "output_tax", "revenue"}
    actions.open_chart("plain", actor=books.hq_finance)
    actions.map_accounts({"unapplied_in": "1100"}, actor=books.hq_finance)
    told = {row.code: row.closing for row in queries.trial_balance(books.hq_finance, JUNE)}
    assert told["1100"] == D("239.00") and "2100" not in told


@pytest.mark.django_db
def test_each_constraint_holds(cast):
    actions.open_chart("plain", actor=cast.hq_finance)
    row = ChartAccount.unscoped.filter(org=cast.lh).first()
    broken = {
        "ledger_chartaccount_code_unique": lambda: ChartAccount.unscoped.create(org=cast.lh, code=row.code, name="x", kind="asset"),
        "ledger_chartaccount_named": lambda: ChartAccount.unscoped.create(org=cast.lh, code="x", name="", kind="asset"),
        "ledger_mapping_account_unique": lambda: Mapping.unscoped.create(org=cast.lh, account="bank", chart=row),
    }
    for name, breach in broken.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            breach()


@pytest.mark.django_db
def test_pages_show_codes_and_change_them(client, books):
    finance = sign_in(client, books.hq_finance)
    assert finance.post(reverse("chart_template"), {"template": "china"}).status_code == 302
    assert "22210106" in finance.get(reverse("chart")).content.decode()
    asked = {"since": "2026-06-01", "until": "2026-06-30"}
    page = finance.get(reverse("trial_balance"), asked).content.decode()
    assert "22210106" in page and "339.00" in page
    assert finance.get(reverse("trial_balance"), asked | {"as": "xlsx"}).headers["Content-Type"].endswith("sheet")
    assert finance.post(reverse("chart_new"), {"code": "6002", "name": "其他", "name_en": "Other", "kind": "expense"}).status_code == 302
    assert finance.get(reverse("chart_mapping")).status_code == 200
    homes = queries.homes(books.hq_finance) | {"write_off": "6002"}
    assert finance.post(reverse("chart_mapping"), homes).status_code == 302 and queries.homes(books.hq_finance)["write_off"] == "6002"
    lines = finance.get(reverse("entries")).content.decode()
    assert "INV-2" in lines and "5001" in lines


@pytest.mark.django_db
def test_the_entries_page_takes_few_statements(client, books, django_assert_max_num_queries):
    sign_in(client, books.hq_finance)
    client.get(reverse("entries"))
    with django_assert_max_num_queries(10):
        assert client.get(reverse("entries")).status_code == 200


@pytest.mark.django_db
def test_programs_do_the_same(client, books):
    def call(method, path, **body):
        sent = {"data": json.dumps(body), "content_type": "application/json"} if method == "post" else {}
        answer = getattr(client, method)(f"/api/v1/ledger{path}", headers=bearer(books.hq_finance), **sent)
        return answer.status_code, answer.json()

    status, chart = call("post", "/chart/template", template="plain")
    assert status == 201 and {one["code"] for one in chart["items"]} == {row[0] for row in CHARTS["plain"]}
    assert call("post", "/chart", code="6901", name="差异", kind="expense")[0] == 201
    status, chart = call("post", "/chart/mapping", accounts={"write_off": "6901"})
    assert next(one for one in chart["items"] if one["code"] == "6901")["accounts"] == ["write_off"]
    assert call("post", "/chart/mapping", accounts={"write_off": "none"})[0] == 422
    told = call("get", "/trial-balance?since=2026-06-01&until=2026-06-30")[1]["items"]
    assert {one["code"]: one["closing"] for one in told}["1100"] == "339.00"
    assert call("get", "/trial-balance?since=2026-06-01&until=2026-05-30")[0] == 422
    assert call("get", "/chart")[1] == chart
