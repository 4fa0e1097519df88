"""Measurements; each one is a file in `qudao/web/bench/` with `add_arguments(parser)` and `run(args)`."""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec

NEEDS = "django"
BENCHES = {
    "floor": "what this database can do at most: the same work in hand-written SQL",
    "orders": "place and approve orders through the actions",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="bench", metavar="what", required=True)
    for name, summary in BENCHES.items():
        if find_spec(f"qudao.web.bench.{name}") is None:
            continue
        sub = kinds.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        module = import_module(f"qudao.web.bench.{name}")
        sub.set_defaults(run_bench=module.run)
        module.add_arguments(sub)


def run(args: argparse.Namespace) -> int:
    return int(args.run_bench(args) or 0)
