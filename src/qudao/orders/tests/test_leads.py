"""Products with lead days of their own (made to order, imported): each line is promised for its day, the order for that of its slowest line."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.tests.make import make_rule
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.catalog.models import Product
from qudao.inventory.actions import set_reserve_days
from qudao.inventory.queries import unscoped_supply, unscoped_told
from qudao.inventory.tests.make import make_places, make_stock
from qudao.kernel import clock
from qudao.kernel.period import working_day
from qudao.messages.models import Notice
from qudao.orders import actions
from qudao.orders.actions import Amendment, Splitting
from qudao.orders.models import Line, Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import assert_sound, make_credit, make_prices, make_world, place, placing
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def slow(db):
    """The second of three products takes twelve working days; the terms say two."""
    world = make_world()
    Product.unscoped.filter(pk=world.products[1].pk).update(lead_days=12)
    return world


def usual():
    return working_day(clock.today(), 2)


def late():
    return working_day(clock.today(), 12)


def days(order):
    return list(Line.unscoped.filter(order=order).order_by("no").values_list("promised_on", flat=True))


def fresh(order):
    return Order.unscoped.get(pk=order.pk)


def test_each_line_has_its_day_and_the_order_that_of_the_slowest(slow):
    order = place(slow, 1, 1, 1)
    assert days(order) == [usual(), late(), usual()] and fresh(order).promised_on == late()
    assert fresh(place(slow, 2)).promised_on == usual(), "what is not in it does not hold it up"
    assert_sound()


def test_less_than_the_terms_say_changes_nothing_and_a_wish_beyond_goes_first(slow):
    Product.unscoped.filter(pk=slow.products[0].pk).update(lead_days=1)
    assert days(place(slow, 1)) == [usual()]
    wish = clock.today() + timedelta(days=60)
    order = actions.place_order(placing(slow, 1, 1, requested_on=wish), actor=slow.dealer)
    assert days(order) == [wish, wish] and fresh(order).promised_on == wish


def test_a_batch_promises_as_one(slow):
    (made,) = actions.place_orders([(placing(slow, 1, 1), None)], actor=slow.dealer)
    assert days(made.order) == [usual(), late()] and fresh(made.order).promised_on == late()


def test_a_supply_knows_the_lead_days_that_are_asked_for(slow):
    supply = unscoped_supply(slow.agreement.pk)
    assert supply.leads == {slow.products[1].pk: 12} and supply.days() == ([slow.products[1].pk], [late()], usual())
    assert unscoped_supply(slow.agreement.pk, [slow.products[0].pk]).leads == {}


def test_what_is_signed_later_is_promised_then(slow):
    make_rule(slow.cast.lh, "hq_finance")
    order = place(slow, 1, 1)
    assert days(order) == [None, None] and order.promised_on is None
    actions.approve_order(order.pk, actor=slow.cast.hq_finance)
    assert days(order) == [usual(), late()] and fresh(order).promised_on == late()
    assert_sound()


def test_what_waits_for_goods_is_promised_for_its_day_when_they_come(slow):
    order = place(slow, 101, 101, short="backorder")
    assert days(order) == [None, None]
    make_stock(slow.shelf.main, {slow.products[1].pk: 1})
    drain()
    assert days(order) == [None, late()] and fresh(order).promised_on is None
    make_stock(slow.shelf.main, {slow.products[0].pk: 1})
    drain()
    assert days(order) == [usual(), late()] and fresh(order).promised_on == late(), "the last one that came in is not the slowest"
    told = Notice.unscoped.filter(code="orders.refilled", user_id=slow.dealer.user_id).get()
    assert told.params["day"] == late().isoformat()
    assert_sound()


def test_added_split_and_waiting_lines_have_their_days(slow):
    order = place(slow, 1)
    actions.amend_order(order.pk, Amendment(added=[NewLine(slow.products[1].pk, D(1))]), actor=slow.cast.hq_clerk)
    assert days(order) == [usual(), late()] and fresh(order).promised_on == late()
    first, second = Line.unscoped.filter(order=order).order_by("no")
    made = actions.split_order(order.pk, Splitting({second.pk: D(1)}), actor=slow.cast.hq_clerk)
    assert days(made) == [late()] and (fresh(made).promised_on, fresh(order).promised_on) == (late(), usual())
    assert first.promised_on == usual()
    assert_sound()


def test_goods_are_kept_until_the_slowest_leaves(slow):
    set_reserve_days(slow.agreement.pk, 3, actor=slow.cast.hq_warehouse)
    drain()
    assert fresh(place(slow, 1, 1)).reserved_until >= late()
    assert fresh(place(slow, 1)).reserved_until < late()


def test_shop_and_desk_tell_the_day_of_the_product(slow):
    told = unscoped_told(slow.agreement.pk, {p.pk: D(1) for p in slow.products})
    assert [told[p.pk].promise[0][0] for p in slow.products] == [usual(), late(), usual()]


def test_page_and_programs_know_the_lead_days(slow, client):
    owner = sign_in(client, slow.cast.hq_admin)
    assert "12 working days" in text(owner.get(reverse("product", args=[slow.products[1].pk])))
    api = client.get(f"/api/v1/products/{slow.products[1].pk}", headers=bearer(slow.cast.hq_admin)).json()
    assert api["lead_days"] == 12
    change = {name: api[name] for name in ("code", "name", "name_en", "unit", "tax_rate", "gtin", "min_qty", "pack_multiple", "max_qty", "weight", "volume")}
    put = client.put(
        f"/api/v1/products/{slow.products[1].pk}", change | {"lead_days": 300}, content_type="application/json", headers=bearer(slow.cast.hq_admin)
    )
    assert put.status_code == 422 and "catalog.lead_days_wrong" in put.content.decode()
    put = client.put(f"/api/v1/products/{slow.products[1].pk}", change | {"lead_days": 20}, content_type="application/json", headers=bearer(slow.cast.hq_admin))
    assert put.status_code == 200 and Product.unscoped.get(pk=slow.products[1].pk).lead_days == 20


def test_who_resells_promises_by_the_own_stock_and_terms(slow):
    """The brand needs twelve days for it; the dealer has it on the shelf and two days in its terms."""
    cast, goods = slow.cast, slow.products[1]
    resale = make_agreement(cast.d001, cast.s001)
    make_credit(resale, D(100_000))
    make_prices(cast.d001, [goods])
    place_id = make_places(cast.d001)["MAIN"]
    make_stock(place_id, {goods.pk: 5})
    assert unscoped_supply(resale.pk).leads == {}
    asked = [NewLine(goods.pk, D(5))]
    order = actions.place_order(Placing(cast.d001.pk, cast.s001.pk, asked, short="backorder"), actor=cast.sub_dealer)
    assert days(order) == [usual()]
    more = actions.place_order(Placing(cast.d001.pk, cast.s001.pk, asked, short="backorder"), actor=cast.sub_dealer)
    assert days(more) == [None], "what is not on the shelf has no day until it comes"
    assert days(place(slow, 0, 1)) == [late()], "of the brand it takes twelve"
    assert_sound()
