"""Who sees which credit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qudao.funds import queries
from qudao.funds.actions import hold
from qudao.funds.tests.make import fill, in_unit, make_account, make_agreement, order
from qudao.kernel.errors import Forbidden, NotFound

D = Decimal


def test_both_sides_read_the_same_credit_card_in_two_statements(cast, agreement, account, django_assert_num_queries):
    fill(agreement, ordered="100.00", invoiced="50.00", unapplied="20.00")
    for actor in (cast.hq_finance, cast.hq_clerk, cast.dealer, cast.dealer_admin):
        with django_assert_num_queries(2):
            card = queries.credit(actor, agreement.pk)
        assert (card.limit, card.exposure, card.available) == (D("1000.00"), D("130.00"), D("870.00"))


def test_strangers_and_those_without_the_right_see_no_credit(cast, agreement, account):
    for actor in (cast.stranger, cast.stranger_admin, cast.sub_dealer):
        with pytest.raises(NotFound):
            queries.credit(actor, agreement.pk)
        assert not queries.accounts(actor).exists()
        assert not queries.entries_of(actor, account.pk).exists()
    with pytest.raises(Forbidden):
        queries.credit(cast.hq_warehouse, agreement.pk)


def test_a_dealer_sees_credit_given_and_taken_but_not_its_sub_dealers_elsewhere(cast, agreement, account):
    given = make_account(make_agreement(cast.d001, cast.s001))
    assert set(queries.accounts(cast.dealer_admin)) == {account, given}
    assert set(queries.accounts(cast.sub_dealer)) == {given}
    assert queries.accounts(cast.hq_finance).count() == 2


def test_entries_explain_the_account_newest_first(cast, agreement, account):
    in_unit(hold, agreement.pk, D("10.00"), order(1))
    in_unit(hold, agreement.pk, D("20.00"), order(2))
    assert [(e.amount, e.exposure, e.number) for e in queries.entries_of(cast.dealer, account.pk)] == [(D(20), D(30), "SO-2"), (D(10), D(10), "SO-1")]
