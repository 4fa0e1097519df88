"""Flows: who must sign which documents. A version is drafted, published and superseded; what was published never changes."""

from __future__ import annotations

from dataclasses import replace

from qudao.approvals import queries, rules
from qudao.approvals.models import Flow, Version
from qudao.approvals.rules import FlowDraft, RuleDraft, When, branches_of, stored
from qudao.approvals.states import KINDS, Kind, VersionState
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Forbidden, Invalid, Refused, raise_if_any
from qudao.network import queries as network


@action("approvals.edit_rules")
def save_draft(owner_id: int, draft: FlowDraft, *, actor: Actor) -> Flow:
    """Write the draft of the flow for a kind of documents, making what is missing; nothing changes for documents yet. Locks the flow.

    Raises Invalid with every fault.
    """
    flow = _flow_of(owner_id, draft.kind, actor)
    _check(owner_id, draft)
    if draft.name.strip() and draft.name != flow.name:
        flow.name = draft.name.strip()
        flow.save(update_fields=["name"])
    _write(flow, draft)
    record(_subject(flow), detail={"branches": stored(draft.branches), "skip_signed": draft.skip_signed, "working_hours": draft.working_hours})
    return flow


@action("approvals.edit_rules")
def publish_flow(flow_id: int, *, actor: Actor) -> Version:
    """Put the draft into use for documents submitted from now on; what waits goes on by its own version. Locks the flow.

    Raises Refused without a draft, or when the draft asks for nothing.
    """
    flow = _lock(flow_id, actor)
    draft = queries.unscoped_version(flow.pk, VersionState.DRAFT)
    if draft is None:
        raise Refused("approvals.no_draft")
    if not any(branch.steps for branch in branches_of(draft.branches)):
        raise Refused("approvals.flow_empty")
    return _publish(flow, draft, actor)


@action("approvals.edit_rules")
def discard_draft(flow_id: int, *, actor: Actor) -> Flow:
    """Throw the draft away; what is in use stays. Locks the flow. Raises Refused without a draft."""
    flow = _lock(flow_id, actor)
    draft = queries.unscoped_version(flow.pk, VersionState.DRAFT)
    if draft is None:
        raise Refused("approvals.no_draft")
    record(_subject(flow), before=VersionState.DRAFT, after="discarded", detail={"version": draft.no, "branches": draft.branches})
    draft.delete()
    return flow


@action("approvals.edit_rules")
def retire_flow(flow_id: int, *, actor: Actor) -> Flow:
    """Take the flow out of use: documents submitted from now on need no signature; what waits goes on. Locks the flow."""
    flow = _lock(flow_id, actor)
    if not _end(flow):
        raise Refused("approvals.flow_retired")
    record(_subject(flow), before=VersionState.PUBLISHED, after=VersionState.SUPERSEDED)
    return flow


@action("approvals.edit_rules")
def add_rule(owner_id: int, draft: RuleDraft, *, actor: Actor) -> Version:
    """Let documents of a kind and size need one more signature from now on: a new version of the flow, published at once. Locks the flow.

    A draft that somebody is writing gets it, too. Raises Invalid, and Refused when the flow asks for the same already.
    """
    flow = _flow_of(owner_id, draft.kind, actor)
    branch = draft.branch
    _check(owner_id, FlowDraft(draft.kind, "", (branch,)))
    current = queries.unscoped_version(flow.pk, VersionState.PUBLISHED)
    before = branches_of(current.branches) if current else ()
    if any(one.when == branch.when and one.steps == branch.steps for one in before):
        raise Refused("approvals.rule_exists")
    drafted = queries.unscoped_version(flow.pk, VersionState.DRAFT)
    later = queries.draft_of(flow, drafted) if drafted else None
    now = queries.draft_of(flow, current) if current else FlowDraft(flow.kind, flow.name)
    made = _publish(flow, _write(flow, replace(now, branches=(*now.branches, branch))), actor)
    if later is not None:
        _write(flow, replace(later, branches=(*later.branches, branch)))
    return made


def _write(flow: Flow, told: FlowDraft) -> Version:
    """The draft of a locked flow, saying this."""
    draft = queries.unscoped_version(flow.pk, VersionState.DRAFT)
    if draft is None:
        last = Version.unscoped.filter(flow=flow).order_by("-no").values_list("no", flat=True).first() or 0
        draft = Version(flow=flow, no=last + 1)
    draft.branches = stored(told.branches)
    draft.min_amount = min((branch.when.amount_from for branch in told.branches), default=0)
    draft.skip_signed, draft.working_hours = told.skip_signed, told.working_hours
    draft.save()
    return draft


def _publish(flow: Flow, draft: Version, actor: Actor) -> Version:
    _end(flow)
    draft.state, draft.published_at, draft.published_by_id = VersionState.PUBLISHED, clock.now(), actor.user_id
    draft.save(update_fields=["state", "published_at", "published_by"])
    record(_subject(flow), before=VersionState.DRAFT, after=VersionState.PUBLISHED, detail={"version": draft.no, "branches": draft.branches})
    return draft


def _end(flow: Flow) -> int:
    return Version.unscoped.filter(flow=flow, state=VersionState.PUBLISHED).update(state=VersionState.SUPERSEDED, ended_at=clock.now())


def _flow_of(owner_id: int, kind: str, actor: Actor) -> Flow:
    """The flow of an organisation for a kind, locked; made when there is none. It is kept by whose documents it holds up."""
    if actor.kind != "system" and owner_id != actor.org_id:
        network.organisation(actor, owner_id)
        raise Forbidden("base.forbidden", verb="approvals.edit_rules")
    if kind not in KINDS:
        raise Invalid("approvals.kind_missing", field="kind")
    found = Flow.unscoped.filter(owner_id=owner_id, kind=kind).first() or Flow.unscoped.create(owner_id=owner_id, kind=kind)
    return lock_one(Flow, found.pk, rank=Rank.NETWORK)


def _lock(flow_id: int, actor: Actor) -> Flow:
    get_visible(actor, Flow, flow_id, "approvals.edit_rules")
    return lock_one(Flow, flow_id, rank=Rank.NETWORK)


def _check(owner_id: int, draft: FlowDraft) -> None:
    faults = rules.flow_faults(draft)
    steps = [step for branch in draft.branches for step in branch.steps]
    if not queries.unscoped_roles_fit((pk for step in steps for pk in (step.role_id, step.late_role_id) if pk is not None), owner_id):
        faults.append(Fault("approvals.role_unknown", "role_id"))
    named = {pk for step in steps for pk in step.people}
    if named and not named <= {one.id for one, *_role in queries.unscoped_colleagues(owner_id, draft.kind)}:
        faults.append(Fault("approvals.people_unknown", "people"))
    for branch in draft.branches:
        faults += _condition_faults(owner_id, KINDS[draft.kind], branch.when)
    raise_if_any(faults, Invalid)


def _condition_faults(owner_id: int, kind: Kind, when: When) -> list[Fault]:
    """What no document will ever be: a branch that asks for it would let pass what it is meant to stop, and nobody would notice."""
    asked = {"types": set(when.types) - set(kind.types)}
    for name in ("categories", "groups"):
        codes = set(getattr(when, name))
        asked[name] = codes - queries.KNOWN[name](owner_id, codes) if codes and name in queries.KNOWN else set()
    return [Fault("approvals.condition_unknown", name, {"codes": ", ".join(sorted(codes))}) for name, codes in asked.items() if codes]


def _subject(flow: Flow) -> Subject:
    return Subject("approvals.flow", flow.pk, flow.owner_id, None, flow.kind)
