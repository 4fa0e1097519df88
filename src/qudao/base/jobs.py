"""Jobs of the toolkit: work on many rows, and forgetting what nobody reads any more."""

from __future__ import annotations

from qudao.base import import_runs, runs
from qudao.base.access import system_actor
from qudao.base.queue import job


@job(runs.JOB)
def work_off(run_id: int) -> None:
    """Work on many rows, from where it stands."""
    runs.work_off(run_id)


@job("base.forget_runs", cron="40 19 * * *")
def forget_runs(timestamp: int) -> None:
    """Reports and exported files are kept for 30 days."""
    runs.forget_runs(actor=system_actor())


@job("base.forget_imports", cron="50 19 * * *")
def forget_imports(timestamp: int) -> None:
    """Files that nobody imported are kept for 30 days."""
    import_runs.forget_imports(actor=system_actor())
