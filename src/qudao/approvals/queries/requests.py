"""Reads of requests: what waits for me, who could sign, what was signed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import Prefetch, Q, QuerySet
from django.db.models.expressions import RawSQL

from qudao.approvals.models import Absence, Link, Node, Request, Signature
from qudao.approvals.rules import Colleague, Step
from qudao.approvals.states import DECIDED_BY, NodeState, RequestState, Who
from qudao.base.access import Actor, expand, policy_of, visible
from qudao.base.db import rows
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.people.models import Membership
from qudao.people.queries import unscoped_manager_of, unscoped_system_role
from qudao.people.states import MemberState

#: signatures that count: those of steps that were sent back do not
_COUNTS = "approvals_signature s JOIN approvals_node x ON x.id = s.node_id AND NOT x.void"
#: whose right opens the step `n` of the request `r`: the signer while that person is active here, else its department or any holder of its role
_HOLDS = """
    m.org_id = r.seller_id AND m.state = 'active'
    AND CASE WHEN EXISTS (SELECT FROM people_membership x JOIN people_user u ON u.id = x.user_id
                          WHERE x.user_id = n.signer_id AND x.org_id = r.seller_id AND x.state = 'active' AND u.is_active)
        THEN m.user_id = n.signer_id WHEN n.department <> '' THEN m.department = n.department ELSE m.role_id = n.role_id END
"""
#: the same, but never who submitted the document, never a right that is used up
_RIGHT = f"""{_HOLDS}
    AND m.user_id IS DISTINCT FROM r.submitted_by_id
    AND NOT EXISTS (SELECT FROM {_COUNTS} WHERE s.request_id = r.id AND coalesce(s.on_behalf_id, s.user_id) = m.user_id)
"""
#: an absence of the holder of the right `m` in which the person %s stands in on the day %s
_AWAY = """EXISTS (SELECT FROM approvals_absence a WHERE a.org_id = m.org_id AND a.user_id = m.user_id AND a.deputy_id = %s
                   AND a.ended_at IS NULL AND %s BETWEEN a.first_day AND a.last_day)"""
_PENDING = f"""
    SELECT n.id FROM approvals_node n JOIN approvals_request r ON r.id = n.request_id
     WHERE n.state = 'current' AND r.state = 'pending' AND r.seller_id = %s AND r.submitted_by_id IS DISTINCT FROM %s
       AND NOT EXISTS (SELECT FROM {_COUNTS} WHERE s.request_id = r.id AND s.user_id = %s)
       AND EXISTS (SELECT FROM people_membership m WHERE {_RIGHT} AND (m.id = %s OR {_AWAY}))
"""


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


#: what upper modules ask of a person beside the flows: each the rows that wait for this one now
BESIDE: list[Callable[[Actor], QuerySet]] = []


def asks_beside(found: Callable[[Actor], QuerySet]) -> Callable[[Actor], QuerySet]:
    """Register what else waits for a person's decision; it counts like a step."""
    BESIDE.append(found)
    return found


def unscoped_asked_of(actor: Actor, **about: object) -> QuerySet[Request]:
    """The requests `about` something that wait for this person's signature or have it, or that it submitted: its own work. For a part of a statement."""
    waits = pending_for(actor).order_by().values("request_id")
    signed = Signature.unscoped.filter(user_id=actor.user_id).values("request_id")
    return Request.unscoped.filter(Q(pk__in=waits) | Q(pk__in=signed) | Q(submitted_by_id=actor.user_id), **about).order_by()


