"""The caller's notices over the API, what is said about documents, and tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from ninja import Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.messages import actions, queries
from qudao.messages.models import Message, Note, Task
from qudao.messages.queries import Told
from qudao.messages.rules import TaskDraft, WordingDraft
from qudao.messages.states import DOCUMENTS

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
    with translation.override(actor.language):
        page, limit = page_of(queries.notices(actor, unread=unread), limit=limit, after=after)
        items = [{**{name: getattr(one, name) for name in NOTICE}, "sentence": queries.sentence(one)} for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None, "unread": queries.unread_count(actor)})


@routes.post("/notices/read", response=UnreadOut, summary="Mark notices as read")
@idempotent
def read(request: HttpRequest, body: ReadIn) -> HttpResponse:
    """Answers with how many are still unread."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.mark_read(body.ids, actor=actor)
    return reply({"unread": queries.unread_count(actor)})


class WordingIn(Schema):
    """An own text of a notice; `subject`: the title of its e-mail ("" = the text itself)."""

    text: str
    subject: str = ""


class WordingOut(Schema):
    """A kind of notice in one language: the standard text, the names that may stand between braces, and the own text, if there is one."""

    code: str
    language: str
    standard: str
    placeholders: list[str]
    own: WordingIn | None


def _wordings(told: Told) -> list[dict[str, Any]]:
    shared = {"code": told.code, "placeholders": list(told.known)}
    own = {language: {"text": one.text, "subject": one.subject} for language, one in told.own.items()}
    return [{**shared, "language": language, "standard": text, "own": own.get(language)} for language, text in told.standard.items()]


def _wording(actor: Actor, code: str, language: str) -> dict[str, Any]:
    return next(one for one in _wordings(queries.told_kind(actor, code, language)) if one["language"] == language)


@routes.get("/notice-texts", response=list[WordingOut], summary="What each kind of notice says to the own people")
def notice_texts(request: HttpRequest) -> HttpResponse:
    """Every kind in every language, by topic."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply([one for told in queries.told_kinds(actor) for one in _wordings(told)])


@routes.put("/notice-texts/{code}/{language}", response=WordingOut, summary="Write an own text of a notice")
@idempotent
def write_notice_text(request: HttpRequest, code: str, language: str, body: WordingIn) -> HttpResponse:
    """It counts at once, in the product and in e-mails."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.save_wording(code, language, WordingDraft(body.subject, body.text), actor=actor)
    return reply(_wording(actor, code, language))


@routes.delete("/notice-texts/{code}/{language}", response=WordingOut, summary="Go back to the standard text of a notice")
@idempotent
def reset_notice_text(request: HttpRequest, code: str, language: str) -> HttpResponse:
    """The log keeps the own one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.reset_wording(code, language, actor=actor)
    return reply(_wording(actor, code, language))


class SaidFile(Schema):
    id: int
    name: str
    kind: str
    size: int
    sha256: str


class SaidOut(Schema):
    """Something said about a document; `internal` = a note that only the caller's organisation sees."""

    id: int
    internal: bool
    at: datetime
    org_id: int
    user_id: int
    name: str
    text: str
    mentions: list[int]
    files: list[SaidFile]


class SaidIn(Schema):
    """What to say to both sides, or with `internal` to the own organisation only."""

    text: str
    internal: bool = False


class TaskOut(Schema):
    id: int
    title: str
    due_on: date | None
    subject_kind: str
    subject_id: int
    number: str
    assignee_id: int
    org_id: int
    by_user_id: int
    by_org_id: int
    message_id: int | None
    created_at: datetime
    done_at: datetime | None


class TaskPage(Schema):
    items: list[TaskOut]
    next_after: int | None
    open: int


class TaskIn(Schema):
    """What is to be done, by whom (a user id of either side), until when; `message`: what was said that it comes from."""

    title: str
    assignee: int
    due_on: date | None = None
    message: int | None = None


TASK = tuple(TaskOut.model_fields)


def _said(one: Message | Note) -> dict[str, Any]:
    shown = {name: getattr(one, name) for name in ("id", "at", "org_id", "user_id", "name", "text")}
    files = [{name: getattr(file, name) for name in ("id", "name", "kind", "size", "sha256")} for file in getattr(one, "shown_files", ())]
    return {**shown, "internal": isinstance(one, Note), "mentions": [mention[0] for mention in one.mentions], "files": files}


def _task(one: Task) -> dict[str, Any]:
    return {name: getattr(one, name) for name in TASK}


def _reading(kind: str) -> Callable[..., HttpResponse]:
    def said(request: HttpRequest, pk: int) -> HttpResponse:
        """Oldest first; for the two sides of the document, each with its own notes among the messages."""
        actor: Actor = request.actor  # type: ignore[attr-defined]
        _found, subject = queries.document(actor, kind, pk)
        return reply([_said(one) for one in queries.said_about(actor, subject)])

    return said


def _writing(kind: str) -> Callable[..., HttpResponse]:
    @idempotent
    def write(request: HttpRequest, pk: int, body: SaidIn) -> HttpResponse:
        """Say it; what was said is neither changed nor taken back."""
        actor: Actor = request.actor  # type: ignore[attr-defined]
        return reply(_said((actions.note if body.internal else actions.write)(kind, pk, body.text, actor=actor)), status=201)

    return write


def _assigning(kind: str) -> Callable[..., HttpResponse]:
    @idempotent
    def assign(request: HttpRequest, pk: int, body: TaskIn) -> HttpResponse:
        """Give a task about the document to a person of either side who may see it."""
        actor: Actor = request.actor  # type: ignore[attr-defined]
        made = actions.assign(kind, pk, TaskDraft(body.title, body.assignee, body.due_on, body.message), actor=actor)
        return reply(_task(made), status=201)

    return assign


for _at, _kind in DOCUMENTS.items():
    _noun = _kind.partition(".")[2]
    routes.get(f"/{_at}/{{int:pk}}/messages", response=list[SaidOut], summary=f"What is said about a {_noun}", operation_id=f"{_noun}_messages")(
        _reading(_kind)
    )
    routes.post(f"/{_at}/{{int:pk}}/messages", response={201: SaidOut}, summary=f"Say something about a {_noun}", operation_id=f"{_noun}_write")(
        _writing(_kind)
    )
    routes.post(f"/{_at}/{{int:pk}}/tasks", response={201: TaskOut}, summary=f"Give a task about a {_noun}", operation_id=f"{_noun}_assign")(_assigning(_kind))


@routes.get("/tasks", response=TaskPage, summary="Tasks in sight, newest first")
def tasks(request: HttpRequest, limit: int = 50, after: int | None = None, done: bool | None = None) -> HttpResponse:
    """One keyset page; `open` is how many open ones are for the caller."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = queries.tasks(actor).select_related(None)
    if done is not None:
        found = found.filter(done_at__isnull=not done)
    page, limit = page_of(found, limit=limit, after=after)
    items = [_task(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None, "open": queries.open_tasks(actor)})


@routes.post("/tasks/{int:pk}/completion", response=TaskOut, summary="Tick a task off")
@idempotent
def complete(request: HttpRequest, pk: int) -> HttpResponse:
    """Refused when it is done already."""
    return reply(_task(actions.finish_task(pk, actor=request.actor)))  # type: ignore[attr-defined]


@routes.post("/tasks/{int:pk}/reopening", response=TaskOut, summary="Open a task again")
@idempotent
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Refused when it is open."""
    return reply(_task(actions.reopen_task(pk, actor=request.actor)))  # type: ignore[attr-defined]
