"""Lists as files: exactly the rows, columns and order that are shown. Long ones are read as plain values in chunks, with no model instance a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils.crypto import get_random_string

from qudao.base import runs, sheets
from qudao.base.html.columns import Column
from qudao.base.models import Run

#: rows read, prepared and written at a time
CHUNK = 2000


class Flat:
    """A row of plain values that reads like the model instance: `row.buyer.name`, `row.get_kind_display()`. Built a hundred times faster."""

    shown: dict[str, dict[Any, Any]] = {}

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__ = values

    def __getattr__(self, name: str) -> Any:
        choices = self.shown.get(name)
        if choices is None:
            raise AttributeError(f"a sheet needs {name!r}: add it to the table's `sheet`")
        value = self.__dict__[name[4:-8]]
        return lambda: choices.get(value, value)


def _choices(model: Any) -> dict[str, dict[Any, Any]]:
    return {f"get_{f.attname}_display": dict(f.flatchoices) for f in model._meta.concrete_fields if f.choices}


def flat_rows(rows: QuerySet, paths: Sequence[str]) -> Iterator[Flat]:
    """The rows with these ORM paths as attributes; a path over a relation that is empty ends in None, as on an instance."""
    paths = list(dict.fromkeys(("pk", *paths)))
    own = [(n, path) for n, path in enumerate(paths) if "__" not in path]
    relations = list(dict.fromkeys(path.rpartition("__")[0] for path in paths if "__" in path))
    relations.sort(key=lambda path: path.count("__"), reverse=True)  # what hangs on a relation is made before the relation
    parts = []
    for relation in relations:
        model = rows.model
        for step in relation.split("__"):
            model = model._meta.get_field(step).related_model
        below = [other.rpartition("__")[2] for other in relations if other.rpartition("__")[0] == relation]
        places = [(n, path.rpartition("__")[2]) for n, path in enumerate(paths) if path.rpartition("__")[0] == relation]
        parts.append((relation, places, below, type("Flat", (Flat,), {"shown": _choices(model)})))
    shape = type("Flat", (Flat,), {"shown": _choices(rows.model)})
    for values in rows.values_list(*paths).iterator(chunk_size=CHUNK):
        made: dict[str, Any] = {}
        for relation, places, below, kind in parts:
            held = {name: values[n] for n, name in places} | {name: made[f"{relation}__{name}"] for name in below}
            made[relation] = None if all(value is None for value in held.values()) else kind(held)
        yield shape({name: values[n] for n, name in own} | {name: made[name] for name in relations if "__" not in name})


def cells(page: Any, rows: QuerySet, columns: Sequence[Column], step: Callable[[int], bool] | None = None) -> Iterator[list[Any]]:
    """The plain values of each row. `step` hears of every chunk how many rows are done, and stops the rest by saying False."""
    paths = page.table.sheet
    source = flat_rows(rows, paths) if paths else rows.iterator(chunk_size=CHUNK)
    done = 0
    while found := list(islice(source, CHUNK)):
        for row in page.prepare(found):
            yield [column.value(row) for column in columns]
        done += len(found)
        if step and not step(done):
            return


def write(page: Any, rows: QuerySet, columns: Sequence[Column], kind: str, step: Callable[[int], bool] | None = None) -> bytes:
    """The file's content."""
    writer = sheets.write_xlsx if kind == "xlsx" else sheets.write_csv
    return writer([column.label for column in columns], cells(page, rows, columns, step))


def work_off(page: Any, run: Run, rows: QuerySet, columns: Sequence[Column]) -> None:
    """An export as a job: the file is kept for its owner, the progress is written down chunk by chunk. A second try begins anew."""
    position = 0

    def step(done: int) -> bool:
        nonlocal position
        position = done
        return runs.progress(run.pk, done)

    content = write(page, rows[: sheets.LIMIT], columns, run.doing, step)
    if not runs.progress(run.pk, position):
        runs.finish(run.pk, Run.State.CANCELLED)
        return
    sheets.log_export(str(page.title), position, actor=page.actor)
    path = default_storage.save(f"exports/{run.pk}-{get_random_string(24)}.{run.doing}", ContentFile(content))
    runs.finish(run.pk, Run.State.DONE, total=position, file=path, file_name=f"{page.file_name(run.address)}.{run.doing}")
