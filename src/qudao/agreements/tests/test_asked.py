"""Agreements that wait for signatures before they come into force, or before their least order amount changes."""

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements import actions
from qudao.agreements.models import Agreement
from qudao.agreements.tests.make import draft, make_agreement
from qudao.approvals.actions import add_rule, decide_proposal
from qudao.approvals.models import Proposal
from qudao.approvals.rules import RuleDraft
from qudao.base.access import system_actor
from qudao.kernel.errors import Invalid, Refused, Waits
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def house(cast):
    """The brand's house, where finance signs agreements."""
    add_rule(cast.lh.pk, RuleDraft("agreements.terms", unscoped_system_role("hq_finance")), actor=system_actor())
    return cast


def test_it_comes_into_force_when_it_is_signed(house, client):
    agreement = draft(house.lh, house.d001)
    sign_in(client, house.hq_admin)
    answer = client.post(reverse("agreement_activation", args=[agreement.pk]), {"reason": ""})
    made = Proposal.unscoped.get()
    assert answer.url == made.get_absolute_url() and Agreement.unscoped.get(pk=agreement.pk).state == "draft"
    assert (made.type, made.number, made.seller_id, made.buyer_id) == ("active", agreement.code, house.lh.pk, house.d001.pk)
    assert made.get_absolute_url() in client.get(agreement.get_absolute_url()).content.decode()
    sign_in(client, house.hq_finance)
    assert (house.d001.name_en or house.d001.name) in client.get(made.get_absolute_url()).content.decode()
    assert client.post(reverse("approval_proposal_approval", args=[made.pk]), {"reason": ""}).status_code == 302
    assert Agreement.unscoped.get(pk=agreement.pk).state == "active"


def test_the_least_amount_of_an_active_one_waits_that_of_a_draft_does_not(house):
    active = make_agreement(house.lh, house.d001)
    with pytest.raises(Waits):
        actions.set_min_order(active.pk, D(500), actor=house.hq_admin)
    with pytest.raises(Invalid):
        actions.set_min_order(active.pk, D("NaN"), actor=house.hq_admin)
    assert decide_proposal(Proposal.unscoped.get().pk, "approve", actor=house.hq_finance).state == "done"
    assert Agreement.unscoped.get(pk=active.pk).min_order == 500
    assert actions.set_min_order(draft(house.lh, house.d002).pk, D(100), actor=house.hq_admin).min_order == 100


def test_what_cannot_come_into_force_is_refused_at_once_and_at_the_signature(house):
    first, second = draft(house.lh, house.d001), draft(house.lh, house.d001, code="B")
    with pytest.raises(Waits):
        actions.activate_agreement(first.pk, actor=house.hq_admin)
    made = Proposal.unscoped.get()
    actions.activate_agreement(second.pk, actor=system_actor())
    with pytest.raises(Refused) as other:
        decide_proposal(made.pk, "approve", actor=house.hq_finance)
    assert other.value.faults[0].code == "agreements.active_exists"
    with pytest.raises(Refused):
        actions.activate_agreement(first.pk, actor=house.hq_admin)


def test_a_dealer_s_own_agreements_go_by_the_dealer_s_own_flow(house):
    dealer = actor_of(make_member("boss@d001.example", house.d001, "dealer_admin"))
    assert actions.activate_agreement(draft(house.d001, house.s001).pk, actor=dealer).state == "active"
