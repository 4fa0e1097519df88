"""Which candidate is the price, and what a new price does to those before it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.kernel.errors import Refused
from qudao.pricing.rules import Candidate, PriceDraft, SpecialDraft, Standing, choose, next_break, plan_price, price_faults

JAN, FEB, MAR = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
NEXT_ID = iter(range(1, 10_000))


def c(level, amount, min_qty="0", *, priority=0, since=JAN, pk=None):
    return Candidate(level, pk or next(NEXT_ID), priority, Decimal(min_qty), Decimal(amount), True, since)


@pytest.mark.parametrize(
    ("candidates", "qty", "amount", "source"),
    [
        ([], "1", None, None),
        ([c("base", "10")], "1", "10", "base"),
        ([c("base", "10"), c("list", "12")], "1", "12", "list"),  # the level decides, not the cheaper price
        ([c("base", "10"), c("list", "12"), c("special", "15")], "1", "15", "special"),
        ([c("list", "9", priority=1), c("list", "11", priority=5)], "1", "11", "list"),
        ([c("base", "10"), c("base", "9", "10"), c("base", "8", "100")], "9.9999", "10", "base"),
        ([c("base", "10"), c("base", "9", "10"), c("base", "8", "100")], "10", "9", "base"),
        ([c("base", "10"), c("base", "9", "10"), c("base", "8", "100")], "5000", "8", "base"),
        ([c("base", "9", "10")], "9", None, None),  # only a break that is not reached: no price
        ([c("list", "9", "10", priority=5), c("list", "11", priority=1)], "5", "11", "list"),  # the next list answers
        ([c("special", "5", "10"), c("base", "10")], "5", "10", "base"),
        ([c("special", "5", since=JAN), c("special", "6", since=FEB)], "1", "6", "special"),  # the latest start
        ([c("special", "5", "10", since=JAN), c("special", "6", since=FEB)], "20", "5", "special"),  # the break goes first
        ([c("special", "5", pk=1), c("special", "6", pk=2)], "1", "6", "special"),  # then the latest row
    ],
)
def test_the_first_hit_wins(candidates, qty, amount, source):
    quote = choose(candidates, Decimal(qty))
    assert (quote and str(quote.amount), quote and quote.source) == (amount, source)
    if quote:
        assert len(quote.steps) == len(candidates)
        assert [step["verdict"] for step in quote.steps].count("chosen") == 1


def test_every_candidate_is_explained():
    found = [
        c("special", "5", "100"),
        c("list", "9", priority=5, since=JAN),
        c("list", "8", priority=5, since=FEB),
        c("list", "7", "20", priority=5),
        c("list", "6", priority=1),
        c("base", "10", "1"),
    ]
    quote = choose(found, Decimal(30))
    assert [(step["amount"], step["verdict"]) for step in quote.steps] == [
        ("7", "chosen"),
        ("5", "break_not_reached"),
        ("8", "smaller_break"),
        ("9", "smaller_break"),
        ("6", "lower_priority"),
        ("10", "lower_level"),
    ]
    assert quote.steps[0] == {
        "level": "list",
        "id": found[3].id,
        "min_qty": "20",
        "amount": "7",
        "tax_inclusive": True,
        "from": "2026-01-01",
        "verdict": "chosen",
    }


@given(
    st.lists(
        st.tuples(st.sampled_from(["special", "list", "base"]), st.integers(1, 50), st.integers(0, 5), st.integers(0, 3), st.integers(0, 60)),
        max_size=12,
    ),
    st.integers(0, 6),
)
def test_the_order_of_candidates_never_matters_and_a_price_is_never_invented(raw, qty):
    found = [
        Candidate(level, pk, priority if level == "list" else 0, Decimal(min_qty), Decimal(amount), True, JAN + timedelta(amount))
        for pk, (level, amount, min_qty, priority, _n) in enumerate(raw, 1)
    ]
    quote = choose(found, Decimal(qty))
    assert quote == choose(reversed(found), Decimal(qty))
    reached = [one for one in found if one.min_qty <= qty]
    assert (quote is None) == (not reached)
    if quote:
        assert quote.amount in {one.amount for one in reached}


def s(pk, since, to=None, amount="10"):
    return Standing(pk, Decimal(amount), since, to)


DAY = timedelta(1)


@pytest.mark.parametrize(
    ("standing", "since", "to", "ends", "overwrites", "inserts"),
    [
        ([], FEB, None, None, None, [(FEB, None, "12")]),
        ([s(1, JAN)], FEB, None, (1, FEB - DAY), None, [(FEB, None, "12")]),
        ([s(1, JAN, FEB)], FEB, None, (1, FEB - DAY), None, [(FEB, None, "12")]),
        ([s(1, JAN, FEB - DAY)], FEB, None, None, None, [(FEB, None, "12")]),
        # a temporary price: the old one goes on after it
        ([s(1, JAN)], FEB, MAR - DAY, (1, FEB - DAY), None, [(FEB, MAR - DAY, "12"), (MAR, None, "10")]),
        ([s(1, JAN, MAR)], FEB, MAR - DAY, (1, FEB - DAY), None, [(FEB, MAR - DAY, "12"), (MAR, MAR, "10")]),
        # before a planned one: it reaches to the day before
        ([s(1, JAN, MAR - DAY), s(2, MAR)], FEB, None, (1, FEB - DAY), None, [(FEB, MAR - DAY, "12")]),
        ([s(2, MAR)], FEB, None, None, None, [(FEB, MAR - DAY, "12")]),
        ([s(2, MAR)], JAN, FEB, None, None, [(JAN, FEB, "12")]),
        # the same day: overwritten
        ([s(1, FEB)], FEB, None, None, (1, FEB, None, "12"), []),
        ([s(1, FEB)], FEB, MAR - DAY, None, (1, FEB, MAR - DAY, "12"), [(MAR, None, "10")]),
        ([s(1, FEB, MAR - DAY), s(2, MAR)], FEB, None, None, (1, FEB, MAR - DAY, "12"), []),
    ],
)
def test_a_new_price_is_fitted_between_those_that_stand(standing, since, to, ends, overwrites, inserts):
    plan = plan_price(standing, PriceDraft(7, Decimal(12), since, to))
    assert plan.ends == ends
    told = plan.overwrites and (plan.overwrites[0], plan.overwrites[1].valid_from, plan.overwrites[1].valid_to, str(plan.overwrites[1].amount))
    assert told == overwrites
    assert [(one.valid_from, one.valid_to, str(one.amount)) for one in plan.inserts] == inserts


def test_a_temporary_price_does_not_run_over_a_planned_one():
    with pytest.raises(Refused) as error:
        plan_price([s(1, JAN, FEB - DAY), s(2, FEB)], PriceDraft(7, Decimal(12), JAN + DAY, MAR))
    assert error.value.faults[0].code == "pricing.planned_in_between"


@given(st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 20))), min_size=1, max_size=8))
def test_after_any_sequence_of_prices_each_day_has_at_most_one_and_no_day_loses_its_price(calls):
    book: dict[int, Standing] = {}
    covered: set[date] = set()
    for n, (start, length) in enumerate(calls, 1):
        since = JAN + timedelta(start)
        draft = PriceDraft(7, Decimal(n), since, None if length is None else since + timedelta(length))
        try:
            plan = plan_price(list(book.values()), draft)
        except Refused:
            continue
        if plan.ends:
            old = book[plan.ends[0]]
            book[old.id] = Standing(old.id, old.amount, old.valid_from, plan.ends[1])
        if plan.overwrites:
            pk, new = plan.overwrites
            book[pk] = Standing(pk, new.amount, new.valid_from, new.valid_to)
        for new in plan.inserts:
            pk = len(book) + 100 * n
            book[pk] = Standing(pk, new.amount, new.valid_from, new.valid_to)
        days = [JAN + timedelta(d) for d in range(70)]
        valid = {day: [one for one in book.values() if one.valid_from <= day and (one.valid_to is None or day <= one.valid_to)] for day in days}
        assert all(len(found) <= 1 for found in valid.values())
        assert covered <= {day for day, found in valid.items() if found}
        assert [one.amount for one in valid[since]] == [Decimal(n)]
        covered = {day for day, found in valid.items() if found}


def test_a_price_is_checked_field_by_field():
    faults = price_faults(SpecialDraft(1, 1, Decimal(0), FEB, JAN, Decimal(-1), source="luck"), "rows.0.")
    assert {f.field for f in faults} == {"rows.0.amount", "rows.0.min_qty", "rows.0.valid_to", "rows.0.source"}
    assert price_faults(PriceDraft(1, Decimal("0.000001"), JAN)) == []


def test_a_break_may_count_all_products_of_its_list_together():
    plain = Candidate("list", 1, 0, Decimal(0), Decimal(100), True, date(2026, 1, 1), code="MIX", mixes=7)
    many = Candidate("list", 2, 0, Decimal(10), Decimal(90), True, date(2026, 1, 1), code="MIX", mixes=7)
    alone, together, other = (choose([plain, many], Decimal(6), mixed) for mixed in ({}, {7: Decimal(12)}, {8: Decimal(12)}))
    assert [quote.amount for quote in (alone, together, other)] == [Decimal(100), Decimal(90), Decimal(100)]
    assert together.mixed and together.steps[0]["together"] == "12" and together.steps[0]["verdict"] == "chosen"
    assert alone.steps[1] == {**alone.steps[1], "verdict": "break_not_reached", "together": "6"}
    unmixed = choose([Candidate("list", 3, 0, Decimal(10), Decimal(80), True, date(2026, 1, 1)), plain, many], Decimal(6), {7: Decimal(12)})
    assert unmixed.amount == Decimal(90), "the break of a list that is not mixed counts the line alone"


def test_the_next_break_counts_only_what_is_of_its_list():
    """Two lists with mixed quantities: 4 of one's own and 5 others of list 7, 40 others of list 8; a break of no list at all counts the line alone."""
    base = mixing(1, 0, 100, 7, "base"), mixing(2, 10, 90, 7, "base"), mixing(3, 50, 80, 8, "region"), mixing(4, 12, 70, 0, "list")
    mixed = {7: Decimal(9), 8: Decimal(44)}
    assert next_break(base, Decimal(4), mixed, Decimal(100)) == (1, 90)
    assert next_break(base[:1] + base[2:], Decimal(4), mixed, Decimal(100)) == (6, 80)
    assert next_break(base[:1] + base[3:], Decimal(4), mixed, Decimal(100)) == (8, 70)
    assert next_break(base[:2], Decimal(4), {}, Decimal(100)) == (6, 90)
    assert next_break(base, Decimal(12), mixed, Decimal(70)) is None


def mixing(no, least, amount, mixes, level):
    return Candidate(level, no, 0, Decimal(least), Decimal(amount), True, date(2026, 1, 1), code=f"L{mixes}", mixes=mixes)
