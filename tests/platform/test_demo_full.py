"""The demo in its full size, with its figures: minutes, so the conftest takes it in by QUDAO_SLOW=1 only; `test_demo.py` plays the small size."""

from __future__ import annotations

import time

import pytest

from qudao.base.db import rows
from qudao.base.invariants import all_checks, offending
from qudao.web import demo
from qudao.web.progress import Progress

pytestmark = pytest.mark.django_db


def test_a_year_of_the_whole_network(capsys):
    began = time.monotonic()
    demo.start(Progress("demo"), "full")
    usable = time.monotonic() - began
    ((first,),) = rows("SELECT count(*) FROM orders_order")
    demo.finish(Progress("demo"))
    whole = time.monotonic() - began
    states = dict(rows("SELECT status, count(*) FROM orders_order GROUP BY 1 ORDER BY 2 DESC"))
    with capsys.disabled():
        print(f"\ndemo: {first} orders in {usable:.0f} s, {sum(states.values())} in {whole:.0f} s: {states}")
    assert first >= 1000
    assert sum(states.values()) - states["rejected"] >= 8000
    assert states.keys() >= {"draft", "in_review", "confirmed", "in_fulfilment", "delivered", "closed", "closed_short", "rejected", "cancelled"}
    assert rows("SELECT count(*) FROM catalog_product WHERE picture = ''") == [(0,)]
    for check in all_checks():
        assert offending(check) == (0, []), check.name
