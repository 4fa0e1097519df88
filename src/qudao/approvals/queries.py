"""Reads of approvals: which signatures a document needs, what waits for me, who could sign, what was signed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from qudao.approvals.models import Absence, Flow, Link, Node, Request, Signature, Version
from qudao.approvals.rules import Case, Colleague, More, Needed, Plan, Step, branches_of, case_of
from qudao.approvals.states import DECIDED_BY, NodeState, RequestState, Who
from qudao.base.access import Actor, expand, policy_of, visible
from qudao.base.db import rows
from qudao.base.html.tables import by_language
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import NotFound
from qudao.people.models import Membership, Role
from qudao.people.queries import unscoped_manager_of, unscoped_system_role
from qudao.people.states import MemberState

#: what a seller without a flow asks
NO_PLAN = Plan(0)
#: whose right opens the step `n` of the request `r`: the signer while that person is active here, else its department or any holder of its role;
#: never who submitted the document, never a right that is used up
_RIGHT = """
    m.org_id = r.seller_id AND m.state = 'active'
    AND CASE WHEN EXISTS (SELECT FROM people_membership x JOIN people_user u ON u.id = x.user_id
                          WHERE x.user_id = n.signer_id AND x.org_id = r.seller_id AND x.state = 'active' AND u.is_active)
        THEN m.user_id = n.signer_id WHEN n.department <> '' THEN m.department = n.department ELSE m.role_id = n.role_id END
    AND m.user_id IS DISTINCT FROM r.submitted_by_id
    AND NOT EXISTS (SELECT FROM approvals_signature s WHERE s.request_id = r.id AND coalesce(s.on_behalf_id, s.user_id) = m.user_id)
"""
#: an absence of the holder of the right `m` in which the person %s stands in on the day %s
_AWAY = """EXISTS (SELECT FROM approvals_absence a WHERE a.org_id = m.org_id AND a.user_id = m.user_id AND a.deputy_id = %s
                   AND a.ended_at IS NULL AND %s BETWEEN a.first_day AND a.last_day)"""
_PENDING = f"""
    SELECT n.id FROM approvals_node n JOIN approvals_request r ON r.id = n.request_id
     WHERE n.state = 'current' AND r.state = 'pending' AND r.seller_id = %s AND r.submitted_by_id IS DISTINCT FROM %s
       AND NOT EXISTS (SELECT FROM approvals_signature s WHERE s.request_id = r.id AND s.user_id = %s)
       AND EXISTS (SELECT FROM people_membership m WHERE {_RIGHT} AND (m.id = %s OR {_AWAY}))
