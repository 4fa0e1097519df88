"""Every change of notices, conversations and tasks."""

from qudao.messages.actions.notices import MAIL_JOB, choose_email, choose_topics, deliver, mail_digest, mail_notice, mark_read, unmark_read
from qudao.messages.actions.talk import note, write
from qudao.messages.actions.tasks import assign, finish_task, reopen_task, tell_due_tasks
from qudao.messages.actions.wordings import reset_wording, save_wording

__all__ = [
    "MAIL_JOB",
    "assign",
    "choose_email",
    "choose_topics",
    "deliver",
    "finish_task",
    "mail_digest",
    "mail_notice",
    "mark_read",
    "note",
    "reopen_task",
    "reset_wording",
    "save_wording",
    "tell_due_tasks",
    "unmark_read",
    "write",
]
