"""Goods whose days are over, while somebody orders, ships, changes, extends or cancels: freed once or kept, and reserved is always the sum of its lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal as D
from functools import partial
from typing import Any

import pytest

from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.fulfilment.actions import ship_order
from qudao.inventory.actions import set_reserve_days
from qudao.inventory.models import Reservation
from qudao.inventory.tests.make import levels
from qudao.kernel import clock
from qudao.kernel.errors import DomainError
from qudao.messages.models import Notice
from qudao.orders.actions import Amendment, amend_order, cancel_order, keep_goods, place_order, watch_reserved
from qudao.orders.models import Line, Order
from qudao.orders.tests.make import World, assert_sound, make_world, place, placing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
SYSTEM = system_actor()


@pytest.fixture
def world(transactional_db: None) -> World:
    made = make_world([10])
    set_reserve_days(made.agreement.pk, 7, actor=made.cast.hq_warehouse)
    return made


def over(world: World, quantity: int) -> Order:
    """An order whose goods were kept until yesterday, of which both sides know."""
    order = place(world, quantity)
    drain()
    Order.unscoped.filter(pk=order.pk).update(reserved_until=clock.today() - timedelta(days=1), until_told=True)
    return order


def held(world: World) -> tuple[D, D]:
    """On hand and reserved, as the stock says it."""
    return levels(world.shelf.main)[world.shelf.main, world.products[0].pk]


def reserved_by_lines() -> D:
    return sum((row.qty - row.taken - row.released for row in Reservation.unscoped.filter(state="open")), D(0))


def refusals(found: list[Any]) -> list[str]:
    for one in found:
        if isinstance(one, Exception) and not isinstance(one, DomainError):
            raise one
    return [one.faults[0].code for one in found if isinstance(one, DomainError)]


def test_they_are_freed_once_and_go_to_as_many_as_there_are(race: Callable[..., list[Any]], world: World) -> None:
    """The job runs in several places while others order the same goods: nothing is freed twice, nothing promised twice."""
    order = over(world, 8)
    lapse = partial(watch_reserved, order.pk, actor=SYSTEM)
    found = race([lapse, lapse, lapse, *(partial(place_order, placing(world, 4), actor=world.dealer) for _n in range(3))])
    assert set(refusals(found)) <= {"inventory.short"}
    order.refresh_from_db()
    others = Order.unscoped.exclude(pk=order.pk)
    assert (order.allocation, order.reserved_until) == ("lapsed", None)
    assert held(world) == (D(10), reserved_by_lines()) and reserved_by_lines() == D(4) * others.count() <= D(10)
    drain()
    assert Notice.unscoped.filter(code="orders.ran_out", user_id=world.dealer.user_id).count() == 1, "told once"
    assert_sound()


@pytest.mark.parametrize("turn", range(2))
def test_they_are_freed_or_leave(race: Callable[..., list[Any]], world: World, turn: int) -> None:
    order = over(world, 8)
    bodies = [partial(watch_reserved, order.pk, actor=SYSTEM), partial(ship_order, order.pk, carrier="SF", tracking="1", actor=world.cast.hq_warehouse)]
    refusals(race(bodies[turn:] + bodies[:turn]))
    order.refresh_from_db()
    freed = order.allocation == "lapsed"
    assert (order.status, held(world)) == (("confirmed", (D(10), D(0))) if freed else ("in_fulfilment", (D(2), D(0))))
    drain()
    assert_sound()


def test_whoever_changes_extends_or_cancels_meets_one_state(race: Callable[..., list[Any]], world: World) -> None:
    order = over(world, 8)
    line = Line.unscoped.get(order=order)
    found = race([
        partial(watch_reserved, order.pk, actor=SYSTEM),
        partial(keep_goods, order.pk, clock.today() + timedelta(days=5), actor=world.cast.hq_clerk),
        partial(amend_order, order.pk, Amendment({line.pk: D(5)}), actor=world.dealer),
        partial(place_order, placing(world, 2), actor=world.dealer),
    ])  # fmt: skip
    refusals(found)
    order.refresh_from_db()
    line.refresh_from_db()
    assert order.status == "confirmed" and line.wanted in (D(5), D(8))
    kept = D(0) if order.allocation == "lapsed" else line.wanted - line.backordered
    assert held(world) == (D(10), reserved_by_lines()) and reserved_by_lines() == kept + D(2) * Order.unscoped.exclude(pk=order.pk).count()
    drain()
    assert_sound()


def test_what_ends_is_freed_once(race: Callable[..., list[Any]], world: World) -> None:
    order = over(world, 8)
    cancel = partial(cancel_order, order.pk, reason="no", actor=world.dealer)
    refusals(race([partial(watch_reserved, order.pk, actor=SYSTEM), cancel, cancel]))
    order.refresh_from_db()
    assert (order.status, held(world), reserved_by_lines()) == ("cancelled", (D(10), D(0)), D(0))
    drain()
    assert_sound()
