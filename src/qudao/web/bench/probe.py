"""What is measured inside: SQL statements per operation, times of the two reports, history to grow by, stock never oversold.

Run as a program with DATABASE_URL set: `python -m qudao.web.bench.probe <what> <world.json> [number]`; prints JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

BEGIN_AND_COMMIT = 2


class _Counter:
    """Counts the statements sent through Django's connection (BEGIN and COMMIT are not among them)."""

    def __init__(self) -> None:
        self.sql: list[str] = []

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.sql.append(str(sql))
        return execute(sql, params, many, context)


def _post(path: str, token: str, body: Any) -> tuple[Any, list[str]]:
    """One POST in this process: the answer and its statements."""
    from django.db import connection
    from django.test import Client

    counter = _Counter()
    headers = {"authorization": f"Bearer {token}", "idempotency-key": uuid4().hex}
    with connection.execute_wrapper(counter):
        answer = Client(SERVER_NAME="localhost", headers=headers).post(f"/api/v1{path}", json.dumps(body), content_type="application/json")
    if answer.status_code >= 300:
        raise AssertionError(f"{path}: {answer.status_code} {answer.content[:500]!r}")
    return json.loads(answer.content), counter.sql


def statements(world: dict[str, Any], lines: int) -> dict[str, Any]:
    """SQL statements of placing an order of so many lines, and of each further step of its life; BEGIN, COMMIT and the token counted."""
    dealer = world["dealers"][0]
    chosen = world["products"][15 : 15 + lines]  # with one of a quota and one in lots among them
    wanted = [{"product_id": p, "qty": "1"} for p in chosen]
    body = {"client_id": str(uuid4()), "seller_id": world["seller_id"], "buyer_id": dealer["id"], "lines": wanted}
    first = {**body, "client_id": str(uuid4()), "lines": wanted[1:] or wanted, "twin_ok": True}  # other lines: twins are asked about
    _post("/orders", dealer["token"], first)  # fills what is read once in a process
    order, placing = _post("/orders", dealer["token"], body)
    counts = {"place": len(placing) + BEGIN_AND_COMMIT}
    found: dict[str, Any] = {"counts": counts, "place_sql": [s[:120] for s in placing]}
    shipment, sql = _post(f"/orders/{order['id']}/shipments", world["staff"], {"carrier": "SF", "tracking": "1"})
    counts["ship"] = len(sql) + BEGIN_AND_COMMIT
    _receipt, sql = _post(f"/shipments/{shipment['id']}/receipt", dealer["token"], {})
    counts["receive"] = len(sql) + BEGIN_AND_COMMIT
    invoices, sql = _post(f"/orders/{order['id']}/invoices", world["staff"], {})
    counts["invoice"] = len(sql) + BEGIN_AND_COMMIT
    applied = [{"invoice_id": x["id"], "amount": x["gross"]} for x in invoices["items"]]
    paying = {"seller_id": order["seller_id"], "buyer_id": dealer["id"], "amount": order["gross"], "reference": "x", "method": "transfer"}
    _paid, sql = _post("/payments", world["staff"], {**paying, "applications": applied})
    counts["pay"] = len(sql) + BEGIN_AND_COMMIT
    return found


def _median_ms(body: Callable[[], Any], rounds: int = 15) -> float:
    times = []
    for _round in range(rounds):
        start = time.perf_counter()
        body()
        times.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(times), 2)


PAST_ITEMS = """
INSERT INTO ledger_openitem (org_id, side, counterparty_id, subject_kind, subject_id, number, date, due_on, currency, amount, open_amount)
SELECT %(seller)s, 'receivable', d.id, 'billing.invoice', -g, 'H' || g, current_date - g %% 300, current_date - g %% 300 + 30, 'CNY', 1000, 1000
FROM generate_series(1, 10000) g JOIN (SELECT id, row_number() OVER (ORDER BY id) n FROM network_organisation WHERE kind = 'dealer') d
    ON d.n = 1 + g %% %(dealers)s::int
"""
PAST_MOVES = """
INSERT INTO inventory_move (month, at, product_id, qty, from_place_id, to_place_id, subject_kind, subject_id, ref_id, number)
SELECT m.month, m.at, m.product_id, m.qty, m.from_place_id, m.to_place_id, m.subject_kind, m.subject_id, m.ref_id, m.number
FROM (SELECT * FROM inventory_move ORDER BY id LIMIT 1000) m, generate_series(1, 100)
"""


