"""Orders that wait for credit try again by themselves when there is some; those that wait for goods get them when they come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.translation import gettext, override

from qudao.approvals.actions import hand_up
from qudao.approvals.events import StepLate
from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.base.work import attempt
from qudao.funds.actions import follow_states
from qudao.funds.events import ExposureReduced, LimitChanged
from qudao.inventory.events import GoodsFree
from qudao.kernel.errors import Refused
from qudao.orders.actions import approve_order, refill_orders, reject_order, release_held
from qudao.orders.queries import order_of, unscoped_held


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


@reacts(StepLate)
def decide_late(events: Sequence[Event], *, actor: Actor) -> None:
    """The time of an approval is out and its flow decides; where credit or stock do not let it, a higher role does."""
    for event in events:
        if event.payload.subject_kind == "orders.order":
            _decide(event, actor)


def _decide(event: Event, actor: Actor) -> None:
    order = order_of(actor, event.payload.subject_id)
    if event.payload.decision == "reject":
        with override(settings.LANGUAGE_CODE):
            reason = gettext("Nobody decided in time.")
        decide: Callable[[], Any] = partial(reject_order, order.pk, reason=reason, actor=actor)
    else:
        decide = partial(approve_order, order.pk, may_wait=True, actor=actor)
    try:
        attempt(decide)
    except Refused:
        hand_up(order.subject, actor=actor)


def _release(events: Sequence[Event], actor: Actor) -> None:
    """The state of the accounts is noted first: who reads why an order goes on reads that it may."""
    sides = {(event.payload.seller_id, event.payload.buyer_id) for event in events}
    follow_states(sides, actor=actor)
    for order_ids in unscoped_held(sides):
        release_held(order_ids, actor=actor)
