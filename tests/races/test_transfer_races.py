"""Many hands on one transfer: accepted, declined, cancelled, shipped and counted at the same moment. One answer counts, goods move once, money stays
between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal as D
from functools import partial
from typing import Any

import pytest

from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.fulfilment.models import Receipt, Shipment
from qudao.inventory.models import Reservation
from qudao.inventory.tests.make import levels, make_places
from qudao.kernel.errors import DomainError
from qudao.ledger.models import Balance, OpenItem
from qudao.orders.actions import approve_order, arrange_transfer, cancel_order, reject_order
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound, make_world
from qudao.orders.tests.transfers import Passing, make_passing
from qudao.payments.actions import record_payment
from qudao.payments.rules import PaymentFacts

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def made(quantity: int) -> Passing:
    """D001 has so many pieces to pass on to D002."""
    return make_passing(make_world([100]), quantity)


def stock_of(passing: Passing) -> tuple[D, D, D, D]:
    """On hand and reserved of the giver, then of the receiver."""
    sides = [make_places(org)["MAIN"] for org in (passing.world.cast.d001, passing.world.cast.d002)]
    product = passing.world.products[0].pk
    return tuple(x for place in sides for x in levels(place).get((place, product), (D(0), D(0))))  # type: ignore[return-value]


def refusals(found: list[Any]) -> list[str]:
    """The codes of what was refused; anything else that went wrong is raised."""
    for one in found:
        if isinstance(one, Exception) and not isinstance(one, DomainError):
            raise one
    return [one.faults[0].code for one in found if isinstance(one, DomainError)]


@pytest.mark.parametrize("turn", range(3))
def test_one_answer_counts(race: Callable[..., list[Any]], turn: int) -> None:
    """Accepted by two, declined, cancelled by all three at once: its state, its reservations and its credit tell the same end."""
    passing = made(20)
    order = passing.arrange(6)
    bodies = [
        partial(approve_order, order.pk, actor=passing.giver),
        partial(approve_order, order.pk, actor=passing.giver),
        partial(reject_order, order.pk, reason="ours", actor=passing.giver),
        *(partial(cancel_order, order.pk, reason="no", actor=actor) for actor in (passing.clerk, passing.giver, passing.taker)),
    ]
    found = race(bodies[turn:] + bodies[:turn])
    done = len(found) - len(refusals(found))
    order.refresh_from_db()
    # accepted and then cancelled are two; every other end is one
    assert order.status in ("rejected", "cancelled", "confirmed") and done == (2 if order.approval == "approved" and order.status == "cancelled" else 1)
    assert stock_of(passing) == (D(20), D(6) if order.status == "confirmed" else D(0), D(0), D(0))
    drain()
    assert_sound()


def test_the_last_pieces_are_passed_on_once(race: Callable[..., list[Any]]) -> None:
    passing = made(5)
    orders = [passing.arrange(1) for _n in range(8)]
    found = race([partial(approve_order, order.pk, actor=passing.giver) for order in orders])
    assert refusals(found) == ["inventory.short"] * 3
    assert stock_of(passing)[:2] == (D(5), D(5)) and Reservation.unscoped.filter(state="open").count() == 5
    assert sorted(Order.unscoped.values_list("status", flat=True)) == ["confirmed"] * 5 + ["in_review"] * 3
    drain()
    assert_sound()


def test_the_agreement_of_two_is_made_once(race: Callable[..., list[Any]]) -> None:
    """Transfers between the same two arranged at once, one of them twice with the same client id: one agreement, numbers without gaps."""
    passing = made(20)
    key = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
    arrange = partial(arrange_transfer, passing.placing(1), actor=passing.clerk)
    refused = refusals(race([*(partial(arrange, client_id=key) for _n in range(2)), *(arrange for _n in range(4))]))
    assert not refused and sorted(Order.unscoped.values_list("number", flat=True)) == [f"TR-D002-0000{n}" for n in range(1, 6)]
    assert Order.unscoped.values("agreement_id").distinct().count() == 1
    drain()
    assert_sound()


def test_what_is_shipped_is_not_cancelled_and_is_counted_and_paid_once(race: Callable[..., list[Any]]) -> None:
    passing = made(20)
    order = passing.arrange(6)
    approve_order(order.pk, actor=passing.giver)
    drain()
    ship = partial(ship_order, order.pk, carrier="SF", tracking="SF1", actor=passing.giver)
    refusals(race([ship, ship, *(partial(cancel_order, order.pk, reason="no", actor=actor) for actor in (passing.clerk, passing.taker))]))
    order.refresh_from_db()
    if order.status == "cancelled":
        assert not Shipment.unscoped.filter(state="shipped").exists() and stock_of(passing) == (D(20), D(0), D(0), D(0))
        order = passing.arrange(6)
        approve_order(order.pk, actor=passing.giver)
        drain()
        ship_order(order.pk, carrier="SF", tracking="SF1", actor=passing.giver)
    shipment = Shipment.unscoped.get(order_id=order.pk, state="shipped")
    assert stock_of(passing) == (D(14), D(0), D(0), D(0)), "on its way: with neither of the two"
    refusals(race([partial(confirm_receipt, shipment.pk, [], actor=passing.taker)] * 3))
    assert Receipt.unscoped.count() == 1 and stock_of(passing) == (D(14), D(0), D(6), D(0))
    refusals(race([drain, *[partial(issue_invoices, order.pk, actor=passing.giver)] * 2]))
    drain()
    invoice = Invoice.unscoped.get()
    assert (invoice.seller_id, invoice.buyer_id, invoice.gross) == (order.seller_id, order.buyer_id, D(600))
    sides = {order.seller_id, order.buyer_id}
    assert {pair for item in OpenItem.unscoped.all() for pair in (item.org_id, item.counterparty_id)} == sides
    facts = PaymentFacts(order.seller_id, order.buyer_id, D(600), invoice.number)
    key = "7d444840-9dc0-11d1-b245-5ffdce74fad3"
    refusals(race([partial(record_payment, facts, actor=passing.giver, client_id=key)] * 3))
    drain()
    order.refresh_from_db()
    assert (order.status, order.payment) == ("closed", "paid")
    assert not OpenItem.unscoped.exclude(open_amount=0).exists()
    assert not Balance.unscoped.exclude(org_id__in=sides).exclude(amount=0).filter(account__in=("receivable", "payable")).exists(), "money is between the two"
    assert_sound()
