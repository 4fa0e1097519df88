"""Basket and desk say what is missing to the smallest order, before it is submitted."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.actions import set_min_order
from qudao.base.access import system_actor
from qudao.base.tests.page_text import text
from qudao.baskets.actions import add_lines, describe_basket
from qudao.baskets.actions.fill import BasketFacts
from qudao.baskets.rules import Entry
from qudao.orders.models import Order
from qudao.orders.tests.make import World, make_world
from qudao.people.tests.make import sign_in


@pytest.fixture
def world(db) -> World:
    """Products at 100 with 13 % tax in it; an order must come to 500 before tax; two pieces are in the basket."""
    world = make_world()
    set_min_order(world.agreement.pk, D(500), actor=system_actor())
    add_lines(world.agreement.pk, [Entry(world.products[0].pk, D(2))], actor=world.dealer)
    return world


def test_the_basket_names_what_is_missing_and_the_submit_is_refused(client, world):
    client = sign_in(client, world.dealer)
    for address in ("basket", "basket_aside"):
        assert "¥323.01 more (before tax) to the smallest order" in text(client.get(reverse(address)))
    answer = client.post(reverse("basket"), {"agreement": world.agreement.pk, "do": "submit"})
    assert "must come to 500.00 CNY before tax" in text(answer, 409) and not Order.unscoped.exists()
    describe_basket(world.agreement.pk, BasketFacts(kind="emergency"), actor=world.dealer)
    assert "to the smallest order" not in text(client.get(reverse("basket")))
    describe_basket(world.agreement.pk, BasketFacts(), actor=world.dealer)
    add_lines(world.agreement.pk, [Entry(world.products[1].pk, D(4))], actor=world.dealer)
    assert "to the smallest order" not in text(client.get(reverse("basket")))
    assert client.post(reverse("basket"), {"agreement": world.agreement.pk, "do": "submit"}).status_code == 302


def test_the_desk_names_it_while_one_types(client, world):
    client = sign_in(client, world.cast.hq_clerk)
    about = {"agreement": world.agreement.pk, "dealer": "", "lines-code": world.products[0].code, "lines-qty": "2"}
    assert "¥323.01 more (before tax) to the smallest order" in client.post(reverse("order_preview"), about).json()["aside"]
    assert "to the smallest order" not in client.post(reverse("order_preview"), {**about, "kind": "emergency"}).json()["aside"]
    assert "to the smallest order" not in client.post(reverse("order_preview"), {**about, "lines-qty": "6"}).json()["aside"]
