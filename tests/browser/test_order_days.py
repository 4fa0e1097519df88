"""One working day after another, as each role lives it at its own screen: the buyer orders, the clerk decides, the warehouse ships, finance books."""

from __future__ import annotations

import re

import pytest
from browser_visit import Visit
from browser_world import World

from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.fulfilment.models import Difference, Shipment
from qudao.orders.models import Order

pytestmark = pytest.mark.browser


def refreshed(order: Order) -> Order:
    return Order.unscoped.get(pk=order.pk)


def row(visit: Visit, number: int, column: str):
    """A cell of the line editor: the input, or the shown text."""
    line = visit.page.locator("tbody tr.ln").nth(number - 1)
    return line.locator(f'[name="lines-{column}"], [data-show="{column}"]')


def paste(visit: Visit, block: str) -> None:
    """Ctrl V of what was copied in a spreadsheet."""
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.page.evaluate("(text) => navigator.clipboard.writeText(text)", block)
    visit.page.keyboard.press("Control+V")


def test_a_buyer_orders_with_the_keyboard_alone(enter, world: World) -> None:
    visit = enter("buyer")
    keys = visit.page.keyboard
    visit.go("/orders/")
    keys.press("n")  # the page's key for its next action
    visit.at("/orders/new/")

    # By name, chosen from the list; then by code; then a block from a spreadsheet.
    row(visit, 1, "code").focus()
    keys.type("落地扇")
    visit.page.get_by_role("option", name="FN-16").wait_for()
    keys.press("Enter")
    keys.type("20")
    keys.press("Enter")  # from the last cell to the next, still empty row
    keys.type("KT-17")
    keys.press("Tab")
    keys.type("3箱")
    row(visit, 2, "gross").get_by_text("1,800.00").wait_for()
    visit.says("To pay (incl. tax)", "4,600.00", "Enough for this order", "Credit")
    assert row(visit, 2, "base").inner_text() == "18 台"

    assert row(visit, 1, "stock").inner_text() == "In stock", "a buyer is told a band, not the figure"

    keys.press("Tab")
    paste(visit, "RC-40\t4\r\nNO-SUCH\t1\r\n")
    visit.says("There is no product “NO-SUCH” that you can order.")
    assert visit.grave() == []

    # Ctrl Enter submits: refused, all at once, each at its line and in words; nothing typed is lost.
    with visit.page.expect_navigation():
        keys.press("Control+Enter")
    assert [row(visit, n, "code").input_value() for n in (1, 2, 3, 4)] == ["FN-16", "KT-17", "RC-40", "NO-SUCH"]
    assert visit.page.evaluate("document.activeElement.name") == "lines-code", "the first wrong line has the focus"
    row(visit, 4, "code").focus()
    for _field in ("code", "qty"):
        keys.press("Control+A")
        keys.press("Delete")
        keys.press("Tab")
    with visit.page.expect_navigation():
        keys.press("Control+Enter")
    visit.says("Only 12 of 20 are available: 8 are missing. Order less, wait for the next receipt, or split the order.")
    assert not Order.unscoped.filter(placed_by=world.people["buyer"].user_id).exists()

    row(visit, 1, "qty").focus()
    keys.press("Control+A")
    keys.type("2")
    visit.says("2,880.00")
    with visit.page.expect_navigation():
        keys.press("Control+Enter")
    visit.page.wait_for_url(re.compile(r"/orders/\d+/$"))
    order = Order.unscoped.get(placed_by=world.people["buyer"].user_id)
    visit.says(f"Order {order.number} is confirmed and goes to the warehouse.", "2,880.00")
    visit.page.get_by_role("button", name="280.00", exact=True).click()
    visit.page.locator(".q-why").locator("visible=true").get_by_text("Why").wait_for()


def test_a_double_click_makes_one_order(enter, world: World) -> None:
    visit = enter("owner")
    visit.go("/orders/new/")
    visit.field("Buyer's own number").fill("PO-TWICE")
    row(visit, 1, "code").fill("KT-17")
    row(visit, 1, "qty").fill("5")
    visit.page.get_by_role("button", name="Submit the order").locator("visible=true").dblclick()
    visit.page.wait_for_url(re.compile(r"/orders/\d+/$"))
    assert Order.unscoped.filter(po_number="PO-TWICE").count() == 1


