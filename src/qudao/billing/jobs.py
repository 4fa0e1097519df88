"""Scheduled work."""

from __future__ import annotations

from qudao.base.access import system_actor
from qudao.base.queue import job
from qudao.billing import actions, queries
from qudao.kernel import clock


@job("billing.collect", cron="30 16 * * *")  # half past midnight in Shanghai
def collect(timestamp: int) -> None:
    """Issue the collective invoices whose day has come."""
    for agreement_id in queries.unscoped_due_cycles(clock.today()):
        actions.issue_collective(agreement_id, actor=system_actor())
