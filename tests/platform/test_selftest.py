"""The self-test of `verify` in a database of its own."""

from __future__ import annotations

import os

import pytest

from qudao.base.db import rows
from qudao.web import cli, selftest, verify
from qudao.web.bench.verify import multiply
from qudao.web.progress import Progress


@pytest.mark.django_db
def test_faults_are_never_planted_where_somebody_works():
    with pytest.raises(cli.Unavailable, match="only in a scratch database"):
        next(selftest.inside([]))
    with pytest.raises(cli.Unavailable):
        multiply(2)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_self_test_works_in_a_database_of_its_own_and_leaves_none_behind():
    modules = ["ledger", "inventory"] if os.environ.get("QUDAO_SLOW") == "1" else ["orders.totals_are"]
    planted = selftest.in_a_copy(modules, Progress("faults"))
    assert len(planted) == len(verify.chosen(modules)) > 0
    assert [one for one in planted if one["fault"]] == []
    assert rows("SELECT count(*) FROM pg_database WHERE datname LIKE %s", (rf"{selftest.PREFIX}{os.getpid()}%",)) == [(0,)]
