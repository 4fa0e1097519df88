"""A sheet with any heads, read by the columns of a kind: which head means which column, and what each cell says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from qudao.base import sheets
from qudao.kernel.errors import Fault, Invalid

#: rows and columns of one file
MOST_ROWS, MOST_HEADS = 10_000, 100
#: the first lines of a sheet among which the heads are looked for: a title may stand above them
HEAD_LINES = 10
MOST_NUMBER, PLACES = Decimal(10) ** 12, 6
#: what stands in the example of a template; a row that has it is left out
SAMPLE = "SAMPLE-1"


# --- cells ---


def plain(text: str) -> str:
    """A text without what people add by habit: full-width letters, blanks, marks, capitals."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).lower()


def _words(label: Any) -> frozenset[str]:
    """A label in every language of the product."""
    found = set()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found.add(plain(str(label)))
    return frozenset(found)


def _number(text: str) -> Decimal:
    found = Decimal(unicodedata.normalize("NFKC", text).replace(",", "").replace(" ", "").lstrip("¥$€"))
    if not found.is_finite() or abs(found) >= MOST_NUMBER:
        raise ValueError(text)
    # a sheet computes 0.1 + 0.2 to 0.30000000000000004
    return found if int(found.as_tuple().exponent) >= -PLACES else round(found, PLACES)


def _share(text: str) -> Decimal:
    """A fraction, also written as a percentage."""
    folded = unicodedata.normalize("NFKC", text).strip()
    return _number(folded.removesuffix("%")) / 100 if folded.endswith("%") else _number(folded)


def _day(text: str) -> date:
    """A day as 2026-12-01, 2026/12/1, 2026.12.1, 20261201 or 2026年12月1日; a time behind it is left out."""
    folded = unicodedata.normalize("NFKC", text).strip().partition(" ")[0].partition("T")[0]
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", folded) or re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", folded)
    if not found:
        raise ValueError(text)
    return date(*(int(part) for part in found.groups()))


def _flag(text: str) -> bool:
    word = plain(text)
    if word in ("yes", "y", "true", "1", "是", "有", "含"):
        return True
    if word in ("no", "n", "false", "0", "否", "无", "不含"):
        return False
    raise ValueError(text)


READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "text": (str, ""),
    "number": (_number, "base.import_number"),
    "share": (_share, "base.import_number"),
    "day": (_day, "base.import_day"),
    "flag": (_flag, "base.import_flag"),
}


@dataclass(frozen=True)
class Column:
    """A column that a kind of file may have. `kind`: text, number, share (0.13 or 13%), day, flag (yes/no), choice (a TextChoices).

    `also`: other heads by which people call it, in any language. `required` in every row; what only new records need, `entry` says.
    """

    name: str
    label: Any
    kind: str = "text"
    required: bool = False
    help: Any = ""
    example: Any = ""
    also: Sequence[str] = ()
    choices: Any = None
    #: characters of a text
    most: int = 200

    @cached_property
    def known_as(self) -> frozenset[str]:
        """All its heads, plain."""
        return _words(self.label) | {plain(word) for word in (self.name, *self.also)}

    @cached_property
    def chosen(self) -> dict[str, Any]:
        """What may stand in a cell of a choice, plain → the value: the value itself and its label in every language."""
        return {word: value for value, label in self.choices.choices for word in _words(label) | {plain(value)}}

    def said(self, value: Any) -> Any:
        """A value as it stands in a file: what `read` makes the same value of."""
        if self.kind == "choice":
            return str(dict(self.choices.choices).get(value, ""))
        if self.kind == "flag" and value is not None:
            return _("yes") if value else _("no")
        return "" if value is None else value.normalize() + 0 if isinstance(value, Decimal) else value

    def read(self, text: str) -> tuple[Any, Fault | None]:
        """(value, what is wrong) of a cell; an empty one has the value None."""
        if not text:
            return None, Fault("base.import_empty", self.name) if self.required else None
        if self.kind == "choice":
            if plain(text) in self.chosen:
                return self.chosen[plain(text)], None
            return None, Fault("base.import_choice", self.name, {"text": text, "choices": ", ".join(str(label) for label in self.choices.labels)})
        if len(text) > self.most:
            return None, Fault("base.import_long", self.name, {"most": self.most})
        reader, code = READERS[self.kind]
        try:
            return reader(text), None
        except (ValueError, InvalidOperation):
            return None, Fault(code, self.name, {"text": text})


# --- rows ---


