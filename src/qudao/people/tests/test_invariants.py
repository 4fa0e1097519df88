"""Each invariant holds for the cast and finds its planted fault."""

import pytest
from django.db import connection

from qudao.base.invariants import offending
from qudao.people.invariants import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_invariant_finds_its_planted_fault(cast, check):
    assert offending(check)[0] == 0
    with connection.cursor() as cursor:
        cursor.execute(check.plant)
    assert offending(check)[0] > 0
