"""The catalogue of a buyer, the basket on its page, and what goes into it from the keyboard, the clipboard and files."""

import io
import re
from datetime import timedelta
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from python_calamine import CalamineWorkbook

from qudao.agreements.models import Authorisation
from qudao.base.access import system_actor
from qudao.base.sheets import write_xlsx
from qudao.base.tests.page_text import text
from qudao.baskets.actions import add_lines, save_template
from qudao.baskets.models import Basket, Favourite, Line, Template
from qudao.baskets.rules import Entry
from qudao.catalog.actions import CategoryDraft, block_product, register_category, set_pack
from qudao.catalog.models import Product
from qudao.catalog.tests.make import make_product
from qudao.kernel import clock
from qudao.orders.models import Order
from qudao.orders.tests.make import START, World, make_downstream, make_world, place
from qudao.people.tests.make import sign_in
from qudao.pricing.actions import set_prices
from qudao.pricing.models import PriceList
from qudao.pricing.rules import PriceDraft

SYSTEM = system_actor()
JSON = {"X-Basket": "basket"}


@pytest.fixture
def world(db) -> World:
    """HQ sells P1, P2 and P3 at 100 to D001; P1 comes in boxes of 6, P2 costs 90 from 50 on."""
    world = make_world()
    set_pack(world.products[0].pk, "箱", D(6), gtin="16901234567899", actor=world.cast.hq_admin)
    base = PriceList.unscoped.get(owner=world.cast.lh)
    set_prices(base.pk, [PriceDraft(world.products[1].pk, D(90), START, min_qty=D(50))], actor=SYSTEM)
    return world


@pytest.fixture
def buyer(client, world):
    return sign_in(client, world.dealer)


def held():
    """Product code (or what was typed) → (quantity, pack)."""
    return {one.product.code if one.product else one.code: (one.qty, one.pack) for one in Line.unscoped.select_related("product")}


def fill(world, *quantities):
    entries = [Entry(p.pk, D(q)) for p, q in zip(world.products, quantities, strict=False) if q]
    return add_lines(world.agreement.pk, entries, actor=world.dealer)


def form_of(page):
    """The fields of the basket's form as a browser without scripts posts them."""
    fields = {"line": [], "code": [], "qty": []}
    body = page[page.index("data-submit") :]
    for name, value in re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', body):
        fields.setdefault(name, []).append(value)
    return {name: values if name in ("line", "code", "qty") else values[0] for name, values in fields.items() if name not in ("do", "remove", "fix")}


def test_the_catalogue_shows_what_can_be_ordered_with_price_stock_packs_and_history(buyer, world):
    place(world, 12)
    page = text(buyer.get(reverse("shop")))
    for words in ("P1", "箱 × 6", "In stock", "12 台 bought", "from 50 台: 90.00"):
        assert words in page, words
    assert page.count('class="card q-prod"') == 3
    block_product(world.products[2].pk, "recall", actor=world.cast.hq_admin)
    make_product(world.cast.lh, "UNPRICED")
    Authorisation.unscoped.create(agreement=world.agreement, product=world.products[1], allowed=False, valid_from=START)
    page = text(buyer.get(reverse("shop")))
    assert page.count('class="card q-prod"') == 1 and "UNPRICED" not in page


def test_only_what_is_authorised_stands_in_the_catalogue(buyer, world):
    def shown() -> set[str]:
        page = text(buyer.get(reverse("shop")))
        return {one.code for one in world.products if f'code text-truncate">{one.code}' in page}

    top = register_category(world.cast.lh.pk, CategoryDraft("T", "厨房", "Kitchen"), actor=SYSTEM)
    below = register_category(world.cast.lh.pk, CategoryDraft("T1", "冰箱", "Fridges", top.pk), actor=SYSTEM)
    Product.unscoped.filter(pk=world.products[0].pk).update(category=below)
    grants = Authorisation.unscoped.filter(agreement=world.agreement)
    grants.update(valid_to=clock.today() - timedelta(days=1))
    assert shown() == set()
    Authorisation.unscoped.create(agreement=world.agreement, category=top, valid_from=clock.today())
    assert shown() == {"P1"}
    Authorisation.unscoped.create(agreement=world.agreement, product=world.products[2], valid_from=clock.today())
    assert shown() == {"P1", "P3"}
    Authorisation.unscoped.create(agreement=world.agreement, category=below, allowed=False, valid_from=clock.today())
    assert shown() == {"P3"}
    Authorisation.unscoped.create(agreement=world.agreement, allowed=False, valid_from=clock.today())
    assert shown() == set()


