"""Orders that wait for credit: kept instead of refused, tried again by themselves in their order, never past stock or a frozen account."""

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.approvals.queries import course
from qudao.approvals.tests.make import make_rule
from qudao.base.outbox import drain
from qudao.funds.actions import freeze, set_limit, unfreeze
from qudao.funds.queries import unscoped_card
from qudao.funds.rules import LimitTerms
from qudao.inventory.actions import adjust_stock
from qudao.inventory.models import Reservation
from qudao.kernel.errors import Forbidden, NotFound, Refused
from qudao.messages.models import Notice
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.queries import unscoped_held
from qudao.orders.tests.make import assert_sound, make_world, place, placing
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return make_world(limit=D(1000))  # ten pieces


def raise_limit(world, amount):
    set_limit(world.account.pk, LimitTerms(D(amount)), "more", actor=world.cast.hq_finance)
    drain()


def held(world, *quantities):
    order = place(world, *quantities, may_wait=True)
    assert (order.status, order.credit, order.allocation) == ("submitted", "hold", "none")
    return order


def state(order):
    order.refresh_from_db()
    return order.status, order.credit, order.allocation


CONFIRMED = ("confirmed", "pass", "full")


def test_an_order_beyond_the_limit_is_kept_and_confirmed_when_there_is_credit(world):
    with pytest.raises(Refused) as refusal:
        place(world, 20)
    assert [f.code for f in refusal.value.faults] == ["funds.limit"]
    order = held(world, 20)
    assert order.number and order.promised_on is None and not Reservation.unscoped.exists()
    assert Line.unscoped.get(order=order).promised_on is None and unscoped_card(world.agreement.pk).position.ordered == 0
    drain()
    assert Notice.unscoped.filter(code="orders.held", user_id=world.cast.hq_finance.user_id).count() == 1
    assert_sound()
    raise_limit(world, 1999)
    assert state(order)[0] == "submitted"
    raise_limit(world, 2000)
    assert state(order) == CONFIRMED and order.promised_on and Line.unscoped.get(order=order).promised_on == order.promised_on
    assert unscoped_card(world.agreement.pk).position.ordered == D(2000)
    assert Notice.unscoped.filter(code="orders.confirmed", user_id=world.dealer.user_id).count() == 1
    assert unscoped_held([(world.cast.lh.pk, world.cast.d001.pk)]) == []
    assert actions.release_held([order.pk], actor=world.cast.hq_clerk) == [], "nothing waits any more"
    assert_sound()


def test_the_oldest_comes_first_and_no_small_one_overtakes_it(world):
    large, small = held(world, 30), held(world, 12)
    raise_limit(world, 1300)
    assert state(large)[0] == state(small)[0] == "submitted", "the small one would pass"
    raise_limit(world, 3000)
    assert state(large) == CONFIRMED and state(small)[0] == "submitted"
    raise_limit(world, 4200)
    assert state(small) == CONFIRMED
    assert_sound()


def test_one_whose_stock_is_short_lets_the_next_one_pass(world):
    first, second = held(world, 60), held(world, 0, 15)
    adjust_stock(world.shelf.main, world.products[0].pk, D(10), "broken", actor=world.cast.hq_warehouse)
    raise_limit(world, 20000)
    assert state(first)[0] == "submitted" and state(second) == CONFIRMED
    assert_sound()


def test_neither_stock_nor_a_frozen_account_nor_a_missing_price_waits(world):
    with pytest.raises(Refused) as refusal:
        place(world, 200, may_wait=True)
    assert {f.code for f in refusal.value.faults} == {"funds.limit", "inventory.short"}
    freeze(world.account.pk, "dispute", actor=world.cast.hq_finance)
    with pytest.raises(Refused) as refusal:
        place(world, 1, may_wait=True)
    assert [f.code for f in refusal.value.faults] == ["funds.frozen"]
    assert not Order.unscoped.exists()


def test_what_waits_can_be_cancelled_withdrawn_rejected_and_tried_by_hand(world):
    one, two, three, four = (held(world, 20) for _n in range(4))
    actions.cancel_order(one.pk, reason="no longer", actor=world.dealer)
    actions.withdraw_order(two.pk, actor=world.dealer)
    actions.reject_order(three.pk, reason="too much", actor=world.cast.hq_clerk)
    assert [state(x)[:2] for x in (one, two, three)] == [("cancelled", "not_needed"), ("draft", "not_needed"), ("rejected", "not_needed")]
    with pytest.raises(Refused) as still:
        actions.release_order(four.pk, actor=world.cast.hq_clerk)
    assert [f.code for f in still.value.faults] == ["funds.limit"]
    for actor, error in ((world.dealer, Forbidden), (world.cast.stranger, Forbidden)):
        with pytest.raises(error):
            actions.release_order(four.pk, actor=actor)
    with pytest.raises(NotFound):
        actions.release_order(0, actor=world.cast.hq_clerk)
    with pytest.raises(Refused) as nothing:
        actions.release_order(one.pk, actor=world.cast.hq_clerk)
    assert nothing.value.faults[0].code == "orders.not_held"
    raise_limit(world, 2000)
    assert state(four) == CONFIRMED and state(two)[0] == "draft"
    assert_sound()


