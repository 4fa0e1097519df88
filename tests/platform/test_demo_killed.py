"""A fresh database by the commands, and a demo whose loading is really killed: it goes on to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import connection

from qudao.web.demo.stories import STORIES

pytestmark = pytest.mark.django_db
PATIENCE = 240.0  # seconds for a machine that does a lot besides


class Fresh:
    """An empty database beside that of the tests, and the commands on it."""

    def __init__(self) -> None:
        where = connection.settings_dict
        self.name = f"test_qudao_{os.getpid()}_fresh"  # dropped by the next run if this one is killed
        self.place = {"host": where["HOST"], "port": where["PORT"], "user": where["USER"], "password": where["PASSWORD"]}
        url = "postgresql://{user}:{password}@{host}:{port}".format(**self.place)
        self.env = {**os.environ, "DATABASE_URL": f"{url}/{self.name}", "QUDAO_DEMO": "1"}

    def ask(self, query: str) -> list[tuple]:
        with psycopg.connect(dbname=self.name, autocommit=True, **self.place) as fresh:
            return fresh.execute(query).fetchall()

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "qudao.web.cli", *arguments], env=self.env, stdout=subprocess.DEVNULL, start_new_session=True)

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


@pytest.fixture(scope="module")
def fresh(django_db_setup) -> Iterator[Fresh]:
    one = Fresh()
    with psycopg.connect(dbname="postgres", autocommit=True, **one.place) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{one.name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{one.name}"')
        try:
            one.run("migrate")
            yield one
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{one.name}" WITH (FORCE)')


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
