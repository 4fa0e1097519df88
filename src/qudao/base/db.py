"""What every table shares: a guarded default manager, subject columns, and SQL for constraints that Django has no word for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import connection, migrations, models

if TYPE_CHECKING:
    from qudao.base.access import Actor


class UnscopedQuery(Exception):
    """`Model.objects` was used without saying for whom: write `Model.objects.visible(actor)`."""


class Guarded(models.Manager):
    """A manager that answers only for an actor, so that forgetting to ask who may see a row fails closed."""

    def get_queryset(self) -> models.QuerySet:
        raise UnscopedQuery(f"{self.model.__name__}.objects needs .visible(actor); unscoped work under lock uses .unscoped")

    def visible(self, actor: Actor, verb: str | None = None) -> models.QuerySet:
        """The rows `actor` may see for `verb` (the policy's view verb by default)."""
        from qudao.base.access import visible

        return visible(actor, self.model, verb)


class Row(models.Model):
    """Base of every table. `unscoped` is for actions under lock, jobs, invariants and migrations; everything else asks `objects.visible(actor)`."""

    unscoped = models.Manager()  # first: Django's own machinery (validation, forms) uses it as the default manager
    objects = Guarded()

    class Meta:
        abstract = True


class SubjectFields(models.Model):
    """Columns that tie a generic row (log, notice, approval, event) to the document it is about, with its two sides for indexing."""

    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    seller_id = models.BigIntegerField(null=True)
    buyer_id = models.BigIntegerField(null=True)
    number = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        abstract = True


def append_only(table: str) -> migrations.RunSQL:
    """A migration step: rows of `table` can be neither updated nor deleted (superuser repair needs `session_replication_role`)."""
    return migrations.RunSQL(
        sql=f"""
        CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation', CONSTRAINT = '{table}_is_append_only'; END $$;
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only();
        """,
        reverse_sql=f"DROP TRIGGER {table}_append_only ON {table}; DROP FUNCTION {table}_is_append_only();",
    )


class AskedEach(models.Exists):
    """EXISTS that is asked of each row when a walk comes to it: what a page of twelve from many rows wants.

    Without its OFFSET the planner may read and hash the whole subquery first, for it cannot know how few rows are asked.
    """

    template = "EXISTS(%(subquery)s OFFSET 0)"


@contextmanager
def planned_anew() -> Iterator[None]:
    """Inside, each statement is planned for its own values and none is prepared.

    One plan for all values is what a write wants. A page's list has the same text for the brand, whose rows are nearly all, and for a dealer, whose
    rows are few: a plan made for nobody in particular then reads millions of rows for a page of fifty.
    """
    driver: Any = connection.connection
    if driver is None:
        yield
        return
    before, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        yield
    finally:
        driver.prepare_threshold = before


#: an expression for the first statement of a hot write: from it to the end of its transaction, statements run by the plan made once for all values.
#: PostgreSQL else compares estimates and may plan a statement anew each time, which costs more than it runs (docs/decisions/0002).
ONE_PLAN = "(SELECT set_config('plan_cache_mode', 'force_generic_plan', true))"


def rows(sql: str, params: Any = ()) -> list[tuple]:
    """Run one statement and return all its rows; for set-wise SQL on hot paths."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.pgresult.nfields else []  # type: ignore[attr-defined]  # `description` would name and type every column


def run(sql: str, params: Any = ()) -> int:
    """Run one statement and return the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.rowcount


@cache
def _fields(model: type[models.Model]) -> tuple[list[str], list[str]]:
    """(attribute names, column names) of a table's own columns without its key."""
    own = [f for f in model._meta.concrete_fields if not f.primary_key]
    return [f.attname for f in own], [f.column for f in own]


def insert_row(obj: models.Model) -> None:
    """Insert one instance whose key is known, with SQL made once for its table: an eighth of the work of `save()`. No signals, no JSON columns."""
    names, columns = _fields(type(obj))
    insert(obj._meta.db_table, [obj._meta.pk.column, *columns], [[obj.pk, *(getattr(obj, name) for name in names)]])  # type: ignore[union-attr, list-item]
    obj._state.adding, obj._state.db = False, "default"


def insert_rows(objs: Sequence[models.Model]) -> None:
    """`insert_row` for instances of one table, in one statement."""
    if not objs:
        return
    names, columns = _fields(type(objs[0]))
    meta = objs[0]._meta
    insert(meta.db_table, [meta.pk.column, *columns], [[obj.pk, *(getattr(obj, name) for name in names)] for obj in objs])  # type: ignore[union-attr, list-item]
    for obj in objs:
        obj._state.adding, obj._state.db = False, "default"


def update_row(obj: models.Model, names: Sequence[str]) -> None:
    """Write some columns of one instance whose row is locked by the caller; the counterpart of `insert_row`."""
    own = dict(zip(*_fields(type(obj)), strict=True))
    changes = ", ".join(f"{own[name]} = %s" for name in names)
    run(f"UPDATE {obj._meta.db_table} SET {changes} WHERE {obj._meta.pk.column} = %s", [*(getattr(obj, n) for n in names), obj.pk])  # type: ignore[union-attr]


def update_rows(objs: Sequence[models.Model], names: Sequence[str]) -> None:
    """Write some columns of many instances of one table whose rows are locked by the caller, in one statement."""
    if not objs or not names:
        return
    meta = objs[0]._meta
    fields = [meta.pk, *(meta.get_field(name) for name in names)]
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)  # type: ignore[union-attr]
    columns = ", ".join(field.column for field in fields)  # type: ignore[union-attr, misc]
    changes = ", ".join(f"{field.column} = d.{field.column}" for field in fields[1:])  # type: ignore[union-attr]
    values = [[getattr(obj, field.attname) for obj in objs] for field in fields]  # type: ignore[union-attr]
    run(f"UPDATE {meta.db_table} t SET {changes} FROM unnest({arrays}) AS d({columns}) WHERE t.{fields[0].column} = d.{fields[0].column}", values)  # type: ignore[union-attr]


def insertion(table: str, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """The statement that inserts rows, and its parameters."""
    marks = "(" + ", ".join(["%s"] * len(columns)) + ")"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * len(values))}", [v for row in values for v in row]


def insert(table: str, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
    """Insert rows in one statement without building model instances; for the few tables every action writes to."""
    run(*insertion(table, columns, values))
