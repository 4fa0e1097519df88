"""Shipments on paper: the sender's list to pick by, the papers of both sides, and the label with a number that scanners check."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest

from qudao.base.printing import pdf_of
from qudao.base.tests.pdf_text import pages_of
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.prints import DELIVERY_NOTE, DOCUMENTS, LABEL, PACKING_LIST, PICK_LIST, labels, link_of, picks
from qudao.fulfilment.tests.make import lines, place, shipped
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.kernel.gs1 import check_digit
from qudao.network.actions import add_address, change_organisation
from qudao.network.rules import AddressFacts, OrgFacts
from qudao.orders.actions import readdress_order
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


def text(document, actor, *ids, language="en"):
    return "\n".join(pages_of(pdf_of(document, actor, ids, language=language)))


def test_the_warehouse_picks_by_a_list_in_the_order_of_the_shelves(world):
    shipment = shipped(world, place(world, 3, 2, 1))
    listed = text(PICK_LIST, world.cast.hq_warehouse, shipment.pk)
    assert f"Pick list {shipment.number}" in listed
    codes = sorted(line.product.code for line in lines(shipment))
    assert [listed.index(code) for code in codes] == sorted(listed.index(code) for code in codes)
    assert f"拣货单 {shipment.number}" in text(PICK_LIST, world.cast.hq_warehouse, shipment.pk, language="zh-hans")


def test_nobody_but_the_sender_reads_where_goods_lie(world):
    shipment = shipped(world, place(world, 1))
    with pytest.raises(Forbidden):
        text(PICK_LIST, world.dealer, shipment.pk)
    assert not picks(world.dealer, shipment)
    for document in DOCUMENTS:
        with pytest.raises(NotFound):
            text(document, world.cast.stranger, shipment.pk)


def test_both_sides_print_what_goes_with_the_goods_and_no_price_is_on_it(world):
    shipment = shipped(world, place(world, 3, 2))
    for actor in (world.cast.hq_warehouse, world.dealer):
        packing, note = text(PACKING_LIST, actor, shipment.pk), text(DELIVERY_NOTE, actor, shipment.pk)
        assert f"Packing list {shipment.number}" in packing and "Units in all" in packing
        assert f"Delivery note {shipment.number}" in note and "Received in full and undamaged" in note and "SF1001" in note
        assert "100.00" not in packing + note and "¥" not in packing + note


def test_every_paper_and_the_page_name_where_the_goods_go_and_dispatch_ends_changing_it(world, client):
    store = add_address(world.cast.d001.pk, AddressFacts("Wang Fang", "0571-8899", "Wensan Road 8"), actor=world.dealer)
    order = place(world, 2)
    shipment = shipped(world, order)
    for document in (PICK_LIST, PACKING_LIST, DELIVERY_NOTE, LABEL):
        said = text(document, world.cast.hq_warehouse, shipment.pk)
        assert "Wensan Road 8" in said and "Wang Fang 0571-8899" in said, document.name
    assert "Wensan Road 8" in sign_in(client, world.dealer).get(shipment.get_absolute_url()).content.decode()
    with pytest.raises(Refused, match="shipped_already"):
        readdress_order(order.pk, store.pk, actor=world.dealer)


def test_the_label_carries_the_number_of_the_unit(world):
    shipment = shipped(world, place(world, 3, 2))
    (label,) = labels(world.dealer, [shipment.pk])
    assert len(label.unit) == 18 and check_digit(label.unit[:-1]) == label.unit[-1] and str(shipment.pk) in label.unit
    (page,) = pages_of(pdf_of(LABEL, world.dealer, [shipment.pk], language="zh-hans"))
    assert f"(00) {label.unit}" in page and shipment.number in page and "收货方" in page
    (box,) = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", pdf_of(LABEL, world.dealer, [shipment.pk], language="en"))
    assert [round(float(points) / 72 * 25.4) for points in box] == [100, 150], "mm"


def test_the_number_of_the_unit_begins_with_the_senders_gs1_prefix(world):
    shipment = shipped(world, place(world, 1))
    seller = world.cast.lh
    facts = OrgFacts(**{one.name: getattr(seller, one.name) for one in fields(OrgFacts)})
    change_organisation(seller.pk, replace(facts, gs1_prefix="690 1234"), actor=world.cast.hq_admin)
    (label,) = labels(world.dealer, [shipment.pk])
    assert label.unit.startswith("06901234") and len(label.unit) == 18 and check_digit(label.unit[:-1]) == label.unit[-1]
    with pytest.raises(Invalid, match="gs1_prefix"):
        change_organisation(seller.pk, replace(facts, gs1_prefix="12"), actor=world.cast.hq_admin)


def test_many_shipments_take_as_many_statements_as_one(world, django_assert_max_num_queries):
    ids = [shipped(world, place(world, 1)).pk for _ in range(3)]
    for document, most in ((PICK_LIST, 2), (DELIVERY_NOTE, 2), (PACKING_LIST, 3), (LABEL, 3)):
        with django_assert_max_num_queries(most):
            assert len(pages_of(pdf_of(document, world.cast.hq_warehouse, ids, language="en"))) == 3


def test_the_scan_leads_to_the_page_of_the_shipment_if_the_installation_has_an_address(world, settings):
    shipment = Shipment.unscoped.get(pk=shipped(world, place(world, 1)).pk)
    settings.BASE_URL = "https://dms.example"
    assert link_of(shipment) == f"https://dms.example/shipments/{shipment.pk}/"
    settings.BASE_URL = ""
    assert link_of(shipment) == shipment.number
