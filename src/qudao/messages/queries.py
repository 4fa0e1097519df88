"""Reads of notices (the bell, the list, the sentence), of what is said about a document, and of tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import get_language, override

from qudao.base.access import Actor, all_verbs, expand, get_visible, policy_of, visible
from qudao.base.db import rows
from qudao.base.files import files_by_subject
from qudao.base.html.tables import bounded_counts
from qudao.base.sentences import say, shown
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, NotFound
from qudao.messages.models import Message, Note, Notice, Task, Thread, Wording
from qudao.messages.policies import document_model
from qudao.messages.rules import Reader, WordingDraft, fill, placeholders
from qudao.messages.states import DOCUMENTS, PLACEHOLDERS, TOPIC_LABELS, UNKNOWN, topic_of
from qudao.people.models import Membership
from qudao.people.states import MemberState

#: how far back the mail of the day reaches when mails could not be sent
DIGEST_REACH = timedelta(days=3)
#: among how many of the newest notices an example is looked for
EXAMPLE_REACH = 5_000


@cache
def _texts(module: str) -> Mapping[str, Any]:
    """The notices of a module, by code. A module may keep the texts among its sentences and only list the codes."""
    try:
        states = import_module(f"qudao.{module}.states")
    except ModuleNotFoundError:
        return {}
    found = getattr(states, "NOTICES", {})
    return found if isinstance(found, Mapping) else {code: states.SENTENCES[code] for code in found}


def sentence(notice: Notice) -> str:
    """What the notice says, in the active language: the organisation's own text where one was read with it (`own_text`), else the standard one.
    An unknown code, a missing parameter or a broken text never breaks the list.
    """
    params = {name: shown(value) for name, value in {"number": notice.number, **notice.params}.items()}
    own = fill(getattr(notice, "own_text", None) or "", params)
    if own:
        return own
    text = _texts(notice.code.partition(".")[0]).get(notice.code)
    if text is None:
        said = say(Fault(notice.code, "", params)).sentence
        return str(UNKNOWN).format(number=notice.number) if said == notice.code else said
    try:
        return str(text).format(**params)
    except (KeyError, IndexError):
        return str(UNKNOWN).format(number=notice.number)


def title(notice: Notice) -> str:
    """The title of the notice's e-mail, on one line: the organisation's own, else what the notice says."""
    params = {name: shown(value) for name, value in {"number": notice.number, **notice.params}.items()}
    return " ".join((fill(getattr(notice, "own_subject", None) or "", params) or sentence(notice)).split())


def _language() -> str:
    """The active language as the product keeps it."""
    return "en" if (get_language() or "").startswith("en") else "zh-hans"


def unscoped_with_wordings(notices: Collection[Notice], language: str) -> None:
    """Give the notices of one person the own texts (`own_subject`, `own_text`) of the organisation as whose they are told: a side of the document, else
    the first they belong to. One statement.
    """
    found = rows(
        """select n.id, w.subject, w.text from qudao_messages_notice n
             cross join lateral (select m.org_id from people_membership m where m.user_id = n.user_id and m.state = 'active'
               order by coalesce(m.org_id in (n.seller_id, n.buyer_id), false) desc, m.id limit 1) home
             join qudao_messages_wording w on w.org_id = home.org_id and w.code = n.code and w.language = %s and w.text <> ''
            where n.id = any(%s)""",
        [language, [one.pk for one in notices]],
    )
    own = {pk: (subject, text) for pk, subject, text in found}
    for one in notices:
        one.own_subject, one.own_text = own.get(one.pk, ("", ""))  # type: ignore[attr-defined]


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
    """The person's notices, newest first, with what the organisation one is in says instead of the standard text, in the active language."""
    own = Wording.unscoped.filter(org_id=actor.org_id, code=OuterRef("code"), language=_language()).exclude(text="").values("text")
    found = visible(actor, Notice).order_by("-pk").annotate(own_text=Subquery(own))
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


# --- the own texts of an organisation ---


@dataclass(frozen=True)
class Told:
    """One kind of notice for who writes its texts: the standard by language, the placeholders it may have, and the own texts by language."""

    code: str
    standard: Mapping[str, str]
    known: tuple[str, ...]
    own: Mapping[str, Wording]

    @property
    def topic(self) -> str:
        """What it is about."""
        return topic_of(self.code)


@cache
def _standards() -> dict[str, dict[str, str]]:
    """code → language → standard text, of every notice of the installed modules."""
    found: dict[str, dict[str, str]] = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            for module in sorted(one.name.partition(".")[2] for one in apps.get_app_configs() if one.name.startswith("qudao.")):
                for code, text in _texts(module).items():
                    found.setdefault(code, {})[language] = str(text)
    return found


def _told(code: str, own: Mapping[str, Wording]) -> Told:
    standard = _standards()[code]
    named = dict.fromkeys(["number", *(name for text in standard.values() for name in placeholders(text))])
    return Told(code, standard, tuple(named), own)


def told_kinds(actor: Actor) -> list[Told]:
    """Every kind of notice with the texts of the actor's organisation, by topic. One statement."""
    own: dict[str, dict[str, Wording]] = {}
    for one in visible(actor, Wording, "messages.edit_texts").exclude(text=""):
        own.setdefault(one.code, {})[one.language] = one
    order = list(TOPIC_LABELS)
    return sorted((_told(code, own.get(code, {})) for code in _standards()), key=lambda one: (order.index(one.topic), one.code))


def told_kind(actor: Actor, code: str, language: str) -> Told:
    """One kind of notice; NotFound for a code or a language that does not exist. One statement."""
    if language not in dict(settings.LANGUAGES) or code not in _standards():
        raise NotFound("messages.notice_unknown")
    return _told(code, {one.language: one for one in visible(actor, Wording, "messages.edit_texts").filter(code=code).exclude(text="")})


def example_of(actor: Actor, told: Told) -> Notice:
    """The newest event of the kind that the actor was told of, or (what is written in conversations apart) a colleague was about a document the actor
    sees; without one an invented notice, which has no id. Three statements at most.
    """
    found = visible(actor, Notice).filter(code=told.code).order_by("-pk").first()
    if found is None and not told.code.startswith("messages."):
        newest = Notice.unscoped.order_by("-pk").values_list("pk", flat=True).first() or 0
        side = Q(seller_id=actor.org_id) | Q(buyer_id=actor.org_id)
        mine = Membership.unscoped.filter(org_id=actor.org_id, state=MemberState.ACTIVE).values("user_id")
        recent = Notice.unscoped.filter(side, code=told.code, user_id__in=mine, pk__gt=newest - EXAMPLE_REACH, subject_kind__in=DOCUMENTS.values())
        for one in recent.order_by("-pk")[:1]:
            model = document_model(one.subject_kind)
            if model and actor.can(policy_of(model).view_verb) and visible(actor, model).filter(pk=one.subject_id).exists():
                found = one
    return found or Notice(code=told.code, number=PLACEHOLDERS["number"][1], params={name: PLACEHOLDERS[name][1] for name in told.known if name != "number"})


def preview(example: Notice, draft: WordingDraft, language: str) -> tuple[str, str]:
    """(title of the e-mail, text) as the example would be told in a language with these texts."""
    example.own_subject, example.own_text = draft.subject, draft.text  # type: ignore[attr-defined]
    with override(language):
        return title(example), sentence(example)


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
