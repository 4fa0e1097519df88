"""Lists as files: exactly the rows, columns and order that are shown. Long ones are read as plain values in chunks, with no model instance a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, cast

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
        parts.append((relation, _picker([n for n, _name in places]), [name for _n, name in places], below, type("Flat", (Flat,), {"shown": _choices(model)})))
    shape = type("Flat", (Flat,), {"shown": _choices(rows.model)})
    pick, names = _picker([n for n, _path in own]), [path for _n, path in own]
    tops = [relation for relation in relations if "__" not in relation]
    met: dict[Any, Any] = {}  # a buyer of a thousand orders is made once
    for values in rows.values_list(*paths).iterator(chunk_size=CHUNK):
        made: dict[str, Any] = {}
        for relation, pick_held, held_names, below, kind in parts:
            key = (relation, pick_held(values), *(id(made[f"{relation}__{name}"]) for name in below))
            found = met.get(key, met)
            if found is met:
                held = dict(zip(held_names, cast(Sequence[Any], key[1]), strict=True)) | {name: made[f"{relation}__{name}"] for name in below}
                found = None if all(value is None for value in held.values()) else kind(held)
                met[key] = found
            made[relation] = found
        held = dict(zip(names, pick(values), strict=True))
        for name in tops:
            held[name] = made[name]
        yield shape(held)


def _picker(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """These places of a row, as a tuple."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda values: tuple(values[n] for n in places)


def _reader(column: Column) -> Callable[[Any], Any]:
    """`column.value`, as quick as the column allows: said once for each different input (`by`), or read straight from the row."""
    if column.by:
        known: dict[Any, Any] = {}
        read = column.by if callable(column.by) else attrgetter(*column.by)

        def say(row: Any) -> Any:
            key = read(row)
            if key not in known:
                known[key] = column.value(row)
            return known[key]

        return say
    if not callable(column.cell) and column.cell != "state" and column.name.isidentifier():
        straight = attrgetter(column.name)

        def plain(row: Any) -> Any:
            value = straight(row)
            return value() if callable(value) else value

        return plain
    return column.value


def cells(page: Any, rows: QuerySet, columns: Sequence[Column], step: Callable[[int], bool] | None = None) -> Iterator[list[Any]]:
    """The plain values of each row. `step` hears of every chunk how many rows are done, and stops the rest by saying False."""
    paths = page.table.sheet
    source = flat_rows(rows, paths) if paths else rows.iterator(chunk_size=CHUNK)
    readers, done = [_reader(column) for column in columns], 0
    while found := list(islice(source, CHUNK)):
        for row in page.prepare(found):
            yield [read(row) for read in readers]
        done += len(found)
        if step and not step(done):
            return


def write(page: Any, rows: QuerySet, columns: Sequence[Column], sort: tuple[str, sheets.Mark], step: Callable[[int], bool] | None = None) -> bytes:
    """The content of a file of a sort: its ending and its mark."""
    ending, mark = sort
    writer = sheets.write_xlsx if ending == "xlsx" else sheets.write_csv
    return writer([column.label for column in columns], cells(page, rows, columns, step), mark)


def work_off(page: Any, run: Run, rows: QuerySet, columns: Sequence[Column]) -> None:
    """An export as a job: the file is kept for its owner, the progress is written down chunk by chunk. A second try begins anew."""
    position = 0

    def step(done: int) -> bool:
        nonlocal position
        position = done
        return runs.progress(run.pk, done)

    mark = sheets.mark_for(page.actor)
    content = write(page, rows[: sheets.LIMIT], columns, (run.doing, mark), step)
    if not runs.progress(run.pk, position):
        runs.finish(run.pk, Run.State.CANCELLED)
        return
    sheets.log_export(str(page.title), position, mark, actor=page.actor)
    path = default_storage.save(f"exports/{run.pk}-{get_random_string(24)}.{run.doing}", ContentFile(content))
    runs.finish(run.pk, Run.State.DONE, total=position, file=path, file_name=f"{mark.named(page.file_name(run.address))}.{run.doing}")
