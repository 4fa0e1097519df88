"""Memberships: invite, change, end. Whoever gives rights must hold them; whoever changes somebody must not be weaker than that person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core import signing

from qudao.base.access import Actor, Scope, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, NotFound, Refused, raise_if_any
from qudao.network.queries import Organisation, OrgCard, unscoped_cards
from qudao.network.states import OrgKind
from qudao.people import rules
from qudao.people.actions.mail import later, send_link
from qudao.people.models import ApiToken, Membership, Role, User
from qudao.people.queries import power_held, power_of, unscoped_people_with
from qudao.people.states import INVITATION_DAYS, Language, MemberState

SALT = "qudao.people.invitation"


@dataclass(frozen=True)
class PersonFacts:
    """Whom to take in: address, name, language for the first mail."""

    email: str
    name: str
    language: str = Language.ZH


@dataclass(frozen=True)
class Post:
    """For what: organisation, role, view (None: the role's usual one)."""

    org_id: int
    role_id: int
    scope: str | None = None


def subject_of(member: Membership) -> Subject:
    """A membership as the subject of a log line; it stands on its organisation's side."""
    return Subject("people.membership", member.pk, member.org_id, None, member.user.email)


@action("people.support")
def enrol_person(person: PersonFacts, post: Post, *, actor: Actor) -> Membership:
    """Take a person in without invitation (demo, import, set-up): active at once, without a usable password. Convergent per person and organisation."""
    role, scope, _org = _grantable(post, actor)
    user = _ensure_user(person)
    member, _new = Membership.unscoped.update_or_create(user=user, org_id=post.org_id, defaults={"role": role, "scope": scope, "state": MemberState.ACTIVE})
    record(subject_of(member), after=member.state, detail={"role": role.code, "scope": scope})
    return member


@action("people.invite")
def invite_person(person: PersonFacts, post: Post, site: str = "", *, actor: Actor) -> Membership:
    """Invite a person by e-mail with a link that works once, for 7 days. The answer is the same whether the address is known here or not."""
    role, scope, _org = _grantable(post, actor)
    user = _ensure_user(person)
    member = Membership.unscoped.filter(user=user, org_id=post.org_id).first()
    if member is None:
        member = Membership(user=user, org_id=post.org_id, state=MemberState.INVITED)
    elif member.state == MemberState.ENDED:
        member.state = rules.next_state(member.state, "invite", user.name)
    else:
        raise Refused("people.member_already", field="email", email=user.email)
    member.role, member.scope, member.invited_at = role, scope, clock.now()
    member.save()
    record(subject_of(member), after=member.state, detail={"role": role.code, "scope": scope})
    later("people.send_invitation", membership_id=member.pk, site=site)
    return member


@action("people.invite")
def resend_invitation(membership_id: int, site: str = "", *, actor: Actor) -> Membership:
    """Send a new link; the former one ends. Locks the membership."""
    get_visible(actor, Membership, membership_id, "people.invite")
    member = lock_one(Membership, membership_id, rank=Rank.NETWORK)
    if member.state != MemberState.INVITED:
        raise Refused("people.state", name=member.user.name, state=MemberState(member.state).label)
    member.invited_at = clock.now()
    member.save(update_fields=["invited_at"])
    record(subject_of(member))
    later("people.send_invitation", membership_id=member.pk, site=site)
    return member


@action("people.change")
def change_member(membership_id: int, role_id: int, scope: str, *, actor: Actor) -> Membership:
    """Give a member another role or view. Locks the membership. Never the own one: nobody raises himself."""
    get_visible(actor, Membership, membership_id, "people.change")
    member = lock_one(Membership, membership_id, rank=Rank.NETWORK)
    _refuse_own(member, actor)
    _refuse_stronger(member, actor)
    role, scope, _org = _grantable(Post(member.org_id, role_id, scope), actor)
    before = {"role": member.role.code, "scope": member.scope}
    if "people.change" not in power_of(role, scope).verbs:
        _refuse_last_admin(member, actor)
    member.role, member.scope = role, scope
    member.save(update_fields=["role", "scope"])
    after = {"role": role.code, "scope": scope}
    record(subject_of(member), detail={key: [before[key], after[key]] for key in after if before[key] != after[key]})
    return member


@action("people.change")
def place_member(membership_id: int, department: str, manager_id: int | None, *, actor: Actor) -> Membership:
    """Say in which department a member works and who is the manager: a colleague's membership. Gives no right. Locks the membership. Raises Invalid."""
    get_visible(actor, Membership, membership_id, "people.change")
    member = lock_one(Membership, membership_id, rank=Rank.NETWORK)
    chosen = Membership.unscoped.filter(pk=manager_id or 0, org_id=member.org_id, state=MemberState.ACTIVE).exclude(pk=member.pk)
    if manager_id and not chosen.exists():
        raise Invalid("people.manager_unknown", field="manager_id")
    before = {"department": member.department, "manager": member.manager_id}
    member.department, member.manager_id = department.strip(), manager_id
    member.save(update_fields=["department", "manager"])
    record(subject_of(member), detail={"before": before, "after": {"department": member.department, "manager": manager_id}})
    return member


@action("people.end")
def end_member(membership_id: int, reason: str = "", *, actor: Actor) -> Membership:
    """End a membership: the person acts for this organisation no more, tokens are revoked at once. Locks the membership."""
    get_visible(actor, Membership, membership_id, "people.end")
    member = lock_one(Membership, membership_id, rank=Rank.NETWORK)
    _refuse_own(member, actor)
    _refuse_stronger(member, actor)
    after = rules.next_state(member.state, "end", member.user.name)
    _refuse_last_admin(member, actor)
    before, member.state = member.state, after
    member.save(update_fields=["state"])
    ApiToken.unscoped.filter(membership=member, revoked_at__isnull=True).update(revoked_at=clock.now())
    record(subject_of(member), before=before, after=after, reason=reason)
    return member


def invitation_token(member: Membership) -> str:
    """The secret part of the link: signed, and bound to the moment of the invitation, so that only the newest works."""
    assert member.invited_at is not None, "only the invited have links"
    return signing.Signer(salt=SALT).sign_object([member.pk, member.invited_at.isoformat()])


def member_of_token(token: str) -> Membership:
    """The invited membership of a link; Refused `people.link` when it is wrong, older than 7 days, replaced or used."""
    try:
        pk, at = signing.Signer(salt=SALT).unsign_object(token)
    except (signing.BadSignature, ValueError):
        raise Refused("people.link") from None
    member = Membership.unscoped.select_related("user", "org", "role").filter(pk=pk, state=MemberState.INVITED).first()
    if member is None or member.invited_at is None or member.invited_at.isoformat() != at:
        raise Refused("people.link")
    if member.invited_at + timedelta(days=INVITATION_DAYS) < clock.now():
        raise Refused("people.link")
    return member


def mail_invitation(membership_id: int, site: str) -> None:
    """Send the newest link of an invitation that is still open (a job)."""
    member = Membership.unscoped.select_related("user", "org").filter(pk=membership_id, state=MemberState.INVITED).first()
    if member is not None and member.invited_at is not None:
        told = {"org": member.org, "days": INVITATION_DAYS}
        send_link(member.user, "people/mail/invitation", f"/invitations/{invitation_token(member)}/", site, told)


def _ensure_user(person: PersonFacts) -> User:
    """The person with this address; a known one keeps its own name and language."""
    email = rules.clean_email(person.email)
    raise_if_any(rules.check_person(email, person.name), Invalid)
    if person.language not in Language.values:
        raise Invalid("people.language", field="language")
    user = User.unscoped.filter(email=email).first()
    if user is None:
        user = User(email=email, name=person.name.strip(), language=person.language)
        user.set_unusable_password()
        user.save(force_insert=True)
    return user


def _grantable(post: Post, actor: Actor) -> tuple[Role, str, OrgCard]:
    """Role, view and organisation, when the actor may give them there; raises NotFound, Invalid or Refused."""
    org = unscoped_cards([post.org_id]).get(post.org_id)
    if org is None or not may_manage(actor, org):
        raise NotFound("base.not_found", field="org")
    role = Role.unscoped.filter(pk=post.role_id).first()
    if role is None or role.owner_id not in (None, org.id):
        raise Invalid("people.role_unknown", field="role")
    if role.owner_id is None and org.kind not in role.kinds:
        raise Invalid("people.role_kind", field="role", role=role.name)
    scope = post.scope or role.scope
    raise_if_any(rules.exceeds(power_held(actor), power_of(role, scope)), Refused)
    return role, scope, org


def may_manage(actor: Actor, org: OrgCard | Organisation) -> bool:
    """Whether an actor manages the people of an organisation at hand, as `policies.manages` says of rows."""
    if actor.org_kind in ("hq", "region", "system"):
        return actor.scope == "all" or org.path.startswith(actor.org_path)
    # The path of an outlet directly below ends with its parent's number and its own.
    below = org.kind == OrgKind.OUTLET and org.path == f"{actor.org_path}{org.id}/" and actor.scope in (Scope.BRANCH, Scope.ALL)
    return org.id == actor.org_id or below


def _refuse_own(member: Membership, actor: Actor) -> None:
    if member.user_id == actor.user_id:
        raise Refused("people.own_membership")


def _refuse_stronger(member: Membership, actor: Actor) -> None:
    raise_if_any(rules.exceeds(power_held(actor), power_of(member.role, member.scope)), Refused)


def refuse_stronger_person(user_id: int, actor: Actor) -> None:
    """Whoever can set a password can become that person, so nobody does it to somebody who holds more anywhere."""
    for member in Membership.unscoped.select_related("role").filter(user_id=user_id).exclude(state=MemberState.ENDED):
        _refuse_stronger(member, actor)


def _refuse_last_admin(member: Membership, actor: Actor) -> None:
    """An organisation must keep somebody who manages its people; the brand may take the last one from a dealer it closes."""
    if member.org_id != actor.org_id or member.state != MemberState.ACTIVE:
        return
    if "people.change" in power_of(member.role, member.scope).verbs and set(unscoped_people_with(member.org_id, "people.change")) <= {member.user_id}:
        raise Refused("people.last_admin")
