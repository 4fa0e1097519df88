"""The second factor: one-time codes of an app (RFC 6238), and recovery codes for the day the phone is gone.

The secret is encrypted with a key made from SECRET_KEY, so that a copy of the database alone does not yield codes.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.people import rules
from qudao.people.actions.account import refuse_program, subject_of
from qudao.people.actions.members import refuse_stronger_person
from qudao.people.models import SecondFactor, User
from qudao.people.states import RECOVERY_CODES

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """160 random bits in base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


@action("people.me")
def enable_second_factor(secret: str, code: str, *, actor: Actor) -> list[str]:
    """Switch the second factor on when a first code fits; returns the recovery codes, which are shown once. Locks the user."""
    refuse_program(actor)
    user = lock_one(User, actor.user_id or 0, rank=Rank.NETWORK)
    if SecondFactor.unscoped.filter(user=user).exists():
        raise Refused("people.totp_on")
    step = rules.step_of_code(secret, code, clock.now().timestamp(), 0)
    if step is None:
        raise Invalid("people.totp_code", field="code")
    codes = _new_codes()
    SecondFactor(user=user, secret=_seal(secret), last_step=step, recovery=[_hash(one) for one in codes]).save(force_insert=True)
    record(subject_of(user), after="on")
    return codes


@action("people.me")
def disable_second_factor(password: str, *, actor: Actor) -> User:
    """Switch the second factor off; asks for the password, so that an open screen is not enough. Locks the user."""
    refuse_program(actor)
    user = lock_one(User, actor.user_id or 0, rank=Rank.NETWORK)
    _check_password(user, password)
    if not SecondFactor.unscoped.filter(user=user).delete()[0]:
        raise Refused("people.totp_off")
    record(subject_of(user), before="on", after="off")
    return user


@action("people.me")
def renew_recovery_codes(password: str, *, actor: Actor) -> list[str]:
    """Make new recovery codes, returned once; the former ones end. Locks user and factor."""
    refuse_program(actor)
    user = lock_one(User, actor.user_id or 0, rank=Rank.NETWORK)
    _check_password(user, password)
    codes = _new_codes()
    if not SecondFactor.unscoped.filter(user=user).update(recovery=[_hash(one) for one in codes]):
        raise Refused("people.totp_off")
    record(subject_of(user))
    return codes


@action("people.support")
def reset_second_factor(user_id: int, reason: str, *, actor: Actor) -> User:
    """Take the second factor from a person who lost phone and codes. Locks the user."""
    get_visible(actor, User, user_id, "people.support")
    refuse_stronger_person(user_id, actor)
    user = lock_one(User, user_id, rank=Rank.NETWORK)
    if not SecondFactor.unscoped.filter(user=user).delete()[0]:
        raise Refused("people.totp_off")
    record(subject_of(user), before="on", after="off", reason=reason)
    return user


@action("people.sign_in")
def use_second_factor(code: str, *, actor: Actor) -> SecondFactor:
    """Check the code of a person who is signing in; each code works once. Locks the factor. Raises Invalid `people.totp_code`."""
    found = SecondFactor.unscoped.filter(user_id=actor.user_id or 0).values_list("pk", flat=True).first()
    if found is None:
        raise Refused("people.totp_off")
    factor = lock_one(SecondFactor, found, rank=Rank.NETWORK)
    step = rules.step_of_code(_open(factor.secret), code, clock.now().timestamp(), factor.last_step)
    if step is not None:
        factor.last_step = step
        factor.save(update_fields=["last_step"])
        return factor
    left = rules.without(factor.recovery, _hash(code))
    if left is None:
        raise Invalid("people.totp_code", field="code")
    factor.recovery = left
    factor.save(update_fields=["recovery"])
    record(subject_of(factor.user), reason="recovery code")
    return factor


def _check_password(user: User, password: str) -> None:
    if not user.check_password(password):
        raise Invalid("people.password_wrong", field="password")


def _new_codes() -> list[str]:
    """Ten codes of 50 random bits, as people copy them: "abcde-23456"."""
    raw = ["".join(secrets.choice(_LETTERS) for _place in range(10)) for _code in range(RECOVERY_CODES)]
    return [f"{one[:5]}-{one[5:]}" for one in raw]


def _hash(code: str) -> str:
    return rules.hash_of(rules.clean_recovery(code))


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"qudao.people.factor" + str(key).encode()).digest())) for key in keys])


def _seal(secret: str) -> str:
    return _cipher().encrypt(secret.encode()).decode()


def _open(sealed: str) -> str:
    """The secret; when SECRET_KEY was changed without a fallback no code fits any more, and an administrator takes the factor away."""
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Refused("people.totp_code", field="code") from None
