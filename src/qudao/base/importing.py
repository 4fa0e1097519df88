"""Records from files: what a kind of file is, and what a dry run says of its rows. Pages and `qudao import` share it.

A module's `imports` room ends with `KINDS = (Products, …)`. A kind says its columns, looks up what it needs for all rows at once (`open`),
judges one row (`entry`), writes the good ones (`write`) and takes them back (`hindered`, `take_back`): the rest is here, how a sheet is read
in `import_sheets`, what becomes of a file in `import_runs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

from django.db.models import Model

from qudao.base.access import Actor, modules
from qudao.base.built import built_on
from qudao.base.import_sheets import Cells, Column
from qudao.base.lock import Rank
from qudao.kernel.errors import DomainError, Fault

NEW, CHANGED, SAME = "new", "changed", "same"
#: after so many rows a long reading says how far it is
TOLD = 250


@dataclass(frozen=True)
class Entry:
    """A good row: how people call the record, whether it is new, changed or the same, what `write` needs, and what changes (column, before, after)."""

    row: int
    label: str
    what: str
    data: Any = None
    changes: Sequence[tuple[str, Any, Any]] = ()


@dataclass(frozen=True)
class Wrong:
    """A cell (or with the column "" a row) that cannot be imported."""

    row: int
    column: str
    text: str
    fault: Fault


@dataclass(frozen=True)
class Touched:
    """A record that was made or changed: its key, and only what changed, before and after, as JSON keeps it."""

    row: int
    key: int
    label: str
    is_new: bool
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Looked:
    """What a dry run found."""

    rows: int
    entries: list[Entry]
    wrong: list[Wrong]

    def count(self, what: str) -> int:
        """How many good rows are new, changed or the same."""
        return sum(1 for entry in self.entries if entry.what == what)

    @property
    def wrong_rows(self) -> int:
        """How many rows have a fault."""
        return len({one.row for one in self.wrong})

    @property
    def to_do(self) -> list[Entry]:
        """The rows that would change something."""
        return [entry for entry in self.entries if entry.what != SAME]


class Kind:
    """A kind of file, for one person. Subclasses set the attributes and the hooks; every hook takes a fixed number of statements."""

    #: Django's templates would make one of a class they meet
    do_not_call_in_templates = True

    name: ClassVar[str]
    label: ClassVar[Any]
    #: one sentence: what the file is for, and what a row does
    about: ClassVar[Any] = ""
    icon: ClassVar[str] = "file-spreadsheet"
    #: who may import it, and take it back
    verb: ClassVar[str]
    #: the field grant without which nobody reads or writes what such files hold; "": none
    sight: ClassVar[str] = ""
    #: address name of the list that shows the records
    place: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    #: the table and rank by which the records are locked before they are taken back; None where the actions lock
    model: ClassVar[type[Model] | None] = None
    rank: ClassVar[Rank] = Rank.NETWORK
    #: whether the same file again would do the same again (stock) instead of nothing
    adds: ClassVar[bool] = False
    #: whether an import can be taken back at all
    undoable: ClassVar[bool] = True
    #: rows up to which a file is imported while the person waits; a longer one is a job with a bar
    most_at_once: ClassVar[int] = 2_000

    def __init__(self, actor: Actor) -> None:
        self.actor = actor

    @classmethod
    def open_to(cls, actor: Actor) -> bool:
        """Whether a person may import such files, and see what they held and changed."""
        return actor.can(cls.verb) and (not cls.sight or actor.sees(cls.sight))

    def open(self, rows: Sequence[Cells]) -> None:
        """Hook: look up whatever the rows name, all at once."""

    def key(self, row: Cells) -> Any:
        """Hook: what must not stand in two rows; None when it may."""
        return row.text(self.columns[0].name).upper()

    def entry(self, row: Cells) -> Entry:
        """Hook: judge one row; raises Invalid or Refused with every fault at its column."""
        raise NotImplementedError

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        """Hook: make and change the records, by actions; called in one transaction."""
        raise NotImplementedError

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """Hook: the facts of records as they stand now, by key; what is gone is missing."""
        raise NotImplementedError

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """Hook: by row, why a record cannot be taken back: it is gone, something was built on it, or somebody changed it since. Writes nothing."""
        assert self.model is not None, "a kind of other things than records says it itself"
        used = built_on(self.model, [one.key for one in touched if one.is_new])
        now = self.now([one.key for one in touched])

        def fault(one: Touched) -> Fault | None:
            if one.key not in now:
                return Fault("base.import_gone")
            if one.key in used:
                return Fault("base.import_built_on", "", {"where": used[one.key]})
            return changed_since(one, now[one.key])

        return by_row(touched, fault)

    def take_back(self, touched: Sequence[Touched]) -> None:
        """Hook: take back records that nothing hinders, by actions; called in one transaction."""
        raise NotImplementedError

    def standing(self) -> Iterable[Mapping[str, Any]]:
        """Hook: the records as they stand now, a row each by column name; brought back unchanged, such a file changes nothing."""
        return ()

    # --- what every kind does alike ---

    @classmethod
    def has_standing(cls) -> bool:
        """Whether what is there can be had as a file of this kind."""
        return cls.standing is not Kind.standing

    def lines(self) -> Iterator[list[Any]]:
        """What is there now, cell by cell as `columns` read it; a choice and yes or no in words."""
        for row in self.standing():
            yield [column.said(row.get(column.name)) for column in self.columns]

    def look(self, rows: Sequence[Cells], tell: Callable[[int], None] | None = None) -> Looked:
        """The dry run: every row judged, nothing written. `tell` hears now and then how many."""
        self.open(rows)
        entries, wrong, seen = [], [], dict[Any, int]()
        for n, row in enumerate(rows, 1):
            if tell and n % TOLD == 0:
                tell(n)
            faults = {fault.field: fault for fault in reversed(row.faults)}
            try:
                entry = self.entry(row)
            except DomainError as error:
                for fault in error.faults:
                    faults.setdefault(fault.field, fault)
            first = seen.setdefault(self.key(row), row.no) if self.key(row) else row.no
            if first != row.no:
                faults.setdefault(self.columns[0].name, Fault("base.import_twice", self.columns[0].name, {"row": first}))
            if faults:
                wrong += [Wrong(row.no, name, row.typed.get(name, ""), fault) for name, fault in faults.items()]
            else:
                entries.append(entry)
        return Looked(len(rows), entries, wrong)


def kept(value: Any) -> Any:
    """A value as JSON keeps it: a decimal without idle zeros, a day by its digits."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, date) else value


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[str, Any, Any], ...]:
    """(name, before, after) of what differs."""
    return tuple((name, before[name], value) for name, value in after.items() if before[name] != value)


