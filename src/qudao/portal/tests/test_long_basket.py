"""A long basket: one change prices what changed, and says the same as pricing all of it."""

from __future__ import annotations

import re
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.approvals.tests.make import make_rule
from qudao.base.access import system_actor
from qudao.base.tests.page_text import text
from qudao.baskets.actions import add_lines, put_lines, submit_basket
from qudao.baskets.models import Basket, Line
from qudao.baskets.rules import Entry
from qudao.catalog.models import Product
from qudao.inventory.models import Stock
from qudao.orders.tests.make import World, make_world
from qudao.people.tests.make import sign_in
from qudao.portal.queries import known, shop
from qudao.pricing.actions import ListDraft, assign_list, create_list, set_prices
from qudao.pricing.models import PriceList
from qudao.pricing.rules import PriceDraft

LONG = 130


@pytest.fixture
def world(db) -> World:
    """130 products more at 12.50, all of them in the dealer's basket: four of each."""
    world = make_world()
    lh = world.cast.lh
    made = Product.unscoped.bulk_create(
        Product(owner_id=lh.pk, code=f"L{n:03d}", name=f"长单{n}", initials="cd", unit="PCS", tax_rate=D("0.13"), pack_multiple=D(2)) for n in range(LONG)
    )
    start = world.agreement.valid_from
    set_prices(PriceList.unscoped.get(owner=lh).pk, [PriceDraft(one.pk, D("12.50"), start) for one in made], actor=system_actor())
    place = Stock.unscoped.filter(place__owner=lh).first().place_id
    Stock.unscoped.bulk_create(Stock(place_id=place, product=one, on_hand=1000, reserved=0) for one in made)
    add_lines(world.agreement.pk, [Entry(one.pk, D(4)) for one in made], actor=world.dealer)
    return world


@pytest.fixture
def priced(monkeypatch) -> list[int]:
    """How many lines each reading of a basket priced."""
    found: list[int] = []

    def counted(actor, trade, basket, lines, *more, **named):
        found.append(len(lines))
        return original(actor, trade, basket, lines, *more, **named)

    original = shop.read_basket
    monkeypatch.setattr(shop, "read_basket", counted)
    monkeypatch.setattr(known, "read_basket", counted)
    return found


def said(client, world, kind="basket"):
    """What a page knows of the basket."""
    url = reverse("basket" if kind == "basket" else "basket_aside")
    return re.search(r'data-known="([^"]*)"', client.get(f"{url}?agreement={world.agreement.pk}").content.decode())[1]


def click(client, world, product, known_, kind="basket", **facts):
    about = {"agreement": world.agreement.pk, "product": product.pk, "known": known_, **(facts or {"delta": "2"})}
    return client.post(reverse("basket_lines"), about, headers={"X-Basket": kind}).json()


def product(no: int) -> Product:
    return Product.unscoped.get(code=f"L{no:03d}")


@pytest.mark.parametrize("kind", ["basket", "shop"])
@pytest.mark.parametrize("facts", [{"delta": "2"}, {"qty": "7"}, {"qty": "0"}, {"qty": "many"}])
def test_one_change_prices_one_line_and_says_what_pricing_all_says(client, world, priced, kind, facts):
    client = sign_in(client, world.dealer)
    before = said(client, world, kind)
    assert before == f"1:{LONG}:0:5752.50:747.50:6500.00"
    priced.clear()
    answer = click(client, world, product(7), before, kind, **facts)
    assert max(priced) <= (2 if kind == "basket" else 10), "the changed line, and in the catalogue the newest eight"
    after = re.search(r'data-known="([^"]*)"', answer["aside"])[1]
    assert after == said(client, world, kind), "as if all had been priced"
    assert answer["number"] == LONG - (facts.get("qty") == "0") and int(after.split(":")[2]) == (facts.get("qty") in ("7", "many"))


def test_what_another_device_did_meanwhile_is_priced_as_a_whole(client, world, priced):
    client = sign_in(client, world.dealer)
    before = said(client, world)
    put_lines(world.agreement.pk, [Entry(product(1).pk, D(40))], actor=world.dealer)
    priced.clear()
    answer = click(client, world, product(7), before)
    assert priced == [LONG] and answer["total"] == "¥6,975.00"
    for nonsense in ("", "x", "1:2", f"{answer['version']}:{LONG}:0:a:b:c"):
        priced.clear()
        click(client, world, product(7), nonsense)
        assert priced == [LONG], nonsense


