"""Long or timed work on procrastinate. A job is a few lines that call an action; it may run twice, so what it calls is convergent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from qudao.kernel.errors import DomainError


def job(name: str, *, cron: str | None = None, attempts: int = 5) -> Callable[[Callable[..., Any]], Any]:
    """Register a job under `name`, retried with growing waits; `cron` (five fields, UTC) runs it on a schedule with a `timestamp` argument.

    Deferring it (`that_job.defer(...)`) inside an action writes the job in the same transaction.
    """

    def wrap(function: Callable[..., Any]) -> Any:
        task = app.task(name=name, retry=RetryStrategy(max_attempts=attempts, exponential_wait=3))(function)
        return app.periodic(cron=cron)(task) if cron else task

    return wrap


def each(found: Iterable[int], act: Callable[[int], object]) -> None:
    """Act on every one, though some are refused; then fail as the first of them did, so that the job is tried again and its system page tells of it."""
    refused: list[DomainError] = []
    for pk in found:
        try:
            act(pk)
        except DomainError as error:
            refused.append(error)
    if refused:
        raise refused[0]
