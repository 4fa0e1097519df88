"""A person's own account: profile, password, second factor, devices, tokens."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.utils import timezone

from qudao.base.access import system_actor, zone_of
from qudao.base.html import figures
from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people import actions, rules
from qudao.people.actions.account import Profile
from qudao.people.actions.factors import new_secret
from qudao.people.actions.members import change_member
from qudao.people.actions.roles import RoleFacts, write_role
from qudao.people.models import ApiToken, Membership, SecondFactor, Session, User
from qudao.people.queries import unscoped_actor_of_token, unscoped_actor_of_user
from qudao.people.tests.make import actor_of, arriving, link_of, run_jobs, sign_in

pytestmark = pytest.mark.django_db
GOOD = "rain-on-the-lake-7"


# --- account ---


def test_people_write_their_own_profile(cast):
    user = actions.change_profile(Profile(" 李雷 ", "zh-hans", "dark"), actor=cast.dealer)
    assert (user.name, user.language, user.theme) == ("李雷", "zh-hans", "dark")
    with pytest.raises(Invalid) as error:
        actions.change_profile(Profile("", "fr", "pink"), actor=cast.dealer)
    assert [f.field for f in error.value.faults] == ["name", "language", "theme"]


def test_a_changed_password_signs_out_the_other_devices(cast):
    actions.set_password(cast.dealer.user_id, GOOD, actor=cast.hq_admin)
    here = actions.open_session("10.0.0.1", "Firefox", actor=arriving(cast.dealer))
    there = actions.open_session("10.0.0.2", "Chrome", actor=arriving(cast.dealer))
    actions.change_password(GOOD, "snow-on-the-hill-8", here.pk, actor=cast.dealer)
    assert Session.unscoped.get(ended_at=None) == here and there.pk != here.pk
    with pytest.raises(Invalid, match="password_wrong"):
        actions.change_password(GOOD, "another-one-9x", actor=cast.dealer)
    with pytest.raises(Invalid) as error:
        actions.change_password("snow-on-the-hill-8", "password", actor=cast.dealer)
    assert error.value.faults[0].field == "new" and error.value.faults[0].params["why"]


def test_setting_a_password_is_the_brand_s_support(cast):
    actions.set_password(cast.dealer.user_id, GOOD, actor=cast.hq_admin)
    assert User.unscoped.get(pk=cast.dealer.user_id).check_password(GOOD)
    with pytest.raises(Forbidden):
        actions.set_password(cast.dealer.user_id, GOOD, actor=cast.dealer_admin)


def test_a_password_that_was_worked_out_before_is_taken_from_the_system_only(cast):
    kept = make_password(GOOD)
    actions.set_password(cast.dealer.user_id, GOOD, hashed=kept, actor=system_actor())
    assert User.unscoped.get(pk=cast.dealer.user_id).password == kept
    with pytest.raises(Forbidden):
        actions.set_password(cast.dealer.user_id, GOOD, hashed=kept, actor=cast.hq_admin)


def test_the_help_desk_cannot_become_the_administrator(cast):
    desk = write_role(RoleFacts("desk", "服务台", verbs=("people.view", "people.support", "network.view"), scope="all"), actor=cast.hq_admin)
    change_member(cast.hq_warehouse.membership_id, desk.pk, "all", actor=cast.hq_admin)
    helper = actor_of(Membership.unscoped.get(pk=cast.hq_warehouse.membership_id))
    for victim in (cast.hq_admin, cast.dealer_admin):
        with pytest.raises(Refused, match="exceeds_verbs"):
            actions.set_password(victim.user_id, GOOD, actor=helper)
        with pytest.raises(Refused, match="exceeds_verbs"):
            actions.reset_second_factor(victim.user_id, "x", actor=helper)


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(cast):
    guest = arriving(cast.dealer)
    actions.ask_reset(guest.user_id, "http://t", actor=guest)
    run_jobs()
    token = link_of(mail.outbox[-1])
    with pytest.raises(Refused, match="too_soon"):
        actions.ask_reset(guest.user_id, "http://t", actor=guest)
    with clock.freeze(clock.now() + timedelta(hours=3)), pytest.raises(Refused, match=r"people\.link"):
        actions.reset_password(token, GOOD, actor=guest)
    with pytest.raises(Invalid, match=r"people\.password"):
        actions.reset_password(token, "short", actor=guest)
    assert actions.reset_password(token, GOOD, actor=guest).check_password(GOOD)
    with pytest.raises(Refused, match=r"people\.link"):
        actions.reset_password(token, GOOD, actor=guest)
    with pytest.raises(Refused, match=r"people\.link"):
        actions.reset_password("forged", GOOD, actor=guest)


# --- second factor ---


def code_of(secret, ahead=0):
    return rules.code_at(secret, int(clock.now().timestamp()) // 30 + ahead)


def test_the_second_factor_goes_on_with_a_code_and_each_code_works_once(cast):
    secret = new_secret()
    with pytest.raises(Invalid, match="totp_code"):
        actions.enable_second_factor(secret, "000000" if code_of(secret) != "000000" else "111111", actor=cast.dealer)
    codes = actions.enable_second_factor(secret, code_of(secret), actor=cast.dealer)
    assert len(set(codes)) == 10
    stored = SecondFactor.unscoped.get()
    assert secret not in stored.secret and codes[0] not in str(stored.recovery)
    with pytest.raises(Refused, match="totp_on"):
        actions.enable_second_factor(secret, code_of(secret), actor=cast.dealer)
    guest = arriving(cast.dealer)
    with pytest.raises(Invalid, match="totp_code"):  # the code of the enabling is used
        actions.use_second_factor(code_of(secret), actor=guest)
    actions.use_second_factor(code_of(secret, 1), actor=guest)
    with pytest.raises(Invalid, match="totp_code"):
        actions.use_second_factor(code_of(secret, 1), actor=guest)


def test_recovery_codes_work_once_each_and_can_be_renewed(cast):
    actions.set_password(cast.dealer.user_id, GOOD, actor=system_actor())
    secret = new_secret()
    codes = actions.enable_second_factor(secret, code_of(secret), actor=cast.dealer)
    guest = arriving(cast.dealer)
    actions.use_second_factor(codes[0].upper(), actor=guest)
    with pytest.raises(Invalid, match="totp_code"):
        actions.use_second_factor(codes[0], actor=guest)
    with pytest.raises(Invalid, match="password_wrong"):
        actions.renew_recovery_codes("wrong", actor=cast.dealer)
    fresh = actions.renew_recovery_codes(GOOD, actor=cast.dealer)
    with pytest.raises(Invalid, match="totp_code"):
        actions.use_second_factor(codes[1], actor=guest)
    actions.use_second_factor(fresh[0], actor=guest)


def test_the_second_factor_goes_off_with_the_password_or_by_support(cast):
    actions.set_password(cast.dealer.user_id, GOOD, actor=system_actor())
    secret = new_secret()
    with pytest.raises(Refused, match="totp_off"):
        actions.disable_second_factor(GOOD, actor=cast.dealer)
    with pytest.raises(Refused, match="totp_off"):
        actions.renew_recovery_codes(GOOD, actor=cast.dealer)
    with pytest.raises(Refused, match="totp_off"):
        actions.use_second_factor("000000", actor=arriving(cast.dealer))
    actions.enable_second_factor(secret, code_of(secret), actor=cast.dealer)
    with pytest.raises(Invalid, match="password_wrong"):
        actions.disable_second_factor("wrong", actor=cast.dealer)
    actions.disable_second_factor(GOOD, actor=cast.dealer)
    actions.enable_second_factor(secret, code_of(secret), actor=cast.dealer)
    with pytest.raises(Forbidden):
        actions.reset_second_factor(cast.dealer.user_id, "手机丢了", actor=cast.dealer_admin)
    actions.reset_second_factor(cast.dealer.user_id, "手机丢了", actor=cast.hq_admin)
    with pytest.raises(Refused, match="totp_off"):
        actions.reset_second_factor(cast.dealer.user_id, "手机丢了", actor=cast.hq_admin)


# --- sessions and tokens ---


def test_devices_are_signed_out_by_their_person_only(cast):
    first = actions.open_session("10.0.0.1", "A" * 300, actor=arriving(cast.dealer))
    second = actions.open_session(None, "", actor=arriving(cast.dealer))
    assert len(first.agent) == 200
    with pytest.raises(NotFound):
        actions.end_session(first.pk, actor=cast.dealer_admin)
    actions.end_session(first.pk, actor=cast.dealer)
    actions.end_session(first.pk, actor=cast.dealer)
    third = actions.open_session(None, "", actor=arriving(cast.dealer))
    actions.end_other_sessions(third.pk, actor=cast.dealer)
    assert list(Session.unscoped.filter(ended_at=None)) == [third]
    assert Session.unscoped.get(pk=second.pk).ended_at
    with pytest.raises(Forbidden):
        actions.open_session(None, "", actor=cast.dealer.__class__(**{**vars(cast.dealer), "verbs": frozenset()}))


def test_a_token_is_shown_once_and_kept_as_a_hash(cast):
    token, raw = actions.make_token(" ERP ", 30, actor=cast.dealer)
    assert raw.startswith("qd_") and token.name == "ERP" and token.prefix == raw[:8]
    assert raw not in str(ApiToken.unscoped.values().get()) and token.sha256 == rules.hash_of(raw)
    with pytest.raises(Invalid) as error:
        actions.make_token(" ", 9999, actor=cast.dealer)
    assert [f.field for f in error.value.faults] == ["name", "days"]


def test_a_program_cannot_take_over_the_account(cast):
    _token, raw = actions.make_token("ERP", actor=cast.dealer)
    program = unscoped_actor_of_token(raw)
    for attempt in (
        lambda: actions.make_token("more", actor=program),
        lambda: actions.change_password("a", "b", actor=program),
        lambda: actions.change_profile(Profile("x", "en", "auto"), actor=program),
        lambda: actions.enable_second_factor(new_secret(), "1", actor=program),
        lambda: actions.disable_second_factor("a", actor=program),
        lambda: actions.renew_recovery_codes("a", actor=program),
        lambda: actions.end_other_sessions(None, actor=program),
    ):
        with pytest.raises(Forbidden, match="token_by_token"):
            attempt()


def test_tokens_are_revoked_by_their_person_or_administrator(cast):
    token, raw = actions.make_token("ERP", actor=cast.dealer)
    with pytest.raises(NotFound):
        actions.revoke_token(token.pk, actor=cast.stranger_admin)
    actions.revoke_token(token.pk, actor=cast.dealer_admin)
    actions.revoke_token(token.pk, actor=cast.dealer)
    assert unscoped_actor_of_token(raw) is None
    actions.note_tokens_used([token.pk], actor=system_actor())
    assert ApiToken.unscoped.get().last_used_on == clock.today()


def test_times_of_day_are_shown_in_the_zone_of_the_reader_and_dates_of_documents_are_everybodys(client, cast):
    client = sign_in(client, cast.dealer)
    Session.unscoped.filter(user_id=cast.dealer.user_id).update(started_at=datetime(2026, 3, 1, 17, 5, tzinfo=UTC))
    assert "01:05" in text(client.get("/me/")), "a day later in Shanghai"
    facts = {"name": "x", "language": "en", "theme": "auto"}
    assert client.post("/me/profile", {**facts, "time_zone": "Atlantis/North"}).status_code == 422
    assert client.post("/me/profile", {**facts, "time_zone": "America/New_York"}).status_code == 302
    page = text(client.get("/me/"))
    assert "12:05" in page and "America/New_York" in page and "01:05" not in page
    client.post("/session/theme", {"theme": "dark"})
    assert User.unscoped.get(pk=cast.dealer.user_id).time_zone == "America/New_York", "another look keeps the zone"
    User.unscoped.filter(pk=cast.dealer.user_id).update(time_zone="Gone/Sunk")
    assert "01:05" in text(client.get("/me/")), "a zone that is not known any more is as none"


def test_the_day_of_business_is_one_for_all(cast):
    User.unscoped.filter(pk=cast.dealer.user_id).update(time_zone="Pacific/Kiritimati")
    actor = unscoped_actor_of_user(cast.dealer.user_id)
    moment = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)  # 19:00 in Shanghai, the next day at 01:00 in Kiritimati
    with timezone.override(zone_of(actor)), clock.freeze(moment):
        assert clock.today() == date(2026, 3, 1) and figures.moment(moment).endswith("01:00")