def test_a_flow_that_depends_on_the_lines_is_asked_with_all_of_them(client, world, priced, monkeypatch):
    make_rule(world.cast.lh, "hq_clerk", "1")
    client = sign_in(client, world.dealer)
    before = said(client, world)
    priced.clear()
    click(client, world, product(7), before)
    assert max(priced) == 1, "an amount is known without the lines"

    def needs_more(house, kind, case, more):
        more({"discount"})
        return original(house, kind, case, more)

    from qudao.portal.queries import desk

    original = desk.unscoped_rules_for
    monkeypatch.setattr(desk, "unscoped_rules_for", needs_more)
    priced.clear()
    assert click(client, world, product(8), said(client, world))["number"] == LONG and priced[-1] == LONG


def test_a_scanned_code_and_a_typed_line_price_one_line(client, world, priced):
    client = sign_in(client, world.dealer)
    before = said(client, world)
    priced.clear()
    about = {"agreement": world.agreement.pk, "code": "L009", "qty": "2", "known": before}
    answer = client.post(reverse("basket_entry"), about, headers={"X-Basket": "basket"}).json()
    assert max(priced) == 1 and answer["total"] == "¥6,525.00" and len(answer["rows"]) == 1
    before = re.search(r'data-known="([^"]*)"', answer["aside"])[1]
    line = Line.unscoped.get(product__code="L010")
    priced.clear()
    about = {"agreement": world.agreement.pk, "qty": "10", "known": before}
    answer = client.post(reverse("basket_line", args=[line.pk]), about, headers={"X-Basket": "basket"}).json()
    assert max(priced) == 1 and answer["total"] == "¥6,600.00"


def test_more_lines_than_a_page_shows_are_read_with_the_page(client, world, priced):
    client = sign_in(client, world.dealer)
    Line.unscoped.all().delete()
    block = "\n".join(f"L{n:03d}\t2" for n in range(LONG))
    answer = client.post(reverse("basket_entry"), {"agreement": world.agreement.pk, "block": block}, headers={"X-Basket": "basket"}).json()
    assert answer == {"redraw": True, "said": f"{LONG} lines added."} and priced == [] and Line.unscoped.count() == LONG
    page = text(client.get(f"{reverse('basket')}?agreement={world.agreement.pk}"))
    assert page.count("<tbody data-line") == 100 and "Next page" in page
    about = {"agreement": world.agreement.pk, "kind": "emergency", "po_number": "", "note": ""}
    assert client.post(reverse("basket_head"), about, headers={"X-Basket": "basket"}).json() == {"redraw": True, "said": ""}
    assert Basket.unscoped.get().kind == "emergency"


def test_lines_that_change_each_others_price_are_priced_together(client, world, priced):
    lists = create_list(world.cast.lh.pk, ListDraft("MIX", "混批", mixes=True), actor=system_actor())
    start = world.agreement.valid_from
    both = [product(1).pk, product(2).pk]
    set_prices(
        lists.pk, [PriceDraft(pk, D(amount), start, min_qty=D(least)) for pk in both for amount, least in (("12.50", 0), ("10", 10))], actor=system_actor()
    )
    assign_list(world.agreement.pk, lists.pk, 1, actor=system_actor())
    client = sign_in(client, world.dealer)
    before = said(client, world)
    priced.clear()
    answer = click(client, world, product(1), before)  # six and four: ten of the list
    assert LONG in priced and answer["total"] == "¥6,500.00", "two at 12.50 more, ten at 2.50 less"
    order = submit_basket(Basket.unscoped.get().pk, actor=world.dealer)
    assert {line.product_id: line.unit_price for line in order.lines.filter(product__in=both)} == dict.fromkeys(both, D(10))


def test_the_hint_of_a_break_counts_the_lines_of_its_list_alone(client, world):
    """Four and three of a list with mixed quantities, its break at ten, beside a hundred lines of the base list: three more, not six, and not none."""
    lists = create_list(world.cast.lh.pk, ListDraft("MIX", "混批", mixes=True), actor=system_actor())
    start, both = world.agreement.valid_from, [product(1).pk, product(2).pk]
    set_prices(
        lists.pk, [PriceDraft(pk, D(amount), start, min_qty=D(least)) for pk in both for amount, least in (("12.50", 0), ("10", 10))], actor=system_actor()
    )
    assign_list(world.agreement.pk, lists.pk, 1, actor=system_actor())
    Line.unscoped.exclude(product_id__in=[*both, product(3).pk]).delete()
    for pk, qty in zip([*both, product(3).pk], (4, 3, 90), strict=True):
        Line.unscoped.filter(product_id=pk).update(qty=D(qty))
    trade = next(one for one in shop.buying(world.dealer) if one.agreement_id == world.agreement.pk)
    rows = {row.line.product_id: row.next_break for row in shop.filled(world.dealer, trade).rows}
    first, second = (rows[pk] for pk in both)
    assert (first.more, first.qty, first.price) == (3, 7, 10) and (second.more, second.qty, second.price) == (3, 6, 10)
