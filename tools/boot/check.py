"""`test`: the same set-up with a cluster of its own, then linter, types, import contracts, all tests, and the other Python versions found here."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from boot import environment, prepare
from boot.common import BUILD, ROOT, Failure, Times, execute, package, say, settings

OTHERS = ("3.12", "3.13")
# What another Python version must show: it installs, the pure rules hold, and one life goes through the database.
RULES = "test_rules or test_kernel"
STORY = "tests/stories"


def check(times: Times, options: argparse.Namespace) -> int:
    os.environ |= {"QUDAO_TEST": "1", "DJANGO_SETTINGS_MODULE": "qudao.web.settings", "PYTHONPATH": str(ROOT / "tests" / "house")}
    url = prepare.database(times, durable=False)
    os.environ["DATABASE_URL"] = url
    if options.python:
        return _report(times, {f"Python {options.python}": _other(times, options.python)})
    wanted = options.only.split(",") if options.only else ["lint", "types", "imports", "pythons", "tests"]
    if unknown := [part for part in wanted if part not in {*PARTS, "pythons"}]:
        raise Failure(f"There is no part {unknown[0]}: choose from {', '.join([*PARTS, 'pythons'])}.")
    results: dict[str, str] = {}
    # What mostly waits for one core or for the disk runs side by side; the tests then have the machine to themselves.
    beside: dict[str, Callable[[], str]] = {part: partial(_timed, times, part, options) for part in wanted if part in PARTS and part != "tests"}
    if "pythons" in wanted:
        beside |= {f"Python {version}": partial(_other, times, version) for version in OTHERS}
    if beside:
        with times.part("side by side"), ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
            results |= zip(beside, pool.map(lambda act: act(), beside.values()), strict=True)
    if "tests" in wanted:
        results["tests"] = _timed(times, "tests", options)
    return _report(times, results)


def _timed(times: Times, part: str, options: argparse.Namespace) -> str:
    with times.part(f"({part})" if part != "tests" else part):
        return PARTS[part](options)


def _quiet(*command: str) -> str:
    """Run beside others: the output is shown in one piece at the end; "" when it went well."""
    begun = time.monotonic()
    code, output = execute(*command)
    say(f"\n$ {' '.join(Path(part).name if part.startswith('/') else part for part in command)}\n{output.rstrip()}\n({time.monotonic() - begun:.1f} s)")
    return "" if code == 0 else f"failed (exit code {code})"


def _call(*command: str) -> str:
    """Run with the output shown; "" when it went well."""
    say(f"\n$ {' '.join(Path(part).name if part.startswith('/') else part for part in command)}")
    begun = time.monotonic()
    code = subprocess.call(command, cwd=ROOT)
    say(f"({time.monotonic() - begun:.1f} s)")
    return "" if code == 0 else f"failed (exit code {code})"


def _tool(name: str) -> str:
    return str(environment.program(environment.folder(), name))


def _lint(_options: argparse.Namespace) -> str:
    return _quiet(_tool("ruff"), "check", "--no-cache", ".") or _quiet(_tool("ruff"), "format", "--check", "--no-cache", "-q", ".")


def _types(_options: argparse.Namespace) -> str:
    return _quiet(_tool("mypy"))


def _imports(_options: argparse.Namespace) -> str:
    return _quiet(_tool("lint-imports"), "--cache-dir", str(BUILD / "cache" / "imports"))


def _tests(options: argparse.Namespace) -> str:
    # In the order of conftest's LONG: sorted by their number of tests, the long files of one test would come last and run alone.
    side_by_side = ["-n", str(options.jobs), "--dist", "loadfile", "--no-loadscope-reorder"] if options.jobs > 1 else []
    return _call(sys.executable, "-m", "pytest", "-q", "--durations=15", *side_by_side, *options.rest)


PARTS = {"lint": _lint, "types": _types, "imports": _imports, "tests": _tests}


def _report(times: Times, results: dict[str, str]) -> int:
    postgres, chosen = package("postgres"), settings()
    if _alone(os.environ["DATABASE_URL"]):
        postgres.stop(chosen.postgres_home)
    say(f"\nWhere the time went:\n{times.table()}\n")
    for name, result in results.items():
        say(f"  {name:<14}{result or 'ok'}")
    failed = [name for name, result in results.items() if result and not result.startswith("not found")]
    say("\nAll is well." if not failed else f"\nFailed: {', '.join(failed)}")
    return 1 if failed else 0


def _alone(url: str) -> bool:
    """Whether this is the embedded test server and no other test run uses it."""
    home = settings().postgres_home
    if url != package("postgres").remembered(home):
        return False
    import psycopg

    with psycopg.connect(url, connect_timeout=10) as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        return found.fetchone() == (0,)


def interpreter(version: str) -> str | None:
    """A Python of this version: on the path, as pyenv or uv keep them, or where QUDAO_PYTHON points."""
    places = [os.environ.get("QUDAO_PYTHON"), shutil.which(f"python{version}")]
    for top in (Path.home() / ".pyenv" / "versions", Path.home() / ".local" / "share" / "uv" / "python"):
        found = sorted((path for path in top.glob(f"*{version}*") if re.search(rf"(^|-){re.escape(version)}\.", path.name)), reverse=True)
        places += [str(path / "bin" / f"python{version}") for path in found]
    for place in places:
        if place and Path(place).exists():
            done = subprocess.run([place, "-c", "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True)
            if done.returncode == 0 and done.stdout.strip() == version:
                return place
    return None


def _other(times: Times, version: str) -> str:
    """Install into an environment of its own, then the rule tests and one story."""
    found = interpreter(version)
    if found is None:
        return f"not found: no python{version} here (install one, or set QUDAO_PYTHON)"
    with times.part(f"(Python {version})"):
        python = str(environment.ensure(Times(), dev=True, venv=environment.folder(version), python=found))
        story = sorted((ROOT / STORY).glob("test_*.py"))[0]
        which = ("src", str(story.relative_to(ROOT)), "-k", f"{RULES} or {story.stem}")
        return _quiet(python, "-m", "pytest", "-q", "-o", f"cache_dir={BUILD}/cache/pytest-{version}", *which, "-m", "not browser")
