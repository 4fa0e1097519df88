"""Every change of an agreement, and each constraint violated once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from qudao.agreements import actions, jobs
from qudao.agreements.models import Agreement, Authorisation
from qudao.agreements.rules import AgreementDraft, Grant
from qudao.agreements.tests.make import START, draft, make_agreement
from qudao.base import models as base
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.catalog.models import Audience
from qudao.catalog.tests.make import make_category, make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.network import actions as network
from qudao.network.tests.make import make_org

SYSTEM = system_actor()
TODAY = date(2026, 6, 15)


@pytest.fixture(autouse=True)
def _today():
    with clock.freeze(datetime(2026, 6, 15, 4, tzinfo=UTC)):
        yield


def codes(error):
    return [(fault.code, fault.field) for fault in error.value.faults]


def test_a_draft_is_written_by_the_seller(cast):
    made = draft(cast.lh, cast.d001, actor=cast.hq_admin)
    assert (made.state, made.payment_days, made.invoice_on, made.tax_inclusive) == ("draft", 30, "receipt", True)
    (line,) = timeline(actions.subject_of(made))
    assert (line.verb, line.after, line.seller_id, line.buyer_id) == ("agreements.draft", "draft", cast.lh.pk, cast.d001.pk)
    sub = draft(cast.d001, cast.s001, actor=cast.dealer_admin)
    assert sub.seller_id == cast.d001.pk


def test_nobody_drafts_for_another_seller_or_with_a_hidden_buyer(cast):
    with pytest.raises(Forbidden):
        draft(cast.lh, cast.d001, actor=cast.dealer_admin)
    with pytest.raises(Forbidden):
        draft(cast.d001, cast.s001, actor=cast.hq_admin)
    with pytest.raises(NotFound):
        draft(cast.d001, cast.d002, actor=cast.dealer_admin)
    with pytest.raises(Forbidden):
        draft(cast.lh, cast.d001, actor=cast.hq_clerk)


def test_a_dealer_writes_down_what_it_agreed_with_an_outside_supplier(cast):
    supplier = make_org("supplier", "SUP", cast.d001)
    made = make_agreement(supplier, cast.d001, actor=cast.dealer_admin)
    assert made.state == "active"


def test_faults_of_a_draft_are_told_together(cast):
    draft(cast.lh, cast.d001, code="A")
    with pytest.raises(Invalid) as error:
        draft(cast.lh, cast.d002, code="A", payment_days=999)
    assert set(codes(error)) == {("agreements.payment_days_wrong", "payment_days"), ("agreements.code_taken", "code")}
    network.close_organisation(cast.d002.pk, "gone", actor=SYSTEM)
    with pytest.raises(Invalid) as error:
        draft(cast.lh, cast.d002)
    assert codes(error) == [("agreements.party_closed", "")]


def test_only_a_draft_changes(cast):
    made = draft(cast.lh, cast.d001)
    new = AgreementDraft(cast.lh.pk, cast.d001.pk, made.code, START, payment_days=60)
    assert actions.change_agreement(made.pk, new, actor=cast.hq_admin).payment_days == 60
    assert timeline(actions.subject_of(made)).last().detail == {"payment_days": ["30", "60"]}
    with pytest.raises(Invalid):
        actions.change_agreement(made.pk, AgreementDraft(cast.lh.pk, cast.d001.pk, "", START), actor=SYSTEM)
    actions.activate_agreement(made.pk, actor=SYSTEM)
    with pytest.raises(Refused) as error:
        actions.change_agreement(made.pk, new, actor=SYSTEM)
    assert codes(error) == [("agreements.only_draft", "")]


def test_activation_tells_the_modules_above_and_costs_few_statements(cast, django_assert_num_queries):
    made = draft(cast.lh, cast.d001)
    # begin; whoever follows assortments waits; row seen; may act; row locked; parties; other active; update; reach; rules; audience out, in; names; log;
    # event and notices; commit
    with django_assert_num_queries(15):
        actions.activate_agreement(made.pk, actor=SYSTEM)
    event = base.Event.unscoped.get(name="agreements.AgreementActivated")
    assert event.payload == {"agreement_id": made.pk, "seller_id": cast.lh.pk, "buyer_id": cast.d001.pk, "currency": "CNY"}
    last = timeline(actions.subject_of(made)).last()
    assert (last.before, last.after) == ("draft", "active")


def test_the_buyer_does_not_activate_suspend_end_or_authorise(cast):
    made = make_agreement(cast.lh, cast.d001)
    calls = [
        lambda: actions.activate_agreement(made.pk, actor=cast.dealer_admin),
        lambda: actions.suspend_agreement(made.pk, "x", actor=cast.dealer_admin),
        lambda: actions.end_agreement(made.pk, "x", actor=cast.dealer_admin),
        lambda: actions.change_agreement(made.pk, None, actor=cast.dealer_admin),
        lambda: actions.authorise(made.pk, Grant(START), actor=cast.dealer_admin),
    ]
    for call in calls:
        with pytest.raises(Forbidden):
            call()
    with pytest.raises(NotFound):
        actions.end_agreement(made.pk, "x", actor=cast.stranger_admin)


def test_two_agreements_of_a_pair_are_never_active_at_once(cast):
    make_agreement(cast.lh, cast.d001)
    second = draft(cast.lh, cast.d001, code="B")
    with pytest.raises(Refused) as error:
        actions.activate_agreement(second.pk, actor=SYSTEM)
    assert codes(error) == [("agreements.active_exists", "")]
    make_agreement(cast.lh, cast.d002)
    make_agreement(cast.d001, cast.lh, code="back")  # the other direction is another trade


def test_suspend_and_activate_again(cast):
    made = make_agreement(cast.lh, cast.d001)
    with pytest.raises(Invalid) as error:
        actions.suspend_agreement(made.pk, " ", actor=SYSTEM)
    assert codes(error) == [("agreements.reason_missing", "reason")]
    assert actions.suspend_agreement(made.pk, "overdue", actor=cast.hq_admin).state == "suspended"
    assert actions.activate_agreement(made.pk, actor=cast.hq_admin).state == "active"
    with pytest.raises(Refused):
        actions.activate_agreement(made.pk, actor=SYSTEM)


def test_an_end_is_final_and_shortens_the_span(cast):
    made = make_agreement(cast.lh, cast.d001)
    ended = actions.end_agreement(made.pk, "exit", actor=cast.hq_admin)
    assert (ended.state, ended.valid_to) == ("ended", TODAY)
    with pytest.raises(Refused):
        actions.activate_agreement(made.pk, actor=SYSTEM)
    with pytest.raises(Refused):
        actions.end_agreement(made.pk, "again", actor=SYSTEM)
    with pytest.raises(Refused):
        actions.authorise(made.pk, Grant(START), actor=SYSTEM)
    future = draft(cast.lh, cast.d002, valid_from=TODAY + timedelta(30))
    assert actions.end_agreement(future.pk, "dropped", actor=SYSTEM).valid_to == TODAY + timedelta(30)
    assert base.Event.unscoped.filter(name="agreements.AgreementEnded").count() == 1  # a draft's end concerns nobody


def test_an_agreement_that_is_over_does_not_come_alive(cast):
    made = draft(cast.lh, cast.d001, valid_to=TODAY - timedelta(1))
    with pytest.raises(Refused) as error:
        actions.activate_agreement(made.pk, actor=SYSTEM)
    assert codes(error) == [("agreements.past", "")]


def test_the_nightly_job_ends_what_is_over(cast):
    over = make_agreement(cast.lh, cast.d001, valid_to=TODAY)
    lasting = make_agreement(cast.lh, cast.d002)
    with clock.freeze(clock.now() + timedelta(days=1)):
        jobs.end_expired(0)
        jobs.end_expired(0)
    assert Agreement.unscoped.get(pk=over.pk).state == "ended"
    assert Agreement.unscoped.get(pk=over.pk).valid_to == TODAY
    assert Agreement.unscoped.get(pk=lasting.pk).state == "active"


def pairs():
    return set(Audience.unscoped.values_list("owner__code", "viewer__code"))


def test_a_chain_of_agreements_opens_catalogues_and_a_break_closes_them(cast):
    make_agreement(cast.d001, cast.s001)
    assert pairs() == {("D001", "S001")}
    upper = make_agreement(cast.lh, cast.d001)
    assert pairs() == {("D001", "S001"), ("LH", "D001"), ("LH", "S001")}
    actions.suspend_agreement(upper.pk, "overdue", actor=SYSTEM)
    assert pairs() == {("D001", "S001")}
    actions.activate_agreement(upper.pk, actor=SYSTEM)
    direct = make_agreement(cast.lh, cast.s001)
    actions.end_agreement(upper.pk, "exit", actor=SYSTEM)
    assert pairs() == {("D001", "S001"), ("LH", "S001")}  # the other way still leads there
    actions.end_agreement(direct.pk, "exit", actor=SYSTEM)
    assert pairs() == {("D001", "S001")}


def test_an_authorisation_covers_what_the_seller_carries(cast):
    product, category = make_product(cast.lh, "P"), make_category(cast.lh, "C")
    upper = make_agreement(cast.lh, cast.d001, everything=False)
    actions.authorise(upper.pk, Grant(START, product_id=product.pk), actor=cast.hq_admin)
    actions.authorise(upper.pk, Grant(START, category_id=category.pk, allowed=False), actor=cast.hq_admin)
    lower = make_agreement(cast.d001, cast.s001, everything=False)
    actions.authorise(lower.pk, Grant(START, product_id=product.pk), actor=cast.dealer_admin)
    other = make_agreement(cast.d002, cast.s001, everything=False)
    for grant, fault in (
        (Grant(START, product_id=product.pk), ("agreements.product_foreign", "product_id")),
        (Grant(START, category_id=category.pk), ("agreements.category_unknown", "category_id")),
    ):
        with pytest.raises(Invalid) as error:
            actions.authorise(other.pk, grant, actor=SYSTEM)
        assert codes(error) == [fault]


def test_the_same_authorisation_does_not_overlap(cast):
    made = make_agreement(cast.lh, cast.d001, everything=False)
    actions.authorise(made.pk, Grant(START, valid_to=TODAY), actor=SYSTEM)
    with pytest.raises(Refused) as error:
        actions.authorise(made.pk, Grant(TODAY), actor=SYSTEM)
    assert codes(error) == [("agreements.grant_exists", "")]
    actions.authorise(made.pk, Grant(TODAY + timedelta(1)), actor=SYSTEM)
    actions.authorise(made.pk, Grant(TODAY, allowed=False), actor=SYSTEM)


def test_a_withdrawn_authorisation_ended_yesterday_or_never_was(cast):
    made = make_agreement(cast.lh, cast.d001, everything=False)
    old = actions.authorise(made.pk, Grant(START), actor=SYSTEM)
    actions.withdraw_authorisation(old.pk, "exit", actor=cast.hq_admin)
    assert Authorisation.unscoped.get(pk=old.pk).valid_to == TODAY - timedelta(1)
    with pytest.raises(Refused) as error:
        actions.withdraw_authorisation(old.pk, "again", actor=SYSTEM)
    assert codes(error) == [("agreements.withdrawn", "")]
    planned = actions.authorise(made.pk, Grant(TODAY), actor=SYSTEM)
    with pytest.raises(Forbidden):
        actions.withdraw_authorisation(planned.pk, actor=cast.dealer_admin)
    actions.withdraw_authorisation(planned.pk, actor=SYSTEM)
    assert not Authorisation.unscoped.filter(pk=planned.pk).exists()


def _agreement(cast, **change):
    values = {"seller": cast.lh, "buyer": cast.d002, "code": "X", "currency": "CNY", "valid_from": START, "payment_days": 30, "state_since": clock.now()}
    return Agreement(**{**values, **change})


BROKEN = {
    "agreements_agreement_seller_code_unique": lambda c, a: _agreement(c, code=a.code),
    "agreements_agreement_seller_not_buyer": lambda c, a: _agreement(c, buyer=c.lh),
    "agreements_agreement_valid_from_to_ordered": lambda c, a: _agreement(c, valid_to=START - timedelta(1)),
    "agreements_agreement_payment_days_range": lambda c, a: _agreement(c, payment_days=-1),
    "agreements_agreement_prepaid_without_days": lambda c, a: _agreement(c, prepaid=True),
    "agreements_agreement_min_order_not_negative": lambda c, a: _agreement(c, min_order=-1),
    "agreements_agreement_state_invoice_on_currency_known": lambda c, a: _agreement(c, state="odd"),
    "agreements_agreement_pair_currency_one_active": lambda c, a: _agreement(c, buyer=c.d001, state="active"),
    "agreements_authorisation_product_or_category": lambda c, a: Authorisation(
        agreement=a, product=make_product(c.lh, "P"), category=make_category(c.lh, "C"), valid_from=START
    ),
    "agreements_authorisation_valid_from_to_ordered": lambda c, a: Authorisation(agreement=a, valid_from=START, valid_to=START - timedelta(1)),
    "agreements_authorisation_no_overlap": lambda c, a: Authorisation(agreement=a, valid_from=TODAY),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_holds(cast, name):
    active = make_agreement(cast.lh, cast.d001)
    row = BROKEN[name](cast, active)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        row.save(force_insert=True)


def test_every_constraint_is_broken_above():
    assert {c.name for model in (Agreement, Authorisation) for c in model._meta.constraints} == set(BROKEN)


def test_a_lost_race_for_the_active_agreement_is_a_refusal(cast, monkeypatch):
    make_agreement(cast.lh, cast.d001)
    second = draft(cast.lh, cast.d001, code="B")
    monkeypatch.setattr(actions.terms, "_refuse_other_active", lambda agreement: None)
    with pytest.raises(Refused) as error:
        actions.activate_agreement(second.pk, actor=SYSTEM)
    assert codes(error) == [("agreements.agreement_pair_currency_one_active", "")]


def test_an_agreement_in_another_currency_stands_beside_the_first(cast):
    first = make_agreement(cast.lh, cast.d001)
    second = make_agreement(cast.lh, cast.d001, code="A-USD", currency="USD")
    assert {first.currency, second.currency} == set(Agreement.unscoped.filter(state="active").values_list("currency", flat=True))
    with pytest.raises(Refused, match="active_exists"):
        make_agreement(cast.lh, cast.d001, code="B-USD", currency="USD")


def test_prepaid_terms_have_no_days_of_payment(cast):
    made = draft(cast.lh, cast.d001, code="PRE", prepaid=True, payment_days=30)
    assert (made.prepaid, made.payment_days) == (True, 0)
    facts = {"code": "PRE", "valid_from": made.valid_from, "payment_days": 45}
    changed = actions.change_agreement(made.pk, AgreementDraft(cast.lh.pk, cast.d001.pk, **facts), actor=cast.hq_admin)
    assert (changed.prepaid, changed.payment_days) == (False, 45)
