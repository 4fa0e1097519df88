"""What a page costs in the world of `qudao bench pages`: server time through the whole WSGI application in this process, and statements.

Run as a program with DATABASE_URL and QUDAO_DEMO=1: `python -m qudao.web.bench.pages_probe <rounds>`; prints JSON.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLLERS = 500


@dataclass(frozen=True)
class Case:
    """One page for one of the demo's people; `addresses` are visited in turn."""

    name: str
    person: str
    addresses: tuple[str, ...]


class _Counter:
    def __init__(self) -> None:
        self.number = 0

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.number += 1
        return execute(sql, params, many, context)


#: list → what one may look at it by; `{day}`, `{number}`, `{party}` are filled from the world
LISTS: dict[str, tuple[str, ...]] = {
    "orders": ("", "?side=sell", "?side=sell&tab=to_ship", "?side=sell&tab=to_pay", "?side=sell&tab=closed&page=20", "?sort=number",
               "?side=sell&sort=number", "?sort=-buyer__code", "?status=closed&from={day}", "?q={number}", "?q={tail}", "?q={party}", "?q=SO", "?q=zzzz9"),
    "shipments": ("", "?side=sell", "?side=sell&tab=to_receive", "?side=sell&tab=received", "?tab=all&sort=-shipped_at", "?q={tail}"),
    "invoices": ("", "?side=sell", "?side=sell&tab=overdue", "?side=sell&tab=paid", "?sort=due_on", "?q={tail}", "?q={party}"),
    "payments": ("", "?side=sell", "?tab=applied", "?side=buy&sort=-shown_amount", "?q={tail}"),
    "organisations": ("", "?tab=dealers", "?sort=name", "?q={party}", "?q=cslp"),
    "products": ("", "?tab=all&sort=name", "?q=lds", "?q=P10000"),
    "stock": ("", "?tab=short", "?tab=all&place={main}&sort=product.code", "?q=P10000"),
    "moves": ("", "?page=10"),
    "agreements": ("", "?q={party}"),
    "accounts": ("",),
    "ageing": ("",),
    "funds": ("",),
    "approvals": ("",),
}  # fmt: skip
#: a line of the log as an action writes it
NEWS = """
INSERT INTO base_actionlog (at, month, verb, channel, actor_kind, actor_name, before, after, reason, detail, subject_kind, subject_id, seller_id, buyer_id,
    number) VALUES (now(), current_date, 'bench', 'page', 'person', '', '', '', '', '{}', 'orders.order', 1, %s, %s, '')
"""
SEARCHES = ("{number}", "{tail}", "{middle}", "SO", "00", "cslp", "{party}", "lds", "{amount}", "zzzz9")


def _fill(text: str, world: dict[str, Any]) -> str:
    for name, value in world.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def cases(world: dict[str, Any]) -> Iterator[Case]:
    """Every list, document, home and search, for those who see all and for a dealer who sees little."""
    for person in ("admin", "clerk", "finance", "warehouse", "channel", "auditor", "dealer", "shop"):
        yield Case("home", person, ("/",))
    for page in (
        "/shop/",
        "/shop/?tab=bought",
        "/shop/?q=lds",
        "/shop/?view=rows&page=2",
        "/insight/orders/?side=buy&from=2020-01-01",
        "/basket/",
        "/insight/",
        "/insight/quality/",
    ):
        yield Case(page, "dealer" if page[:9] != "/insight/" or "side=buy" in page else "admin", (page,))
    for form, field in (("/payments/new", "partner"), ("/orders/transfer", "giver"), ("/agreements/new", "partner")):
        yield Case(form, "admin", (form,))
        for words in ("D1001", "cslp", "l", "{party}"):
            yield Case(f"{form} {field} {words}", "admin", (f"{form}?pick={field}&q={_fill(words, world)}",))
    for person in ("admin", "dealer"):
        known = {**world, "main": world["mains"][person]}  # everybody looks into the own warehouse
        for name, queries in LISTS.items():
            for query in queries:
                page = f"/{name}/{query}".replace("side=sell", "side=buy" if person == "dealer" else "side=sell")
                yield Case(page, person, (_fill(page, known),))
        documents = world["documents"][person]
        for name, ids in documents.items():
            if ids:
                yield Case(f"/{name}/…/", person, tuple(f"/{name}/{pk}/" for pk in ids))
        for words in ("P10012", "lds", "l", "{number}"):
            yield Case(f"suggest {words}", person, (f"/orders/new/suggest/?q={_fill(words, world)}&agreement={world['agreement']}",))
        for words in SEARCHES:
            yield Case(f"palette {words}", person, (f"/search/?q={_fill(words, world)}",))


