"""Scheduled work."""

from __future__ import annotations

from qudao.approvals import actions
from qudao.base.access import system_actor
from qudao.base.queue import job


@job("approvals.remind", cron="7 * * * *")
def remind(timestamp: int) -> None:
    """Remind of approvals that wait longer than their flows allow, and do what they say when the time is out."""
    actions.time_out(actor=system_actor())
    actions.decide_late(actor=system_actor())
    actions.remind(actor=system_actor())
