"""Every way round a credit limit that users of other systems found (shared/peers.md, section 3, row 13), tried here: none gets more than the limit.

At once by many: tests/races. On prepaid terms: test_prepaid_order. On hold, taken back, in two halves: test_waiting_order. By product line: test_product_lines.
"""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.db.models import Sum

from qudao.approvals.tests.make import make_rule
from qudao.base.outbox import drain
from qudao.fulfilment.actions import Settlement, refuse_shipment, settle_difference
from qudao.fulfilment.models import Difference
from qudao.fulfilment.tests.make import shipped
from qudao.funds.actions import LimitTerms, set_limit
from qudao.funds.models import Entry
from qudao.funds.queries import unscoped_card
from qudao.kernel.errors import Invalid, Refused
from qudao.orders import actions
from qudao.orders.actions import Amendment, Splitting
from qudao.orders.models import Line, Order
from qudao.orders.rules import NewLine
from qudao.orders.tests.make import assert_sound, make_credit, make_world, place, renewed
from qudao.people.tests.make import bearer

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["one agreement", "a renewed one"])
def world(request):
    """Ten pieces of credit are left; the second time the same two have a new agreement, and five pieces are still open under the old one."""
    if request.param == "one agreement":
        return make_world(limit=D(1000))
    made = make_world(limit=D(1500))
    place(made, 0, 5)
    return renewed(made)


def in_use(world):
    """What the agreement's own orders use: the old ones' use the same limit, and stay."""
    assert not [e for e in Entry.unscoped.filter(kind="hold", note="") if e.exposure > e.limit_amount]
    before = Order.unscoped.exclude(agreement=world.agreement).aggregate(gross=Sum("gross"))["gross"] or D(0)
    return unscoped_card(world.agreement.pk).exposure - before


def beyond(call):
    with pytest.raises(Refused) as refusal:
        call()
    assert "funds.limit" in [fault.code for fault in refusal.value.faults]


def test_close_order_and_open_again(world):
    """Close an order, order with what is free, open the first again: it is over, and what is sent again asks for credit like an order."""
    order = place(world, 10)
    refuse_shipment(shipped(world, order).pk, "two weeks late", actor=world.dealer)
    drain()
    assert in_use(world) == 0
    other = place(world, 0, 8)
    beyond(lambda: settle_difference(Difference.unscoped.get().pk, Settlement("written_off", "warehouse", "again"), actor=world.cast.hq_warehouse))
    part = place(world, 0, 2)
    actions.cancel_order(part.pk, reason="changed plans", actor=world.dealer)
    place(world, 0, 0, 2)
    for again in (actions.submit_order, actions.approve_order, actions.release_order):
        with pytest.raises(Refused):
            again(part.pk, actor=world.cast.hq_admin)
    assert in_use(world) == D(1000) and other.status == "confirmed"
    assert_sound()


def test_copy_an_order(world):
    order = place(world, 6)
    beyond(lambda: place(world, 6))
    actions.cancel_order(order.pk, reason="changed plans", actor=world.dealer)
    place(world, 6)
    beyond(lambda: place(world, 6))
    assert in_use(world) == D(600)
    assert_sound()


def test_order_little_and_make_it_more(world):
    order = place(world, 5)
    place(world, 0, 4)
    line = order.lines.get().pk
    beyond(lambda: actions.amend_order(order.pk, Amendment({line: D(7)}), actor=world.dealer))
    beyond(lambda: actions.amend_order(order.pk, Amendment({line: D(4)}, [NewLine(world.products[2].pk, D(3))]), actor=world.dealer))
    assert in_use(world) == D(900) and Line.unscoped.get(pk=line).wanted == D(5)
    assert_sound()


def test_ask_for_more_and_let_it_be_signed_when_the_limit_is_used(world):
    order = place(world, 5)
    make_rule(world.cast.lh, "hq_finance")
    actions.amend_order(order.pk, Amendment({order.lines.get().pk: D(10)}), actor=world.dealer)
    waiting = place(world, 0, 10)
    beyond(lambda: actions.approve_order(waiting.pk, actor=world.cast.hq_finance))
    actions.approve_order(order.pk, actor=world.cast.hq_finance)
    beyond(lambda: actions.approve_order(waiting.pk, actor=world.cast.hq_finance))
    assert in_use(world) == D(1000)
    assert_sound()


def test_take_an_order_apart(world):
    order = place(world, 10)
    part = actions.split_order(order.pk, Splitting({order.lines.get().pk: D(4)}), actor=world.dealer)
    assert in_use(world) == D(1000) and part.gross == D(400)
    beyond(lambda: place(world, 0, 1))
    actions.cancel_order(part.pk, reason="changed plans", actor=world.dealer)
    assert in_use(world) == D(600)
    assert_sound()


def test_by_the_api(world, client):
    body = {"seller_id": world.cast.lh.pk, "buyer_id": world.cast.d001.pk, "lines": [{"product": "P1", "qty": "6"}], "twin_ok": True}
    asked = [client.post("/api/v1/orders", body, content_type="application/json", headers={**bearer(world.dealer), "Idempotency-Key": f"order-000{n}"})
             for n in range(3)]  # fmt: skip
    assert [answer.status_code for answer in asked] == [201, 409, 409] and "funds.limit" in asked[1].content.decode()
    assert in_use(world) == D(600)
    assert_sound()


def test_money_paid_ahead_is_no_limit_and_a_limit_is_no_money():
    """Prepaid terms and credit do not mix: an account without credit gets none by hand, and orders of the one never use the other."""
    world = make_world(limit=D(0), prepaid=True)
    with pytest.raises(Invalid, match=r"funds\.account_prepaid_no_credit"):
        set_limit(world.account.pk, LimitTerms(D(1000)), "just once", actor=world.cast.hq_finance)
    with pytest.raises(Refused, match=r"funds\.prepaid"):
        place(world, 1)
    assert make_credit(world.agreement, D(0)).prepaid and in_use(world) == 0
    assert_sound()
