"""Prepaid invoices are paid by what was paid before."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.fulfilment.events import DifferenceSettled
from qudao.funds.events import BalanceDue
from qudao.kernel.errors import Conflict
from qudao.payments.actions import apply_balances, issue_credit
from qudao.payments.queries import unscoped_to_credit
from qudao.payments.rules import CreditAsk
from qudao.payments.states import Reason

#: why goods are credited, by the kind of the difference
WHY = {"short": Reason.MISSING, "damaged": Reason.DAMAGED, "refused": Reason.RETURNED, "wrong": Reason.MISSING}


@reacts(BalanceDue, batch=True)
def pay_from_balance(events: Sequence[Event], *, actor: Actor) -> None:
    """Apply the balance to the invoices of these agreements."""
    apply_balances({event.payload.agreement_id for event in events}, actor=actor)


@reacts(DifferenceSettled)
def credit_lost(events: Sequence[Event], *, actor: Actor) -> None:
    """Take back what was invoiced of goods that did not arrive, where their difference was settled so; tried again while their invoice is not issued."""
    for event in events:
        if event.payload.remedy == "credit":
            owed, parts = unscoped_to_credit(event.payload.difference_id)
            if owed:
                raise Conflict("base.changed")
            for invoice, line, qty in parts:
                issue_credit(invoice, [CreditAsk(line, qty)], WHY[event.payload.kind], actor=actor)
