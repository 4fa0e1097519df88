"""A dealer's long basket: a click, a pasted block, two hundred lines again, the other language. Figures are printed (-s)."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from browser_visit import Visit
from browser_world import START, World
from test_desk import LONG, figure
from test_order_days import paste

from qudao.base.access import system_actor
from qudao.baskets.actions import add_lines, clear_basket
from qudao.baskets.models import Basket, Line
from qudao.baskets.rules import Entry
from qudao.catalog.models import Product
from qudao.inventory.models import Stock
from qudao.kernel import clock
from qudao.orders.models import Order
from qudao.pricing.actions import set_prices
from qudao.pricing.models import PriceList
from qudao.pricing.rules import PriceDraft

pytestmark = pytest.mark.browser

#: notes when one clicks, to be read on the page that comes
CLICKED = """() => addEventListener("click", (event) => sessionStorage.setItem("begun", performance.timeOrigin + event.timeStamp), { capture: true })"""
#: milliseconds from that click until the new page is painted and its scripts have put back what was typed
SHOWN = """() => new Promise((done) => new PerformanceObserver((list) => {
  const [paint] = list.getEntriesByName("first-contentful-paint"), [page] = performance.getEntriesByType("navigation");
  if (paint) done(performance.timeOrigin + Math.max(paint.startTime, page.domContentLoadedEventEnd) - sessionStorage.getItem("begun"));
}).observe({ type: "paint", buffered: true }))"""


@pytest.fixture(scope="module")
def goods(world: World) -> list[Product]:
    """As many products as a long order has, with price and stock."""
    lh = world.orgs["LH"]
    made = Product.unscoped.bulk_create(
        Product(owner_id=lh.pk, code=f"L{n:05d}", name=f"长单商品{n}", initials="zdsp", unit="PCS", tax_rate=Decimal("0.13")) for n in range(LONG)
    )
    set_prices(PriceList.unscoped.get(owner=lh, is_base=True).pk, [PriceDraft(one.pk, Decimal("12.50"), START) for one in made], actor=system_actor())
    place = Stock.unscoped.filter(place__owner=lh).first().place_id
    Stock.unscoped.bulk_create(Stock(place_id=place, product=one, on_hand=100_000, reserved=0) for one in made)
    return made


def filled(world: World, goods: list[Product]) -> None:
    for basket in Basket.unscoped.filter(user_id=world.people["buyer"].user_id):
        clear_basket(basket.pk, actor=world.people["buyer"])
    if goods:
        add_lines(world.agreement.pk, [Entry(one.pk, Decimal(4)) for one in goods], actor=world.people["buyer"])


def total(visit: Visit, words: str) -> None:
    visit.page.locator("#basket-aside .big").get_by_text(words).wait_for()


def test_a_click_in_a_basket_of_two_thousand_lines(enter, world: World, goods: list[Product]) -> None:
    filled(world, goods)
    visit = enter("buyer")
    visit.go("/basket/")
    total(visit, "100,000.00")
    row = visit.page.locator(f'tbody[data-product="{goods[5].pk}"]')
    times = []
    for click in range(1, 6):
        with visit.page.expect_response(lambda answer: "/basket/lines" in answer.url) as told:
            row.locator('[data-by="1"]').click()
        told.value.finished()
        times.append(told.value.request.timing["responseEnd"] / 1000)
        total(visit, f"{100_000 + 12.5 * click:,.2f}")
    figure("one click in a basket of 2,000 lines", sorted(times)[2], 0.3)
    assert row.locator("[name=qty]").input_value().startswith("9 ")
    visit.go("/basket/")
    total(visit, "100,062.50")


def test_five_hundred_pasted_rows_are_shown_and_priced(enter, world: World, goods: list[Product]) -> None:
    filled(world, [])
    visit = enter("buyer")
    visit.go("/basket/")
    visit.field("Code or barcode").focus()
    visit.page.evaluate("""() => {
        const painted = () => { window.shown = performance.now(); window.rows = document.querySelectorAll("tbody[data-waiting] tr.bad").length; };
        const told = () => document.querySelector("#basket-aside .big")?.textContent.includes("24,950.00");
        window.addEventListener("paste", () => { window.begun = performance.now(); requestAnimationFrame(() => setTimeout(painted)); }, true);
        new MutationObserver(() => { if (told()) window.told ??= performance.now(); }).observe(document.body, { childList: true, subtree: true }); }""")
    rows = [f"{one.code}\t4" for one in goods[:499]]
    rows.insert(250, "L0O100\t4")
    paste(visit, "\r\n".join(rows))
    visit.page.wait_for_function("() => window.told")
    shown, priced, number = visit.page.evaluate("() => [window.shown - window.begun, window.told - window.begun, window.rows]")
    figure("500 pasted rows shown in the basket", shown / 1000, 0.3)
    figure("500 pasted rows priced in the basket", priced / 1000, 1)
    assert number == 500, "red until they are read"
    visit.says("500 lines added. 1 is not known.", "Next page")
    assert visit.page.locator("tbody[data-waiting]").count() == 0 and visit.page.locator("tbody[data-line]").count() == 100
    assert Line.unscoped.filter(basket__user_id=world.people["buyer"].user_id).count() == 500 and visit.grave() == []
    assert visit.page.evaluate("document.activeElement.name") == "code", "the next block may come"


def test_two_hundred_lines_are_ordered_again(enter, world: World, goods: list[Product]) -> None:
    filled(world, goods[:200])
    visit = enter("buyer")
    visit.go("/basket/")
    with visit.page.expect_navigation():
        visit.page.locator("#basket-aside").get_by_role("button", name="Submit the order").click()
    Order.unscoped.update(placed_at=clock.now() - timedelta(hours=1))
    visit.go("/shop/")
    begun = time.monotonic()
    visit.button("Put all in").click()
    visit.at("/basket/?agreement=*")
    total(visit, "10,000.00")
    figure("200 lines in the basket again, priced", time.monotonic() - begun, 1)
    assert Line.unscoped.filter(basket__user_id=world.people["buyer"].user_id).count() == 200


@pytest.mark.parametrize("address", ["/basket/", "/orders/new/", "/shop/", "/orders/"])
def test_the_other_language_is_there_at_once(enter, world: World, goods: list[Product], address: str) -> None:
    """On a basket and a desk of 24 lines, in the catalogue, on a list; there and back, and what is typed stays."""
    filled(world, goods[:24] if address == "/basket/" else [])
    visit = enter("buyer")
    visit.go(address)
    if address == "/orders/new/":
        visit.page.locator("[name=lines-code]").first.focus()
        paste(visit, "\r\n".join(f"{one.code}\t4" for one in goods[:24]))
        visit.page.locator("#preview .big").get_by_text("1,200.00").wait_for()
    typed = "[name=lines-qty]" if address == "/orders/new/" else "[name=qty]"
    before, took = [one.input_value() for one in visit.page.locator(typed).all()], []
    assert len(before) >= 24 or address not in ("/basket/", "/orders/new/")
    for button, language in (("中文", "zh-CN"), ("English", "en")) * 3:
        visit.page.evaluate(CLICKED)
        with visit.page.expect_navigation():
            visit.page.get_by_role("button", name=button).click()
        assert visit.page.locator("html").get_attribute("lang") == language
        took.append(visit.page.evaluate(SHOWN) / 1000)
    figure(f"the other language on {address}, median of {len(took)}", statistics.median(took), 0.2)
    assert [one.input_value() for one in visit.page.locator(typed).all()] == before and visit.page.url.endswith(address)
