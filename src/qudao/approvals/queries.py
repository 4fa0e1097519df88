"""Reads of approvals: which rules apply, what waits for me, who could sign, what was signed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import Prefetch, QuerySet
from django.db.models.expressions import RawSQL

from qudao.approvals.models import Absence, Link, Node, Request, Rule, Signature
from qudao.approvals.rules import Colleague, RuleCard
from qudao.approvals.states import DECIDED_BY, NodeState, RequestState
from qudao.base.access import Actor, expand, get_visible, policy_of, visible
from qudao.base.db import rows
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.people.models import Membership, Role
from qudao.people.states import MemberState

#: whose right opens the step `n` of the request `r`: the one it was handed to while that person is active here, else any holder of its role;
#: never who submitted the document, never a right that is used up
_RIGHT = """
    m.org_id = r.seller_id AND m.state = 'active'
    AND CASE WHEN EXISTS (SELECT FROM people_membership x JOIN people_user u ON u.id = x.user_id
                          WHERE x.user_id = n.signer_id AND x.org_id = r.seller_id AND x.state = 'active' AND u.is_active)
        THEN m.user_id = n.signer_id ELSE m.role_id = n.role_id END
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


def unscoped_all_rules(seller_ids: Iterable[int], kind: str) -> dict[int, list[RuleCard]]:
    """Every rule for documents of this kind by seller, in the order of signing. One statement; the caller asks `min_amount`."""
    found: dict[int, list[RuleCard]] = {}
    for owner_id, *card in rows(
        """select r.owner_id, r.id, r.position, r.role_id, p.code, p.name, p.name_en, r.min_amount
             from approvals_rule r join people_role p on p.id = r.role_id
            where r.owner_id = any(%s) and r.kind = %s and r.active order by r.position, r.id""",
        [list(seller_ids), kind],
    ):
        found.setdefault(owner_id, []).append(RuleCard(*card))
    return found


def unscoped_rules_for(seller_id: int, kind: str, amount: Decimal) -> list[RuleCard]:
    """The rules that apply to a document of this kind and amount, in the order of signing; empty = no approval needed. One statement."""
    found = rows(
        """select r.id, r.position, r.role_id, p.code, p.name, p.name_en, r.min_amount
             from approvals_rule r join people_role p on p.id = r.role_id
            where r.owner_id = %s and r.kind = %s and r.active and r.min_amount <= %s
            order by r.position, r.id""",
        [seller_id, kind, amount],
    )
    return [RuleCard(*row) for row in found]


def pending_for(actor: Actor) -> QuerySet[Node]:
    """The steps that wait for this person's signature, longest waiting first, each with its request; it takes the right of the step, no verb.

    The right is the own one, or that of a colleague who is away and named this person as deputy. One statement.
    """
    if actor.user_id is None:
        return Node.unscoped.none()
    params = [actor.org_id, actor.user_id, actor.user_id, actor.membership_id or 0, actor.user_id, clock.today()]
    found = Node.unscoped.filter(pk__in=RawSQL(_PENDING, params))  # noqa: S611 - every value is a parameter
    return found.select_related("request", "request__submitted_by", "role", "rule", "given_by").order_by("entered_at", "pk")


def decided_by(actor: Actor) -> QuerySet[Signature]:
    """What this person decided for the own organisation, newest first, each with its request."""
    return visible(actor, Signature).filter(user_id=actor.user_id or 0).select_related("request", "on_behalf").order_by("-pk")


def unscoped_right(node: Node, actor: Actor) -> int | None:
    """Whose right the actor would use to sign a step: the own id, that of an absent colleague, or None. One statement."""
    found = rows(
        f"""SELECT m.user_id FROM approvals_node n JOIN approvals_request r ON r.id = n.request_id JOIN people_membership m ON {_RIGHT}
             WHERE n.id = %s AND r.seller_id = %s AND (m.id = %s OR {_AWAY}) ORDER BY (m.user_id = %s) DESC, m.user_id LIMIT 1""",
        [node.pk, actor.org_id, actor.membership_id or 0, actor.user_id or 0, clock.today(), actor.user_id or 0],
    )
    return int(found[0][0]) if found else None


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
    found = nodes.select_related("request", "role", "rule", "signer", "given_by").order_by("request_id", "position")
    return list(found.prefetch_related(Prefetch("signatures", signatures)))


def rules(actor: Actor, *, kind: str = "") -> QuerySet[Rule]:
    """The rules in use of the actor's organisation, in the order of signing."""
    found = visible(actor, Rule).filter(active=True).select_related("role", "owner").order_by("owner_id", "kind", "min_amount", "position", "pk")
    return found.filter(kind=kind) if kind else found


def rule(actor: Actor, rule_id: int) -> Rule:
    """One rule; NotFound when it does not exist for this actor."""
    return get_visible(actor, Rule, rule_id)


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


def unscoped_overdue(now: datetime) -> list[int]:
    """The ids of the steps whose rule asks for a reminder that is due and was not given, oldest first, at most 500. One statement."""
    found = rows(
        """SELECT n.id FROM approvals_node n JOIN approvals_rule r ON r.id = n.rule_id
            WHERE n.state = %s AND n.reminded_at IS NULL AND r.remind_hours IS NOT NULL
              AND n.entered_at + make_interval(hours => r.remind_hours) <= %s ORDER BY n.entered_at LIMIT 500""",
        [NodeState.CURRENT, now],
    )
    return [row[0] for row in found]


def unscoped_role_fits(role_id: int, owner_id: int) -> bool:
    """Whether a role comes with the product or belongs to the organisation. One statement."""
    return bool(rows("select 1 from people_role where id = %s and (owner_id is null or owner_id = %s)", [role_id, owner_id]))


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
