"""Telling people: an action says what happened and whom it concerns; delivery (in-app, e-mail) is the work of `messages`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from qudao.base.outbox import emit
from qudao.base.subject import Subject


@dataclass(frozen=True)
class NoticeAsked:
    """A notice is wanted: `code` names its sentence; to `user_ids`, or to the people of `org_id` who hold `verb`; never to `except_user`."""

    version: ClassVar[int] = 1
    code: str
    org_id: int | None
    verb: str
    user_ids: list
    params: dict
    except_user: int | None


def notify(
    code: str, subject: Subject, *, org_id: int | None = None, verb: str = "", user_ids: Iterable[int] = (), except_user: int | None = None, **params: Any
) -> None:
    """Ask for one notice in the transaction under way; it is lost only if the transaction is."""
    emit(NoticeAsked(code=code, org_id=org_id, verb=verb, user_ids=list(user_ids), params=params, except_user=except_user), subject)