def changed_since(touched: Touched, now: Mapping[str, Any]) -> Fault | None:
    """A fault when somebody has changed since what the import changed; what else changed does not matter."""
    return None if all(kept(now[name]) == value for name, value in touched.after.items()) else Fault("base.import_changed_since")


def parted(entries: Sequence[Entry]) -> tuple[list[Entry], dict[int, Entry]]:
    """The new ones, and the changed ones by the key of their record, with which their data begins."""
    return [e for e in entries if e.what == NEW], {e.data[0]: e for e in entries if e.what == CHANGED}


def touched_by(new: Sequence[Entry], made: Sequence[Any], old: Mapping[int, Entry], changed: Mapping[int, Mapping[str, Sequence[Any]]]) -> list[Touched]:
    """What a kind has written: the records made for the new rows, in their order, and of the changed ones what changed, name → (before, after)."""
    touched = [Touched(e.row, one.pk, e.label, True) for e, one in zip(new, made, strict=True)]
    for pk, pairs in changed.items():
        before, after = ({name: kept(pair[n]) for name, pair in pairs.items()} for n in (0, 1))
        touched.append(Touched(old[pk].row, pk, old[pk].label, False, before, after))
    return touched


# --- what there is ---


@cache
def kinds() -> dict[str, type[Kind]]:
    """Every kind by name, from the modules' `imports` rooms, lowest module first."""
    found: dict[str, type[Kind]] = {}
    for module in modules():
        try:
            room = import_module(f"qudao.{module}.imports")
        except ModuleNotFoundError as absent:
            if absent.name != f"qudao.{module}.imports":
                raise
            continue
        found |= {kind.name: kind for kind in room.KINDS}
    return found


def kinds_of(actor: Actor) -> list[str]:
    """The names of the kinds that a person may import."""
    return [name for name, kind in kinds().items() if kind.open_to(actor)]


def by_row(touched: Iterable[Touched], fault_of: Callable[[Touched], Fault | None]) -> dict[int, Fault]:
    """What hinders each row, for `Kind.hindered`."""
    return {one.row: fault for one in touched if (fault := fault_of(one))}