def _world() -> dict[str, Any]:
    """Ids and words to look for."""
    from qudao.base.db import rows

    ((hq,),) = rows("SELECT id FROM network_organisation WHERE code = 'LH'")
    ((own,),) = rows("SELECT id FROM network_organisation WHERE code = 'D1001'")
    mains = dict(rows("SELECT owner_id, id FROM inventory_place WHERE owner_id = ANY(%s) AND code = 'MAIN'", ([hq, own],)))
    ((number, day, amount),) = rows(
        "SELECT number, ordered_on, gross FROM orders_order WHERE buyer_id = %s AND status = 'closed' ORDER BY id DESC LIMIT 1", (own,)
    )
    ((party,),) = rows("SELECT name FROM network_organisation WHERE kind = 'dealer' ORDER BY id DESC LIMIT 1")
    tables = {"orders": "orders_order", "shipments": "fulfilment_shipment", "invoices": "billing_invoice", "payments": "payments_payment"}
    documents = {
        person: {
            name: _spread([pk for (pk,) in rows(f"SELECT id FROM {table} WHERE {side}_id = %s ORDER BY id DESC LIMIT 200", (org,))])
            for name, table in tables.items()
        }
        for person, side, org in (("admin", "seller", hq), ("dealer", "buyer", own))
    }
    documents["admin"]["organisations"] = [pk for (pk,) in rows("SELECT id FROM network_organisation ORDER BY id DESC LIMIT 5")]
    documents["admin"]["products"] = [pk for (pk,) in rows("SELECT id FROM catalog_product ORDER BY id DESC LIMIT 5")]
    ((agreement,),) = rows("SELECT id FROM agreements_agreement WHERE seller_id = %s AND buyer_id = %s ORDER BY id LIMIT 1", (hq, own))
    words = {
        "number": number,
        "tail": number[-5:],
        "middle": number[5:11],
        "day": day,
        "amount": amount,
        "party": party,
        "agreement": agreement,
        "mains": {"admin": mains[hq], "dealer": mains[own]},
    }
    return {**words, "documents": documents}


def _spread(newest: list[int]) -> list[int]:
    """About ten of the newest documents, the oldest of them first: each state asks other things, and those are through in a small world, too."""
    return newest[:: max(1, len(newest) // 10)][::-1]


def _client(person: str) -> Any:
    from django.test import Client

    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    client.post("/sign-in/demo", {"person": person})
    return client


def _headers(address: str) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Target": "palette-list"} if address.startswith("/search/") else {}


def measure(rounds: int) -> list[dict[str, Any]]:
    """p50 and p95 in milliseconds and statements of every case; what is read once in a process is read before."""
    from django.db import connection

    from qudao.base.db import run
    from qudao.web.process import settle

    run("SET max_parallel_workers_per_gather = 0")  # all of a page's work in one process, whose CPU and blocks are counted
    world = _world()
    settle()  # as in the web server
    clients: dict[str, Any] = {}
    found = []
    for case in cases(world):
        client = clients.get(case.person) or clients.setdefault(case.person, _client(case.person))
        address = case.addresses[0]
        answer = client.get(address, headers=_headers(address))
        if answer.status_code in (302, 403):  # not theirs; the matrix knows
            continue
        if answer.status_code != 200:
            failed = f"{case.name} FAILS with {answer.status_code}"
            found.append({"page": failed, "person": case.person, "p50": 10**6, "p95": 10**6, "cpu": 0, "read": 0, "sql": 0})
            continue
        times, statements = [], set()
        cpu, read = _cpu_ms(), _blocks()
        for n in range(rounds):
            address = case.addresses[n % len(case.addresses)]
            counter = _Counter()
            with connection.execute_wrapper(counter):
                begin = time.perf_counter()
                client.get(address, headers=_headers(address))
                times.append((time.perf_counter() - begin) * 1000)
            statements.add(counter.number)
        cost = {"cpu": round((_cpu_ms() - cpu) / rounds, 1), "read": (_blocks() - read) // rounds, "sql": max(statements)}
        found.append({"page": case.name, "person": case.person, **_figures(times), **cost})
    return [*found, _pulse()]


def _cpu_ms() -> float:
    """CPU milliseconds so far of this process and of the database's that serves it: what a page costs whatever else the machine does."""
    from django.db import connection

    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat")
    ticks = sum(int(x) for x in stat.read_text().rpartition(")")[2].split()[11:13]) if stat.exists() else 0
    return time.process_time() * 1000 + ticks * 1000 / os.sysconf("SC_CLK_TCK")


def _blocks() -> int:
    """Blocks of 8 KB that this connection has looked at so far, found in memory or not: the same in every run and on every machine."""
    from qudao.base.db import rows

    rows("SELECT pg_stat_force_next_flush()")
    ((found,),) = rows("SELECT coalesce(sum(coalesce(reads, 0) + coalesce(hits, 0)), 0) FROM pg_stat_get_backend_io(pg_backend_pid())")
    return int(found)


def _figures(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"p50": round(statistics.median(ordered), 1), "p95": round(ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)], 1)}


def _pulse() -> dict[str, Any]:
    """500 pages ask once each within a second while orders are placed; the look at the log is among the answers."""
    from django.test import Client

    from qudao.base.access import Actor, Scope
    from qudao.base.db import rows, run
    from qudao.base.pulse import mark_of

    orgs = rows("SELECT id, path, kind FROM network_organisation ORDER BY id DESC LIMIT %s", (POLLERS,))
    marks = [mark_of(Actor(1, 1, pk, path, kind, "", frozenset(), Scope.BRANCH), "orders.order") for pk, path, kind in orgs]
    client, chance, times, own = Client(SERVER_NAME="localhost"), random.Random(1), [], []
    for _round in range(5):
        for mark in marks:
            if chance.random() < 0.02:
                run(NEWS, (orgs[0][0], chance.choice(orgs)[0]))
            begin, cpu = time.perf_counter(), time.process_time()
            client.get("/pulse/", {"at": mark, "since": f"0-{time.time() - 5}"})
            times.append((time.perf_counter() - begin) * 1000)
            own.append((time.process_time() - cpu) * 1000)
    cost = {"cpu": _figures(own)["p95"], "read": 0, "sql": 1}  # of the CPU the p95 too, which nothing else that runs disturbs
    return {"page": f"/pulse/, {len(marks)} pages", "person": "everybody", **_figures(times), **cost}


def main() -> int:
    """Measure and print."""
    from qudao.web.cli import set_up

    set_up()
    json.dump(measure(int(sys.argv[1])), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
