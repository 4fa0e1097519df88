"""The self-test of `verify` in a database of its own."""

from __future__ import annotations

import os

import pytest

from qudao.base.db import rows
from qudao.billing.actions import issue_collective, set_cycle
from qudao.fulfilment.tests.make import place, received
from qudao.orders.tests.make import make_world
from qudao.web import cli, selftest, verify
from qudao.web.bench.verify import MADE, multiply
from qudao.web.progress import Progress


@pytest.mark.django_db
def test_faults_are_never_planted_where_somebody_works():
    with pytest.raises(cli.Unavailable, match="only in a scratch database"):
        next(selftest.inside([]))
    with pytest.raises(cli.Unavailable):
        multiply(2)


@pytest.mark.django_db
def test_copied_numbers_go_on_without_gaps_and_a_part_keeps_its_place():
    world = make_world((100,))
    set_cycle(world.agreement.pk, "month", 25, actor=world.cast.hq_finance)
    for _n in range(2):
        received(world, place(world, 3))
    issue_collective(world.agreement.pk, actor=world.cast.hq_finance)
    told = {
        table: sorted(one for (one,) in rows(f"SELECT {MADE[table, 'number']} FROM {table} t, generate_series(1, 2::bigint) k"))
        for table in ("billing_collective", "billing_invoice")
    }
    assert told["billing_collective"] == ["INV-LH-2", "INV-LH-3"]
    assert told["billing_invoice"] == ["INV-LH-2/1", "INV-LH-2/2", "INV-LH-3/1", "INV-LH-3/2"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_self_test_works_in_a_database_of_its_own_and_leaves_none_behind():
    modules = ["ledger", "inventory"] if os.environ.get("QUDAO_SLOW") == "1" else ["orders.totals_are"]
    planted = selftest.in_a_copy(modules, Progress("faults"))
    assert len(planted) == len(verify.chosen(modules)) > 0
    assert [one for one in planted if one["fault"]] == []
    assert rows("SELECT count(*) FROM pg_database WHERE datname LIKE %s", (rf"{selftest.PREFIX}{os.getpid()}%",)) == [(0,)]
