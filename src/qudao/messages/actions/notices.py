"""Every change of notices: writing them from events, reading them, sending them by e-mail."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import ngettext
from procrastinate.contrib.django import app

from qudao.approvals.actions import letter_for
from qudao.approvals.states import LETTERS
from qudao.base.access import Actor, policy_of, visible
from qudao.base.action import action, part
from qudao.base.notify import NoticeAsked
from qudao.base.outbox import Event
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.messages import queries
from qudao.messages.models import Notice, Preference
from qudao.messages.policies import document_model
from qudao.messages.states import TOPIC_LABELS, topic_of
from qudao.people import queries as people

MAIL_JOB = "messages.send_mail"
#: how many notices the mail of the day tells one by one
DIGEST_MOST = 50


@part
def deliver(events: Sequence[Event], *, actor: Actor) -> None:
    """Write one notice per event and person, and one mail job for each that is wanted by e-mail. Convergent: told once, whatever runs twice.
    What a person does not want in the product is kept as read when it is mailed, and not at all otherwise.

    One insert for the notices, one for the jobs; one read for all (organisation, verb) that are asked for, one for who sees own work only, one for
    the preferences.
    """
    now = clock.now()
    asked = {(event.payload.org_id, event.payload.verb) for event in events if event.payload.org_id is not None and event.payload.verb}
    known = people.unscoped_people_with_each(asked) if asked else {}
    narrow = people.unscoped_narrow({org_id for org_id, _verb in asked}) if asked else {}
    wanted = []
    for event in events:
        for user_id in _readers(event, known, narrow):
            columns = event.subject.columns()
            wanted.append(Notice(user_id=user_id, event_id=event.id, code=event.payload.code, params=event.payload.params, created_at=now, **columns))
    if not wanted:
        return
    wishes = queries.unscoped_preferences({one.user_id for one in wanted})
    kept: list[Notice] = []
    jobs: list[dict[str, Any]] = []
    for one in wanted:
        quiet, unmailed, daily = wishes.get(one.user_id, ([], None, False))
        topic = topic_of(one.code)
        by_email = unmailed is not None and topic not in unmailed
        one.digest = by_email and daily and one.code not in LETTERS  # a signature is waited for by others
        if topic in quiet:
            one.read_at = now  # kept for the mail, but nobody is called by it
        if topic not in quiet or by_email:
            kept.append(one)
        if by_email and not one.digest:
            jobs.append({"event_id": one.event_id, "user_id": one.user_id})
    Notice.unscoped.bulk_create(kept, ignore_conflicts=True)
    if jobs:
        app.configure_task(name=MAIL_JOB).batch_defer(*jobs)


def _readers(event: Event, known: Mapping[tuple[int, str], list[int]], narrow: Mapping[tuple[int, int], int]) -> list[int]:
    """Whom a notice is for: the people named, and those of the organisation who hold the verb; never who caused it, and of those who see own work
    only (`narrow`) nobody whose work it is not.
    """
    asked: NoticeAsked = event.payload
    found = set(asked.user_ids)
    if asked.org_id is not None and asked.verb:
        org_id = asked.org_id
        found.update(pk for pk in known[org_id, asked.verb] if (org_id, pk) not in narrow or _is_work_of(narrow[org_id, pk], event.subject))
    return sorted(found - {asked.except_user})


def _is_work_of(membership_id: int, subject: Subject) -> bool:
    """Whether a document is among what a member sees; what is no document is nobody's work alone."""
    model, actor = document_model(subject.kind), people.unscoped_actor_of_membership(membership_id)
    if model is None or actor is None:
        return False
    return actor.can(policy_of(model).view_verb) and visible(actor, model).filter(pk=subject.id).exists()


@action("messages.view")
def mark_read(notice_ids: Iterable[int] | None = None, *, actor: Actor) -> datetime:
    """Mark the person's notices as read: those named, or (None) all; returns the moment, by which it can be undone. One statement;
    what is not the person's is left alone.
    """
    now = clock.now()
    _unread(actor, notice_ids, Q(read_at=None)).update(read_at=now)
    return now


@action("messages.view")
def unmark_read(at: datetime, *, actor: Actor) -> int:
    """Undo a marking: the notices read at exactly that moment are unread again. Returns how many. One statement."""
    return _unread(actor, None, Q(read_at=at)).update(read_at=None)


