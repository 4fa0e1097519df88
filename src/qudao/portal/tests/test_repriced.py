"""On a change of prices: what it would have made of the orders of the last months, and that open orders keep their prices."""

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.orders.models import Line, Order
from qudao.orders.tests.make import make_world, place
from qudao.people.tests.make import sign_in
from qudao.portal.queries.repriced import repriced
from qudao.pricing.actions import ChangeDraft, draft_change, release_change
from qudao.pricing.models import PriceChange, PriceList
from qudao.pricing.rules import NewPrice

pytestmark = pytest.mark.django_db


def test_orders_are_priced_again_and_keep_their_price(client):
    world = make_world()
    first, second = place(world, 1), place(world, 3)
    line = Line.unscoped.filter(order=first).get()
    assert line.price_source != "special", line.price_source
    price_list = PriceList.unscoped.get(owner_id=first.seller_id, code=line.price_steps[0]["code"])
    admin = world.cast.hq_admin
    new = line.unit_price + 7
    prices = [NewPrice(line.product_id, new), NewPrice(line.product_id, new + 100, D(1000))]
    change = draft_change(price_list.pk, ChangeDraft("Autumn", clock.today()), prices, actor=admin)
    change = PriceChange.unscoped.select_related("list").get(pk=change.pk)
    qty = sum(Line.unscoped.filter(order__in=[first, second]).values_list("qty", flat=True))
    found = repriced(admin, change, first.ordered_on)
    assert (found.orders, found.lines, found.delta) == (2, 2, qty * 7)
    Order.unscoped.filter(pk=second.pk).update(status="cancelled")
    assert repriced(admin, change, first.ordered_on).orders == 1
    Line.unscoped.filter(order=first).update(price_source="special")
    assert repriced(admin, change, first.ordered_on).orders == 0
    Line.unscoped.filter(order=first).update(price_source=line.price_source)
    page = text(sign_in(client, admin).get(f"{reverse('price_change', args=[change.pk])}?months=3"))
    assert "Orders of the last 3 months" in page and "+" in page
    before = Line.unscoped.get(pk=line.pk).unit_price
    release_change(change.pk, actor=admin)
    assert Line.unscoped.get(pk=line.pk).unit_price == before and Line.unscoped.filter(order=place(world, 1)).get().unit_price == new
