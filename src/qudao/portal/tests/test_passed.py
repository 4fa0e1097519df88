"""What-if asks also of the orders that went straight through: a lower threshold counts them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import make_group
from qudao.approvals import actions, queries
from qudao.approvals.rules import Branch, FlowDraft, Step, When
from qudao.base.tests.page_text import text
from qudao.catalog.tests.make import make_category
from qudao.kernel import clock
from qudao.kernel.errors import Invalid
from qudao.orders.tests.make import make_world, place
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in


def test_a_lower_threshold_counts_orders_that_passed(client, db):
    world = make_world()
    first, second = place(world, 1), place(world, 3)
    draft = FlowDraft("orders.order", "", (Branch("", When(min(first.gross, second.gross) + D(1)), (Step(unscoped_system_role("hq_finance")),)),))
    flow = actions.save_draft(world.cast.lh.pk, draft, actor=world.cast.hq_admin)
    since = clock.now() - timedelta(days=1)
    found = queries.unscoped_submitted(flow, since)
    assert [(one.number, one.case.amount, one.case.first) for one in found] == [(second.number, second.gross, False), (first.number, first.gross, True)]
    page = text(sign_in(client, world.cast.hq_admin).get(reverse("approval_what_if", args=[flow.pk]), {"months": 1}))
    assert second.number in page and first.number not in page
    assert queries.unscoped_submitted(flow, clock.now() + timedelta(days=1)) == []


def test_a_branch_asks_type_and_groups_of_what_passed(db):
    world = make_world()
    order = place(world, 1)
    (one,) = queries.PASSED["orders.order"](world.cast.lh.pk, clock.now() - timedelta(days=1), 10)
    assert (one.case.type, one.case.credit, one.case.tier, one.case.groups) == ("regular", "pass", world.cast.d001.tier, frozenset())
    assert queries.PASSED["orders.order"](order.buyer_id, clock.now() - timedelta(days=1), 10) == []


def test_a_condition_that_no_document_can_meet_is_refused_with_what_is_unknown(db):
    """A mistyped code would let pass what the branch is meant to stop."""
    world = make_world()
    make_category(world.cast.lh, "TV")
    make_group(world.cast.lh, "KEY", world.cast.d001)

    def faults(kind="orders.order", **when):
        steps = (Step(unscoped_system_role("hq_finance")),)
        with pytest.raises(Invalid) as refused:
            actions.save_draft(world.cast.lh.pk, FlowDraft(kind, "", (Branch("", When(**when), steps),)), actor=world.cast.hq_admin)
        return [(one.code, one.field, one.params.get("codes")) for one in refused.value.faults]

    assert faults(categories=("TV", "TVS"), groups=("key",), types=("gift",)) == [
        ("approvals.condition_unknown", name, codes) for name, codes in (("types", "gift"), ("categories", "TVS"), ("groups", "key"))
    ]
    assert faults(kind="nonsense") == [("approvals.kind_missing", "kind", None)]
    good = When(categories=("TV",), groups=("KEY",), types=("emergency",))
    draft = FlowDraft("orders.order", "", (Branch("", good, (Step(unscoped_system_role("hq_finance")),)),))
    assert actions.save_draft(world.cast.lh.pk, draft, actor=world.cast.hq_admin).pk
