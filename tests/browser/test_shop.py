"""A buyer orders as in a shop: the first order on the phone, the same again in two clicks, quick clicks, a paste, two devices at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from browser_visit import Visit
from browser_world import World
from test_order_days import paste

from qudao.baskets.models import Line
from qudao.kernel import clock
from qudao.orders.models import Order

pytestmark = pytest.mark.browser


def card(visit: Visit, code: str):
    return visit.page.locator("article.q-prod", has=visit.page.get_by_text(code, exact=False)).first


def saved(visit: Visit) -> None:
    """Everything clicked and typed has reached the server."""
    visit.page.wait_for_function("() => (localStorage.getItem('basket:queue') ?? '[]') === '[]'")


def held() -> dict[str, int]:
    return {one.product.code if one.product else one.code: int(one.qty) for one in Line.unscoped.select_related("product")}


def test_a_first_order_takes_five_steps_on_the_phone(enter, world: World) -> None:
    visit = enter("buyer", phone=True)
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
    quantity.press("Enter")
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
