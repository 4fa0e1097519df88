"""What credit does when lower modules report facts."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.agreements.events import AgreementActivated
from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.funds.actions import ensure_account


@reacts(AgreementActivated)
def open_accounts(events: Sequence[Event], *, actor: Actor) -> None:
    """Every active agreement has a credit account; what the two have in its currency is shared."""
    for event in events:
        ensure_account(event.payload.agreement_id, actor=actor)
