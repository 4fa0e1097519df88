"""Each invariant holds on rows made by the actions and finds the fault that its own `plant` makes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection, transaction

from qudao.base.invariants import offending
from qudao.funds import invariants
from qudao.funds.actions import hold, shift
from qudao.funds.tests.make import in_unit, order


@pytest.fixture
def rows(agreement, account):
    """An order on its way and one that finance let pass."""
    in_unit(hold, agreement.pk, Decimal("400.00"), order(1))
    in_unit(shift, agreement.pk, [("ordered", "shipped", Decimal("100.00"))], order(1))
    in_unit(hold, agreement.pk, Decimal("900.00"), order(2), note="guarantee")


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
