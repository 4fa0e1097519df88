"""Check every invariant that the modules state: the books balance, stock is the sum of its moves, every event was delivered once."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from qudao.web import progress

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", help="only checks whose name begins so, as in 'ledger' or 'inventory.stock'")
    parser.add_argument("--limit", type=int, default=20, help="offending rows shown of each check (default 20)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--list", action="store_true", help="only print the names of the checks")
    progress.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    from qudao.base.invariants import all_checks, offending

    checks = [check for check in all_checks() if not args.names or check.name.startswith(tuple(args.names))]
    if not checks:
        print(f"no check is called {' or '.join(args.names)}", file=sys.stderr)
        return 2
    if args.list:
        print(json.dumps([check.name for check in checks]) if args.json else "\n".join(check.name for check in checks))
        return 0
    results: list[dict[str, Any]] = []
    with progress.Progress("checks", len(checks), force=args.progress) as bar:
        for check in checks:
            bar.say(check.name)
            start = time.monotonic()
            count, found = offending(check, args.limit)
            taken = round(time.monotonic() - start, 3)
            results.append({"name": check.name, "count": count, "seconds": taken, "rows": [[str(value) for value in row] for row in found]})
            bar.advance()
    broken = [result for result in results if result["count"]]
    if args.json:
        print(json.dumps({"ok": not broken, "checks": results}, ensure_ascii=False, indent=1))
    else:
        _show(results, broken)
    return 1 if broken else 0


def _show(results: list[dict[str, Any]], broken: list[dict[str, Any]]) -> None:
    for result in broken:
        print(f"{result['name']}: {result['count']} rows")
        for row in result["rows"]:
            print("  " + "  ".join(row))
    print(f"{len(results) - len(broken)} of {len(results)} checks hold.")
