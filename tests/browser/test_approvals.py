"""Deciding as people do: a day at the keyboard without a mouse, two taps on a phone, the link of a mail without signing in."""

from __future__ import annotations

import gzip
import time
from typing import Any

import pytest
from browser_visit import Visit
from browser_world import World

from qudao.approvals.actions import letter_for
from qudao.approvals.models import Signature
from qudao.base.access import system_actor
from qudao.base.action import unit
from qudao.base.models import Run
from qudao.base.runs import work_off
from qudao.base.work import current
from qudao.funds.models import Account
from qudao.inventory.models import Place
from qudao.inventory.tests.make import make_stock
from qudao.orders.actions import approve_order
from qudao.orders.models import Order

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True, scope="module")
def shelf(world: World) -> None:
    """Enough of everything for all that is approved here."""
    make_stock(Place.unscoped.get(owner=world.orgs["LH"], code="MAIN").pk, {world.products[code].pk: 50_000 for code in ("RC-40", "KT-17")})


def state(order: Order) -> str:
    return Order.unscoped.get(pk=order.pk).status


def link_for(world: World, order: Order, key: str = "clerk") -> str:
    """The path in the mail about an order."""
    system = system_actor()

    def make() -> str:
        current().doing.append(("messages.view", system))
        letter = letter_for(order.subject, world.people[key].user_id or 0, actor=system)
        assert letter is not None
        return f"/a/{letter.token}/"

    return unit(make)


def test_three_cards_are_decided_without_a_mouse_and_without_a_page_load(enter, world: World) -> None:
    orders = [world.order({"RC-40": 100 + n}) for n in range(4)]
    visit = enter("clerk")
    keys, page = visit.page.keyboard, visit.page
    visit.go("/approvals/")
    page.evaluate("window.stayed = true")
    card = page.locator(".q-mail-r .card-header")
    card.get_by_text(orders[0].number).wait_for()

    keys.press("j")
    card.get_by_text(orders[1].number).wait_for()
    keys.press("k")
    card.get_by_text(orders[0].number).wait_for()
    keys.press("a")
    visit.says(f"{orders[0].number} approved.")
    card.get_by_text(orders[1].number).wait_for()  # the next card opened by itself
    keys.press("r")
    page.locator("#reason:focus").wait_for()
    keys.type("Too many at once")
    keys.press("Enter")
    visit.says(f"{orders[1].number} rejected.")
    card.get_by_text(orders[2].number).wait_for()
    keys.press("e")
    visit.says(f"{orders[2].number} approved.")
    card.get_by_text(orders[3].number).wait_for()
    assert [state(one) for one in orders] == ["confirmed", "rejected", "confirmed", "in_review"]
    assert page.evaluate("window.stayed") is True and f"open={orders[3].pk}" in page.url

    keys.press("b")  # back to the buyer, in a dialog
    page.locator("dialog#ask textarea:focus").wait_for()
    keys.type("Please halve it")
    keys.press("Control+Enter")
    visit.says("Nothing waits for your signature.")
    assert state(orders[3]) == "draft"


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_phone_decides_in_two_taps(enter, world: World, language: str) -> None:
    first, second = world.order({"RC-40": 101}), world.order({"RC-40": 102})
    visit = enter("clerk", phone=True, language=language)
    page = visit.page
    visit.go(f"/approvals/?open={first.pk}")
    bar = page.locator(".q-decide")
    reject, approve = bar.locator("#refuse > summary"), bar.locator(".btn-primary")
    assert visit.small(reject, approve) == [] and visit.wide() == ""
    left, right = reject.bounding_box(), approve.bounding_box()
    assert left and right and left["x"] < right["x"] and left["width"] < right["width"] and right["y"] > 700  # under the thumb
    reject.tap()
    page.locator("#refuse .it").first.tap()
    page.locator(".q-mail-r .card-header").get_by_text(second.number).wait_for()
    assert state(first) == "rejected" and visit.wide() == ""
    approve.tap()
    page.locator(".q-none, .q-mail-r .card-header").first.wait_for()
    page.wait_for_function("number => !document.getElementById('inbox').innerText.includes(number)", arg=second.number)
    assert state(second) == "confirmed"