@dataclass
class Cells:
    """One row of a file, read by the kind's columns: the values, None for an empty or unreadable cell, and what could not be read."""

    no: int
    typed: dict[str, str]
    values: dict[str, Any]
    faults: list[Fault]

    def text(self, name: str, usual: str = "") -> str:
        """A text, or what it usually is."""
        found = self.values.get(name)
        return usual if found is None else found

    def get(self, name: str, usual: Any = None) -> Any:
        """A value, or what it usually is."""
        found = self.values.get(name)
        return usual if found is None else found


# --- sheets ---


@dataclass(frozen=True)
class Sheet:
    """A file as it stands: its heads, and its rows with their numbers in the file."""

    heads: list[str]
    lines: list[tuple[int, list[str]]]


def read(name: str, content: bytes, columns: Sequence[Column]) -> Sheet:
    """Read a file; its heads are the first line that looks most like heads of this kind. Raises Invalid: unreadable, empty or too long."""
    found: list[tuple[int, list[str]]] = []
    for number, cells in enumerate(sheets.read(name, content), 1):
        cells = [cell.replace("\x00", "").strip() for cell in cells]
        if any(cells):
            found.append((number, cells))
        if len(found) > MOST_ROWS + HEAD_LINES:
            break
    if not found:
        raise Invalid("base.import_nothing", field="file")
    known = frozenset().union(*(column.known_as for column in columns))
    at = max(range(min(HEAD_LINES, len(found))), key=lambda n: (sum(plain(cell) in known for cell in found[n][1]), -n))
    lines = found[at + 1 :]
    if not lines:
        raise Invalid("base.import_nothing", field="file")
    if len(lines) > MOST_ROWS:
        raise Invalid("base.import_too_long", field="file", most=f"{MOST_ROWS:,}")
    width = min(MOST_HEADS, max(len(cells) for _number, cells in found[at:]))
    heads = [*(cell[:80] for cell in found[at][1]), *[""] * width][:width]
    while heads and not heads[-1] and not any(len(cells) >= len(heads) and cells[len(heads) - 1] for _number, cells in lines):
        heads.pop()
    return Sheet(heads, lines)


def guess(heads: Sequence[str], columns: Sequence[Column]) -> tuple[list[str], bool]:
    """(for each head the column it most likely is, "" for none and no column twice; whether every head is known exactly).

    A head that says more than a column's name ("Unit price (CNY)") counts when it fits one column only.
    """
    left, found = {column.name: column for column in columns}, [""] * len(heads)
    for exact in (True, False):
        for n, head in enumerate(heads):
            said = plain(head)
            if found[n] or not said:
                continue
            fits = [name for name, column in left.items() if (said in column.known_as if exact else any(_long(w) and w in said for w in column.known_as))]
            if len(fits) == 1 or (fits and exact):
                found[n] = fits[0]
                left.pop(fits[0])
        if exact:
            sure = all(found[n] or not plain(head) for n, head in enumerate(heads))
    return found, sure


def _long(word: str) -> bool:
    """Whether a word says enough to be looked for inside a longer one: two Chinese characters, four letters."""
    return len(word.encode()) > 3


def missing(mapping: Sequence[str], columns: Sequence[Column]) -> list[Column]:
    """The columns that every row needs and no head is read as."""
    return [column for column in columns if column.required and column.name not in mapping]


def rows_of(sheet: Sheet, mapping: Sequence[str], columns: Sequence[Column]) -> list[Cells]:
    """The rows of a sheet by column; empty ones and the template's example are left out."""
    return list(_rows(sheet, {name: n for n, name in enumerate(mapping) if name}, columns))


def _rows(sheet: Sheet, places: Mapping[str, int], columns: Sequence[Column]) -> Iterator[Cells]:
    mapped = [(column, places[column.name]) for column in columns if column.name in places]
    for number, cells in sheet.lines:
        typed = {column.name: cells[n] if n < len(cells) else "" for column, n in mapped}
        if not any(typed.values()) or SAMPLE in typed.values():
            continue
        values, faults = {}, []
        for column, _n in mapped:
            values[column.name], fault = column.read(typed[column.name])
            if fault:
                faults.append(fault)
        yield Cells(number, typed, values, faults)


def template(columns: Sequence[Column], ending: str) -> bytes:
    """An empty file of a kind with the heads in the reader's language and one row as an example."""
    write = sheets.write_xlsx if ending == "xlsx" else sheets.write_csv
    return write([column.label for column in columns], [[str(column.example) for column in columns]])
