"""Check every invariant that the modules state: the books balance, stock is the sum of its moves, every event was delivered once."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from qudao.web import progress

if TYPE_CHECKING:
    from qudao.web.verify import ModuleResult

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", help="only checks whose name begins so, as in 'ledger' or 'inventory.stock'")
    parser.add_argument("--limit", type=int, default=20, help="offending rows shown of each check (default 20)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--list", action="store_true", help="only print the names of the checks")
    parser.add_argument("--self-test", action="store_true", help="plant each fault in a small copy and see whether its check finds it")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)  # this process works in the copy itself
    progress.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    from qudao.web import verify

    checks = verify.chosen(args.names)
    if not checks:
        print(f"no check is called {' or '.join(args.names)}", file=sys.stderr)
        return 2
    if args.list:
        print(json.dumps([check.name for check in checks]) if args.json else "\n".join(check.name for check in checks))
        return 0
    if args.self_test:
        return _self_test(args)
    with progress.Progress("checks", len(checks), force=args.progress) as bar:
        found = verify.verify(checks, bar, args.limit)
    broken = sum(len(one.broken) for one in found)
    if args.json:
        print(json.dumps({"ok": not broken, "modules": [_plain(one) for one in found]}, ensure_ascii=False, indent=1))
    else:
        _show(found, broken)
    return 1 if broken else 0


def _plain(one: ModuleResult) -> dict[str, object]:
    checks = [
        {"name": check.name, "count": check.count, "seconds": check.seconds, "rows": [[str(value) for value in row] for row in check.rows]}
        for check in one.checks
    ]
    return {"module": one.module, "rows": one.rows, "seconds": round(one.seconds, 3), "checks": checks}


def _show(found: list[ModuleResult], broken: int) -> None:
    total = sum(len(one.checks) for one in found)
    for one in found:
        held = len(one.checks) - len(one.broken)
        print(f"{one.module:<12}{held:>3} of {len(one.checks):<3} hold {one.rows:>11,} rows {one.seconds:>8.2f} s")
        for check in one.broken:
            shown = f" (the first {len(check.rows)})" if check.count > len(check.rows) else ""
            print(f"  {check.name}: {check.count} rows{shown}")
            for pk, *notes in check.rows:
                print(f"    {pk}: " + "  ".join(map(str, notes)))
    print(f"{total - broken} of {total} checks hold, {sum(one.seconds for one in found):.1f} s.")


def _self_test(args: argparse.Namespace) -> int:
    from qudao.web import selftest

    if args.inside:
        for one in selftest.inside(args.names):
            print(json.dumps(one, ensure_ascii=False), flush=True)
        return 0
    with progress.Progress("faults", force=args.progress) as bar:
        planted = selftest.in_a_copy(args.names, bar)
    failed = [one for one in planted if one["fault"]]
    if args.json:
        print(json.dumps({"ok": not failed, "planted": planted}, ensure_ascii=False, indent=1))
        return 1 if failed else 0
    for one in planted:
        also = f"; also seen by {', '.join(one['also'])}" if one["also"] else ""
        print(f"{one['name']}: " + (one["fault"] or f"found, as “{one['note']}”{also}"))
    print(f"{len(planted) - len(failed)} of {len(planted)} planted faults were found.")
    return 1 if failed else 0
