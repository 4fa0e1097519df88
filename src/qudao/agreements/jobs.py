"""Scheduled work on agreements."""

from __future__ import annotations

from qudao.agreements import actions
from qudao.base.access import system_actor
from qudao.base.queue import job


@job("agreements.end_expired", cron="10 16 * * *")  # ten past midnight in Shanghai
def end_expired(timestamp: int) -> None:
    """End the agreements whose last day is over."""
    actions.end_expired(actor=system_actor())


@job("agreements.follow_assortments", cron="1 16 * * *")  # a minute past midnight in Shanghai
def follow_assortments(timestamp: int) -> None:
    """Rules and memberships of groups begin and end with the day."""
    actions.follow_assortments(actor=system_actor())


@job("agreements.tell_expiring", cron="5 0 * * *")  # five past eight in the morning in Shanghai
def tell_expiring(timestamp: int) -> None:
    """Tell both sides of agreements that run out."""
    actions.tell_expiring(actor=system_actor())