@pytest.mark.parametrize("phone", [True, False])
def test_the_link_of_a_mail_decides_without_signing_in(crowd, world: World, phone: bool) -> None:
    order = world.order({"RC-40": 103})
    visit: Visit = crowd.open(phone=phone, language="zh-hans")
    page, loaded = visit.page, []
    page.on("response", lambda answer: loaded.append(answer))
    began = time.monotonic()
    visit.go(link_for(world, order))
    transferred = sum(len(gzip.compress(answer.body())) for answer in loaded)
    assert transferred < 60_000, transferred
    assert visit.wide() == "" and visit.grave() == []
    approve, reject = page.locator("button.yes"), page.locator("summary.btn")
    assert visit.small(approve, reject) == []
    left, right = reject.bounding_box(), approve.bounding_box()
    assert left and right and left["x"] < right["x"]
    assert state(order) == "in_review" and not page.context.cookies()
    (approve.tap if phone else approve.click)()
    page.get_by_role("heading", name=order.number).wait_for()
    assert state(order) == "confirmed" and time.monotonic() - began < 10
    page.reload()
    assert Signature.unscoped.filter(request__subject_id=order.pk).count() == 1


def test_chosen_ones_are_decided_together(enter, world: World) -> None:
    orders = [world.order({"KT-17": 201}) for _n in range(3)]
    visit = enter("clerk")
    page = visit.page
    visit.go("/approvals/")
    page.locator(f'[name=pick][value="{orders[0].pk}"]').check()
    page.locator(f'[name=pick][value="{orders[1].pk}"]').check()
    page.get_by_role("button", name="Decide 2 chosen").click()
    visit.at("/approvals/bulk*")
    visit.says("2 chosen")
    assert visit.grave() == []
    page.get_by_role("button", name="Send back").first.click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_text("2 rows will be done").wait_for()
    dialog.locator("textarea").fill("Please halve it")
    dialog.get_by_role("button", name="Send back (2)").click()
    visit.says("2 rows are done.")
    assert [state(one) for one in orders] == ["draft", "draft", "in_review"]


def test_a_phone_decides_many(enter, world: World) -> None:
    orders = [world.order({"KT-17": 201}) for _n in range(2)]
    visit = enter("clerk", phone=True, language="zh-hans")
    page = visit.page
    visit.go("/approvals/bulk")
    bar = page.locator(".q-act .btn")
    assert visit.small(*bar.all()) == [] and visit.wide() == "" and visit.grave() == []
    bar.last.tap()
    page.locator("dialog[open] .btn-primary").tap()
    page.locator(".q-toast").first.wait_for()
    assert [state(one) for one in orders] == ["confirmed"] * 2


def test_fifty_are_decided_on_one_screen_without_a_mouse(enter, world: World, record_property: Any) -> None:
    Account.unscoped.update(limit_amount=10**8)
    orders = [world.order({"KT-17": 201}) for _n in range(50)]
    waits = Order.unscoped.filter(status="in_review").count()
    visit = enter("clerk")
    page, asked = visit.page, list[str]()
    visit.go("/approvals/")
    began = time.monotonic()
    page.on("request", lambda one: asked.append(one.url) if one.resource_type in ("document", "xhr", "fetch") and "pulse" not in one.url else None)
    page.keyboard.press("m")
    visit.at("/approvals/bulk*")
    visit.says(f"{waits} wait for you")
    page.keyboard.press("e")
    dialog = page.locator("dialog[open]")
    dialog.get_by_text(f"{waits} rows will be done").wait_for()
    page.keyboard.press("Control+Enter")
    visit.at("/jobs/*/")
    decided = time.monotonic()
    work_off(Run.unscoped.latest("pk").pk)  # as the worker does it
    worked = time.monotonic()
    visit.says(f"{waits} of {waits} rows", "Back to the list")
    record_property("person", round(decided - began, 1))
    record_property("worker", round(worked - decided, 1))
    assert {state(one) for one in orders} == {"confirmed"} and visit.wide() == ""
    assert len(asked) <= 8 + (time.monotonic() - decided), asked  # the screen, the preview, the start, the report; then one a second
    assert worked - began < 30, (decided - began, worked - decided)


def test_the_inbox_follows_what_others_do_and_never_swaps_the_case_under_ones_thumb(enter, world: World) -> None:
    first = world.order({"RC-40": 111})
    visit = enter("clerk")
    visit.go(f"/approvals/?open={first.pk}")
    card = visit.page.locator(".q-mail-r .card-header")
    card.get_by_text(first.number).wait_for()
    second = world.order({"RC-40": 112})
    visit.page.locator(".q-inbox").get_by_text(second.number).wait_for(timeout=15_000)  # the list goes on by itself
    card.get_by_text(first.number).wait_for()
    approve_order(first.pk, actor=world.people["clerk"])  # on another device
    visit.page.get_by_text("This does not wait for you any more.").wait_for(timeout=15_000)
    card.get_by_text(first.number).wait_for()
    assert state(second) == "in_review"
