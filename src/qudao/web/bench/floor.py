"""The floor: how fast hand-written SQL does the jobs that `qudao bench orders` does through the engine.

It is the yardstick and not part of the product: a small schema of its own, psycopg 3 with prepared statements, fsync on,
no ORM, no rights, no audit, no foreign keys. Nothing here may be changed together with the engine it judges.
Jobs: A place an order; B its whole life; D the newest 50 orders; E-ageing and E-stock, the two reports.
Money is in cents, quantities in pieces, times in milliseconds where the name says so and else in seconds.
"""

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from qudao.web.bench import floor_sql as sql

WARM_UP = 1.0
"""Seconds each client works before it counts."""


class Refused(Exception):
    """Not enough stock or credit; the transaction is rolled back."""


@dataclass(frozen=True)
class FloorResult:
    """What one job did at one number of clients."""

    job: str
    clients: int
    """Processes at work at once, each with its own connection."""
    per_s: float
    """Jobs finished per second by all clients together, warm-up not counted."""
    p50_ms: float
    p95_ms: float
    """Milliseconds of one job as its client sees it, from before BEGIN to after COMMIT."""
    statements: int
    """SQL statements of one job, without BEGIN and COMMIT."""
    errors: int
    """Jobs that were refused or lost to a deadlock or a broken connection."""
    fsync: bool
    synchronous_commit: bool
    """What the server answered to SHOW; a run without both is refused."""


@dataclass(frozen=True)
class Tally:
    """What one client reports: latencies in seconds and `elapsed` seconds after the warm-up; `done` counts both phases."""

    latencies: list[float]
    elapsed: float
    done: int
    errors: int
    statements: set[int]


@dataclass(frozen=True)
class Placed:
    """An order in the life of job B; the columns of its lines stand in product order."""

    id: int
    dealer: int
    total: int
    products: list[int]
    quantities: list[int]


@dataclass
class Client:
    """One connection, its own random orders, and a count of the statements it sent."""

    connection: psycopg.Connection
    chance: random.Random
    sent: int = 0
    cursor: psycopg.RawCursor = field(init=False)

    def __post_init__(self) -> None:
        self.cursor = psycopg.RawCursor(self.connection)

    def run(self, statement: str, *parameters: Any) -> psycopg.RawCursor:
        """One prepared statement, one round trip."""
        self.sent += 1
        return self.cursor.execute(statement, parameters, prepare=True)


def only(cursor: psycopg.Cursor | psycopg.RawCursor) -> Any:
    """The first value of a result that has a row."""
    row = cursor.fetchone()
    assert row is not None
    return row[0]


def place(client: Client) -> Placed:
    """Job A. Locks account, then stock in product order: every transaction here locks in this order, so none can deadlock."""
    dealer = client.chance.randint(1, sql.DEALERS)
    products = sorted(client.chance.sample(range(1, sql.PRODUCTS + 1), sql.LINES))
    quantities = [client.chance.randint(1, 5) for _ in products]
    nothing = [0] * sql.LINES
    with client.connection.transaction():
        credit = only(client.run(sql.LOCK_ACCOUNT, dealer))
        rows = client.run(sql.LOCK_STOCK, products).fetchall()
        if any(available < wanted for (available, _), wanted in zip(rows, quantities, strict=True)):
            raise Refused("stock")
        prices = [price for _, price in rows]
        total = sum(price * quantity for price, quantity in zip(prices, quantities, strict=True))
        if total > credit:
            raise Refused("credit")
        client.run(sql.CHANGE_STOCK, products, quantities, nothing)
        client.run(sql.CHANGE_ACCOUNT, dealer, total, 0)
        order = only(client.run(sql.ADD_ORDER, dealer, total))
        client.run(sql.ADD_LINES, order, products, quantities, prices)
        client.run(sql.ADD_MOVES, order, products, quantities, nothing)
    return Placed(order, dealer, total, products, quantities)


def ship(client: Client, order: Placed) -> None:
    """6 statements: what was reserved leaves the stock."""
    gone = [-quantity for quantity in order.quantities]
    with client.connection.transaction():
        expect(client.run(sql.LOCK_ORDER, order.id), "confirmed")
        client.run(sql.LOCK_STOCK, order.products).fetchall()
        client.run(sql.CHANGE_STOCK, order.products, gone, gone)
        client.run(sql.ADD_MOVES, order.id, order.products, gone, gone)
        client.run(sql.ADD_SHIPMENT, order.id)
        client.run(sql.CHANGE_ORDER, order.id, "shipped")


