"""Fixtures of this module's tests."""

from __future__ import annotations

import pytest

from qudao.orders.tests.make import World, make_world


@pytest.fixture
def world(db) -> World:
    """HQ sells three products to D001."""
    return make_world()
