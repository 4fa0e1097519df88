"""Mails go out here, so that nobody waits for a mail server and a failed one is tried again."""

from __future__ import annotations

from qudao.base.queue import job
from qudao.people.actions.account import mail_reset
from qudao.people.actions.members import mail_invitation


@job("people.send_invitation")
def send_invitation(membership_id: int, site: str) -> None:
    """The link of an open invitation."""
    mail_invitation(membership_id, site)


@job("people.send_reset")
def send_reset(user_id: int, site: str) -> None:
    """The link for a new password."""
    mail_reset(user_id, site)