def receive(client: Client, order: Placed) -> None:
    """4 statements: it arrives in the dealer's own stock, all ten products at once."""
    with client.connection.transaction():
        expect(client.run(sql.LOCK_ORDER, order.id), "shipped")
        client.run(sql.ADD_RECEIPT, order.id)
        client.run(sql.TAKE_IN, order.dealer, order.products, order.quantities)
        client.run(sql.CHANGE_ORDER, order.id, "received")


def invoice(client: Client, order: Placed) -> int:
    """5 statements: the commitment becomes a receivable, with its two ledger entries."""
    with client.connection.transaction():
        client.run(sql.LOCK_ACCOUNT, order.dealer)
        number = only(client.run(sql.ADD_INVOICE, order.id, order.dealer, order.total))
        client.run(sql.ADD_ENTRIES, order.dealer, "receivable", "sales", order.total)
        client.run(sql.CHANGE_ACCOUNT, order.dealer, -order.total, order.total)
        client.run(sql.CHANGE_ORDER, order.id, "invoiced")
    return number


def pay(client: Client, order: Placed, number: int) -> None:
    """5 statements: a payment in full closes the invoice; CHECK (open >= 0) refuses to pay twice."""
    with client.connection.transaction():
        client.run(sql.LOCK_ACCOUNT, order.dealer)
        client.run(sql.ADD_PAYMENT, number, order.total)
        client.run(sql.CLOSE_INVOICE, number, order.total)
        client.run(sql.ADD_ENTRIES, order.dealer, "bank", "receivable", order.total)
        client.run(sql.CHANGE_ACCOUNT, order.dealer, 0, -order.total)


def expect(cursor: psycopg.RawCursor, state: str) -> None:
    """The order row just locked must be in this state."""
    if cursor.fetchone() != (state,):
        raise Refused(f"order is not {state}")


def live(client: Client) -> None:
    """Job B: one order from placing to payment, five transactions."""
    order = place(client)
    ship(client, order)
    receive(client, order)
    pay(client, order, invoice(client, order))


def read(statement: str, rows: int) -> Callable[[Client], None]:
    """A job that reads so many rows with one statement, outside a transaction block."""

    def job(client: Client) -> None:
        if len(client.run(statement).fetchall()) != rows:
            raise AssertionError(f"{rows} rows expected from: {statement}")

    return job


JOBS: dict[str, Callable[[Client], Any]] = {
    "A": place,
    "B": live,
    "D": read(sql.NEWEST, 50),
    "E-ageing": read(sql.AGEING, sql.DEALERS),
    "E-stock": read(sql.STOCK, sql.PRODUCTS),
}
WRITING = ("A", "B")


def connect(dsn: str) -> psycopg.Connection:
    """Autocommit, so that transactions are the jobs' own; every int travels as bigint, so that one plan is prepared, not three."""
    connection = psycopg.connect(dsn, autocommit=True, application_name="qudao bench floor")
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(int, Int8BinaryDumper)
    connection.execute("set search_path to bench_floor")
    return connection


def work(client: Client, job: Callable[[Client], Any], seconds: float) -> Tally:
    """Repeat the job for the warm-up and then for `seconds`; the job under way at the end is finished and counted."""
    latencies: list[float] = []
    statements: set[int] = set()
    done = errors = 0
    warm = time.perf_counter() + WARM_UP
    first = None
    while True:
        before, sent = time.perf_counter(), client.sent
        counted = before >= warm
        if counted and first is None:
            first = before
        try:
            job(client)
        except (Refused, psycopg.OperationalError):
            errors += counted
        else:
            done += 1
            statements.add(client.sent - sent)
            if counted:
                latencies.append(time.perf_counter() - before)
        now = time.perf_counter()
        if first is not None and now >= first + seconds:
            return Tally(latencies, now - first, done, errors, statements)


def client_process(dsn: str, job: str, seconds: float, number: int, start: Barrier, answer: Pipe) -> None:
    """Body of a client process: connect, wait for the others, work, send the Tally (or what went wrong)."""
    try:
        with connect(dsn) as connection:
            client = Client(connection, random.Random(number))
            start.wait(timeout=60)
            answer.send(work(client, JOBS[job], seconds))
    except Exception as error:  # noqa: BLE001 - reported to the parent, which raises
        start.abort()
        answer.send(f"client {number}: {type(error).__name__}: {error}")


