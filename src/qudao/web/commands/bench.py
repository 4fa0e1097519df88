"""Measurements; each one is a module in `qudao/web/bench/` with a `main(argv) -> int` of its own."""

from __future__ import annotations

import argparse
import os
from importlib import import_module
from importlib.util import find_spec

from qudao.web import config, postgres

NEEDS = "django"
BENCHES = {
    "floor": "what this database can do at most: the same work in hand-written SQL",
    "orders": "the life of orders through the actions",
    "pages": "lists, documents, home, search and pulse at up to a million orders",
    "prints": "papers: milliseconds each, and 500 as one PDF",
    "verify": "how long verify takes at a million moves",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="bench", metavar="what", required=True)
    for name, summary in BENCHES.items():
        if find_spec(f"qudao.web.bench.{name}") is None:
            continue
        sub = kinds.add_parser(name, help=summary, add_help=False)  # its own parser answers --help
        sub.set_defaults(takes_rest=True)


def run(args: argparse.Namespace) -> int:
    chosen = config.current()
    os.environ.setdefault("DATABASE_URL", chosen.database_url or postgres.remembered(chosen.postgres_home) or "")
    return int(import_module(f"qudao.web.bench.{args.bench}").main(args.rest) or 0)
