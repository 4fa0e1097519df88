"""Reads of notices (the bell, the list, the sentence), of what is said about a document, and of tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any

from django.db.models import Model, Q, QuerySet

from qudao.base.access import Actor, all_verbs, expand, get_visible, policy_of, visible
from qudao.base.db import rows
from qudao.base.files import files_by_subject
from qudao.base.html.tables import bounded_counts
from qudao.base.sentences import say, shown
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, NotFound
from qudao.messages.models import Message, Note, Notice, Task, Thread
from qudao.messages.policies import document_model
from qudao.messages.rules import Reader
from qudao.messages.states import TOPIC_LABELS, UNKNOWN, topic_of

#: how far back the mail of the day reaches when mails could not be sent
DIGEST_REACH = timedelta(days=3)


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
        return str(text).format(**{name: shown(value) for name, value in params.items()})
    except (KeyError, IndexError):
        return str(UNKNOWN).format(number=notice.number)


def unread_count(actor: Actor) -> int:
    """How many notices the person has not read: the number at the bell. One statement; 0 for who has no bell."""
    if not actor.can("messages.view") or actor.user_id is None:
        return 0
    return visible(actor, Notice).filter(read_at=None).count()


def waiting_counts(actor: Actor) -> dict[str, int]:
    """How many "notices" the person has not read and how many open "tasks" were given to them. One statement for both; empty for who has neither."""
    if not actor.can("messages.view") or actor.user_id is None:
        return {}
    return bounded_counts({"notices": visible(actor, Notice).filter(read_at=None), "tasks": my_open_tasks(actor)})


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


def wants_digest(actor: Actor) -> bool:
    """Whether the person's e-mails are collected into one a day."""
    return bool(rows("select 1 from qudao_messages_preference where user_id = %s and daily", [actor.user_id]))


def preferences(actor: Actor) -> dict[str, tuple[bool, bool]]:
    """topic → (told in the product, told by e-mail) of the person. One statement."""
    found = rows("select by_email, quiet, unmailed from qudao_messages_preference where user_id = %s", [actor.user_id])
    by_email, quiet, unmailed = found[0] if found else (False, [], [])
    return {topic: (topic not in quiet, by_email and topic not in unmailed) for topic in TOPIC_LABELS}


def unscoped_preferences(user_ids: Iterable[int]) -> dict[int, tuple[list[str], list[str] | None, bool]]:
    """user → (topics that do not count as unread, topics that are not mailed; None when nothing is, whether mails are collected into one a day).
    Who has no row is not in it. One statement.
    """
    found = rows(
        """select p.user_id, p.quiet, case when p.by_email and u.is_active and u.email <> '' then p.unmailed end, p.daily
             from qudao_messages_preference p join people_user u on u.id = p.user_id where p.user_id = any(%s)""",
        [list(user_ids)],
    )
    return {row[0]: (row[1], row[2], row[3]) for row in found}


def unscoped_waiting_for_digest() -> QuerySet[Notice]:
    """The notices of everybody that wait for the mail of the day; what could not be mailed for three days is left to the inbox."""
    return Notice.unscoped.filter(digest=True, emailed_at=None, created_at__gte=clock.now() - DIGEST_REACH)


def unscoped_email_readers(user_ids: Iterable[int], code: str) -> set[int]:
    """Who of these active people wants a notice of this code by e-mail. One statement."""
    topic = topic_of(code)
    return {user_id for user_id, (_quiet, unmailed, _daily) in unscoped_preferences(user_ids).items() if unmailed is not None and topic not in unmailed}


# --- conversations ---


def document(actor: Actor, kind: str, pk: int) -> tuple[Model, Subject]:
    """A document with its subject, for somebody of one of its two sides; NotFound for everybody else, whatever their scope; Forbidden without
    the right to see such documents.
    """
    model = document_model(kind)
    if model is None:
        raise NotFound("base.not_found")
    found: Any = get_visible(actor, model, pk)
    if actor.org_id not in (found.seller_id, found.buyer_id):
        raise NotFound("base.not_found")
    return found, found.subject


def _of(subject: Subject) -> Q:
    return Q(subject_kind=subject.kind, subject_id=subject.id)


def messages(actor: Actor, subject: Subject) -> QuerySet[Message]:
    """What both sides said about a document, oldest first."""
    about = Q(thread__subject_kind=subject.kind, thread__subject_id=subject.id)
    return visible(actor, Message).filter(about).select_related("thread", "org").order_by("id")


