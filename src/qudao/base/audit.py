"""The log of actions: who did what, through which channel, to which subject, from → to, and how long the stage left behind lasted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from qudao.base.models import ActionLog
from qudao.base.subject import Subject
from qudao.base.work import current
from qudao.kernel import clock
from qudao.kernel.period import month_of


def record(
    subject: Subject, *, before: str = "", after: str = "", reason: str = "", since: datetime | None = None, detail: Mapping[str, Any] | None = None
) -> None:
    """Write one line of the action log for the action under way; `since` is when the subject entered the stage it leaves now.

    The lines of a transaction are inserted in one statement at its end.
    """
    work = current()
    verb, actor = work.doing[-1]
    at = clock.now()
    work.logs.append(
        (
            *(at, month_of(clock.date_of(at)), verb, str(actor.channel), actor.kind, actor.user_id, actor.org_id or None, actor.name),
            *(actor.token_id, actor.cause, before, after, reason, json.dumps(dict(detail or {}), cls=DjangoJSONEncoder)),
            *(int((at - since).total_seconds()) if since else None, *subject.columns().values()),
        )
    )


def timeline(subject: Subject) -> QuerySet[ActionLog]:
    """The life of one subject, oldest first. The caller has shown that the actor sees the subject itself."""
    return ActionLog.unscoped.filter(subject_kind=subject.kind, subject_id=subject.id).order_by("at", "id")
