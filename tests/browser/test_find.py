"""Finding by keyboard alone, and seeing what a colleague does without losing one's place."""

from __future__ import annotations

import time

import pytest
from browser_world import World
from playwright.sync_api import expect
from test_desk import figure

from qudao.orders.actions import approve_order
from qudao.orders.states import Status
from qudao.pricing.models import PriceList

pytestmark = pytest.mark.browser
#: what is above this much must be signed by the clerk
MANY = 210


def test_a_clerk_goes_everywhere_by_keyboard(enter, world: World) -> None:
    order = world.order({"KT-17": 2})
    visit = enter("clerk")
    keys, box = visit.page.keyboard, visit.page.locator("#palette")
    visit.go("/orders/")
    opened = visit.page.evaluate(
        """() => [1, 2, 3].map(() => {
          const key = { key: 'k', ctrlKey: true, bubbles: true, cancelable: true };
          const begin = performance.now(), press = () => document.dispatchEvent(new KeyboardEvent('keydown', key));
          press();
          const took = performance.now() - begin, open = document.getElementById('palette').open;
          press();
          return open ? took : 1e6; })"""
    )
    assert min(opened) < 50
    keys.press("Control+K")
    box.get_by_role("option", name="Shipments").first.wait_for()
    assert visit.grave() == []
    keys.press("Escape")
    expect(box).to_be_hidden()

    keys.press("Control+K")
    keys.type(order.number[-5:], delay=10)
    keys.press("Enter")  # before the answer is there
    visit.at(order.get_absolute_url())

    offered = visit.page.locator(".q-head .btn:not(summary), main [data-key]:not(summary)").locator("visible=true").all_inner_texts()
    keys.press("Control+K")
    box.get_by_role("option", name="Orders").first.wait_for()
    shown = " ".join(" ".join(box.get_by_role("option").all_inner_texts()).split())
    assert offered and [one for one in offered if " ".join(one.split()) not in shown] == [], "what the page offers"
    keys.type("kt-17")
    option = box.get_by_role("option", name="KT-17")
    option.wait_for()
    while option.get_attribute("aria-selected") != "true":
        keys.press("ArrowDown")
    keys.press("Enter")
    visit.at(world.products["KT-17"].get_absolute_url())
    keys.press("Control+K")
    box.get_by_role("option", name=order.number).wait_for()  # opened lately


def test_a_dealer_orders_and_changes_the_language_from_the_palette(enter, world: World) -> None:
    visit = enter("buyer")
    keys, box = visit.page.keyboard, visit.page.locator("#palette")
    visit.go("/")
    keys.press("Control+K")
    keys.type("no")
    box.get_by_role("option", name="New order").first.wait_for()
    keys.press("Enter")
    visit.at("/orders/new/**")
    visit.go("/orders/")
    keys.press("Control+K")
    keys.type("中文")
    box.get_by_role("option", name="中文").wait_for()
    keys.press("Enter")
    visit.page.locator("html[lang=zh-CN]").wait_for()
    keys.press("Control+K")
    keys.type("lds")
    box.get_by_role("option", name="FN-16").wait_for()
    assert visit.grave() == []
    phone = enter("buyer", phone=True)
    phone.go("/search/")
    phone.page.locator("main input[name=q]").fill("FN-16")
    phone.page.keyboard.press("Enter")
    phone.at(world.products["FN-16"].get_absolute_url())


def test_what_a_colleague_does_appears_and_nothing_is_lost(enter, world: World) -> None:
    order = world.order({"KT-17": MANY})
    assert order.status == Status.IN_REVIEW
    listed, opened = enter("clerk"), enter("clerk")
    listed.go("/orders/?side=sell&tab=all")
    row = listed.page.locator(f'tr[data-href="{order.get_absolute_url()}"]')
    row.get_by_text("To approve").wait_for()
    listed.page.keyboard.press("j")
    link = row.get_by_role("link").first
    link.focus()
    listed.page.evaluate("window.scrollTo(0, 40); window.stays = document.activeElement; window.stood = scrollY")
    opened.go(order.get_absolute_url())
    opened.page.get_by_role("button", name="More").or_(opened.page.get_by_text("More")).first.focus()

    began = time.monotonic()
    approve_order(order.pk, actor=world.people["clerk"])
    row.get_by_text("To ship").wait_for(timeout=9000)
    figure("what a colleague did is shown on a list", time.monotonic() - began, 5)
    assert listed.page.evaluate("document.activeElement === window.stays && document.activeElement.isConnected && scrollY === window.stood")
    assert "cur" in (listed.page.locator("tr.cur").first.get_attribute("class") or "")
    opened.page.locator(".q-head").get_by_text("To ship").wait_for(timeout=9000)

    # Half typed: the page waits, then takes over what came meanwhile.
    later = world.order({"KT-17": MANY})
    find = listed.page.locator("main input[name=q]")
    find.fill("SO")
    listed.page.wait_for_timeout(4500)  # a beat of the pulse and what may delay it
    assert find.input_value() == "SO" and not listed.page.get_by_text(later.number).count()
    find.fill("")
    find.blur()
    listed.page.get_by_text(later.number).wait_for(timeout=9000)


def test_one_among_many_is_chosen_in_a_dialog_by_keys(enter, world: World) -> None:
    """A product of a new price by its initials, without the mouse; the list lies over the dialog, and the next field is reached by Tab."""
    visit = enter("admin")
    visit.go(f"/price-lists/{PriceList.unscoped.get(code='BASE').pk}/")
    visit.button("Set price").click()
    field = visit.page.get_by_role("dialog").get_by_label("Product", exact=True)
    field.press_sequentially("dsh")
    chosen = visit.page.get_by_role("listbox").get_by_role("option", name="KT-17")
    chosen.wait_for()
    assert chosen.evaluate("e => { const b = e.getBoundingClientRect(); return e.contains(document.elementFromPoint(b.x + 9, b.y + 9)); }"), "above the dialog"
    visit.page.keyboard.press("Tab")
    assert field.input_value() == "KT-17 Kettle 1.7 l" and visit.page.evaluate("document.activeElement.name") == "amount"
    visit.page.keyboard.type("99")
    with visit.page.expect_navigation():
        visit.page.keyboard.press("Control+Enter")
    visit.says("The price is set.", "99.00")
