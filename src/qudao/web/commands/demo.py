"""Demo people and goods, and the ways to sign in as one of them."""

from __future__ import annotations

import argparse
import json

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the sign-ins as JSON")
    parser.add_argument("--list", action="store_true", help="load nothing, only print the sign-ins")


def run(args: argparse.Namespace) -> int:
    from qudao.web.cli import Unavailable

    try:
        from qudao.web import demo
    except ImportError as error:
        raise Unavailable("This installation has no demo data.") from error
    if not args.list:
        demo.load()
    rows = demo.sign_ins() if hasattr(demo, "sign_ins") else []
    if args.json:
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for row in rows:
        print("  ".join(str(value) for value in (row.values() if isinstance(row, dict) else row)))
    return 0
