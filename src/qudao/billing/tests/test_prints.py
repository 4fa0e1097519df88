"""The invoice on paper: for its two sides and those who see its amounts."""

from __future__ import annotations

import pytest

from qudao.base.printing import pdf_of
from qudao.base.tests.pdf_text import pages_of
from qudao.billing.prints import INVOICE
from qudao.billing.tests.test_pages import billed, downstream
from qudao.kernel.errors import Forbidden, NotFound


def text(actor, *ids, language="en"):
    return "\n".join(pages_of(pdf_of(INVOICE, actor, ids, language=language)))


def test_both_sides_print_it_with_its_taxes_and_what_is_to_pay(world):
    invoice = billed(world, 3)
    for actor in (world.cast.hq_finance, world.dealer):
        english, chinese = text(actor, invoice.pk), text(actor, invoice.pk, language="zh-hans")
        assert f"Invoice {invoice.number}" in english and "¥300.00" in english and "13% tax on ¥265.49" in english
        assert f"Please pay ¥300.00 by {invoice.due_on.day}" in english
        assert f"发票 {invoice.number}" in chinese and "大写：叁佰元整" in chinese


def test_others_get_nothing_and_who_sees_no_prices_is_refused(world):
    invoice = downstream(world)
    with pytest.raises(NotFound):
        text(world.cast.stranger, invoice.pk)
    with pytest.raises(Forbidden):
        text(world.cast.hq_clerk, invoice.pk)
    assert not INVOICE.fits(world.cast.hq_clerk, invoice) and INVOICE.fits(world.cast.dealer_admin, invoice)
    assert "¥260.00" in text(world.cast.dealer_admin, invoice.pk) and "¥260.00" in text(world.cast.sub_dealer, invoice.pk)


def test_many_invoices_take_two_statements(world, django_assert_max_num_queries):
    ids = [billed(world, 1).pk for _ in range(3)]
    with django_assert_max_num_queries(2):
        assert len(pages_of(pdf_of(INVOICE, world.dealer, ids, language="en"))) == 3
