"""Reads of people; above all the two that turn a request or a token into an Actor in one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from qudao.base.access import Actor, Channel, Scope, all_fields, all_verbs, channel_of, expand, get_visible, granted, visible
from qudao.base.db import rows
from qudao.base.html.tables import by_language
from qudao.kernel import clock
from qudao.kernel.errors import Fault, NotFound
from qudao.network.queries import Organisation, organisations
from qudao.network.states import OrgKind, OrgState
from qudao.people import rules
from qudao.people.models import ApiToken, Membership, Role, SecondFactor, Session, User
from qudao.people.rules import Power
from qudao.people.states import DEMO_PEOPLE, DemoCard, MemberScope, MemberState

#: keys in the browser's session: the row of `people.Session`, the membership acted for
SESSION_ROW = "people_session"
SESSION_MEMBERSHIP = "people_membership"

#: tokens used today for the first time that this process saw; written after the answer (`apps`), so that no request waits for it
USED_TOKENS: set[int] = set()

# The last column but two: outside sellers of the organisation in which nobody works. The index of suppliers answers it.
_ACTOR = """
    u.id, u.email, u.name, u.language, u.theme, u.password, m.id, m.scope, o.id, o.path, o.kind, r.verbs, r.fields,
    ARRAY(SELECT s.id FROM network_organisation s WHERE s.parent_id = o.id AND s.kind = 'supplier'
          AND NOT EXISTS (SELECT FROM people_membership w WHERE w.org_id = s.id AND w.state = 'active')),
    m.role_id, u.time_zone
"""
_JOINS = """
    JOIN people_role r ON r.id = m.role_id
    JOIN network_organisation o ON o.id = m.org_id
"""
_MAY_ACT = "u.is_active AND m.state = 'active' AND o.state <> 'closed'"


def unscoped_actor_of_request(request: HttpRequest) -> Actor | None:
    """Who acts in this request, by its session; None when nobody is signed in or the session was ended. One statement beside the session's own.

    Acts for the membership named in the session, else for the person's first one. Also leaves `request.user` and `request.theme`, so that nothing asks again.
    """
    session = request.session
    user_id, session_id = session.get(SESSION_KEY), session.get(SESSION_ROW)
    if user_id is None or session_id is None or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    found = rows(
        f"""
        SELECT {_ACTOR} FROM people_session s
          JOIN people_user u ON u.id = s.user_id
          JOIN people_membership m ON m.user_id = u.id
          {_JOINS}
         WHERE s.id = %s AND s.user_id = %s AND s.ended_at IS NULL AND {_MAY_ACT}
         ORDER BY (m.id = %s) DESC, m.id LIMIT 1
        """,
        [session_id, user_id, session.get(SESSION_MEMBERSHIP) or 0],
    )
    if not found:
        return None
    user = _user(found[0])
    # A changed password ends every session that was opened with the old one.
    if not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    request.user, request.theme = user, user.theme  # type: ignore[attr-defined]
    return _actor(found[0], channel_of(request))


def unscoped_actor_of_token(raw: str) -> Actor | None:
    """Who acts with this API token; None when it is unknown, expired, revoked, or its person may no longer act. One statement."""
    if not rules.looks_like_token(raw):
        return None
    found = rows(
        f"""
        SELECT {_ACTOR}, t.last_used_on, t.id, t.name FROM people_apitoken t
          JOIN people_membership m ON m.id = t.membership_id
          JOIN people_user u ON u.id = m.user_id
          {_JOINS}
         WHERE t.sha256 = %s AND t.revoked_at IS NULL AND t.expires_at > %s AND {_MAY_ACT}
        """,
        [rules.hash_of(raw), clock.now()],
    )
    if not found:
        return None
    last_used_on, token_id, _name = found[0][-3:]
    if last_used_on != clock.today():
        USED_TOKENS.add(token_id)
    return _actor(found[0], Channel.API, token_id=token_id, name=f"{found[0][2]} ({found[0][-1]})")


def unscoped_actor_of_membership(membership_id: int, channel: Channel = Channel.PAGE) -> Actor | None:
    """The actor a membership stands for: for tests, the demo, and jobs on behalf of a person. One statement."""
    found = rows(f"SELECT {_ACTOR} FROM people_membership m JOIN people_user u ON u.id = m.user_id {_JOINS} WHERE m.id = %s AND {_MAY_ACT}", [membership_id])
    return _actor(found[0], channel) if found else None


def unscoped_actor_of_user(user_id: int, channel: Channel = Channel.PAGE) -> Actor | None:
    """The actor of a person's first membership. One statement."""
    found = rows(
        f"""SELECT {_ACTOR} FROM people_membership m JOIN people_user u ON u.id = m.user_id {_JOINS}
            WHERE u.id = %s AND {_MAY_ACT} ORDER BY m.id LIMIT 1""",
        [user_id],
    )
    return _actor(found[0], channel) if found else None


