"""The Django app of the module."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.signals import request_finished
from django.db import close_old_connections, connection


class PeopleConfig(AppConfig):
    """People, roles, sign-in."""

    name = "qudao.people"
    label = "people"

    def ready(self) -> None:
        from qudao.people import policies  # noqa: F401  (registers the policies)

        request_finished.connect(_write_use_of_tokens, dispatch_uid="qudao.people.tokens")


def _write_use_of_tokens(**kwargs: Any) -> None:
    """After the answer is sent: note which tokens were used today for the first time."""
    from qudao.people.queries import USED_TOKENS

    if not USED_TOKENS:
        return
    from qudao.base.access import system_actor
    from qudao.people.actions import note_tokens_used

    used = {USED_TOKENS.pop() for _each in range(len(USED_TOKENS))}
    try:
        note_tokens_used(used, actor=system_actor())
    finally:
        if not connection.in_atomic_block:  # tests run requests inside a transaction
            close_old_connections()
