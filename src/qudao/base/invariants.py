"""What must hold, as set-wise SQL that returns the rows that break it (`qudao verify`)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from qudao.base.access import modules
from qudao.base.db import rows


@dataclass(frozen=True)
class Check:
    """`name` is "<module>.<what holds>"; `sql` selects (id, note) of each offending row; `plant` is SQL that breaks it in a copy (self-test).

    `plant` may hold several statements; it runs with triggers off (`session_replication_role = replica`).
    """

    name: str
    sql: str
    plant: str = ""


def all_checks() -> list[Check]:
    """The checks of every module, lowest storey first (each module's `invariants.CHECKS`)."""
    found: list[Check] = list(CHECKS)
    for module in modules():
        if module == "base":
            continue
        try:
            found += import_module(f"qudao.{module}.invariants").CHECKS
        except ModuleNotFoundError as missing:
            if missing.name != f"qudao.{module}.invariants":
                raise
    return found


def offending(check: Check, limit: int = 20) -> tuple[int, list[tuple]]:
    """(how many rows break it, the first `limit` of them as (id, note))."""
    found = rows(f"SELECT count(*) OVER (), q.* FROM ({check.sql}) q LIMIT {int(limit)}")
    return (found[0][0] if found else 0), [tuple(r[1:]) for r in found]


CHECKS = [
    Check(
        "base.each_event_delivered_once",
        """SELECT e.id, e.name || ' is marked as dispatched but a handler never finished' AS note
           FROM base_event e JOIN base_delivery d ON d.event_id = e.id
           WHERE e.dispatched_at IS NOT NULL AND d.done_at IS NULL AND NOT d.parked
           UNION ALL
           SELECT d.event_id, d.handler || ' ran ' || count(*) || ' times' FROM base_delivery d
           WHERE d.done_at IS NOT NULL GROUP BY d.event_id, d.handler HAVING count(*) > 1""",
        """INSERT INTO base_event (at, month, name, version, payload, subject_kind, subject_id, number, dispatched_at)
           VALUES (now(), '2026-01-01', 'planted.Event', 1, '{}', 'planted', 0, '', now());
           INSERT INTO base_delivery (event_id, handler, attempts, error, parked) SELECT max(id), 'planted', 1, '', false FROM base_event""",
    ),
]
