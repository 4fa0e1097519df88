"""What is shown to buyers follows what its rules name."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.agreements.actions import follow_assortments
from qudao.base.access import Actor
from qudao.base.outbox import Event, reacts
from qudao.catalog.events import AudienceDue, ProductsRegistered, ProductsSorted
from qudao.network.events import AreaChanged, OrganisationMoved


@reacts(AudienceDue, batch=True)
def show_by_rules(events: Sequence[Event], *, actor: Actor) -> None:
    """A seller changed its rules, a group its members, an agreement its channel."""
    asked: dict[int, set[int]] = {}
    wide = {event.payload.seller_id for event in events if not event.payload.buyer_ids}
    for event in events:
        one = event.payload
        asked.setdefault(one.seller_id, set()).update(() if one.seller_id in wide else one.buyer_ids)
    follow_assortments(asked, actor=actor)


@reacts(ProductsRegistered, batch=True)
def show_registered(events: Sequence[Event], *, actor: Actor) -> None:
    """New products fall under rules of categories, brands and everything."""
    follow_assortments(actor=actor)


@reacts(ProductsSorted, batch=True)
def show_sorted(events: Sequence[Event], *, actor: Actor) -> None:
    """Products lie elsewhere."""
    follow_assortments(actor=actor)


@reacts(OrganisationMoved, batch=True)
def show_moved(events: Sequence[Event], *, actor: Actor) -> None:
    """A branch stands in another region or tier."""
    follow_assortments(actor=actor)


@reacts(AreaChanged, batch=True)
def show_area(events: Sequence[Event], *, actor: Actor) -> None:
    """Organisations lie in another area."""
    follow_assortments(actor=actor)
