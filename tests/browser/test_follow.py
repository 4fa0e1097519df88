"""Following an order and talking about it: a photo from a phone, an answer, a note that stays inside, an inbox emptied by keyboard."""

from __future__ import annotations

import time
from io import BytesIO

import pytest
from browser_visit import Visit
from browser_world import NOTE, World
from PIL import Image
from test_desk import figure

from qudao.base.models import StoredFile
from qudao.base.outbox import drain
from qudao.messages.actions import write
from qudao.messages.models import Message, Note

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def photo() -> dict[str, object]:
    """A picture of about 4 MB, as a phone takes it."""
    out = BytesIO()
    Image.effect_noise((3000, 2250), 60).convert("RGB").save(out, "JPEG", quality=93)
    assert 3_000_000 < out.tell() < 10_000_000
    return {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}


def chosen(visit: Visit, selector: str) -> int:
    """The bytes of the picture that will be sent, once it has been made small."""
    visit.page.locator("output[data-chosen]").filter(has_text="KB").locator("visible=true").first.wait_for()
    return visit.page.evaluate("(at) => document.querySelector(at).files[0].size", selector)


def test_a_buyer_sends_a_photo_and_the_clerk_answers_and_notes_something_inside(enter, world: World) -> None:
    order = world.order({"KT-17": 2})
    drain()
    buyer = enter("buyer", phone=True)
    buyer.go(f"/orders/{order.pk}/")
    words = buyer.page.get_by_label("Message", exact=True)
    words.fill(NOTE)
    buyer.page.reload()
    assert words.input_value() == NOTE, "a draft survives a reload"
    camera = "form[data-talk] input[type=file]"
    buyer.page.locator(camera).first.set_input_files(files=[photo()])
    assert chosen(buyer, camera) <= 300_000
    buyer.button("Send").tap()
    buyer.page.locator("img.q-shot").wait_for()
    assert words.input_value() == "" and buyer.wide() == "" and buyer.grave() == []
    assert StoredFile.unscoped.get(subject_kind="messages.message").size <= 300_000
    drain()

    clerk = enter("clerk")
    clerk.go("/notices/")
    clerk.says(NOTE)
    clerk.page.keyboard.press("e")
    clerk.says("Nothing is under")
    clerk.go(f"/orders/{order.pk}/")
    clerk.says(NOTE, "1 message")
    assert clerk.page.locator("img.q-shot").evaluate("(one) => one.decode().then(() => one.naturalWidth)") > 100
    words = clerk.page.get_by_label("Message", exact=True)
    words.press_sequentially("@唐")
    clerk.page.get_by_role("option", name="唐雨欣").wait_for()
    clerk.page.keyboard.press("Enter")
    words.press_sequentially("7:30")
    clerk.page.keyboard.press("Control+Enter")
    clerk.page.locator("b.t-accent", has_text="@唐雨欣").wait_for()
    clerk.page.get_by_label("Only my side").check()
    words.fill("0.85")
    clerk.page.keyboard.press("Control+Enter")
    clerk.page.locator(".q-say.in", has_text="0.85").wait_for()
    assert clerk.grave() == [] and (Message.unscoped.count(), Note.unscoped.count()) == (2, 1)

    buyer.go(f"/orders/{order.pk}/")
    buyer.says("7:30", "2 messages")
    assert buyer.page.get_by_text("0.85").count() == 0 and buyer.page.locator(".q-say.in").count() == 0


def test_a_home_and_a_conversation_move_by_themselves(enter, world: World) -> None:
    """Within two beats of the pulse, without a reload."""
    order = world.order({"KT-17": 2})
    clerk, buyer = enter("clerk"), enter("buyer")
    clerk.go("/")
    before = clerk.page.locator("#flow .node.in .big").inner_text()
    buyer.go(f"/orders/{order.pk}/")
    world.order({"KT-17": 1})
    clerk.page.wait_for_function("(old) => document.querySelector('#flow .node.in .big').innerText !== old", arg=before, timeout=12_000)
    write("orders.order", order.pk, "Where shall it go?", actor=world.people["clerk"])
    drain()
    began = time.monotonic()
    buyer.page.get_by_text("Where shall it go?").wait_for(timeout=12_000)
    figure("what the other side says is shown", time.monotonic() - began, 5)
    assert clerk.page.locator("#flow .node.in .big").inner_text() != before


def test_a_photo_of_what_is_missing_goes_along_with_the_count(enter, world: World) -> None:
    _order, shipment = world.shipped({"KT-17": 6})
    buyer = enter("buyer", phone=True)
    buyer.go(f"/shipments/{shipment.pk}/receipt")
    row = buyer.page.locator("[data-photo-of]")
    assert not row.is_visible(), "nothing differs yet"
    buyer.page.locator('[name="lines-received"]').fill("5")
    row.wait_for()
    camera = "[data-photo-of] input[type=file]"
    assert buyer.small(row.locator("label")) == []
    buyer.page.locator(camera).set_input_files(files=[photo()])
    assert chosen(buyer, camera) <= 300_000 and buyer.wide() == "" and buyer.grave() == []
    buyer.button("Confirm receipt").tap()
    buyer.says("The receipt is confirmed.")
    assert buyer.page.locator("img.q-shot").count() == 2, "at the line and at the difference"
    warehouse = enter("warehouse")
    warehouse.go(f"/shipments/{shipment.pk}/")
    assert warehouse.page.locator("img.q-shot").first.evaluate("(one) => one.decode().then(() => one.naturalWidth)") > 100