def test_categories_search_tabs_and_rows_stand_in_the_address(buyer, world):
    top = register_category(world.cast.lh.pk, CategoryDraft("T", "厨房", "Kitchen"), actor=SYSTEM)
    Product.unscoped.filter(pk=world.products[0].pk).update(category=top)
    assert text(buyer.get(f"{reverse('shop')}?category={top.pk}")).count("q-prod") == 1
    assert text(buyer.get(f"{reverse('shop')}?q=P2")).count("q-prod") == 1
    set_pack(world.products[0].pk, "箱", D(12), gtin="16901234567899", actor=SYSTEM)
    assert text(buyer.get(f"{reverse('shop')}?q=16901234567899")).count("q-prod") == 1
    assert "Nothing you can order matches" in text(buyer.get(f"{reverse('shop')}?q=ZZZ"))
    assert "q-grid rows" in text(buyer.get(f"{reverse('shop')}?view=rows"))
    assert "Nothing was bought here before" in text(buyer.get(f"{reverse('shop')}?tab=bought"))
    place(world, 0, 3)
    assert text(buyer.get(f"{reverse('shop')}?tab=bought")).count("q-prod") == 1
    assert "No favourite yet" in text(buyer.get(f"{reverse('shop')}?tab=favourites"))
    part = text(buyer.get(reverse("shop"), headers={"HX-Request": "true", "HX-Target": "shop"}))
    assert "<html" not in part and "q-prod" in part


def test_a_long_catalogue_comes_page_by_page_in_a_fixed_number_of_statements(buyer, world, django_assert_max_num_queries):
    made = [make_product(world.cast.lh, f"X{n:03}") for n in range(30)]
    base = PriceList.unscoped.get(owner=world.cast.lh)
    set_prices(base.pk, [PriceDraft(one.pk, D(5), START) for one in made], actor=SYSTEM)
    fill(world, 5)
    buyer.get(reverse("shop"))
    with django_assert_max_num_queries(20):
        page = text(buyer.get(reverse("shop")))
    assert page.count('class="card q-prod"') == 12 and "page=2" in page
    assert text(buyer.get(f"{reverse('shop')}?page=3")).count('class="card q-prod"') == 9


def test_a_sub_dealer_orders_from_its_dealer_and_nobody_sees_other_sellers(client, world):
    agreement = make_downstream(world)
    shop = sign_in(client, world.cast.sub_dealer)
    page = text(shop.get(reverse("shop")))
    assert page.count('class="card q-prod"') == 1 and "130.00" in page and "100.00" not in page
    assert shop.get(f"{reverse('shop')}?agreement={world.agreement.pk}").status_code == 404
    assert shop.get(f"{reverse('basket')}?agreement={world.agreement.pk}").status_code == 404
    assert shop.post(reverse("basket_lines"), {"agreement": world.agreement.pk, "product": world.products[0].pk, "qty": "1"}).status_code == 404
    assert shop.post(reverse("basket_lines"), {"agreement": agreement.pk, "product": world.products[0].pk, "qty": "1"}).status_code == 302
    assert Basket.unscoped.get().buyer == world.cast.s001


def test_who_may_not_buy_is_told_so(client, world):
    assert sign_in(client, world.cast.hq_clerk).get(reverse("shop")).status_code == 403
    page = text(sign_in(client, world.cast.stranger).get(reverse("shop")))
    assert "There is no active agreement" in page
    assert "There is no active agreement" in text(client.get(reverse("basket")))


