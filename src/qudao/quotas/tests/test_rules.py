"""Decisions about quotas, without a database."""

from datetime import date
from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from qudao.quotas import rules
from qudao.quotas.rules import Ask, Holder, Pot, QuotaDraft, Ration

DAY = date(2026, 12, 1)


def codes(faults):
    return [(one.code, one.field) for one in faults]


def test_lines_are_served_in_turn_and_each_is_told_what_is_left():
    ration = Ration({(1, 2, 3): Pot(1, 1, D(5), DAY, "P1", "PCS")})
    asks = [Ask(1, 2, 3, 11, 1, D(3)), Ask(1, 2, 3, 12, 2, D(3)), Ask(1, 2, 4, 13, 3, D(100))]
    (fault,) = ration.faults(asks)
    assert (fault.field, fault.params["left"], fault.params["until"]) == ("lines.2.qty", 2, DAY)
    assert ration.take(asks[:1], "s") and not ration.take(asks[2:], "s")
    assert ration.faults(asks[:1])[0].params["left"] == 2 and len(ration.given) == 1


def test_a_declaration_says_what_is_wrong_at_its_fields():
    assert codes(rules.draft_faults(QuotaDraft(1, DAY, date(2026, 11, 30), D(-1)))) == [("quotas.span_wrong", "valid_to"), ("quotas.total_wrong", "total")]
    assert codes(rules.draft_faults(QuotaDraft(1, DAY, DAY, D(1), "released"))) == [("quotas.release_wrong", "release_on")]
    assert codes(rules.draft_faults(QuotaDraft(1, DAY, DAY, D(1), "released", date(2027, 1, 1)))) == [("quotas.release_wrong", "release_on")]
    assert codes(rules.draft_faults(QuotaDraft(1, DAY, DAY, D(1), "carried", DAY))) == [("quotas.release_wrong", "release_on")]
    assert rules.draft_faults(QuotaDraft(1, DAY, DAY, D(1), "released", DAY)) == []


def test_shares_stay_within_the_total_and_above_what_is_taken():
    a, b = Holder(group_id=1), Holder(buyer_id=2)
    assert codes(rules.share_faults(D(10), {a: D(6), b: D(5)}, {}, {})) == [("quotas.shares_beyond", "total")]
    assert codes(rules.share_faults(D(10), {a: D(1)}, {a: D(2)}, {a: "A"})) == [("quotas.below_taken", "shares.A")]
    assert codes(rules.share_faults(D(10), {a: D("0.00001")}, {}, {a: "A"})) == [("quotas.total_wrong", "shares.A")]
    assert rules.share_faults(D(10), {a: D(5), b: D(5)}, {a: D(5)}, {}) == []


def test_months_before():
    assert rules.months_before(date(2026, 3, 31), 1) == date(2026, 2, 28) and rules.months_before(date(2026, 1, 5), 12) == date(2025, 1, 5)


@given(st.integers(0, 5000), st.lists(st.integers(1, 400), min_size=1, max_size=9), st.sampled_from([D(1), D(6), D("0.5")]))
def test_a_fair_share_gives_all_whole_packs_and_nobody_more_than_one_pack_beyond_his_part(total, bought, step):
    parts = rules.fair(D(total), dict(enumerate(map(D, bought))), step)
    packs = int(D(total) / step)
    assert sum(parts.values()) == packs * step
    for who, qty in parts.items():
        assert qty % step == 0 and abs(qty / step - D(packs) * bought[who] / sum(bought)) < 1


def test_nothing_bought_shares_nothing():
    assert rules.fair(D(10), {}, D(1)) == {}
