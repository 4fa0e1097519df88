"""Whenever something becomes of an order, its day is counted anew."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.analytics.actions import refresh_days
from qudao.analytics.queries import unscoped_days_of, unscoped_days_of_outside, unscoped_days_of_payments
from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.fulfilment.events import ReceiptConfirmed, ShipmentDispatched
from qudao.orders.events import OrderAmended, OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected, OrderTakenBack
from qudao.payments.events import PaymentReceived, PaymentWithdrawn


def _refresh(events: Sequence[Event], actor: Actor) -> None:
    refresh_days(unscoped_days_of(e.payload.order_id for e in events), actor=actor)


@reacts(OrderPlaced, batch=True)
def count_placed(events: Sequence[Event], *, actor: Actor) -> None:
    """An order came in."""
    _refresh(events, actor)


@reacts(OrderConfirmed, batch=True)
def count_confirmed(events: Sequence[Event], *, actor: Actor) -> None:
    """An order was confirmed; a draft submitted again may have another day or amount."""
    _refresh(events, actor)


@reacts(OrderRejected, batch=True)
def count_rejected(events: Sequence[Event], *, actor: Actor) -> None:
    """A rejected order does not count."""
    _refresh(events, actor)


@reacts(OrderTakenBack, batch=True)
def count_taken_back(events: Sequence[Event], *, actor: Actor) -> None:
    """An order is a draft again, or counts on another day: the day it had counts without it."""
    refresh_days(((e.payload.seller_id, e.payload.ordered_on) for e in events), actor=actor)


@reacts(OrderCancelled, batch=True)
def count_cancelled(events: Sequence[Event], *, actor: Actor) -> None:
    """A cancelled order does not count."""
    _refresh(events, actor)


@reacts(OrderAmended, batch=True)
def count_amended(events: Sequence[Event], *, actor: Actor) -> None:
    """An order comes to more or less than before."""
    _refresh(events, actor)


@reacts(ShipmentDispatched, batch=True)
def count_dispatched(events: Sequence[Event], *, actor: Actor) -> None:
    """An order left, in time or late."""
    _refresh(events, actor)


@reacts(ReceiptConfirmed, batch=True)
def count_come(events: Sequence[Event], *, actor: Actor) -> None:
    """What an outside seller sent is known when it is here: nobody dispatched it."""
    refresh_days(unscoped_days_of_outside(e.payload.order_id for e in events), actor=actor)


@reacts(PaymentReceived, batch=True)
def count_received(events: Sequence[Event], *, actor: Actor) -> None:
    """Money came in."""
    refresh_days(unscoped_days_of_payments(e.payload.payment_id for e in events), actor=actor)


@reacts(PaymentWithdrawn, batch=True)
def count_withdrawn(events: Sequence[Event], *, actor: Actor) -> None:
    """Money that was recorded by mistake counts no more."""
    refresh_days(unscoped_days_of_payments(e.payload.payment_id for e in events), actor=actor)
