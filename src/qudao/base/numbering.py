"""Numbers of documents. Counted per buyer where a dealer sees them, so that a number never betrays a rival's volume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from qudao.base.db import rows
from qudao.base.lock import Rank, note_rank


def take(key: str, pattern: str) -> str:
    """The next number of series `key`, formatted into `pattern` ("SO-D0017-{n:05d}"). Takes the last lock rank; one statement.

    A rolled-back transaction gives its number back, so a series has no gaps when the transaction that takes a number also uses it.
    """
    note_rank(Rank.SERIES)
    ((n,),) = rows("INSERT INTO base_series (key, next) VALUES (%s, 2) ON CONFLICT (key) DO UPDATE SET next = base_series.next + 1 RETURNING next - 1", (key,))
    return pattern.format(n=n)


def take_all(keys: Sequence[str]) -> list[int]:
    """The next number of each series, in the order asked for; a series named twice gives two. One statement, locked in key order; the last rank."""
    note_rank(Rank.SERIES)
    counts = sorted(Counter(keys).items())
    found = rows(
        """INSERT INTO base_series (key, next) SELECT d.key, d.n + 1 FROM unnest(%s::text[], %s::bigint[]) d(key, n)
           ON CONFLICT (key) DO UPDATE SET next = base_series.next + excluded.next - 1 RETURNING key, next""",
        ([key for key, _n in counts], [n for _key, n in counts]),
    )
    first = {key: following - dict(counts)[key] for key, following in found}
    taken = []
    for key in keys:
        taken.append(first[key])
        first[key] += 1
    return taken
