"""Cells edited in place, said in a line: what reads the typed value, and which action changes that one field of what it describes as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

from django import forms

from qudao.base.html import figures
from qudao.base.html.tables import by_language

Field = Callable[[Any, Any], forms.Field]
Perform = Callable[[Any, Any, Any], Any]


def text(most: int, *, required: bool = True) -> Field:
    """A text of at most `most` letters."""
    return lambda row, actor: forms.CharField(max_length=most, required=required)


def number(digits: int = 18, places: int = 4) -> Field:
    """A number that is not negative."""
    return lambda row, actor: forms.DecimalField(max_digits=digits, decimal_places=places, min_value=0)


def day(*, required: bool = True) -> Field:
    """A date."""
    return lambda row, actor: forms.DateField(required=required)


def one_of(options: Callable[[Any, Any], Iterable[tuple[Any, Any]]], none: Any = figures.DASH) -> Field:
    """One of the rows (id, name) that may stand there, or `none`."""

    def build(row: Any, actor: Any) -> forms.Field:
        return forms.TypedChoiceField(choices=[("", none), *options(row, actor)], coerce=int, required=False, empty_value=None)

    return build


def described(kind: type[Any], act: Callable[..., Any]) -> Callable[[str], Perform]:
    """For an action `act(pk, kind(…), actor=…)` that describes a row as a whole: the row as it is but for one field."""

    def of(field: str) -> Perform:
        def perform(row: Any, value: Any, actor: Any) -> Any:
            facts = kind(**{f.name: getattr(row, f.name) for f in fields(kind)})
            return act(row.pk, replace(facts, **{field: value}), actor=actor)

        return perform

    return of


def renamed(of: Callable[[str], Perform]) -> Perform:
    """Another name in the language it is read in."""

    def perform(row: Any, value: Any, actor: Any) -> Any:
        return of("name" if by_language(row.name, row.name_en) == row.name else "name_en")(row, value, actor)

    return perform
