"""Scheduled work."""

from __future__ import annotations

from functools import partial

from qudao.base.access import system_actor
from qudao.base.queue import each, job
from qudao.billing import actions, queries
from qudao.kernel import clock


@job("billing.collect", cron="30 16 * * *")  # half past midnight in Shanghai
def collect(timestamp: int) -> None:
    """Issue the collective invoices whose day has come."""
    each(queries.unscoped_due_cycles(clock.today()), partial(actions.issue_collective, actor=system_actor()))
