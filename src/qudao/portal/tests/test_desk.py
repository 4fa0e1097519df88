"""The order desk as the browser's script and somebody without one meet it: whom it is for, changed lines only, files."""

from decimal import Decimal
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from python_calamine import CalamineWorkbook

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.actions import add_rule
from qudao.approvals.rules import RuleDraft
from qudao.base.access import system_actor
from qudao.base.sheets import write_xlsx
from qudao.base.tests.page_text import text
from qudao.catalog.models import Product
from qudao.kernel import clock
from qudao.orders.actions import reject_order
from qudao.orders.models import Order
from qudao.orders.tests.make import make_world, place
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in
from qudao.pricing.actions import set_prices
from qudao.pricing.models import PriceList
from qudao.pricing.rules import PriceDraft

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client):
    """A clerk of LH signed in, who may order for D001 and D002."""
    client.cookies["qudao_language"] = "en"
    made = make_world((100, 100, 100))
    make_agreement(made.cast.lh, made.cast.d002)
    sign_in(client, made.cast.hq_clerk)
    return made


def said(client, world, *lines, **more):
    """The preview of (key, code, quantity) lines."""
    keys, codes, quantities = zip(*lines, strict=True) if lines else ((), (), ())
    data = {"agreement": world.agreement.pk, "lines-ref": keys, "lines-code": codes, "lines-qty": quantities, **more}
    return client.post(reverse("order_preview"), data).json()


def test_a_dealer_is_found_by_code_name_and_initials_and_only_ones_own(client, world):
    for words in ("d001", "湖畔", "hzhp", "lakeside"):
        found = client.get(reverse("order_dealers"), {"q": words}).json()["results"]
        assert [(one["value"], one["pick"]) for one in found] == [("D001", world.agreement.pk)], words
    assert client.get(reverse("order_dealers"), {"q": ""}).json() == {"results": []}
    sign_in(client, world.cast.stranger)
    assert client.get(reverse("order_dealers"), {"q": "d001"}).json() == {"results": []}


def test_the_typed_code_does_without_scripts_and_wins_over_an_older_choice(client, world):
    lines = {"lines-code": [world.products[0].code], "lines-qty": ["2"]}
    assert client.post(reverse("order_new"), {"dealer": "d00", **lines}).status_code == 422, "two are meant"
    assert client.post(reverse("order_new"), {"dealer": "d001", **lines}).status_code == 302
    assert Order.unscoped.get().buyer_id == world.cast.d001.pk
    answer = client.post(reverse("order_new"), {"dealer": "D002", "agreement": world.agreement.pk, **lines})
    assert answer.status_code in (409, 422) and Order.unscoped.count() == 1, "what stands in the field counts, and D002 may not buy this"


def test_a_rejected_order_is_copied_with_its_lines_at_the_prices_of_today(client, world):
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_clerk"), Decimal(1), 1), actor=world.cast.hq_admin)
    order = place(world, 4, 2, note="for the fair", po_number="B-7", kind="emergency")
    copy = f"{reverse('order_new')}?again={order.pk}"
    assert copy not in text(client.get(order.get_absolute_url())), "it is still alive"
    reject_order(order.pk, reason="too early", actor=world.cast.hq_clerk)
    assert copy in text(client.get(order.get_absolute_url()))
    sign_in(client, world.cast.dealer)
    assert copy in text(client.get(order.get_absolute_url()))
    page = text(client.get(copy))
    assert "for the fair" in page and "B-7" in page and '<option value="emergency" selected>' in page
    assert all(f'value="{p.code}"' in page for p in world.products[:2]) and f'value="{world.products[2].code}"' not in page
    base = PriceList.unscoped.get(owner=world.cast.lh)
    set_prices(base.pk, [PriceDraft(world.products[0].pk, Decimal(80), clock.today())], actor=system_actor())
    assert said(client, world, ("1", world.products[0].code, "4"))["total"] == "¥320.00"
    sign_in(client, world.cast.stranger)
    assert client.get(copy).status_code == 404


