"""For every test: which database, what Hypothesis may cost, and that a skipped test is a failure where everything is there (CI)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

REQUIRE_ALL = bool(os.environ.get("CI") or os.environ.get("QUDAO_REQUIRE_ALL"))
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Machines here share their cores, so a deadline would only measure the neighbours. Nightly runs take the "long" profile.
hypothesis_settings.register_profile("usual", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.register_profile("long", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


def chromium() -> str | None:
    """The browser that drives the browser tests, or None."""
    return os.environ.get("QUDAO_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


#: files of minutes, which begin first so that no process works alone at the end
LONG = (
    "test_demo",
    "test_northwind",
    "test_pages_scale",
    "test_desk",
    "test_verify",
    "test_selftest",
    "tests/browser/test_pages",
    "tests/browser",
    "tests/matrix",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((n for n, name in enumerate(LONG) if name in item.nodeid), len(LONG)))
    if chromium() is None:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason="no Chromium is found (set QUDAO_CHROMIUM)"))


@pytest.fixture(scope="session")
def chromium_path() -> str:
    found = chromium()
    if found is None:
        pytest.skip("no Chromium is found (set QUDAO_CHROMIUM)")
    return found


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> Iterator[None]:
    """The tests' database is made as an installation's is: each process of a run makes one."""
    from qudao.web.commands.migrate import rendering_little

    with rendering_little():
        yield


def _drop_orphans(database: dict) -> None:
    """Drop the test databases of runs that were killed: each carries the process id of its run in its name."""
    import psycopg

    where = {"host": database["HOST"], "port": database["PORT"], "user": database["USER"], "password": database["PASSWORD"]}
    try:
        with psycopg.connect(dbname="postgres", autocommit=True, connect_timeout=5, **where) as connection:
            for (name,) in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'test_qudao_%'").fetchall():
                owner = re.match(r"test_qudao_(\d+)", name)
                if owner and not os.path.exists(f"/proc/{owner[1]}") and os.path.exists("/proc/self"):
                    connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
    except psycopg.Error:  # somebody else drops them at the same time
        return


def pytest_terminal_summary(terminalreporter, exitstatus, config) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if REQUIRE_ALL and skipped:
        terminalreporter.section("skipped tests are failures here")
        for report in skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            terminalreporter.line(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if not hasattr(session.config, "workerinput"):  # once, not in each process of a parallel run
        from django.conf import settings

        if settings.DATABASES["default"]["HOST"] == "127.0.0.1":
            _drop_orphans(settings.DATABASES["default"])
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if REQUIRE_ALL and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = 1
