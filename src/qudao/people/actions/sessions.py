"""Signed-in devices and API tokens: opened, listed, ended by their person."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.people import rules
from qudao.people.actions.account import refuse_program, subject_of
from qudao.people.models import ApiToken, Session
from qudao.people.states import TOKEN_DAYS, TOKEN_PREFIX


@action("people.sign_in")
def open_session(ip: str | None, agent: str, *, actor: Actor) -> Session:
    """Note a sign-in that succeeded; the page keeps the row's id in the browser's session."""
    session = Session(user_id=actor.user_id or 0, ip=ip or None, agent=agent[:200], started_at=clock.now())
    session.save(force_insert=True)
    record(subject_of(session.user), detail={"ip": ip, "session": session.pk})
    return session


@action("people.me")
def end_session(session_id: int, *, actor: Actor) -> Session:
    """Sign out one of the own devices; it is out at its next request. Convergent."""
    session = get_visible(actor, Session, session_id)
    if session.ended_at is None:
        session.ended_at = clock.now()
        session.save(update_fields=["ended_at"])
        record(subject_of(session.user), detail={"session": session.pk})
    return session


@action("people.me")
def end_other_sessions(keep: int | None, *, actor: Actor) -> None:
    """Sign out all own devices but one. Convergent, one statement."""
    refuse_program(actor)
    Session.unscoped.filter(user_id=actor.user_id or 0, ended_at__isnull=True).exclude(pk=keep or 0).update(ended_at=clock.now())


@action("people.token")
def make_token(name: str, days: int = TOKEN_DAYS, *, actor: Actor) -> tuple[ApiToken, str]:
    """Make an API token for the membership the actor acts for; returns it with its raw text, which exists nowhere else."""
    refuse_program(actor)
    faults = []
    if not name.strip():
        faults.append(Fault("people.token_name", "name"))
    if not 1 <= days <= TOKEN_DAYS:
        faults.append(Fault("people.token_days", "days", {"most": TOKEN_DAYS}))
    raise_if_any(faults, Invalid)
    raw = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        membership_id=actor.membership_id or 0,
        name=name.strip()[:60],
        sha256=rules.hash_of(raw),
        prefix=raw[:8],
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(days=days),
    )
    token.save(force_insert=True)
    record(_subject(token, actor), after="active")
    return token, raw


@action("people.token")
def revoke_token(token_id: int, *, actor: Actor) -> ApiToken:
    """End a token at once: an own one, or one of somebody whose membership the actor may end. Convergent."""
    token = get_visible(actor, ApiToken, token_id)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        token.save(update_fields=["revoked_at"])
        record(_subject(token, actor), before="active", after="revoked")
    return token


@action("people.sign_in")
def note_tokens_used(token_ids: Iterable[int], *, actor: Actor) -> None:
    """Write the day of use of tokens, at most once a day each; one statement, outside the request that used them."""
    today = clock.today()
    ApiToken.unscoped.filter(pk__in=list(token_ids)).exclude(last_used_on=today).update(last_used_on=today)


def _subject(token: ApiToken, actor: Actor) -> Subject:
    return Subject("people.token", token.pk, actor.org_id, None, token.prefix)
