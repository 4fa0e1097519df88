"""Pure decisions about people: who may grant what, which state follows, and the arithmetic of one-time codes (RFC 6238)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from qudao.kernel.errors import DomainError, Fault, Refused
from qudao.people.states import TOKEN_PREFIX, TRANSITIONS, WIDTH, MemberState

STEP_SECONDS = 30
DIGITS = 6
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+|[^@\s]+@localhost")
_ROLE_CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")


class TooMany(DomainError):
    """Too many attempts in a short time (429)."""

    status = 429


@dataclass(frozen=True)
class Power:
    """What somebody holds or is to get: verbs and field classes, expanded, and how far the view reaches."""

    verbs: frozenset[str]
    fields: frozenset[str]
    scope: str


def clean_email(email: str) -> str:
    """An address as it is kept: no blanks around it, small letters."""
    return email.strip().lower()


def check_person(email: str, name: str) -> list[Fault]:
    """What is wrong with the (clean) address and name of a person."""
    faults = []
    if not _EMAIL.fullmatch(email) or len(email) > 254:
        faults.append(Fault("people.email", "email", {"email": email}))
    if not name.strip():
        faults.append(Fault("people.name_missing", "name"))
    return faults


def check_role_code(code: str) -> list[Fault]:
    """A role's code is read by machines."""
    return [] if _ROLE_CODE.fullmatch(code) else [Fault("people.role_code", "code")]


def exceeds(held: Power, granted: Power) -> list[Fault]:
    """What is granted and not held by the one who grants: verbs, guarded fields, width of view. Empty: may be granted."""
    faults = []
    if verbs := sorted(granted.verbs - held.verbs):
        faults.append(Fault("people.exceeds_verbs", "role", {"verbs": ", ".join(verbs[:5])}))
    if fields := sorted(granted.fields - held.fields):
        faults.append(Fault("people.exceeds_fields", "role", {"fields": ", ".join(fields[:5])}))
    if WIDTH[granted.scope] > WIDTH[held.scope]:
        faults.append(Fault("people.exceeds_scope", "scope"))
    return faults


def next_state(state: str, verb: str, name: str) -> str:
    """The state of a membership after a verb; raises Refused `people.state`."""
    after = TRANSITIONS.get((state, verb))
    if after is None:
        raise Refused("people.state", name=name, state=MemberState(state).label)
    return after


def hash_of(raw: str) -> str:
    """SHA-256 in hex: enough for keys of 256 random bits, which no one can guess."""
    return hashlib.sha256(raw.encode()).hexdigest()


def looks_like_token(raw: str) -> bool:
    """Whether it is worth asking the database."""
    return raw.startswith(TOKEN_PREFIX) and 20 < len(raw) < 100 and raw.isascii()


def code_at(secret: str, step: int) -> str:
    """The six digits of a time step (seconds // 30) for a base32 secret."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    (value,) = struct.unpack(">I", digest[start : start + 4])
    return f"{(value & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}}"


def step_of_code(secret: str, code: str, seconds: float, last_step: int) -> int | None:
    """The time step a code belongs to, within one step of `seconds`; None when it is wrong or not newer than `last_step` (used already)."""
    code = re.sub(r"\s", "", code)
    now = int(seconds) // STEP_SECONDS
    for step in (now, now - 1, now + 1):
        if step > last_step and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def clean_recovery(code: str) -> str:
    """A recovery code as it is hashed: letters and digits in small letters."""
    return re.sub(r"[^a-z0-9]", "", code.lower())


def without(codes: Iterable[str], used: str) -> list[str] | None:
    """The hashes left after one is used; None when it is not among them."""
    left = list(codes)
    if used not in left:
        return None
    left.remove(used)
    return left


def otpauth(secret: str, email: str, issuer: str) -> str:
    """The address that authenticator apps read from a QR code."""
    return f"otpauth://totp/{quote(issuer)}:{quote(email)}?secret={secret}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_SECONDS}"
