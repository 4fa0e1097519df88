"""What stock does when lower modules report facts."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.inventory.actions import ensure_places
from qudao.network.events import OrganisationRegistered


@reacts(OrganisationRegistered)
def open_places(events: Sequence[Event], *, actor: Actor) -> None:
    """Every organisation has its standard places."""
    for event in events:
        ensure_places(event.payload.organisation_id, actor=actor)
