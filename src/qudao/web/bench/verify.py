"""How long `qudao verify` takes at size: a small world made by the actions, multiplied by SQL until it holds so many moves, every check run on it.

Runs in a database of its own that is dropped afterwards. Copies of a document get new ids and numbers; sums of stock, credit and books follow.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SHIFT = 1_000_000_000  # between the ids of two copies

#: table → the columns that name rows which are copied too
COPIED: dict[str, tuple[str, ...]] = {
    "orders_order": (),
    "orders_line": ("order_id",),
    "inventory_reservation": ("subject_id", "ref_id"),
    "inventory_move": ("subject_id", "ref_id"),
    "fulfilment_shipment": ("order_id",),
    "fulfilment_shipmentline": ("shipment_id", "line_id"),
    "fulfilment_receipt": ("shipment_id",),
    "fulfilment_receiptline": ("receipt_id", "shipment_line_id"),
    "fulfilment_difference": ("receipt_line_id", "shipment_id"),
    "billing_collective": (),
    "billing_invoice": ("order_id", "collective_id"),
    "billing_invoiceline": ("invoice_id", "line_id"),
    "payments_pool": (),
    "payments_payment": ("pool_id",),
    "payments_application": ("payment_id", "invoice_id"),
    "ledger_entry": ("subject_id",),
    "ledger_entryline": ("entry_id",),
    "ledger_openitem": ("subject_id",),
    "funds_entry": ("subject_id",),
    "base_event": ("subject_id",),
    "base_delivery": ("event_id",),
    "base_actionlog": ("subject_id",),
    "qudao_messages_notice": ("subject_id", "event_id"),
}
#: a number without the place of a part in its whole ("/2"), and that place; the next number of the seller's series, so that there are no gaps
WHOLE, PLACE = "split_part(t.number, '/', 1)", "substr(t.number, length(split_part(t.number, '/', 1)) + 1)"
COUNTED = f"""regexp_replace({WHOLE}, '[^-]*$', '') || (regexp_replace({WHOLE}, '^.*-', '')::bigint
        + k * (SELECT s.next - 1 FROM base_series s WHERE s.key = 'invoice:' || t.seller_id))"""
#: columns that must not be the same in two copies, as SQL of the original row `t` and the copy's count `k`
MADE = {
    ("orders_order", "client_id"): "NULL",
    ("orders_order", "number"): "t.number || '~' || k",
    ("fulfilment_shipment", "number"): "t.number || '~' || k",
    ("payments_pool", "number"): f"{WHOLE} || '~' || k",
    ("payments_payment", "number"): f"{WHOLE} || '~' || k || {PLACE}",
    ("billing_collective", "number"): COUNTED,
    # outside sellers number their paper themselves
    ("billing_invoice", "number"): f"""CASE WHEN (SELECT o.kind FROM orders_order o WHERE o.id = t.order_id) = 'external' THEN t.number || '~' || k
        ELSE {COUNTED} || {PLACE} END""",
    ("ledger_entry", "source_key"): f"split_part(t.source_key, ':', 1) || ':' || (split_part(t.source_key, ':', 2)::bigint + k * {SHIFT})",
}
#: what is the sum of copied rows, after `n` copies
SUMS = [
    "UPDATE inventory_stock SET on_hand = on_hand * (1 + {n}), reserved = reserved * (1 + {n})",
    "UPDATE ledger_balance SET amount = amount * (1 + {n})",
    "UPDATE funds_account SET ordered = ordered * (1 + {n}), shipped = shipped * (1 + {n}), invoiced = invoiced * (1 + {n}), unapplied = unapplied * (1 + {n})",
    "UPDATE base_series SET next = (next - 1) * (1 + {n}) + 1 WHERE key LIKE 'invoice:%'",
]


def main(argv: Sequence[str]) -> int:
    """`qudao bench verify`: make, multiply, measure, print."""
    parser = argparse.ArgumentParser(prog="qudao bench verify", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--moves", type=int, default=1_000_000, help="stock moves to verify (default 1,000,000)")
    parser.add_argument("--replay", type=Path, metavar="FOLDER", help="multiply these orders instead of the demo's")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(list(argv))
    figures = _inside(args) if args.inside else _in_a_copy(args)
    if args.inside or args.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.write(
            f"{figures['moves']:,} moves, {figures['orders']:,} orders, {figures['entries']:,} lines of the books, {figures['rows']:,} rows in all:"
            f" {figures['checks']} checks in {figures['seconds']} s, {figures['broken'] or 'all hold'}.\n"
        )
        for name, seconds in figures["slowest"]:
            sys.stdout.write(f"  {seconds:6.2f} s  {name}\n")
    return 1 if figures["broken"] else 0


def _in_a_copy(args: argparse.Namespace) -> dict[str, Any]:
    from qudao.web.selftest import scratch, scratch_environment

    with scratch() as url, tempfile.TemporaryDirectory(prefix="qudao-bench-") as folder:
        more = ["--replay", str(args.replay.resolve())] if args.replay else []
        command = [sys.executable, "-m", "qudao.web.bench.verify", "--inside", "--moves", str(args.moves), *more]
        done = subprocess.run(command, env=scratch_environment(url, folder), stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _inside(args: argparse.Namespace) -> dict[str, Any]:
    from qudao.web import cli
    from qudao.web.commands import migrate
    from qudao.web.selftest import only_in_scratch

    cli.set_up()
    only_in_scratch()
    migrate.apply()
    from qudao.base.db import rows

    _make_world(args.replay)
    ((have,),) = rows("SELECT count(*) FROM inventory_move")
    start = time.monotonic()
    multiply(max(0, -(-args.moves // have) - 1))
    made = round(time.monotonic() - start, 1)
    return {**_measure(), "made_in_seconds": made}


def _make_world(folder: Path | None) -> None:
    from qudao.web import demo
    from qudao.web.progress import Progress
    from qudao.web.replay import life, source

    if folder is None:
        demo.load()
    else:
        life.play(source.read(folder), Progress("steps", stream=open(os.devnull, "w")))  # noqa: SIM115 - lives as long as the process


def multiply(copies: int) -> None:
    """Add so many copies of all trade. Only for a scratch database: triggers and foreign keys are off meanwhile."""
    from django.db import transaction

    from qudao.base.db import run
    from qudao.web.selftest import only_in_scratch

    only_in_scratch()
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        run("SET LOCAL statement_timeout = 0")
        run("SET LOCAL synchronous_commit = off")
        for table, shifted in COPIED.items():
            run(_copying(table, shifted), {"n": copies})
        for sql in SUMS:
            run(sql.format(n=copies), None)
    run("SET statement_timeout = 0")
    run("VACUUM ANALYZE")


def _copying(table: str, shifted: Sequence[str]) -> str:
    from qudao.base.db import rows

    names = [name for (name,) in rows("SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", (table,))]
    values = []
    for name in names:
        if name == "id" or name in shifted:
            values.append(f"t.{name} + k * {SHIFT}")
        else:
            values.append(MADE.get((table, name), f't."{name}"'))
    columns = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table} ({columns}) SELECT {', '.join(values)} FROM {table} t, generate_series(1, %(n)s::bigint) k"


def _measure() -> dict[str, Any]:
    from qudao.base.db import rows
    from qudao.web import verify
    from qudao.web.progress import Progress

    start = time.monotonic()
    found = verify.verify(verify.chosen(), Progress("checks"))
    seconds = round(time.monotonic() - start, 1)
    checks = sorted(((check.seconds, check.name) for one in found for check in one.checks), reverse=True)
    counts = [rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("inventory_move", "orders_order", "ledger_entryline")]
    return {
        **dict(zip(("moves", "orders", "entries"), counts, strict=True)),
        "rows": sum(one.rows for one in found),
        "checks": len(checks),
        "seconds": seconds,
        "broken": [check.name for one in found for check in one.broken],
        "slowest": [(name, took) for took, name in checks[:8]],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
