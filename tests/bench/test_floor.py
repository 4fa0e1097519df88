"""The floor runs, keeps what it promises (it verifies itself), and does not run where commits may be lost."""

import json
import os

import psycopg
import pytest

from qudao.web.bench import floor


@pytest.fixture(scope="module")
def dsn() -> str:
    """A database to build the schema in: DATABASE_URL, else the one of the settings. Without one: skipped, but never in CI."""
    found = os.environ.get("DATABASE_URL") or from_settings()
    try:
        psycopg.connect(found, connect_timeout=5).close()
    except psycopg.OperationalError:
        if os.environ.get("CI"):
            raise
        pytest.skip("no database is running")
    return found


def from_settings() -> str:
    """The connection string of Django's default database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qudao.web.settings")
    from django.conf import settings

    database = settings.DATABASES["default"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return psycopg.conninfo.make_conninfo("", **{key: database[name] for key, name in names.items() if database.get(name)})


def server_setting(dsn: str, name: str) -> str:
    with psycopg.connect(dsn) as connection:
        return connection.execute(f"show {name}").fetchone()[0]


@pytest.fixture
def durable(dsn: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the server keeps its commits. A test server may not; then the check is lifted, and the result says so."""
    kept = server_setting(dsn, "fsync") == "on" and server_setting(dsn, "synchronous_commit") == "on"
    if not kept:
        monkeypatch.setattr(floor, "setting", lambda connection, name: False)
    return kept


@pytest.mark.parametrize(("job", "statements"), [("A", 7), ("B", 27), ("D", 1), ("E-ageing", 1), ("E-stock", 1)])
def test_each_job_runs_with_its_statements_and_verifies(dsn: str, durable: bool, job: str, statements: int) -> None:
    result = floor.run_floor(dsn, clients=2, seconds=0.5, job=job)
    assert (result.job, result.clients, result.statements, result.errors) == (job, 2, statements, 0)
    assert result.per_s > 0
    assert 0 < result.p50_ms <= result.p95_ms
    assert (result.fsync, result.synchronous_commit) == (durable, durable)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select to_regnamespace('bench_floor')").fetchone() == (None,)


def test_a_stock_row_that_disagrees_with_its_moves_is_found(dsn: str) -> None:
    with floor.connect(dsn) as connection:
        connection.execute("select pg_advisory_lock(hashtext('bench_floor'))")
        connection.execute(floor.sql.SCHEMA)
        floor.verify(connection, 0)
        connection.execute("update stock set reserved = 1 where product_id = 7")
        with pytest.raises(AssertionError, match="reserved and on hand = sum of moves: 1"):
            floor.verify(connection, 0)
        with pytest.raises(AssertionError, match="3 orders answered, 0 found"):
            floor.verify(connection, 3)
        connection.execute("drop schema bench_floor cascade")


def test_short_stock_is_refused_and_leaves_nothing(dsn: str) -> None:
    with floor.connect(dsn) as connection:
        connection.execute("select pg_advisory_lock(hashtext('bench_floor'))")
        connection.execute(floor.sql.SCHEMA)
        connection.execute("update stock set on_hand = 0")
        with pytest.raises(floor.Refused):
            floor.place(floor.Client(connection, floor.random.Random(1)))
        assert connection.execute("select count(*) from orders").fetchone() == (0,)
        connection.execute("drop schema bench_floor cascade")


def test_a_server_that_may_lose_commits_is_refused(dsn: str) -> None:
    with floor.connect(dsn) as connection:
        connection.execute("set synchronous_commit to off")
        with pytest.raises(AssertionError, match="synchronous_commit is off, must be on"):
            floor.setting(connection, "synchronous_commit")


def test_json_is_a_list_of_results(dsn: str, durable: bool, capsys: pytest.CaptureFixture[str]) -> None:
    assert floor.main(["--dsn", dsn, "--job", "A", "--clients", "1", "--seconds", "0.2", "--json"]) == 0
    printed = capsys.readouterr()
    assert [(row["job"], row["clients"]) for row in json.loads(printed.out)] == [("A", 1)]
    assert "floor: job A" in printed.err


def test_an_unknown_job_is_named() -> None:
    with pytest.raises(ValueError, match="no job Z"):
        floor.run_floor("", clients=1, seconds=0.1, job="Z")
