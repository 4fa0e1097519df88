"""Three tiers: a shop orders from its tier-1 dealer, which has too few, orders them from the brand, and delivers the rest when they come; and the plain
order of a sub-dealer that its tier-1 fulfils from its own shelf. The brand stands above the trade of the two below it, and is no part of it.
"""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from qudao.approvals.tests.make import make_rule
from qudao.base.access import sees_prices, visible
from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.billing.queries import invoices
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.fulfilment.queries import differences, lines_of
from qudao.fulfilment.rules import Count
from qudao.funds.queries import unscoped_card
from qudao.inventory.queries import on_hand
from qudao.kernel.errors import Forbidden, NotFound, Refused
from qudao.ledger.queries import balances
from qudao.orders.actions import approve_order, place_order
from qudao.orders.models import Line, Order
from qudao.orders.queries import order_of
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_downstream, make_world
from qudao.payments.actions import PaymentFacts, announce_payment, confirm_payment, record_payment
from qudao.pricing.models import Price

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """The brand has a hundred kettles; its dealer Lakeside has four, and sells them to its shop for 130.00 (it pays 100.00)."""
    return make_world([100])


def order(world, seller, buyer, qty, actor, **facts):
    return place_order(Placing(seller.pk, buyer.pk, [NewLine(world.products[0].pk, D(qty))], **facts), actor=actor)


def state(one):
    one.refresh_from_db()
    return one.status, one.allocation, one.fulfilment, one.billing, one.payment


def shelf(actor):
    """What lies in the main place of the actor's company: on hand and reserved."""
    (row,) = on_hand(actor).filter(place__owner_id=actor.org_id, place__code="MAIN")
    return row.on_hand, row.reserved


def deliver(one, seller, buyer):
    """All that can leave leaves, arrives and is invoiced."""
    shipment = ship_order(one.pk, actor=seller)
    confirm_receipt(shipment.pk, actor=buyer)
    drain()
    return shipment


def pay(one, actor):
    """The buyer pays all invoices of an order at once."""
    gross = sum(invoice.gross for invoice in Invoice.unscoped.filter(order=one))
    payment = record_payment(PaymentFacts(one.seller_id, one.buyer_id, gross), actor=actor)
    drain()
    return payment


def test_a_three_tier_order_with_a_shortage(world):
    cast = world.cast
    brand, lakeside, shop = cast.hq_admin, cast.dealer_admin, cast.sub_dealer
    agreement = make_downstream(world, quantity=4)

    # The shop wants ten kettles. Lakeside has four: as they stand, the order is refused; with the rest later, it is confirmed.
    with pytest.raises(Refused) as refusal:
        order(world, cast.d001, cast.s001, 10, shop)
    assert [fault.code for fault in refusal.value.faults] == ["inventory.short"]
    wanted = order(world, cast.d001, cast.s001, 10, shop, short="backorder")
    drain()
    assert (wanted.number, wanted.gross, state(wanted)[:2]) == ("SO-S001-00001", D(1300), ("confirmed", "partial"))
    assert unscoped_card(agreement.pk).position.ordered == D(1300), "credit is held for all of it"
    assert shelf(lakeside) == (4, 4)

    # The four that are there leave at once, are received and invoiced; six wait.
    deliver(wanted, lakeside, shop)
    assert state(wanted) == ("in_fulfilment", "partial", "partial", "partial", "none")
    assert Line.unscoped.get(order=wanted).backordered == 6

    # Lakeside orders the six, and two for its shelf, from the brand, and gets them at its own price.
    supply = order(world, cast.lh, cast.d001, 8, cast.dealer)
    drain()
    assert (supply.status, supply.gross) == ("confirmed", D(800))
    deliver(supply, brand, cast.dealer)

    # What came in went to the shop's order by itself: six are reserved, two are free.
    assert state(wanted)[1] == "full" and shelf(lakeside) == (8, 6)
    deliver(wanted, lakeside, shop)
    assert state(wanted) == ("delivered", "full", "received", "full", "none") and shelf(lakeside) == (2, 0) and shelf(shop) == (10, 0)

    # The brand sees that the two trade, not at what price; the shop sees nothing of what Lakeside pays.
    assert order_of(cast.hq_clerk, wanted.pk) == wanted and not sees_prices(cast.hq_clerk, cast.d001.pk, cast.s001.pk)
    with pytest.raises(NotFound):
        order_of(shop, supply.pk)
    assert {one.amount for one in visible(shop, Price)} == {D(130)} and not visible(shop, Invoice).filter(order=supply).exists()

    # Everybody pays his own seller, and every order is settled.
    pay(wanted, lakeside)
    pay(supply, cast.hq_finance)
    assert state(wanted)[0] == state(supply)[0] == "closed"
    assert unscoped_card(agreement.pk).position.ordered == 0
    assert sum(invoice.gross for invoice in invoices(shop)) == D(1300) and sum(i.gross for i in invoices(cast.hq_finance, side="seller")) == D(800)
    assert_sound()


def test_a_sub_dealers_order_its_tier_1_fulfils(world):
    cast = world.cast
    lakeside, shop = cast.dealer_admin, cast.sub_dealer
    make_downstream(world, quantity=20)

    # Lakeside signs its shop's orders from 1,000.00 on; the brand has no say in it, though it sees the order.
    make_rule(cast.d001, "dealer_admin", "1000")
    asked = order(world, cast.d001, cast.s001, 10, shop, po_number="XX-7")
    assert state(asked)[0] == "in_review" and Order.unscoped.count() == 1
    for stranger, refused in ((cast.hq_clerk, Forbidden), (cast.stranger_admin, NotFound)):
        with pytest.raises(refused):
            approve_order(asked.pk, actor=stranger)
    approve_order(asked.pk, actor=lakeside)
    drain()
    assert shelf(lakeside) == (20, 10)

    # It leaves Lakeside's shelf, not the brand's; at the shop one is dented.
    shipment = ship_order(asked.pk, carrier="own van", actor=lakeside)
    (line,) = lines_of(shipment)
    confirm_receipt(shipment.pk, [Count(line.pk, D(9), damaged=D(1))], actor=shop)
    drain()
    assert (shelf(lakeside), shelf(shop), shelf(cast.hq_warehouse)) == ((10, 0), (9, 0), (100, 0))
    assert [(d.kind, d.qty) for d in differences(shop)] == [(d.kind, d.qty) for d in differences(lakeside)] == [("damaged", 1)]

    # Nine are invoiced; the shop announces the money, Lakeside finds it on its account, and the order is settled.
    (invoice,) = invoices(shop)
    assert invoice.gross == D(1170)
    announced = announce_payment(PaymentFacts(cast.d001.pk, cast.s001.pk, D(1170), reference=invoice.number), actor=shop)
    confirm_payment(announced.pk, actor=lakeside)
    drain()
    assert state(asked) == ("closed", "full", "received", "full", "paid")

    # The two books mirror each other, and nothing of it stands in the brand's.
    owed = {b.account: b.amount for b in balances(lakeside)}
    owing = {b.account: b.amount for b in balances(shop)}
    assert not any(owed.values()) and not any(owing.values())
    assert not balances(cast.hq_finance).exists()
    assert_sound()
