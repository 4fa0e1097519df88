"""Revenue and tax go to accounts by category and tax rate: told when they are posted, looked up when they are read."""

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from qudao.base.access import system_actor
from qudao.billing.models import Invoice
from qudao.catalog.actions import CategoryDraft, register_category
from qudao.catalog.models import Category, Product
from qudao.kernel import clock
from qudao.kernel.errors import Invalid
from qudao.kernel.period import DateSpan
from qudao.ledger import actions as ledger
from qudao.ledger import queries as books
from qudao.ledger.models import EntryLine, Mapping
from qudao.ledger.rules import ChartFacts, HomeFacts
from qudao.ledger.tests.make import assert_sound as assert_books_sound
from qudao.ledger.tests.make import invoice_subject, make_invoice
from qudao.orders.tests.make import assert_sound
from qudao.payments import actions
from qudao.payments.rules import CreditAsk
from qudao.payments.tests.test_actions import billed
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@dataclass
class Sorted:
    invoice: Invoice
    categories: dict[str, Category]


@pytest.fixture
def sorted_goods(world):
    """An invoice of 1 × appliances and 2 × spare parts at 13 %, 3 × filters (below spare parts) at 6 %; 100.00 each, tax included."""
    lh, system = world.cast.lh.pk, system_actor()
    goods, parts = (register_category(lh, CategoryDraft(code, code, code), actor=system) for code in ("GOODS", "PARTS"))
    filters = register_category(lh, CategoryDraft("FILTERS", "FILTERS", "Filters", parts.pk), actor=system)
    for product, category, rate in zip(world.products, (goods, parts, filters), ("0.13", "0.13", "0.06"), strict=True):
        Product.unscoped.filter(pk=product.pk).update(category=category, tax_rate=D(rate), tax_class=None)
    invoice = billed(world, 1, 2, 3)
    ledger.open_chart("china", actor=world.cast.hq_finance)
    for code in ("500101", "500102", "500103", "2221010606"):
        ledger.save_chart_account(ChartFacts(code, code, "", "income"), actor=world.cast.hq_finance)
    return Sorted(invoice, {"goods": goods, "parts": parts, "filters": filters})


def trial(world, since=None):
    day = since or clock.today()
    return {row.code: row.closing for row in books.trial_balance(world.cast.hq_finance, DateSpan(day, None)) if row.closing}


def test_the_most_exact_rule_counts_and_all_reads_agree(world, sorted_goods, client, django_assert_num_queries):
    finance, named = world.cast.hq_finance, sorted_goods.categories
    whole = {"1122": D(600), "5001": D("-548.51"), "22210106": D("-51.49")}
    assert trial(world) == whole
    ledger.map_all(
        [
            HomeFacts("revenue", "500101", named["parts"].pk),  # with the filters below
            HomeFacts("revenue", "500103", None, D("0.06")),
            HomeFacts("output_tax", "2221010606", None, D("0.06")),
        ],
        actor=finance,
    )
    found = trial(world)
    assert found == {"1122": D(600), "5001": D("-88.50"), "500101": D("-460.01"), "22210106": D("-34.51"), "2221010606": D("-16.98")}, (
        "the category goes before the rate"
    )
    ledger.map_all([HomeFacts("revenue", "500102", named["filters"].pk, D("0.06"))], actor=finance)
    exact = {"1122": D(600), "5001": D("-88.50"), "500101": D("-176.99"), "500102": D("-283.02"), "22210106": D("-34.51"), "2221010606": D("-16.98")}
    assert trial(world) == exact
    with django_assert_num_queries(1):
        assert trial(world, clock.today() + timedelta(days=1)) == exact, "the opening of a later day, from the kept balances"
    codes = {(line.tax_rate, line.category_id): line.code for line in books.entry_lines(finance) if line.account == "revenue"}
    at = {(D("0.1300"), "goods"): "5001", (D("0.1300"), "parts"): "500101", (D("0.0600"), "filters"): "500102"}
    assert codes == {(rate, named[name].pk): code for (rate, name), code in at.items()}
    page = sign_in(client, finance).get(reverse("entries")).content.decode()
    assert "500102" in page and "Filters" in page and "6%" in page
    buyer = {row.account: row.closing for row in books.trial_balance(world.cast.dealer_admin, DateSpan(clock.today(), None))}
    assert buyer == {"purchases": D("548.51"), "input_tax": D("51.49"), "payable": D(-600)}, "the buyer's chart is its own"
    ledger.remove_homes(books.exact_homes(finance).values_list("pk", flat=True), actor=finance)
    assert trial(world) == whole
    assert_sound()


