"""What is read, by whom, in how many statements."""

from decimal import Decimal

import pytest

from qudao.base.access import system_actor, visible
from qudao.base.invariants import offending
from qudao.base.work import unit
from qudao.catalog import actions, queries
from qudao.catalog.invariants import CHECKS
from qudao.catalog.models import Audience, Category, Pack, Product
from qudao.catalog.tests.make import make_category, make_product
from qudao.kernel.errors import Forbidden, NotFound
from qudao.network.tests.make import make_org

SYSTEM = system_actor()


def test_cards_are_one_statement_for_any_number(cast, django_assert_num_queries):
    made = [make_product(cast.lh, code, min_qty=Decimal(2)) for code in "ABC"]
    with django_assert_num_queries(1):
        cards = queries.unscoped_cards([one.pk for one in made] + [0])
    assert set(cards) == {one.pk for one in made}
    card = cards[made[0].pk]
    assert (card.code, card.unit, card.tax_rate, card.state, card.min_qty, card.multiple) == ("A", "台", Decimal("0.1300"), "active", 2, 1)


def test_ids_by_code_stay_with_their_owner(cast, django_assert_num_queries):
    mine, _theirs = make_product(cast.lh, "A"), make_product(cast.d001, "A")
    with django_assert_num_queries(1):
        assert queries.unscoped_ids_by_code(cast.lh.pk, ["A", "Z"]) == {"A": mine.pk}


def seen(actor):
    return set(queries.products(actor).values_list("code", flat=True))


def test_products_are_seen_by_owner_branch_above_region_and_audience(cast):
    make_product(cast.lh, "HQ")
    make_product(cast.d001, "OWN")
    assert seen(cast.hq_clerk) == {"HQ", "OWN"}
    assert seen(cast.dealer) == {"OWN"}
    assert seen(cast.stranger) == set()
    unit(lambda: actions.set_audience([cast.d001.pk], [(cast.lh.pk, cast.d001.pk)], actor=SYSTEM))
    assert seen(cast.dealer) == {"HQ", "OWN"}
    assert seen(cast.stranger) == set()
    assert seen(cast.sub_dealer) == set()
    region = make_org("region", "R1", cast.lh)
    clerk = type(cast.stranger)(**{**vars(cast.stranger), "org_id": region.pk, "org_path": region.path, "org_kind": "region"})
    assert seen(clerk) == {"HQ"}


def test_the_audience_is_made_exactly_what_is_asked(cast, django_assert_num_queries):
    viewers = [cast.d001.pk, cast.s001.pk]
    with django_assert_num_queries(4):  # begin, delete, insert, commit
        unit(lambda: actions.set_audience(viewers, [(cast.lh.pk, cast.d001.pk), (cast.lh.pk, cast.s001.pk)], actor=SYSTEM))
    Audience.unscoped.create(owner=cast.lh, viewer=cast.d002)
    unit(lambda: actions.set_audience(viewers, [(cast.d001.pk, cast.s001.pk), (cast.d001.pk, cast.d001.pk)], actor=SYSTEM))
    assert set(Audience.unscoped.values_list("owner_id", "viewer_id")) == {(cast.d001.pk, cast.s001.pk), (cast.lh.pk, cast.d002.pk)}


def test_a_hidden_product_does_not_exist_and_an_ungranted_verb_is_forbidden(cast):
    product = make_product(cast.lh, "A")
    with pytest.raises(NotFound):
        queries.product(cast.dealer, product.pk)
    with pytest.raises(Forbidden):
        visible(cast.dealer, Product, "catalog.edit")


def test_packs_and_categories_follow_their_owner(cast):
    product = make_product(cast.lh, "A")
    pack = actions.set_pack(product.pk, "箱", Decimal(12), actor=SYSTEM)
    make_category(cast.lh, "C")
    assert list(queries.packs(cast.hq_clerk, product.pk)) == [pack]
    assert list(visible(cast.dealer, Pack)) == [] and list(visible(cast.dealer, Category)) == []
    assert queries.unscoped_factors([pack.pk]) == {pack.pk: (product.pk, Decimal("12.0000"))}


@pytest.mark.parametrize("search", ["KT-0", "空调", "conditioner", "kt", "6901234567892", "06901234567892", "16901234567899", "空 kt"])
def test_search_meets_code_names_initials_and_barcodes(cast, search, monkeypatch):
    product = make_product(cast.lh, "KT-01", name="空调", name_en="Air conditioner", gtin="6901234567892")
    actions.set_pack(product.pk, "箱", Decimal(12), gtin="16901234567899", actor=SYSTEM)
    make_product(cast.lh, "X", name="洗衣机", name_en="Washer")
    assert [one.code for one in queries.products(cast.hq_clerk, search=search)] == ["KT-01"]
    assert [one.code for one in queries.products(cast.hq_clerk, search=search, few=True)] == ["KT-01"]
    monkeypatch.setattr("qudao.base.search.MOST_NAMED", 0)  # as if there were many hits
    assert [one.code for one in queries.products(cast.hq_clerk, search=search, few=True)] == ["KT-01"]


def test_a_category_filter_takes_the_whole_branch(cast):
    top = make_category(cast.lh, "T")
    make_product(cast.lh, "A", category_id=make_category(cast.lh, "T1", top).pk)
    make_product(cast.lh, "B")
    assert [one.code for one in queries.products(cast.hq_clerk, category_id=top.pk, state="active")] == ["A"]


def test_what_an_organisation_carries(cast):
    hq, own = make_product(cast.lh, "HQ"), make_product(cast.d001, "OWN")
    assert queries.unscoped_carried(cast.d001.pk, [hq.pk, own.pk]) == {own.pk}
    unit(lambda: actions.set_audience([cast.d001.pk], [(cast.lh.pk, cast.d001.pk)], actor=SYSTEM))
    assert queries.unscoped_carried(cast.d001.pk, [hq.pk, own.pk]) == {hq.pk, own.pk}
    category = make_category(cast.lh, "C")
    assert queries.unscoped_has_category(cast.d001.pk, category.pk)
    assert not queries.unscoped_has_category(cast.d002.pk, category.pk)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_invariant_finds_its_planted_fault(cast, check):
    make_product(cast.lh, "A", category_id=make_category(cast.lh, "C").pk)
    assert offending(check)[0] == 0
    from qudao.base.db import run

    run(check.plant)
    assert offending(check)[0] > 0
