"""Groups of buyers: a grade, a kind of shop, the members of a buying association. Who is in one, and since when, is kept; the group is locked first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from qudao.agreements import queries, rules
from qudao.agreements.models import Group, GroupMember
from qudao.agreements.rules import GroupDraft
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.catalog import actions as catalog
from qudao.catalog import queries as products
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.network import queries as network


def group_subject(group: Group) -> Subject:
    """The group as the subject of a log line; it is its owner's own affair."""
    return Subject("agreements.group", group.pk, group.owner_id, None, group.code)


@action("agreements.group")
def create_group(owner_id: int, draft: GroupDraft, *, actor: Actor) -> Group:
    """Make an empty group of buyers. Raises Invalid at the field."""
    products.require_acting(actor, owner_id, "agreements.group")
    _check(owner_id, draft)
    made = Group.unscoped.create(owner_id=owner_id, code=draft.code.strip(), name=draft.name.strip(), name_en=draft.name_en.strip())
    record(group_subject(made))
    return made


@action("agreements.group")
def change_group(group_id: int, draft: GroupDraft, *, actor: Actor) -> Group:
    """Rename a group. Locks it. Raises Invalid at the field."""
    group = _lock(group_id, actor)
    _check(group.owner_id, draft, but=group.code)
    before = {name: getattr(group, name) for name in ("code", "name", "name_en")}
    changed = {name: [was, getattr(draft, name).strip()] for name, was in before.items() if was != getattr(draft, name).strip()}
    for name, (_was, now) in changed.items():
        setattr(group, name, now)
    if changed:
        group.save(update_fields=list(changed))
        record(group_subject(group), detail=changed)
    return group


@action("agreements.group")
def add_members(group_id: int, since: Mapping[int, tuple[date, date | None]], *, actor: Actor) -> list[GroupMember]:
    """Put buyers into a group, each from its first day to its last (None = until taken out); returns the memberships in the order given.

    Locks the group; five statements whatever their number. Who is in it for that time already stays as it is; an overlap with another time is refused.
    Raises Invalid, Refused, NotFound for a hidden buyer.
    """
    group = _lock(group_id, actor)
    seen = set(network.organisations(actor).filter(pk__in=since).values_list("pk", flat=True))
    if seen != set(since):
        raise NotFound("network.unknown")
    known = queries.unscoped_memberships(group.pk, since)
    faults, fresh, kept = [], {}, {}
    for buyer_id, (first, last) in since.items():
        if last is not None and last < first:
            faults.append(Fault("agreements.span_wrong", "valid_to"))
        there = next((one for one in known.get(buyer_id, ()) if rules.overlaps((first, last), (one.valid_from, one.valid_to))), None)
        if there is None:
            fresh[buyer_id] = GroupMember(group=group, buyer_id=buyer_id, valid_from=first, valid_to=last)
        elif there.valid_from <= first and there.valid_to == last:
            kept[buyer_id] = there
        else:
            faults.append(Fault("agreements.member_already", "buyers", {"since": there.valid_from}))
    raise_if_any([one for one in faults if one.code == "agreements.span_wrong"], Invalid)
    raise_if_any(faults, Refused)
    GroupMember.unscoped.bulk_create(fresh.values())
    if fresh:
        record(group_subject(group), detail={"added": sorted(fresh)})
        catalog.tell_due(group.owner_id, fresh, group_subject(group), actor=actor)
    return [fresh.get(one) or kept[one] for one in since]


@action("agreements.group")
def end_membership(member_id: int, last_day: date, *, actor: Actor) -> Group:
    """Let a buyer leave a group with `last_day`; a membership that begins later disappears (the log keeps it). Locks the group."""
    seen = get_visible(actor, GroupMember, member_id, "agreements.group")
    group = lock_one(Group, seen.group_id, rank=Rank.NETWORK)
    member = GroupMember.unscoped.filter(pk=member_id).first()
    if member is None or (member.valid_to is not None and member.valid_to <= last_day):
        raise Refused("agreements.member_left")
    record(group_subject(group), detail={"left": member.buyer_id, "last_day": str(last_day)})
    catalog.tell_due(group.owner_id, [member.buyer_id], group_subject(group), actor=actor)
    if member.valid_from > last_day:
        member.delete()
    else:
        member.valid_to = last_day
        member.save(update_fields=["valid_to"])
    return group


@action("agreements.group")
def remove_members(member_ids: Iterable[int], *, actor: Actor) -> None:
    """Let memberships disappear as if they had never been: what was read from a wrong file. Locks their groups; the log keeps them."""
    wanted = set(member_ids)
    found = list(queries.members(actor).filter(pk__in=wanted))
    if len(found) != len(wanted):
        raise NotFound("base.not_found")
    for group_id in sorted({one.group_id for one in found}):
        group = _lock(group_id, actor)
        gone = sorted(one.buyer_id for one in found if one.group_id == group_id)
        record(group_subject(group), detail={"removed": gone})
        catalog.tell_due(group.owner_id, gone, group_subject(group), actor=actor)
    GroupMember.unscoped.filter(pk__in=wanted).delete()


def _lock(group_id: int, actor: Actor) -> Group:
    get_visible(actor, Group, group_id, "agreements.group")
    return lock_one(Group, group_id, rank=Rank.NETWORK)


def _check(owner_id: int, draft: GroupDraft, but: str = "") -> None:
    """Say it at the field; the unique constraint decides a race."""
    code = draft.code.strip()
    faults = [Fault("agreements.group_incomplete", name) for name in ("code", "name") if not getattr(draft, name).strip()]
    if code and code != but and Group.unscoped.filter(owner_id=owner_id, code=code).exists():
        faults.append(Fault("agreements.group_taken", "code", {"code": code}))
    raise_if_any(faults, Invalid)
