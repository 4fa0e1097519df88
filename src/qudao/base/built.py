"""What was built on a row: who points at it. The question before something that was made by mistake may disappear.

A table whose rows mean nothing without their owner (the packs of a product, the standard places of an organisation) says so by the attribute
`goes_with`, the name of its foreign key to the owner: its rows hinder nothing as long as nobody points at them, and go with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import apps
from django.db.models import Field, ForeignObjectRel, Model
from django.utils.translation import gettext as _

from qudao.base.db import rows, run


def built_on(model: type[Model], ids: Iterable[int]) -> dict[int, str]:
    """Of these rows those at which others point, with where in words ("Prices, Stock"). One statement a table that goes with them, and one more."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    labels = _pointing(model, wanted)
    found = {pk: ", ".join(dict.fromkeys(_place(label) for label in sorted(of))) for pk, of in labels.items()}
    for one in _references(model):
        if one.model is model:
            _up(found, one, wanted)
        elif _goes_with(one):
            mine = dict(rows(f"SELECT id, {one.column} FROM {one.model._meta.db_table} WHERE {one.column} = ANY(%s)", [wanted]))
            for pk, where in built_on(one.model, mine).items():
                found.setdefault(mine[pk], where)
    return found


def erase(model: type[Model], ids: Iterable[int], kind: str) -> None:
    """Delete rows that nothing was built on, with what goes with them and what they are found by. The caller holds their locks and has asked."""
    gone = sorted(set(ids))
    for one in _references(model):
        if one.model is not model and _goes_with(one):
            mine = [pk for (pk,) in rows(f"SELECT id FROM {one.model._meta.db_table} WHERE {one.column} = ANY(%s)", [gone])]
            if mine:
                erase(one.model, mine, "")
    run(f"DELETE FROM {model._meta.db_table} WHERE id = ANY(%s)", [gone])
    if kind:
        run("DELETE FROM base_searchentry WHERE subject_kind = %s AND subject_id = ANY(%s)", [kind, gone])


def _references(model: type[Model]) -> list[Field[Any, Any]]:
    """The foreign keys of all tables that point at a table."""
    pointing = (r for r in model._meta.get_fields(include_hidden=True) if isinstance(r, ForeignObjectRel) and (r.one_to_many or r.one_to_one))
    found: list[Field[Any, Any]] = [r.field for r in pointing]
    return sorted(found, key=lambda one: (one.model._meta.db_table, one.column))


def _goes_with(one: Field[Any, Any]) -> bool:
    return getattr(one.model, "goes_with", "") == one.name


def _pointing(model: type[Model], ids: Sequence[int]) -> dict[int, set[str]]:
    """Row → the modules that point at it, without what goes with it and without rows of its own table."""
    parts, values = [], list[Any]()
    for one in _references(model):
        if one.model is not model and not _goes_with(one):
            parts.append(f"SELECT DISTINCT {one.column} AS id, %s AS place FROM {one.model._meta.db_table} WHERE {one.column} = ANY(%s)")
            values += [one.model._meta.app_label, ids]
    found: dict[int, set[str]] = {}
    for pk, place in rows(" UNION ".join(parts), values) if parts else ():
        found.setdefault(pk, set()).add(place)
    return found


def _up(found: dict[int, str], one: Field[Any, Any], ids: Sequence[int]) -> None:
    """In a tree: who has a child that stays, or one that is not among these rows, stays too."""
    children = rows(f"SELECT id, {one.column} FROM {one.model._meta.db_table} WHERE {one.column} = ANY(%s)", [ids])
    among = set(ids)
    again = True
    while again:
        again = False
        for child, parent in children:
            if parent not in found and (child not in among or child in found):
                found[parent] = found.get(child) or _("what stands below it")
                again = True


def _place(label: str) -> str:
    """A module in words, as far as it has some."""
    config = apps.get_app_config(label)
    return _("other records") if config.verbose_name == config.label.title() else str(config.verbose_name)
