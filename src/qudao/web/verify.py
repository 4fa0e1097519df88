"""Run what the modules say must hold (`invariants.CHECKS`), set-wise, and tell by module what was looked at and which rows break it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.apps import apps

from qudao.base.access import modules
from qudao.base.db import rows, run
from qudao.base.invariants import Check, all_checks, offending
from qudao.web.progress import Progress

#: Sorting and hashing a million moves stays in memory with this; the command gives it back at its end.
MEMORY = "128MB"


@dataclass(frozen=True)
class Result:
    """One check: how many rows break it, the first of them as (id, note), and its seconds."""

    name: str
    count: int
    rows: list[tuple]
    seconds: float

    @property
    def module(self) -> str:
        return self.name.partition(".")[0]


@dataclass
class ModuleResult:
    """The checks of one module; `rows` are all rows of its tables."""

    module: str
    rows: int
    checks: list[Result] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(check.seconds for check in self.checks)

    @property
    def broken(self) -> list[Result]:
        return [check for check in self.checks if check.count]


def chosen(names: Sequence[str] = ()) -> list[Check]:
    """The checks whose name begins with one of `names`; all without any."""
    return [check for check in all_checks() if not names or check.name.startswith(tuple(names))]


def verify(checks: Iterable[Check], bar: Progress, limit: int = 20) -> list[ModuleResult]:
    """Run the checks and gather them by module, lowest first. Each check is one statement, so it sees one moment of a living system."""
    found: dict[str, ModuleResult] = {}
    with _room():
        for check in checks:
            bar.say(check.name)
            start = time.monotonic()
            count, offenders = offending(check, limit)
            result = Result(check.name, count, offenders, round(time.monotonic() - start, 3))
            if result.module not in found:
                found[result.module] = ModuleResult(result.module, rows_of(result.module))
            found[result.module].checks.append(result)
            bar.advance()
    order = {module: place for place, module in enumerate(modules())}
    return sorted(found.values(), key=lambda one: order.get(one.module, len(order)))


def rows_of(module: str) -> int:
    """How many rows the tables of a module hold together. One statement."""
    tables = [model._meta.db_table for model in apps.get_models() if model.__module__.startswith(f"qudao.{module}.")]
    if not tables:
        return 0
    ((count,),) = rows("SELECT sum(n) FROM (" + " UNION ALL ".join(f"SELECT count(*) AS n FROM {table}" for table in tables) + ") t")
    return int(count)


@contextmanager
def _room() -> Iterator[None]:
    """More memory and no limit of time for this session while the checks run."""
    run("SELECT set_config('work_mem', %s, false), set_config('statement_timeout', '0', false)", (MEMORY,))
    try:
        yield
    finally:
        run("RESET work_mem")
        run("RESET statement_timeout")
