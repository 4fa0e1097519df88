"""Invoices follow the goods: what was received, or shipped by the terms, is billed."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.billing.actions import issue_invoices
from qudao.fulfilment.events import ReceiptConfirmed, ShipmentDispatched


@reacts(ReceiptConfirmed)
def bill_received(events: Sequence[Event], *, actor: Actor) -> None:
    """Bill what an order received."""
    for event in events:
        issue_invoices(event.payload.order_id, actor=actor)


@reacts(ShipmentDispatched)
def bill_shipped(events: Sequence[Event], *, actor: Actor) -> None:
    """Bill what an order shipped, where the terms say so; otherwise there is nothing to bill yet."""
    for event in events:
        issue_invoices(event.payload.order_id, actor=actor)
