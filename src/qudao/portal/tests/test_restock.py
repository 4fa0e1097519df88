"""Goods that are short lead in one click to the form that brings them: out of another own warehouse, or ordered from who sells them here."""

import re
from decimal import Decimal as D
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from qudao.approvals.actions import add_rule
from qudao.approvals.rules import RuleDraft
from qudao.base.tests.page_text import text
from qudao.inventory.actions import hold_stock, register_place
from qudao.inventory.models import Stock
from qudao.inventory.tests.make import make_places, make_stock
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_downstream, make_world, place
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in
from qudao.portal.queries.attention import short_products
from qudao.portal.queries.restock import TOGETHER, needs_of, ways

pytestmark = pytest.mark.django_db


def all_short(actor):
    return needs_of(short_products(actor, TOGETHER))


@pytest.fixture
def world(client):
    """Every order waits for a signature; HQ has one piece of P1 and two of P2, and orders for 4 and 5 of them."""
    client.cookies["qudao_language"] = "en"
    made = make_world()
    add_rule(made.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_clerk"), D(0), 1), actor=made.cast.hq_admin)
    place(made, 4, 5)
    mine = Stock.unscoped.filter(place=made.shelf.main)
    mine.filter(product=made.products[0]).update(on_hand=1)
    mine.filter(product=made.products[1]).update(on_hand=2)
    return made


def led(client, address, words):
    """(path, query) of the link of these words on a page."""
    page = client.get(address).content.decode()
    found = re.findall(rf'class="btn btn-sm" href="([^"]*)"[^>]*>(?:<svg.*?</svg>)?{words}</a>', page)
    assert found, page
    parts = urlsplit(unescape(found[0]))
    return parts.path, parse_qs(parts.query), unescape(found[0])


def make_north(world, *quantities):
    north = register_place("NORTH", "北仓", actor=world.cast.hq_admin)
    make_stock(north.pk, {p.pk: qty for p, qty in zip(world.products, quantities, strict=False)})
    return north


def test_what_another_own_warehouse_has_is_moved_with_one_click_and_one_submit(client, world):
    north = make_north(world, 10, 10)
    sign_in(client, world.cast.hq_warehouse)
    path, query, address = led(client, "/", "Move here")
    assert path == reverse("stock_shift") and query["from_place"] == [str(north.pk)] and query["to_place"] == [str(world.shelf.main)]
    assert query["line"] in (["P1 3", "P2 3"], ["P2 3", "P1 3"])
    page = client.get(address).content.decode()
    assert 'value="P1"' in page and 'value="P2"' in page and page.count('value="3"') >= 2
    ends = {"from_place": north.pk, "to_place": world.shelf.main, "reason": "Orders wait"}
    client.post(path, ends | {"lines-product": ["P1", "P2"], "lines-qty": ["3", "3"], "lines-lot": ["", ""]})
    assert not all_short(world.cast.hq_warehouse)
    assert "Move here" not in client.get("/").content.decode()


def test_who_may_neither_move_nor_buy_is_led_to_the_stock(client, world):
    make_north(world, 10, 10)
    sign_in(client, world.cast.hq_clerk)  # moves nothing, and nobody sells to the headquarters
    page = client.get("/").content.decode()
    assert "See the stock" in page and "Move here" not in page
    assert not ways(world.cast.hq_clerk, all_short(world.cast.hq_clerk))


def test_a_warehouse_that_has_a_part_gives_that_and_what_is_blocked_there_is_no_way(client, world):
    north = make_north(world, 2, 10)
    hold_stock(Stock.unscoped.get(place=north, product=world.products[1]).pk, "Motor hums", actor=world.cast.hq_warehouse)
    (way,) = ways(world.cast.hq_warehouse, all_short(world.cast.hq_warehouse)).values()
    assert (way.from_place, way.lines) == (north.pk, (("P1", 2),))


@pytest.fixture
def supplied(world):
    """S001 asks D001 for 40 of the first product, of which D001 has 10 and 4 more in review; D001 buys it from HQ."""
    make_downstream(world, 10)
    add_rule(world.cast.d001.pk, RuleDraft("orders.order", unscoped_system_role("dealer_admin"), D(0), 1), actor=world.cast.dealer_admin)
    place_order(Placing(world.cast.d001.pk, world.cast.s001.pk, [NewLine(world.products[0].pk, D(40))], short="backorder"), actor=world.cast.sub_dealer)
    return world


def test_what_is_missing_is_ordered_from_who_sells_it_in_one_click_and_never_twice(client, supplied, django_assert_max_num_queries):
    sign_in(client, supplied.cast.dealer_admin)
    path, query, address = led(client, "/?side=sell", "Order")
    assert (path, query) == (reverse("order_new"), {"agreement": [str(supplied.agreement.pk)], "line": ["P1 26"]})
    with django_assert_max_num_queries(28):
        client.get("/?side=sell")
    page = client.get(address).content.decode()
    assert 'value="P1"' in page and 'value="26"' in page
    sent = {"agreement": supplied.agreement.pk, "lines-code": ["P1"], "lines-qty": ["26"], "lines-note": [""], "lines-ref": ["a"]}
    assert client.post(path, sent | {"short": "backorder"}).status_code == 302
    assert Order.unscoped.filter(buyer=supplied.cast.d001, lines__qty=26).exists()
    assert not ways(supplied.cast.dealer_admin, all_short(supplied.cast.dealer_admin))  # it is on its way
    assert "See the stock" in client.get("/?side=sell").content.decode()


def test_the_list_of_what_is_out_leads_to_the_same_form_and_shows_no_places_without_shelves(client, supplied, django_assert_max_num_queries):
    Stock.unscoped.filter(place__owner=supplied.cast.d001, product=supplied.products[0]).update(on_hand=0)
    sign_in(client, supplied.cast.dealer_admin)
    client.get(reverse("stock"), {"tab": "short"})
    with django_assert_max_num_queries(15):
        page = client.get(reverse("stock"), {"tab": "short"}).content.decode()
    assert f"agreement={supplied.agreement.pk}&amp;line=P1+36" in page
    assert "In transit" not in text(client.get(reverse("stock"), {"tab": "short"})).split("<tbody")[1]
    row = Stock.unscoped.get(place__owner=supplied.cast.d001, place__code="MAIN", product=supplied.products[0])
    assert "line=P1+36" in client.get(reverse("stock_item", args=[row.pk])).content.decode()


def test_what_is_out_and_nobody_asks_for_is_proposed_as_the_least_one_can_order(client, world):
    people = world.cast
    places = make_places(people.d001)
    make_stock(places["MAIN"], {world.products[2].pk: 1})
    Stock.unscoped.filter(place=places["MAIN"]).update(on_hand=0)
    type(world.products[2]).unscoped.filter(pk=world.products[2].pk).update(min_qty=5, pack_multiple=4)
    sign_in(client, people.dealer)
    assert "line=P3+8" in client.get(reverse("stock"), {"tab": "short"}).content.decode()
    sign_in(client, people.hq_auditor if hasattr(people, "hq_auditor") else people.hq_finance)
    assert "line=" not in client.get(reverse("stock"), {"tab": "short"}).content.decode()
