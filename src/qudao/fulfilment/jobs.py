"""Scheduled work on goods under way."""

from __future__ import annotations

from functools import partial

from qudao.base.access import system_actor
from qudao.base.queue import each, job
from qudao.fulfilment import actions, queries
from qudao.kernel import clock


@job("fulfilment.watch_receipts", cron="15 16 * * *")  # a quarter past midnight in Shanghai
def watch_receipts(timestamp: int) -> None:
    """Warn of shipments that nobody counts, and receive those whose days are over as they were sent."""
    each(queries.unscoped_uncounted(clock.today()), partial(actions.watch_receipt, actor=system_actor()))
