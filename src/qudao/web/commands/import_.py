"""Load a file of records: the kinds, the reading and the undo of the import centre, from the command line.

The same file entered twice changes nothing: records that are so already are left alone, and what would add again (stock) is not taken twice.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from qudao.web import progress

NEEDS = "django"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", help="what the file holds, as in catalog.products; none: list what can be loaded")
    parser.add_argument("file", nargs="?", type=Path, help="xlsx, xls, ods or csv with a line of headings")
    parser.add_argument("--as", dest="person", metavar="EMAIL", help="who enters the records, by e-mail address")
    parser.add_argument("--check", action="store_true", help="write nothing, only say what is wrong and what would change")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    progress.add_argument(parser)


def run(args: argparse.Namespace) -> int:
    from qudao.base.importing import kinds
    from qudao.kernel.errors import DomainError

    names = sorted(kinds())
    if args.kind is None:
        print(json.dumps(names) if args.json else "\n".join(names) or "Nothing can be loaded in this installation.")
        return 0
    if args.kind not in names or args.file is None or not args.person:
        print(f"give a kind ({', '.join(names) or 'none here'}), a file and --as EMAIL", file=sys.stderr)
        return 2
    actor = _actor(args.person)
    if actor is None:
        print(f"nobody signs in as {args.person}", file=sys.stderr)
        return 2
    try:
        content = args.file.read_bytes()
    except OSError as error:
        print(f"{args.file} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    with progress.Progress(str(args.file.name), force=args.progress) as bar:
        try:
            told = _load(args, actor, content)
        except DomainError as error:
            told = {"rows": 0, "loaded": 0, "faults": _told(error)}
        bar.advance(told["rows"])
    return _say(args, told)


def _load(args: argparse.Namespace, actor: Any, content: bytes) -> dict[str, Any]:
    """Check the file and, without faults, import what is new or different. Raises what the file or the person lacks."""
    from django.core.files.base import ContentFile

    from qudao.base import import_runs
    from qudao.base.import_sheets import guess, missing, read, rows_of
    from qudao.base.sentences import say
    from qudao.kernel.errors import Fault

    kind = import_runs.kind_of(args.kind, actor)
    sheet = read(args.file.name, content, kind.columns)
    mapping, _sure = guess(sheet.heads, kind.columns)
    lacking = [(one.name, Fault("base.import_column", "", {"label": one.label})) for one in missing(mapping, kind.columns)]
    absent = [{"row": 1, "column": name, "reason": say(fault).sentence} for name, fault in lacking]
    looked = kind.look([] if absent else rows_of(sheet, mapping, kind.columns))
    faults = absent + [{"row": one.row, "column": one.column, "reason": say(one.fault).sentence} for one in looked.wrong]
    counts = {what: looked.count(what) for what in ("new", "changed", "same")}
    told: dict[str, Any] = {"rows": len(sheet.lines), "loaded": 0, **counts, "faults": faults}
    if faults or args.check or not looked.to_do:
        return told
    found = import_runs.begin_import(args.kind, ContentFile(content, args.file.name), actor=actor)
    if kind.adds and import_runs.same_file(found):
        import_runs.discard_import(found.pk, actor=actor)
        return told | {"new": 0, "changed": 0, "same": looked.rows}
    import_runs.map_import(found.pk, mapping, actor=actor)
    done = import_runs.run_import(found.pk, actor=actor)
    return told | {"loaded": done.made + done.changed, "import": found.pk}


def _told(error: Any) -> list[dict[str, Any]]:
    from qudao.base.sentences import say

    return [{"row": 1, "column": fault.field, "reason": say(fault).sentence} for fault in error.faults]


def _say(args: argparse.Namespace, told: dict[str, Any]) -> int:
    faults = told["faults"]
    if args.json:
        print(json.dumps(told, ensure_ascii=False, indent=1, default=str))
        return 1 if faults else 0
    for one in faults:
        print(f"row {one['row']}, {one['column']}: {one['reason']}" if one["column"] else f"row {one['row']}: {one['reason']}")
    if faults:
        print(f"{told['rows']} rows, {len(faults)} faults, nothing written.")
    elif args.check:
        print(f"{told['rows']} rows are right: {told['new']} new, {told['changed']} changed, {told['same']} the same. Nothing was written.")
    else:
        back = f" Undo it within 24 hours at /imports/{told['import']}/." if "import" in told else ""
        print(f"{told['rows']} rows, {told['loaded']} loaded, {told['same']} the same.{back}")
    return 1 if faults else 0


def _actor(email: str) -> Any:
    """Whoever signs in with this address, acting through a file; None when nobody does or the person belongs nowhere."""
    from qudao.base.access import Channel
    from qudao.people.queries import unscoped_actor_of_user, unscoped_user_by_email

    user = unscoped_user_by_email(email)
    return None if user is None else unscoped_actor_of_user(user.pk, Channel.FILE)
