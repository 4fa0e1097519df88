"""A loading of the demo that was cut off in the middle goes on where it stopped."""

from __future__ import annotations

import pytest

from qudao.base.db import rows
from qudao.base.invariants import all_checks, offending
from qudao.web import demo
from qudao.web.demo import stories
from qudao.web.demo.stories import STORIES
from qudao.web.progress import Progress

pytestmark = pytest.mark.django_db


def test_a_loading_that_was_cut_off_goes_on(monkeypatch):
    steps = 0

    class Cut(Exception):
        pass

    def advance(self, count=1):
        nonlocal steps
        steps += 1
        if steps == 70:
            raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "advance", advance)
        with pytest.raises(Cut):
            demo.load()
    assert not stories.complete()
    demo.load()
    assert stories.complete()
    assert rows("SELECT count(*) FROM orders_order") == [(len(STORIES),)]
    for check in all_checks():
        assert offending(check) == (0, []), check.name
