"""A head office and its branches share one limit: together they get no more than that, whichever of them orders, by whatever way round a limit."""

from __future__ import annotations

from decimal import Decimal as D
from uuid import uuid4

import pytest

from qudao.approvals.actions import separate_duties
from qudao.approvals.tests.make import make_rule
from qudao.base.invariants import all_checks
from qudao.base.outbox import drain
from qudao.fulfilment.actions import Settlement, refuse_shipment, settle_difference
from qudao.fulfilment.models import Difference
from qudao.fulfilment.tests.make import shipped
from qudao.funds.actions import SharedDraft, Wanted, ask_limit, end_shared, freeze, grant_limit, share_limit
from qudao.funds.models import Account, Entry, SharedLimit
from qudao.funds.queries import unscoped_card, unscoped_what_if
from qudao.kernel.errors import DomainError, Invalid, Refused
from qudao.orders import actions
from qudao.orders.actions import Amendment, Splitting
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_world
from qudao.payments.actions import PaymentFacts, PoolFacts, record_payment, record_pool
from qudao.payments.tests.branches import deliver, outlets
from qudao.people.tests.make import bearer

pytestmark = pytest.mark.django_db


class Chain:
    """D001 with two outlets that buy from LH; all three share a limit of 1,000, one piece costs 100."""

    def __init__(self, limit=D(1000)):
        self.world = make_world(limit=D(5000))
        self.cast = self.world.cast
        self.buyers, self.agreements = outlets(self.world, payment_days=30)
        self.s1, self.s2 = self.buyers
        self.agreements[self.cast.d001] = self.world.agreement
        self.buyers[self.cast.d001] = self.cast.dealer
        self.shared = self.share(limit)

    def share(self, limit, *orgs, actor=None, **more):
        draft = SharedDraft(self.cast.lh.pk, self.cast.d001.pk, "CNY", [one.pk for one in orgs or self.buyers], limit, **more)
        return share_limit(draft, "one for all", actor=actor or self.cast.hq_finance)

    def order(self, org, qty, product=0, **facts):
        placing = Placing(self.cast.lh.pk, org.pk, [NewLine(self.world.products[product].pk, D(qty))], **facts)
        return actions.place_order(placing, actor=self.buyers[org], client_id=uuid4())

    @property
    def used(self):
        """What all use; no hold ever passed the limit."""
        held = Entry.unscoped.filter(kind="hold", note="")
        assert not [one for one in held if (one.exposure if one.shared_used is None else one.shared_used) > one.limit_amount]
        return SharedLimit.unscoped.get().used


@pytest.fixture
def chain(db):
    return Chain()


def beyond(call):
    with pytest.raises(Refused) as refusal:
        call()
    assert "funds.shared_limit" in [fault.code for fault in refusal.value.faults], refusal.value.faults


def test_together_they_get_the_limit_and_a_payment_of_one_frees_it_for_another(chain):
    deliver(chain.world, chain.s1, chain.buyers[chain.s1], 6)
    chain.order(chain.s2, 3)
    beyond(lambda: chain.order(chain.cast.d001, 2))
    waits = chain.order(chain.cast.d001, 2, may_wait=True)
    fault = unscoped_what_if(chain.agreements[chain.s2].pk, D(200))[0]
    assert (fault.code, fault.params) == ("funds.shared_limit", {"limit": D(1000), "used": D(900), "available": D(100), "short": D(100)})
    card = unscoped_card(chain.agreements[chain.s1].pk)
    assert (card.limit, card.exposure, card.available) == (D(1000), D(600), D(100))
    drain()
    assert Order.unscoped.get(pk=waits.pk).status == "submitted"
    record_pool(PoolFacts(chain.cast.lh.pk, chain.cast.d001.pk, D(600)), actor=chain.cast.hq_finance)
    drain()
    assert Order.unscoped.get(pk=waits.pk).status == "confirmed" and chain.used == D(500)
    assert_sound()


def test_a_branch_that_is_stopped_does_not_hold_up_the_others(chain):
    chain.order(chain.s1, 10)
    first, second = chain.order(chain.s1, 1, may_wait=True), chain.order(chain.s2, 1, may_wait=True)
    account = Account.unscoped.get(buyer=chain.s1)
    freeze(account.pk, "a dispute", actor=chain.cast.hq_finance)
    chain.share(D(1500))
    drain()
    assert [Order.unscoped.get(pk=one.pk).status for one in (first, second)] == ["submitted", "confirmed"]
    assert_sound()