def test_a_signature_counts_though_the_order_waits(world):
    make_rule(world.cast.lh, "hq_clerk", "0")
    order = place(world, 20)
    assert order.status == "in_review"
    with pytest.raises(Refused):
        actions.approve_order(order.pk, actor=world.cast.hq_clerk)
    assert state(order)[0] == "in_review"
    done = actions.approve_order(order.pk, may_wait=True, actor=world.cast.hq_clerk)
    assert (done.status, done.approval, done.credit) == ("submitted", "approved", "hold")
    assert {node.state for node in course(world.cast.hq_clerk, order.subject)} == {"approved"}
    with pytest.raises(Refused) as again:
        actions.approve_order(order.pk, actor=world.cast.hq_clerk)
    assert again.value.faults[0].code == "orders.nothing_to_sign"
    raise_limit(world, 2000)
    assert state(order) == CONFIRMED and order.approval == "approved"
    assert_sound()


def test_the_pages_say_that_it_waits_and_try_it_again(client, world):
    order = held(world, 20)
    clerk = sign_in(client, world.cast.hq_clerk)
    page = clerk.get(reverse("order", args=[order.pk])).content.decode()
    url = reverse("order_release", args=[order.pk])
    assert "Waits for credit" in page and url in page and order.number in clerk.get("/orders/?tab=on_hold").content.decode()
    assert clerk.post(url).status_code == 409
    set_limit(world.account.pk, LimitTerms(D(2000)), "more", actor=world.cast.hq_finance)
    assert clerk.post(url).status_code == 302 and state(order) == CONFIRMED


def test_the_page_says_to_each_side_why_it_waits_and_what_releases_it(client, world):
    order, second = held(world, 20), held(world, 20)
    url = reverse("order", args=[order.pk])
    page = sign_in(client, world.cast.hq_clerk).get(url).content.decode()
    assert "Of the limit of ¥1,000.00, ¥0.00 are in use: ¥1,000.00 are missing for this order." in page
    page = sign_in(client, world.dealer).get(url).content.decode()
    assert "Of your limit of ¥1,000.00, ¥0.00 are in use" in page and "when you have paid so much" in page
    answer = client.get(reverse("order", args=[second.pk]))
    assert "1 order that waits longer goes first." in answer.content.decode() and "orders/held.html" in [one.name for one in answer.templates]
    assert "goes first" not in page
    raise_limit(world, 1999)
    freeze(world.account.pk, "dispute", actor=world.cast.hq_finance)
    assert "Your credit account is stopped." in client.get(url).content.decode()
    assert not world.cast.hq_warehouse.can("funds.view")
    assert "confirmed by itself when there is some" in sign_in(client, world.cast.hq_warehouse).get(url).content.decode()
    unfreeze(world.account.pk, "settled", actor=world.cast.hq_finance)
    raise_limit(world, 2000)
    assert state(order) == CONFIRMED
    assert "are missing for this order" not in client.get(url).content.decode(), "it does not wait any more"


def test_of_a_file_of_orders_those_wait_that_may_and_lack_only_credit(world):
    may, must, short = placing(world, 12, may_wait=True), placing(world, 12), placing(world, 200, may_wait=True)
    entered = actions.place_orders([(one, None) for one in (placing(world, 8), may, must, short, placing(world, 2))], actor=world.dealer)
    assert [one.order and one.order.status for one in entered] == ["confirmed", "submitted", None, None, "confirmed"]
    assert [[f.code for f in one.faults] for one in entered[2:4]] == [["funds.limit"], ["funds.limit", "inventory.short"]]
    order = entered[1].order
    assert state(order) == ("submitted", "hold", "none") and order.promised_on is None and Line.unscoped.get(order=order).promised_on is None
    drain()
    assert Notice.unscoped.filter(code="orders.held", user_id=world.cast.hq_finance.user_id).count() == 1
    assert_sound()
    raise_limit(world, 2200)
    assert state(order) == CONFIRMED and order.promised_on
    assert_sound()


def test_a_hold_by_hand_is_waited_for_and_its_end_releases_the_order(world):
    freeze(world.account.pk, "stock count", state="hold", actor=world.cast.hq_finance)
    waiting = held(world, 5)
    drain()
    assert state(waiting)[0] == "submitted"
    unfreeze(world.account.pk, "counted", actor=world.cast.hq_finance)
    drain()
    assert state(waiting) == CONFIRMED
    assert_sound()
