"""A transfer that waits for an answer stands in the inbox of who is asked to pass goods on: accepted or declined with one tap."""

import pytest
from django.test import Client
from django.urls import reverse

from qudao.approvals.queries import waiting_number
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.inventory.models import Stock
from qudao.messages.models import Notice
from qudao.messages.queries import sentence
from qudao.orders.models import Order
from qudao.orders.states import Status
from qudao.orders.tests.make import assert_sound, make_world
from qudao.orders.tests.transfers import make_passing
from qudao.people.tests.make import sign_in
from qudao.portal.queries import inbox, oldest_pending, pending
from qudao.portal.queries.inbox import offers

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "inbox"}


@pytest.fixture
def passing():
    return make_passing(make_world([100, 100]))


@pytest.fixture
def giver(client, passing):
    return sign_in(client, passing.giver)


def status_of(order):
    return Order.unscoped.get(pk=order.pk).status


def test_only_who_may_answer_finds_it_and_can_open_it(passing):
    order = passing.arrange(6)
    for actor, number in ((passing.giver, 1), (passing.taker, 0), (passing.clerk, 0), (passing.world.cast.sub_dealer, 0), (passing.world.cast.dealer, 0)):
        found = pending(actor)
        assert [task.subject_id for task in found] == [order.pk] * number == list(offers(actor).values_list("pk", flat=True)), actor.name
        assert (waiting_number(actor), oldest_pending(actor, 5)[1]) == (number, number)
        if not number:
            sign_in(Client(), actor).post(reverse("approval_approve", args=[order.pk]), headers=HTMX)
    assert status_of(order) == Status.IN_REVIEW


def test_the_card_says_who_asks_and_hides_how_the_price_came_about(giver, passing, django_assert_max_num_queries):
    order = passing.arrange(6)
    giver.get(reverse("approvals"))
    with django_assert_max_num_queries(15):
        page = text(giver.get(reverse("approvals"), {"open": order.pk}, headers=HTMX))
    for words in (
        "asks you to pass these goods on to",
        "¥600.00",
        "Accept",
        "Decline",
        "Arranged by",
        "your warehouse ships",
        "We need these goods ourselves.",
    ):
        assert words in page, words
    for words in ("Approve", "Reject", "Hand on", "Send back", "beside the list price", "first order"):
        assert words not in page, words
    whole = text(giver.get(reverse("approvals")))
    assert "transfer ¥600.00" in whole and '<span class="n">1</span>' in whole
    home = text(giver.get(reverse("home"), {"side": "sell"}))
    assert "Pass on" in home and f"{reverse('approvals')}?open={order.pk}" in home
    assert "1 to approve" in text(giver.get(reverse("tasks")))


def test_accepted_with_one_tap_and_who_arranged_it_is_told(giver, passing):
    first, second = passing.arrange(6), passing.arrange(2)
    answer = giver.post(reverse("approval_approve", args=[first.pk]), headers=HTMX)
    assert f"{first.number} accepted." in answer["HX-Trigger"] and reverse("approval_approve", args=[second.pk]) in text(answer)
    answer = giver.post(reverse("approval_reject", args=[second.pk]), {"reason": ""}, headers=HTMX)
    assert answer.status_code == 422 and status_of(second) == Status.IN_REVIEW
    answer = giver.post(reverse("approval_reject", args=[second.pk]), {"quick": "We need these goods ourselves."}, headers=HTMX)
    assert f"{second.number} declined." in answer["HX-Trigger"] and "Nothing waits for your signature." in text(answer)
    assert (status_of(first), status_of(second)) == (Status.CONFIRMED, Status.REJECTED) and waiting_number(passing.giver) == 0
    drain()
    told = {sentence(one) for one in Notice.unscoped.filter(user_id=passing.clerk.user_id)}
    assert f"{first.number}: the goods are passed on." in told
    assert f"{second.number}: the goods are not passed on: We need these goods ourselves." in told
    assert_sound()


def test_what_the_giver_has_no_longer_is_refused_or_delivered_later(giver, passing):
    order = passing.arrange(6)
    Stock.unscoped.filter(place=order.place_id, product=passing.world.products[0]).update(on_hand=4)
    page = text(giver.get(reverse("approvals"), {"open": order.pk}))
    assert "1 line cannot be reserved now" in page and 'name="short"' in page and "can stand in" not in page
    answer = giver.post(reverse("approval_approve", args=[order.pk]), headers=HTMX)
    assert answer.status_code == 409 and status_of(order) == Status.IN_REVIEW
    giver.post(reverse("approval_approve", args=[order.pk]), {"short": "cut"}, headers=HTMX)
    assert status_of(order) == Status.CONFIRMED
    Stock.unscoped.filter(place=order.place_id, product=passing.world.products[0]).update(on_hand=20)  # as its moves say
    assert_sound()


def test_nothing_of_a_flow_is_offered_for_it(giver, passing):
    order = passing.arrange(6)
    for name in ("approval_delegation", "approval_signers", "approval_return", "approval_back"):
        assert giver.get(reverse(name, args=[order.pk])).status_code in (403, 404), name
    assert "1 waits for you" in text(giver.get(reverse("approvals_bulk"))) and status_of(order) == Status.IN_REVIEW


def test_what_one_answered_is_listed_with_ones_decisions(giver, passing, django_assert_max_num_queries):
    first, second, other = (passing.arrange(qty) for qty in (6, 2, 1))
    giver.post(reverse("approval_approve", args=[first.pk]), headers=HTMX)
    giver.post(reverse("approval_reject", args=[second.pk]), {"quick": "We need these goods ourselves."}, headers=HTMX)
    assert reverse("approvals_answered") in text(giver.get(reverse("approvals_decided")))
    with django_assert_max_num_queries(15):
        page = text(giver.get(reverse("approvals_answered")))
    rows = page.partition("<tbody>")[2].partition("</tbody>")[0]
    for words in (first.number, second.number, "Accepted", "Declined", "We need these goods ourselves.", "¥600.00"[1:]):
        assert words in rows, words
    assert other.number not in rows
    assert second.number in giver.get(reverse("approvals_answered"), {"export": "csv"}).content.decode("utf-8-sig")
    sign_in(giver, passing.taker)  # who gets the goods answered nothing
    assert first.number not in text(giver.get(reverse("approvals_answered")))


def test_however_many_wait_longer_one_that_is_asked_for_opens(giver, passing, monkeypatch):
    older, newer = passing.arrange(1), passing.arrange(2)
    monkeypatch.setattr(inbox, "TASKS", 1)
    assert [task.subject_id for task in pending(passing.giver)] == [older.pk]
    assert newer.number in text(giver.get(reverse("approvals"), {"open": newer.pk}))
    assert oldest_pending(passing.giver, 1)[1] == 2


def test_the_page_of_the_order_speaks_of_transfers(giver, passing):
    order = passing.arrange(6)
    page = text(giver.get(reverse("order", args=[order.pk])))
    assert "Accept" in page and "Decline" in page and "Offered" in page and "Send back" not in page
    assert "Accept the transfer" in text(giver.get(reverse("order_approval", args=[order.pk])))
    assert "Nothing is passed on." in text(giver.get(reverse("order_rejection", args=[order.pk])))
