"""One column of a table: its cell as HTML, its plain value for sheets and sums, and whether it may be edited in place."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ObjectDoesNotExist
from django.utils.html import format_html_join, strip_tags
from django.utils.safestring import SafeData, SafeString

from qudao.base.html import figures
from qudao.base.html.figures import escaped


def reach(row: Any, path: str) -> Any:
    """The value at a dotted path of a row (attributes, mapping keys or methods); None where the path ends early."""
    for part in path.split("."):
        if row is None:
            return None
        try:
            row = row[part] if isinstance(row, Mapping) else getattr(row, part)
        except (KeyError, ObjectDoesNotExist):
            return None
        if callable(row):
            row = row()
    return row


@lru_cache(4096)
def _stripped(markup: str) -> str:
    return html.unescape(strip_tags(markup)).strip()


def bare(shown: Any) -> str:
    """What a cell says without its markup; text that was never markup stays as it is."""
    return _stripped(str(shown)) if isinstance(shown, SafeData) else str(shown)


def _always(row: Any) -> bool:
    return True


@dataclass(frozen=True)
class Edit:
    """How a cell is edited in place: `field(row, actor)` reads what is typed, the change as an action, and of which rows (see `edits`).

    `perform(row, value, actor)` ends in an action; the row that it returns, where it is another of the same kind, stands there from then on.
    `now(row)` is the raw value that is edited (by default the column's own).
    """

    verb: str
    field: Callable[[Any, Any], forms.Field]
    perform: Callable[[Any, Any, Any], Any]
    now: Callable[[Any], Any] | None = None
    when: Callable[[Any], bool] = _always


@dataclass(frozen=True)
class Column:
    """One column. `cell` is a kind (text, code, amount, price, qty, number, day, moment, age, state, link) or a function of the row.

    `name` is the path of the value; `slug` the column's name in an address where it has no other; `sort` the ORM field(s) to order by;
    `dim` marks routine values; `total` sums the page, and `sum` (an ORM path or expression) the whole result; `hidden` shows it only when chosen;
    `by` names the attributes that a function's answer depends on, or makes them of a row, so that a long export asks it once for each different input;
    `hide_on_phone` leaves it out of the two-line row; `tones` gives a state's tone by value; `grant` hides the column without that field grant.
    """

    name: str
    label: Any
    cell: str | Callable[[Any], Any] = "text"
    num: bool = False
    dim: bool = False
    hide_on_phone: bool = False
    sort: str | tuple[str, ...] = ""
    total: bool = False
    tones: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    width: str = ""
    grant: str = ""
    slug: str = ""
    sum: Any = ""
    hidden: bool = False
    edit: Edit | None = None
    by: tuple[str, ...] | Callable[[Any], Any] = ()

    @property
    def key(self) -> str:
        """The column's name in the address when one sorts by it."""
        return self.name or (self.sort if isinstance(self.sort, str) else self.sort[0])

    @property
    def id(self) -> str:
        """The column's name in the address when one chooses columns; "" when it has none of its own."""
        return self.slug or self.key

    @property
    def right(self) -> bool:
        """Whether the column is set right-aligned."""
        return self.num or self.cell in ("amount", "price", "qty", "number", "day", "moment", "age")

    def value(self, row: Any) -> Any:
        """The plain value, for sheets and totals: a number or date as such, everything else as it is shown."""
        found = reach(row, self.name) if self.name else None
        if callable(self.cell):
            return found if isinstance(found, (Decimal, int, float, date)) else bare(self.cell(row))
        if self.cell == "state":
            return "" if found in (None, "") else str(self._state(row, found)[0])
        return found

    def _state(self, row: Any, found: Any) -> tuple[Any, str]:
        shown = getattr(row, f"get_{self.name}_display", None)
        return (shown() if shown else getattr(found, "label", found)), self.tones.get(found, "idle")

    def html(self, row: Any, url: str = "") -> Any:
        """The cell's content as HTML."""
        if callable(self.cell):
            return self.cell(row)
        found = reach(row, self.name)
        match self.cell:
            case "state":
                return "" if found in (None, "") else figures.badge(*self._state(row, found))
            case "link":
                return SafeString(f'<a href="{escaped(url)}">{escaped(found)}</a>') if url else found
            case "code":
                return SafeString(f'<span class="code">{escaped(found or "")}</span>')
            case "amount":
                return figures.amount(found)
            case "price":
                return figures.price(found)
            case "qty":
                return figures.qty(found, str(reach(row, self.unit) or "") if self.unit else "")
            case "number":
                return figures.DASH if found is None else f"{found:,}"
            case "day":
                return figures.day(found)
            case "moment":
                return figures.moment(found)
            case "age":
                return figures.age(found)
        return figures.DASH if found is None else found

    def css(self) -> str:
        """The classes of the column's cells."""
        names = ("num" if self.right else "", "dim" if self.dim else "", "hide" if self.hide_on_phone else "", "id" if self.cell == "link" else "")
        return " ".join(n for n in (*names, self.width) if n)

    def sum_shown(self, sums: Mapping[str, Any]) -> Any:
        """A sum a currency as the foot of the column shows it: bare when there is one currency, each with its sign when there are several; "" where no row
        shows an amount.
        """
        if self.cell in ("qty", "number"):
            return figures.qty(sum((Decimal(v) for v in sums.values()), Decimal(0)))
        if len(sums) > 1:
            return format_html_join(figures.SEP, "{}", ((figures.money(value, currency),) for currency, value in sorted(sums.items())))
        return figures.amount(next(iter(sums.values()))) if sums else ""

    def edited(self, row: Any) -> Any:
        """The raw value that an edit in place starts from."""
        if self.edit is None:
            return None
        return self.edit.now(row) if self.edit.now else reach(row, self.name)