def notes(actor: Actor, subject: Subject) -> QuerySet[Note]:
    """What the own organisation noted about a document for itself, oldest first."""
    return visible(actor, Note).filter(_of(subject)).select_related("org").order_by("id")


def message(actor: Actor, pk: int) -> Message:
    """One message; NotFound when hidden."""
    return get_visible(actor, Message, pk)


def note(actor: Actor, pk: int) -> Note:
    """One note; NotFound for everybody but the organisation that wrote it."""
    return get_visible(actor, Note, pk)


def message_count(actor: Actor, subject: Subject) -> int:
    """How many messages the conversation of a document has; 0 for who may not read it. One statement."""
    if not actor.can("messages.view"):
        return 0
    return visible(actor, Thread).filter(_of(subject)).values_list("count", flat=True).first() or 0


def said_about(actor: Actor, subject: Subject) -> list[Message | Note]:
    """Messages and the own organisation's notes of a document by time, each with `shown_files`. Four statements at most."""
    spoken, noted = list(messages(actor, subject)), list(notes(actor, subject))
    kept = files_by_subject(actor, "messages.message", [one.pk for one in spoken if one.files])
    kept_inside = files_by_subject(actor, "messages.note", [one.pk for one in noted if one.files])
    both: list[Any] = [*spoken, *noted]
    for one in both:
        one.shown_files = (kept if isinstance(one, Message) else kept_inside).get(one.pk, [])
    return sorted(both, key=lambda one: (one.at, isinstance(one, Note), one.pk))


def unscoped_readers(subject: Subject) -> list[Reader]:
    """The active people of the two sides who may see a document of this kind and its conversation. One statement."""
    model = document_model(subject.kind)
    if model is None:
        return []
    view = policy_of(model).view_verb
    module = view.partition(".")[0]
    answering = {verb for verb in all_verbs() if verb.startswith(f"{module}.") and verb != view}
    found = rows(
        """select distinct on (u.id, m.org_id) u.id, u.name, m.org_id, r.verbs
             from people_membership m join people_user u on u.id = m.user_id join people_role r on r.id = m.role_id
            where m.org_id = any(%s) and m.state = 'active' and u.is_active order by u.id, m.org_id, m.id""",
        [[subject.seller_id, subject.buyer_id]],
    )
    readers = []
    for user_id, name, org_id, patterns in found:
        verbs = expand(tuple(patterns))
        if view in verbs and "messages.view" in verbs:
            readers.append(Reader(user_id, name, org_id, answers=bool(answering & verbs)))
    return readers


def unscoped_followers(subject: Subject, org_id: int) -> tuple[set[int], set[int]]:
    """(who wrote in the conversation or, of the writer's organisation, noted something; who did something with the document). One statement."""
    found = rows(
        """select 'wrote', m.user_id from qudao_messages_message m join qudao_messages_thread t on t.id = m.thread_id
            where t.subject_kind = %(kind)s and t.subject_id = %(id)s
           union select 'wrote', user_id from qudao_messages_note where subject_kind = %(kind)s and subject_id = %(id)s and org_id = %(org)s
           union select 'acted', actor_user from base_actionlog where subject_kind = %(kind)s and subject_id = %(id)s and actor_user is not null""",
        {"kind": subject.kind, "id": subject.id, "org": org_id},
    )
    return {user for what, user in found if what == "wrote"}, {user for what, user in found if what == "acted"}


# --- tasks ---


def tasks(actor: Actor) -> QuerySet[Task]:
    """The tasks the actor may see, newest first, with the people and sides they name."""
    return visible(actor, Task).select_related("assignee", "org", "by_user", "by_org").order_by("-pk")


def tasks_about(actor: Actor, subject: Subject) -> QuerySet[Task]:
    """The tasks of a document: open ones first, by the day they are due."""
    return tasks(actor).filter(_of(subject)).order_by("-done_at", "due_on", "pk")


def open_tasks(actor: Actor) -> int:
    """How many open tasks are for this person, whoever gave them; 0 for who has none or may not read. One statement."""
    return my_open_tasks(actor).count()


def my_open_tasks(actor: Actor) -> QuerySet[Task]:
    """The open tasks of this person, those due first."""
    if actor.user_id is None or not actor.can("messages.view"):
        return Task.unscoped.none()
    return visible(actor, Task).filter(assignee_id=actor.user_id, org_id=actor.org_id, done_at=None).order_by("due_on", "pk")


def task(actor: Actor, pk: int, verb: str | None = None) -> Task:
    """One task; NotFound when hidden."""
    return get_visible(actor, Task, pk, verb)
