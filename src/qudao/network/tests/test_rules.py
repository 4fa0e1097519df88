"""What a card must hold, who stands under whom, which state follows."""

import pytest

from qudao.kernel.errors import Refused
from qudao.network import rules
from qudao.network.rules import OrgFacts


def codes(faults):
    return [(f.code, f.field) for f in faults]


def test_facts_are_cleaned_of_blanks_and_codes_are_upper_case():
    facts = OrgFacts(code=" d001 ", name=" 湖畔 ", tax_no="91110000 60003734-1l", email=" A@B.CN").clean()
    assert (facts.code, facts.name, facts.tax_no, facts.email) == ("D001", "湖畔", "91110000600037341L", "a@b.cn")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (OrgFacts(code="A", name="A", tax_no="91110000600037341L"), []),
        (OrgFacts(code="A", name="A", tax_no="91110000600037342L"), [("network.tax_no", "tax_no")]),
        (OrgFacts(code="A", name="A", tax_no="DE123456789"), []),  # foreign numbers have no check we know
        (OrgFacts(), [("network.code_missing", "code"), ("network.name_missing", "name")]),
        (OrgFacts(code="A", name="A", area_code="33010"), [("network.area_code", "area_code")]),
        (OrgFacts(code="A", name="A", area_code="330106"), []),
    ],
)
def test_every_fault_of_a_card_is_found(facts, expected):
    assert codes(rules.check_facts(facts)) == expected


@pytest.mark.parametrize(
    ("kind", "parent", "fine"),
    [
        ("hq", None, True),
        ("hq", "hq", False),
        ("dealer", "hq", True),
        ("dealer", "dealer", True),
        ("dealer", "outlet", False),
        ("dealer", None, False),
        ("region", "dealer", False),
        ("outlet", "dealer", True),
        ("customer", "outlet", True),
        ("supplier", "dealer", True),
        ("supplier", None, False),
    ],
)
def test_who_may_stand_under_whom(kind, parent, fine):
    assert (rules.check_parent(kind, parent) == []) is fine


def test_tiers_count_the_steps_of_selling():
    assert rules.tier_under("region", 0) == 0
    assert rules.tier_under("dealer", 0) == 1
    assert rules.tier_under("outlet", 1) == 2
    assert rules.tier_under("supplier", 2) == 0


def test_a_state_that_does_not_allow_the_verb_refuses():
    assert rules.next_state("active", "suspend", "A") == "suspended"
    assert rules.next_state("suspended", "resume", "A") == "active"
    with pytest.raises(Refused, match=r"network\.state"):
        rules.next_state("closed", "resume", "A")


def test_about_itself_an_organisation_changes_only_how_to_reach_it():
    assert rules.not_own(["phone", "address", "email", "name_en"]) == []
    assert codes(rules.not_own(["tax_no", "phone"])) == [("network.own_field", "tax_no")]


def test_a_company_prefix_of_gs1_has_seven_to_ten_digits():
    def faults(prefix):
        return codes(rules.check_facts(rules.OrgFacts("A", "A", gs1_prefix=prefix).clean()))

    assert [faults(one) for one in ("", "6901234", "690 123-4567")] == [[], [], []]
    assert all(faults(one) == [("network.gs1_prefix", "gs1_prefix")] for one in ("690123", "69012345678", "6901x34", "0412345", "2012345"))


def test_a_path_names_the_organisations_from_the_root():
    assert rules.ids_of("/1/5/12/") == [1, 5, 12]
    assert rules.ids_of("/") == []
