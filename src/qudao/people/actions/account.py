"""A person's own account: profile, password, and the answers to links from mails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Forbidden, Invalid, Refused, raise_if_any
from qudao.people import rules
from qudao.people.actions.mail import later, send_link
from qudao.people.actions.members import member_of_token, refuse_stronger_person
from qudao.people.actions.members import subject_of as member_subject
from qudao.people.models import Membership, Session, User
from qudao.people.states import RESET_HOURS, Language, Theme

SALT = "qudao.people.reset"
AGAIN_AFTER = timedelta(minutes=3)


@dataclass(frozen=True)
class Profile:
    """What a person chooses for himself."""

    name: str
    language: str
    theme: str
    time_zone: str = ""


def subject_of(user: User) -> Subject:
    """A person as the subject of a log line; belongs to no side, only the brand's log shows it."""
    return Subject("people.user", user.pk, None, None, user.email)


def refuse_program(actor: Actor) -> None:
    """An account is changed by its person: a leaked token must not be able to take it over."""
    if actor.kind == "token":
        raise Forbidden("people.token_by_token")


@action("people.me")
def change_profile(profile: Profile, *, actor: Actor) -> User:
    """Change the own name, language, look and the zone of clock times. Locks the user."""
    refuse_program(actor)
    faults = []
    if not profile.name.strip():
        faults.append(Fault("people.name_missing", "name"))
    if profile.language not in Language.values:
        faults.append(Fault("people.language", "language"))
    if profile.theme not in Theme.values:
        faults.append(Fault("people.theme", "theme"))
    if profile.time_zone and profile.time_zone not in available_timezones():
        faults.append(Fault("people.time_zone", "time_zone"))
    raise_if_any(faults, Invalid)
    user = lock_one(User, actor.user_id or 0, rank=Rank.NETWORK)
    user.name, user.language, user.theme, user.time_zone = profile.name.strip()[:80], profile.language, profile.theme, profile.time_zone
    user.save(update_fields=["name", "language", "theme", "time_zone"])
    record(subject_of(user))
    return user


@action("people.me")
def change_password(current: str, new: str, keep_session: int | None = None, *, actor: Actor) -> User:
    """Change the own password; every other signed-in device is signed out. Locks the user."""
    refuse_program(actor)
    user = lock_one(User, actor.user_id or 0, rank=Rank.NETWORK)
    if not user.check_password(current):
        raise Invalid("people.password_wrong", field="current")
    _set(user, new, "new", keep_session)
    record(subject_of(user))
    return user


@action("people.support")
def set_password(user_id: int, new: str, *, hashed: str = "", actor: Actor) -> User:
    """Set somebody's password (set-up, demo, help at the desk); all devices are signed out. Locks the user.

    `hashed`: what Django keeps for `new`, from a caller who has worked it out before (a third of a second each). Only the system may say so.
    """
    if hashed and actor.user_id is not None:
        raise Forbidden("base.forbidden", verb="people.support")
    get_visible(actor, User, user_id, "people.support")
    refuse_stronger_person(user_id, actor)
    user = lock_one(User, user_id, rank=Rank.NETWORK)
    _set(user, new, "password", hashed=hashed)
    record(subject_of(user))
    return user


@action("people.sign_in")
def accept_invitation(token: str, name: str = "", password: str = "", *, actor: Actor) -> Membership:
    """Answer an invitation: the link proves the address. A new person chooses name and password; a known one only joins. Locks the membership."""
    member = lock_one(Membership, member_of_token(token).pk, rank=Rank.NETWORK)
    member_of_token(token)  # again under the lock: a second answer at the same moment finds it used
    user = member.user
    after = rules.next_state(member.state, "accept", user.name)
    if not user.has_usable_password():
        if not name.strip():
            raise Invalid("people.name_missing", field="name")
        user.name = name.strip()[:80]
        user.save(update_fields=["name"])
        _set(user, password, "password")
    before, member.state = member.state, after
    member.save(update_fields=["state"])
    record(member_subject(member), before=before, after=after, since=member.invited_at)
    return member


@action("people.sign_in")
def ask_reset(user_id: int, site: str = "", *, actor: Actor) -> User:
    """Mail a link for a new password; works once, for 2 hours, and only the newest. At most one mail in 3 minutes. Locks the user."""
    user = lock_one(User, user_id, rank=Rank.NETWORK)
    now = clock.now()
    if user.link_asked_at and user.link_asked_at + AGAIN_AFTER > now:
        raise Refused("people.link_too_soon")
    user.link_asked_at = now
    user.save(update_fields=["link_asked_at"])
    record(subject_of(user))
    later("people.send_reset", user_id=user.pk, site=site)
    return user


def mail_reset(user_id: int, site: str) -> None:
    """Send the link of the newest asking (a job)."""
    user = User.unscoped.filter(pk=user_id, is_active=True, link_asked_at__isnull=False).first()
    if user is not None:
        send_link(user, "people/mail/reset", f"/password/{reset_token(user)}/", site, {"hours": RESET_HOURS})


@action("people.sign_in")
def reset_password(token: str, new: str, *, actor: Actor) -> User:
    """Set a new password by a mailed link; all devices are signed out, the second factor stays. Locks the user."""
    user = lock_one(User, user_of_token(token).pk, rank=Rank.NETWORK)
    user_of_token(token)
    user.link_asked_at = None
    user.save(update_fields=["link_asked_at"])
    _set(user, new, "password")
    record(subject_of(user))
    return user


def reset_token(user: User) -> str:
    """Signed, and bound to the asking and to the password it replaces."""
    return signing.Signer(salt=SALT).sign_object([user.pk, _state_of(user)])


def user_of_token(token: str) -> User:
    """The person of a link; Refused `people.link` when it is wrong, older than 2 hours, replaced or used."""
    try:
        pk, state = signing.Signer(salt=SALT).unsign_object(token)
    except (signing.BadSignature, ValueError):
        raise Refused("people.link") from None
    user = User.unscoped.filter(pk=pk, is_active=True).first()
    if user is None or user.link_asked_at is None or _state_of(user) != state:
        raise Refused("people.link")
    if user.link_asked_at + timedelta(hours=RESET_HOURS) < clock.now():
        raise Refused("people.link")
    return user


def _state_of(user: User) -> str:
    asked = user.link_asked_at.isoformat() if user.link_asked_at else ""
    return salted_hmac(SALT, f"{asked} {user.password}").hexdigest()[:32]


def _set(user: User, password: str, field: str, keep_session: int | None = None, hashed: str = "") -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid("people.password", field=field, why=" ".join(error.messages)) from None
    if hashed:
        user.password = hashed
    else:
        user.set_password(password)
    user.save(update_fields=["password"])
    Session.unscoped.filter(user=user, ended_at__isnull=True).exclude(pk=keep_session or 0).update(ended_at=clock.now())
