"""Is it alive, and is it fit for work? `/livez` answers as long as the process serves; `/readyz` looks at what it depends on.

`/readyz` is 503 when a person could not work: no database, migrations missing, a full disk. A late worker or queue makes it 503 too, because notices
and follow-up steps would not come; the JSON says which check failed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from qudao.base.outbox import oldest_open_seconds

WORKER_SILENCE = 60.0  # seconds without a heartbeat (one comes every 10) after which the worker counts as gone
QUEUE_AGE = 300.0  # seconds that a due job may wait
OUTBOX_AGE = 60.0  # seconds that an event may wait; the dispatcher looks five times a second
DISK_FREE = 200_000_000  # bytes below which uploads and the database are in danger
MIGRATIONS_CACHE = 30.0  # seconds: reading all migration files costs too much for each call

Check = dict[str, Any]
_migrations: tuple[float, Check] = (float("-inf"), {})


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    result = examine()
    response = JsonResponse(result, status=200 if result["ok"] else 503)
    response._has_been_logged = True  # type: ignore[attr-defined]  # asked every few seconds: a 503 is an answer, not an error
    return response


class HealthMiddleware:
    """Answers before anything looks at the host name or opens a session: probes come by bare address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path == "/livez":
            return livez(request)
        if request.path == "/readyz":
            return readyz(request)
        return self.get_response(request)


def examine() -> Check:
    """Run every check; each is {"ok": bool, …figures}. A check that cannot be made has failed and says why."""
    checks: dict[str, Check] = {}
    parts: list[tuple[str, Callable[[], Check]]] = [
        ("database", database),
        ("migrations", migrations),
        ("worker", worker),
        ("queue", queue),
        ("outbox", outbox),
        ("disk", disk),
    ]
    for name, check in parts:
        if name not in ("database", "disk") and not checks["database"]["ok"]:
            checks[name] = {"ok": False, "fault": "unknown without the database"}
            continue
        try:
            checks[name] = check()
        except (DatabaseError, OSError) as error:
            checks[name] = {"ok": False, "fault": type(error).__name__}
    return {"ok": all(check["ok"] for check in checks.values()), "checks": checks}


def _number(sql: str) -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return None if row is None or row[0] is None else float(row[0])


def database() -> Check:
    start = time.monotonic()
    _number("SELECT 1")
    return {"ok": True, "milliseconds": round((time.monotonic() - start) * 1000, 1)}


def migrations() -> Check:
    """How many migrations are not applied; remembered for a while, but only when none is missing."""
    global _migrations
    at, known = _migrations
    if time.monotonic() - at < MIGRATIONS_CACHE:
        return known
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    result = {"ok": missing == 0, "missing": missing}
    if missing == 0:
        _migrations = (time.monotonic(), result)
    return result


def worker() -> Check:
    """Both halves of the worker process: the one that runs jobs and the one that delivers events."""
    jobs = _number("SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
    events = _number("SELECT extract(epoch FROM now() - max(at)) FROM base_heartbeat WHERE name = 'dispatcher'")
    late = [age for age in (jobs, events) if age is None or age > WORKER_SILENCE]
    shown = {name: None if age is None else round(max(age, 0.0), 1) for name, age in (("jobs_heartbeat_age", jobs), ("events_heartbeat_age", events))}
    return {"ok": not late, **shown}


def queue() -> Check:
    """The age of the oldest job that is due and not started; when it became due is its schedule, else its first event."""
    age = _number(
        """
        SELECT extract(epoch FROM now() - min(coalesce(job.scheduled_at, born.at)))
          FROM procrastinate_jobs job
          LEFT JOIN LATERAL (SELECT min(event.at) AS at FROM procrastinate_events event WHERE event.job_id = job.id) born ON true
         WHERE job.status = 'todo' AND (job.scheduled_at IS NULL OR job.scheduled_at <= now())
        """
    )
    return {"ok": (age or 0.0) < QUEUE_AGE, "oldest_age": round(max(age or 0.0, 0.0), 1)}


def outbox() -> Check:
    """The age of the oldest event that is not delivered yet; parked events wait for a person and do not count."""
    age = oldest_open_seconds()
    return {"ok": age < OUTBOX_AGE, "oldest_age": round(age, 1)}


def disk() -> Check:
    folder = settings.CONFIG.state_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return {"ok": free > DISK_FREE, "free_bytes": free}
