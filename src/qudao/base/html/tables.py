"""A declared table: its columns, filters and state tabs, and how a request's address turns into rows. No query of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet, ObjectDoesNotExist
from django.db import connections
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.html import conditional_escape, format_html, format_html_join, strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from qudao.base.html import figures

#: a tab's count stops here ("5,000+"): a list answers in constant time however long the history is
CAP = 5000
PER_PAGE = 50
LAST_PAGE = 200


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


@dataclass(frozen=True)
class Column:
    """One column. `cell` is a kind (text, code, amount, price, qty, number, day, moment, age, state, link) or a function of the row.

    `name` is the path of the value; `sort` the ORM field(s) to order by; `dim` marks routine values; `total` sums the page;
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

    @property
    def key(self) -> str:
        """The column's name in the address when one sorts by it."""
        return self.name or (self.sort if isinstance(self.sort, str) else self.sort[0])

    @property
    def right(self) -> bool:
        """Whether the column is set right-aligned."""
        return self.num or self.cell in ("amount", "price", "qty", "number", "day", "moment", "age")

    def value(self, row: Any) -> Any:
        """The plain value, for sheets and totals."""
        if callable(self.cell) and not self.name:
            return strip_tags(str(self.cell(row)))
        found = reach(row, self.name)
        if self.cell == "state":
            return str(self._state(row, found)[0])
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
                return format_html('<a href="{}">{}</a>', url, found) if url else found
            case "code":
                return format_html('<span class="code">{}</span>', found or "")
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

    def css(self, row: Any = None) -> str:
        """The classes of the cell."""
        names = ("num" if self.right else "", "dim" if self.dim else "", "hide" if self.hide_on_phone else "", "id" if self.cell == "link" else "")
        return " ".join(n for n in (*names, self.width) if n)


@dataclass(frozen=True)
class Filter:
    """One filter of the list, kept in the address. `kind`: choice, text, day (one date), flag. `q` makes the condition from the value."""

    name: str
    label: Any
    lookup: str = ""
    kind: str = "choice"
    choices: Sequence[tuple[Any, Any]] | Callable[[Any], Iterable[tuple[Any, Any]]] = ()
    q: Callable[[str], Q] | None = None

    def options(self, actor: Any) -> list[tuple[str, Any]]:
        """The choices offered to this actor."""
        found = self.choices(actor) if callable(self.choices) else self.choices
        return [(str(value), label) for value, label in found]

    def condition(self, raw: str) -> Q:
        """The condition for a raw value; an unreadable value filters nothing out."""
        if self.q:
            return self.q(raw)
        if self.kind == "day":
            found = parse_date(raw) if len(raw) == 10 else None
            return Q(**{self.lookup: found}) if found else Q()
        if self.kind == "flag":
            return Q(**{self.lookup: raw == "1"}) if raw in ("0", "1") else Q()
        return Q(**{self.lookup or self.name: raw})

    def shown(self, raw: str, actor: Any) -> Any:
        """The value in words, for the chip."""
        if self.kind == "day":
            return figures.day(parse_date(raw) if len(raw) == 10 else None)
        if self.kind == "flag":
            return _("yes") if raw == "1" else _("no")
        return dict(self.options(actor)).get(raw, raw) if self.kind == "choice" else raw


@dataclass(frozen=True)
class Tab:
    """A state tab: a named condition; `wrong` sets its count in red."""

    name: str
    label: Any
    q: Q | Callable[[Any], Q] = field(default_factory=Q)
    wrong: bool = False

    def condition(self, actor: Any) -> Q:
        """The tab's condition for this actor."""
        return self.q(actor) if callable(self.q) else self.q


