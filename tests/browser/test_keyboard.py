"""The days of the warehouse, of finance and of a dealer's receipt without a mouse: every press is a key, nothing is focused by the test itself."""

from __future__ import annotations

import re
import time

import pytest
from browser_visit import Visit
from browser_world import World
from playwright.sync_api import Error
from test_desk import figure

from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.fulfilment.models import Difference, Package, Shipment
from qudao.payments.models import Payment

pytestmark = pytest.mark.browser
#: presses of Tab within which everything on a page is reached
REACH = 150
HERE = """(e) => { const a = document.activeElement; if (!a || a === document.body) return "";
  const label = a.labels && a.labels.length ? a.labels[0].innerText : "";
  return (a.getAttribute("aria-label") || label || a.innerText || a.getAttribute("placeholder") || a.name || "").replace(/\\s+/g, " ").trim(); }"""


def tab_to(visit: Visit, name: str) -> None:
    """Press Tab until what has the focus begins with this name; what is reached must be seen to have the focus."""
    found = re.compile(rf"{re.escape(name)}\b")
    for _press in range(REACH):
        visit.page.keyboard.press("Tab")
        if found.match(str(visit.page.evaluate(HERE))):
            style = "() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; }"
            assert visit.page.evaluate(style), f"nobody sees that {name} has the focus"
            return
    raise AssertionError(f"{name} is not reached by Tab on {visit.page.url}")


def press(visit: Visit, name: str) -> None:
    """Tab to a button or link and press it."""
    tab_to(visit, name)
    visit.page.keyboard.press("Enter")


def fill(visit: Visit, label: str, text: str) -> None:
    """Tab to a field and type in place of what stands there."""
    tab_to(visit, label)
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.type(text)


def find(visit: Visit, words: str, name: str) -> None:
    """Ctrl K, some letters of it, Enter."""
    visit.page.keyboard.press("Control+K")
    visit.page.locator("#palette").get_by_role("option").first.wait_for()
    visit.page.keyboard.type(words)
    visit.page.locator("#palette").get_by_role("option", name=name).first.wait_for()
    visit.page.keyboard.press("Enter")


@pytest.fixture(autouse=True)
def no_mouse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever clicks here by mistake fails."""
    from playwright.sync_api import Locator, Mouse

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise Error("this day is done by keyboard")

    for name in ("click", "tap", "fill", "focus", "select_option", "check", "press"):
        monkeypatch.setattr(Locator, name, refuse)
    monkeypatch.setattr(Mouse, "click", refuse)


def test_a_warehouse_picks_packs_and_ships(enter, world: World) -> None:
    order = world.order({"KT-17": 6, "RC-40": 2}, po_number="PO-KEYS")
    drain()
    shipment = Shipment.unscoped.get(order=order)
    visit = enter("warehouse")
    visit.go("/")
    find(visit, shipment.number[-7:], shipment.number)
    visit.at(f"/shipments/{shipment.pk}/")
    press(visit, "Start picking")
    visit.says("Picking has begun.")
    press(visit, "More")
    press(visit, "Pack")
    dialog = visit.page.locator("dialog[open]")
    dialog.get_by_label("How").wait_for()
    tab_to(visit, "How")
    visit.page.keyboard.type("Each full")
    visit.page.keyboard.press("Control+Enter")
    visit.says("The goods are packed; print the labels.")
    assert Package.unscoped.filter(shipment=shipment).count() == 2, "a full box of kettles, and the cookers"
    press(visit, "Dispatch")
    visit.at(f"/shipments/{shipment.pk}/dispatch")
    fill(visit, "Carrier", "顺丰速运")
    fill(visit, "Tracking number", "20260722")
    visit.page.keyboard.press("Control+Enter")
    visit.says("The shipment has left.", "顺丰速运")
    shipment.refresh_from_db()
    assert shipment.state == "shipped"


def test_finance_takes_money_in_applies_it_and_sends_a_statement(enter, world: World) -> None:
    order, invoice = world.invoiced({"RC-40": 3})
    visit = enter("finance")
    keys = visit.page.keyboard
    visit.go("/invoices/")
    keys.press("j")
    keys.press("Enter")
    visit.at(f"/invoices/{invoice.pk}/")
    visit.says("600.00", order.number)

    find(visit, "payments", "Payments")
    visit.at("/payments/")
    keys.press("n")
    visit.at("/payments/new")
    tab_to(visit, "Buyer")
    keys.type("D001")
    fill(visit, "Amount", "700")
    tab_to(visit, "Apply at once")
    keys.press("Space")
    keys.press("Control+Enter")
    visit.page.wait_for_url(re.compile(r"/payments/\d+/$"))
    payment = Payment.unscoped.latest("pk")
    assert payment.applied == 0

    press(visit, "Apply to invoices")
    visit.at(f"/payments/{payment.pk}/applications")
    keys.press("Control+Enter")
    visit.page.wait_for_url(re.compile(r"/payments/\d+/$"))
    visit.says(invoice.number, "600.00")
    drain()
    assert Invoice.unscoped.get(pk=invoice.pk).state == "paid"

    find(visit, "accounts", "Accounts")
    visit.at("/accounts/")
    keys.press("j")
    keys.press("Enter")
    visit.page.wait_for_url(re.compile(r"/accounts/\d+/"))
    visit.says("Statement", "700.00", invoice.number)
    for name in ("PDF", "Excel"):
        address = visit.page.locator("main").get_by_role("link", name=name).first.get_attribute("href")
        began = time.monotonic()
        assert visit.page.request.get(f"{visit.url}{address}").ok
        figure(f"a statement as {name}", time.monotonic() - began, 1)
    tab_to(visit, "PDF")
    with visit.page.expect_download() as sheet:
        press(visit, "Excel")
    assert sheet.value.suggested_filename.endswith(".xlsx")


def test_a_dealer_counts_a_delivery_one_too_few(enter, world: World) -> None:
    _order, shipment = world.shipped({"KT-17": 6, "RC-40": 2})
    visit = enter("buyer")
    visit.go("/")
    press(visit, f"Receive {shipment.number}")
    visit.at(f"/shipments/{shipment.pk}/")
    press(visit, "Receive")
    visit.at(f"/shipments/{shipment.pk}/receipt")
    tab_to(visit, "Received")
    visit.page.keyboard.press("Control+A")
    visit.page.keyboard.type("5")
    visit.page.keyboard.press("Control+Enter")
    visit.says("The receipt is confirmed.")
    assert (Difference.unscoped.get(shipment=shipment).kind, Difference.unscoped.get(shipment=shipment).qty) == ("short", 1)
