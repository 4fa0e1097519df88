"""A dealer has too many; its brand passes them on to another: arranged, accepted, shipped, received short, settled, invoiced, paid. Both books agree."""

from decimal import Decimal as D

import pytest

from qudao.agreements.tests.make import make_agreement
from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.billing.queries import invoices
from qudao.fulfilment.actions import Settlement, confirm_receipt, settle_difference, ship_order
from qudao.fulfilment.models import Difference, ShipmentLine
from qudao.fulfilment.rules import Count
from qudao.funds.queries import unscoped_card
from qudao.inventory.models import Stock
from qudao.ledger.models import Balance
from qudao.orders.actions import approve_order
from qudao.orders.tests.make import assert_sound, make_prices, make_world
from qudao.orders.tests.transfers import make_passing
from qudao.payments.actions import record_payment
from qudao.payments.rules import PaymentFacts
from qudao.portal.queries.desk import trades

pytestmark = pytest.mark.django_db


def books(org):
    return {b.account: b.amount for b in Balance.unscoped.filter(org_id=org.pk).exclude(amount=0)}


def pieces(org):
    return sum(Stock.unscoped.filter(place__owner=org).values_list("on_hand", flat=True))


def test_from_the_arrangement_to_the_payment():
    world = make_world([100])
    passing = make_passing(world, 20)
    d001, d002, hq = world.cast.d001, world.cast.d002, world.cast.lh
    start, stock = books(hq), pieces(hq)
    order = passing.arrange(6, note="too many for the season")
    drain()
    approve_order(order.pk, reason="gladly", actor=passing.giver)
    drain()
    shipment = ship_order(order.pk, carrier="SF", tracking="SF1", actor=passing.giver)
    drain()
    (line,) = ShipmentLine.unscoped.filter(shipment=shipment)
    confirm_receipt(shipment.pk, [Count(line.pk, D(5), short=D(1))], actor=passing.taker)
    drain()
    settle_difference(Difference.unscoped.get().pk, Settlement("written_off", "carrier"), actor=passing.giver)
    drain()
    assert (pieces(d001), pieces(d002), pieces(hq)) == (D(14), D(5), stock)

    if not Invoice.unscoped.filter(order=order).exists():
        issue_invoices(order.pk, actor=passing.giver)
    drain()
    invoice = Invoice.unscoped.get(order=order)
    assert (invoice.gross, (invoice.due_on - invoice.date).days) == (D(500), 45)
    assert not invoices(world.cast.sub_dealer).filter(pk=invoice.pk).exists(), "nobody else's dealer sees it"
    assert (books(d001)["receivable"], books(d002)["payable"]) == (D(500), D(-500))
    record_payment(PaymentFacts(d001.pk, d002.pk, D(500), invoice.number), actor=passing.giver)
    drain()
    order.refresh_from_db()
    assert (order.status, order.payment) == ("closed", "paid")
    assert not books(d001).get("receivable") and not books(d002).get("payable") and books(hq) == start, "the brand's own books are not touched"
    assert unscoped_card(order.agreement_id).position.exposure == 0
    assert_sound()


def test_a_transfer_beside_their_own_trade():
    """D001 sells to D002 anyway: their agreement is another, and ordinary orders go on under it."""
    world = make_world([100])
    passing = make_passing(world, 20)
    before = set(trades(passing.taker))
    make_prices(world.cast.d001, world.products[:1], D(130))
    own = make_agreement(world.cast.d001, world.cast.d002)
    assert passing.arrange(1).agreement_id != own.pk
    assert {one for one in trades(passing.taker) if one.agreement_id != own.pk} == before, "nobody orders under an agreement for transfers"
    assert [one.agreement_id for one in trades(passing.taker) if one.seller_id == world.cast.d001.pk] == [own.pk]
    drain()
    assert_sound()
