"""Terms, refused products and lists: what is read, by whom, in how many statements."""

from datetime import date, timedelta

import pytest

from qudao.agreements import actions, queries
from qudao.agreements.invariants import CHECKS
from qudao.agreements.models import Authorisation
from qudao.agreements.rules import Grant
from qudao.agreements.tests.make import START, draft, make_agreement
from qudao.base.access import system_actor, visible
from qudao.base.db import run
from qudao.base.invariants import offending
from qudao.catalog.tests.make import make_category, make_product
from qudao.kernel.errors import NotFound

SYSTEM = system_actor()
ON = date(2026, 6, 15)


def test_terms_are_one_statement_with_both_organisations(cast, django_assert_num_queries):
    made = make_agreement(cast.lh, cast.d001, payment_days=45, invoice_on="shipment", tax_inclusive=False)
    with django_assert_num_queries(1):
        terms = queries.unscoped_terms(cast.lh.pk, cast.d001.pk, ON)
    assert (terms.agreement_id, terms.currency, terms.payment_days, terms.invoice_on, terms.tax_inclusive) == (made.pk, "CNY", 45, "shipment", False)
    assert (terms.seller.code, terms.seller.kind, terms.buyer.code, terms.buyer.path) == ("LH", "hq", "D001", cast.d001.path)
    assert terms.active
    assert queries.unscoped_terms_of([made.pk]) == {made.pk: terms}
    assert queries.unscoped_sellers_of(cast.d001.pk, ON) == [terms]


def test_there_are_no_terms_before_after_in_draft_or_the_other_way_round(cast):
    assert queries.unscoped_terms(cast.lh.pk, cast.d001.pk, ON) is None
    draft(cast.lh, cast.d001, code="D")
    assert queries.unscoped_terms(cast.lh.pk, cast.d001.pk, ON) is None
    make_agreement(cast.lh, cast.d001, valid_to=date(2099, 6, 30))
    for on, found in ((START, True), (START - timedelta(1), False), (date(2099, 6, 30), True), (date(2099, 7, 1), False)):
        assert (queries.unscoped_terms(cast.lh.pk, cast.d001.pk, on) is not None) is found
    assert queries.unscoped_terms(cast.d001.pk, cast.lh.pk, ON) is None


def test_a_suspended_agreement_shows_unless_another_is_active(cast):
    first = make_agreement(cast.lh, cast.d001)
    actions.suspend_agreement(first.pk, "overdue", actor=SYSTEM)
    terms = queries.unscoped_terms(cast.lh.pk, cast.d001.pk, ON)
    assert (terms.agreement_id, terms.active) == (first.pk, False)
    second = make_agreement(cast.lh, cast.d001, code="B")
    assert queries.unscoped_terms(cast.lh.pk, cast.d001.pk, ON).agreement_id == second.pk


@pytest.fixture
def shop(cast):
    """Products a, b in category T (b below it in T1), c in none; and an agreement without any authorisation."""
    top = make_category(cast.lh, "T")
    below = make_category(cast.lh, "T1", top)
    ids = {
        "a": make_product(cast.lh, "A", category_id=top.pk).pk,
        "b": make_product(cast.lh, "B", category_id=below.pk).pk,
        "c": make_product(cast.lh, "C").pk,
    }
    agreement = make_agreement(cast.lh, cast.d001, everything=False)

    def refused(on=ON):
        found = queries.unscoped_refused(agreement.pk, [*ids.values(), 0], on)
        assert 0 in found  # an unknown product is never allowed
        return {name for name, pk in ids.items() if pk in found}

    def grant(**facts):
        facts.setdefault("valid_from", START)
        return actions.authorise(agreement.pk, Grant(**facts), actor=SYSTEM)

    return ids, {"T": top.pk, "T1": below.pk}, grant, refused


def test_without_authorisation_everything_is_refused(shop, django_assert_num_queries):
    _ids, _categories, _grant, refused = shop
    with django_assert_num_queries(1):
        assert refused() == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ([{}], set()),
        ([{"product": "a"}], {"b", "c"}),
        ([{"category": "T"}], {"c"}),
        ([{"category": "T1"}], {"a", "c"}),
        ([{}, {"product": "b", "allowed": False}], {"b"}),
        ([{}, {"category": "T", "allowed": False}], {"a", "b"}),
        ([{"product": "b"}, {"category": "T", "allowed": False}], {"a", "b", "c"}),  # a forbidding one wins
        ([{"category": "T1", "allowed": False}], {"a", "b", "c"}),
    ],
)
def test_authorisations_combine(shop, grants, expected):
    ids, categories, grant, refused = shop
    for facts in grants:
        grant(product_id=ids.get(facts.get("product")), category_id=categories.get(facts.get("category")), allowed=facts.get("allowed", True))
    assert refused() == expected


def test_authorisations_count_on_their_days_only(shop):
    _ids, _categories, grant, refused = shop
    grant(valid_from=ON, valid_to=ON)
    assert refused(ON) == set()
    assert refused(ON - timedelta(1)) == refused(ON + timedelta(1)) == {"a", "b", "c"}


def test_both_sides_and_the_branch_above_see_an_agreement(cast):
    upper, lower = make_agreement(cast.lh, cast.d001), make_agreement(cast.d001, cast.s001)

    def seen(actor):
        return set(queries.agreements(actor).values_list("pk", flat=True))

    assert seen(cast.hq_clerk) == seen(cast.dealer_admin) == {upper.pk, lower.pk}
    assert seen(cast.dealer) == {upper.pk, lower.pk}
    assert seen(cast.sub_dealer) == {lower.pk}
    assert seen(cast.stranger) == set()
    assert set(queries.agreements(cast.dealer, side="buyer", state="active")) == {upper}
    with pytest.raises(NotFound):
        queries.agreement(cast.stranger, upper.pk)
    assert queries.authorisations(cast.dealer, upper.pk).count() == 1
    assert not visible(cast.stranger, Authorisation).exists()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_invariant_finds_its_planted_fault(cast, check):
    make_agreement(cast.lh, cast.d001)
    make_agreement(cast.d001, cast.s001)
    make_product(cast.lh, "P")
    assert offending(check)[0] == 0
    run(check.plant)
    assert offending(check)[0] == 1
