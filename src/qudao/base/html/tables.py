"""A declared table: its columns, filters and state tabs, and how a request's address turns into rows. No query of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import connections
from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.html import conditional_escape, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from qudao.base.access import EVERY_ROW
from qudao.base.html import figures
from qudao.base.html.columns import Column, Edit, reach
from qudao.base.html.figures import escaped
from qudao.base.search import matching, words_of

__all__ = [
    "CAP", "LAST_PAGE", "PER_PAGE", "SEARCHED", "Column", "Edit", "Filter", "Tab", "Table", "address", "bounded_counts", "by_language", "by_sorting", "cap_of",
    "cell_pair", "join", "reach", "typed", "walked",
]  # fmt: skip
#: a tab's count stops here ("5,000+"): a list answers in constant time however long the history is
CAP = 5000
#: and here while no more than so many letters are searched for: who finds as many types another one
SEARCHED = {1: 200, 2: 200, 3: 1000}
PER_PAGE = 50
LAST_PAGE = 200
#: column → rows that may be edited in it; row → address and label of the paper it offers, or of the one click that helps it with an icon; None: there is
#: no such column
Edits = Mapping[str, Collection[Any]] | None
Papers = Mapping[Any, tuple[str, Any] | tuple[str, Any, str]] | None
_TAG = re.compile(r"<[^>]*>")


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
    #: instead of lookups: the kind whose entries the search field looks through (`base/search.py`), the column that names it, and whether a
    #: word may also name one of its two sides
    kind: str = ""
    via: str = "pk"
    parties: bool = False
    #: whether `order` is that of the entries' numbers: of more rows than are counted only the first are then joined and sorted
    numbered: bool = False
    order: Sequence[str] = ("-id",)
    per_page = PER_PAGE
    #: ORM path of the currency of amounts: sums are made a currency each
    currency: str = ""
    #: ORM paths of all that the columns and `prepare` read of a row: a long export then reads these and builds no model instance
    sheet: Sequence[str] = ()
    #: the sentence of an empty list, and what to do about it
    empty: Any = ""
    remedy: Any = ""

    def url(self, row: Any) -> str:
        """The address of the row's page; "" when it has none."""
        return row.get_absolute_url() if hasattr(row, "get_absolute_url") else ""

    def along(self, tab: str, params: QueryDict) -> tuple[str, ...]:
        """The order in which a long tab is counted, where the planner needs one to go by an index; none otherwise."""
        return ()

    def row_css(self, row: Any) -> str:
        """Extra class of a row."""
        return ""

    def summed(self, actor: Any) -> Q:
        """The rows whose amounts this actor may see: only these are summed over a whole result (`access.priced`)."""
        return EVERY_ROW

    def also(self, words: str) -> RawSQL | None:
        """Hook: the ids of more entries that a search finds, as `matching` gives them: of what is known by something that belongs to it."""
        return None

    # --- what the kit does with it ---

    def offered_columns(self, actor: Any) -> dict[str, Column]:
        """The columns this actor may see, by the name they have in an address."""
        return {c.id or f"c{n}": c for n, c in enumerate(self.columns) if not c.grant or actor.sees(c.grant)}

    def shown_columns(self, actor: Any, params: QueryDict | None = None) -> list[Column]:
        """The columns of the address (`columns=a,b`) in its order, as far as this actor may see them; else those not hidden by default."""
        offered = self.offered_columns(actor)
        asked = ",".join(params.getlist("columns")).split(",") if params is not None else []
        return [offered[name] for name in dict.fromkeys(asked) if name in offered] or [c for c in offered.values() if not c.hidden]

    def narrowed(self, rows: QuerySet, params: QueryDict) -> QuerySet:
        """The rows of the search and the filters in the address (not of the tab)."""
        words = typed(params, "q")
        found = matching(self.kind, words, parties=self.parties) if self.kind else None
        if found and (more := self.also(words)):
            found = RawSQL(f"{found.sql} UNION {more.sql}", ())  # noqa: S611 - literals are quoted
        rows = rows.filter(**{f"{self.via}__in": found}) if found else rows
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

    def _end(self, name: str, to: str, label: Any, icon: str = "") -> str:
        """The last cell of a row: the link to its paper, or what helps it as a button."""
        if icon:
            said = escaped(label)
            drawn = f'{figures.icon(icon)}<span class="not-phone">{said}</span>'
            return f'<td class="w-x"><a class="btn btn-sm" href="{escaped(to)}" aria-label="{said}: {name}">{drawn}</a></td>'
        said, drawn = f"{escaped(label)}: {name}", figures.icon("printer")
        link = f'<a class="dim d-inline-flex align-middle" href="{escaped(to)}" target="_blank" rel="noopener"'
        return f'<td class="hide w-x">{link} title="{said}" aria-label="{said}" data-print>{drawn}</a></td>'

    def body(self, rows: Iterable[Any], columns: Sequence[Column], *, pick: bool = False, edits: Edits = None, papers: Papers = None) -> SafeString:
        """The rows as HTML, made here and not in a template: 600 cells in a few milliseconds. `edits`: columns → rows whose cell may be edited in place;
        `papers`: rows → the paper that each offers at its end.
        """
        made = []
        box, editable, head = escaped(_("Choose {name}")), edits or {}, [escaped(c.css()) for c in columns]
        linked = any(c.cell == "link" and not c.hide_on_phone for c in columns)
        leading = next((i for i, c in enumerate(columns) if not c.hide_on_phone), 0)
        for row in rows:
            url, pk = self.url(row), escaped(row.pk)
            href = escaped(url)
            cells = [escaped(c.html(row, url)) for c in columns]
            name = _TAG.sub("", cells[0]).replace('"', "&quot;")  # as the row is read, in the reader's language
            if url and not linked and "<a " not in cells[leading]:
                cells[leading] = f'<a href="{href}">{cells[leading]}</a>'
            marks = [f' data-cell="{escaped(c.id)}" tabindex="0"' if c.edit and row.pk in editable.get(c.id, ()) and c.edit.when(row) else "" for c in columns]
            made.append(f'<tr class="{escaped(self.row_css(row))}" data-href="{href}" data-row="{pk}">')
            if pick:
                said = box.replace("{name}", name)
                made.append(f'<td class="hide"><input class="form-check-input" type="checkbox" name="pick" value="{pk}" aria-label="{said}"></td>')
            made += [f'<td class="{css}"{mark}>{cell}</td>' for css, mark, cell in zip(head, marks, cells, strict=True)]
            if papers is not None:
                made.append(self._end(name, *papers[row.pk]) if row.pk in papers else '<td class="hide w-x"></td>')
            made.append("</tr>")
        return mark_safe("".join(made))  # noqa: S308 - every part above is escaped

    def totals(self, rows: Sequence[Any], columns: Sequence[Column], whole: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The sums of these rows for the columns that ask for one, or the given ones of the whole result; [] when no column asks."""
        if not any(c.total for c in columns):
            return []
        cells = []
        for column in columns:
            total: Any = ""
            if column.total:
                sums = whole.get(column.id) if whole is not None else None
                total = column.sum_shown(sums if sums is not None else self._sums(rows, column))
            cells.append({"css": column.css(), "value": total})
        return cells

    def _sums(self, rows: Sequence[Any], column: Column) -> dict[str, Decimal]:
        """currency → sum of a column over these rows."""
        sums: dict[str, Decimal] = {}
        for row in rows:
            value = column.value(row)
            if value is not None:
                currency = str(reach(row, self.currency.replace("__", ".")) or "") if self.currency else ""
                sums[currency] = sums.get(currency, Decimal(0)) + value
        return sums


def walked(model: type[Model], path: str) -> bool:
    """Whether an index keeps the rows in the order of this ORM path, so that the first of millions are found at once."""
    *steps, name = path.lstrip("-").split("__")
    try:
        for step in steps:
            model = model._meta.get_field(step).related_model  # type: ignore[assignment]
        found = model._meta.pk if name == "pk" else model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    kept: Iterable[Any] = (*model._meta.indexes, *model._meta.constraints)
    leading = {one.fields[0].lstrip("-") for one in kept if getattr(one, "fields", ()) and not one.condition}
    return bool(found and (found.primary_key or found.unique or found.db_index or found.name in leading))  # type: ignore[union-attr]


def by_sorting(order: Sequence[str]) -> list[Any]:
    """The same order for few rows: found first and sorted then. Left to itself, PostgreSQL walks an index of the column past everybody else's rows."""
    first, *rest = order
    field = F(first.lstrip("-"))
    unknown = Coalesce(field, field)  # equal to the field, and no index knows it
    return [unknown.desc() if first.startswith("-") else unknown.asc(), *rest]


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


def cap_of(params: QueryDict) -> int:
    """Up to how many rows the counts and sums of an address go."""
    words = words_of(typed(params, "q"))
    return SEARCHED.get(max(map(len, words)), CAP) if words and all(map(str.isascii, words)) else CAP


def bounded_counts(parts: Mapping[str, QuerySet], cap: int = CAP, along: Callable[[str], Sequence[str]] = lambda part: ()) -> dict[str, int]:
    """How many rows each query has, counted up to `cap` + 1, all in one statement whose cost does not grow with the history.

    `along` names the order in which a part is walked, where the planner would not find an index by itself.
    """
    selects: list[str] = []
    values: list[Any] = []
    counts = dict.fromkeys(parts, 0)
    database = "default"
    for name, rows in parts.items():
        try:
            sql, given = rows.order_by(*along(name)).values("pk")[: cap + 1].query.sql_with_params()
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
    return SafeString(f'{escaped(main)} <span class="dim fs-s">{escaped(small or "")}</span>')


def by_language(name: str, name_en: str) -> str:
    """The name of a party or product in the reader's language."""
    return name if (get_language() or "").startswith("zh") or not name_en else name_en


def join(*facts: Any) -> SafeString:
    """Short facts with the separator between them; empty ones left out."""
    return format_html_join(figures.SEP, "{}", ((conditional_escape(f),) for f in facts if f not in (None, "")))
