"""Receiving from an outside seller: lots that come with the goods, photos of what is wrong, and what it costs however many lines there are."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from PIL import Image

from qudao.base.models import StoredFile
from qudao.fulfilment.actions import receive_purchase
from qudao.fulfilment.rules import Count
from qudao.inventory.actions import LotQty, track_product
from qudao.inventory.models import Lot
from qudao.kernel import clock
from qudao.kernel.errors import Invalid
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_world
from qudao.orders.tests.outside import make_outside
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def outside(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_outside(make_world([1]).cast)


def lines_of(order):
    return list(Line.unscoped.filter(order=order).order_by("no"))


def row(line, **values):
    names = ("received", "damaged", "short", "over", "refused", "wrong", "wrong_product", "note", "lots")
    return {"lines-ref": line.pk, **{f"lines-{name}": values.get(name, "") for name in names}, "delivery_note": "DN-1"}


def test_lots_come_with_the_goods(outside, client):
    product = outside.products[0]
    track_product(product.pk, 200, actor=replace(outside.admin, org_id=outside.supplier.pk))
    order, good = outside.order(8, 1), clock.today() + timedelta(days=90)
    tracked, plain = lines_of(order)
    with pytest.raises(Invalid, match=r"inventory\.lot_missing"):
        receive_purchase(order.pk, [Count(tracked.pk, D(2))], actor=outside.buyer)
    with pytest.raises(Invalid, match=r"inventory\.lot_untracked"):
        receive_purchase(order.pk, [Count(plain.pk, D(1))], lots={plain.pk: (LotQty("L", None, D(1)),)}, actor=outside.buyer)
    with pytest.raises(Invalid, match=r"fulfilment\.unknown_line"):
        receive_purchase(order.pk, [Count(plain.pk, D(1))], lots={tracked.pk: (LotQty("L", None, D(1)),)}, actor=outside.buyer)
    receive_purchase(order.pk, [Count(tracked.pk, D(3))], lots={tracked.pk: (LotQty("L1", good, D(2)), LotQty("L2", None, D(1)))}, actor=outside.buyer)
    sign_in(client, outside.buyer)
    url = reverse("order_receipt", args=[order.pk])
    assert client.post(url, row(tracked, received="5", lots="L3 × 9")).status_code == 409, "lots make the quantity"
    assert client.post(url, row(tracked, received="4", damaged="1", lots=f"L1 × 4 {good}, L3")).status_code == 409
    assert client.post(url, row(tracked, received="5", lots=f"L1 × 4 {good}, L3 × 1")).status_code == 302
    found = Lot.unscoped.filter(place__owner=outside.keeper, qty__gt=0)
    assert {(one.lot, one.expires_on) for one in found} == {("L1", good), ("L2", None), ("L3", None)}
    assert_sound()


def test_photos_are_taken_with_the_count(outside, client):
    order = outside.order(4)
    (line,) = lines_of(order)
    picture = BytesIO()
    Image.new("RGB", (60, 40), "teal").save(picture, "JPEG")
    sign_in(client, outside.buyer)
    url = reverse("order_receipt", args=[order.pk])
    sent = row(line, received="3", damaged="1") | {f"photo-{line.pk}": SimpleUploadedFile("dent.jpg", picture.getvalue())}
    assert client.post(url, sent).status_code == 302
    assert StoredFile.unscoped.filter(subject_kind="fulfilment.receiptline").count() == 1
    assert_sound()


def test_the_statements_do_not_grow_with_the_lines(outside):
    counted = []
    for quantities in ((9,), (9, 9)):
        order = outside.order(*quantities)
        receive_purchase(order.pk, [Count(line.pk, D(1)) for line in lines_of(order)], actor=outside.buyer)
        with CaptureQueriesContext(connection) as asked:
            receive_purchase(order.pk, [Count(line.pk, D(2)) for line in lines_of(order)], actor=outside.buyer)
        counted.append(len(asked))
    assert counted[0] == counted[1] <= 20, counted
