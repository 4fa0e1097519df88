"""Each invariant holds on rows made by the actions and finds the fault that its own `plant` makes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction

from qudao.base.invariants import offending
from qudao.ledger import invariants
from qudao.ledger.tests.make import apply_cash, invoice_subject, make_invoice, make_receipt


@pytest.fixture
def rows(cast):
    """An invoice, partly paid, and cash that is not applied yet."""
    invoice, day = invoice_subject(cast.lh.pk, cast.d001.pk, 1), date(2026, 3, 15)
    make_invoice(invoice, Decimal("113.00"), day)
    make_receipt(cast.lh.pk, cast.d001.pk, 1, Decimal("100.00"), day)
    apply_cash(invoice, 1, Decimal("60.00"), day)


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
