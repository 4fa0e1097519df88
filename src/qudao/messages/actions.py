"""Every change of notices: writing them from events, reading them, sending them by e-mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation
from procrastinate.contrib.django import app

from qudao.base.access import Actor
from qudao.base.action import action, part
from qudao.base.notify import NoticeAsked
from qudao.base.outbox import Event
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.messages import queries
from qudao.messages.models import Notice, Preference
from qudao.people import queries as people

MAIL_JOB = "messages.send_mail"


@part
def deliver(events: Sequence[Event], *, actor: Actor) -> None:
    """Write one notice per event and person, and one mail job for each that is wanted by e-mail. Convergent: told once, whatever runs twice.

    One insert for the notices, one for the jobs; one read per (organisation, verb) that is asked for, one for the preferences.
    """
    now = clock.now()
    known: dict[tuple[int, str], list[int]] = {}
    wanted = []
    for event in events:
        for user_id in _readers(event.payload, known):
            columns = event.subject.columns()
            wanted.append(Notice(user_id=user_id, event_id=event.id, code=event.payload.code, params=event.payload.params, created_at=now, **columns))
    if not wanted:
        return
    Notice.unscoped.bulk_create(wanted, ignore_conflicts=True)
    mailed = queries.unscoped_email_readers({one.user_id for one in wanted})
    jobs: list[dict[str, Any]] = [{"event_id": one.event_id, "user_id": one.user_id} for one in wanted if one.user_id in mailed]
    if jobs:
        app.configure_task(name=MAIL_JOB).batch_defer(*jobs)


def _readers(asked: NoticeAsked, known: dict[tuple[int, str], list[int]]) -> list[int]:
    """Whom a notice is for: the people named, and those of the organisation who hold the verb; never who caused it."""
    found = set(asked.user_ids)
    if asked.org_id is not None and asked.verb:
        key = (asked.org_id, asked.verb)
        if key not in known:
            known[key] = people.unscoped_people_with(*key)
        found.update(known[key])
    return sorted(found - {asked.except_user})


@action("messages.view")
def mark_read(notice_ids: Iterable[int] | None = None, *, actor: Actor) -> None:
    """Mark the person's notices as read: those named, or (None) all. One statement; what is not the person's is left alone."""
    if actor.user_id is None:
        raise Refused("messages.no_person")
    unread = queries.notices(actor, unread=True).order_by()
    if notice_ids is not None:
        unread = unread.filter(pk__in=list(notice_ids))
    unread.update(read_at=clock.now())


@action("messages.view")
def choose_email(by_email: bool, *, actor: Actor) -> Preference:
    """Say whether notices shall come by e-mail too."""
    if actor.user_id is None:
        raise Refused("messages.no_person")
    made, _new = Preference.unscoped.update_or_create(user_id=actor.user_id, defaults={"by_email": by_email})
    return made


@action("messages.view")
def mail_notice(event_id: int, user_id: int, *, actor: Actor) -> None:
    """Mail one notice in its reader's language, if it is wanted by e-mail and not yet sent. Locks it.

    A mail that fails rolls back and fails its job, which is tried again; it delays nobody else's.
    """
    unsent = Notice.unscoped.select_for_update().filter(event_id=event_id, user_id=user_id, emailed_at=None)
    readers = queries.unscoped_email_readers([user_id])
    for notice in unsent:
        for name, email, language in people.unscoped_contacts(sorted(readers)).values():
            Notice.unscoped.filter(pk=notice.pk).update(emailed_at=clock.now())
            _mail(notice, name, email, language)


def _mail(notice: Notice, name: str, email: str, language: str) -> None:
    with translation.override(language):
        text = queries.sentence(notice)
        told = {"name": name, "text": text, "link": f"{settings.BASE_URL or ''}/notices/{notice.pk}/", "language": language}
        body = render_to_string("messages/mail/notice.txt", told)
    send_mail(" ".join(text.split()), body, None, [email])
