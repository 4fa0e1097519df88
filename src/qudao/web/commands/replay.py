"""Play historical orders through the live actions: every rule asked, every row written as if people had worked it day by day."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from qudao.web import progress

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="a folder with Customers.csv, Products.csv, Orders.csv and Order_Details.csv (the Northwind data)")
    parser.add_argument("--first", type=int, metavar="N", help="only the first N orders by date")
    parser.add_argument("--lines", action="store_true", help="also print every line whose rounded amount differs from the exact one")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    progress.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    from qudao.web.replay import life, report, source

    try:
        data = source.read(args.folder, first=args.first)
    except source.Unreadable as error:
        print(error, file=sys.stderr)
        return 2
    with progress.Progress("steps", force=args.progress) as bar:
        played = life.play(data, bar)
    found = report.make(data, played)
    if args.json:
        print(json.dumps(found.plain(), ensure_ascii=False, indent=1, default=str))
    else:
        print(report.text(found, lines=args.lines))
    return 0 if found.ok else 1
