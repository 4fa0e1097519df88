"""Every change of people, roles and accounts: success, refusal, log, and each constraint violated once."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from qudao.base.access import expand, system_actor
from qudao.base.audit import timeline
from qudao.base.models import ActionLog
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people import actions
from qudao.people.actions.members import PersonFacts, Post, subject_of
from qudao.people.actions.roles import RoleFacts
from qudao.people.models import ApiToken, Membership, Role, Session, User
from qudao.people.queries import unscoped_actor_arriving, unscoped_actor_of_token, unscoped_system_role
from qudao.people.tests.make import actor_of, arriving, link_of, make_member, run_jobs

pytestmark = pytest.mark.django_db
GOOD = "rain-on-the-lake-7"


def role(code):
    return unscoped_system_role(code)


def member(actor):
    return Membership.unscoped.get(pk=actor.membership_id)


@pytest.fixture
def invited(cast):
    """A new person invited to D001 by its administrator, and the secret of the link."""
    found = actions.invite_person(
        PersonFacts(" New@Example.com", "New", "en"), Post(cast.d001.pk, role("dealer_buyer")), "http://testserver", actor=cast.dealer_admin
    )
    run_jobs()
    return found, link_of(mail.outbox[-1])


# --- roles ---


def test_system_roles_are_written_convergently_in_one_statement(cast, django_assert_num_queries):
    Role.unscoped.filter(code="hq_clerk").update(verbs=[])
    with django_assert_num_queries(3):  # savepoint pair and the upsert
        actions.ensure_system_roles(actor=system_actor())
    assert Role.unscoped.filter(owner=None).count() == 9
    assert "orders.*" in Role.unscoped.get(code="hq_clerk").verbs
    with pytest.raises(Forbidden):
        actions.ensure_system_roles(actor=cast.dealer_admin)


def test_an_organisation_writes_roles_within_what_its_people_hold(cast):
    facts = RoleFacts("greeter", "前台", verbs=("network.*", "!network.suspend", "people.view"))
    with pytest.raises(Refused, match="exceeds_verbs"):  # network.move is not the dealer's
        actions.write_role(facts, actor=cast.dealer_admin)
    made = actions.write_role(RoleFacts("greeter", "前台", verbs=("network.view", "people.*", "!people.support")), actor=cast.dealer_admin)
    assert made.owner_id == cast.d001.pk
    assert set(made.verbs) == expand(("network.view", "people.*", "!people.support"))  # written out: patterns do not grow later
    changed = actions.write_role(RoleFacts("greeter", "前台", verbs=("network.view",)), made.pk, actor=cast.dealer_admin)
    assert changed.pk == made.pk and changed.verbs == ["network.view"]
    assert timeline(actions.roles.subject_of(made)).count() == 2


def test_writing_a_role_refuses_what_is_wrong(cast):
    with pytest.raises(Invalid) as error:
        actions.write_role(RoleFacts("Bad Code", " ", verbs=("nothing.*",), scope="world"), actor=cast.dealer_admin)
    assert [f.code for f in error.value.faults] == ["people.role_code", "people.name_missing", "people.verb_unknown", "people.exceeds_scope"]
    actions.write_role(RoleFacts("greeter", "前台", verbs=("people.view",)), actor=cast.dealer_admin)
    with pytest.raises(Invalid, match="role_code_taken"):
        actions.write_role(RoleFacts("greeter", "前台", verbs=("people.view",)), actor=cast.dealer_admin)
    actions.write_role(RoleFacts("greeter", "前台", verbs=("people.view",)), actor=cast.stranger_admin)  # another organisation's
    with pytest.raises(Refused, match="exceeds_scope"):
        actions.write_role(RoleFacts("seer", "看", verbs=("people.view",), scope="all"), actor=cast.dealer_admin)
    with pytest.raises(Refused, match="system_role"):
        actions.write_role(RoleFacts("hq_admin", "x", verbs=("people.view",)), role("hq_admin"), actor=cast.dealer_admin)
    theirs = Role.unscoped.get(owner=cast.d002)
    with pytest.raises(NotFound):
        actions.write_role(RoleFacts("greeter", "x", verbs=("people.view",)), theirs.pk, actor=cast.dealer_admin)
    with pytest.raises(Forbidden):
        actions.write_role(RoleFacts("x_y", "x", verbs=("people.view",)), actor=cast.dealer)


def test_a_role_is_removed_when_nobody_has_it(cast):
    made = actions.write_role(RoleFacts("greeter", "前台", verbs=("people.view",)), actor=cast.dealer_admin)
    actions.change_member(cast.dealer.membership_id, made.pk, "org", actor=cast.dealer_admin)
    with pytest.raises(Refused, match="role_used"):
        actions.remove_role(made.pk, actor=cast.dealer_admin)
    actions.change_member(cast.dealer.membership_id, role("dealer_buyer"), "org", actor=cast.dealer_admin)
    actions.remove_role(made.pk, actor=cast.dealer_admin)
    assert not Role.unscoped.filter(pk=made.pk).exists()
    with pytest.raises(Refused, match="system_role"):
        actions.remove_role(role("shop_owner"), actor=cast.dealer_admin)


# --- memberships ---


def test_enrolling_is_convergent_and_the_system_s(cast):
    first = make_member("x@example.com", cast.d001, "dealer_buyer")
    again = make_member("X@example.com", cast.d001, "shop_owner")
    assert first.pk == again.pk and again.role.code == "shop_owner" and not again.user.has_usable_password()
    with pytest.raises(Forbidden):
        actions.enrol_person(PersonFacts("y@example.com", "Y"), Post(cast.d001.pk, role("dealer_buyer")), actor=cast.dealer_admin)


def test_an_invitation_mails_a_link_in_the_language_of_the_person(cast, invited):
    found, token = invited
    assert (found.state, found.user.email, found.scope) == ("invited", "new@example.com", "org")
    message = mail.outbox[-1]
    assert message.to == ["new@example.com"] and "Invitation" in message.subject and token
    assert [line.after for line in timeline(subject_of(found))] == ["invited"]
    assert token not in str([*ActionLog.unscoped.values_list("detail"), *ProcrastinateJob.objects.values_list("args")])


def test_inviting_refuses(cast, invited):
    def invite(actor, org, code, email="z@example.com", scope=None):
        actions.invite_person(PersonFacts(email, "Z"), Post(org.pk, role(code), scope), actor=actor)

    with pytest.raises(Refused, match="member_already"):
        invite(cast.dealer_admin, cast.d001, "dealer_buyer", "new@example.com")
    with pytest.raises(Invalid, match=r"people\.email"):
        invite(cast.dealer_admin, cast.d001, "dealer_buyer", "nobody")
    with pytest.raises(Invalid, match="role_kind"):
        invite(cast.dealer_admin, cast.d001, "hq_clerk")
    with pytest.raises(Refused, match="exceeds_scope"):
        invite(cast.dealer_admin, cast.d001, "dealer_buyer", scope="all")
    with pytest.raises(NotFound):  # a sibling, and a sub-dealer, which is a company of its own
        invite(cast.dealer_admin, cast.d002, "dealer_buyer")
    with pytest.raises(NotFound):
        invite(cast.dealer_admin, cast.s001, "dealer_buyer")
    with pytest.raises(Forbidden):
        invite(cast.dealer, cast.d001, "dealer_buyer")
    assert not User.unscoped.filter(email="z@example.com").exists()


def test_nobody_hands_on_what_he_does_not_hold(cast):
    weak = actions.write_role(RoleFacts("inviter", "邀请", verbs=("people.invite", "people.view", "people.change")), actor=cast.dealer_admin)
    actions.change_member(cast.dealer.membership_id, weak.pk, "org", actor=cast.dealer_admin)
    inviter = actor_of(member(cast.dealer))
    with pytest.raises(Refused, match="exceeds_verbs"):
        actions.invite_person(PersonFacts("z@example.com", "Z"), Post(cast.d001.pk, role("dealer_admin")), actor=inviter)
    with pytest.raises(Refused, match="exceeds_verbs"):  # nor weakens somebody stronger
        actions.change_member(cast.dealer_admin.membership_id, weak.pk, "org", actor=inviter)
    with pytest.raises(Refused, match="own_membership"):
        actions.change_member(cast.dealer_admin.membership_id, role("dealer_buyer"), "org", actor=cast.dealer_admin)


def test_a_new_person_accepts_with_name_and_password_once(cast, invited):
    found, token = invited
    guest = unscoped_actor_arriving(found.user, found.org_id)
    with pytest.raises(Invalid, match=r"people\.password"):
        actions.accept_invitation(token, "新人", "12345", actor=guest)
    with pytest.raises(Invalid, match="name_missing"):
        actions.accept_invitation(token, " ", GOOD, actor=guest)
    accepted = actions.accept_invitation(token, "新人", GOOD, actor=guest)
    accepted.user.refresh_from_db()
    assert (accepted.state, accepted.user.name) == ("active", "新人") and accepted.user.check_password(GOOD)
    with pytest.raises(Refused, match=r"people\.link"):
        actions.accept_invitation(token, "新人", GOOD, actor=guest)


def test_a_known_person_only_joins_and_keeps_the_password(cast):
    actions.set_password(cast.stranger.user_id, GOOD, actor=system_actor())
    actions.invite_person(PersonFacts("stranger@example.com", "Other name"), Post(cast.d001.pk, role("dealer_buyer")), "http://t", actor=cast.dealer_admin)
    run_jobs()
    accepted = actions.accept_invitation(link_of(mail.outbox[-1]), "Evil", "another-password-9", actor=arriving(cast.stranger))
    assert accepted.user.name == "stranger" and User.unscoped.get(pk=accepted.user_id).check_password(GOOD)


def test_links_expire_are_replaced_and_cannot_be_forged(cast, invited):
    found, token = invited
    guest = unscoped_actor_arriving(found.user)
    with clock.freeze(clock.now() + timedelta(days=8)), pytest.raises(Refused, match=r"people\.link"):
        actions.accept_invitation(token, "N", GOOD, actor=guest)
    with pytest.raises(Refused, match=r"people\.link"):
        actions.accept_invitation(token[:-1] + "x", "N", GOOD, actor=guest)
    with clock.freeze(clock.now() + timedelta(minutes=1)):
        actions.resend_invitation(found.pk, "http://t", actor=cast.dealer_admin)
    run_jobs()
    with pytest.raises(Refused, match=r"people\.link"):
        actions.accept_invitation(token, "N", GOOD, actor=guest)
    actions.accept_invitation(link_of(mail.outbox[-1]), "N", GOOD, actor=guest)
    with pytest.raises(Refused, match=r"people\.state"):
        actions.resend_invitation(found.pk, actor=cast.dealer_admin)


def test_a_member_gets_another_role(cast):
    actions.change_member(cast.dealer.membership_id, role("shop_owner"), "self", actor=cast.dealer_admin)
    changed = member(cast.dealer)
    assert (changed.role.code, changed.scope) == ("shop_owner", "self")
    assert timeline(subject_of(changed)).last().detail == {"role": ["dealer_buyer", "shop_owner"], "scope": ["org", "self"]}
    with pytest.raises(NotFound):
        actions.change_member(cast.stranger.membership_id, role("shop_owner"), "self", actor=cast.dealer_admin)
    with pytest.raises(Forbidden):  # seen, but not managed
        actions.change_member(cast.sub_dealer.membership_id, role("dealer_buyer"), "self", actor=cast.dealer_admin)


def test_ending_a_membership_revokes_its_tokens(cast):
    _token, raw = actions.make_token("ERP", actor=cast.dealer)
    ended = actions.end_member(cast.dealer.membership_id, "离职", actor=cast.dealer_admin)
    assert ended.state == "ended" and unscoped_actor_of_token(raw) is None
    assert ApiToken.unscoped.get().revoked_at
    with pytest.raises(Refused, match=r"people\.state"):
        actions.end_member(cast.dealer.membership_id, actor=cast.dealer_admin)
    again = actions.invite_person(PersonFacts("dealer@example.com", "x"), Post(cast.d001.pk, role("dealer_buyer")), actor=cast.dealer_admin)
    assert (again.pk, again.state) == (ended.pk, "invited")


def test_somebody_is_left_to_manage_the_people(cast):
    with pytest.raises(Refused, match="own_membership"):
        actions.end_member(cast.dealer_admin.membership_id, actor=cast.dealer_admin)
    second = actor_of(make_member("second@example.com", cast.d001, "dealer_admin"))
    actions.end_member(cast.dealer_admin.membership_id, actor=second)
    actions.end_member(second.membership_id, actor=cast.hq_admin)  # the brand may


# --- the database ---


@pytest.mark.parametrize(
    ("model", "changes", "name"),
    [
        (User, {"email": "dealer@example.com"}, "people_user_email_unique"),
        (User, {"email": "Big@example.com"}, "people_user_email_small"),
        (User, {"language": "fr"}, "people_user_language_known"),
        (User, {"theme": "pink"}, "people_user_theme_known"),
        (Role, {"code": "hq_admin"}, "people_role_code_unique"),
        (Role, {"scope": "world"}, "people_role_scope_known"),
        (Membership, {"scope": "world"}, "people_membership_scope_known"),
        (Membership, {"state": "gone"}, "people_membership_state_known"),
        (ApiToken, {"name": ""}, "people_apitoken_name_present"),
        (ApiToken, {"sha256": "same"}, "people_apitoken_sha256_unique"),
        (Session, {"ended_at": clock.now() - timedelta(days=1)}, "people_session_ends_after_start"),
    ],
)
def test_the_database_refuses(cast, model, changes, name):
    actions.make_token("a", actor=cast.dealer)
    actions.make_token("b", actor=cast.dealer)
    actions.open_session(None, "", actor=arriving(cast.dealer))
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        model.unscoped.update(**changes)


def test_the_database_refuses_a_second_membership(cast):
    with pytest.raises(IntegrityError, match="people_membership_user_org_unique"), transaction.atomic():
        Membership.unscoped.create(user_id=cast.dealer.user_id, org=cast.d001, role_id=role("shop_owner"))
