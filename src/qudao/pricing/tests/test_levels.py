"""The levels of the price system: lists of a group, of a region and channel; who sees them, pages and API."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import START, make_agreement, make_group
from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.catalog import queries as catalog
from qudao.catalog.tests.make import make_product
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.people.tests.make import sign_in
from qudao.pricing import actions, queries
from qudao.pricing.models import WideAssignment
from qudao.pricing.queries import Item
from qudao.pricing.rules import PriceDraft, Wide
from qudao.pricing.tests.make import make_list, make_price, make_special

SYSTEM = system_actor()
ON = date(2026, 6, 15)


@pytest.fixture
def trade(cast):
    """An agreement LH → D001 in the channel "ka", D001 in the area 330100, one product at 100 in the base list."""
    type(cast.d001).unscoped.filter(pk=cast.d001.pk).update(area_code="330100")
    product, base = make_product(cast.lh, "P"), make_list(cast.lh, "BASE", is_base=True)
    make_price(base, product.pk, "100")
    return make_agreement(cast.lh, cast.d001, channel="KA"), product.pk


def list_at(owner, code, product, amount):
    made = make_list(owner, code)
    make_price(made, product, amount)
    return made.pk


def told(agreement, product, on=ON):
    """(amount, [level and list of each candidate, best first])"""
    quote = queries.unscoped_quote(agreement.pk, [Item(1, product, Decimal(1))], on)[1]
    return f"{quote.amount:.0f}", [f"{step['level']} {step.get('code', '')}".strip() for step in quote.steps]


def test_special_then_dealer_then_group_then_region_then_base(trade, cast):
    agreement, product = trade
    region, group = list_at(cast.lh, "REGION", product, "90"), list_at(cast.lh, "GROUP", product, "95")
    actions.assign_wide(region, Wide(area_code="33", channel="KA"), actor=cast.hq_admin)
    assert told(agreement, product) == ("90", ["region REGION", "base BASE"])
    actions.assign_wide(group, Wide(make_group(cast.lh, "GOLD", cast.d001).pk), actor=cast.hq_admin)
    assert told(agreement, product)[0] == "95"  # the level decides, not the cheaper price
    actions.assign_list(agreement.pk, list_at(cast.lh, "OWN", product, "97"), actor=SYSTEM)
    make_special(agreement.pk, product, "99")
    assert told(agreement, product) == ("99", ["special", "list OWN", "group GROUP", "region REGION", "base BASE"])
    both = queries.unscoped_all_quotes({agreement.pk: [Item(1, product, Decimal(1))]}, ON)
    assert both[agreement.pk][1].source == "special"


@pytest.mark.parametrize(
    ("wide", "answers"),
    [
        ({"area_code": "330"}, True),
        ({"area_code": "331"}, False),
        ({"channel": " ka "}, True),
        ({"channel": "online"}, False),
        ({"region_id": "lh"}, True),
        ({"region_id": "d001"}, True),
        ({"region_id": "d002"}, False),
        ({"region_id": "lh", "area_code": "33", "channel": "ka"}, True),
        ({"region_id": "lh", "area_code": "33", "channel": "online"}, False),
    ],
)
def test_a_region_is_a_branch_an_area_and_a_channel_together(trade, cast, wide, answers):
    agreement, product = trade
    wide = {name: getattr(cast, value).pk if name == "region_id" else value for name, value in wide.items()}
    actions.assign_wide(list_at(cast.lh, "R", product, "90"), Wide(**wide), actor=SYSTEM)
    assert told(agreement, product)[0] == ("90" if answers else "100")
    assert queries.price_lists(cast.dealer).filter(code="R").exists() is answers  # who pays by it sees it
    assert not queries.price_lists(cast.sub_dealer).exists()


def test_a_group_counts_on_the_days_of_its_members(trade, cast):
    agreement, product = trade
    group = make_group(cast.lh, "GOLD", cast.d001, cast.d002, since=ON)
    actions.assign_wide(list_at(cast.lh, "G", product, "90"), Wide(group.pk), actor=SYSTEM)
    assert told(agreement, product)[0] == "90" and told(agreement, product, ON - timedelta(1))[0] == "100"
    assert queries.price_lists(cast.dealer).filter(code="G").exists()
    assert not queries.price_lists(cast.stranger).exists()  # in the group, but it does not buy from the owner
    foreign = make_group(cast.d001, "GOLD", cast.s001)
    with pytest.raises(Invalid) as error:
        actions.assign_wide(list_at(cast.lh, "F", product, "80"), Wide(foreign.pk), actor=cast.hq_admin)
    assert error.value.faults[0].code == "pricing.group_unknown"


def test_of_one_level_the_larger_priority_goes_first_and_a_list_answers_once(trade, cast):
    agreement, product = trade
    low, high = list_at(cast.lh, "LOW", product, "90"), list_at(cast.lh, "HIGH", product, "95")
    actions.assign_wide(low, Wide(area_code="33"), 1, actor=SYSTEM)
    actions.assign_wide(high, Wide(channel="ka"), 2, actor=SYSTEM)
    actions.assign_wide(high, Wide(area_code="33"), actor=SYSTEM)
    assert told(agreement, product) == ("95", ["region HIGH", "region LOW", "base BASE"])
    actions.assign_wide(low, Wide(area_code="33"), 3, actor=SYSTEM)  # again: another priority
    assert told(agreement, product)[0] == "90" and WideAssignment.unscoped.count() == 3
    actions.unassign_wide(WideAssignment.unscoped.get(list=low).pk, actor=cast.hq_admin)
    assert told(agreement, product)[0] == "95"


def test_only_who_keeps_the_list_assigns_it(trade, cast):
    _agreement, product = trade
    made = list_at(cast.lh, "L", product, "90")
    with pytest.raises(Invalid) as error:
        actions.assign_wide(made, Wide(), actor=cast.hq_admin)
    assert error.value.faults[0].code == "pricing.level_unclear"
    with pytest.raises(Forbidden):
        actions.assign_wide(made, Wide(channel="ka"), actor=cast.hq_clerk)
    with pytest.raises(NotFound):
        actions.assign_wide(made, Wide(channel="ka"), actor=cast.dealer_admin)
    kept = actions.assign_wide(made, Wide(channel="ka"), actor=cast.hq_admin)
    assert not queries.levels(cast.dealer_admin).exists()
    with pytest.raises(NotFound):
        actions.unassign_wide(kept.pk, actor=cast.dealer_admin)


@pytest.mark.parametrize("few", [queries.FEW_PRICES, 0])
def test_what_has_a_price_is_what_the_quote_answers(trade, cast, few, monkeypatch):
    monkeypatch.setattr(queries, "FEW_PRICES", few)
    agreement, product = trade
    other = make_product(cast.lh, "Q").pk
    make_product(cast.lh, "NONE")
    actions.assign_wide(list_at(cast.lh, "R", other, "90"), Wide(channel="ka"), actor=SYSTEM)
    assert set(catalog.products(cast.dealer).filter(queries.unscoped_has_price(agreement.pk, ON)).values_list("pk", flat=True)) == {product, other}


def test_a_thousand_lines_on_all_levels_are_one_statement(trade, cast, django_assert_num_queries):
    agreement, _product = trade
    ids = [make_product(cast.lh, f"M{n}").pk for n in range(1000)]
    group = make_group(cast.lh, "GOLD", cast.d001)
    for code, place in (("R", Wide(channel="ka")), ("G", Wide(group.pk))):
        made = make_list(cast.lh, code)
        actions.set_prices(made.pk, [PriceDraft(pk, Decimal(10) + n, START) for n, pk in enumerate(ids)], actor=SYSTEM)
        actions.assign_wide(made.pk, place, actor=SYSTEM)
    with django_assert_num_queries(1):
        quotes = queries.unscoped_quote(agreement.pk, [Item(n, pk, Decimal(1)) for n, pk in enumerate(ids)], ON)
    assert {quote.source for quote in quotes.values()} == {"group"} and len(quotes) == 1000


def test_levels_on_pages_and_over_the_api(trade, cast, client):
    _agreement, product = trade
    made, group = list_at(cast.lh, "L", product, "90"), make_group(cast.lh, "GOLD", cast.d001)
    hq = sign_in(client, cast.hq_admin)
    at = reverse("price_list_level", args=[made])
    assert "GOLD" in hq.get(at).content.decode()
    assert hq.post(at, {"group_id": group.pk, "channel": "ka", "priority": "1"}).status_code == 422
    assert hq.post(at, {"group_id": group.pk, "priority": "1"}).status_code == 302
    assert hq.post(at, {"area_code": "33", "channel": "ka", "priority": "2"}).status_code == 302
    page = hq.get(reverse("price_list", args=[made])).content.decode()
    assert "Groups and regions" in page and "GOLD" in page and "channel ka" in page
    gone = WideAssignment.unscoped.get(group=group)
    removal = reverse("wide_assignment_removal", args=[gone.pk])
    assert hq.get(removal).status_code == 200 and hq.post(removal).status_code == 302
    api, dealer = Api(cast.hq_admin), Api(cast.dealer_admin)
    status, one = api("post", f"/price-lists/{made}/levels", {"group_id": group.pk})
    assert (status, one["priority"]) == (201, 0)
    assert [row["group_id"] for row in api("get", f"/price-lists/{made}/levels")[1]] == [group.pk, None]
    assert dealer("get", f"/price-lists/{made}/levels")[1] == []  # it pays by the list, and does not learn who else does
    assert dealer("delete", f"/wide-assignments/{one['id']}")[0] == 404
    assert api("delete", f"/wide-assignments/{one['id']}")[0] == 200