class Table:
    """Declare `columns`, `filters`, `tabs`, `search` (ORM lookups) and `order`; `url(row)` leads to the row's page."""

    columns: Sequence[Column] = ()
    filters: Sequence[Filter] = ()
    tabs: Sequence[Tab] = ()
    #: lookups of the search field, all tried ("number__istartswith", "buyer__name__icontains")
    search: Sequence[str] = ()
    order: Sequence[str] = ("-id",)
    per_page = PER_PAGE
    #: the sentence of an empty list, and what to do about it
    empty: Any = ""
    remedy: Any = ""

    def url(self, row: Any) -> str:
        """The address of the row's page; "" when it has none."""
        return row.get_absolute_url() if hasattr(row, "get_absolute_url") else ""

    def row_css(self, row: Any) -> str:
        """Extra class of a row."""
        return ""

    # --- what the kit does with it ---

    def shown_columns(self, actor: Any) -> list[Column]:
        """The columns this actor may see."""
        return [c for c in self.columns if not c.grant or actor.sees(c.grant)]

    def narrowed(self, rows: QuerySet, params: QueryDict) -> QuerySet:
        """The rows of the search and the filters in the address (not of the tab)."""
        words = typed(params, "q")
        for word in words.split()[:6] if self.search else ():
            condition = Q()
            for lookup in self.search:
                condition |= Q(**{lookup: word})
            rows = rows.filter(condition)
        for one in self.filters:
            raw = typed(params, one.name)
            if raw:
                try:
                    rows = rows.filter(one.condition(raw))
                except (ValueError, TypeError):
                    continue
        return rows

    def sorting(self, params: QueryDict) -> tuple[str, bool, list[str]]:
        """(column name, descending, ORM order) of the address; the primary key makes it stable."""
        asked = params.get("sort", "")
        down, name = asked.startswith("-"), asked.lstrip("-")
        for column in self.columns:
            if name and column.sort and column.key == name:
                fields = (column.sort,) if isinstance(column.sort, str) else column.sort
                order = [("-" if down else "") + f for f in fields]
                return name, down, [*order, "-pk" if down else "pk"]
        return "", False, list(self.order)

    def chips(self, params: QueryDict, actor: Any) -> list[dict[str, Any]]:
        """The filters in use: label, value in words, and the address without it."""
        found = []
        for one in self.filters:
            raw = typed(params, one.name)
            if raw:
                found.append({"label": one.label, "value": one.shown(raw, actor), "url": address(params, **{one.name: None, "page": None})})
        return found

    def fields(self, params: QueryDict, actor: Any) -> list[dict[str, Any]]:
        """The filters as fields of the filter form."""
        return [
            {"name": f.name, "label": f.label, "kind": f.kind, "value": params.get(f.name, ""), "options": f.options(actor) if f.kind == "choice" else ()}
            for f in self.filters
        ]

    def head(self, columns: Sequence[Column], params: QueryDict) -> list[dict[str, Any]]:
        """The heads, with the address that sorts by them."""
        name, down, _order = self.sorting(params)
        heads = []
        for column in columns:
            on = bool(name and column.sort) and column.key == name
            to = ("" if down else "-") + column.key if on else ("-" if column.right else "") + column.key if column.sort else ""
            heads.append(
                {
                    "label": column.label,
                    "css": column.css(),
                    "url": address(params, sort=to, page=None) if column.sort else "",
                    "aria": ("descending" if down else "ascending") if on else "",
                    "down": on and down,
                    "up": on and not down,
                }
            )
        return heads

    def body(self, rows: Iterable[Any], columns: Sequence[Column], *, pick: bool = False) -> SafeString:
        """The rows as HTML, made here and not in a template: 600 cells in a few milliseconds."""
        made = []
        box = _("Choose {name}")
        for row in rows:
            url = self.url(row)
            cells = [(c.css(row), c.html(row, url)) for c in columns]
            if url and not any(c.cell == "link" and not c.hide_on_phone for c in columns):
                at = next((i for i, c in enumerate(columns) if not c.hide_on_phone), 0)
                css, content = cells[at]
                cells[at] = (css, content if "<a " in str(content) else format_html('<a href="{}">{}</a>', url, content))
            drawn = format_html_join("", '<td class="{}">{}</td>', cells)
            first = (
                format_html(
                    '<td class="hide"><input class="form-check-input" type="checkbox" name="pick" value="{}" aria-label="{}"></td>',
                    str(row.pk), box.format(name=str(row)),
                )
                if pick
                else ""
            )  # fmt: skip
            made.append(format_html('<tr class="{}" data-href="{}">{}{}</tr>', self.row_css(row), url, first, drawn))
        return mark_safe("".join(made))  # noqa: S308 - every part above is escaped

    def totals(self, rows: Sequence[Any], columns: Sequence[Column]) -> list[dict[str, Any]]:
        """The sums of this page for the columns that ask for one; [] when none does."""
        if not any(c.total for c in columns):
            return []
        cells = []
        for column in columns:
            total: Any = ""
            if column.total:
                known = [v for v in (column.value(row) for row in rows) if v is not None]
                total = sum(known, Decimal(0)) if known else Decimal(0)
                total = figures.qty(total) if column.cell in ("qty", "number") else figures.amount(total)
            cells.append({"css": column.css(), "value": total})
        return cells


def typed(params: QueryDict, name: str) -> str:
    """A parameter as typed, trimmed, without the NUL that PostgreSQL refuses."""
    return params.get(name, "").replace("\x00", "").strip()


def address(params: QueryDict, **changes: Any) -> str:
    """The present address's query with some parameters set, or removed by None; "?" when nothing is left."""
    found = params.copy()
    for name, value in changes.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    return "?" + found.urlencode()


def bounded_counts(parts: Mapping[str, QuerySet], cap: int = CAP) -> dict[str, int]:
    """How many rows each query has, counted up to `cap` + 1, all in one statement whose cost does not grow with the history."""
    selects: list[str] = []
    values: list[Any] = []
    counts = dict.fromkeys(parts, 0)
    database = "default"
    for name, rows in parts.items():
        try:
            sql, given = rows.order_by().values("pk")[: cap + 1].query.sql_with_params()
        except EmptyResultSet:
            continue
        selects.append(f"SELECT %s AS part, count(*) FROM ({sql}) AS bounded")
        values += [name, *given]
    if selects:
        with connections[database].cursor() as cursor:
            cursor.execute(" UNION ALL ".join(selects), values)
            counts.update(dict(cursor.fetchall()))
    return counts


def cell_pair(main: Any, small: Any) -> SafeString:
    """A name with its dim companion: 苏州恒泰家电 江苏."""
    return format_html('{} <span class="dim fs-s">{}</span>', main, small or "")


def by_language(name: str, name_en: str) -> str:
    """The name of a party or product in the reader's language."""
    return name if (get_language() or "").startswith("zh") or not name_en else name_en


def join(*facts: Any) -> SafeString:
    """Short facts with the separator between them; empty ones left out."""
    return format_html_join(figures.SEP, "{}", ((conditional_escape(f),) for f in facts if f not in (None, "")))
