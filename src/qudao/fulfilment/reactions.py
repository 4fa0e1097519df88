"""What the warehouse does when orders change: both reactions make the plan fit the order."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.fulfilment.actions import plan_shipments
from qudao.orders.events import OrderAmended, OrderCancelled, OrderConfirmed, OrderLapsed, OrderRefilled


@reacts(OrderConfirmed, batch=True)
def plan_confirmed(events: Sequence[Event], *, actor: Actor) -> None:
    """What is reserved and not yet planned is planned."""
    plan_shipments([e.payload.order_id for e in events], actor=actor)


@reacts(OrderAmended, batch=True)
def plan_amended(events: Sequence[Event], *, actor: Actor) -> None:
    """The plan follows a changed order."""
    plan_shipments([e.payload.order_id for e in events], actor=actor)


@reacts(OrderRefilled, batch=True)
def plan_refilled(events: Sequence[Event], *, actor: Actor) -> None:
    """What came in for a backorder joins the plan."""
    plan_shipments([e.payload.order_id for e in events], actor=actor)


@reacts(OrderLapsed, batch=True)
def void_lapsed(events: Sequence[Event], *, actor: Actor) -> None:
    """Plans of an order whose goods went back are void."""
    plan_shipments([e.payload.order_id for e in events], actor=actor)


@reacts(OrderCancelled, batch=True)
def void_cancelled(events: Sequence[Event], *, actor: Actor) -> None:
    """Open plans of a cancelled order are void."""
    plan_shipments([e.payload.order_id for e in events], actor=actor)
