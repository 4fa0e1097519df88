"""Every change of an organisation, of the tree and of delivery addresses.

Changes of the tree (register, move, close) take one advisory lock for their transaction: they are rare, and a path must not be read
while another transaction moves the branch it stands in.
"""

from __future__ import annotations

from dataclasses import asdict, fields

from django.db import connection

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.subject import Subject
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.pinyin import spelled
from qudao.network import rules
from qudao.network.events import OrganisationMoved, OrganisationRegistered, OrganisationStateChanged
from qudao.network.models import Address, Organisation
from qudao.network.rules import AddressFacts, OrgFacts
from qudao.network.states import PARENTS, OrgState

TREE_LOCK = 0x71640001  # any number no other advisory lock of the product uses


def subject_of(org: Organisation) -> Subject:
    """The organisation as the subject of a log line or an event: it stands on the seller's side."""
    return Subject("network.organisation", org.pk, org.pk, None, org.code)


@action("network.register")
def register_organisation(kind: str, facts: OrgFacts, parent_id: int | None, *, actor: Actor) -> Organisation:
    """Put a new organisation into the tree. Locks the tree; emits OrganisationRegistered. Raises Invalid at the field, Refused."""
    _lock_tree()
    facts = facts.clean()
    if kind not in PARENTS:
        raise Invalid("network.kind", field="kind")
    parent = get_visible(actor, Organisation, parent_id, "network.register") if parent_id else None
    raise_if_any([*rules.check_facts(facts), *rules.check_parent(kind, parent.kind if parent else None)], Invalid)
    if parent and parent.state == OrgState.CLOSED:
        raise Refused("network.parent_closed", field="parent", parent=parent.name)
    _refuse_taken(facts.code)
    pk = _next_id()
    org = Organisation(
        pk=pk,
        kind=kind,
        parent=parent,
        path=f"{parent.path if parent else '/'}{pk}/",
        tier=rules.tier_under(kind, parent.tier) if parent else 0,
        pinyin=spelled(facts.name),
        **asdict(facts),
    )
    org.save(force_insert=True)
    record(subject_of(org), after=org.state)
    emit(OrganisationRegistered(organisation_id=org.pk, kind=kind), subject_of(org))
    return org


@action("network.change")
def change_organisation(org_id: int, facts: OrgFacts, *, actor: Actor) -> Organisation:
    """Change what is written about an organisation; about itself it may change only contact data. Locks the row."""
    get_visible(actor, Organisation, org_id, "network.change")
    org = lock_one(Organisation, org_id, rank=Rank.NETWORK)
    facts = facts.clean()
    before = {one.name: getattr(org, one.name) for one in fields(OrgFacts)}
    changed = {name: value for name, value in asdict(facts).items() if before[name] != value}
    if not changed:
        return org
    # The brand has nobody above it, so it keeps its own card.
    own = rules.not_own(changed) if org.pk == actor.org_id and org.parent_id else []
    raise_if_any(own, Refused)
    raise_if_any(rules.check_facts(facts), Invalid)
    if "code" in changed:
        _refuse_taken(facts.code, but=org.pk)
    for name, value in changed.items():
        setattr(org, name, value)
    org.pinyin = spelled(org.name)
    org.save(update_fields=[*changed, "pinyin"])
    record(subject_of(org), detail={name: [before[name], value] for name, value in changed.items()})
    return org


