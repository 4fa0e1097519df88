"""People, their memberships and API tokens over the API; first of all who am I."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor, get_visible
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.people import actions
from qudao.people.actions.members import PersonFacts, Post
from qudao.people.actions.roles import RoleFacts
from qudao.people.models import ApiToken, Membership, Role
from qudao.people.queries import me, member, own_roles, people, power_of, tokens

routes = Router(tags=["people"])


class OrgRef(Schema):
    id: int
    code: str
    name: str
    name_en: str
    kind: str


class MeOut(Schema):
    """Who acts, for whom, and what the caller may do."""

    id: int
    email: str
    name: str
    language: str
    membership: int
    role: str
    scope: str
    verbs: list[str]
    fields: list[str]
    organisation: OrgRef


class PersonOut(Schema):
    """A membership: a person in an organisation."""

    id: int
    user_id: int
    email: str
    name: str
    org_id: int
    role_id: int
    role: str
    scope: str
    state: str
    department: str
    manager_id: int | None


class WorkplaceIn(Schema):
    """Where somebody works, and whose membership the manager's is."""

    department: str = Field("", max_length=40)
    manager_id: int | None = None


class PersonPage(Schema):
    items: list[PersonOut]
    next_after: int | None


class InviteIn(Schema):
    """Whom to invite, where to, as what."""

    email: str = Field(..., max_length=254)
    name: str = Field(..., max_length=80)
    language: str = "zh-hans"
    org_id: int
    role_id: int
    scope: str | None = None


class PostIn(Schema):
    role_id: int
    scope: str


class ReasonIn(Schema):
    reason: str = Field("", max_length=500)


class WrittenRoleIn(Schema):
    """A role of the own organisation: rights (“orders.view”; “orders.*” is written out, “!orders.approve” takes away), guarded figures, usual view."""

    code: str = Field(..., max_length=40)
    name: str = Field(..., max_length=60)
    name_en: str = Field("", max_length=60)
    verbs: list[str] = Field(..., max_length=500)
    fields: list[str] = Field([], max_length=100)
    scope: str = "org"


class RoleOut(Schema):
    """A role with what it gives; one that comes with the product has no owner, and suits people of these kinds of organisation."""

    id: int
    code: str
    name: str
    name_en: str
    owner_id: int | None
    scope: str
    kinds: list[str]
    verbs: list[str]
    fields: list[str]


class RolePage(Schema):
    items: list[RoleOut]
    next_after: int | None


class TokenIn(Schema):
    """A token acts as the caller's present membership."""

    name: str = Field(..., max_length=60)
    days: int = 90


class TokenOut(Schema):
    id: int
    name: str
    prefix: str
    membership_id: int
    created_at: datetime
    expires_at: datetime
    last_used_on: date | None
    revoked_at: datetime | None


class NewTokenOut(TokenOut):
    """A token with its raw text, which is shown this one time."""

    token: str


class TokenPage(Schema):
    items: list[TokenOut]
    next_after: int | None


TOKEN = ("id", "name", "prefix", "membership_id", "created_at", "expires_at", "last_used_on", "revoked_at")


def _person(found: Membership) -> dict[str, Any]:
    user, role = found.user, found.role
    # Of somebody who has not accepted only what the inviter typed: the name may come from another organisation.
    name = user.name if found.state != "invited" else ""
    place = {"department": found.department, "manager_id": found.manager_id}
    own = {"id": found.pk, "user_id": user.pk, "email": user.email, "name": name, "org_id": found.org_id}
    return {**own, "role_id": role.pk, "role": role.code, "scope": found.scope, "state": found.state, **place}


def _token(token: ApiToken) -> dict[str, Any]:
    return {name: getattr(token, name) for name in TOKEN}


@routes.get("/me", response=MeOut, summary="Who am I")
def who(request: HttpRequest) -> HttpResponse:
    """The person, the organisation acted for, the verbs granted."""
    return reply(me(request.actor))  # type: ignore[attr-defined]