def test_the_stepper_and_the_field_of_a_card_fill_the_basket_without_scripts(buyer, world):
    about = {"agreement": world.agreement.pk, "product": world.products[0].pk, "next": "/shop/?tab=all"}
    for _click in range(2):
        answer = buyer.post(reverse("basket_lines"), {**about, "delta": "6"})
    assert (answer.status_code, answer["Location"]) == (302, "/shop/?tab=all")
    assert held() == {"P1": (D(12), "箱")}
    assert 'value="2 箱"' in text(buyer.get(reverse("shop")))
    buyer.post(reverse("basket_lines"), {**about, "delta": "-6"})
    assert held() == {"P1": (D(6), "箱")}
    buyer.post(reverse("basket_lines"), {**about, "qty": "3箱"})
    assert held() == {"P1": (D(18), "箱")}
    assert buyer.post(reverse("basket_lines"), {**about, "qty": "0", "next": "https://evil.example/"})["Location"].startswith("/basket/")
    assert held() == {}


def test_a_pack_is_called_in_the_language_of_its_reader_and_understood_in_both(buyer, world):
    set_pack(world.products[0].pk, "箱", D(6), name_en="Carton", actor=world.cast.hq_admin)
    about = {"agreement": world.agreement.pk, "product": world.products[0].pk}
    for typed in ("3 Carton", "3 carton", "3箱", "3x"):
        buyer.post(reverse("basket_lines"), {**about, "qty": "0"})
        buyer.post(reverse("basket_lines"), {**about, "qty": typed})
        assert held() == {"P1": (D(18), "箱")}, typed
    for address in ("shop", "basket"):
        page = text(buyer.get(reverse(address)))
        assert "Carton × 6" in page and 'value="3 Carton"' in page and "箱" not in page
    buyer.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    for address in ("shop", "basket"):
        page = text(buyer.get(reverse(address)))
        assert "箱 × 6" in page and 'value="3 箱"' in page and "Carton" not in page


def test_a_click_sent_again_counts_once(buyer, world):
    about = {"agreement": world.agreement.pk, "product": world.products[0].pk, "delta": "6", "client_id": str(uuid4())}
    answers = [buyer.post(reverse("basket_lines"), about, headers=JSON).json() for _retry in range(3)]
    assert held() == {"P1": (D(6), "箱")}
    assert {a["version"] for a in answers} == {1} and answers[0]["total"] == "¥600.00"
    assert answers[0]["cards"][str(world.products[0].pk)] == {"typed": "1 箱", "held": "6", "amount": "600.00"}


def test_what_somebody_else_clicked_in_this_browser_is_refused(buyer, world):
    about = {"agreement": world.agreement.pk, "product": world.products[0].pk, "delta": "6", "client_id": str(uuid4())}
    assert buyer.post(reverse("basket_lines"), {**about, "owner": "999999"}, headers=JSON).status_code == 403 and held() == {}
    assert buyer.post(reverse("basket_lines"), {**about, "owner": world.dealer.membership_id}, headers=JSON).status_code == 200
    assert held() == {"P1": (D(6), "箱")}


def test_the_aside_shows_the_newest_lines_the_total_and_the_credit(buyer, world):
    fill(world, 5, 2)
    page = text(buyer.get(f"{reverse('basket_aside')}?agreement={world.agreement.pk}"))
    assert "¥700.00" in page and "Enough for this order" in page and 'id="shop-bar"' in page


def test_the_basket_shows_price_breaks_wrong_steps_and_missing_minimums_with_one_click_fixes(buyer, world):
    Product.unscoped.filter(pk=world.products[0].pk).update(pack_multiple=6)
    Product.unscoped.filter(pk=world.products[2].pk).update(min_qty=10)
    basket = fill(world, 7, 40, 3)
    page = text(buyer.get(reverse("basket")))
    for words in ("6 台</button>", "12 台</button>", "10 台 more make each 90.00 instead of 100.00: saves 500.00.", "Take 50 台", "2 lines"):
        assert words in page, words
    line = Line.unscoped.get(basket=basket, product=world.products[2])
    answer = buyer.post(f"{reverse('basket')}?agreement={world.agreement.pk}", form_of(page) | {"fix": f"{line.pk}:qty=10"})
    assert answer.status_code == 302 and held()["P3"] == (D(10), "")


