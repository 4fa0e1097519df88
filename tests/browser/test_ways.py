"""The other ways an order goes, by hand: goods from outside are counted in, a transfer is accepted, a head office's payment arrives."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from browser_world import World

from qudao.agreements.tests.make import make_agreement
from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.inventory.actions import register_place
from qudao.inventory.models import Stock
from qudao.inventory.tests.make import make_places, make_stock
from qudao.network.tests.make import make_org
from qudao.orders.actions import arrange_transfer, place_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_credit
from qudao.orders.tests.outside import keep_outside
from qudao.payments.actions import PoolFacts, announce_pool, set_payer
from qudao.payments.models import Pool
from qudao.people.tests.make import actor_of, make_member
from qudao.pricing.actions import assign_list
from qudao.pricing.models import PriceList

pytestmark = pytest.mark.browser


def lines(world: World, quantities: dict[str, int]) -> list[NewLine]:
    return [NewLine(world.products[code].pk, Decimal(qty)) for code, qty in quantities.items()]


def test_goods_of_an_outside_seller_are_counted_in(enter, world: World) -> None:
    outside = keep_outside(world.orgs["D001"], world.people["owner"], world.people["buyer"], named="采购价")
    order = outside.order(10, 4)
    drain()
    buyer = enter("buyer", phone=True)
    buyer.go(f"/orders/{order.pk}/receipts")
    buyer.page.get_by_label("Delivery note").fill("DN-1")
    buyer.page.locator("[name=lines-received]").first.fill("8")
    assert buyer.wide() == "" and buyer.grave() == []
    buyer.button("Confirm receipt").tap()
    buyer.page.wait_for_url("**/shipments/*/")
    buyer.says("DN-1")
    order.refresh_from_db()
    assert order.fulfilment == "partial"
    here = Stock.unscoped.filter(place__owner=world.orgs["D001"], product=outside.products[0], place__code="MAIN")
    assert here.values_list("on_hand", flat=True).get() == 8


def test_a_dealer_accepts_a_transfer(enter, world: World) -> None:
    brand, giver, receiver = (world.orgs[code] for code in ("LH", "D001", "D002"))
    make_stock(make_places(giver)["MAIN"], {world.products["KT-17"].pk: 20})
    agreement = make_agreement(brand, receiver)
    assign_list(agreement.pk, PriceList.unscoped.get(code="BASE").pk, 1, actor=world.people["admin"])
    make_places(receiver)
    order = arrange_transfer(Placing(giver.pk, receiver.pk, lines(world, {"KT-17": 6})), actor=world.people["clerk"], client_id=uuid4())
    drain()
    owner = enter("owner")
    owner.go("/approvals/")
    owner.says(order.number)
    assert owner.grave() == []
    owner.button("Accept").click()
    owner.says(f"{order.number} accepted.")
    owner.go(f"/orders/{order.pk}/")
    owner.says("Confirmed")
    assert Order.unscoped.get(pk=order.pk).status == "confirmed"


def test_the_money_of_a_head_office_arrives(enter, world: World) -> None:
    brand, head = world.orgs["LH"], world.orgs["D001"]
    shop = make_org("outlet", "S009", head, name="湖畔家电滨江店", name_en="Lakeside Binjiang")
    buyer = actor_of(make_member("s009@example.com", shop, "shop_owner"))
    agreement = make_agreement(brand, shop)
    assign_list(agreement.pk, PriceList.unscoped.get(code="BASE").pk, 1, actor=world.people["admin"])
    make_places(shop)
    make_credit(agreement, Decimal(5000))
    set_payer(agreement.pk, head.pk, actor=world.people["finance"])
    order = place_order(Placing(brand.pk, shop.pk, lines(world, {"KT-17": 3})), actor=buyer, client_id=uuid4())
    drain()
    confirm_receipt(ship_order(order.pk, actor=world.people["warehouse"]).pk, actor=buyer)
    drain()
    pool = announce_pool(PoolFacts(brand.pk, head.pk, Decimal(300), "October"), actor=world.people["owner"])
    finance = enter("finance")
    finance.go("/pooled-payments/")
    finance.page.get_by_text(pool.number).first.click()
    assert finance.grave() == []
    finance.button("The money is here").click()
    finance.page.locator("dialog[open]").get_by_role("button", name="The money is here").click()
    finance.says("The payment is booked.")
    assert Pool.unscoped.get().state == "received"
    assert Invoice.unscoped.get(order=order).state == "paid"


def test_what_is_short_is_brought_with_one_click_from_home_and_from_the_list(enter, world: World) -> None:
    world.order({"FN-16": 200})  # more than there is, and it waits for a signature
    north = register_place("NORTH", "北仓", actor=world.people["admin"])
    make_stock(north.pk, {world.products["FN-16"].pk: 300})
    warehouse = enter("warehouse")
    page = warehouse.page
    warehouse.go("/stock/?tab=short")
    warehouse.go("/")
    page.locator("tr", has_text="FN-16").get_by_role("link", name="Move here").click()
    warehouse.at("/stock/shift*")
    code, qty = page.locator("[name=lines-product]").first, page.locator("[name=lines-qty]").first
    assert (code.input_value(), qty.input_value()) == ("FN-16", "188")
    assert warehouse.wide() == "" and warehouse.grave() == []
    warehouse.field("Reason").fill("Orders wait for them")
    warehouse.button("Move goods").click()
    warehouse.says("The goods are in the other warehouse.")
    warehouse.go("/")
    assert not page.get_by_role("link", name="Move here").count()
    buyer = enter("buyer", phone=True)
    row = make_stock_out(world, "KT-17")
    buyer.go("/stock/?tab=short")
    way = buyer.page.get_by_role("link", name="Order: KT-17")
    assert buyer.wide() == "" and buyer.grave() == []
    way.tap()
    buyer.at("/orders/new/*")
    assert buyer.page.locator("[name=lines-code]").first.input_value() == "KT-17"
    row.delete()


def make_stock_out(world: World, code: str) -> Stock:
    """The dealer had some of a product and has none."""
    place = make_places(world.orgs["D001"])["MAIN"]
    return Stock.unscoped.update_or_create(place_id=place, product=world.products[code], defaults={"on_hand": 0, "reserved": 0})[0]
