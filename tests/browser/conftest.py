"""Browser tests: a real Chromium against a live server, one world for each file, and nothing may go wrong unseen on a page."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.core.servers.basehttp import WSGIRequestHandler
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from qudao.web import pulse

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(Path(__file__).parent))  # last, so that nothing here can hide a module of the standard library

from browser_visit import AXE, FLAGS, Crowd, Visit  # noqa: E402
from browser_world import World, build  # noqa: E402

Enter = Callable[..., Visit]


@pytest.fixture(scope="module")
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """In place of pytest-django's: rows are committed for a whole file and the tables emptied once after it, because emptying costs seconds."""
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setattr(pulse, "WATCH", pulse.Watch())  # emptied tables count from 1 again, what a server never sees
        patch.setitem(connection.settings_dict, "CONN_MAX_AGE", 600)  # a server keeps its connections, as the product's pool does: 18 ms a request
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps a loop in this thread; nothing here runs in it
        # pytest-django makes a test database only when a test asks for it: without it this would be somebody's real one
        assert connection.settings_dict["NAME"] == connection.settings_dict["TEST"]["NAME"]
        yield
        call_command("flush", verbosity=0, interactive=False, allow_cascade=False, inhibit_post_migrate=False)
        connection.close()


@pytest.fixture(scope="module")
def live_server(transactional_db: None, assets: None) -> Iterator[LiveServer]:
    """In place of pytest-django's, which lives for the whole run and empties the tables after each test."""
    with pytest.MonkeyPatch.context() as patch:
        # Heads and body are two writes of this server: without it the second waits for the browser's late acknowledgement, 40 ms with every answer.
        patch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)
        server = LiveServer("localhost")
        yield server
        server.stop()


@pytest.fixture(scope="session")
def assets() -> None:
    """The browser's files, axe and the message catalogues, built as `make test` builds them when they are missing or old."""
    sys.path.append(str(ROOT / "tools"))
    from boot import assets as building
    from boot.common import Times

    building.ensure(Times(), dev=True)
    building.catalogues(Times())
    assert AXE.exists(), "axe-core is missing: run 'make setup' with --dev"
    if not finders.find("app.js"):
        pytest.fail("The browser's files were missing when the tests began and are built now: run the tests again.")


@pytest.fixture(scope="module")
def world(live_server: LiveServer) -> World:
    """Two organisations, their people and goods."""
    return build()


@pytest.fixture(scope="module")
def chromium(chromium_path: str, live_server: LiveServer) -> Iterator[Any]:
    """One browser for a file; closed before the server stops, so that no connection stays open."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS, env={**os.environ, "LANG": "C.UTF-8"})
        yield browser
        browser.close()
        connection.close()  # while Playwright's loop runs this thread has a connection of its own


@pytest.fixture
def crowd(chromium: Any, live_server: LiveServer) -> Iterator[Crowd]:
    """Windows of this test, closed after it; a script error, a violated content policy or an error answer on any of them fails the test."""
    people = Crowd(chromium, live_server.url)
    yield people
    faults = people.faults()
    people.leave()
    assert not faults, "\n".join(faults)


@pytest.fixture
def enter(crowd: Crowd, world: World) -> Enter:
    """`enter("buyer", phone=True, language="zh-hans")`: a window of somebody signed in."""

    def one(key: str, *, phone: bool = False, language: str = "en") -> Visit:
        return crowd.open(world.cookies(key, language, crowd.url), phone=phone, language=language)

    return one


@pytest.fixture
def axes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed sign-ins are counted, and three lock; switched off in other tests."""
    monkeypatch.setattr(settings, "AXES_ENABLED", True)
    monkeypatch.setattr(settings, "AXES_FAILURE_LIMIT", 3)