def test_only_changed_lines_are_sent_and_the_others_count_by_their_sums(client, world, django_assert_max_num_queries):
    code = world.products[0].code
    with django_assert_max_num_queries(24):
        answer = said(client, world, ("5", code, "2"), **{"rest-lines": "1999", "rest-net": "1000.00", "rest-tax": "130.00", "rest-gross": "1130.00"})
    assert (answer["total"], answer["submit"]) == ("¥1,330.00", "Submit 2,000 lines") and list(answer["rows"]) == ["5"]
    answer = said(client, world, ("5", code, "2"), **{"rest-lines": "2000", "rest-gross": "NaN"})
    assert "at most 2000 lines" in answer["aside"] and answer["total"] == "¥200.00"


def test_the_line_in_focus_says_what_was_paid_last_and_what_is_left_in_stock(client, world):
    order = place(world, 4)
    line = said(client, world, ("1", world.products[0].code, "7"), focus="1")["line"]
    assert reverse("order", args=[order.pk]) in line and "This is the price" in line and "¥700.00" in line
    assert "96 台" in line and "89 台" in line, "the seller's clerk reads the quantity: 100 less 4, less 7"
    sign_in(client, world.cast.dealer)
    line = said(client, world, ("1", world.products[0].code, "7"), focus="1")["line"]
    assert "89 台" not in line and "In stock" in line, "a buyer is told no more than the seller shows"


def test_unknown_codes_get_three_products_that_may_be_meant(client, world):
    Product.unscoped.filter(pk=world.products[0].pk).update(code="XQG100-8")
    row = said(client, world, ("1", "XQG1008", "1"))["rows"]["1"]
    assert row["bad"] and 'data-value="XQG100-8"' in row["hints"] and row["amounts"] is None


def sent(client, world, rows, **more):
    content = write_xlsx(["编码", "数量"], rows)
    data = {"agreement": world.agreement.pk, "file": SimpleUploadedFile("lines.xlsx", content), **more}
    return client.post(reverse("order_file"), data, headers={"accept": "application/json"} if not more else {})


def test_a_file_is_checked_row_by_row_and_its_errors_are_a_sheet(client, world):
    rows = [(world.products[0].code, 4), ("NO-SUCH", 1), (world.products[1].code, "lots")]
    answer = sent(client, world, rows).json()
    assert answer["rows"][1] == ["NO-SUCH", "1"] and "3 lines in the file, 1 of them right." in answer["said"]
    sheet = CalamineWorkbook.from_filelike(BytesIO(sent(client, world, rows, errors="1").content)).get_sheet_by_index(0).to_python()
    assert [row[:3] for row in sheet[1:]] == [[3.0, "Code", "NO-SUCH"], [4.0, "Quantity", "lots"]] and all(row[3] and row[4] for row in sheet[1:])


def test_a_file_without_scripts_fills_the_desk_and_what_is_no_file_is_refused(client, world):
    page = sent(client, world, [(world.products[0].code, 4)], plain="1").content.decode()
    assert f'value="{world.products[0].code}"' in page and "400.00" in page and not Order.unscoped.exists()
    data = {"agreement": world.agreement.pk, "file": SimpleUploadedFile("x.xlsx", b"nothing")}
    assert client.post(reverse("order_file"), data).status_code == 422
    assert client.post(reverse("order_file"), {"file": SimpleUploadedFile("x.csv", b"A,1")}).status_code == 422, "for whom?"


def test_a_file_longer_than_an_order_is_only_checked(client, world):
    answer = sent(client, world, [(world.products[0].code, Decimal(1))] * 2001).json()
    assert answer["rows"] == [] and "at most 2,000 lines, so nothing was put into it" in answer["said"]
    assert sent(client, world, [("A", 1)] * 5001).status_code == 422
