"""Reads of flows: which signatures a document needs, what a flow says, what it would have asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import quantiles

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from qudao.approvals.models import Flow, Request, Version
from qudao.approvals.rules import Case, FlowDraft, More, Needed, Plan, Step, branches_of, case_of
from qudao.approvals.states import Who
from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.base.html.tables import by_language
from qudao.kernel.errors import NotFound
from qudao.kernel.worktime import WorkTime
from qudao.people.models import Role

#: what a seller without a flow asks
NO_PLAN = Plan(0)


def unscoped_plans(seller_ids: Iterable[int], kind: str, most: Decimal | None = None) -> dict[int, Plan]:
    """The flow in use for documents of a kind by seller; without those that ask nothing of any document up to `most`. One statement."""
    found = rows(
        """select f.owner_id, v.id, v.branches, v.skip_signed from approvals_flow f join approvals_version v on v.flow_id = f.id and v.state = 'published'
            where f.owner_id = any(%s) and f.kind = %s and (%s::numeric is null or v.min_amount <= %s)""",
        [list(seller_ids), kind, most, most],
    )
    return {owner_id: Plan(version_id, branches_of(json.loads(told)), skips) for owner_id, version_id, told, skips in found}


def plan_of(version: Version | None) -> Plan:
    """What a version asks; nothing without one."""
    return Plan(version.pk, branches_of(version.branches), version.skip_signed) if version else NO_PLAN


def draft_of(flow: Flow, version: Version) -> FlowDraft:
    """Everything a version of a flow says."""
    return FlowDraft(flow.kind, flow.name, branches_of(version.branches), version.skip_signed, version.working_hours)


def unscoped_rules_for(seller_id: int, kind: str, case: Case, more: More | None = None) -> Needed:
    """The signatures a document of this kind needs, by the flow in use; false = none. One statement, and those of `more`.

    `more` reads facts that cost something; it is called at most once, and only when a branch depends on them.
    """
    return unscoped_plans([seller_id], kind, case.amount).get(seller_id, NO_PLAN).needed(case, more)


@dataclass(frozen=True)
class Names:
    """The names of the roles and people that steps name, by id; a role has two."""

    roles: Mapping[int, tuple[str, str]]
    people: Mapping[int, str]


def names_of(steps: Iterable[Step]) -> Names:
    """The names of all whom steps name. Two statements at most."""
    found = list(steps)
    role_ids, user_ids = {one.role_id for one in found if one.role_id}, {pk for one in found for pk in one.people}
    roles = rows("select id, name, name_en from people_role where id = any(%s)", [list(role_ids)]) if role_ids else []
    people = rows("select id, name from people_user where id = any(%s)", [list(user_ids)]) if user_ids else []
    return Names({pk: (name, name_en) for pk, name, name_en in roles}, dict(people))


def signer_of(step: Step, names: Names) -> str:
    """Whom a step of a flow asks, in the reader's language."""
    if step.who == Who.MANAGER:
        return str(_("Manager of who submitted"))
    if step.who == Who.DEPARTMENT:
        return str(_("Department {name}").format(name=step.department))
    if step.who == Who.PERSON:
        return ", ".join(names.people.get(pk, "?") for pk in step.people)
    return by_language(*names.roles.get(step.role_id or 0, ("?", "?")))


def signers_of(steps: Iterable[Step]) -> list[str]:
    """Whom the steps ask, in the order of signing. Two statements at most."""
    found = list(steps)
    names = names_of(found)
    return [signer_of(step, names) for step in found]


def flows(actor: Actor, *, kind: str = "") -> QuerySet[Flow]:
    """The flows of the actor's organisation, each with its versions, the newest first; for a list and for one."""
    found = visible(actor, Flow).select_related("owner").order_by("kind", "pk")
    found = found.prefetch_related(Prefetch("versions", Version.unscoped.select_related("published_by").order_by("-no")))
    return found.filter(kind=kind) if kind else found


def flow(actor: Actor, flow_id: int) -> Flow:
    """One flow with its versions; NotFound when it does not exist for this actor."""
    found = flows(actor).filter(pk=flow_id).first()
    if found is None:
        raise NotFound("base.not_found")
    return found


def unscoped_version(flow_id: int, state: str) -> Version | None:
    """The draft, or the version in use, of a flow. One statement."""
    return Version.unscoped.filter(flow_id=flow_id, state=state).first()


#: so many requests at most are replayed
REPLAYED = 5000


@dataclass(frozen=True)
class Submitted:
    """A document that was submitted, with the facts kept of it."""

    number: str
    opened_at: datetime
    case: Case


