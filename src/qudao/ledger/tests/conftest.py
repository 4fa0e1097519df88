"""Fixtures of this module's tests."""

from __future__ import annotations

import pytest

from qudao.people.tests.make import Cast
from qudao.people.tests.make import cast as make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The standing cast."""
    return make_cast()
