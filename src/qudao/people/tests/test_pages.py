"""The way in, one's own account, and the pages of people and roles; who is refused where."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from qudao.base.access import system_actor
from qudao.kernel import clock
from qudao.people import actions, rules
from qudao.people.actions.factors import new_secret
from qudao.people.models import ApiToken, Membership, Role, SecondFactor, Session, User
from qudao.people.queries import unscoped_system_role
from qudao.people.states import DEMO_PEOPLE
from qudao.people.tests.make import arriving, make_member, run_jobs, sign_in

pytestmark = pytest.mark.django_db
GOOD = "rain-on-the-lake-7"


@pytest.fixture(autouse=True)
def _english(client):
    client.cookies["qudao_language"] = "en"
    cache.clear()


@pytest.fixture
def dealer(cast):
    """The dealer's buyer with a password."""
    actions.set_password(cast.dealer.user_id, GOOD, actor=system_actor())
    return cast.dealer


def enter(client, email="dealer@example.com", password=GOOD, **more):
    return client.post(reverse("sign_in"), {"email": email, "password": password, **more})


def who(client):
    """Whose account the client sees, "" when it is sent away."""
    response = client.get(reverse("me"))
    return re.search(r"[\w.]+@example\.com", response.content.decode())[0] if response.status_code == 200 else ""


# --- the way in ---


def test_a_password_opens_a_session_under_a_new_key(client, dealer):
    client.get(reverse("sign_in"))
    session = client.session
    session["planted"] = 1
    session.save()
    before = session.session_key
    client.cookies["qudao_session"] = before
    response = enter(client, " Dealer@Example.com ", next="/people/", remember="on")
    assert response.status_code == 302 and response.url == "/people/"
    assert client.session.session_key != before
    assert client.cookies["qudao_language"].value == "en"
    assert who(client) == "dealer@example.com"
    row = Session.unscoped.get()
    assert row.ended_at is None and row.user_id == dealer.user_id


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example"])
def test_next_stays_on_this_site(client, dealer, onward):
    assert enter(client, next=onward).url == "/"


def test_a_wrong_password_an_unknown_address_and_a_blocked_person_get_the_same_answer(client, dealer, cast):
    actions.set_password(cast.stranger.user_id, GOOD, actor=system_actor())
    User.unscoped.filter(pk=cast.stranger.user_id).update(is_active=False)
    answers = [enter(client, password="wrong"), enter(client, "nobody@example.com"), enter(client, "stranger@example.com")]
    assert {a.status_code for a in answers} == {422}
    said = {re.sub(r'(csrfmiddlewaretoken" value|value)="[^"]*"', "", a.content.decode().split("<main>")[1]) for a in answers}
    assert len(said) == 1 and "not right" in said.pop()
    assert who(client) == ""


def test_too_many_failures_lock_the_account_from_here_in_words(client, dealer, settings):
    settings.AXES_ENABLED = True
    answers = [enter(client, password="wrong") for _n in range(settings.AXES_FAILURE_LIMIT)]
    assert answers[0].status_code == 422 and answers[-1].status_code == 429
    response = enter(client)
    assert response.status_code == 429 and b"Too many attempts" in response.content
    assert enter(client, "nobody@example.com").status_code == 422  # another account is not locked


def test_somebody_without_organisation_is_told_so(client, dealer):
    Membership.unscoped.filter(pk=dealer.membership_id).update(state="ended")
    response = enter(client)
    assert response.status_code == 409 and b"does not belong to any organisation" in response.content


def test_the_second_factor_stands_between_password_and_session(client, dealer, settings):
    secret = new_secret()
    step = int(clock.now().timestamp()) // 30
    actions.enable_second_factor(secret, rules.code_at(secret, step), actor=dealer)
    assert client.get(reverse("sign_in_code")).url == reverse("sign_in")
    assert enter(client, next="/people/").url == reverse("sign_in_code")
    assert who(client) == ""
    assert client.get(reverse("sign_in_code")).status_code == 200
    settings.AXES_ENABLED = True
    wrong = client.post(reverse("sign_in_code"), {"code": "abcdef"})
    assert wrong.status_code == 422 and b"not right" in wrong.content
    response = client.post(reverse("sign_in_code"), {"code": rules.code_at(secret, step + 1)})
    assert response.status_code == 302 and response.url == "/people/" and who(client) == "dealer@example.com"


