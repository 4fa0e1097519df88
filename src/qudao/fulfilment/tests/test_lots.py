"""Lots on their way: proposed on the pick list, named at dispatch, told to the buyer, and the same at both ends."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.base.tests.page_text import text
from qudao.fulfilment.actions import confirm_receipt, dispatch_shipment, ship_orders, start_pick
from qudao.fulfilment.actions.batch import Leaving
from qudao.fulfilment.forms import read_lots
from qudao.fulfilment.prints import pick_lists
from qudao.fulfilment.tests.make import counts, lines, place, received
from qudao.inventory.actions import LotQty, OpeningLine, receive_opening, set_keeps, track_product
from qudao.inventory.models import Lot
from qudao.inventory.tests.make import make_places
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.orders.tests.make import assert_sound
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


def lots(place_id):
    return {(x.lot, x.qty) for x in Lot.unscoped.filter(place=place_id, qty__gt=0)}


def main_of(org):
    return make_places(org)["MAIN"]


@pytest.fixture
def by_lot(world):
    """The first product tracked by lot, with 4 that are good for ten days and 20 for a hundred beside 100 without a number."""
    product = world.products[0]
    track_product(product.pk, actor=world.cast.hq_admin)
    given = [OpeningLine(product.pk, D(q), lot, clock.today() + timedelta(days=n)) for lot, q, n in (("SOON", 4, 10), ("LATE", 20, 100))]
    receive_opening(world.shelf.main, given, "opening", actor=world.cast.hq_warehouse)
    return world


def test_the_buyer_gets_the_lots_that_left(by_lot):
    received(by_lot, place(by_lot, 6, 2), 1)
    assert lots(main_of(by_lot.cast.d001)) == {("SOON", D(4)), ("LATE", D(1))}
    assert lots(by_lot.shelf.claims) == {("LATE", D(1))} and lots(by_lot.shelf.transit) == set()
    assert_sound()


def test_the_warehouse_names_other_lots(by_lot):
    shipment = start_pick(place(by_lot, 6).pk, actor=by_lot.cast.hq_warehouse)
    (line,) = lines(shipment)
    with pytest.raises(Refused):
        dispatch_shipment(shipment.pk, lines={line.pk: [LotQty("SOON", None, D(5)), LotQty("LATE", None, D(1))]}, actor=by_lot.cast.hq_warehouse)
    dispatch_shipment(shipment.pk, lines={line.pk: [LotQty("LATE", None, D(5))]}, actor=by_lot.cast.hq_warehouse)
    assert lots(by_lot.shelf.transit) == {("LATE", D(5))}
    confirm_receipt(shipment.pk, counts(shipment, (2,)), actor=by_lot.dealer)
    assert lots(main_of(by_lot.cast.d001)) == {("LATE", D(3))}
    assert_sound()


def test_a_dispatch_list_takes_what_keeps_long_enough(by_lot):
    set_keeps(by_lot.agreement.pk, 30, actor=by_lot.cast.hq_admin)
    done = ship_orders([Leaving(place(by_lot, 6).pk), Leaving(place(by_lot, 2).pk)], actor=by_lot.cast.hq_warehouse)
    assert not done.refused and lots(by_lot.shelf.transit) == {("LATE", D(8))}
    assert_sound()


def test_lots_are_proposed_on_paper_and_page_and_told_to_the_buyer(by_lot, client):
    shipment = start_pick(place(by_lot, 6, 1).pk, actor=by_lot.cast.hq_warehouse)
    (paper,) = pick_lists(by_lot.cast.hq_warehouse, [shipment.pk])
    assert "SOON" in str(paper.rows[0]) and "LATE" in str(paper.rows[0]) and "Lot" not in str(paper.rows[1])
    sign_in(client, by_lot.cast.hq_warehouse)
    assert "SOON × 4, LATE × 2" in text(client.get(reverse("shipment_dispatch", args=[shipment.pk])))
    dispatch_shipment(shipment.pk, actor=by_lot.cast.hq_warehouse)
    sign_in(client, by_lot.dealer)
    page = text(client.get(reverse("shipment", args=[shipment.pk])))
    assert "SOON" in page and "LATE" in page


def test_lots_are_read_as_people_write_them():
    assert read_lots("A×2, B * 3；C×1", D(6)) == [LotQty("A", None, D(2)), LotQty("B", None, D(3)), LotQty("C", None, D(1))]
    assert read_lots("2024-A", D(6)) == [LotQty("2024-A", None, D(6))]
    for wrong in ("A, B", "A × x", "A × 0"):
        with pytest.raises(Invalid):
            read_lots(wrong, D(6))
