"""What is scarce is told where one orders: catalogue, basket and desk say what is left."""

from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.baskets.actions import add_lines
from qudao.baskets.rules import Entry
from qudao.orders.tests.make import make_world
from qudao.people.tests.make import sign_in
from qudao.portal.tests.test_desk import said
from qudao.quotas.tests.make import make_quota

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client):
    client.cookies["qudao_language"] = "en"
    world = make_world([100, 100, 100])
    make_quota(world.cast.lh, world.products[0].pk, 10, {world.cast.d001: 6})
    sign_in(client, world.dealer)
    return world


def test_the_catalogue_says_what_is_left(world, client):
    page = client.get(reverse("shop")).content.decode()
    assert page.count("Scarce: 6") == 1


def test_the_desk_refuses_at_the_line_and_one_press_takes_what_is_left(world, client):
    (row,) = said(client, world, ("1", world.products[0].code, "7"))["rows"].values()
    told = str(row)
    assert "is scarce: 6" in told and "'6'" in told.replace('"', "'").replace("\\", "")
    (row,) = said(client, world, ("1", world.products[0].code, "6"))["rows"].values()
    assert "Scarce: 6" in str(row) and "is scarce" not in str(row)


def test_the_basket_refuses_at_the_line(world, client):
    add_lines(world.agreement.pk, [Entry(world.products[0].pk, Decimal(7))], actor=world.dealer)
    assert "is scarce: 6" in client.get(reverse("basket")).content.decode()
