"""Mails go out here, so that nobody waits for a mail server and a failed one is tried again."""

from __future__ import annotations

from qudao.base.access import system_actor
from qudao.base.queue import job
from qudao.messages import actions, queries


@job(actions.MAIL_JOB)
def send_mail(event_id: int, user_id: int) -> None:
    """Mail one notice."""
    actions.mail_notice(event_id, user_id, actor=system_actor())


@job("messages.send_digest")
def send_digest(user_id: int) -> None:
    """Mail one person what waits for the mail of the day."""
    actions.mail_digest(user_id, actor=system_actor())


@job("messages.send_digests", cron="0 0 * * *")  # eight in the morning in Shanghai
def send_digests(timestamp: int) -> None:
    """A job for each person for whom notices wait, so that a failing mail delays nobody else's."""
    waiting = queries.unscoped_waiting_for_digest().order_by("user_id").values_list("user_id", flat=True).distinct()
    people = [{"user_id": user_id} for user_id in waiting]
    if people:
        send_digest.batch_defer(*people)


@job("messages.tell_due_tasks", cron="5 0 * * *")  # five past eight in the morning in Shanghai
def tell_due_tasks(timestamp: int) -> None:
    """Tell of tasks that are due or overdue."""
    actions.tell_due_tasks(actor=system_actor())