def test_no_way_round_it(chain, client):
    """The bypass list of shared/peers.md, each time by another branch."""
    s1, s2, d001 = chain.s1, chain.s2, chain.cast.d001
    order = chain.order(s1, 10)
    for org in (s1, s2, d001):
        beyond(lambda org=org: chain.order(org, 1))
    # close, order, open again
    refuse_shipment(shipped(chain.world, order).pk, "late", actor=chain.buyers[s1])
    drain()
    other = chain.order(s2, 8)
    beyond(lambda: settle_difference(Difference.unscoped.get().pk, Settlement("written_off", "warehouse", "again"), actor=chain.cast.hq_warehouse))
    # order little and make it more, ask for other goods, take it apart
    little = chain.order(d001, 2)
    line = little.lines.get().pk
    beyond(lambda: actions.amend_order(little.pk, Amendment({line: D(3)}), actor=chain.buyers[d001]))
    beyond(lambda: actions.amend_order(little.pk, Amendment({}, [NewLine(chain.world.products[1].pk, D(1))]), actor=chain.buyers[d001]))
    part = actions.split_order(little.pk, Splitting({line: D(1)}), actor=chain.buyers[d001])
    assert chain.used == D(1000) and part.gross == D(100)
    # many in one file
    with pytest.raises(DomainError):
        chain.order(s1, 1)
    found = actions.place_orders([(Placing(chain.cast.lh.pk, s1.pk, [NewLine(chain.world.products[1].pk, D(1))]), uuid4())], actor=chain.buyers[s1])
    assert [fault.code for fault in found[0].faults] == ["funds.shared_limit"]
    # the API
    body = {"seller_id": chain.cast.lh.pk, "buyer_id": s1.pk, "lines": [{"product": "P1", "qty": "1"}], "twin_ok": True}
    headers = {**bearer(chain.buyers[s1]), "Idempotency-Key": "shared-0001"}
    answer = client.post("/api/v1/orders", body, content_type="application/json", headers=headers)
    assert answer.status_code == 409 and "funds.shared_limit" in answer.content.decode()
    # cancel, order again elsewhere, submit the cancelled one again
    actions.cancel_order(part.pk, reason="changed plans", actor=chain.buyers[d001])
    chain.order(s2, 1)
    for again in (actions.submit_order, actions.approve_order, actions.release_order):
        with pytest.raises(Refused):
            again(part.pk, actor=chain.cast.hq_admin)
    assert chain.used == D(1000) and other.status == "confirmed"
    assert_sound()


def test_what_is_signed_later_is_asked_when_it_is_signed(chain):
    make_rule(chain.cast.lh, "hq_finance")
    waiting = [chain.order(org, 7) for org in (chain.s1, chain.s2)]
    actions.approve_order(waiting[0].pk, actor=chain.cast.hq_finance)
    beyond(lambda: actions.approve_order(waiting[1].pk, actor=chain.cast.hq_finance))
    assert chain.used == D(700)
    assert_sound()


def test_in_one_batch_each_finds_what_those_before_used(chain):
    lines = [NewLine(chain.world.products[0].pk, D(6))]
    placings = [(Placing(chain.cast.lh.pk, org.pk, lines), uuid4()) for org in (chain.s1, chain.s2)]
    found = actions.place_orders(placings, actor=chain.cast.hq_clerk)
    assert [bool(one.order) for one in found] == [True, False] and found[1].faults[0].code == "funds.shared_limit"
    assert_sound()


def test_who_leaves_has_its_own_limit_again_and_who_joins_brings_what_it_uses(chain):
    chain.order(chain.s1, 6)
    chain.share(D(1000), chain.s2, chain.cast.d001)
    assert chain.used == 0 and unscoped_card(chain.agreements[chain.s1].pk).limit == D(5000)
    chain.order(chain.s1, 20)
    chain.share(D(1000))
    assert chain.used == D(2600) and Account.unscoped.get(buyer=chain.s2).state == "hold"
    beyond(lambda: chain.order(chain.s2, 1))
    end_shared(chain.shared.pk, "each for itself", actor=chain.cast.hq_finance)
    assert chain.order(chain.s2, 1).status == "confirmed" and Account.unscoped.get(buyer=chain.s2).state == "ok"
    assert not SharedLimit.unscoped.exists()
    assert_sound()


def test_only_credit_below_the_head_office_is_shared(chain):
    other = chain.cast.d002
    for call, code in (
        (lambda: chain.share(D(1), other), "funds.shared_head"),
        (lambda: chain.share(D(1), chain.s1, other), "funds.shared_below"),
        (lambda: chain.share(D(-1)), "funds.amount"),
    ):
        with pytest.raises(Invalid) as error:
            call()
        assert code in [fault.code for fault in error.value.faults]
    with pytest.raises(DomainError):
        chain.share(D(9000), actor=chain.cast.dealer_admin)
    draft = SharedDraft(chain.cast.lh.pk, chain.s1.pk, "CNY", [chain.s1.pk], D(1))
    with pytest.raises(Refused, match="shared_other"):
        share_limit(draft, "twice", actor=chain.cast.hq_finance)


def test_where_duties_are_kept_apart_more_is_asked_for_by_one_and_granted_by_another(chain):
    separate_duties(True, actor=chain.cast.hq_admin)
    with pytest.raises(Refused, match="duty_limit"):
        chain.share(D(2000))
    account = Account.unscoped.get(buyer=chain.s1)
    asked = ask_limit(account.pk, Wanted(D(1500)), "a good season", actor=chain.cast.hq_clerk)
    grant_limit(asked.pk, actor=chain.cast.hq_finance)
    shared = SharedLimit.unscoped.get()
    assert (shared.limit_amount, asked.was) == (D(1500), D(1000)) and Account.unscoped.get(pk=account.pk).limit_amount == account.limit_amount
    assert chain.order(chain.s2, 15).status == "confirmed"
    assert_sound()


def test_money_paid_ahead_by_one_is_room_for_all(chain):
    record_payment(PaymentFacts(chain.cast.lh.pk, chain.s1.pk, D(300)), actor=chain.cast.hq_finance)
    assert chain.order(chain.s2, 13).status == "confirmed" and chain.used == D(1000)
    assert_sound()


def test_every_invariant_is_known(chain):
    assert {"funds.shared_use_is_sum_of_accounts", "funds.holds_obey_limit"} <= {one.name for one in all_checks()}
