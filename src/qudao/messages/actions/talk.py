"""Saying something about a document: to both sides, or to the own organisation only. What was said is neither changed nor taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.base.db import rows
from qudao.base.files import is_picture, keep, keep_photo
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.messages import queries, rules
from qudao.messages.models import Message, Note
from qudao.messages.rules import Following, Reader

#: how much of a message stands in its notice
EXCERPT = 120

#: the conversation of a document, made by its first message; the row is locked, so that messages count one after the other
COUNTED = """INSERT INTO qudao_messages_thread (subject_kind, subject_id, seller_id, buyer_id, number, count, last_at)
    VALUES (%(subject_kind)s, %(subject_id)s, %(seller_id)s, %(buyer_id)s, %(number)s, 1, %(at)s)
    ON CONFLICT (subject_kind, subject_id) DO UPDATE SET count = qudao_messages_thread.count + 1, last_at = excluded.last_at, number = excluded.number
    RETURNING id"""


@action("messages.write")
def write(kind: str, pk: int, text: str, *, files: Sequence[UploadedFile] = (), actor: Actor) -> Message:
    """Say something about a document to both its sides, with files. NotFound for whoever is of neither side.

    Locks the conversation. Its log line stands in the life of the document, so that open pages of the other side notice.
    """
    _found, subject = queries.document(actor, kind, pk)
    user_id = _person(actor)
    text = rules.checked(text, len(files))
    readers = queries.unscoped_readers(subject)
    named = rules.mentioned(text, readers)
    wrote, acted = queries.unscoped_followers(subject, actor.org_id)
    at = clock.now()
    ((thread_id,),) = rows(COUNTED, {**subject.columns(), "at": at})
    said = Message.unscoped.create(thread_id=thread_id, **_row(text, named, files, actor, at))
    _keep(files, said.subject, actor)
    record(subject, detail={"files": len(files)} if files else None)
    following = Following(wrote, acted, {one.user_id for one in named})
    told = rules.told(user_id, actor.org_id, readers, following, internal=False)
    _tell(subject, told, named, user_id, {"who": actor.name, "text": _excerpt(text, files)})
    return said


@action("messages.write")
def note(kind: str, pk: int, text: str, *, files: Sequence[UploadedFile] = (), actor: Actor) -> Note:
    """Note something about a document for the own organisation only. NotFound for whoever is of neither side.

    Nothing of it touches the document's own rows: its log line, files, event and notices hang on the note, which has one side.
    """
    _found, subject = queries.document(actor, kind, pk)
    user_id = _person(actor)
    text = rules.checked(text, len(files))
    readers = [one for one in queries.unscoped_readers(subject) if one.org_id == actor.org_id]
    named = rules.mentioned(text, readers)
    wrote, acted = queries.unscoped_followers(subject, actor.org_id)
    noted = Note.unscoped.create(**_row(text, named, files, actor, clock.now()), **subject.columns())
    _keep(files, noted.subject, actor)
    record(noted.subject)
    told = rules.told(user_id, actor.org_id, readers, Following(wrote, acted, {one.user_id for one in named}), internal=True)
    if told:
        notify("messages.noted", noted.subject, user_ids=sorted(told), except_user=user_id, who=actor.name)
    return noted


def _person(actor: Actor) -> int:
    if actor.user_id is None:
        raise Refused("messages.no_person")
    return actor.user_id


def _row(text: str, named: Sequence[Reader], files: Sequence[UploadedFile], actor: Actor, at: Any) -> dict[str, Any]:
    mentions = [[one.user_id, one.name] for one in named]
    return {"at": at, "user_id": actor.user_id, "org_id": actor.org_id, "name": actor.name, "text": text, "mentions": mentions, "files": len(files)}


def _keep(files: Sequence[UploadedFile], subject: Subject, actor: Actor) -> None:
    """Pictures as photos, everything else as it is."""
    for file in files:
        (keep_photo if is_picture(file) else keep)(file, subject, actor=actor)


def _excerpt(text: str, files: Sequence[UploadedFile]) -> str:
    line = " ".join(text.split()) or ", ".join((file.name or "").rpartition("/")[2] for file in files)
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"


def _tell(subject: Subject, told: set[int], named: Sequence[Reader], user_id: int, params: dict[str, Any]) -> None:
    """Everybody once: those named in other words than the rest."""
    meant = told & {one.user_id for one in named}
    for code, users in (("messages.mentioned", meant), ("messages.written", told - meant)):
        if users:
            notify(code, subject, user_ids=sorted(users), except_user=user_id, **params)
