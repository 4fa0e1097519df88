"""Clients over HTTP: processes of their own, one kept connection each, started together, warm-up not counted."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID

WARM_UP = 1.5
LINES = 10


@dataclass
class Caller:
    """One client: its connection, its chance, and the answers that were neither success nor a worded refusal."""

    port: int
    world: dict[str, Any]
    chance: random.Random
    lines: int = LINES
    errors: list[str] = field(default_factory=list)
    refused: int = 0
    connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, token: str, body: Any = None, key: bool = True) -> Any:
        """One request; the parsed answer, or None after a refusal (409) or an error (kept)."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if key and method == "POST":
            headers["Idempotency-Key"] = UUID(int=self.chance.getrandbits(128)).hex
        try:
            self.connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None, headers)
            answer = self.connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection = None
            self.errors.append(f"{type(error).__name__}: {error}")
            return None
        if answer.status == 409:
            self.refused += 1
            if b'"field": "lines.' not in data:
                self.errors.append(f"{method} {path} 409 names no line: {data[:200]!r}")
            return None
        if answer.status >= 400:
            self.errors.append(f"{method} {path} {answer.status}: {data[:300]!r}")
            return None
        return json.loads(data)

    def order(self, products: list[int], dealer: dict[str, Any]) -> Any:
        """Place an order of these products for a dealer; it is confirmed in the same call."""
        lines = [{"product_id": p, "qty": str(self.chance.randint(1, 5))} for p in products]
        of = {"client_id": str(UUID(int=self.chance.getrandbits(128))), "seller_id": self.world["seller_id"], "buyer_id": dealer["id"]}
        body = {**of, "lines": lines, "twin_ok": True}  # lines drawn by chance are sometimes those of a minute ago
        return self.call("POST", "/orders", dealer["token"], body)


def place(caller: Caller) -> None:
    """Job A: place and confirm an order of ten random products for a random dealer."""
    caller.order(caller.chance.sample(caller.world["products"], caller.lines), caller.chance.choice(caller.world["dealers"]))


def same_five(caller: Caller) -> None:
    """Job C: everybody wants the same five products, in random line order."""
    products = list(caller.world["products"][:5])
    caller.chance.shuffle(products)
    caller.order(products, caller.chance.choice(caller.world["dealers"]))


def whole_life(caller: Caller) -> None:
    """Job B: place, ship, receive, invoice, pay."""
    dealer, staff = caller.chance.choice(caller.world["dealers"]), caller.world["staff"]
    order = caller.order(caller.chance.sample(caller.world["products"], caller.lines), dealer)
    if not order:
        return
    shipment = caller.call("POST", f"/orders/{order['id']}/shipments", staff, {"carrier": "SF", "tracking": "1"})
    if not shipment or not caller.call("POST", f"/shipments/{shipment['id']}/receipt", dealer["token"], {}):
        return
    invoices = caller.call("POST", f"/orders/{order['id']}/invoices", staff, {})
    if not invoices:
        return
    body = {
        "seller_id": order["seller_id"], "buyer_id": dealer["id"], "amount": order["gross"], "reference": order["number"], "method": "transfer",
        "applications": [{"invoice_id": x["id"], "amount": x["gross"]} for x in invoices["items"]],
    }  # fmt: skip
    caller.call("POST", "/payments", staff, body)


def newest(caller: Caller) -> None:
    """Job D: the 50 newest orders of the seller."""
    caller.call("GET", "/orders?limit=50", caller.world["staff"])


JOBS: dict[str, Callable[[Caller], None]] = {"A": place, "B": whole_life, "C": same_five, "D": newest}


@dataclass(frozen=True)
class Load:
    """What one job did at one number of clients; times in milliseconds as the client sees them."""

    job: str
    clients: int
    per_s: float
    p50_ms: float
    p95_ms: float
    done: int
    refused: int
    errors: list[str]
    seconds: float


@dataclass(frozen=True)
class Job:
    """A load to run: the server's port, the world, a key of JOBS, how many clients for how long, and the lines of an order."""

    port: int
    world: dict[str, Any]
    name: str
    clients: int
    seconds: float
    lines: int = LINES


def _client(job: Job, number: int, start: Barrier, answer: Pipe) -> None:
    """Body of a client process."""
    caller = Caller(job.port, job.world, random.Random(time.time_ns() * 64 + number), job.lines)
    run, latencies, seconds = JOBS[job.name], [], job.seconds
    start.wait(timeout=60)
    begin = time.perf_counter()
    counted_from = begin + WARM_UP
    first: float | None = None
    while True:
        before = time.perf_counter()
        failures = len(caller.errors) + caller.refused
        run(caller)
        after = time.perf_counter()
        if before >= counted_from:
            first = first or before
            if len(caller.errors) + caller.refused == failures:
                latencies.append(after - before)
        if first is not None and after >= first + seconds:
            break
        if len(caller.errors) > 50:
            break
    answer.send((latencies, time.perf_counter() - (first or begin), caller.refused, caller.errors[:5], len(caller.errors)))


def run_load(job: Job) -> Load:
    """Run a job with its processes; the server listens on the loopback port."""
    clients = job.clients
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(clients)
    processes, ends = [], []
    for number in range(clients):
        end, other = context.Pipe(duplex=False)
        process = context.Process(target=_client, args=(job, number, start, other), daemon=True)
        process.start()
        other.close()
        processes.append(process)
        ends.append(end)
    answers = [end.recv() for end in ends]
    for process in processes:
        process.join(timeout=5)
    latencies = sorted(x for a in answers for x in a[0]) or [0.0]
    errors = [e for a in answers for e in a[3]]
    errors += ["…"] * (sum(a[4] for a in answers) - len(errors))
    return Load(
        job=job.name,
        clients=clients,
        per_s=round(sum(len(a[0]) / a[1] for a in answers), 1),
        p50_ms=round(latencies[len(latencies) // 2] * 1000, 1),
        p95_ms=round(latencies[len(latencies) * 95 // 100] * 1000, 1),
        done=sum(len(a[0]) for a in answers),
        refused=sum(a[2] for a in answers),
        errors=errors,
        seconds=max(a[1] for a in answers),
    )
