"""Orders for more than there is: refused, kept as backorders that are served in their turn when goods come in, or cut to what is there."""

from dataclasses import replace
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.tests.make import make_rule
from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.funds.queries import unscoped_card
from qudao.inventory.actions import adjust_stock, set_shortage
from qudao.inventory.queries import unscoped_free, unscoped_reserved_for
from qudao.inventory.tests.make import levels, make_stock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.messages.models import Notice
from qudao.orders import actions
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_credit, make_world, place, placing
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return make_world([10, 10, 0])


def codes(refusal):
    return [fault.code for fault in refusal.value.faults]


def state(order):
    order.refresh_from_db()
    return order.status, order.allocation


def waits(order):
    return list(Line.unscoped.filter(order=order).order_by("no").values_list("backordered", flat=True))


def reserved(order):
    return sum(unscoped_reserved_for("orders.order", order.pk).values())


def arrive(world, qty, product=0):
    make_stock(world.shelf.main, {world.products[product].pk: qty})
    drain()


def test_what_is_missing_is_delivered_later_and_credit_is_held_for_all(world):
    with pytest.raises(Refused) as refusal:
        place(world, 12, 3)
    assert codes(refusal) == ["inventory.short"]
    order = place(world, 12, 3, short="backorder")
    assert state(order) == ("confirmed", "partial") and waits(order) == [2, 0]
    assert (order.gross, order.promised_on) == (D(1500), None) and order.waits_since
    assert reserved(order) == 13 and unscoped_card(world.agreement.pk).position.ordered == D(1500)
    assert [x.promised_on is None for x in Line.unscoped.filter(order=order).order_by("no")] == [True, False]
    drain()
    assert Notice.unscoped.filter(code="orders.backordered", user_id=world.cast.hq_clerk.user_id).count() == 0
    assert_sound()


def test_goods_that_come_in_go_to_who_waits_longest_and_to_nobody_else(world):
    first, second = place(world, 12, short="backorder"), place(world, 5, short="backorder")
    assert (state(first), state(second)) == (("confirmed", "partial"), ("confirmed", "backorder"))
    make_stock(world.shelf.main, {world.products[0].pk: 4})
    with pytest.raises(Refused) as refusal:  # nobody overtakes those who wait, not even before they were served
        place(world, 1)
    assert codes(refusal) == ["inventory.short"]
    drain()
    assert (waits(first), waits(second)) == ([0], [3]) and state(first) == ("confirmed", "full")
    first.refresh_from_db()
    assert first.promised_on and first.waits_since is None and Line.unscoped.get(order=first).promised_on == first.promised_on
    assert_sound()
    arrive(world, 10)
    assert (waits(second), state(second)) == ([0], ("confirmed", "full"))
    assert place(world, 7).status == "confirmed"
    told = list(Notice.unscoped.filter(user_id=world.dealer.user_id, code__startswith="orders.refilled").order_by("pk").values_list("code", flat=True))
    assert told == ["orders.refilled", "orders.refilled_in_part", "orders.refilled"]
    assert_sound()


def test_an_agreement_may_come_first_and_may_say_what_becomes_of_what_is_short(world):
    other = world.cast.d002
    agreement = make_agreement_of(world, other)
    set_shortage(agreement.pk, "backorder", 5, actor=world.cast.hq_warehouse)
    first = place(world, 12, short="backorder")
    second = actions.place_order(placing_of(world, other, 3), actor=world.cast.hq_clerk)
    assert state(second) == ("confirmed", "backorder")
    arrive(world, 3)
    assert (waits(first), waits(second)) == ([2], [0])
    with pytest.raises(Refused):
        actions.place_order(placing_of(world, other, 3, short="refuse"), actor=world.cast.hq_clerk)
    with pytest.raises(Invalid) as refusal:
        set_shortage(agreement.pk, "sometimes", actor=world.cast.hq_warehouse)
    assert codes(refusal) == ["inventory.short_unknown"]
    with pytest.raises(Forbidden):
        set_shortage(agreement.pk, "cut", actor=world.dealer)
    with pytest.raises(NotFound):
        set_shortage(agreement.pk, "cut", actor=world.cast.dealer_admin)
    assert_sound()


def make_agreement_of(world, buyer):
    agreement = make_agreement(world.cast.lh, buyer)
    make_credit(agreement)
    return agreement


def placing_of(world, buyer, qty, **facts):
    return replace(placing(world, qty, **facts), buyer_id=buyer.pk)


