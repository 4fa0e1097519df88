"""What an approval flow may ask of an order: read only when a branch depends on it, and kept with the request."""

from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from qudao.agreements.tests.make import make_group
from qudao.approvals.actions import publish_flow, save_draft
from qudao.approvals.queries import requests
from qudao.approvals.rules import Branch, FlowDraft, Step, When
from qudao.base.access import system_actor
from qudao.catalog.tests.make import make_category
from qudao.orders.actions import place_orders
from qudao.orders.rules import discount_of
from qudao.orders.tests.make import make_world, place, placing
from qudao.people.queries import unscoped_system_role

pytestmark = pytest.mark.django_db


def flow(world, **when):
    branch = Branch("", When(**when), (Step(unscoped_system_role("hq_clerk")),))
    made = save_draft(world.cast.lh.pk, FlowDraft("orders.order", "", (branch,)), actor=system_actor())
    publish_flow(made.pk, actor=system_actor())


def statements(world):
    with CaptureQueriesContext(connection) as found:
        place(world, 1)
    return len(found)


@pytest.mark.parametrize(
    ("when", "asked"),
    [
        ({"types": ("regular",)}, True),
        ({"types": ("sample",)}, False),
        ({"tiers": (1,)}, True),
        ({"tiers": (2,)}, False),
        ({"first": True}, True),
        ({"first": False}, False),
        ({"groups": ("VIP", "X")}, True),
        ({"groups": ("X",)}, False),
        ({"categories": ("TEA",)}, True),
        ({"categories": ("TEA-GREEN",)}, True),
        ({"categories": ("WINE",)}, False),
        ({"credit": "pass"}, True),
        ({"credit": "hold"}, False),
        ({"discount_from": Decimal(0)}, True),
        ({"discount_from": Decimal(1)}, False),
    ],
)
def test_an_order_is_routed_by_its_facts(when, asked):
    world = make_world()
    make_group(world.cast.lh, "VIP", world.cast.d001)
    make_group(world.cast.lh, "X")
    make_category(world.cast.lh, "WINE")
    tea = make_category(world.cast.lh, "TEA")
    product = world.products[0]
    product.category = make_category(world.cast.lh, "TEA-GREEN", parent=tea)
    product.save(update_fields=["category"])
    flow(world, **when)
    expected = "in_review" if asked else "confirmed"
    assert place(world, 1).status == expected
    if "first" not in when:
        (entered,) = place_orders([(placing(world, 1), uuid4())], actor=world.dealer)
        assert entered.order.status == expected


def test_facts_cost_a_statement_only_when_a_branch_depends_on_them():
    world = make_world()
    make_category(world.cast.lh, "WINE")
    plain = statements(world)
    flow(world, amount_from=Decimal(900_000), first=True, credit="hold")
    assert statements(world) == plain  # below its amount nothing is read
    flow(world, amount_to=Decimal(50), first=True)
    assert statements(world) == plain  # above it neither
    flow(world, first=True)
    assert statements(world) == plain + 1
    flow(world, first=True, credit="hold", categories=("WINE",))
    assert statements(world) == plain + 2


def test_the_facts_stay_with_the_request():
    world = make_world(limit=Decimal(150))
    flow(world, credit="hold", discount_from=Decimal(0))
    order = place(world, 2)
    found = requests(world.cast.hq_clerk).get()
    assert (found.subject_id, found.facts) == (order.pk, {"amount": "200.00", "type": "regular", "discount": "0.00", "credit": "hold", "tier": 1})


def line(price, *steps, qty=1):
    return SimpleNamespace(unit_price=Decimal(price), qty=Decimal(qty), steps=[{"level": a, "amount": b, "tax_inclusive": c} for a, b, c in steps])


@pytest.mark.parametrize(
    ("lines", "discount"),
    [
        ([], "0"),
        ([line("90", ("special", "90", True), ("base", "100", True))], "10.00"),
        ([line("90", ("special", "90", True), ("base", "100", True)), line("100", ("base", "100", True), qty=2)], "3.33"),
        ([line("90", ("base", "90", True), ("base", "100", True))], "10.00"),  # a break of the base list is a discount, too
        ([line("90", ("special", "90", True))], "0.00"),
        ([line("90", ("special", "90", False), ("base", "113", True))], "0.00"),
        ([line("120", ("special", "120", True), ("base", "100", True))], "0.00"),
    ],
)
def test_the_discount_is_of_the_whole_order_against_the_base_list(lines, discount):
    assert discount_of(lines) == Decimal(discount)
