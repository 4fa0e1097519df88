"""Lines taken out into an order of their own: what is held goes with them, nothing is asked again and nothing becomes free."""

from datetime import timedelta
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qudao.approvals.models import Node, Request
from qudao.approvals.tests.make import make_rule
from qudao.base.access import system_actor
from qudao.base.db import rows
from qudao.base.models import ActionLog
from qudao.base.outbox import drain
from qudao.funds.actions import freeze
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import make_stock
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.messages.models import Notice
from qudao.network.actions import add_address
from qudao.network.rules import AddressFacts
from qudao.orders import actions
from qudao.orders.actions import Amendment, Splitting
from qudao.orders.models import Line, Order
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.people.tests.make import sign_in
from qudao.pricing.actions import set_prices
from qudao.pricing.queries import PriceList
from qudao.pricing.rules import PriceDraft

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return make_world([10, 10, 10], limit=D(1000))


def codes(refusal):
    return [fault.code for fault in refusal.value.faults]


def ids(order):
    return list(Line.unscoped.filter(order=order).order_by("no").values_list("pk", flat=True))


def split(world, order, wanted, *, actor=None, **more):
    """Line number → quantity taken out."""
    lines = ids(order)
    asked = Splitting({lines[no - 1]: D(qty) for no, qty in wanted.items()}, **more)
    made = actions.split_order(order.pk, asked, actor=actor or world.dealer)
    order.refresh_from_db()
    return made


def sums(world):
    """(credit in use by bucket, reserved, waiting, ordered amounts, promised stock): what splitting must not change."""
    position = unscoped_card(world.agreement.pk).position
    reserved = rows("SELECT coalesce(sum(qty - taken - released), 0) FROM inventory_reservation WHERE state = 'open'")
    waits = rows("SELECT coalesce(sum(backordered), 0), sum(qty - given_up) FROM orders_line")
    amounts = rows("SELECT sum(net), sum(tax), sum(gross) FROM orders_order WHERE status NOT IN ('cancelled', 'rejected')")
    return position.ordered, position.shipped, position.invoiced, reserved, waits, amounts, rows("SELECT sum(reserved) FROM inventory_stock")


def test_a_part_of_an_order_is_an_order_of_its_own_with_all_that_was_held(world, client):
    order = place(world, 6, 4)
    before = sums(world)
    made = split(world, order, {1: 2, 2: 4}, actor=world.cast.hq_clerk)
    assert sums(world) == before and (order.gross, made.gross) == (D(400), D(600))
    assert (made.status, made.credit, made.allocation, made.split_from_id, made.line_count) == ("confirmed", "pass", "full", order.pk, 2)
    assert made.number != order.number and made.number.rpartition("-")[0] == order.number.rpartition("-")[0]
    assert list(Line.unscoped.filter(order=order).order_by("no").values_list("given_up", "moved")) == [(2, 2), (4, 4)]
    drain()
    assert Notice.unscoped.filter(code="orders.split", user_id=world.dealer.user_id).count() == 1
    assert_sound()
    client.cookies["qudao_language"] = "en"
    for who in (world.dealer, world.cast.hq_clerk):
        sign_in(client, who)
        old, new = (client.get(reverse("order", args=[one.pk])).content.decode() for one in (order, made))
        assert made.number in old and order.number in new and "P1 6 → 4" in old and "moved" in old
    actions.cancel_order(order.pk, reason="no", actor=world.dealer)
    actions.cancel_order(made.pk, reason="no", actor=world.dealer)
    drain()
    assert unscoped_card(world.agreement.pk).position.ordered == 0
    assert_sound()


def test_nothing_is_priced_or_asked_again_even_of_a_frozen_account(world):
    order = place(world, 6, 4)
    freeze(world.account.pk, "unpaid", actor=system_actor())
    made = split(world, order, {1: 3})
    assert Line.unscoped.get(order=made).unit_price == D(100) and made.status == "confirmed"
    with pytest.raises(Refused) as refusal:
        place(world, 1)
    assert "funds.frozen" in codes(refusal)