def waiting_number(actor: Actor) -> int:
    """How many decisions wait for this person: steps of flows, and what upper modules ask beside them. One statement."""
    steps = pending_for(actor).order_by().values("pk")
    return steps.union(*(found(actor).order_by().values("pk") for found in BESIDE), all=True).count()


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
                SELECT user_id FROM holder h WHERE NOT EXISTS (SELECT FROM {_COUNTS} WHERE s.request_id = h.request_id AND s.user_id = h.user_id)
                UNION SELECT a.deputy_id FROM holder h JOIN approvals_absence a ON a.user_id = h.user_id AND a.org_id = h.seller_id
                    JOIN people_membership d ON d.user_id = a.deputy_id AND d.org_id = h.seller_id AND d.state = 'active'
                    WHERE a.ended_at IS NULL AND %s BETWEEN a.first_day AND a.last_day AND a.deputy_id IS DISTINCT FROM h.submitted_by_id
                      AND NOT EXISTS (SELECT FROM {_COUNTS} WHERE s.request_id = h.request_id AND s.user_id = a.deputy_id))
            ORDER BY u.id""",
        [node_id, clock.today()],
    )
    return [row[0] for row in found]


def unscoped_covering(node_id: int) -> int | None:
    """Who holds the right of a step and has approved an earlier one with it, where the flow asks nobody twice; None without such a person.

    Who signed for somebody else has not used the own right, and may not sign again: somebody else does. One statement.
    """
    found = rows(
        f"""SELECT m.user_id FROM approvals_node n JOIN approvals_request r ON r.id = n.request_id
                JOIN approvals_version v ON v.id = r.version_id AND v.skip_signed JOIN people_membership m ON {_HOLDS}
                JOIN ({_COUNTS}) ON s.request_id = r.id AND m.user_id = coalesce(s.on_behalf_id, s.user_id) AND s.decision = 'approve'
             WHERE n.id = %s ORDER BY s.id LIMIT 1""",
        [node_id],
    )
    return int(found[0][0]) if found else None


def unscoped_colleagues(org_id: int, kind: str, request_id: int = 0) -> list[tuple[Colleague, str, str, int]]:
    """(person, role's name, its English name, its id) of everybody in an organisation who may decide documents of a kind, with the relation to a request.

    One statement. `is_self` is left to the caller.
    """
    verb = DECIDED_BY.get(kind)
    found = rows(
        f"""SELECT u.id, u.name, r.name, r.name_en, r.id, r.verbs, coalesce(q.submitted_by_id = u.id, false),
                  EXISTS (SELECT FROM {_COUNTS} WHERE s.request_id = q.id AND u.id IN (s.user_id, s.on_behalf_id)),
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
    found = nodes.select_related("request__version", "role", "signer", "given_by", "covered_by").order_by("request_id", "position")
    return list(found.prefetch_related(Prefetch("signatures", signatures)))


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


def pending_request(actor: Actor, subject: Subject) -> Request | None:
    """The request of a document that waits for this person now, or None. One statement."""
    node = pending_for(actor).filter(request__subject_kind=subject.kind, request__subject_id=subject.id, request__state=RequestState.PENDING).first()
    return node.request if node else None


def unscoped_open_requests(kind: str, ids: Iterable[int]) -> dict[int, int]:
    """document → the request that waits now, which changes with what the document says; without those for which none waits. One statement."""
    found = Request.unscoped.filter(subject_kind=kind, subject_id__in=list(ids), state=RequestState.PENDING)
    return dict(found.values_list("subject_id", "pk"))


def signed_before(nodes: Iterable[Node], node: Node) -> list[Node]:
    """The steps a document may be sent back to from `node`: those it has got earlier in this run, and that still count."""
    return [one for one in nodes if one.state == NodeState.APPROVED and not one.void and one.stage < node.stage]


def unscoped_decision(node_id: int) -> Signature | None:
    """What was decided in a step, with who did; None when nobody has. One statement."""
    return Signature.unscoped.select_related("user").filter(node_id=node_id).first()


def unscoped_steps(request: Request) -> list[Node]:
    """The steps of a request that the actor was shown, in the order of signing, each with its signatures. Two statements."""
    return list(
        Node.unscoped.filter(request=request)
        .select_related("role")
        .prefetch_related(Prefetch("signatures", Signature.unscoped.select_related("user")))
        .order_by("position")
    )
