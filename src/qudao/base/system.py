"""What whoever runs the system looks at: what waits in the background, what stopped for good, and how it gets another try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from procrastinate.contrib.django import app

from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, record
from qudao.base.db import rows
from qudao.base.models import Delivery, Event
from qudao.base.outbox import replay_parked
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import NotFound

#: failed jobs shown, newest first
FAILED = 50


@dataclass(frozen=True)
class Work:
    """How much of a kind of background work waits, since when, and how much stopped for good."""

    waiting: int
    since: datetime | None
    stopped: int


@dataclass(frozen=True)
class FailedJob:
    """A job that failed as often as it may: its name, what it was given, how often it was tried, and when last."""

    id: int
    name: str
    given: dict[str, Any]
    attempts: int
    at: datetime | None


def parked(actor: Actor) -> QuerySet[Delivery]:
    """Deliveries of events that wait for a person, oldest first."""
    return visible(actor, Delivery).filter(parked=True, done_at=None).order_by("pk")


def events_of(found: list[Delivery]) -> dict[int, Event]:
    """The events of deliveries, by id. One statement."""
    return Event.unscoped.in_bulk([one.event_id for one in found])


def unscoped_events() -> Work:
    """Events not yet delivered; deliveries that are parked. One statement, on indexes of nothing else."""
    ((waiting, since, stopped),) = rows(
        """SELECT (SELECT count(*) FROM base_event WHERE dispatched_at IS NULL), (SELECT min(at) FROM base_event WHERE dispatched_at IS NULL),
                  (SELECT count(*) FROM base_delivery WHERE parked AND done_at IS NULL)"""
    )
    return Work(waiting, since, stopped)


def unscoped_jobs() -> Work:
    """Jobs that are due and not begun, and those that failed for good. One statement."""
    ((waiting, since, stopped),) = rows(
        """SELECT count(*) FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at, %(now)s) <= %(now)s),
                  min(coalesce(j.scheduled_at, (SELECT min(e.at) FROM procrastinate_events e WHERE e.job_id = j.id)))
                      FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at, %(now)s) <= %(now)s),
                  count(*) FILTER (WHERE j.status = 'failed')
             FROM procrastinate_jobs j WHERE j.status IN ('todo', 'failed')""",
        {"now": clock.now()},
    )
    return Work(waiting, since, stopped)


def unscoped_failed_jobs() -> list[FailedJob]:
    """The newest jobs that failed for good. One statement."""
    found = rows(
        """SELECT j.id, j.task_name, j.args, j.attempts, (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id)
             FROM procrastinate_jobs j WHERE j.status = 'failed' ORDER BY j.id DESC LIMIT %s""",
        (FAILED,),
    )
    return [FailedJob(*row) for row in found]


@action("base.operate")
def deliver_again(delivery_id: int, *, actor: Actor) -> None:
    """Give a parked delivery another life; the worker takes it within a second. Harmless for one that is no longer parked. Raises NotFound."""
    found = get_visible(actor, Delivery, delivery_id, "base.operate")
    if not found.parked:
        return
    replay_parked(found.event_id, found.handler)
    record(Subject("base.event", found.event_id), detail={"handler": found.handler})


@action("base.operate")
def try_job_again(job_id: int, *, actor: Actor) -> None:
    """Let a job that failed for good run once more, at once. Harmless for one that is no longer failed. Raises NotFound for one nobody knows."""
    found = rows("SELECT status, task_name FROM procrastinate_jobs WHERE id = %s FOR UPDATE", (job_id,))
    if not found:
        raise NotFound("base.not_found")
    status, name = found[0]
    if status == "failed":
        app.job_manager.retry_job_by_id(job_id, clock.now())
        record(Subject("base.job", job_id), detail={"job": name})