def test_cut_to_what_is_there_asks_no_credit_for_the_rest(world):
    order = place(world, 12, 3, short="cut")
    assert state(order) == ("confirmed", "full") and order.gross == D(1300) == unscoped_card(world.agreement.pk).position.ordered
    assert list(Line.unscoped.filter(order=order).order_by("no").values_list("qty", "given_up")) == [(12, 2), (3, 0)]
    drain()
    assert_sound()
    with pytest.raises(Refused) as refusal:
        place(world, 0, 0, 4, short="cut")
    assert codes(refusal) == ["inventory.short"]
    actions.cancel_order(order.pk, reason="no", actor=world.dealer)
    drain()
    assert unscoped_card(world.agreement.pk).position.ordered == 0
    assert_sound()


def test_goods_there_have_never_been_are_awaited_too(world):
    order = place(world, 0, 0, 4, short="backorder")
    assert state(order) == ("confirmed", "backorder")
    arrive(world, 3, product=2)
    assert waits(order) == [1] and state(order) == ("confirmed", "partial")
    arrive(world, 1, product=2)
    assert waits(order) == [0]
    assert_sound()


def test_a_cancelled_order_gives_its_goods_and_its_place_in_the_queue_to_the_next(world):
    first, second, third = place(world, 8), place(world, 6, short="backorder"), place(world, 2, short="backorder")
    assert (waits(second), waits(third)) == ([4], [2])
    actions.cancel_order(second.pk, reason="no", actor=world.dealer)
    drain()
    assert (waits(second), waits(third)) == ([0], [0])
    assert_sound()
    fourth = place(world, 5, short="backorder")
    assert waits(fourth) == [5]
    actions.cancel_order(first.pk, reason="no", actor=world.dealer)
    drain()
    assert waits(fourth) == [0] and unscoped_free([(world.shelf.main, world.products[0].pk)]) == {(world.shelf.main, world.products[0].pk): 3}
    last = place(world, 4, short="backorder")
    actions.cancel_order(last.pk, reason="no", actor=world.dealer)
    drain()
    assert place(world, 3).status == "confirmed"  # nobody waits: what is free is everybody's
    assert_sound()


def test_a_count_serves_them_and_serving_again_changes_nothing(world):
    order = place(world, 12, short="backorder")
    adjust_stock(world.shelf.main, world.products[0].pk, D(11), "count", actor=world.cast.hq_warehouse)
    drain()
    before = levels()
    assert waits(order) == [1] and actions.refill_orders([(world.shelf.main, world.products[0].pk)], actor=system_actor()) == []
    assert levels() == before
    with pytest.raises(Forbidden):
        actions.refill_orders([(world.shelf.main, world.products[0].pk)], actor=world.dealer)
    assert_sound()


def test_who_approves_may_let_the_rest_wait(world):
    make_rule(world.cast.lh, "hq_finance")
    order = place(world, 12)
    with pytest.raises(Refused):
        actions.approve_order(order.pk, actor=world.cast.hq_finance)
    with pytest.raises(Invalid):
        actions.approve_order(order.pk, short="never", actor=world.cast.hq_finance)
    actions.approve_order(order.pk, short="backorder", actor=world.cast.hq_finance)
    assert state(order) == ("confirmed", "partial") and waits(order) == [2]
    with pytest.raises(Invalid):
        place(world, 1, short="never")
    drain()
    assert_sound()


def test_many_orders_at_once_and_those_that_wait_for_credit_take_what_is_there(world):
    wanted = [(placing(world, 8, short="backorder"), None), (placing(world, 8, short="cut"), None), (placing(world, 8, short="backorder"), None)]
    done = actions.place_orders(wanted, actor=world.dealer)
    assert [one.order.allocation for one in done] == ["full", "full", "backorder"] and [one.order.gross for one in done] == [D(800), D(200), D(800)]
    drain()
    assert_sound()


def test_the_page_says_what_waits_and_the_list_finds_it(world, client):
    client.cookies["qudao_language"] = "en"
    sign_in(client, world.dealer)
    order = place(world, 12, short="backorder")
    page = client.get(reverse("order", args=[order.pk])).content.decode()
    assert "2 wait for goods" in page and "some of its lines wait for goods" in page
    assert order.number in client.get(reverse("orders") + "?tab=backordered").content.decode()
    assert order.number not in client.get(reverse("orders") + "?tab=late").content.decode()


def test_the_api_takes_the_choice_and_tells_what_waits(world, client):
    sign_in(client, world.dealer)
    body = {"seller_id": world.cast.lh.pk, "buyer_id": world.cast.d001.pk, "short": "backorder", "lines": [{"product": "P1", "qty": "12"}]}
    answer = client.post("/api/v1/orders", body, content_type="application/json")
    assert answer.status_code == 201 and (answer.json()["allocation"], answer.json()["short"]) == ("partial", "backorder")
    line = client.get(f"/api/v1/orders/{answer.json()['id']}").json()["lines"][0]
    assert D(line["backordered"]) == 2 and line["promised_on"] is None
