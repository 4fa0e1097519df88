"""What needs the installed packages: the database, its schema, demo data, and the collected static files.

Each step has a stamp, so that a warm start asks the database one question and does not even import Django. The steps that are due run in one child
process (`bootstrap.py steps …`), because the supervisor that stays should be small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
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


def prepare(times: Times, url: str, *, demo: bool) -> list[dict[str, str]]:
    """Bring schema, static files and demo data up to date; return the demo's sign-ins."""
    due = []
    identity, state = _facts(url)
    if identity is None or not _schema_stamp().fresh(_schema_mark(identity, state)):
        due.append("migrate")
    if not _static_stamp().fresh(_static_mark()) or not (BUILD / "staticfiles" / "staticfiles.json").exists():
        due.append("static")
    if demo and (identity is None or _demo_known(identity) is None):
        due.append("demo")
    if due:
        _child(due, times)
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


def _child(due: list[str], times: Times) -> None:
    child = subprocess.Popen([sys.executable, str(ROOT / "bootstrap.py"), "steps", *due], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    report: dict[str, float] = {}
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("took "):
            report |= json.loads(line[5:])
        else:
            sys.stdout.write(line)
    code = child.wait()
    times.parts |= report
    if code:
        raise SystemExit(code if code > 0 else 1)  # the child has said why


def steps(names: list[str]) -> int:
    """In the child: do the named steps and report the seconds each took."""
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
    print("took", json.dumps(times.parts), flush=True)
    return 0


def _steps(names: list[str], times: Times) -> None:
    os.environ["QUDAO_STATEMENT_TIMEOUT"] = "0"
    with times.part("loading Django"):
        from qudao.web import cli

        cli.set_up()
    if "migrate" in names:
        with times.part("migrations"):
            from qudao.web.commands.migrate import apply

            apply()
    if "static" in names:
        with times.part("static files"):
            from django.core.management import call_command

            call_command("collectstatic", interactive=False, verbosity=0, clear=Path(BUILD / "staticfiles").exists())
    if "demo" in names:
        with times.part("demo people and goods"):
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
