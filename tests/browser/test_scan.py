"""Barcodes by the camera: Chromium's fake camera shows drawn labels, and what the product decodes from them lands in the basket or opens."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal as D
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import segno
from browser_visit import FLAGS
from browser_world import World
from django.db import connection
from PIL import Image, ImageDraw
from pytest_django.live_server_helper import LiveServer

from qudao.base.barcodes import STOP, WIDTHS, checked, code128
from qudao.base.outbox import drain
from qudao.baskets.models import Line
from qudao.catalog.actions import change_products, set_pack
from qudao.catalog.rules import ProductDraft
from qudao.fulfilment.actions import start_pick
from qudao.fulfilment.queries import lines_of
from qudao.kernel.gs1 import check_digit

pytestmark = pytest.mark.browser
GTINS = {"RC-40": "06901234567892", "KT-17": "06909876543212", "FN-16": "06912345678902"}
#: EAN-13: the sevens of the digits on the left, odd parity; which digits on the left are even, by the first digit
ODD = ("0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011")
PARITY = ("LLLLLL", "LLGLGG", "LLGGLG", "LLGGGL", "LGLLGG", "LGGLLG", "LGGGLL", "LGLGLG", "LGLGGL", "LGGLGL")
SIZE = (640, 480)
#: a box of kettles, without its check digit
PACK = "1690987654321"


def ean13(digits: str) -> str:
    """The modules of an EAN-13, 1 for black."""
    right = ["".join("10"[int(bit)] for bit in ODD[int(digit)]) for digit in digits]
    left = [ODD[int(digit)] if kind == "L" else right[at][::-1] for at, (digit, kind) in enumerate(zip(digits[1:7], PARITY[int(digits[0])], strict=True), 1)]
    return f"101{''.join(left)}01010{''.join(right[7:])}101"


def gs1_128(text: str) -> str:
    """The modules of a GS1-128."""
    widths = "".join(WIDTHS[value] for value in checked(code128(text, gs1=True))) + STOP
    return "".join(("1" if at % 2 == 0 else "0") * int(width) for at, width in enumerate(widths))


def bars(modules: str) -> Image.Image:
    paper = Image.new("L", SIZE, 255)
    pen, wide = ImageDraw.Draw(paper), 3 if len(modules) < 180 else 2
    left = (SIZE[0] - wide * len(modules)) // 2
    for at, module in enumerate(modules):
        if module == "1":
            pen.rectangle((left + at * wide, 140, left + at * wide + wide - 1, 340), fill=0)
    return paper


def square(text: str) -> Image.Image:
    drawn = BytesIO()
    segno.make(text, error="m").save(drawn, kind="png", scale=6, border=6)
    paper = Image.new("L", SIZE, 255)
    code = Image.open(drawn).convert("L")
    paper.paste(code, ((SIZE[0] - code.width) // 2, (SIZE[1] - code.height) // 2))
    return paper


def film(path: Path, pictures: list[Image.Image]) -> None:
    """A film for the fake camera: each picture for a while, white paper in between."""
    with path.open("wb") as file:
        for picture in pictures:
            for one in [picture] * 45 + [Image.new("L", SIZE, 255)] * 15:
                one.convert("RGB").save(file, format="JPEG", quality=80)


@pytest.fixture(scope="module")
def chromium(chromium_path: str, live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser with a camera that sees an EAN-13, a GS1-128 with lot, and a Digital Link as QR, again and again."""
    from playwright.sync_api import sync_playwright

    path = tmp_path_factory.mktemp("film") / "labels.mjpeg"
    link = f"https://example.com/01/{GTINS['FN-16']}/10/L7?17=271231"
    film(path, [bars(ean13(GTINS["RC-40"][1:])), bars(gs1_128(f"01{GTINS['KT-17']}10L7")), square(link)])
    camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={path}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=[*FLAGS, *camera], env={**os.environ, "LANG": "C.UTF-8"})
        yield browser
        browser.close()
        connection.close()


@pytest.fixture(scope="module", autouse=True)
def labels(world: World) -> None:
    made = {code: world.products[code] for code in GTINS}
    facts = {code: {field.name: getattr(one, field.name) for field in fields(ProductDraft) if hasattr(one, field.name)} for code, one in made.items()}
    change_products({one.pk: ProductDraft(**{**facts[code], "gtin": GTINS[code]}) for code, one in made.items()}, actor=world.people["admin"])


@pytest.mark.parametrize("phone", [True, False])
def test_labels_before_the_camera_fill_the_basket_one_each(enter, world: World, phone: bool, record_property: Any) -> None:
    Line.unscoped.all().delete()
    visit = enter("buyer", phone=phone)
    page, loaded = visit.page, list[str]()
    page.context.grant_permissions(["camera"])
    page.context.on("request", lambda asked: loaded.append(asked.url))
    visit.go("/basket/")
    assert not [url for url in loaded if "decode" in url or "camera" in url or ".wasm" in url], "nothing of it comes before it is wanted"
    button = page.locator("[data-camera]")
    assert not phone or visit.small(button) == []
    began = time.monotonic()
    button.click()
    page.locator("[data-entry] video").wait_for()
    rows = page.locator(".q-basket tbody")
    rows.filter(has_text=re.compile("|".join(GTINS))).first.wait_for()
    record_property("first", round(time.monotonic() - began, 2))
    for code in GTINS:
        rows.filter(has_text=code).first.wait_for()
    record_property("all", round(time.monotonic() - began, 2))
    assert [url for url in loaded if url.endswith(".wasm")], "the browser here has no reader of its own"
    assert visit.wide() == "" and visit.grave() == []
    button.click()
    page.locator("[data-entry] video").wait_for(state="detached")
    held = {line.product.code: line.qty for line in Line.unscoped.select_related("product")}
    assert set(held) == set(GTINS) and held["RC-40"] < 5 and held["FN-16"] < 5, held  # one each time a label comes before the camera


