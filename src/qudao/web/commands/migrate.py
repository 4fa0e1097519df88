"""Bring the database to the newest schema; safe to call at every start, by several at once."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NEEDS = ""  # sets up Django itself, without the limit on a statement's time
LOCK = 0x71756461  # "quda": one migrates, the others wait


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 when a migration is missing")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    os.environ["QUDAO_STATEMENT_TIMEOUT"] = "0"
    from qudao.web import cli, config

    config.current.cache_clear()
    config.current()
    cli.set_up()
    missing = apply(check_only=args.check)
    if args.json:
        print(json.dumps({"missing" if args.check else "applied": missing}))
    elif args.check:
        print(f"{len(missing)} migrations are missing." if missing else "The database is up to date.")
    else:
        print(f"{len(missing)} migrations applied." if missing else "The database is up to date.")
    return 1 if args.check and missing else 0


def apply(check_only: bool = False) -> list[str]:
    """Apply what is missing, one process at a time; return the names."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from qudao.web import masters

    def names() -> list[str]:
        executor = MigrationExecutor(connection)
        return [f"{one.app_label}.{one.name}" for one, _back in executor.migration_plan(executor.loader.graph.leaf_nodes())]

    if check_only:
        return names()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        missing = names()
        if missing:
            with rendering_little():
                call_command("migrate", interactive=False, verbosity=0)
            masters.roles()  # a new release brings new rights: the roles of the product are given theirs
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])  # after a fault the closing connection lets go of it
    return missing


@contextmanager
def rendering_little() -> Iterator[None]:
    """Let Django not make anew the classes of all related models for each new table, field, index and constraint: that was most of a fresh set-up's time.

    A table needs its own class only, and an index or a constraint says itself what it needs. Whatever looks at the state as a whole
    (`RunPython`) still gets all of it made anew, for the state is marked as delayed. The schema is the same; a test of QUDAO_SLOW=1 compares them.
    """
    from django.db.migrations.state import ProjectState

    patched: Any = ProjectState
    usual = patched.add_model, patched.reload_model, patched._append_option

    def add_model(self: Any, model_state: Any) -> None:
        key = model_state.app_label, model_state.name_lower
        self.models[key] = model_state
        if self._relations is not None:
            self.resolve_model_relations(key)
        render(self, key)

    def reload_model(self: Any, app_label: str, model_name: str, delay: bool = False) -> None:
        render(self, (app_label, model_name))

    def render(self: Any, key: tuple[str, str]) -> None:
        if "apps" in self.__dict__:
            self.is_delayed = True
            self.apps.unregister_model(*key)
            self.apps.render_multiple([self.models[key]])

    def append_option(self: Any, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
        options = self.models[app_label, model_name].options
        options[option_name] = [*options[option_name], obj]
        self.is_delayed = True

    patched.add_model, patched.reload_model, patched._append_option = add_model, reload_model, append_option
    try:
        yield
    finally:
        patched.add_model, patched.reload_model, patched._append_option = usual
