"""Eight connections after the same credit: the limit holds to the cent, and shifts beside holds lose nothing."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import pytest

from qudao.agreements.actions import end_agreement
from qudao.agreements.tests.make import make_agreement as make_prepaid
from qudao.base.access import system_actor
from qudao.funds.actions import Change, LimitTerms, ensure_account, hold, release, set_limit, shift, shift_all
from qudao.funds.models import Account, Entry
from qudao.funds.tests.make import assert_sound, in_unit, make_account, make_agreement, order
from qudao.kernel.errors import Refused
from qudao.network.tests.make import make_org

pytestmark = pytest.mark.race
D = Decimal
THREADS = 8


@pytest.fixture
def agreement(transactional_db):
    brand = make_org("hq", "LH")
    return make_agreement(brand, make_org("dealer", "D001", brand))


def passed(results):
    """How many passed; the others must be refused by the limit."""
    strange = [r for r in results if isinstance(r, Exception) and not (isinstance(r, Refused) and r.faults[0].code == "funds.limit")]
    assert strange == []
    return sum(1 for r in results if not isinstance(r, Exception))


def test_the_limit_is_reached_exactly(agreement, race):
    make_account(agreement)
    results = race([partial(in_unit, hold, agreement.pk, D("200.00"), order(n)) for n in range(THREADS)])
    assert passed(results) == 5
    account = Account.unscoped.get()
    assert account.ordered == D("1000.00")
    assert sorted(Entry.unscoped.values_list("exposure", flat=True)) == [D(200), D(400), D(600), D(800), D(1000)]
    assert_sound()


def test_orders_under_two_agreements_of_the_same_two_share_the_limit(agreement, race):
    """Four connections order under the new agreement while four still hold for orders of the old one: together they get the limit, not each its own."""
    make_account(agreement)
    end_agreement(agreement.pk, "a new year", actor=system_actor())
    new = make_prepaid(agreement.seller, agreement.buyer, code="A-NEW", payment_days=30)
    results = race([partial(in_unit, hold, (agreement, new)[n % 2].pk, D("200.00"), order(n)) for n in range(THREADS)])
    assert passed(results) == 5
    assert Account.unscoped.get().ordered == D("1000.00")
    assert sorted(Entry.unscoped.values_list("exposure", flat=True)) == [D(200), D(400), D(600), D(800), D(1000)]
    assert_sound()


def test_money_and_orders_of_two_agreements_in_one_go_add_up(agreement, race):
    """Batches that touch both agreements lock their account once and leave entries that explain it."""
    make_account(agreement, LimitTerms(D("100000.00")))
    end_agreement(agreement.pk, "a new year", actor=system_actor())
    new = make_prepaid(agreement.seller, agreement.buyer, code="A-NEW", payment_days=30)

    def client(n):
        moves = [Change(new.pk, [(None, "unapplied", D("3.00"))], order(n)), Change(agreement.pk, [(None, "invoiced", D("5.00"))], order(n))]
        for _ in range(5):
            in_unit(shift_all, moves[:: 1 if n % 2 else -1])

    assert passed(race([partial(client, n) for n in range(THREADS)])) == THREADS
    account = Account.unscoped.get()
    assert (account.invoiced, account.unapplied) == (D("200.00"), D("120.00"))
    assert Entry.unscoped.order_by("-at", "-id").first().exposure == D("80.00")
    assert_sound()


def test_the_last_cent_goes_to_one(agreement, race):
    make_account(agreement, LimitTerms(D("0.01")))
    assert passed(race([partial(in_unit, hold, agreement.pk, D("0.01"), order(n)) for n in range(THREADS)])) == 1
    assert_sound()


def test_holds_shifts_and_releases_beside_each_other_add_up(agreement, race):
    make_account(agreement, LimitTerms(D("100000.00")))

    def client(n):
        for i in range(5):
            in_unit(hold, agreement.pk, D("10.00"), order(n * 100 + i))
            in_unit(shift, agreement.pk, [("ordered", "shipped", D("4.00"))], order(n * 100 + i))
            in_unit(release, agreement.pk, D("6.00"), order(n * 100 + i))

    assert passed(race([partial(client, n) for n in range(THREADS)])) == THREADS
    account = Account.unscoped.get()
    assert (account.ordered, account.shipped) == (D(0), D("160.00"))
    assert_sound()


def test_a_cut_of_the_limit_and_holds_at_once_leave_a_judged_history(agreement, race):
    account = make_account(agreement)
    cut = partial(set_limit, account.pk, LimitTerms(D("500.00")), "less", actor=system_actor())
    results = race([cut, *(partial(in_unit, hold, agreement.pk, D("200.00"), order(n)) for n in range(7))])
    assert 1 + 2 <= passed(results) <= 1 + 5
    assert all(e.exposure <= e.limit_amount for e in Entry.unscoped.all())
    assert_sound()


def test_a_prepaid_balance_is_frozen_once(transactional_db, race):
    """Orders and a withdrawal of money at once: what is frozen is covered to the cent, and nobody gets more than is there."""
    brand = make_org("hq", "LH")
    prepaid = make_prepaid(brand, make_org("dealer", "D001", brand), prepaid=True)
    in_unit(ensure_account, prepaid.pk)
    in_unit(shift, prepaid.pk, [(None, "unapplied", D("1000.00"))], order(0))
    take = partial(in_unit, shift, prepaid.pk, [("unapplied", None, D("200.00"))], order(99))
    results = race([take, *(partial(in_unit, hold, prepaid.pk, D("300.00"), order(n)) for n in range(THREADS - 1))])
    refused = [r for r in results if isinstance(r, Exception)]
    assert {r.faults[0].code for r in refused if isinstance(r, Refused)} <= {"funds.prepaid", "funds.account_prepaid_covered"}
    assert all(isinstance(r, Refused) for r in refused)
    account = Account.unscoped.get()
    assert (account.unapplied, account.ordered) in {(D(800), D(600)), (D(1000), D(900))}
    assert_sound()


def test_an_account_is_opened_once(agreement, race):
    results = race([partial(in_unit, ensure_account, agreement.pk) for _ in range(THREADS)])
    assert len({a.pk for a in results}) == 1
    assert Account.unscoped.count() == 1
