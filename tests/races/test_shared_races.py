"""Branches that share a limit, at the same moment: never more than the limit, nothing lost, and what all use is the sum of what each uses."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest

from qudao.base.access import system_actor
from qudao.funds.actions import Change, LimitTerms, SharedDraft, end_shared, grant, hold, open_desk, release, share_limit, shift_all
from qudao.funds.models import Account, Entry, SharedLimit
from qudao.funds.tests.make import assert_sound, in_unit, make_account, make_agreement, order
from qudao.kernel.errors import DomainError, Refused
from qudao.network.tests.make import make_org

pytestmark = pytest.mark.race
D = Decimal
SYSTEM = system_actor()
THREADS = 8


@pytest.fixture
def branches(transactional_db):
    """Four branches of a head office with the account of each; a limit of 1,000 for all."""
    brand = make_org("hq", "LH")
    head = make_org("dealer", "D001", brand)
    agreements = [make_agreement(brand, make_org("dealer", f"S{n}", head)) for n in range(4)]
    for one in agreements:
        make_account(one, LimitTerms(D(0)))
    share(agreements)
    return agreements


def share(agreements, limit=D(1000)):
    one = agreements[0]
    head = one.buyer.parent_id
    return share_limit(SharedDraft(one.seller_id, head, "CNY", [a.buyer_id for a in agreements], limit), "one for all", actor=SYSTEM)


def passed(results):
    strange = [r for r in results if isinstance(r, Exception) and not (isinstance(r, Refused) and r.faults[0].code == "funds.shared_limit")]
    assert strange == []
    return sum(1 for r in results if not isinstance(r, Exception))


def test_two_branches_at_once_cannot_pass_the_limit(branches, race):
    for n in range(3):
        in_unit(hold, branches[3].pk, D("300.00"), order(100 + n))
    assert passed(race([partial(in_unit, hold, branches[n].pk, D("100.00"), order(n)) for n in range(2)])) == 1
    assert SharedLimit.unscoped.get().used == D(1000)
    assert_sound()


def test_many_branches_reach_the_limit_exactly(branches, race):
    results = race([partial(in_unit, hold, branches[n % 4].pk, D("200.00"), order(n)) for n in range(THREADS)])
    assert passed(results) == 5
    assert sorted(Entry.unscoped.values_list("shared_used", flat=True)) == [D(200), D(400), D(600), D(800), D(1000)]
    assert SharedLimit.unscoped.get().used == D(1000)
    assert_sound()


def test_batches_of_several_branches_share_it_too(branches, race):
    """Each batch asks at a desk for two branches, in another order each time."""

    def batch(n, *, actor):
        mine = [branches[n % 4], branches[(n + 1) % 4]][:: 1 if n % 2 else -1]
        desk = open_desk([one.pk for one in mine], actor=actor)
        for one in mine:
            if not desk.faults(one.pk, D("100.00")):
                desk.take(one.pk, D("100.00"), order(n))
        grant(desk, actor=actor)

    assert passed(race([partial(in_unit, batch, n) for n in range(THREADS)])) == THREADS
    assert SharedLimit.unscoped.get().used == D(1000)
    assert_sound()


def test_money_cancellations_and_orders_of_all_lose_nothing(branches, race):
    for one in branches:
        in_unit(hold, one.pk, D("100.00"), order(50))

    def client(n):
        mine = branches[n % 4]
        for turn in range(4):
            changes = [Change(one.pk, [(None, "unapplied", D("3.00"))], order(n)) for one in branches[:: 1 if n % 2 else -1]]
            in_unit(shift_all, changes)
            in_unit(hold, mine.pk, D("10.00"), order(n * 10 + turn))
            in_unit(release, mine.pk, D("10.00"), order(n * 10 + turn))

    assert passed(race([partial(client, n) for n in range(4)])) == 4
    assert SharedLimit.unscoped.get().used == D(400) - 4 * 4 * 4 * D(3)
    assert_sound()


def test_who_joins_and_leaves_meanwhile_is_counted(branches, race):
    """Members change, the sharing ends and begins again while all of them order."""

    def orders(n):
        for turn in range(5):
            in_unit(hold, branches[n].pk, D("20.00"), order(n * 10 + turn))

    def finance(members):
        shared = share(members)
        end_shared(shared.pk, "no more", actor=SYSTEM)
        share(members)

    for one in branches:  # a limit of its own, so that nobody is refused while it shares none
        Account.unscoped.filter(buyer=one.buyer).update(limit_amount=D(5000))
    results = race([*(partial(orders, n) for n in range(4)), partial(finance, branches[:3]), partial(finance, branches[1:])])
    assert not [one for one in results if isinstance(one, Exception) and not isinstance(one, DomainError)], results
    assert not [one for one in results[:4] if isinstance(one, Exception)], results
    assert sum(one.ordered for one in Account.unscoped.all()) == D(400)
    assert_sound()