@action("network.move")
def move_organisation(org_id: int, parent_id: int, reason: str, *, actor: Actor) -> Organisation:
    """Hang a branch under another parent: one UPDATE for all paths and tiers. Locks the tree; emits OrganisationMoved."""
    _lock_tree()
    org = get_visible(actor, Organisation, org_id, "network.move")
    parent = get_visible(actor, Organisation, parent_id, "network.move")
    _refuse_own(org, actor)
    if parent.path.startswith(org.path):
        raise Refused("network.parent_below", field="parent", name=org.name)
    raise_if_any([*rules.check_parent(org.kind, parent.kind), *_check_reason(reason)], Invalid)
    if parent.state == OrgState.CLOSED:
        raise Refused("network.parent_closed", field="parent", parent=parent.name)
    if parent.pk == org.parent_id:
        return org
    old_path, path = org.path, f"{parent.path}{org.pk}/"
    step = rules.tier_under(org.kind, parent.tier) - org.tier
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE network_organisation
               SET path = %(path)s || substr(path, %(cut)s),
                   tier = greatest(0, tier + CASE WHEN kind = 'supplier' THEN 0 ELSE %(step)s END),
                   parent_id = CASE WHEN id = %(id)s THEN %(parent)s ELSE parent_id END
             WHERE path LIKE %(like)s
            """,
            {"path": path, "cut": len(old_path) + 1, "step": step, "id": org.pk, "parent": parent.pk, "like": f"{old_path}%"},
        )
    record(subject_of(org), before=str(org.parent_id), after=str(parent.pk), reason=reason)
    emit(OrganisationMoved(organisation_id=org.pk, old_path=old_path, path=path), subject_of(org))
    org.parent, org.path, org.tier = parent, path, max(0, org.tier + step)
    return org


@action("network.suspend")
def suspend_organisation(org_id: int, reason: str, *, actor: Actor) -> Organisation:
    """Stop new business with an organisation; what is under way goes on. Locks the row; emits OrganisationStateChanged."""
    raise_if_any(_check_reason(reason), Invalid)
    return _change_state(org_id, "suspend", reason, actor)


@action("network.suspend")
def resume_organisation(org_id: int, reason: str = "", *, actor: Actor) -> Organisation:
    """Let a suspended organisation start new business again. Locks the row; emits OrganisationStateChanged."""
    return _change_state(org_id, "resume", reason, actor)


@action("network.close")
def close_organisation(org_id: int, reason: str, *, actor: Actor) -> Organisation:
    """Close an organisation for good, when everything below it is closed. Locks tree and row; emits OrganisationStateChanged."""
    raise_if_any(_check_reason(reason), Invalid)
    _lock_tree()
    org = get_visible(actor, Organisation, org_id, "network.close")
    below = Organisation.unscoped.filter(path__startswith=org.path).exclude(pk=org.pk).exclude(state=OrgState.CLOSED).count()
    if below:
        raise Refused("network.has_open_below", name=org.name, count=below)
    return _change_state(org_id, "close", reason, actor)


@action("network.address")
def add_address(org_id: int, facts: AddressFacts, *, actor: Actor) -> Address:
    """Write down where goods for an organisation may go; its first address becomes the default. Locks the organisation. Raises Invalid at the field."""
    get_visible(actor, Organisation, org_id, "network.address")
    org = lock_one(Organisation, org_id, rank=Rank.NETWORK)
    facts = facts.clean()
    raise_if_any(rules.check_address(facts), Invalid)
    first = not Address.unscoped.filter(organisation=org, is_default=True).exists()
    address = Address.unscoped.create(organisation=org, is_default=first, **asdict(facts))
    record(subject_of(org), detail={"added": str(address)})
    return address


@action("network.address")
def change_address(address_id: int, facts: AddressFacts, *, actor: Actor) -> Address:
    """Change an address in use; documents keep what they were sent to. Locks the organisation. Raises Invalid at the field, Refused."""
    address = _lock_address(address_id, actor)
    facts = facts.clean()
    raise_if_any(rules.check_address(facts), Invalid)
    changed = {name: [getattr(address, name), value] for name, value in asdict(facts).items() if getattr(address, name) != value}
    if changed:
        for name, (_before, value) in changed.items():
            setattr(address, name, value)
        address.save(update_fields=[*changed])
        record(subject_of(address.organisation), detail={"address": str(address), **changed})
    return address


@action("network.address")
def make_address_default(address_id: int, *, actor: Actor) -> Address:
    """Use an address where none is chosen. Locks the organisation; harmless when it is the default already. Raises Refused for a retired one."""
    address = _lock_address(address_id, actor)
    if not address.is_default:
        Address.unscoped.filter(organisation=address.organisation_id, is_default=True).update(is_default=False)
        address.is_default = True
        address.save(update_fields=["is_default"])
        record(subject_of(address.organisation), detail={"default": str(address)})
    return address


@action("network.address")
def retire_address(address_id: int, *, actor: Actor) -> Address:
    """Use an address no longer; of the others the oldest becomes the default when this one was it. Locks the organisation."""
    address = _lock_address(address_id, actor)
    was_default, address.is_default, address.active = address.is_default, False, False
    address.save(update_fields=["is_default", "active"])
    heir = Address.unscoped.filter(organisation=address.organisation_id, active=True).order_by("pk").first() if was_default else None
    if heir:
        heir.is_default = True
        heir.save(update_fields=["is_default"])
    record(subject_of(address.organisation), detail={"retired": str(address)})
    return address


def _lock_address(address_id: int, actor: Actor) -> Address:
    """An address in use, read under the lock of its organisation; Refused when it is retired."""
    seen = get_visible(actor, Address, address_id, "network.address")
    org = lock_one(Organisation, seen.organisation_id, rank=Rank.NETWORK)
    address = Address.unscoped.get(pk=address_id)
    address.organisation = org
    if not address.active:
        raise Refused("network.address_retired", field="address")
    return address


def _change_state(org_id: int, verb: str, reason: str, actor: Actor) -> Organisation:
    get_visible(actor, Organisation, org_id, "network.close" if verb == "close" else "network.suspend")
    org = lock_one(Organisation, org_id, rank=Rank.NETWORK)
    _refuse_own(org, actor)
    before, org.state = org.state, rules.next_state(org.state, verb, org.name)
    org.save(update_fields=["state"])
    record(subject_of(org), before=before, after=org.state, reason=reason)
    emit(OrganisationStateChanged(organisation_id=org.pk, before=before, after=org.state), subject_of(org))
    return org


def _lock_tree() -> None:
    note_rank(Rank.NETWORK)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TREE_LOCK])


def _next_id() -> int:
    """The id before the row, because the row's path ends in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('network_organisation', 'id'))")
        return int(cursor.fetchone()[0])


def _check_reason(reason: str) -> list[Fault]:
    return [] if reason.strip() else [Fault("network.reason_missing", "reason")]


def _refuse_own(org: Organisation, actor: Actor) -> None:
    if org.pk == actor.org_id:
        raise Refused("network.own_organisation")


def _refuse_taken(code: str, but: int | None = None) -> None:
    """Say it at the field; the unique index decides a race."""
    if Organisation.unscoped.filter(code__iexact=code).exclude(pk=but or 0).exists():
        raise Invalid("network.code_taken", field="code")