def test_the_second_step_waits_ten_minutes_and_counts_failures(client, dealer, settings):
    secret = new_secret()
    actions.enable_second_factor(secret, rules.code_at(secret, int(clock.now().timestamp()) // 30), actor=dealer)
    enter(client)
    with clock.freeze(clock.now() + timedelta(minutes=11)):
        assert client.post(reverse("sign_in_code"), {"code": "123456"}).url == reverse("sign_in")
    settings.AXES_ENABLED = True
    enter(client)
    answers = [client.post(reverse("sign_in_code"), {"code": "abcdef"}).status_code for _n in range(settings.AXES_FAILURE_LIMIT + 1)]
    assert answers[0] == 422 and answers[-1] == 429


def test_signing_out_ends_the_session_for_good(client, dealer):
    enter(client)
    stolen = client.cookies["qudao_session"].value
    assert client.get(reverse("sign_out")).status_code == 405
    client.post(reverse("sign_out"))
    client.cookies["qudao_session"] = stolen
    assert who(client) == "" and Session.unscoped.get().ended_at


def test_forms_need_their_csrf_token(dealer, client):
    strict = Client(enforce_csrf_checks=True)
    assert enter(strict).status_code == 403
    assert sign_in(strict, dealer).post(reverse("sign_out")).status_code == 403


def test_the_demo_opens_with_one_click_and_only_in_a_demo(client, cast, settings):
    make_member(DEMO_PEOPLE["dealer"].email, cast.d001, "dealer_buyer")
    settings.DEMO = False
    assert client.post(reverse("sign_in_demo"), {"person": "dealer"}).status_code == 404
    assert b"Demo network" not in client.get(reverse("sign_in")).content
    settings.DEMO = True
    page = client.get(reverse("sign_in")).content
    assert b"Demo network" in page and b'value="dealer"' in page and b'value="finance"' not in page
    assert client.post(reverse("sign_in_demo"), {"person": "nobody"}).status_code == 404
    assert client.post(reverse("sign_in_demo"), {"person": "dealer"}).status_code == 302
    assert client.get(reverse("me")).status_code == 200


def test_a_forgotten_password_is_answered_alike_for_all(client, dealer):
    answers = [client.post(reverse("password_ask"), {"email": one}) for one in ("dealer@example.com", "nobody@example.com", "dealer@example.com")]
    assert {(a.status_code, a.url) for a in answers} == {(302, reverse("sign_in"))}
    run_jobs()
    assert [m.to for m in mail.outbox] == [["dealer@example.com"]]
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)[1]
    assert client.get(link).status_code == 200
    assert client.post(link, {"password": GOOD + "x", "again": "other"}).status_code == 422
    assert client.post(link, {"password": "12345", "again": "12345"}).status_code == 422
    assert client.post(link, {"password": GOOD + "x", "again": GOOD + "x"}).status_code == 302
    assert client.get(link).status_code == 409
    assert enter(client, password=GOOD + "x").status_code == 302


def test_asking_too_often_is_refused(client, db):
    answers = [client.post(reverse("password_ask"), {"email": "x@example.com"}).status_code for _n in range(11)]
    assert answers[0] == 302 and answers[-1] == 429


def test_an_invited_person_chooses_a_password_and_comes_in(client, cast):
    admin = sign_in(client, cast.dealer_admin)
    role = unscoped_system_role("dealer_buyer")
    form = {"email": "new@example.com", "name": "New", "language": "en", "org": "D001", "role": role, "scope": "org"}
    assert admin.get(reverse("person_new")).status_code == 200
    assert admin.post(reverse("person_new"), {**form, "org": "D002"}).status_code == 422
    assert admin.post(reverse("person_new"), {**form, "email": "nothing"}).status_code == 422
    response = admin.post(reverse("person_new"), form)
    member = Membership.unscoped.get(user__email="new@example.com")
    assert response.url == reverse("person", args=[member.pk])
    run_jobs()
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)[1]
    client.logout()
    assert b"new@example.com" in client.get(link).content
    assert client.post(link, {"name": "新人", "password": GOOD, "again": GOOD}).status_code == 302
    assert client.get(link).status_code == 409
    enter(client, "new@example.com")
    assert who(client) == "new@example.com"


# --- one's own account ---


def test_the_account_shows_profile_devices_and_tokens(client, dealer, django_assert_max_num_queries):
    sign_in(client, dealer)
    client.get(reverse("me"))
    with django_assert_max_num_queries(9):
        page = client.get(reverse("me"))
    assert page.status_code == 200
    for words in (b"dealer@example.com", b"Second factor", b"This device", b"API tokens"):
        assert words in page.content


def test_a_language_is_the_persons_on_every_device_and_one_stays_on_the_page(client, dealer):
    sign_in(client, dealer)
    answer = client.post(reverse("language"), {"language": "en", "next": "/orders/?tab=closed"})
    assert (answer.status_code, answer.url, answer.cookies["qudao_language"].value) == (302, "/orders/?tab=closed", "en")
    assert User.unscoped.get(pk=dealer.user_id).language == "en"
    assert client.post(reverse("language"), {"language": "xx", "next": "https://evil.example"}).status_code == 422
    assert User.unscoped.get(pk=dealer.user_id).language == "en"