#: kind of document → (organisation, since, how many at most) → those that needed no signature, newest first; told by the modules above
#: condition of a branch (`rules.When`) → which of these codes an organisation's documents may have, as upper modules know them
KNOWN: dict[str, Callable[[int, Iterable[str]], set[str]]] = {}
PASSED: dict[str, Callable[[int, datetime, int], list[Submitted]]] = {}


def unscoped_submitted(flow: Flow, since: datetime) -> list[Submitted]:
    """What went by a flow the actor was shown, or past it, since a moment, newest first, at most `REPLAYED`. Two statements.

    Of what needed a signature the facts of then are kept; of what needed none `PASSED` tells what is known.
    """
    passed = PASSED[flow.kind](flow.owner_id, since, REPLAYED) if flow.kind in PASSED else []
    return sorted(_signed(flow, since) + passed, key=lambda one: one.opened_at, reverse=True)[:REPLAYED]


def _signed(flow: Flow, since: datetime) -> list[Submitted]:
    found = Request.unscoped.filter(seller_id=flow.owner_id, subject_kind=flow.kind, opened_at__gte=since).order_by("-pk")[:REPLAYED]
    return [
        Submitted(number, at, case_of({"amount": amount, **facts})) for number, at, amount, facts in found.values_list("number", "opened_at", "amount", "facts")
    ]


@dataclass(frozen=True)
class Waited:
    """How long steps of a kind waited for their signature, in hours."""

    branch: str
    role: tuple[str, str]
    department: str
    signer: str
    count: int
    median: float
    p90: float


def waited(flow: Flow, since: datetime, work: WorkTime | None = None) -> list[Waited]:
    """How long the steps waited that were signed since a moment, by the clock or in working hours, the slowest first. One statement."""
    found = rows(
        """SELECT n.branch, p.name, p.name_en, n.department, coalesce(u.name, ''), array_agg(n.entered_at), array_agg(n.left_at)
             FROM approvals_request r JOIN approvals_node n ON n.request_id = r.id JOIN people_role p ON p.id = n.role_id
             LEFT JOIN people_user u ON u.id = n.signer_id
            WHERE r.seller_id = %s AND r.subject_kind = %s AND r.opened_at >= %s AND n.state IN ('approved', 'rejected', 'returned')
            GROUP BY 1, 2, 3, 4, 5""",
        [flow.owner_id, flow.kind, since],
    )
    told = []
    for branch, name, name_en, department, signer, entered, left in found:
        spans = zip(entered, left, strict=True)
        hours = [work.hours(begins, ends) if work else (ends - begins).total_seconds() / 3600 for begins, ends in spans]
        tenths = quantiles(hours, n=10, method="inclusive") if len(hours) > 1 else hours * 9
        told.append(Waited(branch, (name, name_en), department, signer, len(hours), tenths[4], tenths[8]))
    return sorted(told, key=lambda one: -one.p90)[:50]


def unscoped_roles_fit(role_ids: Iterable[int], owner_id: int) -> bool:
    """Whether each role comes with the product or belongs to the organisation. One statement."""
    wanted = set(role_ids)
    return len(rows("select id from people_role where id = any(%s) and (owner_id is null or owner_id = %s)", [list(wanted), owner_id])) == len(wanted)


def unscoped_nobody(steps: Iterable[Step], owner_id: int) -> list[Step]:
    """The steps that nobody active in the organisation could sign; who the manager is shows at the submission only. One statement."""
    found = rows(
        """select m.role_id, m.user_id, m.department from people_membership m join people_user u on u.id = m.user_id and u.is_active
            where m.org_id = %s and m.state = 'active'""",
        [owner_id],
    )
    roles, people, departments = ({row[n] for row in found} for n in range(3))
    held = {
        Who.ROLE: lambda step: step.role_id in roles,
        Who.PERSON: lambda step: people.issuperset(step.people),
        Who.DEPARTMENT: lambda step: step.department in departments,
        Who.MANAGER: lambda step: True,
    }
    return [step for step in steps if not held[Who(step.who)](step)]


def unscoped_role_choices(owner_id: int, kind: str) -> list[tuple[int, str, str]]:
    """(id, name, English name) of the roles that people of an organisation may have: meant for its kind, or its own. One statement."""
    fitting = Role.unscoped.filter(owner__isnull=True, kinds__contains=[kind]) | Role.unscoped.filter(owner_id=owner_id)
    return list(fitting.order_by("pk").values_list("pk", "name", "name_en"))
