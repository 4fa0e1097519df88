"""What this module does because of facts of lower modules."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.notify import NoticeAsked
from qudao.base.outbox import Event, reacts
from qudao.messages import actions


@reacts(NoticeAsked, batch=True)
def deliver_notices(events: Sequence[Event], *, actor: Actor) -> None:
    """One event, one notice per person."""
    actions.deliver(events, actor=actor)
