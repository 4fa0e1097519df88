"""Stock rows under lock, and rows as the arrays that unnest takes."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.db import rows
from qudao.base.subject import Subject
from qudao.inventory.queries import EXPIRED
from qudao.inventory.rules import Held, Key
from qudao.kernel import clock

LOCK = f"""SELECT s.place_id, s.product_id, s.id, s.on_hand, s.reserved, s.awaited, s.tracked, {EXPIRED}, s.held <> '' FROM inventory_stock s
    JOIN unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id) USING (place_id, product_id)
    ORDER BY s.place_id, s.product_id FOR UPDATE OF s"""


def lock(keys: list[Key]) -> dict[Key, Held]:
    """Lock the stock rows that exist, in key order."""
    found = rows(LOCK, (clock.today(), [k[0] for k in keys], [k[1] for k in keys]))
    return {(r[0], r[1]): Held(*r[2:]) for r in found}


def columns(lines: Sequence[tuple]) -> list[list]:
    """Rows as the arrays that unnest takes."""
    return [list(column) for column in zip(*lines, strict=True)]


def named(subject: Subject) -> tuple[str, int, str]:
    return subject.kind, subject.id, subject.number
