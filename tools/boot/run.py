"""`run`: web server, worker and embedded PostgreSQL under one supervisor, which starts again what dies and stops all at Ctrl-C.

No part outlives the supervisor for long: on Linux the children get SIGTERM when it goes, and the next start stops whatever is left of a killed run.
Only the database server may stay; the next start uses it again.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from boot import fonts, prepare
from boot.common import ROOT, WINDOWS, Failure, Times, package, say, settings, state_dir

BACKOFF_MAX = 30.0  # seconds between two starts of a part that keeps dying
STEADY = 30.0  # seconds after which a part counts as well again
STOP_WAIT = 25.0  # seconds for running requests and jobs to end
LOG_LIMIT = 10_000_000  # bytes


class Part:
    """One child process in a process group of its own, with its log file."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self.command = [sys.executable, "-m", "qudao.web.cli", *arguments]
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.backoff = 0.5
        self.due = 0.0

    @property
    def log(self) -> Path:
        return state_dir() / "log" / f"{self.name}.log"

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        env = {**os.environ, "QUDAO_PARENT": str(os.getpid()), "QUDAO_HOLD": str(hold()), "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=ROOT, start_new_session=not WINDOWS)
        self.started = time.monotonic()

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self.log.read_text(errors="replace")[-6000:].strip().splitlines()
            faults = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Refused)\b", line)]
            return (faults or lines or [""])[-1]
        return ""

    def signal_group(self, number: int) -> None:
        """To the whole group: the workers of a killed web server would keep the port."""
        if self.process is not None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, number) if not WINDOWS else self.process.terminate()


class Stop(Exception):
    """Somebody asked to stop."""


def stop_requested(number: int, _frame: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stop(signal.Signals(number).name)


# --- before anything is installed ---


def record() -> Path:
    return state_dir() / "run.json"


def _lock() -> IO[str] | None:
    """The right to run from this state folder: held as long as the process lives, however it ends. None when another holds it."""
    state_dir().mkdir(parents=True, exist_ok=True)
    handle = (state_dir() / "run.lock").open("a")
    if WINDOWS:
        return handle
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle


def claim() -> IO[str]:
    """Take the lock, stop what a killed run left behind, and see that the port is free."""
    try:
        handle = _lock()
    except OSError as error:
        raise Failure(f"The state folder {state_dir()} cannot be written: {error.strerror}.") from None
    if handle is None:
        known = _recorded()
        raise Failure(f"Qudao already runs from this folder (process {known.get('supervisor', '?')}): stop it there with Ctrl-C first.")
    try:
        _stop_leftovers()
        check_port()
    except Failure:
        handle.close()
        raise
    return handle


def _recorded() -> dict[str, object]:
    try:
        return dict(json.loads(record().read_text()))
    except (OSError, ValueError):
        return {}


def _stop_leftovers() -> None:
    groups = _recorded().get("groups", [])
    assert isinstance(groups, list)
    ours = [group for group in groups if _is_ours(group)]
    for group in ours:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGTERM)
    for _ in range(100):
        if not any(_is_ours(group) for group in ours):
            break
        time.sleep(0.1)
    for group in ours:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    record().unlink(missing_ok=True)


def _is_ours(group: int) -> bool:
    """Whether a process of this group is still ours: numbers are given out again, so the command line is compared."""
    for folder in Path("/proc").glob("[0-9]*") if Path("/proc/self").exists() else []:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z" and str(ROOT) in (folder / "cmdline").read_text().replace("\0", " "):
                return True
    return False


def check_port() -> None:
    chosen = settings()
    family = socket.AF_INET6 if ":" in chosen.bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.bind, chosen.port))
        except OSError as error:
            if error.errno in (98, 48, 10048):
                text = f"Port {chosen.port} is used by another program: set QUDAO_PORT (or port in qudao.toml) to a free one."
            else:
                text = f"The server cannot listen on {chosen.bind} port {chosen.port} ({error.strerror}): change QUDAO_BIND or QUDAO_PORT."
            raise Failure(text) from None


# --- with everything installed ---


