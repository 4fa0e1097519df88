"""`qudao bench orders`: the life of orders over HTTP, judged by the floor of the same run (docs/performance.md says how to read it)."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from qudao.web.bench.floor import run_floor
from qudao.web.bench.load import Job, Load, run_load

TICK = os.sysconf("SC_CLK_TCK")
PYTHON = [sys.executable, "-m"]


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


@contextmanager
def _database(dsn: str) -> Iterator[str]:
    """An empty database of its own beside the given one, dropped afterwards."""
    name = f"qudao_bench_{os.getpid()}"
    parts = urlsplit(dsn)
    admin = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _free_port() -> int:
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def _server(env: dict[str, str], port: int) -> Iterator[int]:
    """The web server on the bench's database; yields its process id."""
    process = subprocess.Popen([*PYTHON, "qudao.web.cli", "serve", "--port", str(port)], env=env, stdout=subprocess.DEVNULL, stderr=None)
    try:
        for _try in range(150):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/ping", timeout=2).read()
                break
            except OSError:
                time.sleep(0.2)
        else:
            raise RuntimeError("the web server did not start")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def _cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time of processes and all their descendants so far, from /proc; 0.0 where there is no /proc."""
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(entry.parent.name)
        parents[pid] = int(fields[1])
        spent[pid] = sum(int(x) for x in fields[11:15]) / TICK  # own time and that of children that have ended
    wanted = set(pids)
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in wanted} - wanted
        grown = bool(more)
        wanted |= more
    return sum(spent.get(pid, 0.0) for pid in wanted)


class Bench:
    """One run: its environment, the world's file, the server's port and process."""

    def __init__(self, dsn: str, folder: Path, seconds: float) -> None:
        self.dsn, self.folder, self.seconds, self.port = dsn, folder, seconds, _free_port()
        self.env = {**os.environ, "DATABASE_URL": dsn, "QUDAO_DEMO": "0", "QUDAO_STATE_DIR": str(folder), "QUDAO_LOG_LEVEL": "ERROR"}
        self.env.pop("QUDAO_DATABASE_URL", None)
        self.file = folder / "world.json"
        self.world: dict[str, Any] = {}
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            stat = Path(f"/proc/{row[0]}/stat")
            self.postmaster = int(stat.read_text().rpartition(")")[2].split()[1]) if stat.exists() else 0

    def run(self, module: str, *arguments: str) -> str:
        """A program of the bench in its own process; its output."""
        done = subprocess.run([*PYTHON, module, *arguments], env=self.env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{module} {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    def probe(self, what: str, *arguments: int) -> dict[str, Any]:
        return json.loads(self.run("qudao.web.bench.probe", what, str(self.file), *map(str, arguments)))

    def build(self) -> None:
        """Migrate and make the world."""
        self.run("qudao.web.cli", "migrate")
        self.file.write_text(self.run("qudao.web.bench.world"))
        self.world = json.loads(self.file.read_text())
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("ANALYZE")

    def load(self, job: str, clients: int, server: int) -> tuple[Load, float]:
        """A load and the CPU milliseconds of server and database per job done (the warm-up's share taken off by time)."""
        before = _cpu_seconds([server, self.postmaster])
        start = time.perf_counter()
        load = run_load(Job(self.port, self.world, job, clients, self.seconds))
        _say(f"  {load.per_s}/s, p50 {load.p50_ms} ms, p95 {load.p95_ms} ms, {load.refused} refused, errors {load.errors[:1]}")
        share = load.seconds / (time.perf_counter() - start)
        cpu = (_cpu_seconds([server, self.postmaster]) - before) * share
        return load, round(1000 * cpu / max(1, load.done), 2)


def measure(bench: Bench, floor_dsn: str, growth: Sequence[int]) -> dict[str, Any]:
    """All jobs; the keys are those of the issue."""
    found: dict[str, Any] = {}
    _say("floor, 8 clients")
    floors = [run_floor(floor_dsn, clients=8, seconds=bench.seconds)]
    _say("building 1 seller, 200 dealers, 1,000 products")
    bench.build()
    counts = {lines: bench.probe("statements", lines)["counts"] for lines in (10, 50)}
    loads: dict[str, Load] = {}
    with _server(bench.env, bench.port) as server:
        for job, clients in (("A", 1), ("A", 8), ("B", 8), ("D", 1), ("D", 8)):
            _say(f"job {job}, {clients} clients")
            loads[f"{job}{clients}"], cpu = bench.load(job, clients, server)
            found[f"cpu_{job}{clients}"] = cpu
        bench.probe("scarce", 1500)
        _say("job C, 8 clients on the same 5 products, 1,500 left of each")
        loads["C8"], _cpu = bench.load("C", 8, server)
        bench.probe("scarce", 1_000_000_000)
        check = bench.probe("sound")  # before the books grow by copies in SQL
        sizes = {}
        for size in growth:
            bench.probe("grow", size)
            _say(f"job A, 1 client, {size} orders")
            sizes[size], _cpu = bench.load("A", 1, server)
        reports = bench.probe("reports")
    floors.append(run_floor(floor_dsn, clients=8, seconds=bench.seconds))
    floor = sorted(f.per_s for f in floors)[-1]
    place = loads["A8"]
    errors = [e for load in loads.values() for e in load.errors]
    found |= {
        "floor_per_s": floor,
        "place_per_s": place.per_s,
        "place_1_per_s": loads["A1"].per_s,
        "ratio": round(place.per_s / floor, 4),
        "sql_per_order": counts[10]["place"],
        "sql_per_order_50_lines": counts[50]["place"],
        "sql_per_cycle": sum(counts[10].values()),
        "sql_by_step": counts[10],
        "p50_ms": place.p50_ms,
        "p95_ms": place.p95_ms,
        "cpu_ms_per_order": found["cpu_A8"],
        "cycle_per_s": loads["B8"].per_s,
        "same_five_per_s": loads["C8"].per_s,
        "refused": loads["C8"].refused,
        "newest_p50_ms": loads["D1"].p50_ms,
        "reports": reports,
        "oversold": check["oversold"],
        "broken": check["broken"],
        "errors": len(errors),
        "error_samples": errors[:5],
    }
    if len(sizes) > 1:
        first, last = min(sizes), max(sizes)
        found["growth"] = {size: load.per_s for size, load in sizes.items()}
        found[f"growth_{last // 1000}k"] = round(sizes[first].per_s / max(0.1, sizes[last].per_s), 3)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; the figures to stdout, progress to stderr. Exit 1 when something was oversold, broken or failed."""
    parser = argparse.ArgumentParser(prog="qudao bench orders", description="The life of orders over HTTP, beside the floor of the same run.")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time of each load (default 5)")
    parser.add_argument("--growth", nargs="*", type=int, default=[1000, 10_000, 100_000], help="sizes of the order book for A again")
    parser.add_argument("--dsn", default=os.environ.get("DATABASE_URL"), help="server to measure on (default: DATABASE_URL)")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args(argv)
    if not options.dsn:
        parser.error("give --dsn or set DATABASE_URL")
    with tempfile.TemporaryDirectory(prefix="qudao-bench-") as folder, _database(options.dsn) as dsn:
        found = measure(Bench(dsn, Path(folder), options.seconds), options.dsn, options.growth)
    table = "\n".join(f"{name:<24}{value}" for name, value in found.items())
    sys.stdout.write((json.dumps(found, indent=1, ensure_ascii=False) if options.json else table) + "\n")
    return 1 if found["oversold"] or found["broken"] or found["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
