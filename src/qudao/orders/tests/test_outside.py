"""A purchase from a seller that has nobody here: placed, signed in the own house, confirmed by the seller, changed, and nobody else's business."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.approvals.tests.make import make_rule
from qudao.base.outbox import drain
from qudao.base.tests.edit_cell import edit
from qudao.base.tests.page_text import text
from qudao.funds.actions import set_limit
from qudao.funds.models import Account
from qudao.funds.queries import unscoped_card
from qudao.funds.rules import LimitTerms
from qudao.inventory.models import Reservation, Stock
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.pages.lists import OrderList
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.orders.tests.outside import again, make_outside
from qudao.people.models import Membership
from qudao.people.tests.make import actor_of, bearer, make_member, sign_in

pytestmark = pytest.mark.django_db
API = "/api/v1"
JSON = "application/json"


@pytest.fixture
def world(db):
    return make_world([10])


@pytest.fixture
def outside(world):
    return make_outside(world.cast)


def test_a_purchase_holds_nothing_that_is_the_sellers(world, outside):
    order = outside.order(10, 5, po_number="B-1")
    assert (order.kind, order.status, order.allocation, order.number) == ("external", "confirmed", "outside", "PO-SUP-00001")
    assert (order.gross, order.promised_on, order.waits_since) == (D(600), None, None)
    assert not Reservation.unscoped.exists() and not Stock.unscoped.filter(place__owner=outside.supplier).exists()
    assert unscoped_card(outside.agreement.pk).position.ordered == D(600), "what is ordered is known, but no limit stops it"
    assert not Line.unscoped.filter(order=order, promised_on__isnull=False).exists(), "nobody has promised a day"
    drain()
    assert_sound()


def test_the_seller_confirms_a_day_and_a_number(world, outside):
    order, day = outside.order(10), clock.today() + timedelta(days=9)
    actions.confirm_purchase(order.pk, day, "S-77", actor=outside.buyer)
    order.refresh_from_db()
    assert (order.promised_on, order.seller_number) == (day, "S-77")
    assert set(Line.unscoped.filter(order=order).values_list("promised_on", flat=True)) == {day}
    actions.confirm_purchase(order.pk, day + timedelta(days=1), actor=outside.buyer)
    order.refresh_from_db()
    assert (order.promised_on, order.seller_number) == (day + timedelta(days=1), "S-77")
    with pytest.raises(Invalid, match=r"orders\.date_passed"):
        actions.confirm_purchase(order.pk, clock.today() - timedelta(days=1), actor=outside.buyer)
    with pytest.raises(Refused, match=r"orders\.not_outside"):
        actions.confirm_purchase(place(world, 1).pk, day, actor=world.dealer)
    with pytest.raises(NotFound):
        actions.confirm_purchase(order.pk, day, actor=world.cast.stranger)
    assert_sound()


def test_its_own_house_signs_and_nobody_signs_for_himself(world, outside):
    make_rule(world.cast.d001, "dealer_admin")
    order = outside.order(10, actor=outside.admin)
    assert (order.status, order.kind) == ("in_review", "external")
    with pytest.raises(Refused):
        actions.approve_order(order.pk, actor=outside.admin)
    second = actor_of(make_member("boss@hupan.example", world.cast.d001, "dealer_admin"))
    with pytest.raises((Forbidden, NotFound)):
        actions.approve_order(order.pk, actor=outside.buyer)
    actions.approve_order(order.pk, actor=second)
    order.refresh_from_db()
    assert (order.status, order.approval, order.allocation) == ("confirmed", "approved", "outside")
    drain()
    assert_sound()


def test_the_flow_of_the_brand_does_not_ask(world, outside):
    make_rule(world.cast.lh, "hq_finance")
    assert outside.order(1).status == "confirmed"


def test_it_can_be_changed_split_closed_and_cancelled(world, outside):
    order = outside.order(10, 5)
    first, second = Line.unscoped.filter(order=order).order_by("no")
    actions.confirm_purchase(order.pk, clock.today(), actor=outside.buyer)
    actions.amend_order(order.pk, actions.Amendment({first.pk: D(12), second.pk: D(3)}), actor=outside.buyer)
    order.refresh_from_db()
    assert (order.gross, order.allocation, order.line_count) == (D(660), "outside", 3)
    assert_sound()
    part = actions.split_order(order.pk, actions.Splitting({second.pk: D(3)}), actor=outside.buyer)
    assert (part.kind, part.allocation, part.gross, part.number) == ("external", "outside", D(60), "PO-SUP-00002")
    assert_sound()
    actions.cancel_order(part.pk, reason="not needed", actor=outside.buyer)
    actions.cancel_order(order.pk, reason="not needed", actor=outside.buyer)
    assert unscoped_card(outside.agreement.pk).position.ordered == 0
    drain()
    assert_sound()


def test_a_limit_stops_it_where_somebody_sets_one(world, outside):
    account = Account.unscoped.get(buyer_id=outside.agreement.buyer_id, seller_id=outside.agreement.seller_id)
    set_limit(account.pk, LimitTerms(D(100)), "no more than that", actor=outside.admin)
    assert outside.order(2).status == "confirmed"
    with pytest.raises(Refused, match=r"funds\.limit"):
        outside.order(0, 1)


def test_types_follow_the_two_sides(world, outside):
    for kind in ("sample", "emergency"):
        with pytest.raises(Invalid, match=r"orders\.kind_sides"):
            outside.order(1, kind=kind, note="x")
    with pytest.raises(Invalid, match=r"orders\.kind_sides"):
        place(world, 1, kind="external")
    order = place(world, 1)
    with pytest.raises(IntegrityError, match="orders_order_external_comes_from_outside"), transaction.atomic():
        Order.unscoped.filter(pk=order.pk).update(kind="external")


def test_only_its_keeper_acts_for_a_seller_and_only_while_nobody_works_there(world, outside):
    cast = world.cast
    order = outside.order(1)
    for other in (cast.stranger, cast.stranger_admin, cast.sub_dealer):
        with pytest.raises((NotFound, Forbidden)):
            actions.cancel_order(order.pk, reason="x", actor=again(other))
        assert outside.supplier.pk not in again(other).stands_for
    with pytest.raises((NotFound, Forbidden)):
        actions.cancel_order(order.pk, reason="x", actor=again(cast.hq_clerk))
    someone = Membership.unscoped.get(pk=outside.admin.membership_id)
    Membership.unscoped.create(user=someone.user, org=outside.supplier, role=someone.role, scope="org", state="active")
    assert not again(outside.admin).stands_for, "somebody works there now"


def test_batches_and_pages(world, outside, client):
    sign_in(client, outside.buyer)
    made = client.post(f"{API}/orders", {"seller_id": outside.supplier.pk, "buyer_id": outside.keeper.pk, "lines": [{"product": "X1", "qty": "3"}]},
                       content_type=JSON, headers={**bearer(outside.buyer), "Idempotency-Key": "purchase-1"})  # fmt: skip
    assert made.status_code == 201 and made.json()["kind"] == "external", made.content
    pk, day = made.json()["id"], clock.today() + timedelta(days=3)
    page = text(client.get(reverse("order", args=[pk])))
    assert "Purchase order" in page and "Not confirmed by the seller" in page and reverse("order_confirmation", args=[pk]) in page
    assert client.post(reverse("order_confirmation", args=[pk]), {"promised_on": str(day), "seller_number": "S-9"}).status_code == 302
    page = text(client.get(reverse("order", args=[pk])))
    assert "S-9" in page and "Expected" in page and reverse("order_receipt", args=[pk]) in page
    body = {"promised_on": str(day + timedelta(days=1))}
    answer = client.post(f"{API}/orders/{pk}/confirmation", body, content_type=JSON, headers={**bearer(outside.buyer), "Idempotency-Key": "purchase-2"})
    assert answer.status_code == 200 and answer.json()["seller_number"] == "S-9"
    listed = text(client.get(reverse("orders"), {"side": "buy", "tab": "outside"}))
    assert "PO-SUP-00001" in listed
    assert "PO-SUP-00001" not in text(client.get(reverse("orders"), {"side": "sell"}))
    sign_in(client, world.cast.stranger)
    assert client.get(reverse("order", args=[pk])).status_code == 404


def test_the_day_that_an_outside_seller_promises_is_written_down_in_the_list(world, outside):
    order = outside.order(5)
    order.refresh_from_db()
    tomorrow = clock.today() + timedelta(1)
    assert edit(OrderList, outside.admin, order, "promised", str(tomorrow)).raw == str(tomorrow)
    order.refresh_from_db()
    assert order.promised_on == tomorrow
    assert edit(OrderList, outside.admin, order, "promised", str(tomorrow - timedelta(5))).status == 422
    own = place(world, 1)
    with pytest.raises(NotFound):  # what one's own seller promises, stock decides
        edit(OrderList, world.cast.dealer, own, "promised", str(tomorrow))
