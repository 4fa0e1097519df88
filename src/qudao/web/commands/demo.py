"""Demo people and goods, the ways to sign in as one of them, and how far the loading is."""

from __future__ import annotations

import argparse
import json
import os

from qudao.web import progress

NEEDS = "django"
#: how little the loading of the rest insists on a processor beside people's requests
NICE = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", choices=("load", "status"), default="load", help="load what is missing, or say how far the loading is")
    parser.add_argument("--size", choices=("small", "full"), default="small", help="small: about a hundred orders; full: more than eight thousand")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--list", action="store_true", help="load nothing, only print the sign-ins")
    parser.add_argument("--finish", action="store_true", help="only finish what `make run` has begun; it may run while people work")
    progress.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    from qudao.web import demo

    if args.what == "status":
        return _status(args.json)
    bar = progress.Progress("demo", force=args.progress)
    if args.finish:
        if hasattr(os, "nice"):  # not on Windows
            os.nice(NICE)
        with bar:
            demo.finish(bar)
        return 0
    rows = demo.sign_ins() if args.list else demo.load(bar, args.size)
    if args.json:
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    for row in rows:
        print("  ".join(row.values()))
    return 0


def _status(as_json: bool) -> int:
    """Print how far the demo is; 1 when none was begun."""
    from dataclasses import asdict

    from qudao.web import demo

    known = demo.status()
    if as_json:
        print(json.dumps(asdict(known) | {"complete": known.complete} if known else None))
    else:
        print(demo.sentence(known))
    return 0 if known else 1