def test_a_label_opens_what_it_stands_for(enter, world: World) -> None:
    visit = enter("clerk")
    visit.page.context.grant_permissions(["camera"])
    visit.go("/scan/")
    visit.page.locator("[data-camera]").click()
    visit.at("/products/*/")
    assert any(code in visit.page.locator("main").inner_text() for code in GTINS)


@pytest.mark.parametrize(("language", "words"), [("en", "The browser may not use the camera."), ("zh-hans", "浏览器不能使用摄像头")])
def test_without_leave_it_says_so_and_typing_goes_on(enter, world: World, language: str, words: str) -> None:
    Line.unscoped.all().delete()
    visit = enter("buyer", language=language)
    visit.go("/basket/")
    visit.page.locator("[data-camera]").click()
    visit.says(words)
    visit.page.keyboard.type("RC-40\n")  # the field has the focus: a hand scanner is such a keyboard
    named = re.compile("|".join((world.products["RC-40"].name, world.products["RC-40"].name_en)))
    visit.page.locator(".q-basket tbody").filter(has_text=named).first.wait_for()  # which the server told
    assert [line.product.code for line in Line.unscoped.select_related("product")] == ["RC-40"]


def at(page: Any, code: str, column: str) -> str:
    """What a row of a count says in a column."""
    return page.locator(f"tr[data-codes*='{code}='] [name=lines-{column}]").input_value()


def test_a_hand_scanner_counts_what_arrived_line_by_line(enter, world: World) -> None:
    pack = set_pack(world.products["KT-17"].pk, "箱", D(6), gtin=PACK + check_digit(PACK), actor=world.people["admin"])
    _order, shipment = world.shipped({"RC-40": 3, "KT-17": 8})
    visit = enter("buyer", phone=True)
    page = visit.page
    visit.go(f"/shipments/{shipment.pk}/receipt")
    assert visit.wide() == "" and visit.grave() == [] and visit.small(page.locator("[data-camera]")) == []
    page.locator("[name=scanned]").focus()
    began = time.monotonic()
    keyboard = page.keyboard
    for text in (GTINS["RC-40"][1:], f"01{GTINS['KT-17']}10L7", "rc-40", pack.gtin, f"https://example.com/01/{GTINS['RC-40']}/10/L7", "NO-1", "RC-40"):
        keyboard.type(f"{text}\n")
    assert time.monotonic() - began < 3, "a scanner does not wait"
    visit.says("No line here has NO-1.", "10 of 11 counted", "Counting begins at zero;")
    assert [at(page, code, column) for code in ("RC-40", "KT-17") for column in ("received", "over")] == ["3", "1", "7", ""]
    page.reload()  # what was counted is still there, and counting goes on
    page.locator("[name=scanned]").focus()
    keyboard.type("KT-17\n")
    visit.says("11 of 11 counted")
    visit.button("Fill in as expected").tap()
    assert [at(page, code, column) for code in ("RC-40", "KT-17") for column in ("received", "over")] == ["3", "", "8", ""]
    page.locator("[name=scanned]").focus()
    for text in ("RC-40", "RC-40", *["KT-17"] * 8):
        keyboard.type(f"{text}\n")
    visit.button("Confirm receipt").tap()
    visit.at(f"/shipments/{shipment.pk}/")
    assert {line.product.code: (line.count.received, line.count.short) for line in lines_of(shipment)} == {"RC-40": (2, 1), "KT-17": (8, 0)}


def test_who_picks_scans_what_leaves_and_is_told_when_it_is_too_much(enter, world: World) -> None:
    order = world.order({"RC-40": 2, "KT-17": 1})
    drain()
    shipment = start_pick(order.pk, actor=world.people["warehouse"])
    visit = enter("warehouse")
    page = visit.page
    page.context.grant_permissions(["camera"])
    for address in (f"/shipments/{shipment.pk}/dispatch", f"/shipments/{shipment.pk}/parcels/new"):
        visit.go(address)
        page.locator("[name=scanned]").focus()
        for _ in range(3):
            page.keyboard.type("RC-40\n")
        visit.says("RC-40: all 2 are counted already.", "2 of 3 counted")
        assert (at(page, "RC-40", "qty"), at(page, "KT-17", "qty")) == ("2", "0")
        assert visit.wide() == "" and visit.grave() == []
    page.locator("[data-camera]").click()  # the film shows each label in turn; what no line has is said
    visit.says("3 of 3 counted", "No line here has")
    assert at(page, "KT-17", "qty") == "1"
    page.locator("[data-camera]").click()