def test_every_line_that_is_wrong_is_in_one_file(buyer, world):
    rows = [["编码", "数量"], ["P1", "2箱"], ["P2X", "4"], ["P3", "viel"]]
    upload = SimpleUploadedFile("order.xlsx", write_xlsx(rows[0], rows[1:]))
    url = f"{reverse('basket_file')}?agreement={world.agreement.pk}"
    assert "multipart" in text(buyer.get(url))
    assert buyer.post(url, {"file": upload})["Location"] == f"/basket/?agreement={world.agreement.pk}"
    assert held() == {"P1": (D(12), "箱"), "P2X": (D(4), ""), "P3": (D(0), "")}
    page = text(buyer.get(reverse("basket")))
    assert "There is no product “P2X”" in page and "P2 P2" not in page and 'data-put="code" data-value="P2"' in page
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(buyer.get(reverse("basket_errors")).content)).get_sheet_by_index(0).to_python()
    assert [(row[0], row[1]) for row in sheet[1:]] == [(3.0, "P2X"), (4.0, "P3")]
    assert sheet[1][5].startswith("Perhaps: P2") and "“viel” is not a quantity" in sheet[2][4]
    assert "Only these" not in page and "Show only these" in page
    assert text(buyer.get(f"{reverse('basket')}?show=wrong")).count('class="ln bad') == 2


def test_an_empty_or_unreadable_file_is_refused_at_its_field(buyer, world):
    url = f"{reverse('basket_file')}?agreement={world.agreement.pk}"
    for content in (b"", b"\xff\xfe\x00"):
        assert buyer.post(url, {"file": SimpleUploadedFile("order.xlsx", content or b"code,qty\n")}).status_code == 422
    assert buyer.post(url, {"file": SimpleUploadedFile("order.csv", b"code,qty\n")}).status_code == 422


@pytest.mark.parametrize(
    ("code", "qty", "entry"),
    [
        ("p1", "2x", ("P1", (D(12), "箱"))),
        ("P1 3箱", "", ("P1", (D(18), "箱"))),
        ("P2", "", ("P2", (D(1), ""))),
        ("16901234567899", "2", ("P1", (D(12), "箱"))),  # the carton was scanned
        ("16901234567899", "", ("P1", (D(6), "箱"))),
        ("NO-SUCH", "4", ("NO-SUCH", (D(4), ""))),
    ],
)
def test_a_code_is_typed_or_scanned(buyer, world, code, qty, entry):
    answer = buyer.post(reverse("basket_entry"), {"agreement": world.agreement.pk, "code": code, "qty": qty, "client_id": str(uuid4())}, headers=JSON)
    assert answer.json()["said"].startswith("1 line added.")
    assert held() == {entry[0]: entry[1]} and len(answer.json()["rows"]) == 1


def test_a_name_that_means_one_product_is_taken(buyer, world):
    Product.unscoped.filter(pk=world.products[2].pk).update(name="落地扇")
    buyer.post(reverse("basket_entry"), {"agreement": world.agreement.pk, "code": "落地扇", "qty": "5"})
    assert held() == {"P3": (D(5), "")}


def test_a_block_from_excel_is_pasted_and_nothing_is_lost(buyer, world):
    block = "编码\t数量\r\nP1\t2\r\nP2,3\r\nP1\t4\r\nNO-SUCH\t1\r\nP3 5"
    answer = buyer.post(reverse("basket_entry"), {"agreement": world.agreement.pk, "block": block}, headers=JSON).json()
    assert answer["said"] == "5 lines added. 1 is not known."
    assert held() == {"P1": (D(6), ""), "P2": (D(3), ""), "NO-SUCH": (D(1), ""), "P3": (D(5), "")}


