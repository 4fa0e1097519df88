"""Home, order desk and approvals as people meet them, mostly without JavaScript."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from qudao.approvals.actions import add_rule
from qudao.approvals.rules import RuleDraft
from qudao.catalog.models import Pack, Product
from qudao.inventory.models import Stock
from qudao.kernel import clock
from qudao.orders.models import Line, Order
from qudao.orders.states import Status
from qudao.orders.tests.make import make_downstream, make_world, place
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world((100, 100, 100))


@pytest.fixture(autouse=True)
def english(client):
    client.cookies["qudao_language"] = "en"


def approval_from(world, amount):
    draft = RuleDraft("orders.order", unscoped_system_role("hq_clerk"), Decimal(amount), 1)
    return add_rule(world.cast.lh.pk, draft, actor=world.cast.hq_admin)


def typed(world, *pairs, **more):
    codes, quantities = zip(*pairs, strict=True) if pairs else ((), ())
    return {"agreement": world.agreement.pk, "lines-code": codes, "lines-qty": quantities, "client_id": str(uuid4()), **more}


# --- the order desk ---


def test_the_dealer_orders_and_a_second_submit_makes_no_second_order(client, world):
    sign_in(client, world.cast.dealer)
    code = world.products[0].code
    data = typed(world, (code.lower(), "4"), ("", ""), (world.products[1].code, "2"), po_number="HP-1")
    for _time in range(2):
        answer = client.post(reverse("order_new"), data)
        order = Order.unscoped.get()
        assert (answer.status_code, answer["Location"]) == (302, order.get_absolute_url())
    assert (order.status, order.po_number, order.gross) == (Status.CONFIRMED, "HP-1", Decimal(600))
    assert order.number in client.get(answer["Location"]).content.decode()


def test_every_refusal_stands_at_its_line_with_its_remedy_and_nothing_is_lost(client, world):
    Product.unscoped.filter(pk=world.products[1].pk).update(pack_multiple=6)
    sign_in(client, world.cast.dealer)
    data = typed(world, ("NO-SUCH", "4"), (world.products[1].code, "7"), (world.products[2].code, "lots"), requested_on="2020-01-01")
    answer = client.post(reverse("order_new"), data)
    page = answer.content.decode()
    assert answer.status_code == 422 and not Order.unscoped.exists()
    assert "There is no product “NO-SUCH”" in page and 'value="NO-SUCH"' in page and 'value="lots"' in page
    assert 'data-value="6"' in page and 'data-value="12"' in page
    assert "“lots” is not a quantity of" in page and "The requested date" in page and data["client_id"] in page


def test_packs_are_base_units_in_the_order(client, world):
    Pack.unscoped.create(product=world.products[0], name="箱", name_en="carton", factor=Decimal(4))
    sign_in(client, world.cast.dealer)
    client.post(reverse("order_new"), typed(world, (world.products[0].code, "3箱")))
    assert Line.unscoped.get().qty == 12


def test_where_goods_are_short_the_desk_asks_what_shall_become_of_the_order(client, world):
    sign_in(client, world.cast.dealer)
    data = typed(world, (world.products[0].code, "120"))
    page = client.post(reverse("order_new"), data)
    assert page.status_code == 409 and 'name="short" value="refuse" checked' in page.content.decode()
    answer = client.post(reverse("order_new"), {**data, "short": "backorder"})
    assert answer.status_code == 302 and (Order.unscoped.get().allocation, Line.unscoped.get().backordered) == ("partial", 20)


def test_credit_and_stock_that_are_short_are_said_together(client, world):
    sign_in(client, world.cast.dealer)
    answer = client.post(reverse("order_new"), typed(world, (world.products[0].code, "9000")))
    page = answer.content.decode()
    assert answer.status_code == 409 and "credit limit" in page and "beyond the limit" in page and not Order.unscoped.exists()


def test_the_preview_prices_hints_and_names_the_approval(client, world, django_assert_max_num_queries):
    approval_from(world, 100)
    sign_in(client, world.cast.hq_clerk)
    with django_assert_max_num_queries(22):
        said = client.post(reverse("order_preview"), typed(world, (world.products[0].code, "4"), ("P", ""), **{"lines-ref": ["7", "9"], "focus": "7"})).json()
    assert said["rows"]["7"]["amounts"] == ["353.98", "46.02", "400.00"] and said["total"] == "¥400.00" and "Order clerk" in said["aside"]
    assert said["rows"]["9"]["bad"] and "must be more than zero" not in said["rows"]["9"]["hints"]  # the second line is still being typed
    assert "This is the price" in said["line"] and "400.00" in said["line"] and said["submit"] == "Submit 2 lines"


def test_a_buyer_is_not_told_who_signs(client, world):
    approval_from(world, 100)
    sign_in(client, world.cast.dealer)
    page = client.post(reverse("order_preview"), typed(world, (world.products[0].code, "4"))).json()["aside"]
    assert "The seller" in page and "Order clerk" not in page


def test_one_may_not_order_under_a_foreign_agreement(client, world):
    foreign = make_downstream(world)
    sign_in(client, world.cast.stranger)
    answer = client.post(reverse("order_new"), typed(world, (world.products[0].code, "1")) | {"agreement": foreign.pk})
    assert answer.status_code == 422 and not Order.unscoped.exists()


def test_the_type_ahead_finds_by_code_and_shows_the_own_price(client, world):
    sign_in(client, world.cast.dealer)
    found = client.get(reverse("order_suggest"), {"q": world.products[0].code, "agreement": world.agreement.pk}).json()["results"]
    assert found[0]["value"] == world.products[0].code and found[0]["note"] == "100.00"
    assert client.get(reverse("order_suggest"), {"q": ""}).json() == {"results": []}


def test_an_order_is_repeated_in_two_clicks(client, world):
    order = place(world, 4, 2)
    sign_in(client, world.cast.dealer)
    home = client.get("/").content.decode()
    assert f'method="post" action="{reverse("basket_reorder", args=[order.pk])}"' in home  # the basket's own test has the second click
    page = client.get(reverse("order_new"), {"again": order.pk}).content.decode()
    assert f'value="{world.products[0].code}"' in page and 'value="4"' in page
    sign_in(client, world.cast.stranger)
    assert client.get(reverse("order_new"), {"again": order.pk}).status_code == 404


# --- approvals ---


def test_two_taps_decide_and_the_next_one_opens(client, world):
    approval_from(world, 100)
    first, second = place(world, 4), place(world, 5)
    sign_in(client, world.cast.hq_clerk)
    page = client.get(reverse("approvals")).content.decode()
    assert first.number in page and second.number in page and "¥400.00" in page
    answer = client.post(reverse("approval_approve", args=[first.pk]))
    assert answer["Location"] == reverse("approvals") + f"?open={second.pk}"
    first.refresh_from_db()
    assert first.status == Status.CONFIRMED
    assert f"{first.number} approved." in client.get(answer["Location"]).content.decode()


def test_a_rejection_needs_its_reason_and_keeps_the_case_open(client, world):
    approval_from(world, 100)
    order = place(world, 4)
    sign_in(client, world.cast.hq_clerk)
    answer = client.post(reverse("approval_reject", args=[order.pk]))
    assert answer.status_code == 422 and "Say why." in answer.content.decode()
    client.post(reverse("approval_reject", args=[order.pk]), {"reason": "Too late"})
    order.refresh_from_db()
    assert order.status == Status.REJECTED
    assert "Nothing waits for your signature." in client.get(reverse("approvals")).content.decode()


def test_a_refused_approval_says_what_is_missing(client, world):
    approval_from(world, 100)
    order = place(world, 100)
    Stock.unscoped.update(on_hand=1)
    sign_in(client, world.cast.hq_clerk)
    answer = client.post(reverse("approval_approve", args=[order.pk]))
    assert answer.status_code == 409 and order.number in answer.content.decode()
    order.refresh_from_db()
    assert order.status == Status.IN_REVIEW


def test_dealers_have_no_inbox_of_the_brand(client, world):
    sign_in(client, world.cast.dealer)
    assert client.get(reverse("approvals")).status_code == 403


# --- search ---


def test_a_full_number_opens_and_a_part_lists_only_what_one_may_see(client, world):
    order = place(world, 4)
    sign_in(client, world.cast.dealer)
    assert client.get(reverse("search"), {"q": order.number.lower()})["Location"] == order.get_absolute_url()
    page = client.get(reverse("search"), {"q": world.products[0].code[:1]}).content.decode()
    assert client.get(reverse("search"), {"q": order.number[-4:]}).content.decode().count(order.number) >= 1 and "<html" in page
    sign_in(client, world.cast.stranger)
    assert "Nothing was found." in client.get(reverse("search"), {"q": order.number}).content.decode()


# --- home ---


def test_home_counts_the_flow_with_ages_in_a_few_statements(client, world, django_assert_max_num_queries):
    approval_from(world, 300)
    with clock.freeze(clock.now() - timedelta(days=3, hours=1)):
        place(world, 4)
    place(world, 2)
    place(world, 1, 1)
    sign_in(client, world.cast.hq_clerk)
    with django_assert_max_num_queries(15):
        page = client.get("/").content.decode()
    assert "To approve" in page and "oldest 3 d" in page and "late 1" in page
    assert "1 order waits for approval for more than a day" in page and "My tasks" in page
    assert 'style="' not in page


def test_home_of_a_buyer_shows_credit_and_not_the_sellers_stock(client, world, django_assert_max_num_queries):
    place(world, 2)
    sign_in(client, world.cast.dealer)
    with django_assert_max_num_queries(17):
        page = client.get("/").content.decode()
    assert "available" in page and "To reserve" not in page and "Order again" in page


def test_a_new_company_sees_what_to_do_first(client, world):
    sign_in(client, world.cast.hq_admin)
    page = client.get("/").content.decode()
    assert "What to do first" in page and "q-map" not in page


@pytest.mark.parametrize("name", ["hq_admin", "hq_clerk", "hq_finance", "hq_warehouse", "dealer", "dealer_admin", "sub_dealer", "stranger"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_everybody_has_a_home_in_both_languages(client, world, name, language):
    client.cookies["qudao_language"] = language
    sign_in(client, getattr(world.cast, name))
    assert client.get("/").status_code == 200
