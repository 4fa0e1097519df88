"""Mails go out here, so that nobody waits for a mail server and a failed one is tried again."""

from __future__ import annotations

from qudao.base.access import system_actor
from qudao.base.queue import job
from qudao.messages import actions


@job(actions.MAIL_JOB)
def send_mail(event_id: int, user_id: int) -> None:
    """Mail one notice."""
    actions.mail_notice(event_id, user_id, actor=system_actor())
