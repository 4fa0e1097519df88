"""What all parts share: places, faults in one sentence, the record of where the time went, stamps, and running programs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BUNDLE = ROOT / "qudao-bundle"
DISK_NEEDED = 500_000_000  # bytes; a cold set-up writes about that much
WINDOWS = os.name == "nt"


class Failure(Exception):
    """The set-up cannot go on; the text is one sentence that says what to do."""


class Times:
    """Where the time went: name → seconds, in order."""

    def __init__(self) -> None:
        stored = os.environ.get("QUDAO_TIMES")
        begun, self.parts = json.loads(stored) if stored else (time.time(), {})
        self.begun: float = begun

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.parts[name] = round(self.parts.get(name, 0.0) + time.monotonic() - start, 2)

    def total(self) -> float:
        return time.time() - self.begun

    def export(self) -> str:
        """For the process that takes over."""
        return json.dumps([self.begun, self.parts])

    def table(self) -> str:
        rows = [f"  {name:<34}{seconds:6.1f} s" for name, seconds in self.parts.items() if seconds >= 0.05]
        return "\n".join([*rows, f"  {'all':<34}{self.total():6.1f} s"])


def say(text: str) -> None:
    print(text, flush=True)


def package(name: str) -> ModuleType:
    """A part of the product that needs only the standard library: `config` or `postgres`."""
    source = str(ROOT / "src")
    if source not in sys.path:
        sys.path.insert(0, source)
    return __import__(f"qudao.web.{name}", fromlist=[name])


def check_disk() -> None:
    for folder in {ROOT, package("postgres").place(state_dir()).parent}:
        place = folder
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free
        if free < DISK_NEEDED:
            raise Failure(f"The disk of {place} is nearly full ({free // 1_000_000} MB are free): free at least {DISK_NEEDED // 1_000_000} MB.")


def settings():
    """The settings; all their faults in one failure."""
    config = package("config")
    try:
        return config.current()
    except config.ConfigError as error:
        raise Failure("These settings are wrong:\n  " + "\n  ".join(error.faults)) from None


def state_dir() -> Path:
    return Path(settings().state_dir)


def digest(*parts: object, files: Iterable[Path] = ()) -> str:
    """One fingerprint of texts and of files with their names; a missing file counts as empty."""
    total = hashlib.sha256()
    for part in parts:
        total.update(repr(part).encode())
    for path in sorted(files):
        total.update(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).encode())
        with contextlib.suppress(OSError):
            total.update(path.read_bytes())
    return total.hexdigest()


class Stamp:
    """Remembers that a step was done for a fingerprint of what it depends on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fresh(self, mark: str) -> bool:
        try:
            return self.path.read_text() == mark
        except OSError:
            return False

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)

    def write(self, mark: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(mark)


def execute(*command: object, env: dict[str, str] | None = None, cwd: Path = ROOT, timeout: float | None = None) -> tuple[int, str]:
    """Run quietly; return the exit code and everything it printed. A program that cannot start is 127."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as late:
        return 124, f"no end after {late.timeout:.0f} s"
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout


NO_NETWORK = (
    *("Temporary failure in name resolution", "Name or service not known", "nodename nor servname", "Failed to resolve", "dns error"),
    *("Network is unreachable", "Connection refused", "Connection timed out", "timed out", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT"),
    *("(from versions: none)", "No route to host", "error sending request", "Cannot connect to proxy", "ECONNRESET", "tunnel error", "client error (Connect)"),
)


def offline(output: str) -> bool:
    return any(sign in output for sign in NO_NETWORK)


def explain(what: str, output: str) -> Failure:
    """The one sentence for a failed installation step: full disk, no network, else the last words of the program."""
    if "No space left" in output or "ENOSPC" in output:
        return Failure(f"The disk is full: {what} failed.")
    if offline(output):
        return Failure(f"There is no network to {what}: connect, or put a pre-built {BUNDLE.name} folder into {ROOT} (bootstrap.py bundle makes it).")
    log = BUILD / "bootstrap.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(output)
    lines = [line.strip() for line in output.splitlines() if line.strip() and "complete log of this run" not in line]
    last = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1] if lines else "no message")
    return Failure(f"Failed to {what}: {last[:300]} (all of it in {log}).")
