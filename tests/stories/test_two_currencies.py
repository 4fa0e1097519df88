"""One price list in CNY, one buyer who pays in it and one in USD, and one who trades in both: each document, account and book stays in its own currency, at
the rate of its day."""

from __future__ import annotations

from datetime import timedelta
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
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.kernel.period import DateSpan
from qudao.ledger import queries as ledger
from qudao.ledger.models import Balance, OpenItem
from qudao.orders.actions import Amendment, amend_order, place_order, place_orders
from qudao.orders.models import Line
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import START, assert_sound, make_credit, make_world, place, placing
from qudao.payments.actions import PaymentFacts, Received, announce_payment, apply_payment, confirm_payment, record_payment, record_payments
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


def in_both():
    """D001 buys from LH in CNY, and since today in USD, too, with a limit of 100 there."""
    world = make_world(limit=D(2000))
    cast = world.cast
    set_rate(cast.lh.pk, RateDraft("CNY", "USD", START, D("0.14")), actor=system_actor())
    dollars = make_agreement(cast.lh, cast.d001, currency="USD", code="A-USD", payment_days=30)
    make_credit(dollars, D(100))
    return world, dollars


def code_of(call):
    with pytest.raises((Invalid, Refused)) as error:
        call()
    return [(fault.code, fault.field) for fault in error.value.faults]


def test_one_dealer_trades_with_one_seller_in_two_currencies_and_nothing_is_mixed():
    world, dollars = in_both()
    cast, lh, d001 = world.cast, world.cast.lh, world.cast.d001
    finance = cast.hq_finance
    assert code_of(lambda: place(world, 7)) == [("orders.currency_needed", "currency")]
    assert code_of(lambda: place(world, 7, currency="EUR")) == [("orders.no_agreement_in", "currency")]
    here, there = place(world, 7, currency="CNY"), place(world, 7, currency="USD")
    assert [(o.agreement_id, o.currency, o.gross, o.status) for o in (here, there)] == [
        (world.agreement.pk, "CNY", D(700), "confirmed"),
        (dollars.pk, "USD", D(98), "confirmed"),
    ]
    with pytest.raises(Refused, match=r"funds\.limit"):
        place(world, 0, 1, currency="USD")
    line = Line.unscoped.get(order=here)
    assert amend_order(here.pk, Amendment({line.pk: D(8)}), actor=world.dealer).gross == D(800), "more of an order is of its own currency"

    for order in (here, there):
        received(world, order)
    drain()
    owed = {i.currency: (i.agreement_id, i.gross) for i in Invoice.unscoped.filter(buyer=d001)}
    assert {i.currency for i in Invoice.unscoped.filter(order=here)} == {"CNY"}
    assert owed["USD"] == (dollars.pk, D(98)) and owed["CNY"][0] == world.agreement.pk

    assert code_of(lambda: record_payment(PaymentFacts(lh.pk, d001.pk, D(98)), actor=finance)) == [("payments.currency_needed", "currency")]
    assert code_of(lambda: record_payment(PaymentFacts(lh.pk, d001.pk, D(98), currency="EUR"), actor=finance)) == [("payments.no_agreement_in", "currency")]
    early = record_payment(PaymentFacts(lh.pk, d001.pk, D(100), currency="USD"), (), actor=finance)
    assert apply_payment(early.pk, actor=finance).applied == D(98), "what is left of dollars pays dollars, though more is owed in the other currency"
    announced = announce_payment(PaymentFacts(lh.pk, d001.pk, D(300), currency="CNY"), actor=world.dealer)
    assert confirm_payment(announced.pk, actor=finance).currency == "CNY"
    both = [Received(PaymentFacts(lh.pk, d001.pk, D(500), currency="CNY")), Received(PaymentFacts(lh.pk, d001.pk, D(5), currency="USD"))]
    assert [(p.currency, p.applied) for p in record_payments(both, actor=finance)] == [("CNY", D(500)), ("USD", D(0))]
    drain()
    assert set(Invoice.unscoped.values_list("state", flat=True)) == {"paid"}
    assert [unscoped_card(one.pk).exposure for one in (world.agreement, dollars)] == [D(0), D(-7)]

    span = DateSpan(clock.today() - timedelta(days=3), clock.today() + timedelta(days=1))
    told = {c: ledger.statement(finance, ledger.PartyAccount(lh.pk, d001.pk, "receivable", c), span) for c in ("CNY", "USD")}
    assert [(one.currency, one.closing) for one in told.values()] == [("CNY", D(0)), ("USD", D(-7))]
    assert [sorted(line.amount for line in one.lines) for one in told.values()] == [[D(-500), D(-300), D(800)], [D(-100), D(-5), D(98)]]
    bank = {b.currency: b.amount for b in Balance.unscoped.filter(org=lh, account="bank").exclude(amount=0)}
    assert bank == {"CNY": D(800), "USD": D(105)}
    assert_sound()


def test_a_file_of_orders_says_the_currency_by_row():
    world, _dollars = in_both()
    found = place_orders([(placing(world, 1, currency=c), uuid4()) for c in ("CNY", "USD", "")], actor=world.dealer)
    assert [one.order.currency if one.order else one.faults[0].code for one in found] == ["CNY", "USD", "orders.currency_needed"]
    assert_sound()
