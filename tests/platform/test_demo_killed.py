"""A fresh database by the commands: its schema is the one that Django alone would make, and a demo whose loading is really killed goes on to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection

from qudao.web.demo.stories import STORIES

pytestmark = pytest.mark.django_db
PATIENCE = 240.0  # seconds for a machine that does a lot besides
SCHEMA = """
SELECT format('%s.%s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


class Fresh:
    """An empty database beside that of the tests, and the commands on it."""

    def __init__(self, name: str) -> None:
        where = connection.settings_dict
        self.name = f"test_qudao_{os.getpid()}_{name}"  # dropped by the next run if this one is killed
        self.place = {"host": where["HOST"], "port": where["PORT"], "user": where["USER"], "password": where["PASSWORD"]}
        url = "postgresql://{user}:{password}@{host}:{port}".format(**self.place)
        self.env = {**os.environ, "DATABASE_URL": f"{url}/{self.name}", "QUDAO_DEMO": "1"}

    def ask(self, query: str) -> list[tuple]:
        with psycopg.connect(dbname=self.name, autocommit=True, **self.place) as fresh:
            return fresh.execute(query).fetchall()

    def start(self, *arguments: str, by: str = "qudao.web.cli") -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", by, *arguments], env=self.env, stdout=subprocess.DEVNULL, start_new_session=True)

    def run(self, *arguments: str) -> None:
        assert self.start(*arguments).wait(PATIENCE) == 0, arguments

    def kill_when(self, reached: Callable[[], bool], *arguments: str) -> None:
        """Start a command and kill it with all its children as soon as so much is reached."""
        process, end = self.start(*arguments), time.monotonic() + PATIENCE
        while not reached():
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < end
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def orders(self) -> int:
        return int(self.ask("SELECT count(*) FROM orders_order")[0][0])

    def beat(self) -> dict:
        found = self.ask("SELECT detail FROM base_heartbeat WHERE name = 'demo'")
        return found[0][0] if found else {"stage": 0}


@contextmanager
def made(name: str) -> Iterator[Fresh]:
    """A database of its own, dropped at the end."""
    one = Fresh(name)
    with psycopg.connect(dbname="postgres", autocommit=True, **one.place) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{one.name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{one.name}"')
        try:
            yield one
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{one.name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def fresh(django_db_setup) -> Iterator[Fresh]:
    with made("fresh") as one:
        one.run("migrate")
        yield one


def test_migrate_makes_the_schema_that_django_alone_makes(fresh):
    with made("usual") as usual:
        usual.env |= {"DJANGO_SETTINGS_MODULE": "qudao.web.settings", "QUDAO_STATEMENT_TIMEOUT": "0"}
        assert usual.start("migrate", by="django").wait(PATIENCE) == 0
        known = sorted(usual.ask(SCHEMA))
    assert len(known) > 1000
    assert sorted(fresh.ask(SCHEMA)) == known


def test_a_loading_that_is_killed_twice_goes_on_and_makes_nothing_twice(fresh):
    fresh.kill_when(lambda: fresh.orders() >= 20, "demo", "--size", "small")
    assert (fresh.beat()["stage"], 20 <= fresh.orders() < len(STORIES)) == (1, True)
    fresh.kill_when(lambda: fresh.beat()["stage"] == 2 and fresh.beat()["done"] >= 1, "demo", "--size", "small")
    cut = fresh.beat()
    assert cut["done"] < cut["total"]
    fresh.run("demo", "--finish")
    known = fresh.beat()
    assert known["done"] == known["total"]
    assert fresh.ask("SELECT count(*), count(DISTINCT po_number) FROM orders_order WHERE po_number LIKE 'PO-26%'") == [(len(STORIES),) * 2]
    assert fresh.ask("SELECT count(*) FROM orders_order GROUP BY client_id HAVING count(*) > 1") == []
    fresh.run("verify")
