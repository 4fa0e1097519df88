"""Who is meant by an @name, who is told of what was written, and what may be written. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date

from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.messages.states import FILES_LIMIT, TEXT_LIMIT


@dataclass(frozen=True)
class Reader:
    """A person of one of the two sides who may see the document; `answers` = whose work such documents are, not only whose sight."""

    user_id: int
    name: str
    org_id: int
    answers: bool = False


def checked(text: str, files: int) -> str:
    """The text as it is kept; raises Invalid when there is nothing, or too much."""
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    faults = []
    if not text and not files:
        faults.append(Fault("messages.nothing_written", "text"))
    if len(text) > TEXT_LIMIT:
        faults.append(Fault("messages.too_long", "text", {"limit": TEXT_LIMIT}))
    if files > FILES_LIMIT:
        faults.append(Fault("messages.too_many_files", "file", {"limit": FILES_LIMIT}))
    raise_if_any(faults, Invalid)
    return text


def mentioned(text: str, readers: Iterable[Reader]) -> list[Reader]:
    """The people whose @name stands in a text; of two names one of which begins the other, the longer is meant."""
    by_name: dict[str, list[Reader]] = {}
    for one in readers:
        if one.name:
            by_name.setdefault(one.name.casefold(), []).append(one)
    if "@" not in text or not by_name:
        return []
    names = "|".join(re.escape(name) for name in sorted(by_name, key=len, reverse=True))
    found = {one.user_id: one for match in re.finditer(f"@({names})", text.casefold()) for one in by_name[match.group(1)]}
    return list(found.values())


def pieces(text: str, names: Sequence[str]) -> list[tuple[str, bool]]:
    """A text cut at the names mentioned in it: (piece, whether it is a mention)."""
    if not names:
        return [(text, False)]
    cut = re.split(f"(@(?:{'|'.join(re.escape(n) for n in sorted(names, key=len, reverse=True))}))", text, flags=re.IGNORECASE)
    return [(piece, bool(n % 2)) for n, piece in enumerate(cut) if piece]


@dataclass(frozen=True)
class Following:
    """User ids: who wrote in a conversation, who did something with its document, who is named in what was written."""

    wrote: Set[int] = frozenset()
    acted: Set[int] = frozenset()
    named: Set[int] = frozenset()


def told(writer: int, org_id: int, readers: Sequence[Reader], following: Following, *, internal: bool) -> set[int]:
    """Who gets a notice of what `writer` wrote: who wrote in this conversation, who is named, and on the other side whoever did something with
    the document; when nobody there has yet, those whose work such documents are. Of an internal note only colleagues. Never the writer.
    """
    own = {one.user_id for one in readers if one.org_id == org_id} - {writer}
    spoken = following.wrote | following.named
    if internal:
        return own & spoken
    others = {one.user_id for one in readers if one.org_id != org_id} - {writer}
    fresh = {one.user_id for one in readers if one.user_id in others and one.answers} or others
    return (own & spoken) | (others & (spoken | following.acted) or fresh)


@dataclass(frozen=True)
class TaskDraft:
    """A task as it is given: what, for whom (a user id), until when, and the message it comes from."""

    title: str
    assignee_id: int
    due_on: date | None = None
    message_id: int | None = None
