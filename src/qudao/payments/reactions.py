"""Prepaid invoices are paid by what was paid before."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.funds.events import BalanceDue
from qudao.payments.actions import apply_balances


@reacts(BalanceDue, batch=True)
def pay_from_balance(events: Sequence[Event], *, actor: Actor) -> None:
    """Apply the balance to the invoices of these agreements."""
    apply_balances({event.payload.agreement_id for event in events}, actor=actor)
