"""What can be taken back does not ask first: it is done, and the toast offers the way back, which leaves everything as it was."""

from __future__ import annotations

import html
import re
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.models import Agreement
from qudao.baskets.actions import add_lines, save_template, unload_template
from qudao.baskets.models import Line
from qudao.baskets.rules import Entry
from qudao.fulfilment.actions import pack_rest
from qudao.fulfilment.models import Shipment
from qudao.funds.models import Account
from qudao.kernel.errors import NotFound
from qudao.orders.models import Order
from qudao.orders.tests.make import World, assert_sound, make_world, place
from qudao.people.tests.make import sign_in


@pytest.fixture
def world(db) -> World:
    return make_world()


def undo(client, page: str) -> str:
    """Press Undo in the toast of a page; the page after it, "" where nothing is offered."""
    toast = re.search(r'<div class="q-toast[^>]* data-undo>(.*?)</form>', client.get(page).content.decode(), re.S)
    if toast is None:
        return ""
    address = re.search(r'action="([^"]*)"', toast[1])
    assert address is not None
    fields = {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', toast[1])}
    answer = client.post(html.unescape(address[1]), fields)
    assert answer.status_code == 302, answer.content.decode()[:500]
    return address[1]


def button(client, page: str, address: str) -> str:
    """How a page offers a way: as a form that posts, or as a link that asks."""
    shown = client.get(page).content.decode()
    return "post" if f'action="{address}"' in shown else "ask" if f'href="{address}"' in shown else ""


def test_picking_begins_and_stops_without_a_question(client, world):
    client = sign_in(client, world.cast.hq_warehouse)
    order = place(world, 5)
    begin = reverse("order_picking", args=[order.pk])
    assert button(client, order.get_absolute_url(), begin) == "post"
    assert client.post(begin).status_code == 302
    shipment = Shipment.unscoped.get(order=order, state="picking")
    page, stop = shipment.get_absolute_url(), reverse("shipment_unpicking", args=[shipment.pk])
    assert undo(client, page) == stop and Shipment.unscoped.get(order=order).state == "created"
    client.get(page)  # the toast of the undo itself
    assert client.post(reverse("shipment_picking", args=[shipment.pk])).status_code == 302
    shipment = Shipment.unscoped.get(order=order, state="picking")
    page, stop = shipment.get_absolute_url(), reverse("shipment_unpicking", args=[shipment.pk])
    client.get(page)
    assert button(client, page, stop) == "post" and client.post(stop).status_code == 302
    assert undo(client, page) == begin and Shipment.unscoped.filter(order=order, state="picking").count() == 1
    assert Order.unscoped.get().fulfilment == "picking"
    assert_sound()


def test_what_is_packed_is_asked_about_and_does_not_come_back(client, world):
    client = sign_in(client, world.cast.hq_warehouse)
    order = place(world, 5)
    client.post(reverse("order_picking", args=[order.pk]))
    shipment = Shipment.unscoped.get(order=order, state="picking")
    pack_rest(shipment.pk, actor=world.cast.hq_warehouse)
    page, stop = shipment.get_absolute_url(), reverse("shipment_unpicking", args=[shipment.pk])
    client.get(page)
    assert button(client, page, stop) == "ask"
    assert client.post(stop).status_code == 302 and undo(client, page) == ""
    assert_sound()


def test_a_suspended_agreement_is_in_force_again(client, world):
    client, page = sign_in(client, world.cast.hq_admin), world.agreement.get_absolute_url()
    assert client.post(reverse("agreement_suspension", args=[world.agreement.pk]), {"reason": "overdue"}).status_code == 302
    assert undo(client, page) == reverse("agreement_activation", args=[world.agreement.pk])
    assert Agreement.unscoped.get(pk=world.agreement.pk).state == "active"
    assert undo(client, page) == reverse("agreement_suspension", args=[world.agreement.pk]), "and back, with a reason in the log"
    assert Agreement.unscoped.get(pk=world.agreement.pk).state == "suspended"


def test_a_hold_of_credit_is_taken_back_to_what_was_before(client, world):
    client, page = sign_in(client, world.cast.hq_finance), reverse("fund", args=[world.account.pk])

    def kept():
        account = Account.unscoped.get(pk=world.account.pk)
        return account.by_hand, str(account.by_hand_until or ""), account.by_hand_reason

    free = kept()
    freeze = reverse("fund_freeze", args=[world.account.pk])
    assert client.post(freeze, {"state": "hold", "until": "2099-12-31", "reason": "cheque"}).status_code == 302
    held = kept()
    assert undo(client, page) == reverse("fund_unfreeze", args=[world.account.pk]) and kept()[:2] == free[:2]
    assert undo(client, page) == freeze and kept() == held, "with its day and reason"
    client.get(page)
    assert client.post(freeze, {"state": "stop", "until": "", "reason": "worse"}).status_code == 302 and kept()[0] == "stop"
    assert undo(client, page) == freeze and kept() == held


def test_a_template_goes_out_of_the_basket_as_it_came(client, world):
    first, second = world.products[:2]
    basket = add_lines(world.agreement.pk, [Entry(first.pk, D(4)), Entry(second.pk, D(2))], actor=world.dealer)
    kept = save_template(basket.pk, "Weekly", actor=world.dealer)
    client, page = sign_in(client, world.dealer), reverse("basket")
    Line.unscoped.filter(product=second).delete()
    assert client.post(reverse("template_load", args=[kept.pk])).status_code == 302
    assert dict(Line.unscoped.values_list("product_id", "qty")) == {first.pk: 8, second.pk: 2}
    assert undo(client, page) == reverse("template_unload", args=[kept.pk])
    assert dict(Line.unscoped.values_list("product_id", "qty")) == {first.pk: 4}
    assert "Take out of the basket" in client.get(reverse("template_unload", args=[kept.pk])).content.decode()
    with pytest.raises(NotFound):
        unload_template(kept.pk, actor=world.cast.hq_clerk if world.cast.hq_clerk.can("baskets.use") else world.cast.dealer_admin)
