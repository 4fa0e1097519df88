"""From request and token to actor, and who sees which people."""

from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from qudao.base.access import Scope, visible
from qudao.kernel import clock
from qudao.kernel.errors import NotFound
from qudao.network.models import Organisation
from qudao.people import actions, queries
from qudao.people.apps import _write_use_of_tokens
from qudao.people.models import ApiToken, Membership, Role, Session, User
from qudao.people.tests.make import actor_of, make_member

pytestmark = pytest.mark.django_db


def signed_in(actor, membership=None):
    """A request whose session belongs to an actor."""
    user = User.unscoped.get(pk=actor.user_id)
    row = actions.open_session("127.0.0.1", "test", actor=queries.unscoped_actor_arriving(user))
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[queries.SESSION_ROW] = row.pk
    if membership:
        session[queries.SESSION_MEMBERSHIP] = membership.pk
    session.save()
    request = RequestFactory().get("/")
    request.session = SessionStore(session.session_key)
    return request


def test_a_request_becomes_an_actor_in_one_statement_beside_the_session(cast, django_assert_num_queries):
    request = signed_in(cast.dealer)
    with django_assert_num_queries(2):  # the session, the actor
        actor = queries.unscoped_actor_of_request(request)
        assert request.user.pk == cast.dealer.user_id
    assert actor == cast.dealer
    assert (actor.org_id, actor.scope, actor.kind, str(actor.channel)) == (cast.d001.pk, Scope.ORG, "person", "page")


def test_the_membership_of_the_session_wins_over_the_first(cast):
    second = make_member("dealer@example.com", cast.d002, "dealer_buyer")
    assert queries.unscoped_actor_of_request(signed_in(cast.dealer)).org_id == cast.d001.pk
    assert queries.unscoped_actor_of_request(signed_in(cast.dealer, second)).org_id == cast.d002.pk
    foreign = Membership.unscoped.get(pk=cast.hq_clerk.membership_id)
    assert queries.unscoped_actor_of_request(signed_in(cast.dealer, foreign)).org_id == cast.d001.pk


def test_nobody_acts_after_the_session_ended_the_password_changed_or_the_membership_ended(cast):
    assert queries.unscoped_actor_of_request(signed_in(cast.dealer)) is not None
    request = signed_in(cast.dealer)
    Session.unscoped.filter(user_id=cast.dealer.user_id).update(ended_at=clock.now())
    assert queries.unscoped_actor_of_request(request) is None
    request = signed_in(cast.dealer)
    User.unscoped.filter(pk=cast.dealer.user_id).update(password="another")
    assert queries.unscoped_actor_of_request(request) is None
    request = signed_in(cast.dealer)
    Membership.unscoped.filter(pk=cast.dealer.membership_id).update(state="ended")
    assert queries.unscoped_actor_of_request(request) is None
    request = signed_in(cast.stranger)
    Organisation.unscoped.filter(pk=cast.d002.pk).update(state="closed")
    assert queries.unscoped_actor_of_request(request) is None
    request = RequestFactory().get("/")
    request.session = SessionStore()
    assert queries.unscoped_actor_of_request(request) is None


def test_somebody_elses_session_row_is_worth_nothing(cast):
    request = signed_in(cast.dealer)
    request.session[queries.SESSION_ROW] = signed_in(cast.hq_admin).session[queries.SESSION_ROW]
    assert queries.unscoped_actor_of_request(request) is None


def test_a_token_becomes_an_actor_in_one_statement(cast, django_assert_num_queries):
    token, raw = actions.make_token("ERP", 30, actor=cast.dealer)
    with django_assert_num_queries(1):
        actor = queries.unscoped_actor_of_token(raw)
    assert (actor.kind, actor.token_id, actor.org_id, str(actor.channel), actor.verbs) == ("token", token.pk, cast.d001.pk, "api", cast.dealer.verbs)
    assert actor.name == "dealer (ERP)"
    with django_assert_num_queries(0):
        assert queries.unscoped_actor_of_token("nonsense") is None
    assert queries.unscoped_actor_of_token("qd_" + "x" * 43) is None


def test_a_token_ends_with_its_time_its_revocation_and_its_membership(cast):
    token, raw = actions.make_token("ERP", 1, actor=cast.dealer)
    with clock.freeze(clock.now() + timedelta(days=2)):
        assert queries.unscoped_actor_of_token(raw) is None
    actions.revoke_token(token.pk, actor=cast.dealer)
    assert queries.unscoped_actor_of_token(raw) is None
    _token, raw = actions.make_token("ERP", 1, actor=cast.dealer)
    actions.end_member(cast.dealer.membership_id, actor=cast.dealer_admin)
    assert queries.unscoped_actor_of_token(raw) is None


