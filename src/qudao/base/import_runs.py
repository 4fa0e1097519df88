"""What becomes of a file of records: kept, read, imported whole in one transaction, and taken back within a day as far as nothing was built on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils.encoding import force_str

from qudao.base import files
from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, record
from qudao.base.import_sheets import Sheet, guess, missing, plain, read, rows_of
from qudao.base.importing import CHANGED, NEW, SAME, Kind, Looked, Touched, kinds
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.models import ImportedRow, ImportRun
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Forbidden, Invalid, NotFound, Refused, raise_if_any

#: how long an import can be undone, and how long a file waits to be imported
UNDO_HOURS, DRAFT_DAYS = 24, 30
SUBJECT = "base.import"


@dataclass(frozen=True)
class Told:
    """How an import is meant: `skip_wrong` leaves wrong rows out, `again` takes a file that was imported before once more."""

    skip_wrong: bool = False
    again: bool = False
    #: hears how many rows have been judged
    tell: Callable[[int], None] | None = None


@dataclass(frozen=True)
class Undoing:
    """What undoing would do: the records that go back, and those that stay with the reason."""

    free: list[Touched]
    kept: list[tuple[Touched, Fault]]


def kind_of(name: str, actor: Actor) -> Kind:
    """A kind of file for a person; NotFound when there is none of this name, Forbidden without its verb."""
    found = kinds().get(name)
    if found is None:
        raise NotFound("base.not_found")
    if not found.open_to(actor):
        raise Forbidden("base.forbidden", verb=found.verb)
    return found(actor)


def imports(actor: Actor) -> QuerySet[ImportRun]:
    """The imports of the own organisation that a person may see, newest first."""
    return visible(actor, ImportRun).order_by("-pk")


@action("base.imports")
def begin_import(kind: str, upload: UploadedFile | File, *, actor: Actor) -> ImportRun:
    """Keep a file and say how it is read: as the last one with these heads was, else by guess. The same file that waits already is that import.

    Raises Invalid: not readable, empty, too long.
    """
    columns, content = kind_of(kind, actor).columns, upload.read()
    name = force_str(upload.name or "").rpartition("/")[2][-120:]
    heads = read(name, content, columns).heads
    upload.seek(0)
    sha256 = hashlib.sha256(content).hexdigest()
    waiting = ImportRun.unscoped.filter(org_id=actor.org_id, kind=kind, sha256=sha256, state=ImportRun.State.DRAFT, user_id=actor.user_id).first()
    if waiting is not None:
        return waiting
    key = hashlib.sha256(json.dumps([plain(head) for head in heads]).encode()).hexdigest()
    known = ImportRun.unscoped.filter(org_id=actor.org_id, kind=kind, heads_key=key, mapped=True).order_by("-pk").first()
    names = {column.name for column in columns}
    mapping, mapped = ([name if name in names else "" for name in known.mapping], True) if known else guess(heads, columns)
    found = ImportRun.unscoped.create(
        at=clock.now(), user_id=actor.user_id, org_id=actor.org_id, by_name=actor.name, kind=kind, file_name=name,
        sha256=sha256, heads=heads, heads_key=key, mapping=mapping, mapped=mapped and not missing(mapping, columns),
    )  # fmt: skip
    files.keep(upload, found.subject, actor=actor)
    return found


@action("base.imports")
def map_import(run_id: int, mapping: Sequence[str], *, actor: Actor) -> ImportRun:
    """Say which head is which column ("" for none). Locks the import. Raises Invalid: a column twice, one that is needed not at all."""
    found = _lock(run_id, actor)
    columns = kind_of(found.kind, actor).columns
    names, chosen = {column.name: column for column in columns}, [name for name in mapping if name]
    faults = [Fault("base.import_mapped_twice", "", {"label": names[name].label}) for name in dict.fromkeys(chosen) if name in names and chosen.count(name) > 1]
    faults += [Fault("base.import_column", "", {"label": column.label}) for column in missing(mapping, columns)]
    if len(mapping) != len(found.heads) or set(chosen) - set(names):
        faults.append(Fault("base.changed"))
    raise_if_any(faults, Invalid)
    _refuse_done(found)
    found.mapping, found.mapped = list(mapping), True
    found.save(update_fields=["mapping", "mapped"])
    record(found.subject, detail={"mapping": found.mapping})
    return found


@action("base.imports")
def run_import(run_id: int, told: Told = Told(), *, actor: Actor) -> ImportRun:
    """Import the file: all rows that are right, in one transaction, by the kind's actions. Locks the import; harmless when repeated.

    Raises Refused: rows are wrong and are not to be left out, nothing would change, or the same file was imported and would add the same again.
    """
    found = _lock(run_id, actor)
    if found.state != ImportRun.State.DRAFT:
        return found
    kind = kind_of(found.kind, actor)
    if kind.adds and not told.again and same_file(found):
        raise Refused("base.import_again")
    looked = look(found, actor, tell=told.tell)
    if looked.wrong and not told.skip_wrong:
        raise Refused("base.import_wrong", rows=looked.wrong_rows)
    if not looked.to_do:
        raise Refused("base.import_no_change")
    touched = kind.write(looked.to_do)
    found.rows, found.wrong, found.same = looked.rows, looked.wrong_rows, looked.count(SAME)
    found.made, found.changed = looked.count(NEW), looked.count(CHANGED)
    found.state, found.done_at, found.by_name, found.user_id = ImportRun.State.DONE, clock.now(), actor.name, actor.user_id
    found.save()
    ImportedRow.unscoped.bulk_create(
        [ImportedRow(run=found, row=t.row, key=t.key, label=t.label[:200], is_new=t.is_new, before=dict(t.before), after=dict(t.after)) for t in touched]
    )
    record(found.subject, after=found.state, detail={"file": found.file_name, "new": found.made, "changed": found.changed, "left_out": found.wrong})
    return found


@action("base.imports")
def undo_import(run_id: int, *, actor: Actor) -> ImportRun:
    """Take an import back, within 24 hours: what it made disappears, what it changed is again as it was. What others built on stays, with the reason.

    Locks the import and its records. Harmless when repeated. Raises Refused when it is too late, or when nothing can go back.
    """
    found = _lock(run_id, actor)
    if found.state in (ImportRun.State.UNDONE, ImportRun.State.PARTLY):
        return found
    if not may_undo(found):
        raise Refused("base.import_too_late", hours=UNDO_HOURS)
    kind = kind_of(found.kind, actor)
    touched = _touched(found)
    if kind.model is not None:
        note_rank(kind.rank)
        keys = sorted({t.key for t in touched})
        list(kind.model._default_manager.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk").values_list("pk"))
    undoing = _weigh(kind, touched)
    if not undoing.free:
        fault = undoing.kept[0][1]
        raise Refused(fault.code, **fault.params)
    kind.take_back(undoing.free)
    reasons = {t.row: fault for t, fault in undoing.kept}
    stayed = list(ImportedRow.unscoped.filter(run=found, row__in=reasons))
    for one in stayed:
        one.kept, one.kept_params = reasons[one.row].code, {name: str(value) for name, value in reasons[one.row].params.items()}
    ImportedRow.unscoped.bulk_update(stayed, ["kept", "kept_params"], batch_size=1000)
    found.state = ImportRun.State.PARTLY if undoing.kept else ImportRun.State.UNDONE
    found.undone_at, found.undone_by = clock.now(), actor.name
    found.save(update_fields=["state", "undone_at", "undone_by"])
    record(found.subject, before=ImportRun.State.DONE, after=found.state, detail={"back": len(undoing.free), "stayed": len(undoing.kept)})
    return found


@action("base.imports")
def discard_import(run_id: int, *, actor: Actor) -> None:
    """Forget a file that was not imported. Locks the import; harmless when it is gone. Raises Refused when it was imported."""
    if not imports(actor).filter(pk=run_id).exists():
        raise NotFound("base.not_found")
    found = _lock(run_id, actor)
    _refuse_done(found)
    record(found.subject, after="discarded", detail={"file": found.file_name})
    _forget([found.pk])


@action("base.imports")
def forget_imports(*, actor: Actor) -> None:
    """Forget files that nobody imported within 30 days."""
    old = ImportRun.unscoped.filter(state=ImportRun.State.DRAFT, at__lt=clock.now() - timedelta(days=DRAFT_DAYS))
    _forget(old.values_list("pk", flat=True))


def _forget(ids: Iterable[int]) -> None:
    gone = list(ids)
    files.drop(SUBJECT, gone)
    ImportRun.unscoped.filter(pk__in=gone).delete()


def may_undo(run: ImportRun) -> bool:
    """Whether an import can be undone, and it is still time."""
    kind = kinds().get(run.kind)
    return (
        kind is not None
        and kind.undoable
        and run.state == ImportRun.State.DONE
        and run.done_at is not None
        and clock.now() - run.done_at < timedelta(hours=UNDO_HOURS)
    )


def sheet_of(run: ImportRun, actor: Actor) -> Sheet:
    """The kept file of an import, as it stands."""
    kept = files.files_of(run.subject).first()
    if kept is None:
        raise NotFound("base.not_found")
    with files.content(kept) as content:
        return read(run.file_name, content.read(), kind_of(run.kind, actor).columns)


def look(run: ImportRun, actor: Actor, sheet: Sheet | None = None, tell: Callable[[int], None] | None = None) -> Looked:
    """The dry run of an import. Raises Invalid when a column is missing."""
    kind = kind_of(run.kind, actor)
    raise_if_any([Fault("base.import_column", "", {"label": column.label}) for column in missing(run.mapping, kind.columns)], Invalid)
    rows = rows_of(sheet or sheet_of(run, actor), run.mapping, kind.columns)
    if not rows:
        raise Invalid("base.import_nothing", field="file")
    return kind.look(rows, tell)


def same_file(run: ImportRun) -> ImportRun | None:
    """The last import of the very same file that still stands."""
    done = (ImportRun.State.DONE, ImportRun.State.PARTLY)
    return ImportRun.unscoped.filter(org_id=run.org_id, kind=run.kind, sha256=run.sha256, state__in=done).exclude(pk=run.pk).order_by("-pk").first()


def undoing_of(run: ImportRun, actor: Actor) -> Undoing:
    """What undoing an import would do now; writes and locks nothing."""
    return _weigh(kind_of(run.kind, actor), _touched(run))


def _weigh(kind: Kind, touched: list[Touched]) -> Undoing:
    faults = kind.hindered(touched)
    return Undoing([t for t in touched if t.row not in faults], [(t, faults[t.row]) for t in touched if t.row in faults])


def _touched(run: ImportRun) -> list[Touched]:
    found = ImportedRow.unscoped.filter(run=run).order_by("row").values_list("row", "key", "label", "is_new", "before", "after")
    return [Touched(*one) for one in found]


def _lock(run_id: int, actor: Actor) -> ImportRun:
    get_visible(actor, ImportRun, run_id)
    return lock_one(ImportRun, run_id, rank=Rank.NETWORK)


def _refuse_done(run: ImportRun) -> None:
    if run.state != ImportRun.State.DRAFT:
        raise Refused("base.import_done")
