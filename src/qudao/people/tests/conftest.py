"""Fixtures of this module's tests; other modules import `cast` from `qudao.people.tests.make` and wrap it alike."""

from __future__ import annotations

import pytest

from qudao.people.tests import make


@pytest.fixture
def cast(db: None) -> make.Cast:
    """The standing cast."""
    return make.cast()
