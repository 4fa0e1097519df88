"""A cell edited in place: read with its column's field, compared with what was seen, changed by the column's action. Nobody overwrites unseen."""

from __future__ import annotations

from dataclasses import dataclass
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
from qudao.kernel.errors import DomainError, Forbidden, NotFound
from qudao.kernel.quantity import plain


@dataclass(frozen=True)
class Cell:
    """What the browser gets: the cell as it is now, its raw value, and what is wrong with what was typed."""

    column: Column
    html: Any
    raw: str
    fault: str = ""
    typed: str = ""
    theirs: str = ""
    status: int = 200


def raw_of(value: Any) -> str:
    """A value as one types it."""
    if value is None:
        return ""
    return plain(value) if isinstance(value, Decimal) else str(value)


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
    now = raw_of(column.edited(row))
    if not change:
        return Cell(column, column.html(row, table.url(row)), now)
    typed = asked.get("to", "").replace("\x00", "")
    field: forms.Field = column.edit.field()
    try:
        value = field.clean(typed)
    except ValidationError as error:
        return Cell(column, column.html(row, table.url(row)), now, fault=" ".join(error.messages), typed=typed, status=422)
    try:
        theirs = unit(lambda: _changed(page, column, row, value, asked.get("was", "")))
    except (Forbidden, NotFound):
        raise
    except DomainError as error:
        return Cell(column, column.html(row, table.url(row)), now, fault=say(error.faults[0]).sentence, typed=typed, status=422)
    if theirs is not None:
        fault = _("Somebody changed this to “{theirs}” meanwhile; you typed “{yours}”.").format(theirs=theirs, yours=typed)
        return Cell(column, column.html(row, table.url(row)), theirs, fault=fault, typed=typed, theirs=theirs, status=409)
    row = page.prepare([get_row(type(page).query(actor), row.pk)])[0]
    return Cell(column, column.html(row, table.url(row)), raw_of(column.edited(row)))


def _changed(page: ListPage, column: Column, row: Any, value: Any, was: str) -> str | None:
    """Change the value under the row's lock; the value that somebody else gave it meanwhile, when it is no longer `was`."""
    assert column.edit is not None
    locked = type(row)._default_manager.select_for_update().get(pk=row.pk)
    theirs = raw_of(column.edited(locked))
    if theirs != was:
        return theirs
    column.edit.perform(locked, value, page.actor)
    return None
