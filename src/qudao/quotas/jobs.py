"""Scheduled work on quotas."""

from __future__ import annotations

from qudao.base.access import system_actor
from qudao.base.queue import job
from qudao.quotas import actions


@job("quotas.carry_over", cron="2 16 * * *")  # two past midnight in Shanghai
def carry_over(timestamp: int) -> None:
    """What is unused of shares that are over goes into the next period, where their quota says so."""
    actions.carry_over(actor=system_actor())
