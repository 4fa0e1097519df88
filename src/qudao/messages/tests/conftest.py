"""Fixtures of this module's tests."""

from __future__ import annotations

import pytest

from qudao.people.tests import make


@pytest.fixture
def cast(db: None) -> make.Cast:
    """The standing cast."""
    return make.cast()
