"""The same ways round a credit limit as in test_no_way_round, by the types of orders that came later: transfers, purchases from outside, orders that are
edited before they are final, and money of a head office.
"""

from __future__ import annotations

from decimal import Decimal as D
from uuid import uuid4

import pytest

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.tests.make import make_rule
from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.funds.actions import LimitTerms, set_limit
from qudao.funds.models import Entry
from qudao.funds.queries import unscoped_accounts_of, unscoped_card
from qudao.inventory.tests.make import make_places
from qudao.kernel.errors import Refused
from qudao.network.tests.make import make_org
from qudao.orders import actions
from qudao.orders.actions import Amendment, Splitting
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_credit, make_world, place, placing
from qudao.orders.tests.outside import make_outside
from qudao.orders.tests.transfers import make_passing
from qudao.payments.actions import PoolFacts, announce_pool, confirm_pool, decline_pool, record_pool, set_payer, withdraw_payments
from qudao.people.tests.make import actor_of, bearer, cast, make_member

pytestmark = pytest.mark.django_db
API, JSON = "/api/v1", "application/json"


def limit(agreement_id, amount, actor=None):
    set_limit(unscoped_accounts_of([agreement_id])[agreement_id], LimitTerms(D(amount)), "agreed", actor=actor or system_actor())


def in_use(agreement_id):
    assert not [e for e in Entry.unscoped.filter(kind="hold", note="") if e.exposure > e.limit_amount]
    return unscoped_card(agreement_id).exposure


def beyond(call, *args, **kwargs):
    with pytest.raises(Refused) as refusal:
        call(*args, **kwargs)
    assert "funds.limit" in [fault.code for fault in refusal.value.faults]


def status_of(order):
    return Order.unscoped.get(pk=order.pk).status


# --- transfers: the giver's credit to the receiver ---


@pytest.fixture
def passing():
    """D001 passes goods on to D002 for at most 500 in all: five pieces."""
    found = make_passing(make_world([100]), 20)
    first = found.arrange(1)
    actions.reject_order(first.pk, reason="only to have terms", actor=found.giver)
    limit(first.agreement_id, 500, found.giver)
    return found


def test_one_large_transfer_or_many_small_ones(passing):
    beyond(actions.approve_order, passing.arrange(6).pk, actor=passing.giver)
    orders = [passing.arrange(2) for _n in range(3)]
    for order in orders[:2]:
        actions.approve_order(order.pk, actor=passing.giver)
    beyond(actions.approve_order, orders[2].pk, actor=passing.giver)
    assert in_use(orders[0].agreement_id) == D(400)
    assert_sound()


def test_a_transfer_copied_changed_split_or_cut_down_to_pass(passing):
    order = passing.arrange(5)
    actions.approve_order(order.pk, actor=passing.giver)
    beyond(actions.approve_order, passing.arrange(5).pk, actor=passing.giver)
    line = order.lines.get().pk
    for change in ({line: D(6)}, {line: D(1)}):
        for actor in (passing.giver, passing.taker):
            with pytest.raises(Refused, match=r"orders\.transfer_fixed"):
                actions.amend_order(order.pk, Amendment(change), actor=actor)
    with pytest.raises(Refused, match=r"orders\.transfer_fixed"):
        actions.edit_order(passing.arrange(1).pk, passing.placing(9), actor=passing.taker)
    part = actions.split_order(order.pk, Splitting({line: D(2)}), actor=passing.giver)
    assert in_use(order.agreement_id) == D(500), "in two parts it is as much"
    beyond(actions.approve_order, passing.arrange(1, short="cut").pk, actor=passing.giver)
    actions.cancel_order(part.pk, reason="changed plans", actor=passing.clerk)
    actions.approve_order(passing.arrange(2).pk, actor=passing.giver)
    beyond(actions.approve_order, passing.arrange(1).pk, actor=passing.giver)
    assert in_use(order.agreement_id) == D(500)
    assert_sound()


def test_a_transfer_that_waits_is_tried_in_its_turn_only(passing):
    first, second = passing.arrange(5), passing.arrange(3)
    actions.approve_order(first.pk, actor=passing.giver)
    actions.approve_order(second.pk, may_wait=True, actor=passing.giver)
    assert status_of(second) == "submitted" and in_use(first.agreement_id) == D(500)
    beyond(actions.release_order, second.pk, actor=passing.giver)
    with pytest.raises(Refused, match=r"orders\.nothing_to_sign"):
        actions.approve_order(second.pk, actor=passing.giver)
    actions.cancel_order(first.pk, reason="changed plans", actor=passing.taker)
    drain()
    assert status_of(second) == "confirmed" and in_use(first.agreement_id) == D(300)
    assert_sound()


def test_transfers_by_the_api_and_at_another_seller(passing, client):
    """The receiver's limit with the brand is not touched, and a transfer is no way to have more of the giver's."""
    body = {"giver_id": passing.world.cast.d001.pk, "receiver_id": passing.world.cast.d002.pk, "lines": [{"product": "P1", "qty": "4"}]}
    made = [client.post(f"{API}/transfers", body, content_type=JSON, headers={**bearer(passing.clerk), "Idempotency-Key": f"transfer-00{n}"}).json()["id"]
            for n in range(2)]  # fmt: skip
    answers = [client.post(f"{API}/orders/{pk}/approval", {}, content_type=JSON, headers={**bearer(passing.giver), "Idempotency-Key": f"accept-000{pk}"})
               for pk in made]  # fmt: skip
    assert [answer.status_code for answer in answers] == [200, 409] and "funds.limit" in answers[1].content.decode()
    make_credit(passing.receiver, D(1000))
    assert unscoped_card(passing.receiver.pk).exposure == 0
    assert_sound()


