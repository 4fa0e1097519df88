"""Fixtures of this module's tests."""

from __future__ import annotations

import pytest

from qudao.agreements.actions import activate_agreement, draft_agreement
from qudao.agreements.models import Agreement
from qudao.agreements.rules import AgreementDraft
from qudao.base.access import system_actor
from qudao.inventory.tests import make
from qudao.kernel import clock
from qudao.people.tests.make import Cast
from qudao.people.tests.make import cast as make_cast


@pytest.fixture
def cast(db: None) -> Cast:
    """The standing cast."""
    return make_cast()


@pytest.fixture
def shelf(cast: Cast) -> make.Shelf:
    """Ten each of three products in the brand's MAIN place."""
    return make.make_shelf(cast.lh)


@pytest.fixture
def agreement(cast: Cast) -> Agreement:
    """LH sells to D001."""
    draft = AgreementDraft(cast.lh.pk, cast.d001.pk, "A-D001", clock.today())
    return activate_agreement(draft_agreement(draft, actor=system_actor()).pk, actor=system_actor())
