"""Pages of prices."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.test import RequestFactory
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.base.tests.edit_cell import edit
from qudao.base.tests.page_text import text
from qudao.catalog.tests.make import make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, NotFound
from qudao.people.tests.make import sign_in
from qudao.pricing import pages
from qudao.pricing.models import ListAssignment, Price, PriceList, SpecialPrice
from qudao.pricing.pages.lists import PriceLists, Prices
from qudao.pricing.tests.make import make_list, make_price


def test_a_list_lives_through_the_forms(client, cast):
    make_product(cast.lh, "P1")
    agreement = make_agreement(cast.lh, cast.d001)
    hq = sign_in(client, cast.hq_admin)
    assert text(hq.get(reverse("price_lists"))) and text(hq.get(reverse("price_list_new")))
    form = {"code": "L", "name": "价目", "currency": "CNY", "tax_inclusive": "on"}
    assert hq.post(reverse("price_list_new"), form).status_code == 302
    made = PriceList.unscoped.get()
    to = {name: reverse(f"price_list_{name}", args=[made.pk]) for name in ("change", "price", "assignment")}
    for address in to.values():
        assert text(hq.get(address))
    assert hq.post(to["change"], {"code": "L", "name": "新价", "is_base": "on"}).status_code == 302
    bad = hq.post(to["price"], {"product_code": "nope", "amount": "10", "min_qty": "0", "valid_from": "2026-01-01"})
    assert bad.status_code == 422 and "is not known here" in bad.content.decode()
    assert hq.post(to["price"], {"product_code": "P1", "amount": "10.5", "min_qty": "0", "valid_from": "2026-01-01"}).status_code == 302
    assert hq.post(to["assignment"], {"agreement": agreement.pk, "priority": "2"}).status_code == 302
    page = text(hq.get(made.get_absolute_url()))
    assert "P1" in page and "10.5" in page and "priority 2" in page
    assert "P1" in text(hq.get(f"{reverse('prices')}?list={made.pk}"))
    for at, data in (
        (reverse("price_end", args=[Price.unscoped.get().pk]), {"last_day": "2099-01-01"}),
        (reverse("assignment_removal", args=[ListAssignment.unscoped.get().pk]), {}),
    ):
        assert text(hq.get(at))
        assert hq.post(at, data).status_code == 302
    assert Price.unscoped.get().valid_to is not None and not ListAssignment.unscoped.exists()


def test_special_prices_stand_on_the_agreement(client, cast):
    make_product(cast.lh, "P1")
    agreement = make_agreement(cast.lh, cast.d001)
    hq = sign_in(client, cast.hq_admin)
    at = reverse("special_price_new", args=[agreement.pk])
    assert text(hq.get(at))
    form = {"product_code": "P1", "amount": "8", "min_qty": "0", "valid_from": "2026-01-01", "reason": "tender"}
    assert hq.post(at, form).status_code == 302
    special = SpecialPrice.unscoped.get()

    def panel(actor):
        request = RequestFactory().get("/")
        request.actor = actor
        return pages.agreement_panel(request, agreement)

    assert [item["label"] for item in panel(cast.hq_admin).context["items"]][:1] == ["P1 产品 P1"]
    assert len(panel(cast.dealer).context["items"]) == 1 and not panel(cast.dealer).context["items"][0]["buttons"]
    assert panel(cast.stranger).context["items"] == []
    end = reverse("special_price_end", args=[special.pk])
    assert hq.post(end, {"last_day": "2099-01-01"}).status_code == 422
    assert hq.post(end, {"last_day": "2099-01-01", "reason": "lost"}).status_code == 302


def test_a_buyer_reads_its_lists_and_changes_nothing(client, cast, django_assert_max_num_queries):
    product, base = make_product(cast.lh, "P1"), make_list(cast.lh, "BASE", is_base=True)
    price = make_price(base, product.pk, "10")
    make_agreement(cast.lh, cast.d001)
    dealer = sign_in(client, cast.dealer_admin)
    page = text(dealer.get(base.get_absolute_url()))
    assert "P1" in page and "Set price" not in page
    for name in ("change", "price", "assignment"):
        assert dealer.get(reverse(f"price_list_{name}", args=[base.pk])).status_code == 403
    assert dealer.post(reverse("price_end", args=[price.pk]), {"last_day": "2099-01-01"}).status_code == 403
    with django_assert_max_num_queries(15):
        assert "P1" in text(dealer.get(reverse("prices")))
    stranger = sign_in(client, cast.stranger_admin)
    assert stranger.get(base.get_absolute_url()).status_code == 404
    assert "P1" not in text(stranger.get(reverse("prices")))


def test_a_price_is_changed_in_its_list_from_today_on_and_the_row_becomes_the_new_one(cast):
    product = make_product(cast.lh, "P1")
    price_list = make_list(cast.lh, "L", actor=cast.hq_admin)
    since, today = clock.today() - timedelta(30), clock.today()
    old = make_price(price_list, product.pk, "10", since=since)
    cell = edit(Prices, cast.hq_admin, old, "amount", "12.5")
    old.refresh_from_db()
    new = Price.unscoped.get(valid_from=today)
    assert (old.amount, old.valid_to, new.amount, new.valid_to) == (D(10), today - timedelta(1), D("12.5"), None)
    assert cell.raw == "12.5" and f'data-row="{new.pk}"' in cell.line
    assert edit(Prices, cast.hq_admin, new, "amount", "13").raw == "13" and Price.unscoped.count() == 2  # the same day: overwritten
    late = edit(Prices, cast.hq_admin, new, "amount", "14", was="12.5")
    assert (late.status, late.theirs, late.typed) == (409, "13", "14")
    assert edit(Prices, cast.hq_admin, new, "amount", "0").status == 422
    assert edit(Prices, cast.hq_admin, new, "valid_to", str(today + timedelta(9))).raw == str(today + timedelta(9))
    with pytest.raises(NotFound):  # what has ended stays as it was
        edit(Prices, cast.hq_admin, old, "amount", "9")
    with pytest.raises(Forbidden):
        edit(Prices, cast.hq_clerk, new, "amount", "9")
    assert edit(PriceLists, cast.hq_admin, price_list, "name", "Spring").status == 200
    assert PriceList.unscoped.get().name == "Spring"
