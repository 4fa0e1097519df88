"""Where nobody works at the buyer (an outside customer, an outlet without people) its seller writes down what arrived; nobody else does."""

from __future__ import annotations

import pytest
from django.urls import reverse

from qudao.base.access import visible
from qudao.base.tests.page_text import text
from qudao.fulfilment.actions import Arriving, confirm_receipt, confirm_receipts, refuse_shipment
from qudao.fulfilment.models import Receipt, Shipment
from qudao.fulfilment.tests.make import make_world, place, shipped
from qudao.kernel.errors import Forbidden, NotFound
from qudao.people.models import Membership
from qudao.people.states import MemberState
from qudao.people.tests.make import sign_in


@pytest.fixture
def world(db):
    return make_world()


def empty(world):
    Membership.unscoped.filter(org=world.cast.d001).update(state=MemberState.ENDED)


def test_the_seller_receives_for_a_buyer_without_people(world, client):
    shipment = shipped(world, place(world, 2))
    clerk = world.cast.hq_warehouse
    with pytest.raises(Forbidden):
        confirm_receipt(shipment.pk, actor=clerk)
    page = reverse("shipment", args=[shipment.pk])
    assert reverse("shipment_receipt", args=[shipment.pk]) not in text(sign_in(client, clerk).get(page))
    assert not visible(clerk, Shipment, "fulfilment.receive").exists()
    empty(world)
    assert reverse("shipment_receipt", args=[shipment.pk]) in text(sign_in(client, clerk).get(page))
    assert [one.pk for one in visible(clerk, Shipment, "fulfilment.receive")] == [shipment.pk]
    receipt = confirm_receipt(shipment.pk, actor=clerk)
    assert (receipt.received_by, Shipment.unscoped.get(pk=shipment.pk).state) == (clerk.user_id, "received")


def test_many_and_refused_ones_go_the_same_way_and_strangers_do_not(world):
    first, second = shipped(world, place(world, 1)), shipped(world, place(world, 1))
    with pytest.raises(Forbidden):
        confirm_receipts([Arriving(first.pk)], actor=world.cast.hq_warehouse)
    empty(world)
    for other in (world.cast.stranger, world.cast.sub_dealer):
        with pytest.raises((NotFound, Forbidden)):
            confirm_receipt(first.pk, actor=other)
    confirm_receipts([Arriving(first.pk)], actor=world.cast.hq_warehouse)
    refuse_shipment(second.pk, "sent back", actor=world.cast.hq_warehouse)
    assert Receipt.unscoped.count() == 2