def test_what_waits_for_goods_goes_first_and_keeps_its_turn():
    world = make_world([4, 10, 10])
    order, later = place(world, 6, 2, short="backorder"), place(world, 3, short="backorder")
    before = sums(world)
    made = split(world, order, {1: 2}, actor=world.cast.hq_clerk)
    assert sums(world) == before
    assert (order.allocation, order.waits_since, made.allocation) == ("full", None, "backorder") and order.promised_on and not made.promised_on
    make_stock(world.shelf.main, {world.products[0].pk: 2})
    drain()
    made.refresh_from_db()
    assert made.allocation == "full" and made.promised_on
    assert Line.unscoped.get(order=later).backordered == 3
    assert_sound()


def test_each_part_is_signed_for_the_whole_and_not_by_who_submitted_it(world):
    make_rule(world.cast.lh, "hq_clerk", "500")
    order = place(world, 6, 2)
    before = sums(world)
    made = split(world, order, {1: 4, 2: 2})
    assert (order.status, made.status, made.approval, sums(world)) == ("in_review", "in_review", "pending", before)
    assert list(Line.unscoped.filter(order=order).values_list("qty", "moved")) == [(2, 0)] and (order.gross, order.line_count) == (D(200), 1)
    first, second = Request.unscoped.order_by("pk")
    assert (first.amount, first.facts, first.submitted_by_id) == (second.amount, second.facts, second.submitted_by_id) and second.subject_id == made.pk
    assert Node.unscoped.filter(state="current").count() == 2
    drain()
    assert_sound()
    with pytest.raises(Refused) as refusal:
        split(world, order, {1: 2})
    assert codes(refusal) == ["orders.split_all"]
    for one in (order, made):
        assert actions.approve_order(one.pk, actor=world.cast.hq_clerk).status == "confirmed"
    assert sums(world)[0] == D(800)
    drain()
    assert_sound()


def test_a_withdrawn_part_is_submitted_again_as_what_it_is(world):
    make_rule(world.cast.lh, "hq_clerk", "500")
    order = place(world, 6)
    made = split(world, order, {1: 1})
    actions.withdraw_order(made.pk, actor=world.dealer)
    assert actions.submit_order(made.pk, actor=world.dealer).status == "confirmed"
    actions.withdraw_order(order.pk, actor=world.dealer)
    again = actions.submit_order(order.pk, actor=world.dealer)
    assert (again.status, again.gross) == ("in_review", D(500))
    assert_sound()


def test_another_day_and_another_address(world):

    order = place(world, 6)
    address = add_address(world.cast.d001.pk, AddressFacts("Li", "1", "South road 1"), actor=world.dealer)
    day = clock.today() + timedelta(days=30)
    made = split(world, order, {1: 1}, requested_on=day, address_id=address.pk)
    assert (made.requested_on, made.promised_on, made.ship_name) == (day, day, "Li") and order.ship_name != "Li" and order.promised_on < day
    with pytest.raises(Invalid) as refusal:
        split(world, order, {1: 1}, address_id=0)
    assert codes(refusal) == ["orders.address_unknown"]
    with pytest.raises(Invalid) as refusal:
        split(world, order, {1: 1}, requested_on=clock.today() - timedelta(days=1))
    assert codes(refusal) == ["orders.date_passed"]


def test_who_may_not_and_what_is_wrong(world):
    order = place(world, 4)
    line = ids(order)[0]
    with pytest.raises(NotFound):
        split(world, order, {1: 2}, actor=world.cast.stranger)
    with pytest.raises(Forbidden):
        split(world, order, {1: 2}, actor=world.cast.hq_warehouse)
    for wanted, code in (
        ({}, "orders.nothing_to_split"),
        ({line: D(0)}, "orders.nothing_to_split"),
        ({0: D(1)}, "orders.no_such_line"),
        ({line: D(-1)}, "orders.qty_too_fine"),
        ({line: D(5)}, "orders.more_than_ordered"),
    ):
        with pytest.raises(Invalid) as refusal:
            actions.split_order(order.pk, Splitting(wanted), actor=world.dealer)
        assert codes(refusal) == [code]
    make_rule(world.cast.lh, "hq_finance", "500")
    actions.amend_order(order.pk, Amendment({line: D(6)}), actor=world.dealer)
    with pytest.raises(Refused) as refusal:
        split(world, order, {1: 1})
    assert codes(refusal) == ["orders.approval_pending"]
    actions.cancel_order(order.pk, reason="no", actor=world.dealer)
    with pytest.raises(Refused) as refusal:
        split(world, order, {1: 1})
    assert codes(refusal) == ["orders.illegal"]
    assert ActionLog.unscoped.filter(verb="orders.split").count() == 0


