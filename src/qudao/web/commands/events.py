"""Events that could not be delivered and wait for a person: show them, and after the cause is mended give them another life."""

from __future__ import annotations

import argparse
import json

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("events", nargs="*", type=int, metavar="EVENT", help="numbers of the events to deliver again; none: only show")
    parser.add_argument("--all", action="store_true", help="deliver all parked events again")
    parser.add_argument("--handler", help="only deliveries to this handler, as in billing.issue_on_receipt")
    parser.add_argument("--errors", action="store_true", help="show the whole error, not only its last line")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(args: argparse.Namespace) -> int:
    from qudao.base.db import rows
    from qudao.base.outbox import replay_parked

    found = rows(
        """SELECT d.event_id, e.name, d.handler, e.number, e.at, d.attempts, d.error
             FROM base_delivery d JOIN base_event e ON e.id = d.event_id
            WHERE d.parked AND d.done_at IS NULL ORDER BY d.event_id, d.handler"""
    )
    parked = [
        dict(zip(("event", "name", "handler", "number", "at", "attempts", "error"), (*row[:4], row[4].isoformat(), *row[5:]), strict=True))
        for row in found
        if args.handler in (None, row[2]) and (not args.events or row[0] in args.events)
    ]
    again = args.all or bool(args.events)
    if again:
        for row in parked:
            replay_parked(int(row["event"]), str(row["handler"]))
    if args.json:
        print(json.dumps({"parked": parked, "replayed": again}, ensure_ascii=False, indent=1))
        return 0 if again or not parked else 1
    for row in parked:
        error = str(row["error"]).strip()
        print(f"{row['event']}  {row['name']} → {row['handler']}  {row['number']}  {row['at']}  {row['attempts']} tries")
        print("    " + (error.replace("\n", "\n    ") if args.errors else error.splitlines()[-1] if error else "no error kept"))
    if again:
        print(f"{len(parked)} deliveries are open again; the worker takes them within a second.")
        missing = sorted(set(args.events) - {row["event"] for row in parked})
        if missing:
            print(f"Not parked: {', '.join(map(str, missing))}")
        return 1 if missing else 0
    print(f"{len(parked)} deliveries are parked." if parked else "No delivery is parked.")
    return 1 if parked else 0
