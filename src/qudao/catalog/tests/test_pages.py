"""Pages of products."""

import re
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.approvals.tests.make import Api
from qudao.base.html import tables
from qudao.base.html.pages import lists
from qudao.base.tests.edit_cell import edit
from qudao.base.tests.page_text import text
from qudao.catalog.models import Category, Pack, Product
from qudao.catalog.pages import ProductList
from qudao.catalog.pages.categories import CategoryList
from qudao.catalog.states import ProductState
from qudao.catalog.tables import ProductTable
from qudao.catalog.tests.make import make_category, make_product
from qudao.kernel.errors import Forbidden
from qudao.people.tests.make import sign_in

FORM = {"code": "A", "name": "空调", "unit": "台", "tax_rate": "0.13", "min_qty": "0", "pack_multiple": "1"}


@pytest.fixture
def hq(client, cast):
    return sign_in(client, cast.hq_admin)


def test_a_product_is_registered_changed_packed_and_blocked_by_forms(hq):
    assert "Register product" in text(hq.get(reverse("products")))
    assert text(hq.get(reverse("product_new")))
    assert hq.post(reverse("product_new"), FORM).status_code == 302
    product = Product.unscoped.get()
    assert "空调" in text(hq.get(product.get_absolute_url()))
    assert "空调" in text(hq.get(reverse("product_change", args=[product.pk])))
    assert hq.post(reverse("product_change", args=[product.pk]), {**FORM, "name": "热泵"}).status_code == 302
    assert hq.post(reverse("product_pack", args=[product.pk]), {"name": "箱", "factor": "12"}).status_code == 302
    page = text(hq.get(product.get_absolute_url()))
    assert "热泵" in page and "箱" in page
    for name in ("product_block", "product_unblock", "product_pack"):
        assert text(hq.get(reverse(name, args=[product.pk])))
    assert hq.post(reverse("product_block", args=[product.pk]), {"reason": "recall"}).status_code == 302
    assert hq.post(reverse("product_unblock", args=[product.pk])).status_code == 302
    pack = Pack.unscoped.get()
    assert text(hq.get(reverse("pack_removal", args=[pack.pk])))
    assert hq.post(reverse("pack_removal", args=[pack.pk])).status_code == 302
    assert hq.post(reverse("category_new"), {"code": "C", "name": "类"}).status_code == 302
    assert text(hq.get(f"{reverse('products')}?category={Category.unscoped.get().pk}"))


def test_a_refused_form_keeps_what_was_typed(hq):
    answer = hq.post(reverse("product_new"), {**FORM, "gtin": "123"})
    assert answer.status_code == 422
    assert "空调" in answer.content.decode() and "check digit" in answer.content.decode()


def test_the_list_costs_few_statements(hq, cast, django_assert_max_num_queries):
    for n in range(10):
        make_product(cast.lh, f"P{n}")
    with django_assert_max_num_queries(15):  # session, actor, frame, tabs, rows, filter
        assert "P9" in text(hq.get(reverse("products")))


@pytest.mark.parametrize("filtered", ["", "&tab=all"])
def test_more_found_than_is_counted_comes_in_the_same_order_page_by_page(hq, cast, monkeypatch, filtered):
    for n in (7, 3, 9, 1, 5, 8, 2, 6, 4):
        make_product(cast.lh, f"LDS{n}")
    Product.unscoped.filter(code__in=("LDS1", "LDS4")).update(state=ProductState.BLOCKED)
    monkeypatch.setattr(ProductTable, "per_page", 2)

    def pages():
        found = [text(hq.get(f"{reverse('products')}?q=lds&page={n}{filtered}")) for n in (1, 2, 3, 4, 5)]
        return [re.findall(r">(LDS\d)<", page) for page in found]

    whole = pages()
    asked = []
    real = lists.first_numbers
    monkeypatch.setattr(lists, "first_numbers", lambda *told: asked.append(told) or real(*told))
    monkeypatch.setattr(tables, "SEARCHED", {3: 4})
    assert pages() == whole and asked
    assert [code for page in whole for code in page] == [f"LDS{n}" for n in range(1, 10) if filtered or n not in (1, 4)]


def test_who_only_looks_gets_no_buttons_and_strangers_nothing(client, cast):
    product = make_product(cast.lh, "A")
    clerk = sign_in(client, cast.hq_clerk)
    page = text(clerk.get(product.get_absolute_url()))
    assert "Change" not in page
    assert clerk.get(reverse("product_change", args=[product.pk])).status_code == 403
    stranger = sign_in(client, cast.stranger)
    assert stranger.get(product.get_absolute_url()).status_code == 404
    assert Api(cast.stranger)("get", f"/products/{product.pk}")[0] == 404


def test_products_and_what_they_are_filed_under_are_changed_in_the_list(cast):
    product, shelf = make_product(cast.lh, "P1"), make_category(cast.lh, "C1")
    foreign = make_category(cast.d001, "C2")
    for column, value in (("name", "新名"), ("weight", "2.5"), ("max_qty", "40"), ("category", str(shelf.pk))):
        assert edit(ProductList, cast.hq_admin, product, column, value).raw == value
    product.refresh_from_db()
    assert (product.name, product.weight, product.max_qty, product.category_id) == ("新名", D("2.5"), D(40), shelf.pk)
    assert edit(ProductList, cast.hq_admin, product, "category", str(foreign.pk)).status == 422
    assert edit(ProductList, cast.hq_admin, product, "weight", "-1").status == 422
    assert edit(CategoryList, cast.hq_admin, shelf, "name", "灯具").raw == "灯具"
    shelf.refresh_from_db()
    assert shelf.name == "灯具"
    with pytest.raises(Forbidden):
        edit(ProductList, cast.hq_clerk, product, "name", "x")