def run_clients(dsn: str, job: str, clients: int, seconds: float) -> list[Tally]:
    """Fresh processes (spawn), started together by a barrier; raises if one of them failed."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(clients)
    processes, ends = [], []
    for number in range(clients):
        end, other = context.Pipe(duplex=False)
        process = context.Process(target=client_process, args=(dsn, job, seconds, number, start, other), daemon=True)
        process.start()
        other.close()
        processes.append(process)
        ends.append(end)
    try:
        answers = [end.recv() for end in ends]
    except EOFError:
        raise RuntimeError("a client process ended without an answer") from None
    finally:
        for process in processes:
            process.join(timeout=5)
            process.kill()
    if failed := [answer for answer in answers if not isinstance(answer, Tally)]:
        raise RuntimeError("; ".join(failed))
    return answers


def verify(connection: psycopg.Connection, done: int) -> None:
    """Nothing promised was lost: every order the clients were told of is there, balances equal what they sum up."""
    placed = only(connection.execute("select count(*) from orders"))
    broken = [f"{promise}: {count}" for promise, count in connection.execute(sql.CHECKS) if count]
    if placed < done:  # an order of B that was lost half way has been placed too
        broken.append(f"{done} orders answered, {placed} found")
    if broken:
        raise AssertionError("floor: " + "; ".join(broken))


def setting(connection: psycopg.Connection, name: str) -> bool:
    """Whether the server says `on` to SHOW name; refused otherwise, for a floor that may lose orders is no floor."""
    value = only(connection.execute(f"show {name}"))
    if value != "on":
        raise AssertionError(f"{name} is {value}, must be on")
    return True


def run_floor(dsn: str, *, clients: int, seconds: float, job: str = "A") -> FloorResult:
    """Build schema bench_floor in the database, run one job (a key of JOBS) for `seconds`, verify, drop the schema.

    A schema whose verification failed is left to be looked at. Two runs in one database wait for each other.
    """
    if job not in JOBS:
        raise ValueError(f"no job {job}; there are {', '.join(JOBS)}")
    with connect(dsn) as connection:
        fsync, synchronous = setting(connection, "fsync"), setting(connection, "synchronous_commit")
        connection.execute("select pg_advisory_lock(hashtext('bench_floor'))")
        connection.execute(sql.SCHEMA)
        if job not in WRITING:
            connection.execute(sql.PAST)
        # Only what has rows: a table vacuumed while empty is planned as empty, and each order would then read all orders.
        connection.execute("vacuum analyze account, stock" if job in WRITING else "vacuum analyze account, stock, orders, invoice")
        tallies = run_clients(dsn, job, clients, seconds)
        if job in WRITING:
            verify(connection, sum(tally.done for tally in tallies))
        connection.execute("drop schema bench_floor cascade")
    latencies = sorted(latency for tally in tallies for latency in tally.latencies)
    counts = set().union(*(tally.statements for tally in tallies))
    if not latencies or len(counts) != 1:
        raise AssertionError(f"{len(latencies)} jobs done, statements per job {sorted(counts)}")
    return FloorResult(
        job=job,
        clients=clients,
        per_s=round(sum(len(tally.latencies) / tally.elapsed for tally in tallies), 1),
        p50_ms=round(latencies[len(latencies) // 2] * 1000, 2),
        p95_ms=round(latencies[len(latencies) * 95 // 100] * 1000, 2),
        statements=counts.pop(),
        errors=sum(tally.errors for tally in tallies),
        fsync=fsync,
        synchronous_commit=synchronous,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the jobs asked for at each number of clients; figures to stdout, progress to stderr."""
    parser = argparse.ArgumentParser(prog="floor", description="How fast hand-written SQL does the jobs of the bench.")
    parser.add_argument("--job", nargs="+", choices=JOBS, default=list(JOBS), help="default: all")
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8], help="processes at once (default 1 8)")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time of each run (default 5)")
    parser.add_argument("--dsn", default=os.environ.get("DATABASE_URL"), help="database (default: DATABASE_URL)")
    parser.add_argument("--json", action="store_true", help="a list of results instead of a table")
    options = parser.parse_args(argv)
    if not options.dsn:
        parser.error("give --dsn or set DATABASE_URL")
    results = []
    for job, clients in product(options.job, options.clients):
        sys.stderr.write(f"floor: job {job}, clients {clients}, {options.seconds:g} s ...\n")
        results.append(run_floor(options.dsn, clients=clients, seconds=options.seconds, job=job))
    sys.stdout.write(json.dumps([asdict(result) for result in results], indent=1) if options.json else as_table(results))
    sys.stdout.write("\n")
    return 0


def as_table(results: Sequence[FloorResult]) -> str:
    """One line per result under a heading."""
    lines = [f"{'job':<9}{'clients':>8}{'per s':>9}{'p50 ms':>8}{'p95 ms':>8}{'SQL':>5}{'errors':>8}   fsync and synchronous_commit on"]
    for r in results:
        lines.append(f"{r.job:<9}{r.clients:>8}{r.per_s:>9.1f}{r.p50_ms:>8.2f}{r.p95_ms:>8.2f}{r.statements:>5}{r.errors:>8}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
