"""Every change of an organisation, of the tree and of delivery addresses.

Changes of the tree (register, move, close) take one advisory lock for their transaction: they are rare, and a path must not be read
while another transaction moves the branch it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from django.db import connection

from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, emit, record
from qudao.base.built import built_on, erase
from qudao.base.db import update_rows
from qudao.base.lock import Rank, lock_one, lock_rows, note_rank
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.pinyin import spelled
from qudao.network import rules
from qudao.network.events import AreaChanged, OrganisationMoved, OrganisationRegistered, OrganisationStateChanged
from qudao.network.models import Address, FormerPlace, Organisation
from qudao.network.rules import AddressFacts, OrgFacts
from qudao.network.states import PARENTS, OrgState

TREE_LOCK = 0x71640001  # any number no other advisory lock of the product uses


@dataclass(frozen=True)
class NewOrganisation:
    """An organisation to register among many; `under` is the code of the one above, which may be an earlier one of the same call."""

    kind: str
    facts: OrgFacts
    under: str


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
    org = _new(_next_ids(1)[0], kind, facts, parent)  # the id before the row, because the row's path ends in it
    org.save(force_insert=True)
    record(subject_of(org), after=org.state)
    emit(OrganisationRegistered(organisation_id=org.pk, kind=kind), subject_of(org))
    return org


@action("network.register")
def register_organisations(drafts: Sequence[NewOrganisation], *, actor: Actor) -> list[Organisation]:
    """Put many organisations into the tree, all or none, in six statements; one may stand under an earlier one of the same call. Locks the tree.

    Emits OrganisationRegistered for each. Raises Invalid with every fault at "rows.<n>.<field>".
    """
    if not drafts:
        return []
    _lock_tree()
    facts = [draft.facts.clean() for draft in drafts]
    named = {draft.under.strip().upper() for draft in drafts}
    above = {one.code.upper(): one for one in visible(actor, Organisation, "network.register").filter(code__in=named)}
    taken = {code.upper() for code in Organisation.unscoped.filter(code__in=[one.code for one in facts]).values_list("code", flat=True)}
    faults: list[Fault] = []
    made: list[Organisation] = []
    for n, (pk, draft, fact) in enumerate(zip(_next_ids(len(drafts)), drafts, facts, strict=True)):
        parent = above.get(draft.under.strip().upper())
        wrong = new_faults(draft.kind, fact, parent)
        if fact.code in taken:
            wrong.append(Fault("network.code_taken", "code"))
        faults += [Fault(fault.code, f"rows.{n}.{fault.field}", fault.params) for fault in wrong]
        if not wrong:
            org = _new(pk, draft.kind, fact, parent)
            made.append(org)
            above[fact.code] = org
        taken.add(fact.code)
    raise_if_any(faults, Invalid)
    for org in Organisation.unscoped.bulk_create(made):
        record(subject_of(org), after=org.state)
        emit(OrganisationRegistered(organisation_id=org.pk, kind=org.kind), subject_of(org))
    return made


def new_faults(kind: str, facts: OrgFacts, parent: Organisation | None) -> list[Fault]:
    """Everything wrong with a new organisation under a parent (None: at the root)."""
    if kind not in PARENTS:
        return [*rules.check_facts(facts), Fault("network.kind", "kind")]
    faults = [*rules.check_facts(facts), *rules.check_parent(kind, parent.kind if parent else None)]
    if parent and parent.state == OrgState.CLOSED:
        faults.append(Fault("network.parent_closed", "parent", {"parent": parent.name}))
    return faults


def _new(pk: int, kind: str, facts: OrgFacts, parent: Organisation | None) -> Organisation:
    """The row of an organisation, not yet in its table."""
    path, tier = f"{parent.path if parent else '/'}{pk}/", rules.tier_under(kind, parent.tier) if parent else 0
    return Organisation(pk=pk, kind=kind, parent=parent, path=path, tier=tier, pinyin=spelled(facts.name), **asdict(facts))


def _next_ids(number: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('network_organisation', 'id')) FROM generate_series(1, %s)", [number])
        return [int(row[0]) for row in cursor.fetchall()]


@action("network.register")
def remove_organisations(org_ids: Iterable[int], *, actor: Actor) -> None:
    """Let organisations disappear that were registered by mistake, with their standard places: only what nothing was built on. Locks the tree.

    The log keeps them. Raises Refused `network.built_on` at "rows.<id>" for every one that somebody uses, NotFound.
    """
    wanted = set(org_ids)
    _lock_tree()
    if visible(actor, Organisation, "network.register").filter(pk__in=wanted).count() != len(wanted):
        raise NotFound("base.not_found")
    locked = lock_rows(Organisation, wanted, rank=Rank.NETWORK)
    used = built_on(Organisation, wanted)
    raise_if_any([Fault("network.built_on", f"rows.{pk}", {"where": where}) for pk, where in used.items()], Refused)
    for org in locked:
        record(subject_of(org), before=org.state, after="removed")
    erase(Organisation, wanted, "network.organisation")


@action("network.change")
def change_organisations(facts: Mapping[int, OrgFacts], *, actor: Actor) -> dict[int, dict[str, list[str]]]:
    """Change what is written about many organisations, by id, all or none, in four statements. Their codes stay. Locks them.

    Returns by organisation what changed, [before, after]. Raises Invalid and Refused with every fault at "rows.<id>.<field>", NotFound.
    """
    if visible(actor, Organisation, "network.change").filter(pk__in=facts).count() != len(facts):
        raise NotFound("base.not_found")
    locked = lock_rows(Organisation, facts, rank=Rank.NETWORK)
    found: dict[int, dict[str, list[str]]] = {}
    for org in locked:
        wrong = change_faults(org, facts[org.pk], actor)
        raise_if_any([Fault(fault.code, f"rows.{org.pk}.{fault.field}", fault.params) for fault in wrong], Invalid)
        changed = {name: [getattr(org, name), value] for name, value in asdict(facts[org.pk].clean()).items() if getattr(org, name) != value}
        for name, pair in changed.items():
            setattr(org, name, pair[1])
        if changed:
            org.pinyin = spelled(org.name)
            found[org.pk] = changed
            record(subject_of(org), detail=changed)
            if "area_code" in changed:
                emit(AreaChanged(organisation_id=org.pk), subject_of(org))
    names = {name for changed in found.values() for name in changed}
    update_rows([org for org in locked if org.pk in found], sorted({*names, "pinyin"}) if names else [])
    return found


def change_faults(org: Organisation, facts: OrgFacts, actor: Actor) -> list[Fault]:
    """Everything wrong with writing these facts about a known organisation, without its code."""
    facts = facts.clean()
    changed = [name for name, value in asdict(facts).items() if getattr(org, name) != value]
    own = rules.not_own(changed) if org.pk == actor.org_id and org.parent_id else []
    return [*own, *rules.check_facts(facts), *([Fault("network.code_stays", "code")] if "code" in changed else [])]


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
    if "area_code" in changed:
        emit(AreaChanged(organisation_id=org.pk), subject_of(org))
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
    _remember(org)
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


def _remember(org: Organisation) -> None:
    """Keep under whom an organisation stood until today, and since when."""
    last = FormerPlace.unscoped.filter(organisation=org).order_by("-pk").values_list("until", flat=True).first()
    since = last or min(clock.date_of(org.created_at), clock.today())
    FormerPlace.unscoped.create(organisation=org, parent_id=org.parent_id, since=since, until=clock.today())


def _check_reason(reason: str) -> list[Fault]:
    return [] if reason.strip() else [Fault("network.reason_missing", "reason")]


def _refuse_own(org: Organisation, actor: Actor) -> None:
    if org.pk == actor.org_id:
        raise Refused("network.own_organisation")


def _refuse_taken(code: str, but: int | None = None) -> None:
    """Say it at the field; the unique index decides a race."""
    if Organisation.unscoped.filter(code__iexact=code).exclude(pk=but or 0).exists():
        raise Invalid("network.code_taken", field="code")
