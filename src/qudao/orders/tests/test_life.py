"""The page of an order answers "where is it?": steps with times and names, for whom it waits since when, one timeline with what came out of it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from qudao.approvals.tests.make import make_rule
from qudao.base.outbox import drain
from qudao.messages.actions import write
from qudao.orders.actions import approve_order
from qudao.orders.pages.life import lines_of_life, waits
from qudao.orders.tests.make import make_world, place
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def page(client, actor, order):
    return sign_in(client, actor).get(reverse("order", args=[order.pk])).content.decode()


def test_an_order_in_review_waits_for_the_role_that_signs_and_the_buyer_reads_only_the_side(world, client):
    cast = world.cast
    make_rule(cast.lh, "hq_finance", "0")
    order = place(world, 1)
    assert f"{cast.hq_finance.name} (Finance clerk)" in page(client, cast.hq_clerk, order)
    told = page(client, world.dealer, order)
    assert "Waits for" in told and "approval for" in told and "Finance clerk" not in told.partition("<aside")[0]
    approve_order(order.pk, actor=cast.hq_finance)
    order.refresh_from_db()
    assert "warehouse" in waits(cast.hq_clerk, order) and cast.hq_finance.name in page(client, world.dealer, order)


def test_the_list_says_for_whom_each_order_waits(world, client):
    place(world, 1)
    listed = sign_in(client, world.dealer).get(reverse("orders")).content.decode()
    assert "Waits for" in listed and "warehouse" in listed


def test_messages_stay_out_of_the_timeline(world, client):
    order = place(world, 1)
    drain()
    write("orders.order", order.pk, "hello", actor=world.dealer)
    assert [line.verb for line in lines_of_life(order)].count("messages.write") == 1
    timeline = page(client, world.dealer, order).partition("What happened")[2]
    assert timeline.count("<li>") == 1 and "placed the order" in timeline
