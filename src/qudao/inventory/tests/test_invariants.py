"""Each invariant holds on rows made by the actions and finds the fault that its own `plant` makes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection, transaction

from qudao.base.invariants import offending
from qudao.inventory import invariants
from qudao.inventory.actions import post_moves, release, reserve
from qudao.inventory.rules import Demand, MoveSpec
from qudao.inventory.tests.make import ORDER, SHIPMENT, in_unit


@pytest.fixture
def rows(shelf):
    """Stock that was received, reserved, shipped and released."""
    lines = [Demand(shelf.main, product.pk, Decimal(4), n) for n, product in enumerate(shelf.products)]
    in_unit(reserve, lines, ORDER)
    in_unit(post_moves, [MoveSpec(shelf.products[0].pk, Decimal(3), shelf.main, shelf.transit, 0, take_reserved=True)], SHIPMENT)
    in_unit(release, ORDER, ref_ids=[1])


@pytest.mark.parametrize("check", invariants.CHECKS, ids=lambda check: check.name)
def test_each_check_holds_and_finds_its_planted_fault(rows, check):
    assert offending(check) == (0, [])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(check.plant)
        count, found = offending(check)
        assert count == len(found) > 0
        assert all(len(row) == 2 and row[1] for row in found)
        transaction.set_rollback(True)
    assert offending(check) == (0, [])
