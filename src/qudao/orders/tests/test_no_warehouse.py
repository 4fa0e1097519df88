"""A seller without a warehouse: who orders there is told in one sentence what is missing and who can mend it."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.inventory.actions import register_place
from qudao.inventory.models import Place
from qudao.kernel.errors import Refused
from qudao.orders import actions
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_credit, make_prices, make_world
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def bare(db):
    """D001 sells to S001 and has no place at all."""
    world = make_world()
    Place.unscoped.filter(owner=world.cast.d001).delete()
    make_prices(world.cast.d001, world.products[:1])
    make_credit(make_agreement(world.cast.d001, world.cast.s001))
    return world


def asked(world):
    return Placing(world.cast.d001.pk, world.cast.s001.pk, [NewLine(world.products[0].pk, D(1))])


def test_it_is_said_and_not_missing(bare, client):
    with pytest.raises(Refused) as caught:
        actions.place_order(asked(bare), actor=bare.cast.sub_dealer)
    assert [one.code for one in caught.value.faults] == ["inventory.no_warehouse"]
    (entered,) = actions.place_orders([(asked(bare), None)], actor=bare.cast.sub_dealer)
    assert [one.code for one in entered.faults] == ["inventory.no_warehouse"]
    body = {"seller_id": bare.cast.d001.pk, "buyer_id": bare.cast.s001.pk, "lines": [{"product_id": bare.products[0].pk, "qty": "1"}]}
    answer = client.post("/api/v1/orders", body, content_type="application/json", headers=bearer(bare.cast.sub_dealer))
    assert answer.status_code == 409 and "inventory.no_warehouse" in answer.content.decode()
    buyer = sign_in(client, bare.cast.sub_dealer)
    assert buyer.get(reverse("shop")).status_code == 200


def test_who_is_named_mends_it(bare):
    register_place("main", actor=bare.cast.dealer_admin)
    with pytest.raises(Refused) as caught:
        actions.place_order(asked(bare), actor=bare.cast.sub_dealer)
    assert {one.code for one in caught.value.faults} == {"inventory.short"}, "only the goods are missing now"
