"""The access matrix: one world for all of it, built once through public actions and rolled back at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction

sys.path.append(str(Path(__file__).parent))  # last, so that nothing here can hide a module of the standard library

from matrix_visit import Visitor
from matrix_world import World, build


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: object) -> Iterator[World]:
    """Three trades through their whole life. Every visit runs in a savepoint of this one transaction and leaves nothing behind."""
    with django_db_blocker.unblock(), transaction.atomic():  # type: ignore[attr-defined]
        # pytest-django makes a test database only for tests that carry its mark: without it this would be somebody's real one
        assert connection.settings_dict["NAME"] == connection.settings_dict["TEST"]["NAME"], "mark the tests of this file with django_db"
        yield build()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def visitor(world: World) -> Visitor:
    return Visitor(world)
