"""Scheduled work on the catalogue."""

from __future__ import annotations

from qudao.base.access import system_actor
from qudao.base.queue import job
from qudao.catalog import actions


@job("catalog.follow_tax_rates", cron="0 16 * * *")  # midnight in Shanghai
def follow_tax_rates(timestamp: int) -> None:
    """Let products show the tax rates of the new day."""
    actions.follow_tax_rates(actor=system_actor())
