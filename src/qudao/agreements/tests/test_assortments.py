"""Assortments: which rule counts, what follows from it down the chain, and that nobody meets what is not shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.agreements import actions, jobs, queries, rules
from qudao.agreements.invariants import CHECKS
from qudao.agreements.models import Assortment, AssortmentRule
from qudao.agreements.rules import Dealing, RuleDraft, Showing, Sorted
from qudao.agreements.tests.make import START, make_agreement, make_group
from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.db import rows
from qudao.base.import_runs import Told, begin_import, run_import, undo_import
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.catalog import actions as catalog
from qudao.catalog import queries as products
from qudao.catalog.models import Audience, HiddenProduct, HiddenSet
from qudao.catalog.rules import BrandDraft, ProductDraft
from qudao.catalog.tests.make import make_category, make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.network import actions as network
from qudao.people.tests.make import sign_in

SYSTEM, ON, DAY = system_actor(), date(2026, 6, 15), timedelta(days=1)
TEA, GREEN = "/1/", "/1/2/"
LEAF = Sorted(7, 1, GREEN, 5)


def counts(*some: Showing) -> Showing:
    """The rule that counts for the green tea."""
    return rules.decide(some, LEAF)[0]


def test_the_nearer_rule_counts_and_of_two_equal_ones_the_one_that_hides():
    everything, brand = Showing(1, False), Showing(2, True, brand_id=5)
    assert counts(everything, brand) == brand  # what is named goes before everything
    product = Showing(3, False, product_id=7)
    assert counts(product, replace(brand, buyer_id=9)) == product  # and a product before its brand, whoever it is said to
    assert counts(product, Showing(4, True, group_id=3, product_id=7)).id == 4
    assert counts(Showing(4, True, group_id=3, product_id=7), Showing(5, False, buyer_id=9, product_id=7)).id == 5
    assert counts(Showing(6, False, path=TEA), Showing(7, True, path=GREEN)).id == 7  # the deeper category
    assert counts(Showing(8, True, area_code="33"), Showing(9, False, area_code="3301")).id == 9
    assert counts(Showing(8, True, area_code="33", tier=1), Showing(9, False, area_code="3301")).id == 8  # more marks
    assert counts(Showing(10, True, channel="ka"), Showing(11, False, tier=1)).id == 11
    assert rules.decide([Showing(1, False, path="/9/")], LEAF) == []


def test_what_is_hidden_by_many_rules_is_what_each_product_decides():
    found = [Sorted(n, 1, path, brand) for n, (path, brand) in enumerate([("", None), (TEA, 5), (GREEN, None), (GREEN, 5), ("/3/", 5)], 1)]
    about = [Showing(1, False, path=TEA), Showing(2, True, group_id=1, brand_id=5), Showing(3, False, product_id=5), Showing(4, True)]
    about += [Showing(5, True, path=GREEN), Showing(6, False, path=GREEN, group_id=2)]
    slow = {one.id for one in found if (first := rules.decide(about, one)) and not first[0].shown}
    assert rules.hidden_by(about, found) == slow == {3, 4, 5}
    assert rules.hidden_by([Showing(1, True)], found) == frozenset()


def test_what_is_hidden_goes_down_the_chain_unless_another_seller_shows_it():
    hides = frozenset({1, 2})
    chain = [Dealing(1, 10, 20, hides), Dealing(2, 20, 30, frozenset({3})), Dealing(3, 11, 30)]
    pairs = {(10, 20), (10, 30)}
    unseen, shows = rules.spread(chain, pairs, {}, {10: frozenset({1, 2, 3, 4})})
    assert unseen == {(10, 20): hides, (10, 30): frozenset({1, 2, 3})} and shows[2] == {1, 2, 3}
    unseen, shows = rules.spread(chain, pairs, {(10, 11): frozenset({2})}, {10: frozenset({1, 2, 3, 4})})
    assert unseen[10, 30] == {2} and shows[2] == {1, 2, 3} and shows[3] == {2}  # the other seller shows 1 and 3
    around = [Dealing(1, 10, 20, hides), Dealing(2, 20, 30), Dealing(3, 30, 20)]
    assert rules.spread(around, pairs, {}, {10: hides})[0] == {(10, 20): hides, (10, 30): hides}


class Shelf:
    """A seller with a dealer and a shop below it, and some goods in two branches of categories."""

    def __init__(self, cast):
        self.cast = cast
        self.tea = make_category(cast.lh, "TEA")
        self.green = make_category(cast.lh, "GREEN", self.tea)
        self.leaf = make_product(cast.lh, "LEAF", category_id=self.green.pk)
        self.pot = make_product(cast.lh, "POT")
        self.upper, self.lower = make_agreement(cast.lh, cast.d001), make_agreement(cast.d001, cast.s001)
        self.other = make_agreement(cast.lh, cast.d002)
        drain()

    def rule(self, *, actor=None, **facts):
        made = actions.set_rule(RuleDraft(**{"shown": False, "valid_from": START} | facts), actor=actor or self.cast.hq_admin)
        drain()
        return made

    def sees(self, actor):
        return [one.code for one in products.products(actor)]

    def refused(self, agreement, on=ON):
        return queries.unscoped_refused(agreement.pk, [self.leaf.pk, self.pot.pk], on)


@pytest.fixture
def shelf(cast):
    with clock.freeze(datetime(2026, 6, 15, 4, tzinfo=UTC)):  # noon where the sellers are
        yield Shelf(cast)


def faults():
    return [row for check in CHECKS for row in rows(check.sql)]


def test_a_seller_without_rules_keeps_nothing(shelf):
    assert shelf.sees(shelf.cast.dealer_admin) == ["LEAF", "POT"]
    assert not HiddenSet.unscoped.exists() and not Assortment.unscoped.exists() and not Audience.unscoped.exclude(hidden=None).exists()


def test_what_is_hidden_is_not_met_by_a_buyer_nor_below_it(shelf):
    rule = shelf.rule(group_id=make_group(shelf.cast.lh, "GOLD", shelf.cast.d001).pk, category_id=shelf.tea.pk)
    assert shelf.sees(shelf.cast.dealer_admin) == ["POT"] and shelf.sees(shelf.cast.hq_admin) == ["LEAF", "POT"]
    assert shelf.refused(shelf.upper) == {shelf.leaf.pk: True} == shelf.refused(shelf.lower) and shelf.refused(shelf.other) == {}
    assert products.unscoped_carried(shelf.cast.d001.pk, [shelf.leaf.pk, shelf.pot.pk]) == {shelf.pot.pk}
    assert HiddenSet.unscoped.count() == 1  # one set for the dealer, the shop and both agreements
    with pytest.raises(NotFound):
        products.product(shelf.cast.dealer_admin, shelf.leaf.pk)
    assert not products.all_packs(shelf.cast.dealer_admin).exists()
    with pytest.raises(Invalid) as error:  # nobody shows on what it does not see
        actions.set_rule(RuleDraft(True, START, buyer_id=shelf.cast.s001.pk, product_id=shelf.leaf.pk), actor=shelf.cast.dealer_admin)
    assert error.value.faults[0].code == "agreements.rule_product"
    assert faults() == []
    actions.change_rule(rule.pk, True, None, actor=shelf.cast.hq_admin)
    drain()
    assert shelf.sees(shelf.cast.dealer_admin) == ["LEAF", "POT"] and not HiddenSet.unscoped.exists()


def test_a_dealer_hides_from_its_own_shops_alone(shelf):
    shelf.rule(actor=shelf.cast.dealer_admin, product_id=shelf.pot.pk)
    assert shelf.refused(shelf.lower) == {shelf.pot.pk: True} and shelf.refused(shelf.upper) == {}
    direct = make_agreement(shelf.cast.lh, shelf.cast.s001)  # the brand shows it to the shop
    assert shelf.refused(direct) == {} and shelf.refused(shelf.lower) == {shelf.pot.pk: True}
    assert Audience.unscoped.get(viewer=shelf.cast.s001, owner=shelf.cast.lh).hidden is None and faults() == []
    actions.end_agreement(direct.pk, "exit", actor=SYSTEM)
    assert Audience.unscoped.get(viewer=shelf.cast.s001, owner=shelf.cast.lh).hidden is not None


def test_a_new_agreement_starts_with_what_the_rules_say(shelf):
    shelf.rule(tier=1, product_id=shelf.leaf.pk)
    actions.suspend_agreement(shelf.upper.pk, "pause", actor=SYSTEM)
    jobs.follow_assortments(0)
    assert set(Assortment.unscoped.values_list("agreement_id", flat=True)) == {shelf.other.pk}  # what hides nothing from anybody is forgotten
    actions.activate_agreement(shelf.upper.pk, actor=SYSTEM)  # at once, without any reaction
    assert shelf.sees(shelf.cast.dealer_admin) == ["POT"] and shelf.refused(shelf.lower) == {shelf.leaf.pk: True} and faults() == []


def test_the_result_follows_products_the_tree_and_areas(shelf):
    shelf.rule(category_id=shelf.tea.pk)
    shelf.rule(area_code="33", shown=True, category_id=shelf.tea.pk)
    assert shelf.sees(shelf.cast.dealer_admin) == ["POT"]
    new = make_product(shelf.cast.lh, "NEW", category_id=shelf.green.pk)
    catalog.change_product(shelf.pot.pk, ProductDraft("POT", "壶", category_id=shelf.tea.pk), actor=SYSTEM)
    drain()
    assert shelf.sees(shelf.cast.dealer_admin) == []
    catalog.change_products({new.pk: ProductDraft("NEW", "新")}, actor=SYSTEM)
    drain()
    assert shelf.sees(shelf.cast.dealer_admin) == ["NEW"]
    facts = network.OrgFacts(code="D001", name="d", area_code="330106")
    network.change_organisation(shelf.cast.d001.pk, facts, actor=SYSTEM)
    drain()
    assert shelf.sees(shelf.cast.dealer_admin) == ["LEAF", "NEW", "POT"] and faults() == []
    catalog.change_category(shelf.green.pk, catalog.CategoryDraft("GREEN", "绿茶"), actor=SYSTEM)
    drain()
    assert shelf.refused(shelf.other) == {shelf.pot.pk: True} and faults() == []


def test_what_was_registered_by_mistake_goes_though_it_is_hidden(shelf):
    shelf.rule(category_id=shelf.tea.pk)
    rule = shelf.rule(product_id=shelf.pot.pk)
    catalog.remove_products([shelf.leaf.pk], actor=shelf.cast.hq_admin)
    jobs.follow_assortments(0)
    assert HiddenProduct.unscoped.filter(product=shelf.pot).count() == 1 and faults() == []
    with pytest.raises(Refused):  # a rule names it
        catalog.remove_products([shelf.pot.pk], actor=shelf.cast.hq_admin)
    assert AssortmentRule.unscoped.filter(pk=rule.pk).exists()


def test_a_rule_begins_and_ends_with_its_day(shelf):
    shelf.rule(product_id=shelf.leaf.pk, valid_from=ON + DAY, valid_to=ON + DAY)
    assert shelf.refused(shelf.upper) == {}
    for days, hidden in ((1, {shelf.leaf.pk: True}), (2, {})):
        with clock.freeze(clock.now() + timedelta(days=days)):
            jobs.follow_assortments(0)
        assert shelf.refused(shelf.upper) == hidden


def test_a_channel_and_a_membership_change_what_is_shown(shelf):
    group = make_group(shelf.cast.lh, "GOLD")
    shelf.rule(group_id=group.pk, product_id=shelf.leaf.pk)
    shelf.rule(channel="Online", product_id=shelf.pot.pk)
    (member,) = actions.add_members(group.pk, {shelf.cast.d002.pk: (START, None)}, actor=SYSTEM)
    actions.set_channel(shelf.other.pk, "online", actor=SYSTEM)
    drain()
    assert shelf.refused(shelf.other) == {shelf.leaf.pk: True, shelf.pot.pk: True} and shelf.refused(shelf.upper) == {}
    actions.end_membership(member.pk, ON - DAY, actor=SYSTEM)
    drain()
    assert shelf.refused(shelf.other) == {shelf.pot.pk: True} and faults() == []


def test_only_who_sells_keeps_its_rules(shelf):
    rule = shelf.rule(product_id=shelf.leaf.pk)
    assert queries.assortment_rules(shelf.cast.hq_admin).get() == rule and not queries.assortment_rules(shelf.cast.dealer_admin).exists()
    for call in (
        lambda: actions.change_rule(rule.pk, True, None, actor=shelf.cast.dealer_admin),
        lambda: actions.end_rule(rule.pk, actor=shelf.cast.dealer_admin),
    ):
        with pytest.raises(NotFound):
            call()
    for call in (
        lambda: actions.set_rule(RuleDraft(False, START), actor=shelf.cast.hq_clerk),
        lambda: actions.end_rule(rule.pk, actor=shelf.cast.hq_clerk),
        lambda: actions.follow_assortments(actor=shelf.cast.hq_clerk),
    ):
        with pytest.raises(Forbidden):
            call()


def test_a_rule_is_refused_at_what_is_wrong_with_it(shelf):
    cast = shelf.cast
    theirs = make_product(cast.d002, "X")
    for facts, fault in (
        ({"buyer_id": cast.d001.pk, "tier": 1}, ("agreements.rule_whom", "tier")),
        ({"product_id": shelf.leaf.pk, "category_id": shelf.tea.pk}, ("agreements.rule_what", "category_id")),
        ({"buyer_id": 0, "region_id": 999_999}, ("agreements.rule_org", "region_id")),
        ({"group_id": 999_999}, ("agreements.group_unknown", "group_id")),
        ({"product_id": theirs.pk}, ("agreements.rule_product", "product_id")),
        ({"category_id": 999_999}, ("agreements.category_unknown", "category_id")),
        ({"brand_id": 999_999}, ("agreements.rule_brand", "brand_id")),
        ({"valid_to": START - DAY}, ("agreements.span_wrong", "valid_to")),
    ):
        with pytest.raises(Invalid) as error:
            actions.set_rule(RuleDraft(False, START, **facts), actor=cast.hq_admin)
        assert [(one.code, one.field) for one in error.value.faults] == [fault]
    rule = shelf.rule(product_id=shelf.leaf.pk)
    assert shelf.rule(product_id=shelf.leaf.pk, shown=True) == rule  # the same again changes it
    with pytest.raises(Invalid):
        actions.change_rule(rule.pk, True, START - DAY, actor=cast.hq_admin)
    assert actions.end_rule(rule.pk, actor=cast.hq_admin).valid_to == ON - DAY
    with pytest.raises(Refused) as refused:
        actions.end_rule(rule.pk, actor=cast.hq_admin)
    assert refused.value.faults[0].code == "agreements.rule_over"
    planned = shelf.rule(brand_id=catalog.register_brand(cast.lh.pk, BrandDraft("B", "牌"), actor=SYSTEM).pk, valid_from=ON)
    actions.end_rule(planned.pk, actor=cast.hq_admin)
    assert not AssortmentRule.unscoped.filter(pk=planned.pk).exists()


def test_the_reason_names_the_rule_that_counts(shelf):
    wide, near = shelf.rule(), shelf.rule(shown=True, category_id=shelf.tea.pk)
    own = shelf.rule(actor=shelf.cast.dealer_admin, shown=True)
    found = queries.reasons(shelf.cast.hq_admin, [shelf.upper.pk, shelf.lower.pk], [shelf.leaf.pk, shelf.pot.pk])
    assert found == {(shelf.upper.pk, shelf.leaf.pk): near, (shelf.upper.pk, shelf.pot.pk): wide} | dict.fromkeys(
        ((shelf.lower.pk, shelf.leaf.pk), (shelf.lower.pk, shelf.pot.pk))
    )  # the dealer's rules are not the brand's to read
    assert queries.reasons(shelf.cast.dealer_admin, [shelf.lower.pk], [shelf.leaf.pk]) == {(shelf.lower.pk, shelf.leaf.pk): own}


BROKEN = {
    "agreements_assortmentrule_whom_what_from_unique": lambda a: {},
    "agreements_assortmentrule_one_whom": lambda a: {"buyer": a.buyer, "tier": 1},
    "agreements_assortmentrule_one_what": lambda a: {"product": make_product(a.seller, "P"), "category": make_category(a.seller, "C")},
    "agreements_assortmentrule_valid_from_to_ordered": lambda a: {"valid_to": START - DAY},
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_of_a_rule_holds(shelf, name):
    AssortmentRule.unscoped.create(seller=shelf.cast.lh, shown=True, valid_from=START)
    facts = {"seller": shelf.cast.lh, "shown": False, "valid_from": START} | BROKEN[name](shelf.upper)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        AssortmentRule.unscoped.create(**facts)


def test_every_constraint_of_a_rule_is_broken_above():
    assert {c.name for c in AssortmentRule._meta.constraints} == set(BROKEN)


def test_rules_live_through_the_forms(client, shelf, django_assert_max_num_queries):
    hq = sign_in(client, shelf.cast.hq_admin)
    new = reverse("assortment_rule_new")
    said = {"shown": "0", "product": "leaf", "buyer": "d001", "valid_from": "2026-01-01"}
    assert hq.post(new, said | {"product": "NOPE"}).status_code == 422
    assert hq.post(new, said | {"tier": "1"}).status_code == 422
    assert hq.post(new, said).status_code == 302
    rule = AssortmentRule.unscoped.get()
    assert (rule.product, rule.buyer, rule.shown) == (shelf.leaf, shelf.cast.d001, False)
    drain()
    to = {name: reverse(f"assortment_rule_{name}", args=[rule.pk]) for name in ("change", "end")}
    lists = (reverse("assortment_rules"), f"{reverse('assortment_buyers')}?product=LEAF", f"{reverse('assortment_products')}?buyer=D001&tab=hidden")
    for address in (new, rule.get_absolute_url(), *to.values(), *lists, reverse("assortment_buyers"), reverse("assortment_products")):
        with django_assert_max_num_queries(15):
            assert hq.get(address).status_code == 200
    pages = [text(hq.get(address)) for address in lists]
    assert all("LEAF" in page and "D001" in page for page in pages) and "POT" not in pages[2]
    assert reverse("assortment_buyers") in hq.get(shelf.leaf.get_absolute_url()).content.decode()
    assert reverse("assortment_products") in hq.get(shelf.upper.get_absolute_url()).content.decode()
    assert hq.get(f"{lists[2]}&export=csv").status_code == 200
    assert hq.post(to["change"], {"shown": "1", "valid_to": "2026-12-31"}).status_code == 302
    assert AssortmentRule.unscoped.get().shown and hq.post(to["end"]).status_code == 302
    buyer = sign_in(client, shelf.cast.dealer_admin)
    assert buyer.get(rule.get_absolute_url()).status_code == 404
    assert reverse("assortment_products") not in buyer.get(shelf.upper.get_absolute_url()).content.decode()


def test_rules_over_the_api(shelf):
    hq, dealer = Api(shelf.cast.hq_admin), Api(shelf.cast.dealer_admin)
    body = {"shown": False, "valid_from": "2026-01-01", "category_id": shelf.tea.pk, "tier": 1}
    status, made = hq("post", "/assortment-rules", body)
    at = f"/assortment-rules/{made['id']}"
    drain()
    assert status == 201 and hq("post", "/assortment-rules", body)[1]["id"] == made["id"] and hq("get", at)[1]["tier"] == 1
    found = hq("get", f"/agreements/{shelf.upper.pk}/assortment")[1]["items"]
    assert [(one["product_code"], one["shown"], one["rule_id"]) for one in found] == [("POT", True, None), ("LEAF", False, made["id"])]
    assert len(hq("get", f"/agreements/{shelf.upper.pk}/assortment?product_id={shelf.pot.pk}")[1]["items"]) == 1
    assert dealer("get", f"/agreements/{shelf.upper.pk}/assortment")[0] == dealer("get", at)[0] == dealer("delete", at)[0] == 404
    (own,) = dealer("get", f"/agreements/{shelf.lower.pk}/assortment?product_id={shelf.leaf.pk}")[1]["items"] or ({},)
    assert own == {}  # the dealer does not sell what it does not see
    assert hq("put", at, {"shown": True, "valid_to": "2026-12-31"})[1]["valid_to"] == "2026-12-31"
    assert [one["id"] for one in hq("get", "/assortment-rules")[1]["items"]] == [made["id"]]
    assert hq("delete", at)[0] == 200 and hq("delete", at)[0] == 409


def test_rules_come_from_a_file_and_go_back(shelf, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    kept = shelf.rule(product_id=shelf.pot.pk)
    sheet = "可见,商品编码,商品类别,客户编码,层级,生效日期\n否,,TEA,,1,2026-01-01\n是,POT,,,,2026-01-01\n否,NOPE,,,,\n否,LEAF,,D001,2,\n"
    run = run_import(
        begin_import("agreements.assortments", ContentFile(sheet.encode(), "a.csv"), actor=shelf.cast.hq_admin).pk,
        Told(skip_wrong=True), actor=shelf.cast.hq_admin,
    )  # fmt: skip
    assert (run.made, run.changed, run.wrong) == (1, 1, 2)
    assert AssortmentRule.unscoped.get(pk=kept.pk).shown and AssortmentRule.unscoped.get(tier=1).category == shelf.tea
    undo_import(run.pk, actor=shelf.cast.hq_admin)
    drain()
    assert not AssortmentRule.unscoped.get(pk=kept.pk).shown and AssortmentRule.unscoped.filter(valid_to=None).count() == 1
    assert shelf.refused(shelf.upper) == {shelf.pot.pk: True} and faults() == []
