"""Changing an order before it is final: checked, priced and routed anew; who signs is asked again, and signs nothing unseen."""

from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.urls import reverse

from qudao.approvals.models import Request
from qudao.approvals.tests.make import make_rule
from qudao.base.access import system_actor
from qudao.base.models import ActionLog
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.funds.queries import unscoped_card
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.messages.models import Notice
from qudao.network.actions import add_address
from qudao.network.rules import AddressFacts
from qudao.orders import actions
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_world, place, placing
from qudao.people.tests.make import sign_in
from qudao.pricing.actions import set_prices
from qudao.pricing.queries import PriceList
from qudao.pricing.rules import PriceDraft

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    made = make_world([10, 10, 10], limit=D(2000))
    make_rule(made.cast.lh, "hq_clerk", "300")
    return made


def codes(refusal):
    return [fault.code for fault in refusal.value.faults]


def edit(world, order, *quantities, actor=None, reason="", **facts):
    changed = actions.edit_order(order.pk, placing(world, *quantities, **facts), reason=reason, actor=actor or world.dealer)
    order.refresh_from_db()
    return changed


def request_of(order):
    return Request.unscoped.filter(subject_id=order.pk).order_by("-pk").first()


def lines(order):
    return list(Line.unscoped.filter(order=order).order_by("no").values_list("product__code", "qty", "unit_price"))


def test_an_order_sent_back_is_changed_priced_anew_and_submitted(world):
    order = place(world, 4, po_number="A-1")
    number = order.number
    actions.return_order(order.pk, reason="fewer", actor=world.cast.hq_clerk)
    base = PriceList.unscoped.get(code="BASE-LH")
    set_prices(base.pk, [PriceDraft(world.products[1].pk, D(90), clock.today())], actor=system_actor())
    address = add_address(world.cast.d001.pk, AddressFacts("Li", "1", "South road 1"), actor=world.dealer)
    edit(world, order, 1, 5, po_number="A-2", note="soon", address_id=address.pk, reason="as said")
    assert (order.status, order.number, order.gross, order.line_count) == ("in_review", number, D(550), 2)
    assert lines(order) == [("P1", 1, 100), ("P2", 5, 90)]
    assert (order.po_number, order.note, order.ship_name) == ("A-2", "soon", "Li")
    log = ActionLog.unscoped.filter(verb="orders.place").last()
    assert log.detail["edited"] == [["P1", "4", "1"], ["P2", "", "5"]] and log.detail["head"]["po_number"] == ["A-1", "A-2"]
    assert (log.before, log.after, log.reason) == ("draft", "in_review", "as said")
    assert actions.approve_order(order.pk, actor=world.cast.hq_clerk).status == "confirmed"
    assert unscoped_card(world.agreement.pk).position.ordered == D(550)
    drain()
    assert_sound()


def test_below_what_needs_a_signature_it_is_confirmed_at_once(world):
    order = place(world, 4)
    actions.withdraw_order(order.pk, actor=world.dealer)
    edit(world, order, 2)
    assert (order.status, order.approval) == ("confirmed", "none")
    with pytest.raises(Refused) as refusal:
        edit(world, order, 1)
    assert codes(refusal) == ["orders.illegal"]
    drain()
    assert_sound()


def test_a_change_in_review_asks_everybody_anew_and_tells_both_sides(world):
    make_rule(world.cast.lh, "hq_finance", "300", position=2)
    order = place(world, 4)
    actions.approve_order(order.pk, actor=world.cast.hq_clerk)
    first = request_of(order)
    edit(world, order, 6)
    again = request_of(order)
    first.refresh_from_db()
    assert (first.state, again.state, again.amount) == ("withdrawn", "pending", D(600)) and again.pk != first.pk
    assert actions.approve_order(order.pk, actor=world.cast.hq_clerk).status == "in_review"  # the first signature again
    assert actions.approve_order(order.pk, actor=world.cast.hq_finance).status == "confirmed"
    drain()
    assert Notice.unscoped.filter(code="orders.edited", user_id=world.cast.hq_clerk.user_id).count() == 1
    assert Notice.unscoped.filter(code="approvals.waiting", user_id=world.cast.hq_clerk.user_id).count() == 2
    assert_sound()


