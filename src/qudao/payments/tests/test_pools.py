"""A head office pays for its branches: who may be named, one payment with a part for each branch, confirmed or declined as a whole, seen by whom."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal as D
from itertools import count
from uuid import uuid4

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from qudao.agreements.tests.make import make_agreement
from qudao.base.tests.page_text import text
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import make_places
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.network.tests.make import make_org
from qudao.orders.actions import place_order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_credit
from qudao.payments import queries, rules
from qudao.payments.actions import (
    PoolFacts,
    announce_pool,
    apply_payment,
    confirm_payment,
    confirm_pool,
    decline_payment,
    decline_pool,
    record_pool,
    set_payer,
)
from qudao.payments.models import Payer, Payment, Pool
from qudao.payments.states import State
from qudao.people.tests.make import actor_of, bearer, make_member, sign_in


class Branches:
    """LH sells to S001 and S002, outlets of D001, each with an open invoice: 300 of S001, due first, and 200 of S002."""

    def __init__(self, world):
        cast = world.cast
        self.world, self.lh, self.d001, self.s001 = world, cast.lh, cast.d001, cast.s001
        self.s002 = make_org("dealer", "S002", cast.d001, name="湖畔家电滨江店", name_en="Lakeside Binjiang")
        self.finance, self.head = cast.hq_finance, cast.dealer_admin
        self.second = actor_of(make_member("s002@example.com", self.s002, "shop_owner"))
        self.agreements = {}
        for org, days in ((self.s001, 10), (self.s002, 20)):
            self.agreements[org.code] = make_agreement(cast.lh, org, payment_days=days)
            make_places(org)
            make_credit(self.agreements[org.code])
            set_payer(self.agreements[org.code].pk, cast.d001.pk, actor=self.finance)
        self.a, self.b = self.billed(self.s001, cast.sub_dealer, 3), self.billed(self.s002, self.second, 2)

    def billed(self, org, buyer, qty):
        line = NewLine(self.world.products[0].pk, D(qty))
        order = place_order(Placing(self.lh.pk, org.pk, [line]), actor=buyer, client_id=uuid4())
        confirm_receipt(ship_order(order.pk, carrier="SF", tracking="1", actor=self.world.cast.hq_warehouse).pk, actor=buyer)
        return issue_invoices(order.pk, actor=self.finance)[0]

    def facts(self, amount, reference="", **more):
        return PoolFacts(self.lh.pk, self.d001.pk, D(amount), reference, **more)


@pytest.fixture
def branches(world):
    return Branches(world)


def parts():
    return [(one.number, one.buyer.code, one.amount, one.applied, one.state) for one in Payment.unscoped.order_by("id").select_related("buyer")]


def open_of(*invoices):
    return [Invoice.unscoped.get(pk=one.pk).open for one in invoices]


def test_one_payment_pays_invoices_of_both_branches_in_both_books(branches):
    pool = record_pool(branches.facts(550), actor=branches.finance)
    assert (pool.number, pool.part_count, pool.state) == ("RC-D001-00001", 2, "received")
    assert parts() == [
        ("RC-D001-00001/1", "S001", D(350), D(300), "partially_applied"),
        ("RC-D001-00001/2", "S002", D(200), D(200), "applied"),
    ]
    for org, left in ((branches.s001, D(50)), (branches.s002, D(0))):
        assert unscoped_balance(branches.lh.pk, Account.RECEIVABLE, org.pk) == unscoped_balance(org.pk, Account.PAYABLE, branches.lh.pk) == 0
        position = unscoped_card(branches.agreements[org.code].pk).position
        assert (position.invoiced, position.unapplied) == (D(0), left)
    assert_sound()
    fresh = branches.billed(branches.s001, branches.world.cast.sub_dealer, 1)
    apply_payment(Payment.unscoped.get(number="RC-D001-00001/1").pk, actor=branches.finance)  # what is left is used within its branch
    assert open_of(fresh) == [D(50)]
    assert_sound()


def test_what_is_left_is_kept_for_the_branch_that_is_named(branches):
    record_pool(branches.facts(550, rest_buyer_id=branches.s002.pk), actor=branches.finance)
    assert [one[2] for one in parts()] == [D(300), D(250)]
    with pytest.raises(Refused, match="rest_elsewhere"):
        record_pool(branches.facts(1, rest_buyer_id=branches.world.cast.d002.pk), actor=branches.finance)
    assert_sound()


def test_numbers_decide_then_the_exact_amount_then_the_oldest_due_of_all(branches):
    record_pool(branches.facts(150, branches.b.number), actor=branches.finance)
    assert open_of(branches.a, branches.b) == [D(300), D(50)]
    record_pool(branches.facts(50), actor=branches.finance)
    assert open_of(branches.a, branches.b) == [D(300), D(0)]
    record_pool(branches.facts(100), [(branches.a.pk, D(40))], actor=branches.finance)
    assert open_of(branches.a) == [D(260)] and parts()[-1][2:4] == (D(100), D(40))
    with pytest.raises(Refused):
        record_pool(branches.facts(400), [(branches.a.pk, D(261))], actor=branches.finance)
    assert_sound()


def test_the_whole_is_confirmed_and_no_part_alone(branches):
    pool = announce_pool(branches.facts(500, "October"), actor=branches.head)
    assert [one[3:] for one in parts()] == [(D(0), "announced")] * 2 and open_of(branches.a, branches.b) == [D(300), D(200)]
    part = Payment.unscoped.first()
    for do in (lambda: confirm_payment(part.pk, actor=branches.finance), lambda: decline_payment(part.pk, "no", actor=branches.finance)):
        with pytest.raises(Refused, match="part_of_pool"):
            do()
    with pytest.raises(Forbidden):
        confirm_pool(pool.pk, actor=branches.head)
    assert_sound()
    with clock.freeze(clock.now() + timedelta(days=1)):
        done = confirm_pool(pool.pk, actor=branches.finance)
        assert (done.state, done.paid_on) == ("received", clock.today())
        assert open_of(branches.a, branches.b) == [D(0), D(0)]
        assert_sound()
        for do in (lambda: confirm_pool(pool.pk, actor=branches.finance), lambda: decline_pool(pool.pk, "no", actor=branches.finance)):
            with pytest.raises(Refused, match="illegal"):
                do()


def test_over_midnight_the_whole_and_its_parts_keep_one_day(branches, monkeypatch):
    pool = announce_pool(branches.facts(500), actor=branches.head)
    moments = count(1)
    begin = clock.now()
    monkeypatch.setattr(clock, "now", lambda: begin + timedelta(hours=13) * next(moments))
    done = confirm_pool(pool.pk, actor=branches.finance)
    recorded = record_pool(branches.facts(10), actor=branches.finance)
    monkeypatch.undo()
    for one in (done, recorded):
        assert {part.paid_on for part in Payment.unscoped.filter(pool=one)} == {one.paid_on}


def test_the_whole_is_declined_with_a_reason(branches):
    pool = announce_pool(branches.facts(500), actor=branches.head)
    with pytest.raises(Invalid):
        decline_pool(pool.pk, " ", actor=branches.finance)
    decline_pool(pool.pk, "nothing came", actor=branches.finance)
    assert {one[4] for one in parts()} == {State.DECLINED} and open_of(branches.a) == [D(300)]
    assert_sound()


def test_only_who_stands_above_the_buyer_is_named_and_only_by_the_seller(branches):
    agreement = branches.agreements["S001"].pk
    for wrong in (branches.lh.pk, branches.s001.pk, branches.s002.pk, branches.world.cast.d002.pk, 0):
        with pytest.raises(Refused, match="payer_not_above"):
            set_payer(agreement, wrong or 999_999, actor=branches.finance)
    with pytest.raises(Forbidden):
        set_payer(agreement, branches.d001.pk, actor=branches.head)
    set_payer(agreement, branches.d001.pk, actor=branches.finance)
    set_payer(agreement, None, actor=branches.finance)
    set_payer(branches.agreements["S002"].pk, None, actor=branches.finance)
    assert not Payer.unscoped.exists()
    with pytest.raises(Refused, match="no_branches"):
        record_pool(branches.facts(1), actor=branches.finance)


def test_who_may_and_who_sees(branches):
    cast = branches.world.cast
    with pytest.raises(Forbidden):
        record_pool(branches.facts(1), actor=branches.head)
    with pytest.raises(Forbidden):
        announce_pool(branches.facts(1), actor=cast.stranger_admin)
    record_pool(branches.facts(500), actor=branches.finance)
    assert [len(queries.pools(one)) for one in (branches.finance, branches.head, cast.sub_dealer, branches.second, cast.stranger)] == [1, 1, 0, 0, 0]
    assert [one.buyer.code for one in queries.payments(branches.second)] == ["S002"]
    fresh = branches.billed(branches.s001, cast.sub_dealer, 1)
    assert [list(queries.branch_invoices(one)) for one in (branches.head, cast.dealer, cast.sub_dealer, cast.stranger)] == [[fresh], [fresh], [], []]
    with pytest.raises(NotFound):
        confirm_pool(Pool.unscoped.get().pk, actor=cast.stranger_admin)


def test_pages_of_both_sides(branches, client):
    def page(actor, name, *args, data=None):
        sign_in(client, actor)
        url = reverse(name, args=args)
        return client.get(url) if data is None else client.post(url, data)

    agreement = branches.agreements["S001"].pk
    assert "Lakeside" in text(page(branches.finance, "agreement", agreement))
    page(branches.finance, "agreement_payer", agreement, data={"payer": ""})
    assert Payer.unscoped.count() == 1
    assert "is not known here" in text(page(branches.finance, "agreement_payer", agreement, data={"payer": "NOBODY"}), 422)
    page(branches.finance, "agreement_payer", agreement, data={"payer": "d001"})
    assert branches.a.number in text(page(branches.head, "branch_invoices")) and "500.00" in text(page(branches.head, "branch_invoices"))
    typed = {"amount": "500", "paid_on": clock.today().isoformat(), "method": "transfer", "reference": "", "note": "", "rest": "", "currency": ""}
    page(branches.head, "pool_announcement", data=typed | {"partner": branches.lh.pk})
    pool = Pool.unscoped.get()
    assert pool.number in text(page(branches.finance, "pools")) and branches.a.number in text(page(branches.finance, "pool", pool.pk))
    page(branches.finance, "pool_confirmation", pool.pk, data={})
    assert open_of(branches.a, branches.b) == [D(0), D(0)]
    part = Payment.unscoped.first()
    shown = text(page(branches.world.cast.sub_dealer, "payment", part.pk))
    assert "Lakeside" in shown and "Whole payment" not in shown
    page(branches.finance, "pool_new", data=typed | {"partner": branches.d001.pk, "amount": "7"})
    assert Pool.unscoped.count() == 2
    last = announce_pool(branches.facts(5), actor=branches.head)
    page(branches.finance, "pool_refusal", last.pk, data={"reason": "nothing came"})
    last.refresh_from_db()
    assert last.state == "declined"
    assert page(branches.world.cast.sub_dealer, "pool", pool.pk).status_code == 404


def test_over_the_api(branches, client):
    def call(actor, method, path, body=None):
        answer = getattr(client, method)("/api/v1" + path, json.dumps(body or {}), content_type="application/json", headers=bearer(actor))
        return answer.status_code, answer.json() if answer.content else None

    def read(actor, path):
        answer = client.get("/api/v1" + path, headers=bearer(actor))
        return answer.status_code, answer.json()

    path = f"/agreements/{branches.agreements['S001'].pk}/payer"
    assert call(branches.finance, "delete", path)[0] == 204 and read(branches.finance, path)[0] == 404
    assert call(branches.finance, "put", path, {"payer_id": branches.d001.pk}) == (
        200,
        {"agreement_id": branches.agreements["S001"].pk, "payer_id": branches.d001.pk},
    )
    assert read(branches.finance, path)[0] == 200
    assert [one["open"] for one in read(branches.head, "/branch-invoices")[1]["items"]] == ["200.00", "300.00"]
    body = {"seller_id": branches.lh.pk, "payer_id": branches.d001.pk, "amount": "500.00"}
    status, made = call(branches.head, "post", "/pooled-payments", body)
    assert (status, made["state"], [one["amount"] for one in made["parts"]]) == (201, "announced", ["300.00", "200.00"])
    assert call(branches.finance, "post", f"/pooled-payments/{made['id']}/confirmation")[1]["state"] == "received"
    status, other = call(branches.head, "post", "/pooled-payments", body | {"amount": "1"})
    assert call(branches.finance, "post", f"/pooled-payments/{other['id']}/refusal", {"reason": "no"})[1]["state"] == "declined"
    assert len(read(branches.finance, "/pooled-payments?state=received")[1]["items"]) == 1
    assert read(branches.head, f"/pooled-payments/{made['id']}")[1]["part_count"] == 2
    assert read(branches.second, f"/pooled-payments/{made['id']}")[0] == 404


cents = st.integers(1, 10**7).map(lambda n: D(n) / 100)


@given(cents, st.lists(st.tuples(cents, st.integers(1, 4)), max_size=8), st.integers(1, 4))
def test_the_parts_sum_to_the_whole_and_hold_what_they_pay(amount, debts, rest_to):
    owed = [rules.Open(n, f"INV-{n}", clock.today(), due) for n, (due, _buyer) in enumerate(debts)]
    buyer_of = {n: buyer for n, (_due, buyer) in enumerate(debts)}
    decided = rules.match(amount, owed)
    found = rules.split(amount, decided, buyer_of, rest_to)
    assert sum(part for part, _pays in found.values()) == amount and all(part > 0 for part, _pays in found.values())
    assert sorted(a.invoice_id for _part, pays in found.values() for a in pays) == sorted(a.invoice_id for a in decided)
    for buyer, (part, pays) in found.items():
        applied = sum((a.amount for a in pays), D(0))
        assert {buyer_of[a.invoice_id] for a in pays} <= {buyer} and (applied == part or (applied < part and buyer == rest_to))
    assert len(rules.naming(f"INV-LH-{n:06}" for n in range(99))) <= rules.MAX_TEXT
