"""What needs the installed packages: the database, its schema, demo data, and the collected static files.

Each step has a stamp, so that a warm start asks the database one question and does not even import Django. The steps that are due run in child processes
(`bootstrap.py steps …`), because the supervisor that stays should be small.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from boot.common import BUILD, ROOT, Failure, Stamp, Times, digest, package, settings, state_dir

SOURCE = ROOT / "src" / "qudao"


def database(times: Times, *, durable: bool = True) -> str:
    """The URL of the database; the embedded server is started unless a URL is set."""
    chosen = settings()
    if chosen.database_url:
        return str(chosen.database_url)
    postgres = package("postgres")
    with times.part("PostgreSQL"):
        try:
            return str(postgres.ensure(chosen.postgres_home, durable=durable))
        except postgres.PostgresError as error:
            raise Failure(str(error)) from None


def prepare(times: Times, url: str, *, demo: bool, ready: Callable[[], None] = lambda: None) -> list[dict[str, str]]:
    """Bring schema, static files and demo data up to date; return the demo's sign-ins.

    `ready` is called once, when schema and static files are there: what it starts comes up while the demo is being loaded.
    """
    due = []
    identity, state = _facts(url)
    if identity is None or not _schema_stamp().fresh(_schema_mark(identity, state)):
        due.append("migrate")
    if not _static_stamp().fresh(_static_mark()) or not (BUILD / "staticfiles" / "staticfiles.json").exists():
        due.append("static")
    if demo and (identity is None or _demo_known(identity) is None):
        due.append("demo")
    if not due:
        ready()
    else:
        _children(due, times, ready)
        identity, state = _facts(url)
        _schema_stamp().write(_schema_mark(identity, state))
        _static_stamp().write(_static_mark())
        if "demo" in due and identity:
            rows = json.loads((BUILD / "sign-ins.json").read_text())
            Stamp(state_dir() / "demo.json").write(json.dumps({"mark": _demo_mark(identity), "sign_ins": rows}))
    return (_demo_known(identity or "") or []) if demo else []


def _facts(url: str) -> tuple[str | None, str]:
    """Who this database is (when its first migration ran) and what state its schema is in; (None, "") when it is empty."""
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            version = connection.info.server_version
            if version < 160000:
                raise Failure(f"The database is PostgreSQL {version // 10000}, but Qudao needs 16 or newer.")
            if connection.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,):
                return None, ""
            row = connection.execute("SELECT min(applied), max(applied), max(id), count(*) FROM django_migrations").fetchone()
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise Failure(f"The database of DATABASE_URL cannot be reached: {reason}") from None
    return (str(row[0]), repr(row)) if row and row[0] else (None, "")


def _schema_stamp() -> Stamp:
    return Stamp(state_dir() / "stamps" / "schema")


def _schema_mark(identity: str | None, state: str) -> str:
    files = list(SOURCE.glob("*/migrations/*.py"))
    return digest(identity, state, files=[*files, ROOT / "requirements.lock"])


def _static_stamp() -> Stamp:
    return Stamp(BUILD / "stamps" / "static")


def _static_mark() -> str:
    own = [path for path in SOURCE.glob("*/static/**/*") if path.is_file()]
    built = [path for path in (BUILD / "static").rglob("*") if path.is_file()]
    return digest(files=[*own, *built, ROOT / "requirements.lock"])


def _demo_mark(identity: str) -> str:
    files = [*SOURCE.glob("web/demo.py"), *SOURCE.glob("web/demo/**/*.py")]
    return digest(identity, files=files)


def _demo_known(identity: str) -> list[dict[str, str]] | None:
    """The sign-ins of the demo data in this database, None when they are not there or older than their source."""
    try:
        known = json.loads((state_dir() / "demo.json").read_text())
    except (OSError, ValueError):
        return None
    return known["sign_ins"] if known.get("mark") == _demo_mark(identity) else None


def _children(due: list[str], times: Times, ready: Callable[[], None]) -> None:
    """Do what is due: the static files in a process of their own beside the others, for they need no database."""
    apart, rest = [name for name in due if name == "static"], [name for name in due if name != "static"]
    report: dict[str, float] = {}
    beside, main = (_child(names) if names else None for names in (apart, rest))
    try:
        if "migrate" not in due:
            _follow(beside, report)
            ready()
        for name in _heard(main, times.parts):
            if name == "migrations":
                _follow(beside, report)
                ready()
    finally:
        for child in (beside, main):
            if child is not None:
                child.kill()  # nothing where it has ended
                child.wait()
    times.parts |= {f"({name}, side by side)": seconds for name, seconds in report.items() if name == "static files"}


def _child(names: list[str]) -> subprocess.Popen[str]:
    """A process that does these steps; it goes when this one does, so that a next start never finds a former one still loading."""
    env = {**os.environ, "QUDAO_PARENT": str(os.getpid())}
    return subprocess.Popen([sys.executable, str(ROOT / "bootstrap.py"), "steps", *names], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env)


def _heard(child: subprocess.Popen[str] | None, report: dict[str, float]) -> Iterator[str]:
    """The names of the parts that a child has done, each with its seconds in `report`; what else it says is printed."""
    if child is None:
        return
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            if line.startswith("took "):
                told = json.loads(line[5:])
                report |= told
                yield from told
            else:
                sys.stdout.write(line)
    code = child.wait()
    if code:
        raise SystemExit(code if code > 0 else 1)  # the child has said why


def _follow(child: subprocess.Popen[str] | None, report: dict[str, float]) -> None:
    for _name in _heard(child, report):
        pass


def steps(names: list[str]) -> int:
    """In the child: do the named steps and report the seconds of each when it is done."""
    package("process").die_with_parent()
    times = Times()
    times.parts.clear()
    try:
        _steps(names, times)
    except Exception as error:
        log = BUILD / "bootstrap.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc())
        last = list(times.parts)[-1] if times.parts else "the start"
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Failure(f"The set-up failed at {last}: {reason} (all of it in {log}).") from None
    return 0


@contextlib.contextmanager
def _part(times: Times, name: str) -> Iterator[None]:
    with times.part(name):
        yield
    print("took", json.dumps({name: times.parts[name]}), flush=True)


def _steps(names: list[str], times: Times) -> None:
    os.environ["QUDAO_STATEMENT_TIMEOUT"] = "0"
    with _part(times, "loading Django"):
        from qudao.web import cli

        cli.set_up()
    if "migrate" in names:
        with _part(times, "migrations"):
            from qudao.web.commands.migrate import apply

            apply()
    if "static" in names:
        with _part(times, "static files"):
            from django.core.management import call_command

            call_command("collectstatic", interactive=False, verbosity=0, clear=Path(BUILD / "staticfiles").exists())
    if "demo" in names:
        with _part(times, "demo people and goods"):
            (BUILD / "sign-ins.json").write_text(json.dumps(_load_demo(), ensure_ascii=False))


def _load_demo() -> list[dict[str, str]]:
    try:
        from qudao.web import demo
    except ImportError:
        return []
    from qudao.web.progress import Progress

    os.environ["QUDAO_STATEMENT_TIMEOUT"] = "0"
    known = demo.start(Progress("demo"), settings().demo_size)
    if not known.complete:
        print(demo.sentence(known).replace("is being loaded", "will be loaded"), "`qudao demo status` tells how far it is.", flush=True)
    return [dict(row) for row in demo.sign_ins()] if hasattr(demo, "sign_ins") else []