def _unread(actor: Actor, notice_ids: Iterable[int] | None, which: Q) -> QuerySet[Notice]:
    if actor.user_id is None:
        raise Refused("messages.no_person")
    found = queries.notices(actor).order_by().filter(which)
    return found if notice_ids is None else found.filter(pk__in=list(notice_ids))


@action("messages.view")
def choose_email(by_email: bool, *, actor: Actor) -> Preference:
    """Say whether notices shall come by e-mail too, of every topic."""
    return _prefer(actor, by_email=by_email, unmailed=[])


@action("messages.view")
def choose_topics(shown: Collection[str], mailed: Collection[str], daily: bool = False, *, actor: Actor) -> Preference:
    """Say which topics call in the product, and which come by e-mail; every other topic does not. Unknown topics are left out.

    `daily`: one e-mail a day with all of them, except what waits for a signature.
    """
    return _prefer(
        actor,
        daily=daily,
        by_email=any(topic in TOPIC_LABELS for topic in mailed),
        quiet=[topic for topic in TOPIC_LABELS if topic not in shown],
        unmailed=[topic for topic in TOPIC_LABELS if topic not in mailed],
    )


def _prefer(actor: Actor, **wishes: Any) -> Preference:
    if actor.user_id is None:
        raise Refused("messages.no_person")
    made, _new = Preference.unscoped.update_or_create(user_id=actor.user_id, defaults=wishes)
    return made


@action("messages.view")
def mail_notice(event_id: int, user_id: int, *, actor: Actor) -> None:
    """Mail one notice in its reader's language, if it is wanted by e-mail and not yet sent. Locks it.

    A mail that fails rolls back and fails its job, which is tried again; it delays nobody else's.
    """
    unsent = Notice.unscoped.select_for_update().filter(event_id=event_id, user_id=user_id, emailed_at=None)
    for notice in unsent:
        readers = queries.unscoped_email_readers([user_id], notice.code)
        for name, email, language in people.unscoped_contacts(sorted(readers)).values():
            Notice.unscoped.filter(pk=notice.pk).update(emailed_at=clock.now())
            _mail(notice, name, email, language, actor)


@action("messages.view")
def mail_digest(user_id: int, *, actor: Actor) -> int:
    """Mail a person the notices that wait for the mail of the day, in one; returns how many. Locks them; a second time finds none.

    Those that were read meanwhile are left out, and so is what the person does not want mailed any more.
    """
    waiting = list(queries.unscoped_waiting_for_digest().select_for_update().filter(user_id=user_id).order_by("pk"))
    contact = people.unscoped_contacts([user_id]).get(user_id) if waiting else None
    if contact is None:
        return 0
    (_quiet, unmailed, _daily) = queries.unscoped_preferences([user_id]).get(user_id, ([], None, False))
    Notice.unscoped.filter(pk__in=[notice.pk for notice in waiting]).update(emailed_at=clock.now())
    found = [n for n in waiting if unmailed is not None and topic_of(n.code) not in unmailed and (n.read_at is None or n.read_at == n.created_at)]
    if found:
        _mail_all(found, *contact)
    return len(found)


def _mail_all(found: Sequence[Notice], name: str, email: str, language: str) -> None:
    queries.unscoped_with_wordings(found, language)
    with translation.override(language):
        shown = [{"text": queries.sentence(one), "link": f"{settings.SITE}/notices/{one.pk}/"} for one in found[:DIGEST_MOST]]
        told = {"name": name, "notices": shown, "more": len(found) - len(shown), "inbox": f"{settings.SITE}/notices/"}
        head = ngettext("{n} notice since yesterday", "{n} notices since yesterday", len(found)).format(n=len(found))
        body = render_to_string("messages/mail/digest.txt", told)
    send_mail(head, body, None, [email])


def _mail(notice: Notice, name: str, email: str, language: str, actor: Actor) -> None:
    site = settings.SITE
    # what waits for a signature comes with its facts and a link that decides without signing in, while the person may sign
    letter = letter_for(notice.subject, notice.user_id, actor=actor) if notice.code in LETTERS else None
    queries.unscoped_with_wordings([notice], language)
    with translation.override(language):
        head, text = queries.title(notice), queries.sentence(notice)
        told = {"name": name, "text": text, "link": f"{site}/notices/{notice.pk}/", "language": language, "letter": letter}
        if letter:
            told["once"] = f"{site}/a/{letter.token}/"
        body = render_to_string("approvals/mail/waiting.txt" if letter else "messages/mail/notice.txt", told)
    send_mail(head, body, None, [email])
