"""Reads of notices: the bell, the list, the sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

from django.db.models import QuerySet

from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.base.sentences import say
from qudao.kernel.errors import Fault
from qudao.messages.models import Notice
from qudao.messages.states import UNKNOWN


@cache
def _texts(module: str) -> Mapping[str, Any]:
    """The notices of a module, by code. A module may keep the texts among its sentences and only list the codes."""
    try:
        states = import_module(f"qudao.{module}.states")
    except ModuleNotFoundError:
        return {}
    found = getattr(states, "NOTICES", {})
    return found if isinstance(found, Mapping) else {}


def sentence(notice: Notice) -> str:
    """What the notice says, in the active language; an unknown code or a missing parameter never breaks the list."""
    text = _texts(notice.code.partition(".")[0]).get(notice.code)
    params = {"number": notice.number, **notice.params}
    if text is None:
        said = say(Fault(notice.code, "", params)).sentence
        return str(UNKNOWN).format(number=notice.number) if said == notice.code else said
    try:
        return str(text).format(**params)
    except (KeyError, IndexError):
        return str(UNKNOWN).format(number=notice.number)


def unread_count(actor: Actor) -> int:
    """How many notices the person has not read: the number at the bell. One statement; 0 for who has no bell."""
    if not actor.can("messages.view") or actor.user_id is None:
        return 0
    return visible(actor, Notice).filter(read_at=None).count()


def notices(actor: Actor, *, unread: bool = False) -> QuerySet[Notice]:
    """The person's notices, newest first."""
    found = visible(actor, Notice).order_by("-pk")
    return found.filter(read_at=None) if unread else found


def notice(actor: Actor, notice_id: int) -> Notice:
    """One notice; NotFound when it is not this person's."""
    return get_visible(actor, Notice, notice_id)


def wants_email(actor: Actor) -> bool:
    """Whether the person wants notices by e-mail too."""
    return bool(rows("select 1 from qudao_messages_preference where user_id = %s and by_email", [actor.user_id]))


def unscoped_email_readers(user_ids: Iterable[int]) -> set[int]:
    """Who of these active people wants notices by e-mail. One statement."""
    found = rows(
        """select p.user_id from qudao_messages_preference p join people_user u on u.id = p.user_id
            where p.user_id = any(%s) and p.by_email and u.is_active and u.email <> ''""",
        [list(user_ids)],
    )
    return {row[0] for row in found}
