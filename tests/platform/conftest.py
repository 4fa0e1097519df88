"""A demo world for the tests that only look at it: loaded once for a file, rolled back at its end."""

from __future__ import annotations

import os

import pytest
from django.db import connection, transaction

from qudao.base.db import run
from qudao.web.progress import Progress

#: what takes minutes is not even collected otherwise: a skipped test is a failure in CI
collect_ignore = [] if os.environ.get("QUDAO_SLOW") else ["test_demo_full.py", "test_schema_full.py"]


def analyze() -> None:
    """Tell the planner of our own tables; those that all databases share would wait for the other test process."""
    run("ANALYZE " + ", ".join(f'"{table}"' for table in connection.introspection.table_names()))


class Analyzing(Progress):
    """Tells the planner what is there. PostgreSQL does so by itself of what is committed; here nothing is, and what it may have noted of the tables
    while they were empty between two files makes every check a nested loop (minutes instead of seconds).
    """

    def advance(self, steps: int = 1) -> None:
        if self.done == 0 or self.done // 100 != (self.done + steps) // 100:
            analyze()
        super().advance(steps)


@pytest.fixture(scope="module")
def demo_world(django_db_setup, django_db_blocker):
    """The whole demo in a transaction. What a test changes in a `transaction.atomic()` of its own it must roll back itself."""
    from qudao.web import demo

    with django_db_blocker.unblock(), transaction.atomic():
        sign_ins = demo.load(Analyzing("demo"))
        analyze()
        with connection.cursor() as cursor:  # what a commit would check; else a table with such checks open cannot be altered by a plant
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield sign_ins
        transaction.set_rollback(True)
