"""The trade as a fixture."""

from __future__ import annotations

import pytest

from qudao.orders.tests import make


@pytest.fixture
def world(db: None) -> make.World:
    """HQ sells three products to D001: 100 pieces each, 100.00 a piece, invoice on receipt."""
    return make.make_world()
