"""Counts and sums of a whole filtered result, in statements whose cost is bounded."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Case, F, Q, QuerySet, Value, When

from qudao.base.access import Actor
from qudao.base.html.columns import Column
from qudao.base.html.tables import CAP as COUNTED
from qudao.base.html.tables import Table, bounded_counts

#: more rows than this are not summed (a list counts no further): the foot then shows the page's sums and says so
CAP = COUNTED
#: lists that this process found to be longer than is counted: their tabs are counted one by one, each along its own index. Only a hint.
_LONG: set[Hashable] = set()
_REMEMBERED = 10_000


def tab_counts(rows: QuerySet, tabs: Mapping[str, Q], cap: int, key: Hashable, along: Callable[[str], Sequence[str]] = lambda tab: ()) -> dict[str, int]:
    """How many of `rows` meet each condition, counted up to `cap` + 1. `key` names the list, `along` the order in which a tab of a long one is walked.

    No more rows than `cap` are read once for all tabs: a dealer's thousand orders would otherwise be read once a tab.
    """
    if key not in _LONG and len(tabs) > 1:
        marks = {f"tab_{n}": Case(When(condition, then=Value(1))) for n, condition in enumerate(tabs.values()) if condition}
        try:
            sql, values = rows.order_by().annotate(**marks).values_list("pk", *marks)[: cap + 1].query.sql_with_params()
        except EmptyResultSet:
            return dict.fromkeys(tabs, 0)
        counts = ", ".join(f"count(tab_{n})" if condition else "count(*)" for n, condition in enumerate(tabs.values()))
        with connections["default"].cursor() as cursor:
            cursor.execute(f"SELECT count(*), {counts} FROM ({sql}) AS bounded", values)
            total, *found = cursor.fetchone()
        if total <= cap:
            return dict(zip(tabs, found, strict=True))
        if len(_LONG) >= _REMEMBERED:
            _LONG.clear()
        _LONG.add(key)
    return bounded_counts({name: rows.filter(condition) for name, condition in tabs.items()}, cap, along)


def bounded_sums(table: Table, rows: QuerySet, columns: Sequence[Column], actor: Actor, cap: int = CAP) -> dict[str, Mapping[str, Decimal]] | None:
    """column → {currency: sum} of all rows, of those whose amounts the actor may see; None when they are too many, or no column can be summed so."""
    summed = [c for c in columns if c.total and c.sum]
    if not summed:
        return {}
    seen = table.summed(actor)
    marks: dict[str, Any] = {f"sum_{n}": Case(When(seen, then=F(c.sum) if isinstance(c.sum, str) else c.sum), default=None) for n, c in enumerate(summed)}
    marks["sum_currency"] = F(table.currency) if table.currency else Value("")
    names = ["sum_currency", *(f"sum_{n}" for n in range(len(summed)))]
    try:
        sql, values = rows.order_by().annotate(**marks).values_list(*names)[: cap + 1].query.sql_with_params()
    except EmptyResultSet:
        return {c.id: {} for c in summed}
    sums = ", ".join(f"sum({name}), count({name})" for name in names[1:])
    with connections["default"].cursor() as cursor:
        cursor.execute(f"SELECT sum_currency, count(*), {sums} FROM ({sql}) AS bounded GROUP BY 1", values)
        found = cursor.fetchall()
    if sum(row[1] for row in found) > cap:
        return None
    return {c.id: {row[0]: row[2 + 2 * n] for row in found if row[3 + 2 * n]} for n, c in enumerate(summed)}