def unscoped_actor_arriving(user: User, org_id: int = 0, channel: Channel = Channel.PAGE) -> Actor:
    """A person who is about to sign in, or answers a link: may do nothing but that. No statement."""
    return Actor(
        user_id=user.pk,
        membership_id=None,
        org_id=org_id,
        org_path="/",
        org_kind="",
        name=user.name or user.email,
        verbs=frozenset({"people.sign_in"}),
        scope=Scope.SELF,
        channel=channel,
        language=user.language,
    )


def _user(row: tuple) -> User:
    """A user as far as a page needs one."""
    return User(id=row[0], email=row[1], name=row[2], language=row[3], theme=row[4], password=row[5], is_active=True)


def _actor(row: tuple, channel: Channel, *, token_id: int | None = None, name: str | None = None) -> Actor:
    return Actor(
        user_id=row[0],
        membership_id=row[6],
        org_id=row[8],
        org_path=row[9],
        org_kind=row[10],
        name=name or row[2],
        verbs=granted(tuple(row[11]), row[7]),
        scope=Scope(row[7]),
        fields=expand(tuple(row[12]), fields=True),
        channel=channel,
        kind="token" if token_id else "person",
        language=row[3],
        token_id=token_id,
        stands_for=frozenset(row[13]),
        role_id=row[14],
        time_zone=row[15],
    )


def unscoped_people_with(org_id: int, verb: str) -> list[int]:
    """The ids of the active people of an organisation whose role holds a verb. One statement."""
    return unscoped_people_with_each([(org_id, verb)])[org_id, verb]


def unscoped_people_with_each(asked: Collection[tuple[int, str]]) -> dict[tuple[int, str], list[int]]:
    """The same for many pairs of organisation and verb. One statement."""
    found: dict[int, list[tuple[int, frozenset[str]]]] = {}
    for org_id, user_id, verbs in rows(
        """
        SELECT m.org_id, u.id, r.verbs FROM people_membership m
          JOIN people_user u ON u.id = m.user_id
          JOIN people_role r ON r.id = m.role_id
         WHERE m.org_id = ANY(%s) AND m.state = 'active' AND u.is_active ORDER BY u.id
        """,
        [sorted({org_id for org_id, _verb in asked})],
    ):
        found.setdefault(org_id, []).append((user_id, expand(tuple(verbs))))
    return {(org_id, verb): [user_id for user_id, verbs in found.get(org_id, ()) if verb in verbs] for org_id, verb in asked}


