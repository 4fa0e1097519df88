"""What a seller does not show a buyer is nowhere to be met: shop, search, quick entry, desk, basket, templates, prices, API, and no order takes it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.actions import change_rule, set_rule
from qudao.agreements.models import AssortmentRule
from qudao.agreements.rules import RuleDraft
from qudao.approvals.tests.make import Api
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.baskets.actions import add_lines, save_template
from qudao.baskets.rules import Entry
from qudao.catalog.actions import join_equivalents, set_successor
from qudao.kernel.errors import DomainError
from qudao.orders.actions import Amendment, amend_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine
from qudao.orders.tests.make import make_world, place
from qudao.people.tests.make import sign_in
from qudao.portal.queries.desk import instead, similar, trade_of


@pytest.fixture
def world(db):
    """HQ sells P1, P2 and P3 to D001; P1 and P2 stand in for one another."""
    world = make_world()
    join_equivalents([world.products[0].pk, world.products[1].pk], actor=world.cast.hq_admin)
    return world


def hide(world):
    rule = set_rule(RuleDraft(False, date(2026, 1, 1), buyer_id=world.cast.d001.pk, product_id=world.products[0].pk), actor=world.cast.hq_admin)
    drain()
    return rule


def test_a_hidden_product_is_in_no_list_of_the_buyer(client, world):
    p1, p2 = world.products[0], world.products[1]
    basket = add_lines(world.agreement.pk, [Entry(p1.pk, D(1)), Entry(p2.pk, D(1))], actor=world.dealer)
    save_template(basket.pk, "weekly", actor=world.dealer)
    set_successor(p2.pk, p1.pk, date(2026, 1, 1), actor=world.cast.hq_admin)
    hide(world)
    buyer = sign_in(client, world.dealer)
    for address, there in (
        (f"{reverse('shop')}?q={p1.code}", False), (f"{reverse('shop')}?q={p2.code}", True), (f"{reverse('products')}?q={p1.code}", False),
        (f"{reverse('search')}?q={p1.code}", False), (reverse("prices"), False),
    ):  # fmt: skip
        page = text(buyer.get(address, follow=True))
        assert (p1.name in page, address) == (False, address)
        assert (p2.name in page) or not there
    assert buyer.get(reverse("product", args=[p1.pk])).status_code == 404
    assert p1.name not in text(buyer.get(reverse("product", args=[p2.pk])))  # neither as successor nor as equivalent
    found = buyer.get(reverse("order_suggest"), {"q": p1.code, "agreement": world.agreement.pk}).json()["results"]
    assert p1.code not in [one["value"] for one in found]
    clerk = sign_in(client, world.cast.hq_clerk)
    ask = {"q": p1.code}
    assert clerk.get(reverse("order_suggest"), ask).json()["results"][0]["value"] == p1.code
    assert p1.code not in [one["value"] for one in clerk.get(reverse("order_suggest"), ask | {"agreement": world.agreement.pk}).json()["results"]]


def test_the_api_does_not_tell_of_it(world):
    p1, p2 = world.products[0], world.products[1]
    hide(world)
    buyer = Api(world.dealer)
    assert p1.code not in [one["code"] for one in buyer("get", "/products")[1]["items"]] and buyer("get", f"/products/{p1.pk}")[0] == 404
    asked = f"/agreements/{world.agreement.pk}/availability?product_id={p1.pk}&product_id={p2.pk}"
    assert [one["product_id"] for one in buyer("get", asked)[1]["items"]] == [p2.pk]
    base = buyer("get", "/price-lists")[1]["items"][0]["id"]
    assert p1.pk not in [one["product_id"] for one in buyer("get", f"/price-lists/{base}/prices")[1]["items"]]
    lines = [{"product": p1.code, "qty": "1"}, {"product_id": p1.pk, "qty": "1"}, {"product_id": p2.pk, "qty": "1"}]
    body = {"seller_id": world.cast.lh.pk, "buyer_id": world.cast.d001.pk, "lines": lines}
    status, said = buyer("post", "/orders", body)
    assert status == 409 and {one["field"]: one["code"] for one in said["faults"]} == dict.fromkeys(
        ("lines.1.product", "lines.2.product"), "orders.not_offered"
    )
    assert p1.code in said["faults"][0]["sentence"]


def test_an_open_order_keeps_its_lines_and_takes_no_more(world):
    order = place(world, 2)
    rule = hide(world)
    line = order.lines.get()
    with pytest.raises(DomainError) as error:
        amend_order(order.pk, Amendment({line.pk: D(3)}, [NewLine(world.products[0].pk, D(1))]), actor=world.cast.hq_admin)
    assert "orders.not_offered" in {one.code for one in error.value.faults}
    assert Order.unscoped.get(pk=order.pk).lines.get().qty == 2
    with pytest.raises(DomainError):
        place(world, 1)
    change_rule(rule.pk, True, None, actor=world.cast.hq_admin)
    drain()
    assert place(world, 1).pk


def test_an_unknown_code_is_not_like_a_hidden_one(world):
    p1, clerk = world.products[0], world.cast.hq_clerk
    hide(world)
    assert p1 in similar(clerk, [f"{p1.code}X"])[f"{p1.code}X"]
    assert p1 not in similar(clerk, [f"{p1.code}X"], agreement_id=world.agreement.pk)[f"{p1.code}X"]


def test_what_is_hidden_does_not_stand_in(world):
    p1, p2 = world.products[0], world.products[1]
    trade = trade_of(world.dealer, str(world.agreement.pk))
    assert p1.code in [one.code for one in instead(world.dealer, trade, {p2.pk: D(1)}, [p2.pk]).get(p2.pk, [])]
    hide(world)
    assert instead(world.dealer, trade, {p2.pk: D(1)}, [p2.pk]) == {}
    assert AssortmentRule.unscoped.count() == 1