def run(times: Times) -> int:
    """Prepare, start, say where to go, and watch until somebody stops it."""
    handle = claim()
    for number in (signal.SIGINT, signal.SIGTERM, *(() if WINDOWS else (signal.SIGHUP,))):
        signal.signal(number, stop_requested)
    parts = [Part("web", "serve"), Part("worker", "worker")]
    chosen = settings()
    try:
        url = prepare.database(times)
        demo = chosen.demo or ("demo" not in package("config").given() and not chosen.database_url)
        os.environ["QUDAO_DEMO"] = "1" if demo else "0"
        sign_ins = prepare.prepare(times, url, demo=demo, ready=lambda: _come_up(parts))
        hold().unlink(missing_ok=True)
        with times.part("web server"):
            _await_web(parts[0])
        _greet(times, sign_ins)
        fonts.beside(state_dir() / "log" / "fonts.log")
        _watch(parts)  # starts the worker too: side by side they would both be late
    except Stop as asked:
        say(f"\n{asked}: stopping …")
    finally:
        hold().unlink(missing_ok=True)
        _stop(parts)
        handle.close()
    return 0


def hold() -> Path:
    """While this file is there the web server takes in what it needs but answers nobody: the first part of the demo is still being loaded."""
    return state_dir() / "hold"


def _come_up(parts: list[Part]) -> None:
    """Let the web server come up behind its hold, beside the rest of the preparations."""
    hold().touch()
    parts[0].start()
    _record(parts)


def _record(parts: list[Part]) -> None:
    groups = [part.process.pid for part in parts if part.process]
    fresh = record().with_suffix(".new")
    fresh.write_text(json.dumps({"supervisor": os.getpid(), "groups": groups}))
    fresh.replace(record())


def _await_web(web: Part, patience: float = 90.0) -> None:
    chosen = settings()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(chosen.bind, chosen.bind)
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if web.died():
            raise Failure(f"The web server does not start: {web.last_words()} (all of it in {web.log}).")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(host, chosen.port, timeout=5)
            connection.request("GET", "/livez")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise Failure(f"The web server gives no answer after {patience:.0f} s; see {web.log}.")


def _greet(times: Times, sign_ins: list[dict[str, str]]) -> None:
    chosen = settings()
    host = "localhost" if chosen.bind in ("127.0.0.1", "0.0.0.0", "::", "::1") else chosen.bind
    say(f"\nWhere the time went:\n{times.table()}\n\nQudao is at {chosen.base_url or f'http://{host}:{chosen.port}/'}")
    if sign_ins:
        say("Sign in as:")
        widths = [max(len(str(row.get(key, ""))) for row in sign_ins) for key in sign_ins[0]]
        for row in sign_ins:
            say("  " + "  ".join(str(value).ljust(width) for value, width in zip(row.values(), widths, strict=False)).rstrip())
    say(f"Logs are in {state_dir() / 'log'}. Ctrl-C stops everything.")


def _watch(parts: list[Part]) -> None:
    """Start again what died, each time later up to half a minute; look after the embedded server too."""
    postgres, chosen = package("postgres"), settings()
    looked = 0.0
    while True:
        now = time.monotonic()
        for part in parts:
            if part.process is not None and part.died():
                part.signal_group(signal.SIGKILL)
                if now - part.started > STEADY:
                    part.backoff = 0.5
                say(f"{part.name} stopped (code {part.process.returncode}): {part.last_words()[:200]}; again in {part.backoff:.1f} s")
                part.process, part.due = None, now + part.backoff
                part.backoff = min(part.backoff * 2, BACKOFF_MAX)
            elif part.process is None and now >= part.due:
                part.start()
                _record(parts)
        if not chosen.database_url and now - looked > 1:
            looked = now
            if postgres.running(chosen.postgres_home) is None:
                say("PostgreSQL stopped: starting it again")
                with contextlib.suppress(postgres.PostgresError):  # tried again at the next look
                    postgres.ensure(chosen.postgres_home)
        time.sleep(0.2)


def _stop(parts: list[Part]) -> None:
    for part in parts:
        if part.process and not part.died():
            with contextlib.suppress(OSError):
                part.process.terminate()
    end = time.monotonic() + STOP_WAIT
    for part in parts:
        if part.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                part.process.wait(max(0.1, end - time.monotonic()))
            part.signal_group(signal.SIGKILL)
    chosen, postgres = settings(), package("postgres")
    if not chosen.database_url:
        try:
            postgres.stop(chosen.postgres_home)
        except postgres.PostgresError as error:
            say(str(error))
    record().unlink(missing_ok=True)
    say("Stopped.")
