"""The whole life of one order, as both sides live it: ordered, approved, reserved, shipped, received with a difference, invoiced, paid.

Lanhe (岚禾电器, the brand) sells kettles and pans to its dealer Hangzhou Lakeside, 100.00 a piece including 13 % tax, on 30 days after the invoice;
the invoice follows the receipt. Everything happens through the actions that pages and API call.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest

from qudao.approvals.tests.make import make_rule
from qudao.base.outbox import drain
from qudao.billing.queries import invoices
from qudao.fulfilment.actions import confirm_receipt, dispatch_shipment, start_pick
from qudao.fulfilment.queries import differences, lines_of
from qudao.fulfilment.rules import Count
from qudao.funds.queries import credit
from qudao.inventory.queries import on_hand
from qudao.kernel import clock
from qudao.kernel.period import DateSpan
from qudao.ledger.queries import PartyAccount, ageing, statement
from qudao.orders.actions import approve_order, place_order
from qudao.orders.queries import order_of
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_world
from qudao.payments.actions import PaymentFacts, announce_payment, confirm_payment

pytestmark = pytest.mark.django_db


class Scene:
    """What each side sees of the trade at a moment."""

    def __init__(self, world):
        self.world, self.cast = world, world.cast
        self.kettle, self.pan = world.products[0], world.products[1]

    def credit(self):
        """The dealer's credit at the brand, as the dealer sees it: ordered, shipped, invoiced, paid in advance."""
        p = credit(self.cast.dealer, self.world.agreement.pk).position
        return {"ordered": p.ordered, "shipped": p.shipped, "invoiced": p.invoiced, "unapplied": p.unapplied}

    def stock(self, actor, product):
        """What lies in the places of the actor's own company: on hand (and reserved) by place."""
        rows = on_hand(actor, product_id=product.pk).filter(place__owner_id=actor.org_id)
        return {row.place.code: (row.on_hand, row.reserved) for row in rows if row.on_hand}

    def order(self, order):
        """Where the order stands, as the dealer reads it."""
        o = order_of(self.cast.dealer, order.pk)
        return o.status, o.fulfilment, o.billing, o.payment


def test_one_order_from_placing_to_settled():
    scene = Scene(make_world([100, 100]))
    order = ordered_and_approved(scene)
    shipment = shipped(scene, order)
    received_with_a_difference(scene, shipment)
    invoiced(scene, order)
    paid(scene, order)
    # Goods, money and books agree everywhere.
    assert_sound()


def ordered_and_approved(scene):
    cast, kettle, pan = scene.cast, scene.kettle, scene.pan

    # The brand wants to see orders from 1,000.00 on.
    make_rule(cast.lh, "hq_clerk", "1000")

    # The dealer's buyer orders ten kettles and four pans for 1,400.00: somebody has to approve, so nothing is held yet.
    order = place_order(Placing(cast.lh.pk, cast.d001.pk, [NewLine(kettle.pk, D(10)), NewLine(pan.pk, D(4))], po_number="HZ-2026-118"), actor=cast.dealer)
    assert (order.number, order.gross, order.status) == ("SO-D001-00001", D("1400.00"), "in_review")
    assert scene.credit()["ordered"] == 0

    # The order clerk approves: credit is held and stock reserved in the same moment, and the warehouse finds a shipment to pick.
    approve_order(order.pk, actor=cast.hq_clerk)
    drain()
    assert scene.order(order) == ("confirmed", "none", "none", "none")
    assert scene.credit() == {"ordered": D("1400.00"), "shipped": 0, "invoiced": 0, "unapplied": 0}
    assert scene.stock(cast.hq_warehouse, kettle) == {"MAIN": (100, 10)}

    return order


def shipped(scene, order):
    cast, kettle = scene.cast, scene.kettle

    # The warehouse picks and sends it by SF Express. The goods are on the way, still the brand's, and credit moves with them.
    shipment = start_pick(order.pk, actor=cast.hq_warehouse)
    dispatch_shipment(shipment.pk, carrier="SF", tracking="SF1067", actor=cast.hq_warehouse)
    drain()
    assert scene.order(order) == ("in_fulfilment", "shipped", "none", "none")
    assert scene.stock(cast.hq_warehouse, kettle) == {"MAIN": (90, 0), "TRANSIT": (10, 0)}
    assert scene.credit() == {"ordered": 0, "shipped": D("1400.00"), "invoiced": 0, "unapplied": 0}

    return shipment


