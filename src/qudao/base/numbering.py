"""Numbers of documents. Counted per buyer where a dealer sees them, so that a number never betrays a rival's volume."""

from __future__ import annotations

from qudao.base.db import rows
from qudao.base.lock import Rank, note_rank


def take(key: str, pattern: str) -> str:
    """The next number of series `key`, formatted into `pattern` ("SO-D0017-{n:05d}"). Takes the last lock rank; one statement.

    A rolled-back transaction gives its number back, so a series has no gaps when the transaction that takes a number also uses it.
    """
    note_rank(Rank.SERIES)
    ((n,),) = rows("INSERT INTO base_series (key, next) VALUES (%s, 2) ON CONFLICT (key) DO UPDATE SET next = base_series.next + 1 RETURNING next - 1", (key,))
    return pattern.format(n=n)
