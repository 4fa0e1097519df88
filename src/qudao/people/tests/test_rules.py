"""Who may grant what, and one-time codes against the vectors of RFC 6238."""

import base64

import pytest

from qudao.kernel.errors import Refused
from qudao.people import rules
from qudao.people.rules import Power
from qudao.people.states import ROLES, WIDTH, MemberScope

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")])
def test_codes_are_those_of_the_standard(seconds, code):
    assert rules.code_at(SECRET, seconds // 30) == code


def test_a_code_fits_one_step_around_and_only_once():
    step = 1234567890 // 30
    assert rules.step_of_code(SECRET, "005 924", 1234567890, 0) == step
    assert rules.step_of_code(SECRET, "005924", 1234567890 + 30, 0) == step
    assert rules.step_of_code(SECRET, "005924", 1234567890 + 60, 0) is None
    assert rules.step_of_code(SECRET, "005924", 1234567890, step) is None
    assert rules.step_of_code(SECRET, "", 1234567890, 0) is None
    assert rules.step_of_code(SECRET, "００５９２４", 1234567890, 0) is None


def test_nobody_grants_more_than_he_holds():
    held = Power(frozenset({"a.x", "a.y"}), frozenset({"cost"}), "org")
    assert rules.exceeds(held, Power(frozenset({"a.x"}), frozenset(), "self")) == []
    faults = rules.exceeds(held, Power(frozenset({"a.x", "b.z"}), frozenset({"margin"}), "all"))
    assert [(f.code, f.field) for f in faults] == [("people.exceeds_verbs", "role"), ("people.exceeds_fields", "role"), ("people.exceeds_scope", "scope")]
    assert faults[0].params == {"verbs": "b.z"}


def test_states_follow_the_table():
    assert rules.next_state("invited", "accept", "A") == "active"
    with pytest.raises(Refused, match=r"people\.state"):
        rules.next_state("ended", "accept", "A")


@pytest.mark.parametrize(("email", "fine"), [("a@b.cn", True), ("a@localhost", True), ("a b@c.cn", False), ("a@b", False), ("", False)])
def test_addresses(email, fine):
    assert (rules.check_person(email, "A") == []) is fine


def test_role_codes_and_tokens_have_a_form():
    assert rules.check_role_code("area_clerk") == []
    assert rules.check_role_code("Area Clerk")
    assert rules.looks_like_token("qd_" + "x" * 43)
    assert not rules.looks_like_token("qd_") and not rules.looks_like_token("xx_" + "x" * 43)


def test_recovery_codes_may_be_typed_carelessly_and_work_once():
    assert rules.clean_recovery(" ABCDE 23456") == rules.clean_recovery("abcde-23456")
    assert rules.without(["a", "b"], "a") == ["b"]
    assert rules.without(["b"], "a") is None


def test_the_system_roles_are_complete():
    assert set(ROLES) == {"hq_admin", "hq_clerk", "hq_finance", "hq_warehouse", "hq_channel", "hq_auditor", "dealer_buyer", "dealer_admin", "shop_owner"}
    assert all(card.scope in WIDTH and card.verbs and card.name and card.name_en for card in ROLES.values())
    assert set(WIDTH) == set(MemberScope.values)
