"""The list kit in a browser: a view in two clicks, many rows with a preview and a report, files, the way through a list and back, cells in place."""

from __future__ import annotations

import re

import pytest
from browser_visit import Visit
from browser_world import World

from qudao.base.models import Run, SavedView
from qudao.catalog.models import Product
from qudao.kernel import clock
from qudao.orders.models import Order
from qudao.pricing.models import Price

pytestmark = pytest.mark.browser


def numbers(visit: Visit) -> list[str]:
    """The numbers of the orders on the page."""
    return visit.page.locator("#list tbody td.id").all_inner_texts()


def test_a_view_is_saved_in_two_clicks_and_taken_back(enter, world: World) -> None:
    visit = enter("clerk")
    visit.go("/orders/?side=sell&tab=to_ship")
    visit.page.locator("[data-views] summary").click()
    visit.button("Save view").click()
    visit.says("The view “To ship” is saved.")
    view = SavedView.unscoped.get()
    assert (view.query, view.shared) == ("side=sell&tab=to_ship", False)
    assert visit.grave() == []
    visit.page.locator("#toasts").get_by_role("button", name="Undo").click()
    visit.says("The view “To ship” is removed.")
    assert not SavedView.unscoped.exists()


def test_what_can_be_undone_is_offered_for_ten_seconds(enter, world: World) -> None:
    visit = enter("clerk")
    visit.page.clock.install()
    visit.go("/orders/?side=sell&tab=to_ship")
    visit.page.locator("[data-views] summary").click()
    visit.button("Save view").click()
    undo = visit.page.locator("#toasts").get_by_role("button", name="Undo")
    undo.wait_for()
    visit.page.mouse.move(0, 0)  # who points at it has longer
    visit.page.clock.fast_forward(8_500)
    assert undo.is_visible()
    visit.page.clock.fast_forward(2_000)
    undo.wait_for(state="detached")
    SavedView.unscoped.all().delete()


def test_many_rows_show_what_will_happen_then_what_happened(enter, world: World) -> None:
    few, waiting = world.order({"KT-17": 1}), world.order({"RC-40": 120})
    visit = enter("clerk")
    visit.go("/orders/?side=sell")
    visit.page.keyboard.press("a")
    visit.says("chosen")
    visit.page.locator("[data-preview][value=approve]").click()
    dialog = visit.page.locator("dialog[open]")
    dialog.get_by_text("they wait for no approval").wait_for()
    assert dialog.get_by_text("1 row will be done").is_visible() and {few.number, waiting.number} <= set(dialog.inner_text().split())
    assert visit.grave() == []
    dialog.get_by_role("button", name=re.compile("Approve")).click()
    visit.at("/jobs/*/")
    visit.says("1 of 1 rows", "Skipped", "Back to the list")
    run = Run.unscoped.get()
    assert (run.state, run.failed, run.row_ids) == ("done", 0, [waiting.pk])
    assert Order.unscoped.get(pk=waiting.pk).status == "confirmed" and visit.wide() == ""
    visit.button("Show these rows").click()
    visit.page.locator("#list tbody tr").first.wait_for()
    assert numbers(visit) == [waiting.number]


def test_a_document_leads_on_through_its_list_and_back_to_that_view(enter, world: World) -> None:
    for _n in range(3):
        world.order({"KT-17": 1})
    visit = enter("clerk")
    visit.go("/orders/?side=sell&sort=number")
    listed = numbers(visit)
    visit.page.locator("#list tbody td.id a").nth(1).click()
    visit.at("/orders/*/")
    heading = visit.page.locator("h1")
    assert heading.inner_text() == listed[1]
    for key, number in (("]", listed[2]), ("[", listed[1]), ("K", listed[0])):
        with visit.page.expect_navigation():
            visit.page.keyboard.press(key)
        assert heading.inner_text() == number
    visit.page.keyboard.press("u")
    visit.at("/orders/?side=sell&sort=number")
    assert numbers(visit) == listed


def test_a_file_has_the_chosen_columns_and_a_view_of_them(enter, world: World) -> None:
    world.order({"KT-17": 1})
    visit = enter("clerk")
    visit.go("/orders/?side=sell&columns=number,state")
    assert visit.page.locator("#list thead th").all_inner_texts()[1:-1] == ["Number", "State"]
    visit.page.get_by_text("Export", exact=True).click()
    with visit.page.expect_download() as download:
        visit.page.get_by_text("CSV, exactly what is shown").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "Number,State" and len(lines) == Order.unscoped.count() + 1


def test_prices_are_changed_one_after_another_by_keyboard(enter, world: World) -> None:
    visit = enter("admin")
    visit.go("/prices/?columns=product.code,amount,valid_from")
    cells = visit.page.locator('#list [data-cell="amount"]')
    first, before = cells.nth(0), Price.unscoped.count()
    first.focus()
    visit.page.keyboard.press("Enter")
    first.locator("input").fill("77.5")
    visit.page.keyboard.press("Tab")
    cells.nth(1).locator("input").wait_for()
    assert first.inner_text() == "77.50" and Price.unscoped.filter(amount="77.5", valid_from=clock.today()).count() == 1
    cells.nth(1).locator("input").fill("88")
    visit.page.keyboard.press("Enter")
    cells.nth(1).get_by_text("88.00").wait_for()
    assert visit.page.evaluate("document.activeElement.dataset.cell") == "amount", "one goes on from the cell"
    assert Price.unscoped.count() == before + 2


def test_a_cell_is_edited_in_place_and_a_faster_colleague_is_shown(enter, world: World) -> None:
    visit = enter("admin")
    visit.go("/products/")
    cell = visit.page.locator("tr", has_text="KT-17").locator('[data-cell="name"]')
    cell.dblclick()
    field = cell.locator("input")
    field.fill("Kettle, steel")
    field.press("Enter")
    cell.get_by_text("Kettle, steel").wait_for()
    assert Product.unscoped.get(code="KT-17").name_en == "Kettle, steel"
    cell.dblclick()
    field.fill("Kettle, glass")
    Product.unscoped.filter(code="KT-17").update(name_en="Kettle, copper")
    visit.faults.clear()
    field.press("Enter")
    cell.get_by_text("Kettle, copper").wait_for()
    assert field.input_value() == "Kettle, glass", "what was typed is not lost"
    visit.page.get_by_role("button", name="Use mine").click()
    cell.locator("input").wait_for(state="detached")
    assert Product.unscoped.get(code="KT-17").name_en == "Kettle, glass"
