"""One price list in CNY, one buyer who pays in it and one in USD: each document, account and book stays in its own currency, at the rate of its day."""

from __future__ import annotations

from decimal import Decimal as D
from uuid import uuid4

import pytest

from qudao.agreements.tests.make import make_agreement
from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt
from qudao.fulfilment.tests.make import counts, received, shipped
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import make_places
from qudao.kernel.errors import Refused
from qudao.ledger.models import Balance, OpenItem
from qudao.orders.actions import place_order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import START, assert_sound, make_credit, make_world, place
from qudao.payments.actions import PaymentFacts, record_payment
from qudao.pricing.actions import set_rate
from qudao.pricing.rules import RateDraft

pytestmark = pytest.mark.django_db


def test_each_buyer_trades_in_the_currency_of_its_agreement():
    world = make_world(limit=D(1000))
    lh, abroad = world.cast.lh, world.cast.d002
    agreement = make_agreement(lh, abroad, currency="USD", payment_days=30)
    make_credit(agreement, D(100))
    make_places(abroad)
    placing = Placing(lh.pk, abroad.pk, [NewLine(world.products[0].pk, D(7))])
    with pytest.raises(Refused, match=r"no_price|rate"):
        place_order(placing, actor=world.cast.hq_clerk, client_id=uuid4())
    set_rate(lh.pk, RateDraft("CNY", "USD", START, D("0.14")), actor=system_actor())

    here, there = place(world, 7), place_order(placing, actor=world.cast.hq_clerk, client_id=uuid4())
    assert [(o.currency, o.gross, o.status) for o in (here, there)] == [("CNY", D(700), "confirmed"), ("USD", D(98), "confirmed")]
    with pytest.raises(Refused, match=r"funds\.limit"):
        place_order(Placing(lh.pk, abroad.pk, [NewLine(world.products[1].pk, D(1))]), actor=world.cast.hq_clerk, client_id=uuid4())

    set_rate(lh.pk, RateDraft("CNY", "USD", there.ordered_on, D("0.20")), actor=system_actor())
    received(world, here)
    shipment = shipped(world, there)
    confirm_receipt(shipment.pk, counts(shipment, (0,)), actor=system_actor())
    drain()
    owed = {i.buyer_id: (i.currency, i.gross) for i in Invoice.unscoped.all()}
    assert owed == {world.cast.d001.pk: ("CNY", D(700)), abroad.pk: ("USD", D(98))}, "an order keeps the rate of its day"
    assert set(OpenItem.unscoped.filter(org=lh).values_list("currency", "open_amount")) == {("CNY", D(700)), ("USD", D(98))}

    payment = record_payment(PaymentFacts(lh.pk, abroad.pk, D(98)), actor=world.cast.hq_finance)
    drain()
    assert (payment.currency, payment.state) == ("USD", "applied")
    assert unscoped_card(agreement.pk).exposure == 0 and unscoped_card(world.agreement.pk).exposure == D(700)
    bank = {b.currency: b.amount for b in Balance.unscoped.filter(org=lh, account="bank").exclude(amount=0)}
    assert bank == {"USD": D(98)}
    assert_sound()