def test_profile_theme_and_password(client, dealer):
    sign_in(client, dealer)
    assert client.post(reverse("me_profile"), {"name": "", "language": "en", "theme": "dark"}).status_code == 422
    response = client.post(reverse("me_profile"), {"name": "李雷", "language": "zh-hans", "theme": "dark"})
    assert response.url == reverse("me") and response.cookies["qudao_language"].value == "zh-hans"
    client.post(reverse("theme"), {"theme": "light", "next": "https://evil.example"})
    user = User.unscoped.get(pk=dealer.user_id)
    assert (user.name, user.theme) == ("李雷", "light")
    other = actions.open_session(None, "other", actor=arriving(dealer))
    assert client.post(reverse("me_password"), {"current": "wrong", "password": "snow-on-hill-8", "again": "snow-on-hill-8"}).status_code == 422
    assert client.post(reverse("me_password"), {"current": GOOD, "password": "snow-on-hill-8", "again": "snow-on-hill-8"}).status_code == 302
    assert client.get(reverse("me")).status_code == 200  # this device stays
    other.refresh_from_db()
    assert other.ended_at


def test_the_second_factor_is_switched_on_and_off(client, dealer):
    sign_in(client, dealer)
    page = client.get(reverse("me_factor")).content.decode()
    assert "<svg" in page and "style=" not in page.split("<main")[1]
    secret = client.session["people_totp"]
    assert client.post(reverse("me_factor"), {"code": "abcdef"}).status_code == 422
    response = client.post(reverse("me_factor"), {"code": rules.code_at(secret, int(clock.now().timestamp()) // 30)})
    assert response.status_code == 200 and "no-store" in response["Cache-Control"] and response.content.count(b"<li>") >= 10
    assert client.post(reverse("me_recovery"), {"password": "wrong"}).status_code == 422
    assert client.post(reverse("me_recovery"), {"password": GOOD}).status_code == 200
    assert client.post(reverse("me_factor_off"), {"password": GOOD}).status_code == 302
    assert not SecondFactor.unscoped.exists()


def test_a_token_is_shown_once_and_revoked(client, dealer):
    sign_in(client, dealer)
    assert client.post(reverse("me_token_new"), {"name": "ERP", "days": "9999"}).status_code == 422
    raw = re.search(rb"qd_[\w-]{40,}", client.post(reverse("me_token_new"), {"name": "ERP", "days": "30"}).content)[0]
    assert raw not in client.get(reverse("me")).content
    assert client.post(reverse("me_token", args=[ApiToken.unscoped.get().pk])).status_code == 302
    assert ApiToken.unscoped.get().revoked_at


def test_devices_are_signed_out_one_by_one_or_together(client, dealer, cast):
    sign_in(client, dealer)
    foreign = actions.open_session(None, "x", actor=arriving(cast.stranger))
    own = actions.open_session(None, "x", actor=arriving(dealer))
    assert client.post(reverse("me_session", args=[foreign.pk])).status_code == 404
    assert client.post(reverse("me_session", args=[own.pk])).status_code == 302
    client.post(reverse("me_sessions_others"))
    assert Session.unscoped.filter(user_id=dealer.user_id, ended_at=None).count() == 1
    assert client.get(reverse("me")).status_code == 200


def test_a_person_switches_between_own_organisations_only(client, cast):
    second = make_member("dealer@example.com", cast.d002, "dealer_buyer")
    sign_in(client, cast.dealer)
    assert client.post(reverse("switch"), {"membership": cast.hq_admin.membership_id}).status_code == 404
    assert client.post(reverse("switch"), {"membership": second.pk}).url == "/"
    assert client.session["people_membership"] == second.pk
    assert client.get(reverse("person", args=[cast.stranger.membership_id])).status_code == 403  # a buyer sees no people


# --- people and roles ---


@pytest.mark.parametrize("name", ["me", "people", "roles", "person_new", "role_new", "me_profile", "me_factor", "me_token_new"])
def test_nobody_comes_in_without_signing_in(client, db, name):
    response = client.get(reverse(name))
    assert response.status_code == 302 and "next=" in response.url


@pytest.mark.parametrize(
    ("name", "buyer", "admin", "clerk"),
    [
        ("people", 403, 200, 200),
        ("roles", 403, 200, 200),
        ("person_new", 403, 200, 403),
        ("role_new", 403, 200, 403),
        ("me", 200, 200, 200),
    ],
)
def test_who_may_open_what(client, cast, name, buyer, admin, clerk):
    for actor, status in ((cast.dealer, buyer), (cast.dealer_admin, admin), (cast.hq_clerk, clerk)):
        assert sign_in(client, actor).get(reverse(name)).status_code == status, actor.name


def test_the_language_is_changed_in_few_statements_and_one_stays_on_the_page(client, cast, django_assert_max_num_queries):
    sign_in(client, cast.hq_admin).get("/")
    here = "/products/?tab=all&q=kettle"
    with django_assert_max_num_queries(9):
        answer = client.post(reverse("language"), {"language": "zh-hans", "next": here})
    assert answer["Location"] == here and answer.cookies["qudao_language"].value == "zh-hans"
    assert User.unscoped.get(pk=cast.hq_admin.user_id).language == "zh-hans"
    assert client.post(reverse("language"), {"language": "en", "next": "https://evil.example/"})["Location"] == "/"


def test_the_list_shows_the_own_branch_in_a_bounded_number_of_statements(client, cast, django_assert_max_num_queries):
    sign_in(client, cast.dealer_admin).get(reverse("people"))
    with django_assert_max_num_queries(10):  # session, actor, saved views, counts, rows, editable ones, memberships, notices, organisations to choose
        page = client.get(reverse("people"), {"tab": "all"}).content.decode()
    assert "sub_dealer@example.com" in page and "stranger@example.com" not in page
    assert b"dealer@example.com" in client.get(reverse("people"), {"q": "dealer", "sort": "user.email"}).content


def test_the_card_of_a_person_and_its_verbs(client, cast):
    sign_in(client, cast.dealer_admin)
    own = cast.dealer.membership_id
    page = client.get(reverse("person", args=[own]))
    assert page.status_code == 200 and reverse("person_end", args=[own]).encode() in page.content
    below = client.get(reverse("person", args=[cast.sub_dealer.membership_id])).content
    assert reverse("person_end", args=[cast.sub_dealer.membership_id]).encode() not in below
    assert client.get(reverse("person", args=[cast.stranger.membership_id])).status_code == 404
    assert client.get(reverse("person_change", args=[own])).status_code == 200
    role = unscoped_system_role("shop_owner")
    assert client.post(reverse("person_change", args=[own]), {"role": role, "scope": "self"}).url == reverse("person", args=[own])
    assert Membership.unscoped.get(pk=own).scope == "self"
    assert client.post(reverse("person_change", args=[own]), {"role": role, "scope": "all"}).status_code == 422
    assert client.post(reverse("person_change", args=[cast.sub_dealer.membership_id]), {"role": role, "scope": "self"}).status_code == 403
    assert client.get(reverse("person_end", args=[own])).status_code == 200
    assert client.post(reverse("person_end", args=[own]), {"reason": "离职"}).status_code == 302
    assert client.post(reverse("person_end", args=[own])).status_code == 409


def test_own_roles_are_written_and_removed(client, cast):
    sign_in(client, cast.dealer_admin)
    form = {"code": "greeter", "name": "前台", "name_en": "Front desk", "scope": "org", "verbs": ["people.view", "network.view"]}
    assert client.post(reverse("role_new"), {**form, "verbs": ["people.support"]}).status_code == 422
    response = client.post(reverse("role_new"), form)
    made = Role.unscoped.get(owner=cast.d001)
    assert response.url == reverse("role", args=[made.pk]) and made.verbs == ["network.view", "people.view"]
    assert client.get(reverse("role", args=[made.pk])).status_code == 200
    assert client.get(reverse("role_change", args=[made.pk])).status_code == 200
    assert client.post(reverse("role_change", args=[made.pk]), {**form, "verbs": ["people.view"]}).status_code == 302
    assert client.post(reverse("role_removal", args=[made.pk])).status_code == 302
    assert not Role.unscoped.filter(owner=cast.d001).exists()
    assert client.post(reverse("role_removal", args=[unscoped_system_role("shop_owner")])).status_code == 409


def test_a_role_grants_guarded_figures_and_says_its_view(client, cast):
    client.cookies["qudao_language"] = "en"
    sign_in(client, cast.hq_admin)
    form = {"code": "desk", "name": "销售内勤", "scope": "self", "verbs": ["orders.view"], "grants": ["trade.downstream_prices"]}
    assert client.post(reverse("role_new"), form).status_code == 302
    made = Role.unscoped.get(code="desk")
    assert made.fields == ["trade.downstream_prices"]
    page = client.get(reverse("role", args=[made.pk])).content.decode()
    assert "See prices between two dealers below" in page and "What the person placed" in page
    again = client.get(reverse("role_change", args=[made.pk])).content.decode()
    assert re.search(r'value="trade.downstream_prices"[^>]*checked', again)
    sign_in(client, cast.hq_clerk)
    assert client.post(reverse("role_new"), form).status_code == 403
    sign_in(client, cast.dealer_admin)
    assert client.post(reverse("role_new"), {**form, "code": "more"}).status_code == 422, "who does not see them cannot show them to others"
    assert client.post(reverse("role_new"), {**form, "code": "more", "grants": []}).status_code == 302
    assert Role.unscoped.get(code="more").fields == []
