"""The quote, and who sees which prices."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from qudao.agreements.tests.make import START, make_agreement
from qudao.base.access import system_actor, visible
from qudao.base.db import run
from qudao.base.invariants import offending
from qudao.catalog.tests.make import make_product
from qudao.kernel.errors import NotFound
from qudao.pricing import actions, queries
from qudao.pricing.invariants import CHECKS
from qudao.pricing.models import ListAssignment, Price, PriceList, SpecialPrice
from qudao.pricing.queries import Item
from qudao.pricing.rules import PriceDraft
from qudao.pricing.tests.make import make_list, make_price, make_special

SYSTEM = system_actor()
ON = date(2026, 6, 15)


@pytest.fixture
def trade(cast):
    """An agreement LH → D001, one product, an empty base list."""
    product = make_product(cast.lh, "P")
    return make_agreement(cast.lh, cast.d001), product.pk, make_list(cast.lh, "BASE", is_base=True)


def price(agreement, product_id, qty="1", on=ON):
    quote = queries.unscoped_quote(agreement.pk, [Item("k", product_id, Decimal(qty))], on).get("k")
    return quote and (str(quote.amount.normalize()), quote.source)


def test_the_levels_answer_in_order(trade, cast):
    agreement, product, base = trade
    assert price(agreement, product) is None  # a missing price is a missing key
    make_price(base, product, "100")
    assert price(agreement, product) == ("1E+2", "base")
    low, high = make_list(cast.lh, "LOW", tax_inclusive=False), make_list(cast.lh, "HIGH")
    make_price(low, product, "90")
    make_price(high, product, "95")
    assert price(agreement, product) == ("1E+2", "base")  # not assigned
    actions.assign_list(agreement.pk, low.pk, 1, actor=SYSTEM)
    assert price(agreement, product) == ("9E+1", "list")
    actions.assign_list(agreement.pk, high.pk, 2, actor=SYSTEM)
    assert price(agreement, product) == ("95", "list")
    make_special(agreement.pk, product, "99.5")
    assert price(agreement, product) == ("99.5", "special")
    quote = queries.unscoped_quote(agreement.pk, [Item(1, product, Decimal(1))], ON)[1]
    assert [(step["level"], step.get("code"), step["verdict"]) for step in quote.steps] == [
        ("special", None, "chosen"),
        ("list", "HIGH", "lower_level"),
        ("list", "LOW", "lower_level"),
        ("base", "BASE", "lower_level"),
    ]
    assert [step["tax_inclusive"] for step in quote.steps] == [True, True, False, True]


def test_breaks_and_days(trade):
    agreement, product, base = trade
    make_price(base, product, "10")
    make_price(base, product, "9", "10", valid_to=ON)
    assert price(agreement, product, "9") == ("1E+1", "base")
    assert price(agreement, product, "10") == ("9", "base")
    assert price(agreement, product, "10", ON + timedelta(1)) == ("1E+1", "base")
    assert price(agreement, product, "10", START - timedelta(1)) is None
    # the break reached by another line of the same product does not leak into this one
    quotes = queries.unscoped_quote(agreement.pk, [Item(1, product, Decimal(5)), Item(2, product, Decimal(50))], ON)
    assert [str(quotes[n].amount.normalize()) for n in (1, 2)] == ["1E+1", "9"]
    assert quotes[1].steps[1]["verdict"] == "break_not_reached"


def test_lists_of_another_currency_owner_or_agreement_do_not_answer(trade, cast):
    agreement, product, _base = trade
    usd = make_list(cast.lh, "USD", currency="USD", is_base=True)
    make_price(usd, product, "1")
    other = make_agreement(cast.lh, cast.d002)
    own = make_list(cast.lh, "D002")
    make_price(own, product, "2")
    actions.assign_list(other.pk, own.pk, actor=SYSTEM)
    make_special(other.pk, product, "3")
    resale = make_list(cast.d001, "BASE", is_base=True)
    make_price(resale, product, "4")
    assert price(agreement, product) is None
    assert price(other, product) == ("3", "special")
    lower = make_agreement(cast.d001, cast.s001)
    assert price(lower, product) == ("4", "base")


@pytest.mark.parametrize("lines", [1, 60])
def test_a_quote_is_one_statement_for_any_number_of_lines(trade, cast, lines, django_assert_num_queries):
    agreement, _product, base = trade
    ids = [make_product(cast.lh, f"Q{n}").pk for n in range(lines)]
    drafts = [PriceDraft(pk, Decimal(10) + n, START) for n, pk in enumerate(ids)]
    actions.set_prices(base.pk, drafts, actor=SYSTEM)
    with django_assert_num_queries(1):
        quotes = queries.unscoped_quote(agreement.pk, [Item(n, pk, Decimal(1)) for n, pk in enumerate(ids)], ON)
    assert [quotes[n].amount for n in range(lines)] == [Decimal(10) + n for n in range(lines)]
    with django_assert_num_queries(0):
        assert queries.unscoped_quote(agreement.pk, [], ON) == {}


def test_a_dealer_never_sees_another_dealers_list_or_special_price(trade, cast):
    agreement, product, base = trade
    make_price(base, product, "100")
    mine, theirs, resale = make_list(cast.lh, "MINE"), make_list(cast.lh, "THEIRS"), make_list(cast.d001, "RESALE", is_base=True)
    for one in (mine, theirs, resale):
        make_price(one, product, "90")
    other = make_agreement(cast.lh, cast.d002)
    make_agreement(cast.d001, cast.s001)
    actions.assign_list(agreement.pk, mine.pk, actor=SYSTEM)
    actions.assign_list(other.pk, theirs.pk, actor=SYSTEM)
    make_special(agreement.pk, product, "80")
    make_special(other.pk, product, "70")

    def seen(actor):
        lists = set(queries.price_lists(actor).values_list("code", flat=True))
        prices = set(visible(actor, Price).values_list("list__code", flat=True))
        specials = set(visible(actor, SpecialPrice).values_list("agreement__buyer__code", flat=True))
        assigned = set(visible(actor, ListAssignment).values_list("agreement__buyer__code", flat=True))
        assert lists == prices and specials == assigned
        return lists, specials

    assert seen(cast.dealer) == seen(cast.dealer_admin) == ({"BASE", "MINE", "RESALE"}, {"D001"})
    assert seen(cast.stranger) == ({"BASE", "THEIRS"}, {"D002"})
    assert seen(cast.sub_dealer) == ({"RESALE"}, set())  # upstream prices stay hidden
    assert seen(cast.hq_admin)[1] == {"D001", "D002"}
    blind = type(cast.hq_clerk)(**{**vars(cast.hq_clerk), "fields": frozenset()})
    assert seen(blind) == ({"BASE", "MINE", "THEIRS"}, {"D001", "D002"})  # without the grant not even the brand sees a dealer's resale list
    with pytest.raises(NotFound):
        queries.price_list(cast.stranger, mine.pk)
    assert not queries.prices(cast.stranger, mine.pk).exists()


def test_an_ended_agreement_closes_the_lists(trade, cast):
    from qudao.agreements import actions as agreements

    agreement, product, base = trade
    make_price(base, product, "100")
    assert queries.price_lists(cast.dealer).exists()
    agreements.end_agreement(agreement.pk, "exit", actor=SYSTEM)
    assert not queries.price_lists(cast.dealer).exists()


def test_prices_of_a_list_on_a_day(trade, cast):
    _agreement, product, base = trade
    make_price(base, product, "10")
    make_price(base, product, "11", since=ON)
    assert [one.amount for one in queries.prices(cast.hq_clerk, base.pk, on=ON - timedelta(1))] == [10]
    assert queries.prices(cast.hq_clerk, base.pk, search="p").count() == 2
    assert not queries.prices(cast.hq_clerk, base.pk, search="zzz").exists()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_invariant_finds_its_planted_fault(trade, cast, check):
    agreement, _product, base = trade
    actions.assign_list(agreement.pk, base.pk, actor=SYSTEM)
    assert offending(check)[0] == 0
    run(check.plant)
    assert offending(check)[0] == 1
    assert PriceList.unscoped.count() == 1


def test_a_list_may_count_what_is_ordered_of_all_its_products_for_its_breaks(trade, cast, django_assert_num_queries):
    agreement, product, base = trade
    others = [make_product(cast.lh, f"M{n}").pk for n in range(2)]
    mixing = make_list(cast.lh, "MIX", mixes=True)
    actions.assign_list(agreement.pk, mixing.pk, 1, actor=SYSTEM)
    for one in (product, *others):
        make_price(base, one, "120")
    for one in (product, others[0]):
        make_price(mixing, one, "100")
        make_price(mixing, one, "90", "10")
    items = [Item(1, product, Decimal(6)), Item(2, others[0], Decimal(4)), Item(3, others[1], Decimal(50)), Item("look", product, Decimal(9), alone=True)]
    with django_assert_num_queries(1):
        quotes = queries.unscoped_quote(agreement.pk, items, ON)
    assert {key: quote.amount for key, quote in quotes.items()} == {1: 90, 2: 90, 3: 120, "look": 100}
    assert quotes[1].steps[0]["together"] == "10" and quotes[1].mixed and not quotes[3].mixed
    fewer = queries.unscoped_quote(agreement.pk, [Item(1, product, Decimal(6)), Item(2, others[0], Decimal(3)), Item(3, others[1], Decimal(50))], ON)
    assert [fewer[n].amount for n in (1, 2)] == [100, 100], "what another list prices does not count"
    actions.change_list(mixing.pk, actions.ListDraft("MIX", "MIX"), actor=SYSTEM)
    assert queries.unscoped_quote(agreement.pk, items, ON)[1].amount == 100
