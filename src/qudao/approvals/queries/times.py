"""Whose time is out: by the clock, or by the working hours of the seller where the flow says so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from qudao.approvals.models import Calendar, Node, Separation
from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.kernel.worktime import WorkTime

#: so many steps that may be due are looked at, and so many are done at once
LOOKED, DONE = 5000, 500
#: steps that wait so many hours by the clock at least: those may be due
_DUE = """
    SELECT n.id, n.request_id, n.entered_at, n.{hours}, CASE WHEN v.working_hours THEN r.seller_id END
      FROM approvals_node n JOIN approvals_request r ON r.id = n.request_id LEFT JOIN approvals_version v ON v.id = r.version_id
     WHERE n.state = 'current' AND n.{hours} IS NOT NULL AND n.{done} IS NULL AND n.entered_at + make_interval(hours => n.{hours}) <= %s
     ORDER BY n.entered_at LIMIT %s"""


def unscoped_separates(org_id: int) -> bool:
    """Whether an organisation keeps duties apart. One statement."""
    return Separation.unscoped.filter(org_id=org_id).exists()


def separates(actor: Actor) -> bool:
    """The same of the own organisation."""
    return visible(actor, Separation).filter(org_id=actor.org_id).exists()


def calendar(actor: Actor) -> Calendar | None:
    """The working hours of the own organisation; None while nobody has said anything else than the usual ones. One statement."""
    return visible(actor, Calendar).filter(org_id=actor.org_id).first()


def work_time(told: Calendar | None) -> WorkTime:
    """Working hours as they are counted."""
    if told is None:
        return WorkTime()
    return WorkTime(frozenset(told.weekdays), told.begins, told.ends, frozenset(told.holidays), frozenset(told.workdays))


def unscoped_work_times(org_ids: Iterable[int]) -> dict[int, WorkTime]:
    """The working hours of organisations, by id. One statement, none without organisations."""
    wanted = set(org_ids)
    found = {one.org_id: one for one in Calendar.unscoped.filter(org_id__in=wanted)} if wanted else {}
    return {pk: work_time(found.get(pk)) for pk in wanted}


def unscoped_timed_out(now: datetime) -> list[tuple[int, int]]:
    """(step, request) of what waits longer than its flow allows, the oldest first, at most 500. Two statements at most."""
    return _due(now, "late_hours", "late_at")


def unscoped_overdue(now: datetime) -> list[int]:
    """The ids of the steps whose reminder is due and was not given, oldest first, at most 500. Two statements at most."""
    return [node_id for node_id, _request_id in _due(now, "remind_hours", "reminded_at")]


def _due(now: datetime, hours: str, done: str) -> list[tuple[int, int]]:
    found = rows(_DUE.format(hours=hours, done=done), [now, LOOKED])
    times = unscoped_work_times(row[4] for row in found if row[4])
    return [(pk, request_id) for pk, request_id, since, most, org in found if org is None or times[org].due(since, most) <= now][:DONE]


def unscoped_times_out(nodes: Iterable[Node]) -> dict[int, datetime]:
    """When the time of steps that wait is out, by step; each was read with its request and version. One statement at most."""
    timed = [node for node in nodes if node.entered_at and node.late_hours and not node.late_at and not node.left_at]
    works = {node.request.seller_id for node in timed if node.request.version and node.request.version.working_hours}
    times = unscoped_work_times(pk for pk in works if pk)
    found = {}
    for node in timed:
        assert node.entered_at and node.late_hours
        counts = node.request.version and node.request.version.working_hours
        found[node.pk] = (
            times[node.request.seller_id or 0].due(node.entered_at, node.late_hours) if counts else node.entered_at + timedelta(hours=node.late_hours)
        )
    return found
