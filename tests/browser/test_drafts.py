"""What is typed into a long form and not yet sent survives a reload and a crash of its page, for the person who typed it, until it is sent."""

from __future__ import annotations

import pytest
from browser_visit import Visit
from browser_world import World

from qudao.fulfilment.models import Difference
from qudao.payments.models import Payment

pytestmark = pytest.mark.browser


def crashed(visit: Visit) -> Visit:
    """The same address in a new page of the browser, after the old one is gone without a word."""
    address, context = visit.page.url, visit.page.context
    visit.page.close(run_before_unload=False)
    again = Visit(context.new_page(), visit.url, visit.faults)
    again.page.goto(address)
    return again


def drafts(visit: Visit) -> int:
    return int(visit.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('qudao-draft:')).length"))


def test_a_count_of_goods_outlives_its_page_and_goes_once_it_is_sent(enter, world: World) -> None:
    _order, shipment = world.shipped({"KT-17": 6, "RC-40": 4})
    visit = enter("buyer", phone=True)
    visit.go(f"/shipments/{shipment.pk}/receipt")
    visit.page.locator('[name="lines-received"]').nth(1).fill("3")
    visit.page.locator("[name=note]").fill("Pallet was wet")
    visit.page.wait_for_timeout(600)
    visit = crashed(visit)
    visit.says("What you typed here before is back.")
    assert [one.input_value() for one in visit.page.locator('[name="lines-received"]').all()] == ["6", "3"]
    visit.page.locator("[data-photo-of]:visible").wait_for()  # what differs asks for its photo as before
    assert visit.page.locator("[name=note]").input_value() == "Pallet was wet" and visit.wide() == "" and visit.grave() == []
    visit.button("Start anew").tap()
    assert visit.page.locator('[name="lines-received"]').nth(1).input_value() == "4" and visit.page.locator("[name=note]").input_value() == ""
    visit.page.locator('[name="lines-received"]').nth(0).fill("5")
    with visit.page.expect_navigation():
        visit.button("Confirm receipt").tap()
    visit.says("The receipt is confirmed.")
    assert drafts(visit) == 0
    visit = enter("owner")
    visit.go(f"/shipments/{shipment.pk}/")
    assert drafts(visit) == 0


def test_a_payment_and_a_claim_outlive_a_reload(enter, world: World) -> None:
    world.invoiced({"KT-17": 4}, missing=1)
    visit = enter("finance")
    visit.go("/payments/new")
    amount, note = visit.field("Amount"), visit.page.locator("[name=note]")
    amount.fill("123.45")
    note.fill("by hand")
    visit.page.reload()
    visit.says("What you typed here before is back.")
    assert visit.field("Amount").input_value() == "123.45" and visit.page.locator("[name=note]").input_value() == "by hand"
    with visit.page.expect_navigation():
        visit.button("Record a payment").click()
    visit.says("The payment is recorded.")
    assert drafts(visit) == 0 and Payment.unscoped.filter(amount="123.45").count() == 1
    claim = Difference.unscoped.latest("pk")
    clerk = enter("admin")
    clerk.go(f"/differences/{claim.pk}/settlement")
    clerk.page.locator("[name=note]").fill("The carrier lost it")
    clerk.page.reload()
    clerk.says("What you typed here before is back.")
    assert clerk.page.locator("[name=note]").input_value() == "The carrier lost it" and clerk.grave() == []
