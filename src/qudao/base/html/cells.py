"""A cell edited in place: read with its column's field, compared with what was seen, changed by the column's action. Nobody overwrites unseen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _

from qudao.base.access import get_visible
from qudao.base.html.columns import Column
from qudao.base.html.pages.door import get_row
from qudao.base.html.pages.lists import ListPage
from qudao.base.sentences import say
from qudao.base.work import unit
from qudao.kernel.errors import Conflict, DomainError, Forbidden, NotFound
from qudao.kernel.quantity import plain


@dataclass(frozen=True)
class Cell:
    """What the browser gets: the cell as it is now with its raw value and its field, its whole row once it is changed, what is wrong with what was typed."""

    html: Any
    raw: str
    field: Any = ""
    line: Any = ""
    fault: str = ""
    typed: str = ""
    theirs: str = ""
    status: int = 200


def raw_of(value: Any) -> str:
    """A value as one types it."""
    if value is None:
        return ""
    return plain(value) if isinstance(value, Decimal) else str(value)


def _drawn(field: forms.Field, raw: str) -> Any:
    """The field that is typed into."""
    attrs = {"class": "form-control"}
    if isinstance(field, forms.ChoiceField):
        attrs["class"] = "form-select"
    elif isinstance(field, forms.DateField):
        field.widget = forms.DateInput(format="%Y-%m-%d")
        field.widget.input_type = "date"
    elif isinstance(field, (forms.DecimalField, forms.IntegerField)):
        field.widget = forms.TextInput()
        attrs["inputmode"] = "decimal"
    return field.widget.render("to", raw, attrs)


def _said(field: forms.Field, raw: str) -> str:
    """A raw value in words: what is chosen from has a name."""
    names = {str(value): name for value, name in field.choices} if isinstance(field, forms.ChoiceField) else {}  # type: ignore[misc, union-attr]
    return str(names.get(raw, raw))


def save_cell(page: ListPage, asked: QueryDict, *, change: bool) -> Cell:
    """The cell `column` of row `row`; with `change` it gets the value `to`, if it still has the value `was`.

    Raises NotFound for a row or column that the actor cannot edit there, Forbidden without the column's verb.
    """
    actor, table = page.actor, page.table()
    column = table.offered_columns(actor).get(asked.get("column", ""))
    raw_pk = asked.get("row", "")
    if column is None or column.edit is None or not raw_pk.isdecimal() or len(raw_pk) > 18:
        raise NotFound("base.not_found")
    row = page.prepare([get_row(type(page).query(actor), int(raw_pk))])[0]
    get_visible(actor, type(row), row.pk, column.edit.verb)
    if not column.edit.when(row):
        raise NotFound("base.not_found")
    field, now = column.edit.field(row, actor), raw_of(column.edited(row))
    cell = Cell(column.html(row, table.url(row)), now)
    if not change:
        return replace(cell, field=_drawn(field, now))
    typed = asked.get("to", "").replace("\x00", "")
    try:
        value = field.clean(typed)
    except ValidationError as error:
        return replace(cell, fault=" ".join(error.messages), typed=typed, status=422)
    try:
        theirs, row = unit(lambda: _changed(page, column, row, value, asked.get("was", "")))
    except (Forbidden, NotFound):
        raise
    except DomainError as error:
        return replace(cell, fault=say(error.faults[0]).sentence, typed=typed, status=422)
    if theirs is not None:
        words = _("Somebody changed this to “{theirs}” meanwhile; you typed “{yours}”.")
        fault = words.format(theirs=_said(field, theirs), yours=_said(field, typed))
        return replace(cell, raw=theirs, fault=fault, typed=typed, theirs=theirs, status=409)
    row = page.prepare([get_row(type(page).query(actor), row.pk)])[0]
    line = page.line(row, QueryDict(asked.get("query", "").replace("\x00", "")))
    return Cell(column.html(row, table.url(row)), raw_of(column.edited(row)), line=line)


def _changed(page: ListPage, column: Column, row: Any, value: Any, was: str) -> tuple[str | None, Any]:
    """Change the value under the row's lock; the value that somebody else gave it meanwhile, when it is no longer `was`, and the row that stands there now."""
    assert column.edit is not None
    locked = type(row)._default_manager.select_for_update(of=("self",)).get(pk=row.pk)
    theirs = raw_of(column.edited(locked))
    if theirs != was:
        return theirs, row
    if not column.edit.when(locked):
        raise Conflict("base.changed")
    made = column.edit.perform(locked, value, page.actor)
    return None, made if isinstance(made, type(row)) else row
