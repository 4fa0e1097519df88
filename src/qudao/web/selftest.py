"""Prove that each check can fail: plant its fault by SQL in a copy, see that it is found and named, and take the fault back.

The copy is a new database beside the present one with a small world made by the actions (the demo), because `CREATE DATABASE … TEMPLATE` needs
that nobody is connected, and nobody is sent away for a test. Each fault is planted in a transaction of its own that is rolled back, with triggers
and foreign keys off (`session_replication_role = replica`), so that what the constraints would refuse can be planted at all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qudao.web.progress import Progress

PREFIX = "qudao_selftest_"


@dataclass(frozen=True)
class Planted:
    """What came of one fault: `fault` says why it does not count as found, "" when it was; `also` names other checks that saw it."""

    name: str
    fault: str
    note: str = ""
    also: tuple[str, ...] = ()


def in_a_copy(names: Sequence[str], bar: Progress) -> list[dict[str, Any]]:
    """Make the copy, run the self-test in a process of its own there, drop the copy. Raises Unavailable when there can be no copy."""
    from qudao.web.cli import Unavailable

    bar.say("making a small world")
    with scratch() as url, tempfile.TemporaryDirectory(prefix="qudao-selftest-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "qudao.web.cli", "verify", "--self-test", "--inside", *names],
            env=scratch_environment(url, folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        found = []
        for line in process.stdout:
            one = json.loads(line)
            if "total" in one:
                bar.total = one["total"]
                continue
            found.append(one)
            bar.say(one["name"])
            bar.advance()
        _out, errors = process.communicate()
        if process.returncode:
            raise Unavailable(f"The self-test ended early: {errors.strip()[-2000:]}")
    return found


def scratch_environment(url: str, folder: str) -> dict[str, str]:
    """What a process sees that works in a scratch database: its files go into `folder`, no statement is given up."""
    clean = {name: value for name, value in os.environ.items() if name not in ("QUDAO_DATABASE_URL", "QUDAO_TEST", "QUDAO_CONFIG")}
    mine = {"DATABASE_URL": url, "QUDAO_STATE_DIR": folder, "QUDAO_STATEMENT_TIMEOUT": "0", "QUDAO_LOG_LEVEL": "ERROR"}
    return clean | mine | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def only_in_scratch() -> None:
    """Refuse to go on where somebody works: what follows breaks books on purpose. Raises Unavailable."""
    from django.db import connection

    from qudao.web.cli import Unavailable

    if not connection.settings_dict["NAME"].startswith(PREFIX):
        raise Unavailable("This is done only in a scratch database, never in one that is in use.")


@contextmanager
def scratch(template: str = "template0") -> Iterator[str]:
    """An empty database beside the present one, or a copy of another scratch database; yields its URL. Those of killed self-tests are dropped on the way."""
    import psycopg
    from django.db import connection

    from qudao.web.cli import Unavailable

    here = connection.settings_dict
    where = {"host": here["HOST"], "port": here["PORT"], "user": here["USER"], "password": here["PASSWORD"], "dbname": here["NAME"]}
    name = f"{PREFIX}{os.getpid()}" + ("_copy" if template.startswith(PREFIX) else "")
    with psycopg.connect(**where, autocommit=True) as admin:
        _drop_orphans(admin)
        try:
            admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        except psycopg.errors.InsufficientPrivilege as error:
            raise Unavailable("The self-test needs a database user who may create databases (ALTER ROLE … CREATEDB).") from error
        try:
            admin.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
            login = quote(here["USER"], safe="") + (":" + quote(here["PASSWORD"], safe="") if here["PASSWORD"] else "")
            yield f"postgresql://{login}@{here['HOST']}:{here['PORT']}/{name}"
        finally:
            admin.execute(f'DROP DATABASE IF EXISTS "{name}"')


def _drop_orphans(admin: Any) -> None:
    for (name,) in admin.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (PREFIX.replace("_", r"\_") + "%",)).fetchall():
        owner = re.fullmatch(PREFIX + r"(\d+)(_copy)?", name)
        if owner and os.path.exists("/proc/self") and not os.path.exists(f"/proc/{owner[1]}"):
            try:
                admin.execute(f'DROP DATABASE IF EXISTS "{name}"')
            except Exception:  # noqa: BLE001, S112 - somebody is looking into it: leave it there
                continue


def plant_all(names: Sequence[str] = ()) -> Iterator[Planted]:
    """Plant the fault of each chosen check in the present database and take it back. Only for a copy: it locks tables against everybody."""
    from qudao.base.invariants import all_checks
    from qudao.web.verify import chosen

    everything = all_checks()
    before = _broken(everything)
    for check in chosen(names):
        if not check.plant.strip():
            yield Planted(check.name, "it has no plant")
        elif check.name in before:
            yield Planted(check.name, f"it is broken before anything is planted: {before[check.name]}")
        else:
            yield _plant(check, everything)
    after = _broken(everything)
    for name in sorted(after.keys() - before.keys()):
        yield Planted(name, f"it is still broken after everything was taken back: {after[name]}")


def _plant(check: Any, everything: Sequence[Any]) -> Planted:
    from django.db import Error, transaction

    from qudao.base.db import run

    try:
        with transaction.atomic():
            _lift_guards()
            run(check.plant)
            found = _broken(everything)
            transaction.set_rollback(True)
    except Error as error:
        return Planted(check.name, f"it cannot be planted: {str(error).strip().splitlines()[0]}")
    note = found.pop(check.name, None)
    if note is None:
        return Planted(check.name, "it was planted and not found")
    return Planted(check.name, "" if note.strip() else "it was found, but no row is named", note, tuple(sorted(found)))


def _lift_guards() -> None:
    """Triggers and foreign keys off until the end of the transaction. Who is no superuser takes them away instead: the rollback brings them back."""
    from django.db import InternalError, NotSupportedError, ProgrammingError, transaction

    from qudao.base.db import rows, run

    try:
        with transaction.atomic():
            run("SET LOCAL session_replication_role = replica")
    except (ProgrammingError, InternalError, NotSupportedError):
        for table, name in rows("SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"):
            run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for (table,) in rows("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"):
            run(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def _broken(checks: Sequence[Any]) -> dict[str, str]:
    """The checks that do not hold, each with its first offending row in words."""
    from qudao.base.invariants import offending

    found = {}
    for check in checks:
        count, offenders = offending(check, 1)
        if count:
            found[check.name] = f"{offenders[0][0]}: {offenders[0][1] or ''}" if offenders[0][1] else ""
    return found


def inside(names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What the process in the copy does: migrate, make the world, plant. First how many faults there are, then what came of each."""
    from qudao.web import demo, verify
    from qudao.web.commands import migrate

    only_in_scratch()
    migrate.apply()
    demo.load()
    yield {"total": len(verify.chosen(names))}
    for one in plant_all(names):
        yield asdict(one)
