"""Invoices follow the goods: what was received, or shipped by the terms, is billed."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.billing.actions import issue_all_invoices
from qudao.fulfilment.events import ReceiptConfirmed, ShipmentDispatched


@reacts(ReceiptConfirmed, batch=True)
def bill_received(events: Sequence[Event], *, actor: Actor) -> None:
    """Bill what orders received."""
    issue_all_invoices([event.payload.order_id for event in events], actor=actor)


@reacts(ShipmentDispatched, batch=True)
def bill_shipped(events: Sequence[Event], *, actor: Actor) -> None:
    """Bill what orders shipped, where the terms say so; otherwise there is nothing to bill yet."""
    issue_all_invoices([event.payload.order_id for event in events], actor=actor)