def unscoped_narrow(org_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """The active people of organisations who see own work only: (organisation, person) → membership. One statement."""
    found = rows("SELECT org_id, user_id, id FROM people_membership WHERE org_id = ANY(%s) AND scope = 'self' AND state = 'active'", [sorted(org_ids)])
    return {(org_id, user_id): pk for org_id, user_id, pk in found}


def unscoped_people_in_role(org_id: int, role_id: int) -> list[int]:
    """The ids of the active people of an organisation in a role. One statement."""
    found = rows(
        """
        SELECT u.id FROM people_membership m JOIN people_user u ON u.id = m.user_id
         WHERE m.org_id = %s AND m.role_id = %s AND m.state = 'active' AND u.is_active ORDER BY u.id
        """,
        [org_id, role_id],
    )
    return [row[0] for row in found]


def unscoped_nobody_at(org: str) -> Q:
    """Whether nobody works in the organisation that a column of a row names: then others write down what it does."""
    return ~Q(Exists(Membership.unscoped.filter(org_id=OuterRef(org), state=MemberState.ACTIVE)))


def unscoped_nobody_works_at(org_id: int) -> bool:
    """Whether an organisation has nobody who signs in. One statement."""
    return not Membership.unscoped.filter(org_id=org_id, state=MemberState.ACTIVE).exists()


def unscoped_role_ids(membership_id: int | None) -> frozenset[int]:
    """The role of a membership as a set (empty for the system); approvals compare it with the role a node asks for. One statement."""
    found = rows("SELECT role_id FROM people_membership WHERE id = %s AND state = 'active'", [membership_id]) if membership_id else []
    return frozenset(row[0] for row in found)


def unscoped_contacts(user_ids: list[int]) -> dict[int, tuple[str, str, str]]:
    """(name, e-mail, language) of active people by id: whom to write to and how. One statement."""
    found = rows("SELECT id, name, email, language FROM people_user WHERE id = ANY(%s) AND is_active", [list(user_ids)])
    return {row[0]: (row[1], row[2], row[3]) for row in found}


def unscoped_system_role(code: str) -> int:
    """The id of a system role; LookupError when `ensure_system_roles` has not run."""
    found = rows("SELECT id FROM people_role WHERE code = %s AND owner_id IS NULL", [code])
    if not found:
        raise LookupError(f"no system role {code}")
    return int(found[0][0])


def unscoped_user_by_email(email: str) -> User | None:
    """The active person with an e-mail address, or None: for links asked for by strangers and for the demo's sign-in."""
    return User.unscoped.filter(email=rules.clean_email(email), is_active=True).first()


def unscoped_user(user_id: int) -> User | None:
    """An active person by id, for the second step of signing in."""
    return User.unscoped.filter(pk=user_id, is_active=True).first()


def unscoped_demo_people() -> list[tuple[str, DemoCard, Membership]]:
    """The people of the demo that exist, in order: key, card, membership. One statement."""
    found = Membership.unscoped.select_related("org", "user").filter(
        user__email__in=[card.email for card in DEMO_PEOPLE.values()], user__is_active=True, state=MemberState.ACTIVE
    )
    by_email = {member.user.email: member for member in found.order_by("-pk")}
    return [(key, card, by_email[card.email]) for key, card in DEMO_PEOPLE.items() if card.email in by_email]


def power_of(role: Role, scope: str) -> Power:
    """What a role gives with a view."""
    return Power(granted(tuple(role.verbs), scope), expand(tuple(role.fields), fields=True), scope)


def power_held(actor: Actor) -> Power:
    """What an actor may hand on: what it holds; the system holds everything."""
    if actor.kind == "system":
        return Power(frozenset(all_verbs()), frozenset(all_fields()), "all")
    return Power(actor.verbs, actor.fields, str(actor.scope))


def role_faults(actor: Actor, facts: Any) -> tuple[list[Fault], list[Fault]]:
    """What is wrong with a role that somebody writes (code, name, verbs, fields, scope), and what of it the actor does not hold."""
    faults = rules.check_role_code(facts.code)
    if not facts.name.strip():
        faults.append(Fault("people.name_missing", "name"))
    faults += [Fault("people.verb_unknown", "verbs", {"verb": one}) for one in facts.verbs if not expand((one.lstrip("!"),))]
    faults += [Fault("people.field_unknown", "fields", {"field": one}) for one in facts.fields if not expand((one.lstrip("!"),), fields=True)]
    if facts.scope not in MemberScope.values:
        return [*faults, Fault("people.exceeds_scope", "scope")], []
    gives = Power(granted(tuple(facts.verbs), facts.scope), expand(tuple(facts.fields), fields=True), facts.scope)
    return faults, rules.exceeds(power_held(actor), gives)


def people(actor: Actor) -> QuerySet[Membership]:
    """The memberships an actor sees, with person, role and organisation."""
    return visible(actor, Membership).select_related("user", "role", "org", "manager__user").order_by("org__path", "user__name", "pk")


def member(actor: Actor, pk: int, verb: str | None = None) -> Membership:
    """One membership; NotFound when hidden."""
    return get_visible(actor, Membership, pk, verb)


def roles_for(actor: Actor, org_id: int, org_kind: str) -> list[Role]:
    """The roles an actor may give to people of an organisation: meant for its kind or written by it, and within what the actor holds."""
    held = power_held(actor)
    fitting = Role.unscoped.filter(owner__isnull=True, kinds__contains=[org_kind]) | Role.unscoped.filter(owner_id=org_id)
    return [role for role in fitting.order_by("owner", "pk") if not rules.exceeds(held, power_of(role, "self"))]


#: kinds of organisations in which people work here
WORKED_IN = (OrgKind.HQ, OrgKind.REGION, OrgKind.DEALER, OrgKind.OUTLET)


def places_of(actor: Actor) -> QuerySet[Organisation]:
    """The organisations whose people an actor manages, in the order of the tree, the own one among them."""
    found = organisations(actor).filter(kind__in=WORKED_IN).exclude(state=OrgState.CLOSED)
    if actor.org_kind in ("hq", "region", "system"):
        return found
    below = Q(parent_id=actor.org_id, kind=OrgKind.OUTLET) if actor.scope in (Scope.BRANCH, Scope.ALL) else Q(pk__in=[])
    return found.filter(Q(pk=actor.org_id) | below)


def own_roles(actor: Actor) -> QuerySet[Role]:
    """The roles an actor sees: the product's and its organisation's."""
    return visible(actor, Role).order_by("owner", "pk")


def tokens(actor: Actor) -> QuerySet[ApiToken]:
    """The tokens an actor sees, newest first."""
    return visible(actor, ApiToken).select_related("membership__user", "membership__org").order_by("-pk")


def open_sessions(actor: Actor) -> QuerySet[Session]:
    """The actor's signed-in devices, newest first."""
    return visible(actor, Session).filter(ended_at__isnull=True).order_by("-pk")


def my_memberships(actor: Actor) -> list[Membership]:
    """The organisations a person may switch to."""
    found = Membership.unscoped.filter(user_id=actor.user_id or 0, state=MemberState.ACTIVE).exclude(org__state="closed")
    return list(found.select_related("org", "role").order_by("pk"))


def seats(actor: Actor) -> list[tuple[int, str, str, str, str]]:
    """(membership, organisation's name and name_en, role's name and name_en) of each organisation a person may switch to: what stands on every page."""
    return rows(
        """SELECT m.id, o.name, o.name_en, r.name, r.name_en FROM people_membership m JOIN network_organisation o ON o.id = m.org_id
           JOIN people_role r ON r.id = m.role_id WHERE m.user_id = %s AND m.state = 'active' AND o.state <> 'closed' ORDER BY m.id""",
        [actor.user_id or 0],
    )


def my_user(actor: Actor) -> User:
    """The person who acts; NotFound for the system."""
    found = visible(actor, User, "people.me").filter(pk=actor.user_id).first()
    if found is None:
        raise NotFound("base.not_found")
    return found


def unscoped_second_factor(user_id: int) -> SecondFactor | None:
    """The second factor of a person who is signing in."""
    return SecondFactor.unscoped.filter(user_id=user_id).first()


def me(actor: Actor) -> dict[str, Any]:
    """What a program asks first: who am I, for whom do I act, what may I do."""
    user = my_user(actor)
    member = Membership.unscoped.select_related("org", "role").get(pk=actor.membership_id or 0)
    return {
        "id": user.pk,
        "email": user.email,
        "name": user.name,
        "language": user.language,
        "membership": member.pk,
        "role": member.role.code,
        "scope": str(actor.scope),
        "verbs": sorted(actor.verbs),
        "fields": sorted(actor.fields),
        "organisation": {"id": member.org_id, "code": member.org.code, "name": member.org.name, "name_en": member.org.name_en, "kind": member.org.kind},
    }


def unscoped_people_of(org_id: int) -> list[tuple[int, str]]:
    """(membership, name) of the active people of an organisation the actor was shown, by name. One statement."""
    found = Membership.unscoped.filter(org_id=org_id, state=MemberState.ACTIVE, user__is_active=True).order_by("user__name", "pk")
    return list(found.values_list("pk", "user__name"))


def unscoped_called(words: str) -> tuple[list[int], list[int]]:
    """The ids of the people whose name has these letters in it, and of those one of whose programs is called so; the first hundred each. One statement."""
    found = rows(
        """(SELECT true, id FROM people_user WHERE strpos(upper(name), upper(%s)) > 0 ORDER BY id LIMIT 100) UNION ALL
           (SELECT DISTINCT false, m.user_id FROM people_apitoken t JOIN people_membership m ON m.id = t.membership_id
             WHERE strpos(upper(t.name), upper(%s)) > 0 ORDER BY 2 LIMIT 100)""",
        [words, words],
    )
    return [pk for person, pk in found if person], [pk for person, pk in found if not person]


def unscoped_roles_of(org_id: int) -> list[tuple[int, str]]:
    """(role, name) of the roles that people of an organisation have, in the reader's language. One statement."""
    found = Role.unscoped.filter(memberships__org_id=org_id, memberships__state=MemberState.ACTIVE).distinct().order_by("owner", "pk")
    return [(role.pk, by_language(role.name, role.name_en)) for role in found]


def unscoped_manager_of(user_id: int | None, org_id: int) -> int | None:
    """The active manager of a person in an organisation, as user; None without one. One statement."""
    found = rows(
        """SELECT b.user_id FROM people_membership m JOIN people_membership b ON b.id = m.manager_id AND b.state = 'active'
             JOIN people_user u ON u.id = b.user_id AND u.is_active WHERE m.user_id = %s AND m.org_id = %s AND m.state = 'active'""",
        [user_id, org_id],
    )
    return int(found[0][0]) if found else None


def unscoped_departments(org_id: int) -> list[str]:
    """The departments of an organisation in which somebody works. One statement."""
    return [
        row[0]
        for row in rows("SELECT DISTINCT department FROM people_membership WHERE org_id = %s AND state = 'active' AND department <> '' ORDER BY 1", [org_id])
    ]
