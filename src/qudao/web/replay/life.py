"""The orders played: each step on its day, by the person whose work it is, every rule asked.

All steps of all orders are sorted by time, so that credit is used and freed as it was. Nothing is done twice: an order is found by its client id,
each later step looks at what the order has become, and grants and placing share one transaction. So a killed run is simply started again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from uuid import UUID, uuid5

from qudao.base.access import Channel, system_actor
from qudao.base.action import unit
from qudao.base.outbox import drain
from qudao.billing.actions import issue_invoices
from qudao.billing.queries import invoices
from qudao.fulfilment.actions import confirm_receipt, dispatch_shipment, start_pick
from qudao.fulfilment.queries import shipments
from qudao.fulfilment.states import State
from qudao.kernel import clock
from qudao.orders.actions import place_order
from qudao.orders.queries import orders as orders_seen
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import Billing, Payment, Status
from qudao.payments.actions import PaymentFacts, record_payment
from qudao.pricing.actions import grant_special_prices
from qudao.pricing.rules import SpecialDraft
from qudao.pricing.states import Source as PriceSource
from qudao.web import masters
from qudao.web.progress import Progress
from qudao.web.replay import cast
from qudao.web.replay.cast import Cast, moment
from qudao.web.replay.source import SPACE, Order, Source

SYSTEM = system_actor(channel=Channel.FILE)


class Step(IntEnum):
    """The life of an order, in order."""

    PLACE = 0
    SHIP = 1
    RECEIVE = 2
    INVOICE = 3
    PAY = 4


@dataclass
class Played:
    """What a run did: steps by name, those found done, seconds of the steps alone, and the order id of each client id."""

    done: dict[str, int] = field(default_factory=dict)
    found: int = 0
    seconds: float = 0.0
    ids: dict[UUID, int] = field(default_factory=dict)
    delivered: int = 0
    cast: Cast | None = None


@dataclass
class _Known:
    """An order as the database has it."""

    id: int
    step: Step


def play(data: Source, bar: Progress) -> Played:
    """Make the cast, then play every step that is not done yet; at the end deliver the events that are left."""
    played = Played()
    masters.hurry()
    people = cast.ready(data, bar)
    played.cast = people
    known = _known(data)
    steps = sorted(_steps(data), key=lambda one: (one[0], one[1], int(one[2].key)))
    bar.total = len(steps)
    start, day = time.monotonic(), None
    for at, step, order in steps:
        has = known.get(order.client_id)
        if has is not None and has.step >= step:
            played.found += 1
        else:
            day = _turn(day, at, played)
            with clock.freeze(at):
                pk = PERFORM[step](order, has.id if has else 0, people)
            known[order.client_id] = _Known(pk, step)
            played.done[step.name.lower()] = played.done.get(step.name.lower(), 0) + 1
        bar.say(f"{at:%Y-%m-%d}")
        bar.advance()
    played.delivered += drain(100_000)
    played.seconds = time.monotonic() - start
    played.ids = {client_id: has.id for client_id, has in known.items()}
    return played


def _turn(day: date | None, at: datetime, played: Played) -> date:
    """At the end of a day its events are delivered, with the clock of that evening, so that what follows from them is dated then."""
    if day is not None and at.date() != day:
        with clock.freeze(moment(day, 23)):
            played.delivered += drain(1000)
    return at.date()


def _steps(data: Source) -> Iterator[tuple[datetime, Step, Order]]:
    for order in data.orders:
        yield moment(order.ordered_on, 10), Step.PLACE, order
        yield moment(order.leaves_on, 14), Step.SHIP, order
        yield moment(order.arrives_on, 15), Step.RECEIVE, order
        yield moment(order.arrives_on, 16), Step.INVOICE, order
        yield cast.paid_at(order), Step.PAY, order


def _known(data: Source) -> dict[UUID, _Known]:
    """How far each order has come, by client id. One statement."""
    wanted = [order.client_id for order in data.orders]
    names = ("pk", "client_id", "status", "fulfilment", "billing", "payment")
    found = {}
    for pk, client_id, status, fulfilment, billing, payment in orders_seen(SYSTEM).filter(client_id__in=wanted).values_list(*names):
        step = Step.PLACE
        if payment == Payment.PAID:
            step = Step.PAY
        elif billing == Billing.FULL:
            step = Step.INVOICE
        elif status in (Status.DELIVERED, Status.CLOSED):
            step = Step.RECEIVE
        elif fulfilment == "shipped":
            step = Step.SHIP
        found[client_id] = _Known(pk, step)
    return found


def _place(order: Order, _pk: int, people: Cast) -> int:
    """The prices of this order become special prices of its day; with them, and in the same transaction, the dealer places it.

    A dealer with two orders of a product on one day at two prices gets the second price with the second order: of two special prices of one
    day the newer one is the price.
    """
    dealer = people.dealers[order.customer]
    day = order.ordered_on
    grants = [
        SpecialDraft(
            dealer.agreement_id,
            people.products[line.product],
            line.net_price,
            day,
            day,
            source=PriceSource.IMPORT,
            subject_kind="northwind.order",
            subject_id=int(order.key),
            reason=f"{order.key}: {line.price} × (1 − {line.discount})",
        )
        for line in order.lines
    ]
    lines = [NewLine(people.products[line.product], line.qty) for line in order.lines]
    placing = Placing(people.company.id, dealer.org.id, lines, requested_on=order.required_on, po_number=f"NW {order.key}")

    def both() -> int:
        grant_special_prices(grants, actor=people.admin)
        return int(place_order(placing, actor=dealer.buyer, client_id=order.client_id).pk)

    return unit(both)


def _ship(order: Order, pk: int, people: Cast) -> int:
    """Pick what is open and send it with the carrier of the files; a shipment that was left in picking goes on."""
    picking = shipments(SYSTEM, order_id=pk).filter(state=State.PICKING).first()
    shipment = picking or start_pick(pk, actor=people.warehouse)
    dispatch_shipment(shipment.pk, carrier=order.carrier, tracking=f"NW{order.key}", actor=people.warehouse)
    return pk


def _receive(order: Order, pk: int, people: Cast) -> int:
    for shipment in shipments(SYSTEM, order_id=pk).filter(state=State.SHIPPED):
        confirm_receipt(shipment.pk, actor=people.dealers[order.customer].buyer)
    return pk


def _invoice(_order: Order, pk: int, people: Cast) -> int:
    issue_invoices(pk, actor=people.finance)
    return pk


def _pay(order: Order, pk: int, people: Cast) -> int:
    """Finance enters what the dealer paid: the invoices of this order, by name."""
    sides = (people.company.id, people.dealers[order.customer].org.id)
    due = [(one.pk, one.gross - one.paid) for one in invoices(SYSTEM, order_id=pk) if one.paid < one.gross]
    facts = PaymentFacts(*sides, sum((rest for _id, rest in due), Decimal(0)), reference=f"NW {order.key}")
    record_payment(facts, due, actor=people.finance, client_id=uuid5(SPACE, f"payment {order.key}"))
    return pk


PERFORM: dict[Step, Callable[[Order, int, Cast], int]] = {
    Step.PLACE: _place,
    Step.SHIP: _ship,
    Step.RECEIVE: _receive,
    Step.INVOICE: _invoice,
    Step.PAY: _pay,
}
