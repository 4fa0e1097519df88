"""Lists, documents, home, search and pulse at size: the same statements for a small past and for a ten times larger one.

By default in a very small world, without judging times (a timed test is a noisy one); `QUDAO_SLOW=1` builds 1 % and 10 % of a million orders and holds
the growth. All of it, with the budget of 100 ms: `qudao bench pages --scale 100`.
"""

from __future__ import annotations

import os

import pytest

from qudao.web.bench.pages import judged, world

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
SLOW = os.environ.get("QUDAO_SLOW") == "1"
SCALE, ROUNDS = (100.0, 20) if SLOW else (2.0, 1)


def test_no_page_asks_more_often_or_much_longer_when_the_past_is_ten_times_as_long():
    found = judged([world(SCALE * share, ROUNDS) for share in (0.01, 0.1)])
    assert found["worlds"][1]["orders"] == 10 * found["worlds"][0]["orders"]
    assert len(found["pages"]) > 80
    failing = [row["page"] for row in found["pages"] if "FAILS" in row["page"]]
    more = [
        (row["page"], row["person"], row["sizes"]) for row in found["pages"] if len(row["sizes"]) > 1 and row["sizes"][1]["sql"] > row["sizes"][0]["sql"] + 2
    ]
    grows = [(row["page"], row["person"], row["sizes"]) for row in found["pages"] if SLOW and row["grows"]]
    assert (failing, more, grows) == ([], [], [])
