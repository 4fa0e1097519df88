"""Housekeeping of the queue and of what the API remembers."""

from __future__ import annotations

from procrastinate import JobContext
from procrastinate.contrib.django import app

from qudao.base.queue import job
from qudao.base.rest import forget_answers
from qudao.kernel import clock


@app.periodic(cron="* * * * * */30")
@app.task(name="web.retry_stalled", queueing_lock="web.retry_stalled", pass_context=True)
async def retry_stalled(context: JobContext, timestamp: int) -> None:
    """Give the jobs of a killed worker to another one; procrastinate itself leaves them as they are."""
    manager = context.app.job_manager
    for stalled in await manager.get_stalled_jobs():
        if stalled.id is not None:
            await manager.retry_job_by_id_async(stalled.id, retry_at=clock.now())


@job("web.forget_old_answers", cron="20 19 * * *")
def forget_old_answers(timestamp: int) -> None:
    """Answers to idempotent requests are kept for 30 days."""
    forget_answers()
