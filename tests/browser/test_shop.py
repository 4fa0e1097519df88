"""A buyer orders as in a shop: the first order on the phone, the same again in two clicks, quick clicks, a paste, two devices at once."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from browser_visit import Visit
from browser_world import START, World
from test_desk import figure
from test_order_days import paste
from test_sign_in import type_in

from qudao.agreements.models import Agreement
from qudao.agreements.tests.make import make_agreement
from qudao.base.access import system_actor
from qudao.baskets.models import Line
from qudao.catalog.tests.make import make_product
from qudao.inventory.tests.make import make_places, make_stock
from qudao.kernel import clock
from qudao.network.tests.make import make_org
from qudao.orders.models import Order
from qudao.pricing.actions import ListDraft, create_list, set_prices
from qudao.pricing.rules import PriceDraft

pytestmark = pytest.mark.browser


def card(visit: Visit, code: str):
    return visit.page.locator("article.q-prod", has=visit.page.get_by_text(code, exact=False)).first


def saved(visit: Visit) -> None:
    """Everything clicked and typed has reached the server."""
    visit.page.wait_for_function("() => !Object.keys(localStorage).some((key) => key.startsWith('basket:queue:'))")


def held() -> dict[str, int]:
    return {one.product.code if one.product else one.code: int(one.qty) for one in Line.unscoped.select_related("product")}


def test_a_first_order_takes_five_steps_on_the_phone(enter, world: World) -> None:
    visit = enter("buyer", phone=True)
    began = time.monotonic()
    visit.go("/")
    visit.button("Order", inside=".q-bottom").tap()  # 1
    visit.at("/shop/")
    more = card(visit, "KT-17").get_by_role("button", name=re.compile("^More of"))
    assert visit.small(more) == [] and visit.wide() == ""
    for _finger in range(20):  # 2: twenty taps, faster than any network
        more.tap()
    saved(visit)
    assert held() == {"KT-17": 120}
    assert visit.grave() == []
    visit.page.locator("#shop-bar").get_by_role("link", name="Check and submit").tap()  # 3
    visit.at("/basket/?agreement=*")
    visit.says("Credit and stock", "KT-17")
    assert visit.wide() == "" and visit.grave() == []
    with visit.page.expect_navigation():
        visit.page.locator(".q-act").get_by_role("button", name="Submit the order").tap()  # 4
    visit.at("/orders/*/")
    figure("the first order on a phone", time.monotonic() - began, 90)
    order = Order.unscoped.get(placed_by=world.people["buyer"].user_id)
    assert int(order.lines.get().qty) == 120 and held() == {}


def test_the_same_again_takes_two_clicks_from_the_catalogue(enter, world: World) -> None:
    before = world.order({"RC-40": 2, "FN-16": 1})
    Order.unscoped.filter(pk=before.pk).update(placed_at=clock.now() - timedelta(hours=1))  # sooner, it is asked whether it is meant
    visit = enter("buyer")
    visit.go("/shop/")
    visit.button("Put all in").click()  # 1
    visit.at("/basket/?agreement=*")
    visit.says(before.lines.first().product.code)
    with visit.page.expect_navigation():
        visit.page.locator("#basket-aside").get_by_role("button", name="Submit the order").click()  # 2
    again = Order.unscoped.order_by("-pk").first()
    assert again.pk != before.pk and again.gross == before.gross and held() == {}


def test_the_same_again_takes_two_clicks_from_home(enter, world: World) -> None:
    Order.unscoped.update(placed_at=clock.now() - timedelta(hours=2))
    before = world.order({"RC-40": 1, "KT-17": 6})
    Order.unscoped.filter(pk=before.pk).update(placed_at=clock.now() - timedelta(hours=1))
    visit = enter("buyer")
    visit.go("/")
    visit.button("Order again").click()  # 1
    visit.at("/basket/?agreement=*")
    with visit.page.expect_navigation():
        visit.page.locator("#basket-aside").get_by_role("button", name="Submit the order").click()  # 2
    again = Order.unscoped.latest("pk")
    assert again.pk != before.pk and again.gross == before.gross and again.placed_by == world.people["buyer"].user_id and held() == {}


def test_a_thousand_clicks_are_a_thousand(enter, world: World) -> None:
    Line.unscoped.all().delete()
    visit = enter("buyer")
    visit.go("/shop/")
    card(visit, "RC-40").get_by_role("button", name=re.compile("^More of")).evaluate(
        """async (button) => { for (let n = 1; n <= 1000; n += 1) { button.click(); if (n % 50 === 0) await new Promise((go) => setTimeout(go, 20)); } }"""
    )
    saved(visit)
    assert held() == {"RC-40": 1000}


def test_a_basket_outlives_signing_out(enter, world: World) -> None:
    Line.unscoped.all().delete()
    visit = enter("careful")
    visit.go("/basket/")
    visit.field("Code or barcode").fill("KT-17")
    visit.page.keyboard.press("Enter")
    quantity = visit.page.locator('tbody[data-line]:has-text("KT-17") input[name=qty]')
    quantity.fill("18")
    quantity.press("Enter")
    saved(visit)
    visit.go("/me/")
    with visit.page.expect_navigation():
        visit.page.locator("main").get_by_role("button", name="Sign out", exact=True).click()
    type_in(visit, world.email("careful"))
    visit.go("/basket/")
    assert quantity.input_value().startswith("18 ")
    Line.unscoped.all().delete()


def test_a_paste_keeps_every_line_and_the_phone_shows_it_at_once(enter, world: World) -> None:
    desk, phone = enter("buyer"), enter("buyer", phone=True)
    desk.go("/basket/")
    phone.go("/basket/")
    desk.field("Code or barcode").focus()
    paste(desk, "RC-40\t4\r\nFN-16\t2\r\nNO-SUCH\t1\r\n")
    desk.says("3 lines added. 1 is not known.")
    saved(desk)
    assert held() == {"RC-40": 4, "FN-16": 2, "NO-SUCH": 1}
    phone.page.locator("tbody[data-line]").nth(2).wait_for(timeout=5000)
    assert phone.wide() == "" and desk.grave() == [] and phone.grave() == []

    quantity = desk.page.locator('tbody[data-line]:has-text("RC-40") input[name=qty]')
    quantity.fill("7")
    began = time.monotonic()
    quantity.press("Enter")
    phone.page.wait_for_function("() => [...document.querySelectorAll('tbody[data-line] input[name=qty]')].some((one) => one.value.startsWith('7 '))")
    figure("an edit at the desk stands on the phone", time.monotonic() - began, 2)
    saved(desk)
    desk.go("/basket/")  # survives a reload
    assert desk.page.locator('tbody[data-line]:has-text("RC-40") input[name=qty]').input_value().startswith("7 ")
    desk.page.locator("tbody[data-line]", has=desk.page.locator('input[value="NO-SUCH"]')).get_by_role("button", name=re.compile("^Remove")).click(force=True)
    saved(desk)
    assert held() == {"RC-40": 7, "FN-16": 2}
    desk.button("Undo", inside="body").or_(desk.page.locator(".q-toast")).first.wait_for()


def test_a_scanner_is_faster_than_the_server(enter, world: World) -> None:
    Line.unscoped.all().delete()
    visit = enter("buyer")
    visit.go("/basket/")
    visit.field("Code or barcode").focus()
    for _piece in range(10):
        visit.page.keyboard.type("RC-40")
        visit.page.keyboard.press("Enter")
    saved(visit)
    assert held() == {"RC-40": 10}


@pytest.fixture(scope="module")
def second(world: World) -> Agreement:
    """Another brand that sells its fans to the dealer."""
    brand = make_org("hq", "QF", name="清风电扇", name_en="Breeze Fans")
    fan = make_product(brand, "BF-1", name="台扇", name_en="Desk fan")
    made = create_list(brand.pk, ListDraft("BASE", "经销价", "Dealer prices", is_base=True), actor=system_actor())
    set_prices(made.pk, [PriceDraft(fan.pk, Decimal(80), START)], actor=system_actor())
    make_stock(make_places(brand)["MAIN"], {fan.pk: 100})
    return make_agreement(brand, world.orgs["D001"])


def kept_queues(visit: Visit) -> list[str]:
    return list(visit.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('basket:queue:'))"))


def test_a_click_followed_at_once_by_another_seller_is_not_lost(enter, world: World, second: Agreement) -> None:
    Line.unscoped.all().delete()
    visit = enter("buyer")
    visit.go(f"/shop/?agreement={world.agreement.pk}")
    more = card(visit, "RC-40").get_by_role("button", name=re.compile("^More of"))
    with visit.page.expect_navigation():
        more.evaluate(
            """(button, other) => { button.click(); const choice = document.querySelector("select[name=agreement][data-go]");
            choice.value = other; choice.dispatchEvent(new Event("change", { bubbles: true })); }""",
            str(second.pk),
        )
    visit.at(f"/shop/?agreement={second.pk}*")
    saved(visit)
    assert held() == {"RC-40": 1}, "sent as the page went, or at the next, by one id"
    card(visit, "BF-1").get_by_role("button", name=re.compile("^More of")).click()
    saved(visit)
    assert held() == {"RC-40": 1, "BF-1": 1}


def test_what_could_not_be_sent_waits_for_its_own_agreement_and_person(enter, world: World, second: Agreement) -> None:
    Line.unscoped.all().delete()
    visit = enter("buyer")
    visit.go(f"/shop/?agreement={world.agreement.pk}")
    visit.page.route("**/basket/lines", lambda route: route.abort())
    card(visit, "RC-40").get_by_role("button", name=re.compile("^More of")).click()
    visit.page.wait_for_timeout(300)
    queue = kept_queues(visit)
    assert len(queue) == 1 and queue[0].endswith(f":{world.agreement.pk}") and held() == {}
    visit.page.context.add_cookies(world.cookies("owner", "en", visit.url))  # a colleague signs in on the same machine
    visit.go(f"/shop/?agreement={second.pk}")
    visit.page.unroute("**/basket/lines")
    card(visit, "BF-1").get_by_role("button", name=re.compile("^More of")).click()
    visit.page.wait_for_function("() => Object.keys(localStorage).filter((key) => key.startsWith('basket:queue:')).length === 1")
    assert kept_queues(visit) == queue and held() == {"BF-1": 1}, "the colleague sends the own click only"
    visit.page.context.add_cookies(world.cookies("buyer", "en", visit.url))
    visit.go(f"/shop/?agreement={second.pk}")
    saved(visit)
    line = Line.unscoped.get(product__code="RC-40")
    assert line.basket.user_id == world.people["buyer"].user_id and line.basket.agreement_id == world.agreement.pk