def test_nobody_signs_what_was_changed_since_they_looked(world):
    order = place(world, 4)
    seen = request_of(order).pk
    edit(world, order, 9)
    for act in (actions.approve_order, actions.reject_order, actions.return_order):
        with pytest.raises(Refused) as refusal:
            act(order.pk, reason="fine", seen=seen, actor=world.cast.hq_clerk)
        assert codes(refusal) == ["approvals.changed"]
    assert actions.approve_order(order.pk, seen=request_of(order).pk, actor=world.cast.hq_clerk).status == "confirmed"


def test_a_change_is_no_way_round_stock_and_a_wrong_one_leaves_the_order(world):
    order = place(world, 4)
    actions.withdraw_order(order.pk, actor=world.dealer)
    edit(world, order, 2, 11)
    with pytest.raises(Refused) as refusal:
        actions.approve_order(order.pk, actor=world.cast.hq_clerk)
    assert codes(refusal) == ["inventory.short"]
    with pytest.raises(Invalid):
        edit(world, order, 0)
    with pytest.raises(Invalid):
        edit(world, order, 1, address_id=0)
    order.refresh_from_db()
    assert (order.status, lines(order)) == ("in_review", [("P1", 2, 100), ("P2", 11, 100)]) and request_of(order).state == "pending"
    assert unscoped_card(world.agreement.pk).position.ordered == 0
    assert_sound()


def test_what_waits_for_credit_can_be_made_smaller(world):
    place(world, 2)
    order = place(world, 0, 10, 9, may_wait=True)
    actions.approve_order(order.pk, may_wait=True, actor=world.cast.hq_clerk)
    order.refresh_from_db()
    assert (order.status, order.credit) == ("submitted", "hold")
    edit(world, order, 0, 1)
    assert (order.status, order.credit, order.approval) == ("confirmed", "pass", "none")
    assert_sound()


def test_who_may_not_and_what_says_nothing(world):
    order = place(world, 4)
    with pytest.raises(NotFound):
        edit(world, order, 1, actor=world.cast.stranger)
    with pytest.raises(Forbidden):
        edit(world, order, 1, actor=world.cast.hq_warehouse)
    with pytest.raises(Invalid) as refusal:
        edit(world, order, 4)
    assert codes(refusal) == ["orders.nothing_changed"]
    assert edit(world, order, 5, actor=world.cast.hq_clerk).status == "in_review"  # who enters orders for a buyer changes them, too
    with pytest.raises(Refused) as refusal:
        actions.approve_order(order.pk, actor=world.cast.hq_clerk)
    assert codes(refusal) == ["approvals.own_document"]
    drain()
    assert Notice.unscoped.filter(code="orders.edited", user_id=world.dealer.user_id).count() == 1


def test_the_api_changes_it_once_and_a_decision_names_what_it_saw(world, client):
    order = place(world, 4)
    seen = request_of(order).pk
    sign_in(client, world.dealer)
    body, key = {"lines": [{"product": "P2", "qty": "7"}], "note": "x"}, {"idempotency-key": str(uuid4())}
    for _time in range(2):
        answer = client.post(f"/api/v1/orders/{order.pk}/revision", body, content_type="application/json", headers=key)
        assert answer.status_code == 200 and D(answer.json()["gross"]) == D(700), answer.content
    assert Request.unscoped.filter(subject_id=order.pk).count() == 2
    wrong = client.post(f"/api/v1/orders/{order.pk}/revision", {"lines": [{"product": "NO", "qty": "1"}]}, content_type="application/json")
    assert wrong.status_code == 422
    sign_in(client, world.cast.hq_clerk)
    late = client.post(f"/api/v1/orders/{order.pk}/approval", {"seen": seen}, content_type="application/json")
    assert late.status_code == 409 and "approvals.changed" in late.content.decode()


def test_the_page_of_the_order_offers_it_and_says_what_was_changed(world, client):
    client.cookies["qudao_language"] = "en"
    order = place(world, 4)
    actions.return_order(order.pk, reason="too many", actor=world.cast.hq_clerk)
    sign_in(client, world.dealer)
    page = text(client.get(reverse("order", args=[order.pk])))
    assert "Change the order" in page and reverse("order_edit", args=[order.pk]) in page
    edit(world, order, 3)
    page = text(client.get(reverse("order", args=[order.pk])))
    assert "changed the order and submitted it again: P1 4 → 3" in page
    sign_in(client, world.cast.hq_clerk)
    asked = text(client.get(reverse("order_approval", args=[order.pk])))
    assert f'name="seen" value="{request_of(order).pk}"' in asked
    done = client.post(reverse("order_approval", args=[order.pk]), {"reason": "", "short": "", "seen": request_of(order).pk})
    assert done.status_code == 302
