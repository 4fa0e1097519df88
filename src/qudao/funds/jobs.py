"""Scheduled work on credit."""

from __future__ import annotations

from qudao.base.access import system_actor
from qudao.base.queue import job
from qudao.funds import actions


@job("funds.follow_states", cron="20 16 * * *")  # twenty past midnight in Shanghai
def follow_states(timestamp: int) -> None:
    """Note what became of every account with the new day."""
    actions.follow_states(actor=system_actor())
