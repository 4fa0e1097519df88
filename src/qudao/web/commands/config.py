"""All settings: name, value, where to set it, meaning."""

from __future__ import annotations

import argparse
import json

from qudao.web import config

NEEDS = "settings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(args: argparse.Namespace) -> int:
    rows = config.describe(config.current())
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    print("# Sources, later ones win: this file (qudao.toml), QUDAO_<NAME>, QUDAO_<NAME>_FILE; DATABASE_URL for database_url.")
    for row in rows:
        print(f"\n# {row['meaning']}\n# {row['type']}, default {json.dumps(row['default'], ensure_ascii=False)}, {row['variable']}")
        print(f"{row['name']} = {json.dumps(row['value'], ensure_ascii=False)}")
    return 0