def test_a_quantity_is_read_whatever_language_it_was_shown_in(buyer, world):
    Product.unscoped.filter(pk=world.products[2].pk).update(unit="PCS")
    fill(world, 0, 0, 3)
    line = Line.unscoped.get()
    for text_, means in (("4 件", 4), ("1 pc", 1), ("7 pcs", 7)):
        buyer.post(reverse("basket_line", args=[line.pk]), {"agreement": world.agreement.pk, "code": "", "qty": text_, "client_id": uuid4()})
        assert held() == {"P3": (D(means), "")}


def test_a_line_is_written_anew_taken_out_and_moved_to_what_was_meant(buyer, world):
    add_lines(world.agreement.pk, [Entry(world.products[0].pk, D(6)), Entry(None, D(2), code="P2X")], actor=world.dealer)
    known, unknown = Line.unscoped.order_by("id")
    about = {"agreement": world.agreement.pk}
    answer = buyer.post(reverse("basket_line", args=[known.pk]), {**about, "qty": "2箱"}, headers=JSON).json()
    assert "2 箱" in answer["rows"][str(known.pk)]
    answer = buyer.post(reverse("basket_line", args=[known.pk]), {**about, "qty": "soon"}, headers=JSON).json()
    assert "“soon” is not a quantity" in answer["rows"][str(known.pk)]
    answer = buyer.post(reverse("basket_line", args=[unknown.pk]), {**about, "code": "P2", "qty": "2"}, headers=JSON).json()
    assert held()["P2"] == (D(2), "")
    answer = buyer.post(reverse("basket_line", args=[known.pk]), {**about, "remove": "1"}, headers=JSON).json()
    assert answer["rows"] == {} and list(held()) == ["P2"]
    assert buyer.post(reverse("basket_line", args=[known.pk]), {**about, "qty": "1"}, headers=JSON).status_code == 404


def test_the_whole_order_is_described_and_other_devices_notice(buyer, world):
    basket = fill(world, 1)
    pulse = f"{reverse('basket_pulse')}?agreement={world.agreement.pk}&version="
    assert buyer.get(f"{pulse}{basket.version}").status_code == 204
    answer = buyer.post(reverse("basket_head"), {"agreement": world.agreement.pk, "po_number": "PO-9", "note": "rear gate"}, headers=JSON)
    assert answer.json()["version"] == basket.version + 1
    assert buyer.get(f"{pulse}{basket.version}").json() == {"version": basket.version + 1}
    assert 'value="PO-9"' in text(buyer.get(reverse("basket")))


def test_a_basket_is_submitted_and_a_second_click_finds_the_same_order(buyer, world):
    fill(world, 5, 2)
    page = text(buyer.get(reverse("basket")))
    assert "No approval needed" in page and "on credit, 30 days after the invoice" in page
    sent = form_of(page) | {"do": "submit", "po_number": "PO-1"}
    sent["qty"] = ["7", "2"]  # typed and not yet saved
    first, second = (buyer.post(reverse("basket"), sent) for _click in range(2))
    order = Order.unscoped.get()
    assert first["Location"] == second["Location"] == order.get_absolute_url()
    assert (order.gross, order.po_number, held()) == (D(900), "PO-1", {})


def test_what_another_device_changed_is_looked_at_first(buyer, world):
    fill(world, 5)
    sent = form_of(text(buyer.get(reverse("basket")))) | {"do": "submit"}
    fill(world, 0, 3)
    page = text(buyer.post(reverse("basket"), sent), 409)
    assert "changed on another device" in page and "P2" in page and not Order.unscoped.exists()
    assert buyer.post(reverse("basket"), form_of(page) | {"do": "submit"}).status_code == 302


