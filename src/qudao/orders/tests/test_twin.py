"""The same lines of the same buyer within minutes are asked about; a retry is no such case."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.orders.actions import cancel_order, place_order
from qudao.orders.models import Order
from qudao.orders.tests.make import make_world, place, placing
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return make_world()


def guarded(world, *quantities, key=None):
    return place_order(placing(world, *quantities, guarded=True), actor=world.dealer, client_id=key or uuid4())


def test_the_same_lines_again_are_asked_about_in_any_order_of_lines(world):
    first = guarded(world, 3, 4)
    again = placing(world, 3, 4, guarded=True)
    for same in (again, replace(again, lines=list(reversed(again.lines)))):
        with pytest.raises(Refused) as refusal:
            place_order(same, actor=world.dealer, client_id=uuid4())
        assert [(f.code, f.params["number"]) for f in refusal.value.faults] == [("orders.twin", first.number)]
    assert place(world, 3, 4).pk != first.pk, "who says that it is meant may"


def test_what_differs_is_late_or_dead_is_none(world):
    first = guarded(world, 3, 4)
    assert guarded(world, 3, 5) and guarded(world, 3) and guarded(world, 3, 4, 1)
    Order.unscoped.filter(pk=first.pk).update(placed_at=clock.now() - timedelta(minutes=11))
    second = guarded(world, 3, 4)
    cancel_order(second.pk, reason="no", actor=world.dealer)
    assert guarded(world, 3, 4)


def test_a_retry_with_the_same_client_id_returns_the_first_order(world):
    key = uuid4()
    assert guarded(world, 3, key=key).pk == guarded(world, 3, key=key).pk


def test_the_api_asks_first(world, client):
    sign_in(client, world.dealer)
    body = {"seller_id": world.cast.lh.pk, "buyer_id": world.cast.d001.pk, "lines": [{"product": "P1", "qty": "2"}]}
    answers = [client.post("/api/v1/orders", {**body, **more}, content_type="application/json") for more in ({}, {}, {"twin_ok": True})]
    assert [answer.status_code for answer in answers] == [201, 409, 201]
    assert answers[1].json()["faults"][0]["code"] == "orders.twin"
