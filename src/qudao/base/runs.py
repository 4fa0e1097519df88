"""Work on many rows: each row its own action call in its own transaction, counted in that transaction, so that a killed worker's successor goes on exactly.

A run keeps what was asked, not code: the list page (which declares the bulk) and the name of the bulk. Who started it acts, with the rights of now.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import F, QuerySet
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from procrastinate.contrib.django import app

from qudao.base.access import Actor, Channel, visible, zone_of
from qudao.base.action import action, record
from qudao.base.models import Run, RunFault
from qudao.base.subject import Subject
from qudao.base.work import unit
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Refused

JOB = "base.run"
#: rows of one run; and up to how many rows it is done at once, while the person waits
MOST = 5000
AT_ONCE = 20
#: how long a report and its file are kept
DAYS = 30

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What shall be done: `page` and `doing` name the bulk (or the kind of file), `address` the list; `skipped` was left out, with the number of its reason."""

    page: str
    doing: str
    address: str
    row_ids: Sequence[int] = ()
    given: dict[str, Any] = field(default_factory=dict)
    skipped: Sequence[tuple[int, int]] = ()
    total: int = 0


def subject_of(run: Run) -> Subject:
    """The run in the log of actions."""
    return Subject("base.run", run.pk, number=run.doing)


@action("base.runs")
def start_run(task: Task, *, actor: Actor) -> Run:
    """Write down what shall be done; up to `AT_ONCE` rows the caller then works it off, more is a job. Locks nothing, emits nothing."""
    if actor.user_id is None or actor.membership_id is None:
        raise Refused("base.no_person")
    if not task.row_ids and not task.total:
        raise Refused("base.no_rows")
    if len(task.row_ids) > MOST:
        raise Refused("base.too_many_rows", most=MOST)
    run = Run.unscoped.create(
        at=clock.now(), user_id=actor.user_id, membership_id=actor.membership_id, org_id=actor.org_id, page=task.page, doing=task.doing,
        address=task.address, row_ids=list(task.row_ids), given=task.given, skipped=[list(one) for one in task.skipped],
        total=len(task.row_ids) or task.total,
    )  # fmt: skip
    record(subject_of(run), after=run.state, detail={"rows": run.total, "skipped": len(task.skipped)})
    if run.total > AT_ONCE:
        app.configure_task(name=JOB).defer(run_id=run.pk)
    return run


@action("base.runs")
def cancel_run(run_id: int, *, actor: Actor) -> Run:
    """Ask a run to stop before its next row; what is done stays done. Locks the run."""
    run = runs(actor).select_for_update().get(pk=run_id)
    if run.live and not run.cancel_asked:
        run.cancel_asked = True
        if run.state == Run.State.WAITING:
            run.state, run.ended_at = Run.State.CANCELLED, clock.now()
        run.save(update_fields=["cancel_asked", "state", "ended_at"])
        record(subject_of(run), after="cancelled")
    return run


@action("base.runs")
def forget_runs(*, actor: Actor) -> None:
    """Remove reports and their files after `DAYS` days."""
    old = Run.unscoped.filter(at__lt=clock.now() - timedelta(days=DAYS))
    for path in old.exclude(file="").values_list("file", flat=True):
        default_storage.delete(path)
    old.delete()


def runs(actor: Actor) -> QuerySet[Run]:
    """The person's own work, newest first."""
    return visible(actor, Run).order_by("-pk")


def faults(run: Run) -> QuerySet[RunFault]:
    """What a run could not do. The caller has shown that the actor sees the run."""
    return RunFault.unscoped.filter(run=run).order_by("pk")


# --- working off: called by the job, or at once for a few rows ---


