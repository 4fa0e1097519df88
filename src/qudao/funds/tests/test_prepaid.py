"""Prepaid terms: nothing but money that is there lets an order pass, and what is frozen is nobody else's."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from qudao.agreements.tests.make import make_agreement
from qudao.base.models import Event
from qudao.funds import queries
from qudao.funds.actions import Change, LimitTerms, ensure_account, hold, release, set_limit, set_limits, shift, shift_all
from qudao.funds.models import Account
from qudao.funds.tests.make import assert_sound, in_unit, order
from qudao.kernel.errors import Invalid, NotFound, Refused

D = Decimal


@pytest.fixture
def prepaid(cast):
    """A prepaid agreement on whose account 500.00 came in."""
    made = make_agreement(cast.lh, cast.d001, prepaid=True)
    in_unit(ensure_account, made.pk)
    in_unit(shift, made.pk, [(None, "unapplied", D("500.00"))], order(0))
    return made


def faults(error):
    return [(fault.code, dict(fault.params)) for fault in error.value.faults]


def test_an_order_freezes_what_it_costs_and_no_more_than_is_there(prepaid):
    in_unit(hold, prepaid.pk, D("300.00"), order(1))
    with pytest.raises(Refused) as refused:
        in_unit(hold, prepaid.pk, D("200.01"), order(2))
    assert faults(refused) == [("funds.prepaid", {"balance": D(500), "frozen": D(300), "available": D(200), "short": D("0.01")})]
    in_unit(hold, prepaid.pk, D("200.00"), order(2))
    assert queries.unscoped_card(prepaid.pk).available == 0
    in_unit(release, prepaid.pk, D("300.00"), order(1))
    assert queries.unscoped_card(prepaid.pk).available == D(300)
    assert_sound()


def test_what_is_frozen_cannot_be_taken_and_nobody_lets_an_order_pass_without_money(prepaid):
    in_unit(hold, prepaid.pk, D("300.00"), order(1))
    with pytest.raises(Refused, match=r"funds\.account_prepaid_covered"):
        in_unit(shift, prepaid.pk, [("unapplied", None, D("200.01"))], order(3))
    with pytest.raises(Refused, match=r"funds\.account_prepaid_covered"):
        in_unit(hold, prepaid.pk, D("200.01"), order(2), note="the boss says so")
    in_unit(shift, prepaid.pk, [("unapplied", None, D("200.00"))], order(3))
    assert_sound()


def test_a_prepaid_account_gets_no_credit(prepaid, cast):
    account = Account.unscoped.get(buyer_id=prepaid.buyer_id)
    with pytest.raises(Invalid) as refused:
        set_limit(account.pk, LimitTerms(D(1)), "good payer", actor=cast.hq_finance)
    assert [(f.code, f.field) for f in refused.value.faults] == [("funds.account_prepaid_no_credit", "limit")]
    with pytest.raises(Invalid) as refused:
        set_limits({account.pk: LimitTerms(D(1))}, "file", actor=cast.hq_finance)
    assert [f.field for f in refused.value.faults] == [f"rows.{account.pk}.limit"]
    assert set_limit(account.pk, LimitTerms(D(0), grace_days=5), "patience", actor=cast.hq_finance).grace_days == 5
    for change, name in (("limit_amount = 1", "funds_account_prepaid_no_credit"), ("ordered = 501", "funds_account_prepaid_covered")):
        with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE funds_account SET {change}")


def test_an_invoice_asks_for_its_money_under_prepaid_terms_only(prepaid, cast):
    other = make_agreement(cast.lh, cast.d002)
    set_limit(in_unit(ensure_account, other.pk).pk, LimitTerms(D(1000)), "start", actor=cast.hq_finance)
    for agreement in (prepaid, other):
        in_unit(hold, agreement.pk, D("300.00"), order(1))
    bill = [("ordered", "invoiced", D("100.00"))]
    in_unit(shift, prepaid.pk, bill, order(1))
    in_unit(shift_all, [Change(prepaid.pk, bill, order(1)), Change(other.pk, bill, order(2))])
    due = Event.unscoped.filter(name="funds.BalanceDue")
    assert [(e.payload["agreement_id"], e.payload["amount"]) for e in due] == [(prepaid.pk, "100.00")] * 2


def test_a_draft_has_no_account_because_its_terms_may_change(cast):
    from_draft = make_agreement(cast.lh, cast.d002)
    type(from_draft).unscoped.filter(pk=from_draft.pk).update(state="draft")
    with pytest.raises(NotFound, match=r"funds\.no_account"):
        in_unit(ensure_account, from_draft.pk)


def test_the_list_shows_balance_frozen_and_available(prepaid, cast):
    in_unit(hold, prepaid.pk, D("300.00"), order(1))
    for actor in (cast.dealer_admin, cast.hq_finance):
        one = queries.account(actor, Account.unscoped.get(buyer_id=prepaid.buyer_id).pk)
        assert (one.prepaid, one.limit_now, one.exposure, one.available) == (True, D(500), D(300), D(200))
