"""Scheduled work on orders."""

from __future__ import annotations

from functools import partial

from qudao.base.access import system_actor
from qudao.base.queue import each, job
from qudao.kernel import clock
from qudao.orders import actions, queries


@job("orders.watch_reserved", cron="5 16 * * *")  # five past midnight in Shanghai
def watch_reserved(timestamp: int) -> None:
    """Tell of goods that are kept for the last day, and free those whose day is over."""
    each(queries.unscoped_overdue(clock.today()), partial(actions.watch_reserved, actor=system_actor()))
