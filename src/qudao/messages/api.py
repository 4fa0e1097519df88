"""The caller's notices over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from ninja import Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.messages import actions, queries

routes = Router(tags=["notices"])

NOTICE = ("id", "code", "params", "subject_kind", "subject_id", "number", "created_at", "read_at")


class NoticeOut(Schema):
    """A notice; `sentence` in the language of the caller's account."""

    id: int
    code: str
    params: dict[str, Any]
    subject_kind: str
    subject_id: int
    number: str
    created_at: datetime
    read_at: datetime | None
    sentence: str


class NoticePage(Schema):
    items: list[NoticeOut]
    next_after: int | None
    unread: int


class ReadIn(Schema):
    """Which notices are read; without ids all of them."""

    ids: list[int] | None = None


class UnreadOut(Schema):
    unread: int


@routes.get("/notices", response=NoticePage, summary="My notices, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, unread: bool = False) -> HttpResponse:
    """One keyset page; `unread` is the number at the bell."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page, limit = page_of(queries.notices(actor, unread=unread), limit=limit, after=after)
    with translation.override(actor.language):
        items = [{**{name: getattr(one, name) for name in NOTICE}, "sentence": queries.sentence(one)} for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None, "unread": queries.unread_count(actor)})


@routes.post("/notices/read", response=UnreadOut, summary="Mark notices as read")
@idempotent
def read(request: HttpRequest, body: ReadIn) -> HttpResponse:
    """Answers with how many are still unread."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.mark_read(body.ids, actor=actor)
    return reply({"unread": queries.unread_count(actor)})