def test_a_credit_note_goes_back_where_it_came_from(world, sorted_goods):
    finance = world.cast.hq_finance
    ledger.map_all([HomeFacts("revenue", "500102", sorted_goods.categories["filters"].pk)], actor=finance)
    line = sorted_goods.invoice.lines.order_by("no").last()
    actions.issue_credit(sorted_goods.invoice.pk, [CreditAsk(line.pk, D(1))], "returned", actor=finance)
    assert trial(world)["500102"] == D("-188.68") and trial(world)["5001"] == D("-265.49")
    assert_sound()


def test_lines_of_before_stay_where_they_are(world, sorted_goods):
    """Entries that tell no category and no rate, as all did before."""
    lh, d001 = world.cast.lh.pk, world.cast.d001.pk
    before = trial(world)["5001"]
    make_invoice(invoice_subject(lh, d001, 900), D("113.00"), clock.today())
    ledger.map_all(
        [HomeFacts("revenue", "500102", sorted_goods.categories["parts"].pk), HomeFacts("revenue", "500103", None, D("0.13"))], actor=world.cast.hq_finance
    )
    assert trial(world)["5001"] == D(-100) and trial(world)["500102"] + trial(world)["500103"] == before
    assert_books_sound()


def test_posting_takes_as_many_statements_with_many_goods(world, sorted_goods):
    """Counted over the whole invoice: three categories and two rates, or one product."""

    def taken(*quantities):
        with CaptureQueriesContext(
            connection,
        ) as found:
            billed(world, *quantities)
        return sum("ledger_" in one["sql"] for one in found.captured_queries)

    assert taken(1, 1, 1) == taken(1)


def test_bad_rules_are_told_at_their_field_and_the_database_keeps_them_out(world, sorted_goods, client):
    finance = world.cast.hq_finance
    bad = [
        HomeFacts("bank", "1002", sorted_goods.categories["parts"].pk), HomeFacts("output_tax", "5001", None, D(13)), HomeFacts("revenue", "nope"),
        HomeFacts("revenue", "5001", 999_999_999), HomeFacts("none", "5001"), HomeFacts("discount", "5603"), HomeFacts("discount", "5001"),
    ]  # fmt: skip
    with pytest.raises(Invalid) as wrong:
        ledger.map_all(bad, actor=finance)
    assert [(one.field, one.code) for one in wrong.value.faults] == [
        ("rows.0.category", "ledger.no_category"), ("rows.1.tax_rate", "ledger.rate_wrong"), ("rows.2.code", "ledger.chart_account"),
        ("rows.3.category", "ledger.category"), ("rows.4.posting", "ledger.event"), ("rows.6.posting", "ledger.home_twice"),
    ]  # fmt: skip
    chart = books.chart(finance).first()
    for facts in ({"account": "bank", "category": sorted_goods.categories["parts"]}, {"account": "revenue", "tax_rate": D("1.5")}):
        with pytest.raises(IntegrityError, match="ledger_mapping_told_apart"), transaction.atomic():
            Mapping.unscoped.create(org=world.cast.lh, chart=chart, **facts)
    browser = sign_in(client, finance)
    asked = {"posting": "revenue", "category_id": sorted_goods.categories["parts"].pk, "tax_rate": "", "code": "500101"}
    assert "Name a category or a tax rate" in browser.post(reverse("chart_rule_new"), asked | {"category_id": ""}).content.decode()
    assert browser.post(reverse("chart_rule_new"), asked).status_code == 302
    rule = books.exact_homes(finance).get()
    assert "500101" in browser.get(reverse("chart_rules")).content.decode() and "PARTS" in browser.get(reverse("chart")).content.decode()
    assert browser.post(reverse("chart_rule_removal", args=[rule.pk])).status_code == 302 and not books.exact_homes(finance).exists()


def test_programs_do_the_same(world, sorted_goods, client):
    def call(method, path, actor=world.cast.hq_finance, **body):
        sent = {"data": json.dumps(body), "content_type": "application/json"} if body else {}
        answer = getattr(client, method)(f"/api/v1/ledger/chart/rules{path}", headers=bearer(actor), **sent)
        return answer.status_code, answer.json()

    rule = {"posting": "revenue", "code": "500101", "category_id": sorted_goods.categories["parts"].pk, "tax_rate": "0.13"}
    status, made = call("post", "", rules=[rule])
    assert status == 201 and made["items"][0]["tax_rate"] == "0.1300" and trial(world)["500101"] == D("-176.99")
    assert made["items"][0] in call("get", "")[1]["items"]
    assert call("post", "", rules=[rule | {"posting": "bank"}])[0] == 422
    assert call("delete", f"/{made['items'][0]['id']}", world.cast.dealer_admin)[0] in (403, 404)
    assert call("delete", f"/{made['items'][0]['id']}")[0] == 200 and "500101" not in trial(world)
    assert EntryLine.unscoped.filter(account="revenue", tax_rate=None).count() == 0
