"""Each check of this module finds nothing wrong in what the actions wrote, and finds its planted fault."""

from __future__ import annotations

import pytest
from django.db import connection

from qudao.base.invariants import offending
from qudao.base.outbox import drain
from qudao.messages.actions import assign, note, write
from qudao.messages.invariants import CHECKS
from qudao.messages.rules import TaskDraft
from qudao.orders.tests.make import make_world, place

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_holds_and_finds_its_planted_fault(check):
    world = make_world()
    order, clerk = place(world, 1), world.cast.hq_clerk
    said = write("orders.order", order.pk, "Hello", actor=world.dealer)
    note("orders.order", order.pk, f"@{world.cast.hq_finance.name} look", actor=clerk)
    assign("orders.order", order.pk, TaskDraft("Call", world.dealer.user_id, message_id=said.pk), actor=clerk)
    drain()
    assert offending(check)[0] == 0
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(check.plant.replace("%", "%%"))
        cursor.execute("SET session_replication_role = origin")
    assert offending(check)[0] >= 1
