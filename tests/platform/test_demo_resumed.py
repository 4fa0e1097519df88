"""A loading of the demo that was cut off in the middle of a day goes on with that day."""

from __future__ import annotations

import pytest

from qudao.base.db import rows
from qudao.base.invariants import all_checks, offending
from qudao.web import demo
from qudao.web.demo import history
from qudao.web.demo.stories import STORIES
from qudao.web.progress import Progress

pytestmark = pytest.mark.django_db


class Cut(Exception):
    pass


def cut_after(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loading die in the evening after so many days, before the day is kept."""
    evening, seen = history.evening, 0

    def late(day):
        nonlocal seen
        seen += 1
        if seen > days:
            raise Cut
        evening(day)

    monkeypatch.setattr(history, "evening", late)


def test_a_loading_that_was_cut_off_goes_on(monkeypatch):
    with monkeypatch.context() as patched:
        cut_after(60, patched)
        with pytest.raises(Cut):
            demo.load()
    known = demo.status()
    assert (known.stage, known.complete) == (1, False)
    assert 0 < rows("SELECT count(*) FROM orders_order")[0][0] < len(STORIES)
    demo.start(Progress("demo"), "small")
    with monkeypatch.context() as patched:
        cut_after(10, patched)
        with pytest.raises(Cut):
            demo.finish(Progress("demo"))
    assert not demo.status().complete
    demo.finish(Progress("demo"))
    assert demo.status().complete
    assert rows("SELECT count(*), count(DISTINCT po_number) FROM orders_order WHERE po_number LIKE 'PO-26%%'") == [(len(STORIES),) * 2]
    for check in all_checks():
        assert offending(check) == (0, []), check.name
