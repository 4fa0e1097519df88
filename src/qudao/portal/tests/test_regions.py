"""Parts of pages that only a script asks for: each is rendered by the address that answers with it, and is no whole page."""

from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from qudao.base.models import Run
from qudao.base.sheets import write_xlsx
from qudao.catalog.models import Product
from qudao.catalog.pages import ProductList
from qudao.fulfilment.tests.make import received
from qudao.orders.pages.lists import OrderList
from qudao.orders.tests.make import make_world, place
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def clerk(world):
    browser = Client()
    sign_in(browser, world.cast.hq_clerk)
    browser.cookies["qudao_language"] = "en"
    return browser


def names(answer):
    assert answer.status_code < 400, answer.content.decode()[:500]
    return {one.name for one in answer.templates}


def test_many_rows_are_previewed_as_a_page_and_as_a_dialog_and_reported_on(clerk, world):
    order = place(world, 2)
    data = {"page": OrderList.signed_path(), "do": "cancel", "query": "", "from": "/orders/", "pick": [order.pk]}
    assert names(clerk.post(reverse("job_new"), data)) >= {"bulk.html", "parts/bulk_ask.html"}
    dialog = clerk.post(reverse("job_new"), data, headers={"HX-Request": "true", "HX-Target": "ask"})
    assert "parts/bulk_dialog.html" in names(dialog)
    assert b"<html" not in dialog.content
    kept = dialog.context["rows"]
    assert clerk.post(reverse("jobs"), {**data, "rows": kept, "reason": "not needed", "client_id": str(uuid4())}).status_code == 302
    assert names(clerk.get(reverse("job", args=[Run.unscoped.get().pk]))) >= {"job.html", "parts/job.html"}


def test_a_cell_is_answered_alone(world):
    browser = Client()
    sign_in(browser, world.cast.hq_admin)
    product = Product.unscoped.get(pk=world.products[0].pk)
    asked = {"page": ProductList.signed_path(), "row": product.pk, "column": "name", "to": "新名字", "was": product.name}
    answer = browser.post(reverse("cells"), asked, headers={"HX-Request": "true", "HX-Target": "cell"})
    assert "parts/cell.html" in names(answer)
    assert Product.unscoped.get(pk=product.pk).name == "新名字"


def test_the_desk_answers_with_parts(clerk, world):
    code = Product.unscoped.filter(pk=world.products[0].pk).values_list("code", flat=True).get()
    asked = {"agreement": world.agreement.pk, "lines-ref": ["1", "2"], "lines-code": [code, "NO-SUCH"], "lines-qty": ["2", "1"], "focus": "1"}
    assert names(clerk.post(reverse("order_preview"), asked)) >= {"portal/desk_line.html", "parts/line_hints.html"}
    file = SimpleUploadedFile("lines.xlsx", write_xlsx(["编码", "数量"], [("NO-SUCH", 1)]))
    answer = clerk.post(reverse("order_file"), {"agreement": world.agreement.pk, "file": file}, headers={"accept": "application/json"})
    assert "portal/desk_file_said.html" in names(answer)


def test_the_palette_is_a_part(clerk):
    answer = clerk.get(reverse("search"), {"q": "order"}, headers={"HX-Request": "true", "HX-Target": "palette-list"})
    assert "portal/search_palette.html" in names(answer)


def test_a_shipment_shows_its_differences(clerk, world):
    order = place(world, 5)
    receipt = received(world, order, 1)
    assert "fulfilment/differences.html" in names(clerk.get(reverse("shipment", args=[receipt.shipment_id])))