def test_the_api_splits_once_however_often_it_is_asked(world, client):
    order = place(world, 8)
    sign_in(client, world.dealer)
    url, key = f"/api/v1/orders/{order.pk}/split", {"idempotency-key": str(uuid4())}
    body = {"lines": [{"line_id": ids(order)[0], "qty": "3"}]}
    made = {client.post(url, body, content_type="application/json", headers=key).json()["id"] for _time in range(2)}
    assert len(made) == 1 and Order.unscoped.filter(split_from=order).count() == 1
    body = client.get(f"/api/v1/orders/{made.pop()}").json()
    assert body["split_from_id"] == order.pk and D(body["gross"]) == D(300)
    assert client.post(url, {"lines": []}, content_type="application/json").status_code == 422


def test_the_page_takes_lines_out_and_opens_the_new_order(world, client):
    client.cookies["qudao_language"] = "en"
    order = place(world, 4, 2)
    sign_in(client, world.dealer)
    url, (first, second) = reverse("order_split", args=[order.pk]), ids(order)
    page = client.get(url).content.decode()
    assert f'name="line_{first}"' in page and url in client.get(reverse("order", args=[order.pk])).content.decode()
    key = str(uuid4())
    wrong = client.post(url, {f"line_{first}": "0", f"line_{second}": "0", "client_id": key})
    assert wrong.status_code == 422 and "Say what is taken out" in wrong.content.decode()
    for _time in range(2):
        done = client.post(url, {f"line_{first}": "0", f"line_{second}": "2", "client_id": key})
        made = Order.unscoped.get(split_from=order)
        assert done.status_code in (302, 204) and made.get_absolute_url() in str(done.headers) and made.gross == D(200)


def test_a_line_that_is_short_offers_the_rest_as_an_order(client):
    world = make_world([4, 10, 10])
    order = place(world, 6, short="backorder")
    client.cookies["qudao_language"] = "en"
    sign_in(client, world.cast.hq_clerk)
    page = client.get(reverse("order", args=[order.pk])).content.decode()
    link = f"{reverse('order_split', args=[order.pk])}?line_{ids(order)[0]}=2"
    assert link in page
    assert 'value="2"' in client.get(link).content.decode()


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_splitting_again_and_again_keeps_every_sum(data, django_db_setup, django_db_blocker):
    with transaction.atomic():
        world = make_world([5, 50, 0], limit=D(100000))

        odd = data.draw(st.sampled_from([D("0.333333"), D("0.05"), D("7.77"), D("100.015")]))
        set_prices(PriceList.unscoped.get(code="BASE-LH").pk, [PriceDraft(p.pk, odd, clock.today()) for p in world.products], actor=system_actor())
        place(world, *(data.draw(st.integers(0 if n else 1, 9)) for n in range(3)), short="backorder")
        before = sums(world)
        for _step in range(data.draw(st.integers(1, 5))):
            orders = list(Order.unscoped.order_by("pk"))
            order = orders[data.draw(st.integers(0, len(orders) - 1))]
            lines = list(Line.unscoped.filter(order=order).order_by("no"))
            wanted = {line.pk: data.draw(st.decimals(0, line.wanted, places=1)) for line in lines}
            try:
                actions.split_order(order.pk, Splitting(wanted), actor=world.dealer)
            except (Invalid, Refused) as refusal:
                assert [fault.code for fault in refusal.faults] in (["orders.split_all"], ["orders.nothing_to_split"])
            assert sums(world) == before
        drain()
        assert sums(world) == before
        assert_sound()
        transaction.set_rollback(True)
