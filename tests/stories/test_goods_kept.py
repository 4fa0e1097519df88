"""Goods kept for an order nobody begins to pick: kept, warned of, freed for the next who waits, kept for longer, reserved again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.base.access import system_actor
from qudao.base.db import run
from qudao.base.invariants import all_checks, offending
from qudao.base.outbox import drain
from qudao.fulfilment.actions import cancel_pick, start_pick
from qudao.fulfilment.models import Shipment
from qudao.inventory.actions import set_reserve_days
from qudao.inventory.queries import unscoped_free, unscoped_reserved_for
from qudao.inventory.tests.make import make_stock
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.messages.models import Notice
from qudao.orders import actions
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_overdue
from qudao.orders.tests.make import assert_sound, make_credit, make_world, place, placing
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()


@pytest.fixture
def world(db):
    """Ten pieces of two products; the goods of D001 are kept for seven days, those of D002 always."""
    made = make_world([10, 10, 0])
    set_reserve_days(made.agreement.pk, 7, actor=made.cast.hq_warehouse)
    make_credit(make_agreement(made.cast.lh, made.cast.d002))
    return made


def other(world, *quantities, **facts):
    """An order of the dealer whose goods are kept always, entered by the seller."""
    return actions.place_order(replace(placing(world, *quantities, **facts), buyer_id=world.cast.d002.pk), actor=world.cast.hq_clerk)


def nights(last, first=1):
    """The job of each night from the `first` to the `last` after today."""
    now = clock.now()
    for day in range(first, last + 1):
        with clock.freeze(now + timedelta(days=day)):
            for pk in unscoped_overdue(clock.today()):
                actions.watch_reserved(pk, actor=SYSTEM)
            drain()


def fresh(order):
    return Order.unscoped.get(pk=order.pk)


def holds(order):
    return sum(unscoped_reserved_for("orders.order", order.pk).values())


def free(world):
    key = (world.shelf.main, world.products[0].pk)
    return unscoped_free([key])[key]


def told(actor, code):
    return Notice.unscoped.filter(code=code, user_id=actor.user_id).count()


def in_days(days):
    return clock.today() + timedelta(days=days)


def test_kept_then_told_of_then_free_and_the_next_in_the_queue_is_served(world):
    order, waits = place(world, 8), other(world, 6, short="backorder")
    drain()
    assert order.reserved_until == in_days(7) and (waits.reserved_until, fresh(waits).allocation) == (None, "partial")
    nights(6)
    assert holds(order) == 8 and told(world.dealer, "orders.runs_out") == 0
    nights(7, 7)
    assert holds(order) == 8 and told(world.dealer, "orders.runs_out") == told(world.cast.hq_clerk, "orders.runs_out") == 1
    nights(7, 7)
    assert told(world.dealer, "orders.runs_out") == 1, "telling again tells nobody twice"
    nights(8, 8)
    gone = fresh(order)
    assert (gone.status, gone.allocation, gone.waits_since, gone.promised_on) == ("confirmed", "lapsed", None, None) and holds(order) == 0
    assert told(world.dealer, "orders.ran_out") == told(world.cast.hq_clerk, "orders.ran_out") == 1
    assert (fresh(waits).allocation, holds(waits), free(world)) == ("full", 6, 4)
    assert not Shipment.unscoped.filter(order_id=order.pk).exclude(state="cancelled").exists()
    assert_sound()
    nights(20, 9)
    assert holds(order) == 0 and free(world) == 4 and told(world.dealer, "orders.ran_out") == 1, "it does not take them back by itself"
    assert other(world, 4).status == "confirmed", "what nobody waits for is free for new orders"
    assert_sound()


def test_the_seller_reserves_again_and_lines_up_behind_those_who_wait(world):
    order = place(world, 8)
    nights(8)
    early = other(world, 9, short="backorder")
    assert fresh(early).allocation == "full"
    behind = other(world, 3, short="backorder")
    actions.keep_goods(order.pk, in_days(30), reason="They come on Friday", actor=world.cast.hq_clerk)
    drain()
    again = fresh(order)
    assert (again.allocation, holds(order), again.reserved_until) == ("backorder", 0, None) and again.waits_since > behind.waits_since
    assert_sound()
    make_stock(world.shelf.main, {world.products[0].pk: 10})
    drain()
    assert (fresh(behind).allocation, fresh(order).allocation, holds(order)) == ("full", "full", 8)
    assert fresh(order).reserved_until == in_days(7) and fresh(order).promised_on
    assert_sound()


def test_what_is_free_is_reserved_again_at_once_and_planned(world):
    order = place(world, 8, 2)
    nights(8)
    actions.keep_goods(order.pk, in_days(3), actor=world.cast.hq_clerk)
    drain()
    assert (fresh(order).allocation, holds(order), fresh(order).reserved_until) == ("full", 10, in_days(3))
    assert told(world.dealer, "orders.kept") == 1
    start_pick(order.pk, actor=world.cast.hq_warehouse)
    drain()
    assert_sound()


def test_an_extended_order_stays_and_only_the_seller_extends(world):
    order = place(world, 8)
    nights(7)
    for buyer in (world.dealer, world.cast.dealer_admin):
        with pytest.raises(Forbidden):
            actions.keep_goods(order.pk, in_days(20), actor=buyer)
    for day in (7, 0, 400):
        with pytest.raises(Invalid):
            actions.keep_goods(order.pk, in_days(day), actor=world.cast.hq_clerk)
    actions.keep_goods(order.pk, in_days(20), actor=world.cast.hq_clerk)
    nights(19, 8)
    assert holds(order) == 8 and told(world.dealer, "orders.runs_out") == 1
    nights(21, 20)
    assert holds(order) == 0 and told(world.dealer, "orders.runs_out") == 2
    assert_sound()


def test_who_has_begun_to_pick_keeps_and_who_stops_has_the_days_again(world):
    order = place(world, 8)
    shipment = start_pick(order.pk, actor=world.cast.hq_warehouse)
    nights(12)
    assert holds(order) == 8
    with pytest.raises(Refused):
        actions.keep_goods(order.pk, in_days(20), actor=world.cast.hq_clerk)
    with clock.freeze(clock.now() + timedelta(days=12)):
        cancel_pick(shipment.pk, actor=world.cast.hq_warehouse)
        drain()
        assert fresh(order).reserved_until == in_days(7)
    nights(18, 13)
    assert holds(order) == 8
    nights(20, 19)
    assert holds(order) == 0
    assert_sound()


def test_an_order_for_later_is_counted_from_its_day_and_one_without_days_is_kept(world):
    month = place(world, 2, requested_on=in_days(30))
    soon = place(world, 2, requested_on=in_days(5))
    always = other(world, 2)
    assert (month.reserved_until, soon.reserved_until, always.reserved_until) == (in_days(37), in_days(7), None)
    with pytest.raises(Refused) as refusal:
        actions.keep_goods(always.pk, in_days(9), actor=world.cast.hq_clerk)
    assert refusal.value.faults[0].code == "orders.not_limited"
    nights(9)
    assert (holds(month), holds(soon), holds(always)) == (2, 0, 2)
    made = actions.place_orders([(placing(world, 1), None), (placing(world, 30, short="backorder"), None)], actor=world.dealer)
    assert [one.order.reserved_until for one in made] == [in_days(7), in_days(7)]
    assert_sound()


def test_a_lapsed_order_is_reserved_before_it_is_changed_and_can_be_cancelled(world):
    order = place(world, 6, 4)
    nights(8)
    line = order.lines.order_by("no").first()
    for change in (
        lambda: actions.amend_order(order.pk, actions.Amendment({line.pk: D(1)}), actor=world.dealer),
        lambda: actions.split_order(order.pk, actions.Splitting({line.pk: D(1)}), actor=world.cast.hq_clerk),
    ):
        with pytest.raises(Refused) as refusal:
            change()
        assert refusal.value.faults[0].code == "orders.lapsed"
    actions.cancel_order(order.pk, reason="no", actor=world.dealer)
    drain()
    assert fresh(order).status == "cancelled"
    assert_sound()


def test_nothing_is_freed_untold_when_the_nights_were_missed(world):
    order = place(world, 8)
    nights(15, 15)
    assert holds(order) == 8 and told(world.dealer, "orders.runs_out") == 1
    nights(16, 16)
    assert holds(order) == 0
    assert_sound()


def test_the_seller_says_how_long_and_both_sides_read_the_day(world, client):
    client.cookies["qudao_language"] = "en"
    sign_in(client, world.cast.hq_admin)
    supply = reverse("agreement_supply", args=[world.agreement.pk])
    answer = client.put(f"/api/v1/agreements/{world.agreement.pk}/reservation", {"reserve_days": 3}, content_type="application/json")
    assert answer.json() == {"reserve_days": 3, "agreement_id": world.agreement.pk}
    assert client.put(f"/api/v1/agreements/{world.agreement.pk}/reservation", {"reserve_days": 0}, content_type="application/json").status_code == 422
    assert 'value="3"' in client.get(supply).content.decode()
    terms = {
        "place": world.shelf.main,
        "lead_days": 2,
        "shows": "banded",
        "short": "refuse",
        "priority": 0,
        "surcharge": 0,
        "keeps_days": 0,
        "keeps_percent": 0,
        "receipt_days": 7,
    }
    assert client.post(supply, {**terms, "reserve_days": "5"}).status_code == 302
    assert "Goods kept for 5 days" in client.get(reverse("agreement", args=[world.agreement.pk])).content.decode()
    order = place(world, 2)
    url, keeping = reverse("order", args=[order.pk]), reverse("order_keeping", args=[order.pk])
    page = client.get(url).content.decode()
    assert "Goods kept until" in page and "Keep the goods longer" in page and "Ship everything now" in page
    assert client.post(keeping, {"until": in_days(9).isoformat()}).status_code == 302 and fresh(order).reserved_until == in_days(9)
    nights(10)
    page = client.get(url).content.decode()
    assert "Reserve the goods again" in page and "no longer: they are free for others" in page and "no longer reserved" in page
    assert "Ship everything now" not in page and "Start picking" not in page
    assert order.number in client.get(reverse("orders") + "?tab=lapsed").content.decode()
    answer = client.post(f"/api/v1/orders/{order.pk}/keeping", {"until": in_days(4).isoformat()}, content_type="application/json")
    assert answer.status_code == 200 and (answer.json()["allocation"], answer.json()["reserved_until"]) == ("full", in_days(4).isoformat())
    client.post(supply, {**terms, "reserve_days": ""})
    assert place(world, 1).reserved_until is None
    sign_in(client, world.dealer)
    page = client.get(url).content.decode()
    assert "Goods kept until" in page and "Keep the goods longer" not in page and client.get(keeping).status_code == 403
    with pytest.raises(Invalid):
        set_reserve_days(world.agreement.pk, 366, actor=world.cast.hq_warehouse)
    with pytest.raises(NotFound):
        set_reserve_days(world.agreement.pk, 5, actor=world.cast.dealer_admin)
    assert_sound()


def test_verify_finds_an_order_that_lapsed_but_holds_goods(world):
    place(world, 2)
    check = next(one for one in all_checks() if one.name == "orders.lapsed_hold_nothing")
    assert offending(check) == (0, [])
    run(check.plant)
    assert offending(check)[0] == 1