@routes.get("/people", response=PersonPage, summary="People, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, org_id: int | None = None, state: str = "") -> HttpResponse:
    """One keyset page of the memberships the caller sees."""
    found = people(request.actor)  # type: ignore[attr-defined]
    if org_id is not None:
        found = found.filter(org_id=org_id)
    if state:
        found = found.filter(state__in=state.split(","))
    page, limit = page_of(found, limit=limit, after=after)
    items = [_person(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/people", response={201: PersonOut}, summary="Invite somebody")
@idempotent
def invite(request: HttpRequest, body: InviteIn) -> HttpResponse:
    """Invite a person by e-mail; the answer is the same whether the address is known here or not."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    site = f"{request.scheme}://{request.get_host()}"
    person = PersonFacts(body.email, body.name, body.language)
    found = actions.invite_person(person, Post(body.org_id, body.role_id, body.scope), site, actor=actor)
    return reply(_person(found), 201, location=f"/api/v1/people/{found.pk}")


@routes.get("/people/{int:member_id}", response=PersonOut, summary="One person in an organisation")
def one(request: HttpRequest, member_id: int) -> HttpResponse:
    """The membership."""
    return reply(_person(member(request.actor, member_id)))  # type: ignore[attr-defined]


@routes.put("/people/{int:member_id}", response=PersonOut, summary="Give another role or view")
@idempotent
def change(request: HttpRequest, member_id: int, body: PostIn) -> HttpResponse:
    """Nobody gives more than the own rights and view."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_person(actions.change_member(member_id, body.role_id, body.scope, actor=actor)))


@routes.post("/people/{int:member_id}/place", response=PersonOut, summary="Say department and manager")
@idempotent
def place(request: HttpRequest, member_id: int, body: WorkplaceIn) -> HttpResponse:
    """Gives no right; approval flows ask for it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_person(actions.place_member(member_id, body.department, body.manager_id, actor=actor)))


@routes.post("/people/{int:member_id}/end", response=PersonOut, summary="End a membership")
@idempotent
def end(request: HttpRequest, member_id: int, body: ReasonIn) -> HttpResponse:
    """The person acts for this organisation no more; tokens end at once."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_person(actions.end_member(member_id, body.reason, actor=actor)))


def _role(role: Role) -> dict[str, Any]:
    gives = power_of(role, role.scope)
    own = {name: getattr(role, name) for name in ("code", "name", "name_en", "owner_id", "scope", "kinds")}
    return {"id": role.pk, **own, "verbs": sorted(gives.verbs), "fields": sorted(gives.fields)}


def _facts(body: WrittenRoleIn) -> RoleFacts:
    return RoleFacts(**{**body.dict(), "verbs": tuple(body.verbs), "fields": tuple(body.fields)})


@routes.get("/roles", response=RolePage, summary="Roles, newest first")
def role_index(request: HttpRequest, limit: int = 50, after: int | None = None) -> HttpResponse:
    """The product's roles and those of the own organisation, each with the rights it gives."""
    page, limit = page_of(own_roles(request.actor).order_by("-pk"), limit=limit, after=after)  # type: ignore[attr-defined]
    items = [_role(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/roles/{int:role_id}", response=RoleOut, summary="One role with what it gives")
def role_one(request: HttpRequest, role_id: int) -> HttpResponse:
    """A role of the product or of the own organisation."""
    return reply(_role(get_visible(request.actor, Role, role_id)))  # type: ignore[attr-defined]


@routes.post("/roles", response={201: RoleOut}, summary="Write a role")
@idempotent
def role_make(request: HttpRequest, body: WrittenRoleIn) -> HttpResponse:
    """A role of the own organisation; nobody gives more than the own rights and view."""
    made = actions.write_role(_facts(body), actor=request.actor)  # type: ignore[attr-defined]
    return reply(_role(made), 201, location=f"/api/v1/roles/{made.pk}")


@routes.put("/roles/{int:role_id}", response=RoleOut, summary="Write a role anew")
@idempotent
def role_change(request: HttpRequest, role_id: int, body: WrittenRoleIn) -> HttpResponse:
    """What it gives from now on, to everybody who has it. Those of the product cannot be changed."""
    return reply(_role(actions.write_role(_facts(body), role_id, actor=request.actor)))  # type: ignore[attr-defined]


@routes.delete("/roles/{int:role_id}", response={204: None}, summary="Retire a role")
@idempotent
def role_retire(request: HttpRequest, role_id: int) -> HttpResponse:
    """Refused while somebody has it, or had."""
    actions.remove_role(role_id, actor=request.actor)  # type: ignore[attr-defined]
    return HttpResponse(status=204)


@routes.get("/tokens", response=TokenPage, summary="API tokens, newest first")
def token_index(request: HttpRequest, limit: int = 50, after: int | None = None) -> HttpResponse:
    """The own tokens, and those of memberships the caller may end; never the raw text."""
    page, limit = page_of(tokens(request.actor), limit=limit, after=after)  # type: ignore[attr-defined]
    items = [_token(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/tokens", response={201: NewTokenOut}, summary="Make an API token")
def token_make(request: HttpRequest, body: TokenIn) -> HttpResponse:
    """Only for a signed-in person, not for a token. No idempotency key: a stored answer would keep the secret."""
    token, raw = actions.make_token(body.name, body.days, actor=request.actor)  # type: ignore[attr-defined]
    return reply({**_token(token), "token": raw}, 201)


@routes.delete("/tokens/{int:token_id}", response=TokenOut, summary="Revoke an API token")
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """At once; revoking twice is harmless."""
    return reply(_token(actions.revoke_token(token_id, actor=request.actor)))  # type: ignore[attr-defined]
