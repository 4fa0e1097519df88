"""Which rules apply, what waits for whom, who sees it."""

from decimal import Decimal

import pytest
from django.utils.translation import override

from qudao.approvals import actions, queries
from qudao.approvals.invariants import CHECKS
from qudao.approvals.models import Flow, Node, Request, Signature, Version
from qudao.approvals.queries import signers_of
from qudao.approvals.rules import Case
from qudao.approvals.tests.make import KIND, document, make_rule, open_for, sign
from qudao.base.access import system_actor, visible
from qudao.base.db import run
from qudao.base.invariants import offending
from qudao.kernel.errors import NotFound
from qudao.people.queries import unscoped_system_role

SYSTEM = system_actor()


@pytest.mark.parametrize(("amount", "expected"), [("0", ["hq_clerk"]), ("499.99", ["hq_clerk"]), ("500", ["hq_clerk", "hq_finance", "hq_admin"])])
def test_rules_apply_from_their_amount_on_in_one_statement(cast, amount, expected, django_assert_num_queries):
    make_rule(cast.lh, "hq_admin", "500", 3)
    make_rule(cast.lh, "hq_finance", "500", 2)
    make_rule(cast.lh, "hq_clerk")
    make_rule(cast.d001, "dealer_admin")
    actions.retire_flow(make_rule(cast.d002, "hq_warehouse").flow_id, actor=SYSTEM)
    case = Case(Decimal(amount))
    with django_assert_num_queries(1):
        found = queries.unscoped_rules_for(cast.lh.pk, KIND, case)
    assert [one.step.role_id for one in found.asked] == [unscoped_system_role(code) for code in expected]
    with override("zh-hans"):
        assert signers_of(one.step for one in found.asked)[0] == "订单员"
    assert not queries.unscoped_rules_for(cast.lh.pk, "claims.claim", case)
    assert not queries.unscoped_rules_for(cast.d002.pk, KIND, case)
    assert queries.unscoped_plans([cast.lh.pk, cast.d001.pk], KIND, Decimal(0)).keys() == {cast.lh.pk, cast.d001.pk}


def test_the_inbox_holds_what_this_person_can_sign(cast, django_assert_num_queries):
    make_rule(cast.lh, "hq_clerk")
    make_rule(cast.lh, "hq_finance", position=2)
    mine, own = document(cast.lh, cast.d001, 1), document(cast.lh, cast.d002, 2)
    open_for(mine, cast.dealer)
    open_for(own, cast.hq_clerk)
    with django_assert_num_queries(1):
        assert [node.request.subject for node in queries.pending_for(cast.hq_clerk)] == [mine]  # not the one submitted by the clerk
    assert queries.may_sign(cast.hq_clerk, mine) and not queries.may_sign(cast.hq_clerk, own)
    assert [node.request.subject for node in queries.pending_for(cast.hq_admin)] == [own]  # there is no other clerk
    for actor in (cast.hq_finance, cast.dealer, cast.dealer_admin, cast.stranger, SYSTEM):
        assert queries.pending_for(actor).count() == 0
    sign(mine, cast.hq_clerk)
    assert queries.pending_for(cast.hq_clerk).count() == 0
    assert [node.request.subject for node in queries.pending_for(cast.hq_finance)] == [mine]


def test_only_the_seller_sees_requests_rules_and_signatures(cast):
    make_rule(cast.d001, "dealer_admin")
    order = document(cast.d001, cast.s001)
    open_for(order, cast.sub_dealer)
    sign(order, cast.dealer_admin)
    for model in (Flow, Version, Request, Node, Signature):
        assert visible(cast.dealer_admin, model).count() == 1
        assert visible(SYSTEM, model).count() == 1
        assert not visible(cast.hq_admin, model).exists()  # not even the brand above
        assert not visible(cast.stranger_admin, model).exists()
    assert queries.course(cast.sub_dealer, order) == []
    (node,) = queries.course(cast.dealer_admin, order)
    assert [one.user_id for one in node.signatures.all()] == [cast.dealer_admin.user_id]
    assert queries.requests(cast.dealer_admin, state="approved").count() == 1
    with pytest.raises(NotFound):
        queries.flow(cast.stranger_admin, Flow.unscoped.get().pk)
    assert queries.flows(cast.dealer_admin, kind=KIND).count() == 1


def test_role_choices_fit_the_organisation(cast):
    names = {name_en for _pk, _name, name_en in queries.unscoped_role_choices(cast.d001.pk, "dealer")}
    assert "Dealer administrator" in names and "Order clerk" not in names


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_invariant_finds_its_planted_fault(cast, check):
    make_rule(cast.lh, "hq_clerk")
    open_for(document(cast.lh, cast.d001, 1), cast.dealer)
    open_for(document(cast.lh, cast.d001, 2), cast.dealer)
    sign(document(cast.lh, cast.d001, 1), cast.hq_clerk)
    assert offending(check)[0] == 0
    run("set local session_replication_role = replica")
    run(check.plant)
    assert offending(check)[0] == 1
