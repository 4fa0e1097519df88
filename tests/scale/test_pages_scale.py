"""Lists, documents, home, search and pulse at size: a ten times longer past asks no statement more and hardly a block more.

By default in a very small world, judged by statements and by blocks of the database that were looked at, which are the same in every run; times are
not judged (a timed test is a noisy one). `QUDAO_SLOW=1` builds 1 % and 10 % of a million orders and holds the growth of CPU time as well. All of it,
with the budget of 100 ms: `qudao bench pages --scale 100`.
"""

from __future__ import annotations

import os

import pytest

from qudao.web.bench.pages import GROWTH, judged, worlds

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
SLOW = os.environ.get("QUDAO_SLOW") == "1"
SCALE, ROUNDS = (100.0, 20) if SLOW else (2.0, 1)


def test_no_page_asks_more_often_or_reads_much_more_when_the_past_is_ten_times_as_long():
    found = judged(worlds([SCALE * share for share in (0.01, 0.1)], ROUNDS))
    assert found["worlds"][1]["orders"] == 10 * found["worlds"][0]["orders"]
    assert len(found["pages"]) > 80
    pages = {(row["page"], row["person"]): row for row in found["pages"]}
    failing = [page for page in pages if "FAILS" in page[0]]
    more = {page: row["sizes"] for page, row in pages.items() if len(row["sizes"]) > 1 and row["sizes"][1]["sql"] > row["sizes"][0]["sql"] + 2}
    reads = {page: row["sizes"] for page, row in pages.items() if row["read_growth"] > GROWTH}
    grows = {page: row["sizes"] for page, row in pages.items() if SLOW and row["grows"]}
    assert (failing, more, reads, grows) == ([], {}, {}, {})
