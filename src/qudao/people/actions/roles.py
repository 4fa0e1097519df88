"""Roles: those of the product, written from `states.ROLES`, and those an organisation writes for itself."""

from __future__ import annotations

from dataclasses import dataclass

from qudao.base.access import Actor, expand, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.kernel.errors import Invalid, Refused, raise_if_any
from qudao.people.models import Membership, Role
from qudao.people.queries import role_faults
from qudao.people.states import ROLES, MemberScope, MemberState


@dataclass(frozen=True)
class RoleFacts:
    """What people write about a role of their organisation; `verbs` and `fields` are patterns."""

    code: str
    name: str
    name_en: str = ""
    verbs: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    scope: str = MemberScope.ORG


def subject_of(role: Role) -> Subject:
    """A role as the subject of a log line; it stands on its organisation's side."""
    return Subject("people.role", role.pk, role.owner_id, None, role.code)


@action("people.support")
def ensure_system_roles(*, actor: Actor) -> None:
    """Write the roles of the product as `states.ROLES` has them; convergent, one statement. Roles no longer listed are left alone."""
    Role.unscoped.bulk_create(
        [
            Role(
                code=code,
                name=card.name,
                name_en=card.name_en,
                verbs=list(card.verbs),
                fields=list(card.fields),
                scope=card.scope,
                kinds=list(card.kinds),
            )
            for code, card in ROLES.items()
        ],
        update_conflicts=True,
        unique_fields=["owner", "code"],
        update_fields=["name", "name_en", "verbs", "fields", "scope", "kinds"],
    )


@action("people.roles")
def write_role(facts: RoleFacts, role_id: int | None = None, *, actor: Actor) -> Role:
    """Make or change a role of the actor's organisation; it cannot hold more than the actor does. Locks a role that exists."""
    verbs, fields = tuple(facts.verbs), tuple(facts.fields)
    faults, beyond = role_faults(actor, facts)
    raise_if_any(faults, Invalid)
    if role_id is None:
        role = Role(owner_id=actor.org_id)
    else:
        _own(role_id, actor)
        role = lock_one(Role, role_id, rank=Rank.NETWORK)
    if Role.unscoped.filter(owner_id=role.owner_id, code=facts.code).exclude(pk=role.pk).exists():
        raise Invalid("people.role_code_taken", field="code")
    before = list(role.verbs)
    role.code, role.name, role.name_en, role.scope = facts.code, facts.name.strip(), facts.name_en.strip(), facts.scope
    # Patterns would silently grow with verbs of later versions, beyond what the writer holds: they are written out now.
    role.verbs, role.fields = sorted(expand(verbs)), sorted(expand(fields, fields=True))
    raise_if_any(beyond, Refused)
    role.save()
    record(subject_of(role), detail={"verbs": [before, role.verbs]})
    return role


@action("people.roles")
def remove_role(role_id: int, *, actor: Actor) -> None:
    """Delete a role of the organisation that nobody has any more. Locks the role."""
    _own(role_id, actor)
    role = lock_one(Role, role_id, rank=Rank.NETWORK)
    used = Membership.unscoped.filter(role=role).exclude(state=MemberState.ENDED).count()
    if used or Membership.unscoped.filter(role=role).exists():
        raise Refused("people.role_used", count=used)
    record(subject_of(role), before=role.code[:24])
    role.delete()


def _own(role_id: int, actor: Actor) -> None:
    if get_visible(actor, Role, role_id).owner_id is None:
        raise Refused("people.system_role")
    get_visible(actor, Role, role_id, "people.roles")
