"""A purchase from an outside seller by the file of the desk: read, judged at its rows, and placed as an outside purchase."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from python_calamine import CalamineWorkbook

from qudao.network.models import Organisation
from qudao.orders.models import Order
from qudao.orders.tests.make import assert_sound
from qudao.orders.tests.outside import make_outside
from qudao.people.tests.make import actor_of, cast, make_member, sign_in

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}


@pytest.fixture
def outside():
    return make_outside(cast())


def sent(client, outside, body, **more):
    data = {"agreement": outside.agreement.pk, "file": SimpleUploadedFile("order.csv", body.encode()), **more}
    return client.post(reverse("order_file"), data, headers={} if more else JSON)


def test_the_file_of_a_purchase_is_read_and_placed(client, outside):
    sign_in(client, outside.buyer)
    answer = sent(client, outside, "code,qty\nX1,4\nX2,10\n").json()
    assert answer["rows"] == [["X1", "4"], ["X2", "10"]] and "2 lines in the file, 2 of them right." in answer["said"]
    row = {"agreement": outside.agreement.pk, "lines-code": ["X1", "X2"], "lines-qty": ["4", "10"], "requested_on": "", "note": "", "po_number": ""}
    assert client.post(reverse("order_new"), {**row, "do": "submit"}).status_code == 302
    order = Order.unscoped.get()
    assert (order.kind, order.seller_id, order.gross) == ("external", outside.supplier.pk, 400)
    assert order.number.startswith("PO-") and order.allocation == "outside"
    assert_sound()


def test_what_is_wrong_stands_at_its_row(client, outside):
    sign_in(client, outside.buyer)
    body = "code,qty\nX1,4\nP1,1\nX2,many\n"
    answer = sent(client, outside, body).json()
    assert "3 lines in the file, 1 of them right." in answer["said"]
    sheet = CalamineWorkbook.from_filelike(BytesIO(sent(client, outside, body, errors="1").content)).get_sheet_by_index(0).to_python()
    assert [row[:3] for row in sheet[1:]] == [[3.0, "Code", "P1"], [4.0, "Quantity", "many"]] and all(row[3] and row[4] for row in sheet[1:])
    assert not Order.unscoped.exists()
    beside = actor_of(make_member("beside@example.com", Organisation.unscoped.get(code="D002"), "dealer_buyer"))
    assert sent(sign_in(client, beside), outside, body).status_code in (404, 422), "nobody else buys under this agreement"
