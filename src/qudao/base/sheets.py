"""Sheets in and out: xlsx and csv of exactly what a list shows, and the rows of an uploaded file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from django.utils.crypto import get_random_string
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook
from rustpy_xlsxwriter import write_worksheet

from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Invalid

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
#: rows of one exported file (a sheet ends at 1,048,576); up to AT_ONCE it is made while one waits, beyond it is a job with progress
LIMIT = 1_000_000
AT_ONCE = 5_000
#: text that a spreadsheet would run as a formula
RISKY = ("=", "+", "-", "@", "\t", "\r")
#: how the mark of an export begins, and its signs: none that are taken for one another
MARK, SIGNS = "X-", "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True)
class Mark:
    """The watermark of one exported file: a code that the log knows, and who took it when, in words."""

    code: str
    text: str

    def named(self, name: str) -> str:
        """A file's name (without ending) that carries the code."""
        return f"{name} {self.code}"


def mark_for(actor: Actor, *, printed: bool = False) -> Mark:
    """A new watermark; `log_export`, or `log_print` for what is `printed`, writes it down."""
    code = MARK + get_random_string(8, SIGNS)
    told = _("Printed by {name} on {at}. Mark {code}.") if printed else _("Exported by {name} on {at}. Mark {code}.")
    return Mark(code, told.format(name=actor.name or _("System"), at=f"{clock.now().astimezone(get_current_timezone()):%Y-%m-%d %H:%M}", code=code))


def find_mark(text: str) -> str:
    """The mark in what somebody typed or pasted (a mark, a file's name, a footer); "" when there is none."""
    found = re.search(rf"{MARK}[{SIGNS}]{{8}}", text.upper())
    return found[0] if found else ""


def _moment(value: datetime) -> datetime:
    return value.astimezone(get_current_timezone()).replace(tzinfo=None, microsecond=0)


def _kept(value: Any) -> Any:
    return value


#: how a sheet keeps a value: numbers and dates stay such, a moment is in local time, the rest is text
_PLAIN: dict[type, Callable[[Any], Any]] = {
    Decimal: float, datetime: _moment, str: _kept, int: _kept, float: _kept, bool: _kept, date: _kept, type(None): _kept,
}  # fmt: skip


def _plain(value: Any) -> Any:
    return _PLAIN.get(type(value), str)(value)


def _unique(heads: Sequence[Any]) -> list[str]:
    """Heads as text, made different where two are equal."""
    found: list[str] = []
    for head in heads:
        name, n = str(head) or "#", 2
        while name in found:
            name, n = f"{head} {n}", n + 1
        found.append(name)
    return found


def write_xlsx(heads: Sequence[Any], rows: Iterable[Sequence[Any]], mark: Mark | None = None) -> bytes:
    """A workbook of one sheet with a frozen, bold head row. Rows are taken one by one: a long file needs no second copy in memory.

    A mark stands at the foot of every printed page and as a note on the first head, where no import reads it.
    """
    names, target = _unique(heads), io.BytesIO()
    source = iter(rows)
    first = [dict(zip(names, map(_plain, row), strict=True)) for row in islice(source, AT_ONCE)]
    rest = (dict(zip(names, map(_plain, row), strict=True)) for row in source)
    short = len(first) < AT_ONCE  # measuring every cell of a long sheet costs more than writing it
    records = (first or [dict.fromkeys(names)]) if short else chain(first, rest)
    marked: dict[str, Any] = {}
    if mark and names:
        marked = {"page_setup": {"footer": "&L" + mark.text.replace("&", "&&") + "&R&P / &N"}, "notes": {names[0]: mark.text}}
    write_worksheet(records, target, sheet_name="Qudao", freeze_row=1, bold_headers=True, autofit=short, autofilter=True, **marked)
    return target.getvalue()


def _safe(cell: Any) -> Any:
    """A cell that no spreadsheet runs as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(RISKY) else cell


def write_csv(heads: Sequence[Any], rows: Iterable[Sequence[Any]], mark: Mark | None = None) -> bytes:
    """Comma-separated text with a byte order mark, so that Excel opens Chinese right; risky text is quoted against formulas.

    Nothing but rows stands in it: its mark is in the name of the file.
    """
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(_unique(heads))
    for row in rows:
        cells = [_digits(value) if isinstance(value, Decimal) else _safe(_plain(value)) for value in row]  # text keeps an amount exact
        writer.writerow(cells)
    return target.getvalue().encode("utf-8-sig")


def _digits(value: Decimal) -> str:
    """An amount as it is, a quantity or a price without idle zeros: 12.00, 12, 0.375."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if len(text.partition(".")[2]) > 2 else text


def _tidy(value: Any) -> str:
    """A cell as text: calamine gives every number as a float, so 12.0 is 12 and a code keeps its digits."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == value.time().min else value.isoformat(" ", "minutes")
    return value.isoformat() if isinstance(value, date) else str(value).strip()


def read(name: str, content: bytes) -> Iterator[list[str]]:
    """The rows of an uploaded xlsx, xls, ods or csv as text, head row first. Invalid("base.unreadable_file") when it is none of them."""
    if name.lower().endswith((".csv", ".txt", ".tsv")):
        for coding in ("utf-8-sig", "gb18030"):
            try:
                text = content.decode(coding)
            except UnicodeDecodeError:
                continue
            dialect = "\t" if "\t" in text.partition("\n")[0] else ","
            for row in csv.reader(io.StringIO(text), delimiter=dialect):
                yield [cell.strip() for cell in row]
            return
        raise Invalid("base.unreadable_file", field="file")
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        found = sheet.to_python(skip_empty_area=True)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise Invalid("base.unreadable_file", field="file") from error
    for cells in found:
        yield [_tidy(cell) for cell in cells]


@action("base.export")
def log_export(what: str, number: int, mark: Mark, *, actor: Actor) -> None:
    """Write down that the actor took `number` rows of the list `what` out of the system under this mark; locks nothing, emits nothing."""
    record(Subject("base.export", 0, number=mark.code), detail={"what": what[:64], "rows": number})