def test_a_clerk_decides_on_a_phone_in_two_taps(enter, world: World) -> None:
    first, second = world.order({"RC-40": 110}), world.order({"RC-40": 105, "KT-17": 1})
    visit = enter("clerk", phone=True)
    visit.go("/approvals/")
    assert visit.wide() == ""
    case = visit.page.get_by_role("link", name=first.number)
    assert visit.small(case) == []
    case.tap()
    visit.says("22,000.00")
    approve, reject = visit.button("Approve"), visit.page.locator("#refuse > summary")
    assert visit.small(approve, reject) == [] and visit.wide() == "" and visit.grave() == []
    approve.tap()
    visit.says(f"{first.number} approved.")

    # The next case stands open; it is rejected, and the reason is asked for.
    visit.says(second.number, "21,100.00")
    visit.page.locator("#refuse > summary").tap()
    visit.page.locator("#refuse .btn-danger").tap()
    visit.page.get_by_role("alert").wait_for()
    visit.page.locator("#refuse > summary").tap()
    visit.page.get_by_placeholder("Another reason").fill("额度用于七月")
    visit.page.locator("#refuse .btn-danger").tap()
    visit.says(f"{second.number} rejected.", "Nothing waits for your signature.")
    assert (refreshed(first).status, refreshed(second).status) == ("confirmed", "rejected")

    # The buyer reads why.
    buyer = enter("buyer", phone=True)
    buyer.go(f"/orders/{second.pk}/")
    buyer.says("额度用于七月")
    assert buyer.wide() == ""


def test_a_warehouse_ships_and_the_buyer_receives_one_too_few_on_a_phone(enter, world: World) -> None:
    order = world.order({"KT-17": 6, "RC-40": 2}, po_number="PO-SHORT")
    drain()
    visit = enter("warehouse")
    visit.go("/shipments/?side=sell")
    shipment = Shipment.unscoped.get(order=order)
    visit.page.get_by_role("link", name=shipment.number, exact=True).click()
    visit.button("Start picking").click()
    visit.says("Picking has begun.")
    visit.button("Dispatch").click()
    visit.at(f"/shipments/{shipment.pk}/dispatch")
    visit.field("Carrier").fill("顺丰速运")
    visit.field("Tracking number").fill("20260722")
    visit.page.keyboard.press("Control+Enter")
    visit.says("The shipment has left.", "顺丰速运")
    drain()

    buyer = enter("buyer", phone=True)
    buyer.go("/")
    buyer.page.get_by_role("link", name=f"Receive {shipment.number}").locator("visible=true").first.tap()  # what to do today
    receive = buyer.button("Receive")
    assert buyer.small(receive) == [] and buyer.wide() == ""
    receive.tap()
    buyer.at(f"/shipments/{shipment.pk}/receipt")
    counted = row(buyer, 1, "received")
    assert counted.input_value() == "6" and buyer.small(counted) == [] and buyer.wide() == "" and buyer.grave() == []
    counted.fill("7")  # a slip: more than was sent belongs elsewhere
    with buyer.page.expect_navigation():
        buyer.button("Confirm receipt").tap()
    assert row(buyer, 1, "received").input_value() == "7"
    buyer.page.locator("tr.hint.c-wrong").get_by_text("7").wait_for()
    row(buyer, 1, "received").fill("5")
    buyer.button("Confirm receipt").tap()
    buyer.says("The receipt is confirmed.")
    assert buyer.wide() == ""
    difference = Difference.unscoped.get(shipment=shipment)
    assert (difference.kind, difference.qty, difference.amount) == ("short", 1, 100)

    # The brand sees it too.
    visit.go("/differences/")
    visit.says(shipment.number)


def test_finance_books_a_payment_and_both_sides_see_it_settled(enter, world: World) -> None:
    order, invoice = world.invoiced({"RC-40": 3})
    visit = enter("finance")
    visit.go("/invoices/")
    visit.page.get_by_role("link", name=invoice.number, exact=True).click()
    visit.at(f"/invoices/{invoice.pk}/")
    visit.says("600.00", order.number)
    visit.go("/payments/new")
    visit.page.get_by_label("Buyer").select_option(str(world.orgs["D001"].pk))
    visit.field("Amount").fill("600")
    visit.field("Reference").fill(invoice.number)
    visit.button("Record a payment").click()
    visit.page.wait_for_url(re.compile(r"/payments/\d+/$"))
    visit.says("The payment is recorded.", invoice.number, "600.00")
    drain()
    assert refreshed(order).status == "closed" and Invoice.unscoped.get(pk=invoice.pk).state == "paid"

    for key, side in (("finance", visit), ("buyer", enter("buyer"))):
        side.go(f"/invoices/{invoice.pk}/")
        side.page.locator(".q-head").get_by_text("Paid", exact=True).wait_for()
        side.go(f"/orders/{order.pk}/")
        assert side.page.locator(".q-steps li.past").count() == 6, f"every step of the order is past for {key}"
