"""Orders that wait for credit try again by themselves when there is some; those that wait for goods get them when they come in."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.funds.events import ExposureReduced, LimitChanged
from qudao.inventory.events import GoodsFree
from qudao.orders.actions import refill_orders, release_held
from qudao.orders.queries import unscoped_held_under


@reacts(ExposureReduced, batch=True)
def try_held(events: Sequence[Event], *, actor: Actor) -> None:
    """A buyer uses less credit: a payment, a credit note, a cancellation."""
    _release(events, actor)


@reacts(LimitChanged, batch=True)
def try_held_again(events: Sequence[Event], *, actor: Actor) -> None:
    """A limit was raised, or an account opened again."""
    _release(events, actor)


@reacts(GoodsFree, batch=True)
def refill_waiting(events: Sequence[Event], *, actor: Actor) -> None:
    """Goods came in that somebody waits for."""
    refill_orders({(event.payload.place_id, event.payload.product_id) for event in events}, actor=actor)


def _release(events: Sequence[Event], actor: Actor) -> None:
    for agreement_id in unscoped_held_under({event.payload.agreement_id for event in events}):
        release_held(agreement_id, actor=actor)
