"""Many at once on one order, one client id, one credit line, the last pieces: exactly what fits passes, the rest is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal as D
from functools import partial
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from qudao.approvals.actions import add_rule, retire_flow
from qudao.approvals.models import Flow, Request
from qudao.approvals.rules import RuleDraft
from qudao.base.access import Actor, system_actor
from qudao.funds.queries import unscoped_card
from qudao.inventory.models import Reservation
from qudao.inventory.tests.make import levels
from qudao.kernel.errors import DomainError
from qudao.orders.actions import approve_order, cancel_order, edit_order, place_order
from qudao.orders.models import Line, Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import World, assert_sound, make_credit, make_world, placing
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
CROWD = 8


def together(bodies: list[Callable[[], Any]]) -> tuple[list[Any], list[str]]:
    """Run all bodies at the same moment, each on a connection of its own: (results, codes of the refusals)."""
    start = Barrier(len(bodies))

    def one(body: Callable[[], Any]) -> Any:
        try:
            start.wait(timeout=20)
            return body()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(bodies)) as pool:
        found = list(pool.map(one, bodies))
    return [x for x in found if not isinstance(x, DomainError)], [x.faults[0].code for x in found if isinstance(x, DomainError)]


def need_approval(world: World) -> None:
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_finance")), actor=system_actor())


def test_what_is_promised_is_reserved():
    """Orders placed and orders approved at the same moment, for less stock than they ask: no promise without its goods."""
    world = make_world([12, 9])
    need_approval(world)
    waiting = [place_order(placing(world, 2, 1), actor=world.dealer) for _x in range(CROWD // 2)]
    for flow in Flow.unscoped.filter(kind="orders.order"):
        retire_flow(flow.pk, actor=system_actor())
    assert not Line.unscoped.exclude(promised_on=None).exists(), "nothing is promised while somebody must sign"
    finance = actor_of(make_member("f@example.com", world.cast.lh, "hq_finance"))
    approve = [partial(approve_order, order.pk, actor=finance) for order in waiting]
    confirmed, refused = together([*approve, *(partial(place_order, placing(world, 2, 2), actor=world.dealer) for _x in range(CROWD // 2))])
    assert len(confirmed) >= 5 and len(refused) >= 1 and set(refused) == {"inventory.short"}
    promised = dict(Line.unscoped.exclude(promised_on=None).values_list("id", "qty"))
    assert promised == dict(Reservation.unscoped.filter(state="open").values_list("ref_id", "qty"))
    assert {row.pk for row in confirmed} == set(Line.unscoped.filter(pk__in=promised).values_list("order_id", flat=True))
    assert sum(promised.values()) == sum(reserved for _there, reserved in levels(world.shelf.main).values())
    assert_sound()


def test_the_last_pieces_go_to_exactly_as_many_as_there_are():
    world = make_world([5, 5, 5])
    orders, refused = together([lambda: place_order(placing(world, 1, 1), actor=world.dealer) for _x in range(CROWD)])
    assert len(orders) == 5 and refused == ["inventory.short"] * 3
    assert levels(world.shelf.main)[(world.shelf.main, world.products[0].pk)] == (D(5), D(5))
    assert_sound()


def test_the_credit_line_is_never_overrun():
    world = make_world(limit=D(350))
    orders, refused = together([lambda: place_order(placing(world, 1), actor=world.dealer) for _x in range(CROWD)])
    assert len(orders) == 3 and refused == ["funds.limit"] * 5
    assert unscoped_card(world.agreement.pk).exposure == D(300)
    assert_sound()


def test_the_same_client_id_at_the_same_time_makes_one_order():
    world, key = make_world(), uuid4()
    orders, refused = together([lambda: place_order(placing(world, 2), actor=world.dealer, client_id=key) for _x in range(CROWD)])
    assert len(orders) == CROWD and not refused and len({o.pk for o in orders}) == 1
    assert Order.unscoped.count() == 1 and unscoped_card(world.agreement.pk).exposure == D(200)
    assert_sound()


def test_an_order_is_approved_once_however_many_click():
    world = make_world()
    need_approval(world)
    order = place_order(placing(world, 2), actor=world.dealer)
    assert order.status == "in_review"
    people = [actor_of(make_member(f"f{n}@example.com", world.cast.lh, "hq_finance")) for n in range(CROWD)]
    done, refused = together([lambda actor=actor: approve_order(order.pk, actor=actor) for actor in people])
    assert len(done) == 1 and len(refused) == CROWD - 1
    assert unscoped_card(world.agreement.pk).exposure == D(200)
    assert_sound()


def test_an_order_is_either_approved_or_cancelled():
    world = make_world()
    need_approval(world)
    for _round in range(4):
        order = place_order(placing(world, 1), actor=world.dealer)
        bodies = [
            lambda o=order: approve_order(o.pk, actor=world.cast.hq_finance),
            lambda o=order: cancel_order(o.pk, reason="x", actor=world.dealer),
        ]
        together(bodies)
        order.refresh_from_db()
        assert order.status in ("confirmed", "cancelled")
    assert_sound()


@pytest.mark.parametrize("buyers", [1, CROWD])
def test_a_crowd_on_one_seller_neither_deadlocks_nor_loses_an_order(buyers):
    """Eight at once on eight dealers of one seller, and eight on one dealer; the same products in different line order."""
    from qudao.agreements.tests.make import make_agreement
    from qudao.network.tests.make import make_org

    world = make_world([1000] * 5)
    actors: list[tuple[int, Actor]] = [(world.cast.d001.pk, world.dealer)]
    for n in range(1, buyers):
        org = make_org("dealer", f"X{n}", world.cast.lh)
        make_credit(make_agreement(world.cast.lh, org))
        actors.append((org.pk, actor_of(make_member(f"x{n}@example.com", org, "dealer_buyer"))))

    def busy(number: int) -> list[Order]:
        buyer, actor = actors[number % buyers]
        made = []
        for turn in range(5):
            products = world.products[(number + turn) % 5 :] + world.products[: (number + turn) % 5]
            lines = [NewLine(p.pk, D(1)) for p in products]
            made.append(place_order(Placing(world.cast.lh.pk, buyer, lines), actor=actor, client_id=uuid4()))
        return made

    done, refused = together([lambda n=n: busy(n) for n in range(CROWD)])
    assert not refused and sum(map(len, done)) == CROWD * 5
    assert all(reserved == D(CROWD * 5) for _on_hand, reserved in levels(world.shelf.main).values())
    assert len({(o.buyer_id, o.number) for o in Order.unscoped.all()}) == CROWD * 5
    assert_sound()


def test_an_order_is_changed_or_approved_as_it_was_seen_never_both():
    """The buyer changes its order while an approver signs what the page showed: whoever comes second is refused in words."""
    world = make_world([50])
    need_approval(world)
    finance = actor_of(make_member("f@example.com", world.cast.lh, "hq_finance"))
    for _time in range(4):
        order = place_order(placing(world, 4), actor=world.dealer)
        seen = Request.unscoped.get(subject_id=order.pk).pk
        sign, change = partial(approve_order, order.pk, seen=seen, actor=finance), partial(edit_order, order.pk, placing(world, 9), actor=world.dealer)
        done, refused = together([sign, change])
        order.refresh_from_db()
        assert (order.status, order.gross, refused) in (("confirmed", D(400), ["orders.illegal"]), ("in_review", D(900), ["approvals.changed"]))
        assert len(done) == 1
    assert_sound()
