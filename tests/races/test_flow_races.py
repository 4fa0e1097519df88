"""A flow that is published while documents are submitted, and two who give the last signature at once: each goes by one version, each is done once."""

from __future__ import annotations

from decimal import Decimal as D
from functools import partial

import pytest

from qudao.approvals.actions import add_rule, decide_proposal, publish_flow, save_draft, withdraw_proposal
from qudao.approvals.models import Flow, Node, Proposal, Request, Version
from qudao.approvals.rules import Branch, FlowDraft, RuleDraft, Step, When
from qudao.base.access import system_actor
from qudao.kernel.errors import DomainError, Waits
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound, make_world, placing
from qudao.payments.actions import PaymentFacts, record_payment, refund_payment
from qudao.payments.models import Payment
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
SYSTEM = system_actor()


def test_an_order_goes_by_the_version_that_counted_when_it_was_submitted(race):
    world = make_world([100])
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_clerk")), actor=SYSTEM)
    flow = Flow.unscoped.get()
    steps = (Step(unscoped_system_role("hq_finance")), Step(unscoped_system_role("hq_admin"), 2))
    save_draft(world.cast.lh.pk, FlowDraft("orders.order", "", (Branch("", When(), steps),)), actor=SYSTEM)
    told = race([*(partial(place_order, placing(world, 1), actor=world.dealer) for _n in range(5)), partial(publish_flow, flow.pk, actor=SYSTEM)])
    assert not [one for one in told if isinstance(one, Exception)], told
    asks = {1: ["hq_clerk"], 2: ["hq_finance", "hq_admin"]}
    for request in Request.unscoped.select_related("version"):
        assert request.version is not None
        assert list(Node.unscoped.filter(request=request).order_by("position").values_list("role__code", flat=True)) == asks[request.version.no]
    assert Request.unscoped.count() == 5 == Order.unscoped.filter(status="in_review").count()
    assert list(Version.unscoped.order_by("no").values_list("state", flat=True)) == ["superseded", "published"]
    last = place_order(placing(world, 1), actor=world.dealer)
    assert Request.unscoped.get(subject_id=last.pk).version.no == 2, "whoever submits after the publication goes by it"
    assert_sound()


def test_what_waits_is_done_once_whoever_signs_or_takes_it_back(race):
    world = make_world([100])
    add_rule(world.cast.lh.pk, RuleDraft("payments.out", unscoped_system_role("hq_admin")), actor=SYSTEM)
    payment = record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(100)), actor=world.cast.hq_finance)
    with pytest.raises(Waits):
        refund_payment(payment.pk, D(60), actor=world.cast.hq_finance)
    with pytest.raises(Waits):
        refund_payment(payment.pk, D(70), actor=world.cast.hq_finance)
    second = actor_of(make_member("second@lh.example", world.cast.lh, "hq_admin"))
    first, other = Proposal.unscoped.order_by("pk")
    bodies = [partial(decide_proposal, one.pk, "approve", actor=actor) for one in (first, other) for actor in (world.cast.hq_admin, second)]
    told = race([*bodies, partial(withdraw_proposal, first.pk, actor=world.cast.hq_finance)])
    assert all(isinstance(one, Proposal | DomainError) for one in told), told
    paid = Payment.unscoped.get(pk=payment.pk).refunded
    done = {one.pk: one.state for one in Proposal.unscoped.all()}
    assert paid == sum(one.amount for one in (first, other) if done[one.pk] == "done") and paid in (60, 70)
    assert_sound()
