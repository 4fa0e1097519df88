"""Quotas are declared, shared out, changed and carried over by their seller."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from qudao.agreements.tests.make import make_agreement, make_group
from qudao.base.access import system_actor
from qudao.base.models import ActionLog
from qudao.inventory.tests.make import make_shelf
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import cast
from qudao.quotas import actions, queries
from qudao.quotas.models import Quota, Share, Taken
from qudao.quotas.rules import Holder, QuotaDraft
from qudao.quotas.tests.make import make_quota

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db):
    return cast()


@pytest.fixture
def product(people):
    return make_shelf(people.lh, [40]).products[0].pk


def codes(refusal):
    return [(one.code, one.field) for one in refusal.value.faults]


def test_without_a_quantity_it_is_what_is_on_hand(people, product):
    quota = make_quota(people.lh, product, None)
    assert quota.total == 40 and ActionLog.unscoped.filter(verb="quotas.set").count() == 1
    with pytest.raises(Invalid) as refusal:
        make_quota(people.d001, product, None)
    assert codes(refusal) == [("quotas.nothing_on_hand", "total")]


def test_two_quotas_of_a_product_never_overlap(people, product):
    make_quota(people.lh, product, 10)
    with pytest.raises(Refused) as refusal:
        make_quota(people.lh, product, 10, valid_from=clock.today() + timedelta(days=9))
    assert codes(refusal)[0][0] == "quotas.quota_no_overlap"
    make_quota(people.lh, product, 10, valid_from=clock.today() + timedelta(days=10))
    make_quota(people.d001, product, 10)


def test_shares_are_set_changed_and_taken_away(people, product):
    gold = make_group(people.lh, "GOLD", people.d001)
    quota = make_quota(people.lh, product, 10, {gold: 6, people.d002: 4})
    assert [(one.group_id, one.buyer_id, one.qty) for one in queries.unscoped_shares(quota.pk)] == [(gold.pk, None, 6), (None, people.d002.pk, 4)]
    with pytest.raises(Invalid) as refusal:
        actions.set_shares(quota.pk, {Holder(buyer_id=people.d001.pk): D(1)}, actor=people.hq_admin)
    assert codes(refusal) == [("quotas.shares_beyond", "total")]
    actions.set_shares(quota.pk, {Holder(group_id=gold.pk): D(0), Holder(buyer_id=people.d001.pk): D(1)}, actor=people.hq_admin)
    assert Share.unscoped.filter(quota=quota).count() == 2
    with pytest.raises(Invalid) as refusal:
        actions.change_quota(quota.pk, QuotaDraft(0, quota.valid_from, quota.valid_to, D(4)), actor=people.hq_admin)
    assert codes(refusal) == [("quotas.shares_beyond", "total")]
    actions.change_quota(quota.pk, QuotaDraft(0, quota.valid_from, quota.valid_to, D(20), "carried"), actor=people.hq_admin)
    quota.refresh_from_db()
    assert (quota.total, quota.unused) == (20, "carried")
    actions.remove_quota(quota.pk, actor=people.hq_admin)
    assert not Quota.unscoped.exists() and not Share.unscoped.exists()


def test_what_is_left_is_the_own_share_before_that_of_a_group(people, product):
    gold = make_group(people.lh, "GOLD", people.d001, people.d002)
    make_quota(people.lh, product, 10, {gold: 6, people.d002: 4})
    lefts = [queries.unscoped_lefts(people.lh.pk, one.pk, [product]) for one in (people.d001, people.d002, people.s001)]
    assert [(one[product].qty, one[product].shared) for one in lefts] == [(6, True), (4, False), (0, False)]
    assert queries.unscoped_lefts(people.lh.pk, people.d001.pk, [0]) == {} == queries.unscoped_lefts(people.lh.pk, people.d001.pk, [])
    assert queries.own_lefts(people.dealer, people.lh.pk) == [], "who may not see the product reads nothing of it"
    make_agreement(people.lh, people.d001)
    assert [(one.code, one.qty) for one in queries.own_lefts(people.dealer, people.lh.pk)] == [("P1", 6)]


def test_after_the_release_everybody_may_order_the_rest(people, product):
    make_quota(people.lh, product, 10, {people.d002: 4}, unused="released", release_on=clock.today())
    assert queries.unscoped_lefts(people.lh.pk, people.d001.pk, [product])[product].qty == 10


def test_what_is_unused_is_carried_over_once_and_convergently(people, product):
    today = clock.today()
    before = make_quota(people.lh, product, 10, {people.d001: 6}, valid_from=today - timedelta(days=10), valid_to=today - timedelta(days=1), unused="carried")
    quota = make_quota(people.lh, product, 10, as_before=True)
    for _night in range(2):
        actions.carry_over(actor=system_actor())
        quota.refresh_from_db()
        assert (quota.carried, queries.unscoped_lefts(people.lh.pk, people.d001.pk, [product])[product].qty) == (6, 12)
    lapses = QuotaDraft(0, before.valid_from, before.valid_to, D(10))
    actions.change_quota(before.pk, lapses, actor=system_actor())
    assert Taken.unscoped.count() == 0


def test_only_the_seller_sees_and_sets(people, product):
    quota = make_quota(people.lh, product, 10)
    for actor in (people.dealer, people.stranger):
        with pytest.raises((NotFound, Forbidden)):
            actions.set_shares(quota.pk, {}, actor=actor)
    with pytest.raises(Forbidden):
        actions.remove_quota(quota.pk, actor=people.hq_warehouse)
    assert list(queries.quotas(people.dealer_admin)) == [] and list(queries.shares(people.dealer_admin)) == []


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"valid_to": clock.today() - timedelta(days=1)}, "span_ordered"),
        ({"taken": 11}, "taken_within"),
        ({"release_on": clock.today()}, "release_fits"),
    ],
)
def test_the_database_keeps_quotas_whole(people, product, values, name):
    quota = make_quota(people.lh, product, 10)
    with pytest.raises(IntegrityError, match=f"quotas_quota_{name}"), transaction.atomic():
        Quota.unscoped.filter(pk=quota.pk).update(**values)


def test_the_database_keeps_shares_whole(people, product):
    quota = make_quota(people.lh, product, 10, {people.d001: 4})
    share = Share.unscoped.get()
    for values, name in (({"taken": 5}, "taken_within"), ({"buyer_id": None}, "of_one")):
        with pytest.raises(IntegrityError, match=f"quotas_share_{name}"), transaction.atomic():
            Share.unscoped.filter(pk=share.pk).update(**values)
    gold = make_group(people.lh, "GOLD")
    for who in ({"buyer": people.d001}, {"group": gold}):
        name = "buyer" if "buyer" in who else "group"
        with pytest.raises(IntegrityError, match=f"quotas_share_{name}_unique"), transaction.atomic():
            Share.unscoped.create(quota=quota, qty=0, **who)
            Share.unscoped.create(quota=quota, qty=0, **who)
    with pytest.raises(IntegrityError, match="quotas_taken_something"), transaction.atomic():
        Taken.unscoped.create(quota=quota, buyer=people.d001, subject_kind="x", subject_id=1, ref_id=1, qty=0, at=clock.now())