# --- purchases from outside: what a supplier lets its keeper owe ---


@pytest.fixture
def outside():
    found = make_outside(cast())
    limit_of(found, 500)
    return found


def limit_of(outside, amount):
    make_credit(outside.agreement, D(amount))


def test_a_purchase_from_outside_copied_changed_or_brought_by_file(outside):
    order = outside.order(8)  # 400
    assert status_of(order) == "confirmed"
    beyond(outside.order, 8)
    beyond(actions.amend_order, order.pk, Amendment({order.lines.get().pk: D(11)}), actor=outside.buyer)
    lines = [NewLine(outside.products[0].pk, D(2))]
    told = Placing(outside.supplier.pk, outside.keeper.pk, lines)
    entered = actions.place_orders([(told, uuid4()), (told, uuid4())], actor=outside.buyer)
    assert [one.order is not None for one in entered] == [True, False] and entered[1].faults[0].code == "funds.limit"
    actions.cancel_order(order.pk, reason="changed plans", actor=outside.buyer)
    outside.order(8)
    beyond(outside.order, 1)
    assert in_use(outside.agreement.pk) == D(500)
    assert_sound()


def test_a_purchase_that_the_own_house_signs_is_checked_when_it_is_signed(outside):
    make_rule(outside.keeper, "dealer_admin")
    first, second = outside.order(8), outside.order(8)
    actions.approve_order(first.pk, actor=outside.admin)
    beyond(actions.approve_order, second.pk, actor=outside.admin)
    part = actions.split_order(second.pk, Splitting({second.lines.get().pk: D(5)}), actor=outside.buyer)
    beyond(actions.approve_order, part.pk, actor=outside.admin)
    beyond(actions.approve_order, second.pk, actor=outside.admin)
    assert in_use(outside.agreement.pk) == D(400)
    assert_sound()


# --- edited before it is final ---


def test_place_little_and_edit_it_to_more():
    world = make_world(limit=D(1000))
    make_rule(world.cast.lh, "hq_finance")
    first, second = place(world, 6), place(world, 3)
    actions.edit_order(second.pk, placing(world, 8), actor=world.dealer)
    actions.approve_order(first.pk, actor=world.cast.hq_finance)
    beyond(actions.approve_order, second.pk, actor=world.cast.hq_finance)
    actions.approve_order(second.pk, may_wait=True, actor=world.cast.hq_finance)
    assert status_of(second) == "submitted" and in_use(world.agreement.pk) == D(600)
    actions.edit_order(second.pk, placing(world, 5), actor=world.dealer)
    beyond(actions.approve_order, second.pk, actor=world.cast.hq_finance)
    actions.edit_order(second.pk, placing(world, 4), actor=world.dealer)
    actions.approve_order(second.pk, actor=world.cast.hq_finance)
    assert in_use(world.agreement.pk) == D(1000)
    assert_sound()


# --- money of a head office ---


def test_money_for_one_branch_gives_another_no_credit_and_only_money_that_came_counts():
    """Announced is not paid, declined and withdrawn is not paid, and what is paid for S001 lets S002 order no more."""
    world = make_world()
    people = world.cast
    s002 = make_org("dealer", "S002", people.d001)
    buyers = {people.s001: people.sub_dealer, s002: actor_of(make_member("s002@example.com", s002, "shop_owner"))}
    agreements = {}
    for org in buyers:
        agreements[org] = make_agreement(people.lh, org)
        make_places(org)
        make_credit(agreements[org], D(500))
        set_payer(agreements[org].pk, people.d001.pk, actor=people.hq_finance)

    def order(org, qty):
        return actions.place_order(Placing(people.lh.pk, org.pk, [NewLine(world.products[0].pk, D(qty))]), actor=buyers[org], client_id=uuid4())

    for org in buyers:
        bought = order(org, 5)
        drain()
        confirm_receipt(ship_order(bought.pk, carrier="SF", tracking="1", actor=people.hq_warehouse).pk, actor=buyers[org])
        drain()
        beyond(order, org, 1)
    facts = PoolFacts(people.lh.pk, people.d001.pk, D(200), rest_buyer_id=people.s001.pk)
    announced = announce_pool(facts, {}, actor=people.dealer_admin)
    for org in buyers:
        beyond(order, org, 1)
    decline_pool(announced.pk, "it did not come", actor=people.hq_finance)
    beyond(order, people.s001, 1)
    confirm_pool(announce_pool(facts, {}, actor=people.dealer_admin).pk, actor=people.hq_finance)
    drain()
    beyond(order, s002, 1)
    beyond(order, people.s001, 3)
    order(people.s001, 2)
    beyond(order, people.s001, 1)
    mistake = record_pool(facts, {}, actor=people.hq_finance)
    withdraw_payments([], "not ours", [mistake.pk], actor=people.hq_finance)
    drain()
    for org in buyers:
        beyond(order, org, 1)
    assert [in_use(one.pk) for one in agreements.values()] == [D(500), D(500)]
    assert_sound()
