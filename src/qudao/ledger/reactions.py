"""A new organisation begins with a chart of accounts."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.ledger.actions import open_charts
from qudao.ledger.states import Template
from qudao.network.events import OrganisationRegistered


@reacts(OrganisationRegistered, batch=True)
def open_books(events: Sequence[Event], *, actor: Actor) -> None:
    """The template of small businesses in China; another one can be added on its page."""
    open_charts(sorted({event.payload.organisation_id for event in events}), Template.CHINA, actor=actor)