def reports(world: dict[str, Any]) -> dict[str, Any]:
    """Median milliseconds and statements of ageing (200 dealers, 10,000 open items), stock of all products after 100,000 moves, 50 newest orders."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(PAST_ITEMS, {"seller": world["seller_id"], "dealers": len(world["dealers"])})
        cursor.execute(PAST_MOVES)
        cursor.execute("ANALYZE")
    return _reports(world)


def _reports(world: dict[str, Any]) -> dict[str, Any]:
    from django.db import connection
    from django.test import Client

    from qudao.base.access import system_actor
    from qudao.inventory.queries import on_hand, unscoped_places
    from qudao.kernel import clock
    from qudao.ledger.queries import ageing

    system = system_actor()
    places = unscoped_places([world["seller_id"]])
    client = Client(SERVER_NAME="localhost", headers={"authorization": f"Bearer {world['staff']}"})
    bodies = {
        "ageing": lambda: list(ageing(system, world["seller_id"], clock.today())),
        "stock": lambda: list(on_hand(system, place_id=places[world["seller_id"], "stock"]).values_list("product_id", "on_hand", "free")),
        "newest": lambda: client.get("/api/v1/orders?limit=50"),
    }
    found: dict[str, Any] = {}
    for name, body in bodies.items():
        body()
        with ExitStack() as stack:
            counter = _Counter()
            stack.enter_context(connection.execute_wrapper(counter))
            body()
        found[name] = {"ms": _median_ms(body), "sql": len(counter.sql)}
    return found


HISTORY = """
WITH old AS (SELECT * FROM orders_order WHERE id = (SELECT min(id) FROM orders_order)),
made AS (
    INSERT INTO orders_order (number, client_id, seller_id, buyer_id, agreement_id, place_id, currency, net, tax, gross, invoiced, paid, status, approval,
        credit, allocation, fulfilment, billing, payment, requested_on, ordered_on, placed_at, state_since, po_number, note, placed_by, channel,
        payment_days, invoice_on, line_count)
    SELECT 'H' || g, gen_random_uuid(), o.seller_id, a.buyer_id, a.id, o.place_id, o.currency, o.net, o.tax, o.gross, o.gross, o.gross, 'closed', 'none',
        'pass', 'full', 'received', 'full', 'paid', NULL, o.ordered_on, o.placed_at, o.state_since, '', '', NULL, 'api', 30, o.invoice_on, o.line_count
    FROM generate_series(%(first)s::int, %(last)s::int) g, old o, LATERAL (
        SELECT id, buyer_id FROM agreements_agreement WHERE seller_id = o.seller_id ORDER BY id OFFSET g %% %(dealers)s::int LIMIT 1) a
    RETURNING id)
INSERT INTO orders_line (order_id, no, product_id, unit, qty, unit_price, price_source, price_steps, tax_rate, net, tax, gross, shipped, received,
    settled_short, given_up, invoiced)
SELECT m.id, l.no, l.product_id, l.unit, l.qty, l.unit_price, l.price_source, l.price_steps, l.tax_rate, l.net, l.tax, l.gross, l.qty, l.qty, 0, 0, l.qty
FROM made m, orders_line l WHERE l.order_id = (SELECT id FROM old)
"""
MOVES = """
INSERT INTO inventory_reservation (place_id, product_id, qty, taken, released, subject_kind, subject_id, ref_id, state, at, number)
SELECT o.place_id, l.product_id, l.qty, l.qty, 0, 'orders.order', o.id, l.id, 'closed', o.placed_at, o.number
FROM orders_order o JOIN orders_line l ON l.order_id = o.id WHERE o.number LIKE 'H%%' AND o.id > %(after)s;
INSERT INTO base_actionlog (at, month, verb, channel, actor_kind, actor_user, actor_org, actor_name, before, after, reason, detail, stage_seconds,
    subject_kind, subject_id, seller_id, buyer_id, number)
SELECT o.placed_at, date_trunc('month', o.placed_at), 'orders.place', 'api', 'token', 1, o.buyer_id, '', 'draft', 'confirmed', '', '{}', NULL,
    'orders.order', o.id, o.seller_id, o.buyer_id, o.number FROM orders_order o WHERE o.number LIKE 'H%%' AND o.id > %(after)s;
INSERT INTO base_event (at, month, name, version, payload, subject_kind, subject_id, seller_id, buyer_id, number, dispatched_at)
SELECT o.placed_at, date_trunc('month', o.placed_at), 'orders.OrderPlaced', 1, '{}', 'orders.order', o.id, o.seller_id, o.buyer_id, o.number, o.placed_at
FROM orders_order o WHERE o.number LIKE 'H%%' AND o.id > %(after)s
"""


def grow(world: dict[str, Any], target: int) -> dict[str, int]:
    """Bring the number of orders to `target` by copying a settled past in SQL: orders, lines, reservations, log, events."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), max(id) FROM orders_order")
        have, after = cursor.fetchone()
        if have < target:
            cursor.execute(HISTORY, {"first": have, "last": target - 1, "dealers": len(world["dealers"])})
            for statement in MOVES.split(";"):
                cursor.execute(statement, {"after": after})
        cursor.execute("ANALYZE")
        cursor.execute("SELECT count(*) FROM orders_order")
        return {"orders": cursor.fetchone()[0]}


def sound(world: dict[str, Any]) -> dict[str, Any]:
    """Rows that break an invariant, by check; `oversold` are stock rows with more reserved than there is."""
    from qudao.base.db import rows
    from qudao.base.invariants import all_checks, offending

    broken = {c.name: offending(c, 3) for c in all_checks()}
    ((oversold,),) = rows("SELECT count(*) FROM inventory_stock WHERE reserved > on_hand OR reserved < 0")
    return {"oversold": oversold, "broken": {k: [v[0], [list(map(str, r)) for r in v[1]]] for k, v in broken.items() if v[0]}}


def scarce(world: dict[str, Any], left: int) -> dict[str, Any]:
    """Leave exactly `left` of the first five products (by counting them anew), for the race of job C."""
    from qudao.base.access import system_actor
    from qudao.base.db import rows
    from qudao.inventory.actions import adjust_stock
    from qudao.inventory.queries import unscoped_places

    main = unscoped_places([world["seller_id"]])[world["seller_id"], "stock"]
    for product in world["products"][:5]:
        ((place, reserved),) = rows("SELECT place_id, reserved FROM inventory_stock WHERE product_id = %s AND place_id = %s", (product, main))
        adjust_stock(place, product, reserved + left, "bench", actor=system_actor())
    return {"left": left}


def main() -> int:
    """Run one probe."""
    from qudao.web.cli import set_up

    set_up()
    what, file, *rest = sys.argv[1:]
    world = json.loads(Path(file).read_text())
    probes: dict[str, Callable[..., Any]] = {"statements": statements, "reports": reports, "grow": grow, "sound": sound, "scarce": scarce}
    json.dump(probes[what](world, *map(int, rest)), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
