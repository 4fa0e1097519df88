"""Load a file of records. What can be loaded is what the modules' `imports` rooms offer.

A room `imports.py` ends with `KINDS = {"catalog.products": Products}`. A kind is a class or module with
`columns` [(name, label, required)], `check(rows, *, actor) -> (good rows, faults [(row number, column, Said)])`, which writes nothing, and
`perform(good rows, *, actor, client_id)`, one transaction for all of them. The same kinds stand behind the import pages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

from qudao.web import progress

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", help="what the file holds, as in catalog.products; none: list what can be loaded")
    parser.add_argument("file", nargs="?", type=Path, help="xlsx or csv with a line of headings")
    parser.add_argument("--as", dest="person", metavar="EMAIL", help="who enters the records, by e-mail address")
    parser.add_argument("--check", action="store_true", help="write nothing, only say what is wrong")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    progress.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    kinds = known()
    if args.kind is None:
        print(json.dumps(sorted(kinds)) if args.json else "\n".join(sorted(kinds)) or "Nothing can be loaded in this installation.")
        return 0
    if args.kind not in kinds or args.file is None or not args.person:
        print(f"give a kind ({', '.join(sorted(kinds)) or 'none here'}), a file and --as EMAIL", file=sys.stderr)
        return 2
    kind, actor = kinds[args.kind], _actor(args.person)
    if actor is None:
        print(f"nobody signs in as {args.person}", file=sys.stderr)
        return 2
    try:
        content = args.file.read_bytes()
    except OSError as error:
        print(f"{args.file} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    return _load(args, kind, actor, content)


def _load(args: argparse.Namespace, kind: Any, actor: Any, content: bytes) -> int:
    with progress.Progress(str(args.file.name), force=args.progress) as bar:
        rows, faults = _read(kind, args.file.name, content, bar)
        good, found = kind.check(rows, actor=actor) if not faults else ([], [])  # without its columns a row cannot be judged
        faults += [(row, column, reason.sentence) for row, column, reason in found]
        if not faults and not args.check:
            # the same file entered twice is the same request: it gives the first result and no second set of records
            kind.perform(good, actor=actor, client_id=uuid.UUID(hashlib.sha256(args.kind.encode() + content).hexdigest()[:32]))
    done = not faults and not args.check
    if args.json:
        shown = [{"row": row, "column": column, "reason": str(reason)} for row, column, reason in faults]
        print(json.dumps({"rows": len(rows), "loaded": len(good) if done else 0, "faults": shown}, ensure_ascii=False, indent=1))
    else:
        for row, column, reason in faults:
            print(f"row {row}, {column}: {reason}" if column else f"row {row}: {reason}")
        print(f"{len(rows)} rows, {len(faults)} faults" + (", all loaded." if done else ", nothing written."))
    return 1 if faults else 0


def known() -> dict[str, Any]:
    """Every kind by name, from the modules' `imports` rooms."""
    from qudao.base.access import modules

    found: dict[str, Any] = {}
    for module in modules():
        try:
            found |= import_module(f"qudao.{module}.imports").KINDS
        except ModuleNotFoundError as missing:
            if missing.name != f"qudao.{module}.imports":
                raise
    return found


def _read(kind: Any, name: str, content: bytes, bar: progress.Progress) -> tuple[list[dict[str, str]], list[tuple[int, str, Any]]]:
    """Rows by column name. A heading is a column's name or its label in the language of the installation."""
    from qudao.base import sheets

    lines = iter(sheets.read(name, content))
    heads = [head.strip() for head in next(lines, [])]
    places = {column: next((at for at, head in enumerate(heads) if head in (column, str(label))), None) for column, label, _needed in kind.columns}
    faults: list[tuple[int, str, Any]] = [
        (1, str(label), "the column is missing") for column, label, needed in kind.columns if needed and places[column] is None
    ]
    rows = []
    for line in lines:
        rows.append({column: line[at].strip() if at is not None and at < len(line) else "" for column, at in places.items()})
        bar.advance()
    return rows, faults


def _actor(email: str) -> Any:
    """Whoever signs in with this address, acting through a file; None when nobody does or the person belongs nowhere."""
    from qudao.base.access import Channel
    from qudao.people.queries import unscoped_actor_of_user, unscoped_user_by_email

    user = unscoped_user_by_email(email)
    return None if user is None else unscoped_actor_of_user(user.pk, Channel.FILE)
