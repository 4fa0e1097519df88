"""Tax by rate: on the document, on paper, in the books, in the report; exempt is not zero."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from qudao.base.access import system_actor
from qudao.base.printing import pdf_of
from qudao.base.tests.pdf_text import pages_of
from qudao.billing.models import Invoice
from qudao.billing.prints import INVOICE
from qudao.billing.queries import lines_of, taxes_of
from qudao.catalog.actions import adopt_vat
from qudao.catalog.models import Product, TaxClass
from qudao.kernel import clock
from qudao.kernel.errors import NotFound
from qudao.kernel.money import by_rate
from qudao.kernel.period import DateSpan
from qudao.ledger.states import Account
from qudao.orders.prints import CONFIRMATION
from qudao.orders.tests.make import assert_sound
from qudao.payments import actions, queries
from qudao.payments.prints import CREDIT
from qudao.payments.rules import CreditAsk
from qudao.payments.tests.test_actions import balance, billed
from qudao.people.tests.make import bearer, sign_in

RATES = st.sampled_from([None, D(0), D("0.06"), D("0.0600"), D("0.09"), D("0.13")])


@given(st.lists(st.tuples(RATES, st.decimals(0, 9999, places=2), st.decimals(0, 999, places=2)), max_size=12))
def test_the_sums_by_rate_are_the_sums_of_all(lines):
    sums = by_rate(lines)
    assert sum(one.net for one in sums) == sum(net for _rate, net, _tax in lines)
    assert sum(one.gross for one in sums) == sum(net + tax for _rate, net, tax in lines)
    assert len({one.rate for one in sums}) == len(sums) <= 5


@pytest.fixture
def mixed(world):
    """An invoice of three products: taxed at 13 %, at 0 %, exempt; 100.00 each, tax included."""
    adopt_vat(world.cast.lh.pk, actor=system_actor())
    for product, code, rate in zip(world.products, ("VAT13", "VAT0", "EXEMPT"), ("0.13", "0", "0"), strict=True):
        Product.unscoped.filter(pk=product.pk).update(tax_class=TaxClass.unscoped.get(owner=world.cast.lh, code=code), tax_rate=D(rate))
    return billed(world, 2, 1, 3)


def told(sums):
    return [(one.rate, one.net, one.tax, one.gross) for one in sums]


@pytest.mark.django_db
def test_a_document_says_what_stands_under_each_rate(client, world, mixed):
    assert told(taxes_of(lines_of(mixed))) == [
        (D(0), D("100.00"), D("0.00"), D("100.00")), (D("0.13"), D("176.99"), D("23.01"), D("200.00")), (None, D("300.00"), D("0.00"), D("300.00")),
    ]  # fmt: skip
    Product.unscoped.update(tax_class=None)  # a product taxed otherwise later changes no document
    paper = "\n".join(pages_of(pdf_of(INVOICE, world.dealer, [mixed.pk], language="en")))
    assert "13% tax on ¥176.99" in paper and "0% tax on ¥100.00" in paper and "Exempt from tax: ¥300.00" in paper
    page = sign_in(client, world.dealer).get(reverse("invoice", args=[mixed.pk])).content.decode()
    assert "Exempt from tax" in page and "Taxed at 13%" in page and "Taxed at 0%" in page
    answer = client.get(f"/api/v1/invoices/{mixed.pk}", headers=bearer(world.dealer)).json()
    assert [(one["rate"], one["net"]) for one in answer["taxes"]] == [("0", "100.00"), ("0.13", "176.99"), (None, "300.00")]
    assert [line["exempt"] for line in answer["lines"]] == [False, False, True]
    assert_sound()


@pytest.mark.django_db
def test_the_confirmation_and_the_credit_note_say_it_too(client, world, mixed):
    paper = "\n".join(pages_of(pdf_of(CONFIRMATION, world.dealer, [mixed.order_id], language="en")))
    assert "Exempt from tax: ¥300.00" in paper and "0% tax on ¥100.00" in paper
    asked = [CreditAsk(line.pk, D(1)) for line in mixed.lines.order_by("no")]
    note = actions.issue_credit(mixed.pk, asked, "returned", actor=world.cast.hq_finance)
    assert told(queries.taxes_of(queries.credit_lines_of(world.dealer, note)))[-1] == (None, D("100.00"), D("0.00"), D("100.00"))
    paper = "\n".join(pages_of(pdf_of(CREDIT, world.dealer, [note.pk], language="en")))
    assert "Exempt from tax: ¥100.00" in paper
    assert "Exempt from tax" in sign_in(client, world.dealer).get(reverse("payment", args=[note.pk])).content.decode()
    answer = client.get(f"/api/v1/payments/{note.pk}", headers=bearer(world.dealer)).json()
    assert [one["rate"] for one in answer["taxes"]] == ["0", "0.13", None]


@pytest.mark.django_db
def test_the_report_is_what_the_books_say_on_both_sides(client, world, mixed, django_assert_num_queries):
    line = mixed.lines.order_by("no").first()
    actions.issue_credit(mixed.pk, [CreditAsk(line.pk, D(1))], "returned", actor=world.cast.hq_finance)
    lh, d001, span = world.cast.lh, world.cast.d001, DateSpan(clock.today(), clock.today())
    with django_assert_num_queries(1):
        sold = queries.taxes(world.cast.hq_finance, "receivable", span)
    assert [(one.rate, one.net, one.tax) for one in sold] == [(D("0.13"), D("88.49"), D("11.51")), (D(0), D(100), 0), (None, D(300), 0)]
    assert sold == queries.taxes(world.dealer, "payable", span, lh.pk)
    assert sum(one.tax for one in sold) == -balance(lh, Account.OUTPUT_TAX, d001) == balance(d001, Account.INPUT_TAX, lh)
    assert sum(one.net for one in sold) == -balance(lh, Account.REVENUE, d001)
    early = clock.today() - timedelta(days=1)
    assert not queries.taxes(world.dealer, "payable", DateSpan(early, early)) and not queries.taxes(world.cast.stranger, "payable", span)
    page = sign_in(client, world.cast.hq_finance).get(reverse("taxes")).content.decode()
    assert "88.49" in page and "Exempt from tax" in page
    assert client.get(reverse("taxes"), {"as": "xlsx"}).headers["Content-Type"].endswith("sheet")
    assert "Taxed at 13%" in client.get(reverse("account", args=[d001.pk])).content.decode()
    answer = client.get(f"/api/v1/taxes?since={span.start}&side=payable", headers=bearer(world.dealer)).json()
    assert [one["tax"] for one in answer["items"]] == ["11.51", "0.00", "0.00"]
    backwards = client.get(f"/api/v1/taxes?since={span.start}&until=2020-01-01", headers=bearer(world.dealer))
    assert backwards.status_code == 422
    with pytest.raises(NotFound):
        pdf_of(INVOICE, world.cast.stranger, [Invoice.unscoped.get().pk], language="en")
    assert_sound()
