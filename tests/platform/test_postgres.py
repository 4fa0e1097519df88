"""The embedded server: first start, attach, kill -9, a taken port, two starters, half-made clusters. Rows survive all of it."""

import os
import shutil
import signal
import socket
import threading
import uuid
from pathlib import Path

import psycopg
import pytest

from qudao.web import postgres

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / f"state-{uuid.uuid4().hex[:6]}" / "pg"
    yield folder
    postgres.stop(folder)
    place = postgres.place(folder)
    shutil.rmtree(place.parent if place != folder.resolve() else place, ignore_errors=True)


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def test_it_keeps_rows_through_attach_stop_kill_and_a_taken_port(home):
    url = postgres.ensure(home)
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    assert postgres.ensure(home) == url, "a second call attaches"
    assert postgres.remembered(home) == url

    pid = postgres.running(home)
    os.kill(pid, signal.SIGKILL)
    assert postgres.ensure(home) == url, "after kill -9 it comes back at the same address"
    assert postgres.running(home) != pid
    assert count(url) == 1

    assert postgres.stop(home) is True
    assert postgres.stop(home) is False
    assert postgres.running(home) is None
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(url.rsplit(":", 1)[1].split("/")[0])))
        other.listen()
        moved = postgres.ensure(home)
    assert moved != url, "another program took the port"
    assert count(moved) == 1


def test_two_starters_get_one_server_and_a_dead_ones_pid_file_blocks_nobody(home):
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(postgres.ensure(home, durable=False))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    postgres.stop(home)
    data = postgres.place(home) / "data"
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n0\n1\n\n127.0.0.1\n0 0\nready\n")
    assert postgres.running(home) is None, "the number belongs to another program now"
    assert postgres.ensure(home, durable=False)


def test_a_cluster_whose_making_was_killed_is_made_again(home):
    place = postgres.place(home)
    (place / "data.new" / "base").mkdir(parents=True)
    (place / "data.new" / "PG_VERSION").write_text("18\n")
    with psycopg.connect(postgres.ensure(home, durable=False)) as connection:
        assert connection.execute("SELECT current_database(), current_setting('server_encoding')").fetchone() == ("qudao", "UTF8")
    assert not (place / "data.new").exists()


def test_data_of_another_version_is_refused_in_one_sentence(home):
    place = postgres.place(home)
    (place / "data").mkdir(parents=True)
    (place / "data" / "PG_VERSION").write_text("11\n")
    with pytest.raises(postgres.PostgresError, match="is PostgreSQL 11, but only"):
        postgres.ensure(home)


def test_the_password_file_is_only_for_its_owner(home):
    postgres.ensure(home, durable=False)
    assert (postgres.place(home) / "pg.json").stat().st_mode & 0o077 == 0
    assert not list(postgres.place(home).glob("password*"))


def test_root_and_others_get_different_places(monkeypatch, tmp_path):
    monkeypatch.setattr(postgres, "_is_root", lambda: True)
    monkeypatch.setenv("QUDAO_PG_BASE", "/var/lib")
    clone_a, clone_b = postgres.place(tmp_path / "a" / "pg"), postgres.place(tmp_path / "b" / "pg")
    assert clone_a != clone_b
    assert clone_a.parent.parent == Path("/var/lib")
    monkeypatch.setattr(postgres, "_is_root", lambda: False)
    assert postgres.place(tmp_path / "a" / "pg") == (tmp_path / "a" / "pg").resolve()
