"""Each check finds the fault it plants."""

import pytest

from qudao.base.db import run
from qudao.base.invariants import offending
from qudao.baskets.invariants import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_invariant_finds_its_planted_fault(world, check):
    assert offending(check)[0] == 0
    run(check.plant)
    assert offending(check)[0] > 0