def received_with_a_difference(scene, shipment):
    cast, kettle, pan = scene.cast, scene.kettle, scene.pan

    # At the dealer's door: of ten kettles two are dented and one is missing; the pans are complete, and there is one too many.
    kettles, pans = lines_of(shipment)
    counted = [Count(kettles.pk, D(7), damaged=D(2), short=D(1), note="carton torn"), Count(pans.pk, D(4), over=D(1))]
    confirm_receipt(shipment.pk, counted, actor=cast.dealer)
    assert scene.stock(cast.dealer, kettle) == {"MAIN": (7, 0)}
    assert scene.stock(cast.dealer, pan) == {"MAIN": (4, 0), "CLAIMS": (1, 0)}
    assert scene.stock(cast.hq_warehouse, kettle) == {"MAIN": (90, 0), "CLAIMS": (3, 0)}
    # Both sides read the same three open differences.
    for actor in (cast.dealer, cast.hq_warehouse):
        assert {(d.kind, d.qty, d.amount) for d in differences(actor)} == {("damaged", 2, 200), ("short", 1, 100), ("over", 1, 100)}
    # What will not be invoiced no longer uses credit.
    assert scene.credit() == {"ordered": 0, "shipped": D("1100.00"), "invoiced": 0, "unapplied": 0}


def invoiced(scene, order):
    cast = scene.cast

    # The invoice follows the receipt by itself: what arrived well, 1,100.00, in the books of both, due in 30 days.
    drain()
    (invoice,) = invoices(cast.dealer)
    assert (invoice.number, invoice.net, invoice.tax, invoice.gross) == ("INV-LH-000001", D("973.45"), D("126.55"), D("1100.00"))
    assert invoice.due_on == clock.today() + timedelta(days=30)
    assert scene.order(order) == ("delivered", "received", "full", "none")
    assert scene.credit() == {"ordered": 0, "shipped": 0, "invoiced": D("1100.00"), "unapplied": 0}
    (owed,) = ageing(cast.hq_finance, cast.lh.pk, clock.today())
    assert (owed.code, owed.total, owed.overdue) == ("D001", D("1100.00"), 0)


def paid(scene, order):
    cast = scene.cast

    # The dealer announces 1,200.00 by bank transfer; nothing moves until the brand's finance sees it on the bank statement.
    facts = PaymentFacts(cast.lh.pk, cast.d001.pk, D("1200.00"), reference="HZ pays INV-LH-000001")
    payment = announce_payment(facts, actor=cast.dealer_admin)
    assert scene.order(order)[3] == "none"
    payment = confirm_payment(payment.pk, actor=cast.hq_finance)
    assert (payment.number, payment.applied, payment.left) == ("RC-D001-00001", D("1100.00"), D("100.00"))

    # The order is settled; the hundred too much waits as an advance for the next invoice.
    drain()
    assert scene.order(order) == ("closed", "received", "full", "paid")
    assert scene.credit() == {"ordered": 0, "shipped": 0, "invoiced": 0, "unapplied": D("100.00")}

    # The two statements of account are mirror images, and both end with 100.00 in the dealer's favour.
    month = DateSpan(clock.today(), clock.today())
    theirs = statement(cast.hq_finance, PartyAccount(cast.lh.pk, cast.d001.pk), month)
    ours = statement(cast.dealer_admin, PartyAccount(cast.d001.pk, cast.lh.pk, "payable"), month)
    assert [(x.kind, x.number, x.amount) for x in theirs.lines] == [
        ("invoice", "INV-LH-000001", D("1100.00")),
        ("payment", "RC-D001-00001", D("-1200.00")),
    ]
    assert [(x.number, x.amount) for x in ours.lines] == [(x.number, x.amount) for x in theirs.lines]
    assert theirs.closing == ours.closing == D("-100.00")