def work_off(run_id: int) -> None:
    """Do what a run asks for, from where it stands. Harmless to call twice, even at the same time: a row and its count are one transaction."""
    run = unit(lambda: _begin(run_id))
    if run is None:
        return
    actor = import_string(settings.ACTOR_OF_MEMBERSHIP)(run.membership_id, Channel.PAGE)
    try:
        with translation.override(actor.language if actor else settings.LANGUAGE_CODE), timezone.override(zone_of(actor)):
            if actor is None:
                raise Refused("base.no_person")
            page = import_string(run.page).standing_for(actor)
            page.import_run(run) if run.is_import else page.export_run(run) if run.is_export else _rows(run, page.bulk_named(run.doing).bound(run.given, actor))
    except (DomainError, ImportError, LookupError) as error:  # the person left, or the list no longer offers this
        _note(run.pk, 0, error.faults[0] if isinstance(error, DomainError) else Fault("base.not_found"))
        finish(run.pk, Run.State.FAILED)


def _begin(run_id: int) -> Run | None:
    run = Run.unscoped.select_for_update().filter(pk=run_id).first()
    if run is None or not run.live:
        return None
    run.state = Run.State.RUNNING
    run.save(update_fields=["state"])
    return run


def _note(run_id: int, row_id: int, fault: Fault) -> None:
    params = {name: value if isinstance(value, (int, float)) else str(value) for name, value in fault.params.items()}
    RunFault.unscoped.bulk_create([RunFault(run_id=run_id, row_id=row_id, code=fault.code, params=params)], ignore_conflicts=True)


def _rows(run: Run, do: Callable[[int], Any]) -> None:
    """Each row in turn, until the end or until somebody asks to stop."""
    for at in range(run.position, len(run.row_ids)):
        if not _row(run.pk, at, run.row_ids[at], do):
            finish(run.pk, Run.State.CANCELLED)
            return
    finish(run.pk, Run.State.DONE)


def _next(run_id: int, at: int) -> bool:
    """Locks the run and says whether row `at` is its next one and nobody asked to stop."""
    run = Run.unscoped.select_for_update().defer("row_ids", "skipped").get(pk=run_id)
    return run.live and not run.cancel_asked and run.position == at


def _row(run_id: int, at: int, row_id: int, do: Callable[[int], Any]) -> bool:
    """Row number `at`: the action and its count in one transaction, or its refusal and its count. False when the run shall not go on."""

    def good() -> bool:
        if not _next(run_id, at):
            return False
        do(row_id)
        Run.unscoped.filter(pk=run_id).update(position=at + 1)
        return True

    def bad(fault: Fault) -> bool:
        if not _next(run_id, at):
            return False
        _note(run_id, row_id, fault)
        Run.unscoped.filter(pk=run_id).update(position=at + 1, failed=F("failed") + 1)
        return True

    try:
        return unit(good)
    except DomainError as error:
        fault = error.faults[0]
    except Exception:  # a fault of ours in one row shall not stop the other rows
        log.exception("run %s, row %s", run_id, row_id)
        fault = Fault("base.unexpected")
    return unit(lambda: bad(fault))


def progress(run_id: int, position: int) -> bool:
    """Note how many rows an export has written; False when it shall stop."""
    return bool(Run.unscoped.filter(pk=run_id, cancel_asked=False, state=Run.State.RUNNING).update(position=position))


class Stopped(Exception):
    """Somebody asked to stop work that is one transaction: it is undone."""


@contextmanager
def telling(run_id: int) -> Iterator[Callable[[int], None]]:
    """What tells from within a long transaction how many rows it has looked at: by a connection of its own, so that others see it. Raises Stopped."""
    outside = connections.create_connection(DEFAULT_DB_ALIAS)

    def tell(position: int) -> None:
        with outside.cursor() as cursor:
            cursor.execute("UPDATE base_run SET position = %s WHERE id = %s AND state = 'running' RETURNING cancel_asked", (position, run_id))
            if any(asked for (asked,) in cursor.fetchall()):
                raise Stopped

    try:
        yield tell
    finally:
        outside.close()


def finish(run_id: int, state: str, **more: Any) -> None:
    """The run has ended."""
    Run.unscoped.filter(pk=run_id, ended_at=None).update(state=state, ended_at=clock.now(), **more)
