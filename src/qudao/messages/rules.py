"""Who is meant by an @name, who is told of what was written, and what may be written. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.messages.states import FILES_LIMIT, SUBJECT_LIMIT, TEXT_LIMIT, WORDING_LIMIT


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


#: the name of a placeholder; nothing else is ever read between braces, so that no text reaches into a value
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class WordingDraft:
    """What a notice says in one language: the title of its e-mail ("" = the text itself), and the text."""

    subject: str = ""
    text: str = ""

    def clean(self) -> WordingDraft:
        """As it is kept: the wide braces of Chinese input are braces, a title is one line."""
        subject, text = (one.replace("\x00", "").replace("｛", "{").replace("｝", "}") for one in (self.subject, self.text))
        return WordingDraft(" ".join(subject.split()), text.replace("\r\n", "\n").strip())


def placeholders(text: str) -> list[str]:
    """The names between braces, each once, in their order."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def wording_faults(draft: WordingDraft, known: Collection[str]) -> list[Fault]:
    """What is wrong with an own text of a notice whose placeholders are `known`; each at its field."""
    faults = []
    if not draft.text:
        faults.append(Fault("messages.wording_missing", "text"))
    for field, text, limit in (("subject", draft.subject, SUBJECT_LIMIT), ("text", draft.text, WORDING_LIMIT)):
        unknown = [name for name in placeholders(text) if name not in known]
        if len(text) > limit:
            faults.append(Fault("messages.too_long", field, {"limit": limit}))
        if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
            faults.append(Fault("messages.wording_brace", field, {"example": "{number}"}))
        elif unknown:
            names = {"names": ", ".join(f"{{{name}}}" for name in unknown), "known": ", ".join(f"{{{name}}}" for name in known)}
            faults.append(Fault("messages.wording_unknown", field, names))
    return faults


def fill(text: str, params: Mapping[str, Any]) -> str:
    """A text with its placeholders filled in; "" when one is missing or the text is broken, so that the standard text says it."""
    if re.search(r"[{}]", PLACEHOLDER.sub("", text)) or not all(name in params for name in placeholders(text)):
        return ""
    return PLACEHOLDER.sub(lambda found: str(params[found.group(1)]), text).strip()