def test_the_use_of_a_token_is_noted_after_the_answer_once_a_day(cast, django_assert_num_queries):
    token, raw = actions.make_token("ERP", 30, actor=cast.dealer)
    queries.unscoped_actor_of_token(raw)
    token.refresh_from_db()
    assert token.last_used_on is None
    _write_use_of_tokens()
    token.refresh_from_db()
    assert token.last_used_on == clock.today()
    queries.unscoped_actor_of_token(raw)
    with django_assert_num_queries(0):
        _write_use_of_tokens()


def test_people_with_a_verb(cast, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = queries.unscoped_people_with(cast.d001.pk, "people.invite")
    assert found == [cast.dealer_admin.user_id]
    assert set(queries.unscoped_people_with(cast.d001.pk, "network.view")) == {cast.dealer.user_id, cast.dealer_admin.user_id}
    assert queries.unscoped_people_in_role(cast.lh.pk, queries.unscoped_system_role("hq_finance")) == [cast.hq_finance.user_id]
    assert queries.unscoped_role_ids(cast.hq_finance.membership_id) == {queries.unscoped_system_role("hq_finance")}
    assert queries.unscoped_contacts([cast.dealer.user_id]) == {cast.dealer.user_id: ("dealer", "dealer@example.com", "en")}
    with pytest.raises(LookupError):
        queries.unscoped_system_role("king")


def emails(rows):
    return sorted(member.user.email.partition("@")[0] for member in rows)


def test_everybody_sees_the_people_of_the_own_scope(cast):
    assert len(emails(queries.people(cast.hq_admin))) == 9
    assert emails(queries.people(cast.dealer_admin)) == ["dealer", "dealer_admin", "sub_dealer"]
    assert emails(queries.people(cast.stranger_admin)) == ["stranger", "stranger_admin"]
    assert emails(queries.people(cast.sub_dealer)) == ["sub_dealer"]


def test_a_dealer_manages_only_the_people_of_the_own_organisation(cast):
    assert emails(visible(cast.dealer_admin, Membership, "people.change").select_related("user")) == ["dealer", "dealer_admin"]
    assert visible(cast.hq_admin, Membership, "people.change").count() == 9
    assert visible(cast.dealer_admin, User, "people.view").count() == 3
    with pytest.raises(NotFound):
        queries.member(cast.dealer_admin, cast.stranger.membership_id)


def test_accounts_sessions_and_tokens_belong_to_their_person(cast):
    actions.make_token("a", actor=cast.dealer)
    actions.make_token("b", actor=cast.dealer_admin)
    signed_in(cast.dealer)
    assert queries.my_user(cast.dealer).pk == cast.dealer.user_id
    assert queries.open_sessions(cast.dealer).count() == 1
    assert queries.open_sessions(cast.dealer_admin).count() == 0
    assert [t.name for t in queries.tokens(cast.dealer)] == ["a"]
    assert [t.name for t in queries.tokens(cast.dealer_admin)] == ["b", "a"]  # may end the membership, so sees its tokens
    assert list(queries.tokens(cast.stranger_admin)) == []
    assert visible(cast.hq_admin, ApiToken).count() == 2


def test_a_dealer_is_offered_only_roles_it_may_give(cast):
    codes = {role.code for role in queries.roles_for(cast.dealer_admin, cast.d001.pk, "dealer")}
    assert codes == {"dealer_buyer", "dealer_admin", "shop_owner"}
    brands = {role.code for role in queries.roles_for(cast.hq_admin, cast.lh.pk, "hq")}
    assert brands == {"hq_admin", "hq_clerk", "hq_finance", "hq_warehouse", "hq_channel", "hq_auditor"}
    assert queries.roles_for(cast.stranger, cast.d002.pk, "dealer") != []  # its own role, without the verb to use it
    assert Role.unscoped.filter(owner=None).count() == 9


def test_me_says_who_acts_for_whom(cast):
    me = queries.me(cast.dealer)
    assert (me["email"], me["organisation"]["code"], me["role"], me["scope"]) == ("dealer@example.com", "D001", "dealer_buyer", "org")
    assert [m.org.code for m in queries.my_memberships(cast.dealer)] == ["D001"]
    assert actor_of(Membership.unscoped.get(pk=cast.dealer.membership_id)) == cast.dealer
    assert queries.unscoped_actor_of_user(cast.dealer.user_id) == cast.dealer