"""


def unscoped_plans(seller_ids: Iterable[int], kind: str, most: Decimal | None = None) -> dict[int, Plan]:
    """The flow in use for documents of a kind by seller; without those that ask nothing of any document up to `most`. One statement."""
    found = rows(
        """select f.owner_id, v.id, v.branches from approvals_flow f join approvals_version v on v.flow_id = f.id and v.state = 'published'
            where f.owner_id = any(%s) and f.kind = %s and (%s::numeric is null or v.min_amount <= %s)""",
        [list(seller_ids), kind, most, most],
    )
    return {owner_id: Plan(version_id, branches_of(json.loads(told))) for owner_id, version_id, told in found}


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


def pending_for(actor: Actor, most: int | None = None) -> QuerySet[Node]:
    """The steps that wait for this person's signature, longest waiting first, each with its request; it takes the right of the step, no verb.

    The right is the own one, or that of a colleague who is away and named this person as deputy. `most`: only the first so many, chosen before
    the rows are joined with what they show. One statement.
    """
    if actor.user_id is None:
        return Node.unscoped.none()
    params: list[object] = [actor.org_id, actor.user_id, actor.user_id, actor.membership_id or 0, actor.user_id, clock.today()]
    first = "" if most is None else "ORDER BY n.entered_at, n.id LIMIT %s"
    found = Node.unscoped.filter(pk__in=RawSQL(_PENDING + first, [*params, most] if first else params))  # noqa: S611 - every value is a parameter
    return found.select_related("request", "request__submitted_by", "role", "given_by").order_by("entered_at", "pk")


def decided_by(actor: Actor) -> QuerySet[Signature]:
    """What this person decided for the own organisation, newest first, each with its request."""
    return visible(actor, Signature).filter(user_id=actor.user_id or 0).select_related("request", "on_behalf").order_by("-pk")


def unscoped_right(request: Request, actor: Actor) -> tuple[int, int] | None:
    """The step the actor may sign now and whose right that uses: the own, or that of an absent colleague; None without one. One statement."""
    found = rows(
        f"""SELECT n.id, m.user_id FROM approvals_node n JOIN approvals_request r ON r.id = n.request_id JOIN people_membership m ON {_RIGHT}
             WHERE r.id = %s AND n.state = 'current' AND r.seller_id = %s AND (m.id = %s OR {_AWAY})
             ORDER BY (m.user_id = %s) DESC, n.position, m.user_id LIMIT 1""",
        [request.pk, actor.org_id, actor.membership_id or 0, actor.user_id or 0, clock.today(), actor.user_id or 0],
    )
    return (int(found[0][0]), int(found[0][1])) if found else None


def unscoped_askable(node_id: int) -> list[int]:
    """The active people who can sign a step now: who holds the right, and deputies of those who are away. One statement."""
    found = rows(
        f"""WITH holder AS (SELECT m.user_id, r.id AS request_id, r.seller_id, r.submitted_by_id
                FROM approvals_node n JOIN approvals_request r ON r.id = n.request_id JOIN people_membership m ON {_RIGHT} WHERE n.id = %s)
            SELECT u.id FROM people_user u WHERE u.is_active AND u.id IN (
                SELECT user_id FROM holder
                UNION SELECT a.deputy_id FROM holder h JOIN approvals_absence a ON a.user_id = h.user_id AND a.org_id = h.seller_id
                    JOIN people_membership d ON d.user_id = a.deputy_id AND d.org_id = h.seller_id AND d.state = 'active'
                    WHERE a.ended_at IS NULL AND %s BETWEEN a.first_day AND a.last_day AND a.deputy_id IS DISTINCT FROM h.submitted_by_id
                      AND NOT EXISTS (SELECT FROM approvals_signature s WHERE s.request_id = h.request_id AND s.user_id = a.deputy_id))
            ORDER BY u.id""",
        [node_id, clock.today()],
    )
    return [row[0] for row in found]


def unscoped_colleagues(org_id: int, kind: str, request_id: int = 0) -> list[tuple[Colleague, str, str, int]]:
    """(person, role's name, its English name, its id) of everybody in an organisation who may decide documents of a kind, with the relation to a request.

    One statement. `is_self` is left to the caller.
    """
    verb = DECIDED_BY.get(kind)
    found = rows(
        """SELECT u.id, u.name, r.name, r.name_en, r.id, r.verbs, coalesce(q.submitted_by_id = u.id, false),
                  EXISTS (SELECT FROM approvals_signature s WHERE s.request_id = q.id AND u.id IN (s.user_id, s.on_behalf_id)),
                  EXISTS (SELECT FROM approvals_node n WHERE n.request_id = q.id AND n.signer_id = u.id AND n.state IN ('waiting', 'current'))
             FROM people_membership m JOIN people_user u ON u.id = m.user_id JOIN people_role r ON r.id = m.role_id
             LEFT JOIN approvals_request q ON q.id = %s
            WHERE m.org_id = %s AND m.state = 'active' AND u.is_active ORDER BY r.id, u.name, u.id""",
        [request_id, org_id],
    )
    people = []
    for user_id, name, role, role_en, role_id, verbs, submitted, signed, asked in found:
        if verb is None or verb in expand(tuple(verbs)):
            people.append((Colleague(user_id, name, False, submitted, signed, asked), role, role_en, role_id))
    return people


def choices_of_colleagues(actor: Actor, kind: str, request_id: int = 0) -> list[tuple[Colleague, str, str]]:
    """Whom the actor may ask: (person, role's name, its English name). One statement."""
    found = unscoped_colleagues(actor.org_id, kind, request_id)
    return [(one, name, name_en) for one, name, name_en, _id in found if one.id != actor.user_id and not (one.submitted or one.signed or one.asked)]


def may_sign(actor: Actor, subject: Subject) -> bool:
    """Whether the document waits for this person now. One statement; for showing the buttons, `actions.sign` decides again under lock."""
    return pending_for(actor).filter(request__subject_kind=subject.kind, request__subject_id=subject.id).exists()


def requests(actor: Actor, *, state: str = "") -> QuerySet[Request]:
    """The approval requests of the actor's organisation, newest first."""
    found = visible(actor, Request).select_related("submitted_by").order_by("-pk")
    return found.filter(state=state) if state else found


def course(actor: Actor, subject: Subject) -> list[Node]:
    """The steps of all requests of a document, oldest first, each with its signatures; empty for who is not of the seller. Two statements.

    The caller has shown that the actor sees the document itself.
    """
    mine = Node.unscoped.filter(policy_of(Node).rows(actor, "approvals.view"))
    nodes = mine.filter(request__subject_kind=subject.kind, request__subject_id=subject.id)
    signatures = Signature.unscoped.select_related("user", "on_behalf")
    found = nodes.select_related("request", "role", "signer", "given_by").order_by("request_id", "position")
    return list(found.prefetch_related(Prefetch("signatures", signatures)))


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


def unscoped_submitted(flow: Flow, since: datetime) -> list[Submitted]:
    """What went by a flow the actor was shown since a moment, newest first, at most `REPLAYED`. One statement."""
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


def waited(flow: Flow, since: datetime) -> list[Waited]:
    """How long the steps waited that were signed since a moment, the slowest first. One statement."""
    found = rows(
        """SELECT n.branch, p.name, p.name_en, n.department, coalesce(u.name, ''), count(*),
                  percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM n.left_at - n.entered_at)) / 3600,
                  percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM n.left_at - n.entered_at)) / 3600
             FROM approvals_request r JOIN approvals_node n ON n.request_id = r.id JOIN people_role p ON p.id = n.role_id
             LEFT JOIN people_user u ON u.id = n.signer_id
            WHERE r.seller_id = %s AND r.subject_kind = %s AND r.opened_at >= %s AND n.state IN ('approved', 'rejected', 'returned')
            GROUP BY 1, 2, 3, 4, 5 ORDER BY 8 DESC LIMIT 50""",
        [flow.owner_id, flow.kind, since],
    )
    return [
        Waited(branch, (name, name_en), department, signer, n, float(half), float(most)) for branch, name, name_en, department, signer, n, half, most in found
    ]


def absences(actor: Actor) -> QuerySet[Absence]:
    """The actor's absences and those in which the actor stands in, newest first; those that are over stay."""
    return visible(actor, Absence).select_related("user", "deputy").order_by("-first_day", "-pk")


def unscoped_link(sha256: str) -> Link | None:
    """The link of a mail by the hash of its secret, whatever has become of it. One statement."""
    return Link.unscoped.select_related("node__request", "node__role", "user").filter(sha256=sha256).first()


def unscoped_member_of(user_id: int, org_id: int) -> int:
    """The active membership of a person in an organisation, 0 when there is none. One statement."""
    found = Membership.unscoped.filter(user_id=user_id, org_id=org_id, state=MemberState.ACTIVE).values_list("pk", flat=True).first()
    return found or 0


def unscoped_timed_out(now: datetime) -> list[tuple[int, int]]:
    """(step, request) of what waits longer than its flow allows, the oldest first, at most 500. One statement."""
    return rows(
        """SELECT id, request_id FROM approvals_node WHERE state = 'current' AND late_hours IS NOT NULL AND late_at IS NULL
              AND entered_at + make_interval(hours => late_hours) <= %s ORDER BY entered_at LIMIT 500""",
        [now],
    )


def unscoped_overdue(now: datetime) -> list[int]:
    """The ids of the steps whose reminder is due and was not given, oldest first, at most 500. One statement."""
    found = rows(
        """SELECT id FROM approvals_node WHERE state = %s AND reminded_at IS NULL AND remind_hours IS NOT NULL
              AND entered_at + make_interval(hours => remind_hours) <= %s ORDER BY entered_at LIMIT 500""",
        [NodeState.CURRENT, now],
    )
    return [row[0] for row in found]


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


def unscoped_administrators(org_id: int) -> int:
    """The role of those who keep the flows of an organisation: they sign what nobody else can. Two statements at most."""
    found = rows(
        """select r.id, r.verbs from people_membership m join people_role r on r.id = m.role_id
            where m.org_id = %s and m.state = 'active' group by r.id order by count(*) desc, r.id""",
        [org_id],
    )
    keeps = [pk for pk, verbs in found if "approvals.edit_rules" in expand(tuple(verbs))]
    return int(keeps[0]) if keeps else unscoped_system_role("hq_admin")


def unscoped_called(step: Step, org_id: int, kind: str, submitter: int | None) -> list[int]:
    """The people a step of a flow means now, without the submitter: two statements at most."""
    if step.who == Who.MANAGER:
        manager = unscoped_manager_of(submitter, org_id)
        return [manager] if manager else []
    may = [(one.id, role_id) for one, _name, _name_en, role_id in unscoped_colleagues(org_id, kind) if one.id != submitter]
    if step.who == Who.PERSON:
        return [pk for pk in step.people if any(pk == one for one, _role in may)]
    if step.who == Who.ROLE:
        return [pk for pk, role_id in may if role_id == step.role_id]
    within = {row[0] for row in rows("select user_id from people_membership where org_id = %s and department = %s", [org_id, step.department])}
    return [pk for pk, _role in may if pk in within]


def unscoped_role_choices(owner_id: int, kind: str) -> list[tuple[int, str, str]]:
    """(id, name, English name) of the roles that people of an organisation may have: meant for its kind, or its own. One statement."""
    fitting = Role.unscoped.filter(owner__isnull=True, kinds__contains=[kind]) | Role.unscoped.filter(owner_id=owner_id)
    return list(fitting.order_by("pk").values_list("pk", "name", "name_en"))


def pending_request(actor: Actor, subject: Subject) -> Request | None:
    """The request of a document that waits for this person now, or None. One statement."""
    node = pending_for(actor).filter(request__subject_kind=subject.kind, request__subject_id=subject.id, request__state=RequestState.PENDING).first()
    return node.request if node else None


def unscoped_decision(node_id: int) -> Signature | None:
    """What was decided in a step, with who did; None when nobody has. One statement."""
    return Signature.unscoped.select_related("user").filter(node_id=node_id).first()


def unscoped_steps(request: Request) -> list[Node]:
    """The steps of a request that the actor was shown, in the order of signing. One statement."""
    return list(Node.unscoped.filter(request=request).select_related("role").order_by("position"))
