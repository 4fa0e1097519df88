"""A demo world for the tests that only look at it: loaded once for a file, rolled back at its end."""

from __future__ import annotations

import os

import pytest
from django.db import connection, transaction

#: what takes minutes is not even collected otherwise: a skipped test is a failure in CI
collect_ignore = [] if os.environ.get("QUDAO_SLOW") else ["test_demo_full.py"]


@pytest.fixture(scope="module")
def demo_world(django_db_setup, django_db_blocker):
    """The whole demo in a transaction. What a test changes in a `transaction.atomic()` of its own it must roll back itself."""
    from qudao.web import demo

    with django_db_blocker.unblock(), transaction.atomic():
        sign_ins = demo.load()
        with connection.cursor() as cursor:  # what a commit would check; else a table with such checks open cannot be altered by a plant
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        yield sign_ins
        transaction.set_rollback(True)
