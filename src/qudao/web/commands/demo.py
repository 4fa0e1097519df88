"""Demo people and goods, and the ways to sign in as one of them."""

from __future__ import annotations

import argparse
import json

from qudao.web import progress

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the sign-ins as JSON")
    parser.add_argument("--list", action="store_true", help="load nothing, only print the sign-ins")
    progress.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    from qudao.web import demo

    rows = demo.sign_ins() if args.list else demo.load(progress.Progress("demo", force=args.progress))
    if args.json:
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for row in rows:
        print("  ".join(row.values()))
    return 0
