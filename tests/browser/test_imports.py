"""The import centre in a browser: a real workbook from the choice of its kind to its undoing, and a long one as a job with a bar."""

from __future__ import annotations

import pytest
from browser_visit import Visit
from browser_world import World

from qudao.base import runs, sheets
from qudao.base.models import ImportRun, Run
from qudao.catalog.imports import Products
from qudao.catalog.models import Product

pytestmark = pytest.mark.browser
HEADS = ["货号", "商品叫什么", "税率", "条码"]


def book(*lines: list[str]) -> dict:
    """A workbook as a person brings it."""
    return {"name": "新品.xlsx", "mimeType": sheets.XLSX, "buffer": sheets.write_xlsx(HEADS, lines)}


def upload(visit: Visit, file: dict) -> None:
    visit.page.locator("input[type=file]").set_input_files(file)
    visit.button("Read the file").click()
    visit.at("/imports/*/")


def codes(*some: str) -> set[str]:
    return set(Product.unscoped.filter(code__in=some).values_list("code", flat=True))


def test_a_workbook_is_mapped_corrected_imported_and_undone(enter, world: World) -> None:
    visit = enter("admin")
    visit.go("/imports/")
    visit.page.get_by_role("link", name="Products").first.click()
    visit.at("/imports/new/catalog.products/")
    upload(visit, book(["AF-35", "空气炸锅", "13%", ""], ["AF-50", "空气炸锅 5 升", "much", ""]))
    visit.says("How the file is read", "say what each head means")
    visit.page.get_by_label("商品叫什么").select_option("name")
    visit.button("Read it so and check").click()
    visit.says("What would happen", "is not a number", "Write digits")
    assert visit.page.locator("tr", has_text="much").locator("td").first.inner_text().strip().startswith("3")
    assert visit.grave() == [] and visit.wide() == ""
    visit.button("Discard the file").click()
    visit.at("/imports/")
    visit.go("/imports/new/catalog.products/")
    upload(visit, book(["AF-35", "空气炸锅", "13%", ""], ["AF-50", "空气炸锅 5 升", "13%", ""]))
    assert visit.page.get_by_label("商品叫什么").input_value() == "", "what was said of a file that is gone is not remembered"
    visit.page.get_by_label("商品叫什么").select_option("name")
    visit.button("Read it so and check").click()
    visit.button("Import 2 rows").click()
    visit.says("2 rows are imported.", "Undo the import")
    assert codes("AF-35", "AF-50") == {"AF-35", "AF-50"}
    visit.button("Undo the import").click()
    visit.at("/imports/*/undo")
    visit.says("2 records go back")
    visit.button("Undo the import").click()
    visit.says("The import is undone.")
    assert not codes("AF-35", "AF-50") and ImportRun.unscoped.get().state == "undone"


def test_a_long_file_is_a_job_with_a_bar_on_a_phone(enter, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Products, "most_at_once", 2)
    visit = enter("admin", phone=True)
    visit.go("/imports/new/catalog.products/")
    upload(visit, book(*(["LG-1", "长单一", "13%", ""], ["LG-2", "长单二", "13%", ""], ["LG-3", "长单三", "13%", ""])))
    if visit.page.get_by_label("商品叫什么").input_value() == "":
        visit.page.get_by_label("商品叫什么").select_option("name")
        visit.button("Read it so and check").click()
    visit.button("Import 3 rows").click()
    visit.at("/jobs/*/")
    visit.says("0 of 3 rows", "then written in one go")
    assert visit.wide() == "" and visit.page.locator("progress").get_attribute("max") == "3"
    runs.work_off(Run.unscoped.get().pk)
    visit.says("3 of 3 rows", "Done")
    assert codes("LG-1", "LG-2", "LG-3") == {"LG-1", "LG-2", "LG-3"}
    visit.button("Open the import").first.click()
    visit.at("/imports/*/")
    visit.says("Undo the import", "LG-3")
    assert visit.grave() == []