def test_a_refused_submit_says_everything_at_its_line(buyer, world):
    fill(world, 5, 1000)
    page = text(buyer.post(reverse("basket"), form_of(text(buyer.get(reverse("basket")))) | {"do": "submit"}), 409)
    assert "900 are missing" in page and not Order.unscoped.exists()
    sent = form_of(page) | {"do": "submit", "requested_on": "someday"}
    assert "Enter a valid date" in text(buyer.post(reverse("basket"), sent), 422)
    assert buyer.post(reverse("basket"), {"do": "submit", "agreement": make_downstream(world).pk}).status_code == 404


def test_an_order_comes_again_in_two_clicks(buyer, world):
    order = place(world, 4, 2)
    url = reverse("basket_reorder", args=[order.pk])
    assert "2 lines of" in text(buyer.get(url))
    answer = buyer.post(url)
    assert answer["Location"] == f"/basket/?agreement={world.agreement.pk}"
    page = text(buyer.get(answer["Location"]))
    asked = buyer.post(answer["Location"], form_of(page) | {"do": "submit"})
    assert asked.status_code == 409 and 'name="twin_ok"' in asked.content.decode(), "within minutes one is asked whether it is meant"
    assert buyer.post(answer["Location"], form_of(page) | {"do": "submit", "twin_ok": "1"}).status_code == 302
    assert [one.gross for one in Order.unscoped.order_by("pk")] == [D(600), D(600)]


def test_nobody_orders_again_what_others_bought(client, world):
    order = place(world, 4)
    assert sign_in(client, world.cast.stranger).post(reverse("basket_reorder", args=[order.pk])).status_code == 404
    assert sign_in(client, world.cast.hq_admin).post(reverse("basket_reorder", args=[order.pk])).status_code == 404


def test_templates_are_kept_loaded_renamed_and_deleted_on_pages(buyer, world):
    basket = fill(world, 4, 2)
    assert text(buyer.get(reverse("template_new", args=[basket.pk])))
    assert buyer.post(reverse("template_new", args=[basket.pk]), {"name": "Weekly"}).status_code == 302
    kept = Template.unscoped.get()
    assert "Weekly" in text(buyer.get(f"{reverse('shop')}?tab=templates"))
    assert text(buyer.get(reverse("basket_clear", args=[basket.pk])))
    assert buyer.post(reverse("basket_clear", args=[basket.pk])).status_code == 302 and held() == {}
    assert buyer.post(reverse("template_load", args=[kept.pk])).status_code == 302 and held()["P1"] == (D(4), "")
    assert 'value="Weekly"' in text(buyer.get(reverse("template_change", args=[kept.pk])))
    buyer.post(reverse("template_change", args=[kept.pk]), {"name": "Every week", "shared": "on"})
    assert "is lost" in text(buyer.get(reverse("template_removal", args=[kept.pk])))
    colleague = sign_in(buyer, world.cast.dealer_admin)
    assert "shared by" in text(colleague.get(f"{reverse('shop')}?tab=templates"))
    assert colleague.post(reverse("template_removal", args=[kept.pk])).status_code == 404
    sign_in(buyer, world.dealer)
    assert buyer.post(reverse("template_removal", args=[kept.pk])).status_code == 302 and not Template.unscoped.exists()


def test_the_heart_of_a_product_is_toggled(buyer, world):
    url = reverse("favourite", args=[world.products[0].pk])
    part = text(buyer.post(url, {"on": "1"}, headers={"HX-Request": "true", "HX-Target": "heart-1"}))
    assert 'aria-pressed="true"' in part and Favourite.unscoped.count() == 1
    assert text(buyer.get(f"{reverse('shop')}?tab=favourites")).count('class="card q-prod"') == 1
    buyer.post(url, {"on": "0"})
    assert not Favourite.unscoped.exists()


def test_a_template_of_a_colleague_stays_private(client, world):
    kept = save_template(fill(world, 1).pk, "Mine", actor=world.dealer)
    colleague = sign_in(client, world.cast.dealer_admin)
    assert "Mine" not in text(colleague.get(f"{reverse('shop')}?tab=templates"))
    assert colleague.post(reverse("template_load", args=[kept.pk])).status_code == 404
