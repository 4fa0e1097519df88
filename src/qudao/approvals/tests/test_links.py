"""Links of mails: made only for who may sign, known only by their hash, dead as soon as the step moves."""

from datetime import timedelta

import pytest

from qudao.approvals import actions
from qudao.approvals.models import Link
from qudao.approvals.tests.make import document, in_action, make_rule, open_for, sign, withdraw
from qudao.base.access import system_actor
from qudao.people.models import Membership, SecondFactor
from qudao.people.rules import hash_of

SYSTEM = system_actor()


@pytest.fixture
def order(cast):
    make_rule(cast.lh, "hq_clerk")
    make_rule(cast.lh, "hq_finance", position=2)
    return document(cast.lh, cast.d001)


def letter(subject, actor):
    return in_action(SYSTEM, lambda: actions.letter_for(subject, actor.user_id, actor=SYSTEM))


def test_a_letter_tells_the_facts_and_keeps_only_the_hash(cast, order):
    request = open_for(order, cast.dealer)
    found = letter(order, cast.hq_clerk)
    assert (found.party_en, found.amount, found.submitted_by, found.role_en) == (cast.d001.name_en, 1000, "dealer", "Order clerk")
    link = Link.unscoped.get()
    assert link.sha256 == hash_of(found.token) and found.token not in str(vars(link))
    assert (link.node.request_id, link.user_id, link.expires_at - link.created_at) == (request.pk, cast.hq_clerk.user_id, timedelta(hours=72))
    assert letter(order, cast.hq_clerk).token != found.token


def test_nobody_gets_a_letter_who_may_not_sign_now(cast, order):
    open_for(order, cast.dealer)
    for actor in (cast.hq_finance, cast.hq_warehouse, cast.dealer, cast.dealer_admin):
        assert letter(order, actor) is None
    SecondFactor.unscoped.create(user_id=cast.hq_clerk.user_id, secret="x")
    assert letter(order, cast.hq_clerk) is None
    SecondFactor.unscoped.all().delete()
    Membership.unscoped.filter(pk=cast.hq_clerk.membership_id).update(state="ended")
    assert letter(order, cast.hq_clerk) is None and not Link.unscoped.exists()


@pytest.mark.parametrize(
    "move",
    [
        lambda cast, order, request: sign(order, cast.hq_clerk),
        lambda cast, order, request: sign(order, cast.hq_clerk, "reject", "no"),
        lambda cast, order, request: withdraw(order, cast.dealer),
        lambda cast, order, request: actions.delegate(request.pk, cast.hq_admin.user_id, actor=cast.hq_clerk),
        lambda cast, order, request: actions.add_signer(request.pk, cast.hq_admin.user_id, True, actor=cast.hq_clerk),
    ],
    ids=["approved", "rejected", "withdrawn", "handed on", "signer added before"],
)
def test_a_link_is_dead_when_its_step_has_moved(cast, order, move):
    request = open_for(order, cast.dealer)
    letter(order, cast.hq_clerk)
    assert Link.unscoped.get().ended_at is None
    move(cast, order, request)
    assert Link.unscoped.get().ended_at is not None
