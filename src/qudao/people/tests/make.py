"""The standing cast of every test, built through the actions: people of the brand, a dealer, its sub-dealer, and a stranger."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMessage
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from qudao.base.access import Actor, system_actor
from qudao.network.models import Organisation
from qudao.network.tests.make import make_network
from qudao.people import jobs
from qudao.people.actions import enrol_person, ensure_system_roles, make_token, open_session
from qudao.people.actions.members import PersonFacts, Post
from qudao.people.models import Membership, Role, User
from qudao.people.queries import (
    SESSION_MEMBERSHIP,
    SESSION_ROW,
    unscoped_actor_arriving,
    unscoped_actor_of_membership,
    unscoped_system_role,
    unscoped_user,
)
from qudao.people.states import MemberState


@dataclass(frozen=True)
class Cast:
    """Organisations LH, D001, D002, S001 (S001 is D001's sub-dealer) and the actors in them."""

    lh: Organisation
    d001: Organisation
    d002: Organisation
    s001: Organisation
    hq_admin: Actor
    hq_clerk: Actor
    hq_finance: Actor
    hq_warehouse: Actor
    dealer: Actor  # buyer of D001
    dealer_admin: Actor  # of D001: sells to S001
    sub_dealer: Actor  # shop owner of S001
    stranger: Actor  # buyer of D002
    stranger_admin: Actor  # of D002


def make_member(email: str, org: Organisation, role: str, *, name: str = "", scope: str | None = None) -> Membership:
    """A person active in an organisation in a system role."""
    person = PersonFacts(email, name or email.partition("@")[0], "en")
    return enrol_person(person, Post(org.pk, unscoped_system_role(role), scope), actor=system_actor())


def actor_of(member: Membership) -> Actor:
    """The actor a membership stands for."""
    actor = unscoped_actor_of_membership(member.pk)
    assert actor is not None
    return actor


def sign_in(client: Client, actor: Actor) -> Client:
    """The test client with a session of the actor, as after the sign-in page; pages come in English."""
    user = unscoped_user(actor.user_id or 0)
    assert user is not None
    row = open_session("127.0.0.1", "test", actor=unscoped_actor_arriving(user))
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[SESSION_ROW], session[SESSION_MEMBERSHIP] = row.pk, actor.membership_id
    session.save()
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    return client


def bearer(actor: Actor) -> dict[str, str]:
    """Headers of an API token of the actor, for the test client: `client.get(url, headers=bearer(actor))`."""
    _token, raw = make_token("test", actor=actor)
    return {"Authorization": f"Bearer {raw}"}


def arriving(actor: Actor) -> Actor:
    """The same person before signing in."""
    user = unscoped_user(actor.user_id or 0)
    assert user is not None
    return unscoped_actor_arriving(user)


def run_jobs() -> None:
    """Do what a worker would: every mail job of this module that waits, once."""
    doing = {"people.send_invitation": jobs.send_invitation, "people.send_reset": jobs.send_reset}
    for waiting in ProcrastinateJob.objects.filter(task_name__in=list(doing)).order_by("pk"):
        doing[waiting.task_name](**waiting.args)


def link_of(message: EmailMessage) -> str:
    """The secret part of the link in a mail."""
    found = re.search(r"https?://\S+/([^/\s]+)/\s", message.body)
    assert found is not None
    return found[1]


def make_members(posts: dict[str, tuple[Organisation, str]]) -> dict[str, Actor]:
    """People active in organisations in system roles, by name, all at once: every test begins with nine of them."""
    people = [User(email=f"{name}@example.com", name=name, language="en") for name in posts]
    for person in people:
        person.set_unusable_password()
    User.unscoped.bulk_create(people)
    roles = {role.code: role for role in Role.unscoped.filter(owner=None)}
    members = [
        Membership(user=person, org=org, role=roles[role], scope=roles[role].scope, state=MemberState.ACTIVE)
        for person, (org, role) in zip(people, posts.values(), strict=True)
    ]
    Membership.unscoped.bulk_create(members)
    return {name: actor_of(member) for name, member in zip(posts, members, strict=True)}


def cast() -> Cast:
    """The whole cast; everybody's e-mail is <attribute>@example.com, without password."""
    orgs = make_network()
    lh, d001, d002, s001 = orgs["LH"], orgs["D001"], orgs["D002"], orgs["S001"]
    ensure_system_roles(actor=system_actor())
    posts = {
        "hq_admin": (lh, "hq_admin"),
        "hq_clerk": (lh, "hq_clerk"),
        "hq_finance": (lh, "hq_finance"),
        "hq_warehouse": (lh, "hq_warehouse"),
        "dealer": (d001, "dealer_buyer"),
        "dealer_admin": (d001, "dealer_admin"),
        "sub_dealer": (s001, "shop_owner"),
        "stranger": (d002, "dealer_buyer"),
        "stranger_admin": (d002, "dealer_admin"),
    }
    return Cast(lh=lh, d001=d001, d002=d002, s001=s001, **make_members(posts))
