"""A file of what is there now, brought back: the same rows, or what a test changes in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs, sheets
from qudao.base.access import Actor
from qudao.base.importing import Looked, kinds


def brought_back(name: str, actor: Actor, ending: str = "xlsx", change: Callable[[list[list[Any]]], Any] | None = None) -> Looked:
    """What a dry run says of the file of what is there now; `change` may edit its rows before."""
    kind = kinds()[name](actor)
    lines = list(kind.lines())
    if change:
        change(lines)
    write = sheets.write_xlsx if ending == "xlsx" else sheets.write_csv
    body = write([column.label for column in kind.columns], lines, sheets.mark_for(actor))
    run = import_runs.begin_import(name, SimpleUploadedFile(f"file.{ending}", body), actor=actor)
    return import_runs.look(run, actor)


def same_again(name: str, actor: Actor, rows: int) -> None:
    """Both sorts of the file have so many rows, every head is known, and nothing in them is new, changed or wrong."""
    for ending in ("xlsx", "csv"):
        looked = brought_back(name, actor, ending)
        assert not looked.wrong, looked.wrong
        assert [entry.what for entry in looked.entries] == ["same"] * rows, [(e.what, e.changes) for e in looked.entries]
