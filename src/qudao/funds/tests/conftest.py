"""Fixtures of this module's tests."""

from __future__ import annotations

import pytest

from qudao.agreements.models import Agreement
from qudao.funds.models import Account
from qudao.funds.tests import make
from qudao.people.tests.make import Cast
from qudao.people.tests.make import cast as make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The standing cast."""
    return make_cast()


@pytest.fixture
def agreement(cast: Cast) -> Agreement:
    """LH sells to D001."""
    return make.make_agreement(cast.lh, cast.d001)


@pytest.fixture
def account(agreement: Agreement) -> Account:
    """Its credit account with a limit of 1,000.00."""
    return make.make_account(agreement)
