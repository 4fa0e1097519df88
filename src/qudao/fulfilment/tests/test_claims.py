"""Claims to their end: wrong goods, goods that are refused, who has a difference, what is sent again and what is credited."""

import json
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base import models as base
from qudao.base.outbox import drain
from qudao.fulfilment import actions
from qudao.fulfilment.actions import Settlement
from qudao.fulfilment.models import Difference, ReceiptLine, Shipment
from qudao.fulfilment.tests.make import Count, encoded, lines, on_hand, place, shipped
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import levels, make_places
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.orders.actions import cancel_order, close_order_short
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_world
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


def counted(world, shipment, **count):
    """The only line of a shipment counted with what is wrong; the rest came well."""
    (line,) = lines(shipment)
    off = sum((D(count.get(name, 0)) for name in ("damaged", "short", "refused", "wrong")), D(0))
    kinds = {name: value if isinstance(value, str) else D(value) for name, value in count.items()}
    actions.confirm_receipt(shipment.pk, [Count(line.pk, line.qty - off, **{"note": "see photo", **kinds})], actor=world.dealer)
    return Difference.unscoped.latest("pk")


def settle(world, difference, outcome, remedy="", actor=None):
    return actions.settle_difference(difference.pk, Settlement(outcome, "warehouse", remedy), actor=actor or world.cast.hq_warehouse)


def ordered(world):
    position = unscoped_card(world.agreement.pk).position
    return position.ordered, position.shipped


def codes(caught):
    return [(f.code, f.field) for f in caught.value.faults]


def states(order):
    order.refresh_from_db()
    return order.status, order.fulfilment


@pytest.mark.parametrize(("outcome", "right", "wrong", "kept"), [("returned", 97, 100, 0), ("kept", 97, 98, 2)])
def test_wrong_goods_are_named_and_leave_both_books_exact(world, outcome, right, wrong, kept):
    first, second = world.products[0].pk, world.products[1].pk
    buyer = make_places(world.cast.d001)
    difference = counted(world, shipped(world, place(world, 5)), wrong=2, wrong_product=world.products[1].code)
    assert (difference.kind, difference.qty, difference.product_id, difference.amount) == ("wrong", D(2), second, D(200))
    assert on_hand(buyer["CLAIMS"], second) == 2 and on_hand(make_places(world.cast.lh)["CLAIMS"], first) == 2
    assert_sound()
    settle(world, difference, outcome)
    assert [on_hand(world.shelf.main, pk) for pk in (first, second)] == [right, wrong]
    assert [on_hand(buyer["MAIN"], pk) for pk in (first, second)] == [3, kept]
    assert_sound()


def test_what_is_wrong_or_refused_is_said_in_full(world):
    shipment = shipped(world, place(world, 5))
    (line,) = lines(shipment)
    code = world.products[0].code
    for count, fault in (
        ({"wrong": D(1)}, ("fulfilment.wrong_unnamed", "wrong_product")),
        ({"wrong_product": "P2"}, ("fulfilment.wrong_unnamed", "wrong_product")),
        ({"wrong": D(1), "wrong_product": code}, ("fulfilment.wrong_product", "wrong_product")),
        ({"wrong": D(1), "wrong_product": "NONE"}, ("fulfilment.wrong_product", "wrong_product")),
        ({"refused": D(1)}, ("fulfilment.why_refused", "note")),
        ({"refused": D(2), "note": "late"}, ("fulfilment.counts_differ", "received")),
    ):
        with pytest.raises(Invalid) as caught:
            actions.confirm_receipt(shipment.pk, [Count(line.pk, D(4), **count)], actor=world.dealer)
        assert codes(caught) == [(fault[0], f"lines.{line.pk}.{fault[1]}")]
    with pytest.raises(Invalid) as caught:
        actions.refuse_shipment(shipment.pk, " ", actor=world.dealer)
    assert codes(caught) == [("fulfilment.why_refused", "reason")]
    for actor in (world.cast.hq_warehouse, world.cast.stranger):
        with pytest.raises((Forbidden, NotFound)):
            actions.refuse_shipment(shipment.pk, "too late", actor=actor)
    assert not ReceiptLine.unscoped.exists()
    with pytest.raises(IntegrityError, match="fulfilment_receiptline_wrong_named"), transaction.atomic():
        counted(world, shipment, refused=1)
        ReceiptLine.unscoped.update(wrong=1)


def test_a_refused_shipment_goes_back_and_nothing_of_it_is_billed(world):
    order = place(world, 5)
    shipment = shipped(world, order)
    actions.refuse_shipment(shipment.pk, "two weeks late", actor=world.dealer)
    drain()
    shipment.refresh_from_db()
    assert shipment.state == "refused" and states(order) == ("delivered", "received")
    assert (order.invoiced, ordered(world)) == (D(0), (D(0), D(0)))
    difference = Difference.unscoped.get()
    assert (difference.kind, difference.qty) == ("refused", D(5))
    with pytest.raises(Refused):
        actions.confirm_receipt(shipment.pk, actor=world.dealer)
    settle(world, difference, "restocked")
    assert levels(world.shelf.main)[world.shelf.main, world.products[0].pk] == (D(100), D(0))
    assert base.Event.unscoped.filter(name="base.NoticeAsked", payload__code="fulfilment.shipment_refused").exists()
    assert_sound()


def test_what_was_refused_is_sent_again_at_its_price_and_then_billed(world):
    order = place(world, 5)
    actions.refuse_shipment(shipped(world, order).pk, "wet", actor=world.dealer)
    settle(world, Difference.unscoped.get(), "written_off", "again")
    assert states(order) == ("confirmed", "none") and ordered(world) == (D(500), D(0))
    assert levels(world.shelf.main)[world.shelf.main, world.products[0].pk] == (D(95), D(5))
    assert_sound()
    drain()
    second = Shipment.unscoped.get(order=order, state="created")
    assert [x.qty for x in lines(second)] == [D(5)]
    actions.confirm_receipt(shipped(world, order).pk, actor=world.dealer)
    drain()
    assert states(order) == ("delivered", "received") and order.invoiced == D(500)
    assert_sound()


def test_part_of_a_line_is_sent_again_and_waits_where_there_are_no_goods(world):
    order = place(world, 100)
    difference = counted(world, shipped(world, order), damaged=3)
    settle(world, difference, "written_off", "again")
    line = Line.unscoped.get(order=order)
    assert (line.shipped, line.received, line.settled_short, line.backordered) == (D(97), D(97), D(0), D(3))
    assert states(order) == ("in_fulfilment", "partial") and order.allocation == "backorder" and order.promised_on is None
    assert_sound()
    close_order_short(order.pk, reason="not made any more", actor=world.cast.hq_clerk)
    assert states(order)[0] == "closed_short" and order.gross == D(9700)
    drain()
    assert_sound()


def test_what_stays_invoiced_is_sent_again_without_a_second_invoice():
    world = make_world(invoice_on="shipment")
    order = place(world, 5)
    shipment = shipped(world, order)
    drain()
    settle(world, counted(world, shipment, refused=5), "restocked", "again")
    assert ordered(world) == (D(0), D(0)) and states(order)[0] == "confirmed" and order.invoiced == D(500)
    assert_sound()
    with pytest.raises(Refused) as caught:
        cancel_order(order.pk, reason="no need", actor=world.dealer)
    assert codes(caught) == [("orders.comes_again", "")]
    drain()
    actions.confirm_receipt(shipped(world, order).pk, actor=world.dealer)
    drain()
    order.refresh_from_db()
    assert (order.status, order.invoiced) == ("delivered", D(500))
    assert_sound()


def test_whoever_may_credit_settles_with_a_credit_note():
    world = make_world(invoice_on="shipment")
    shipment = shipped(world, place(world, 5))
    drain()
    difference = counted(world, shipment, short=2)
    with pytest.raises(Refused) as caught:
        settle(world, difference, "written_off", "credit")
    assert codes(caught) == [("fulfilment.may_not_credit", "remedy")]
    settle(world, difference, "written_off", "credit", actor=world.cast.hq_admin)
    drain()
    assert unscoped_card(world.agreement.pk).position.invoiced == D(300)
    assert_sound()


def test_nothing_is_credited_that_was_not_invoiced_or_sent_again_that_was_too_many(world):
    with pytest.raises(Refused) as caught:
        settle(world, counted(world, shipped(world, place(world, 5)), short=2), "written_off", "credit", actor=world.cast.hq_admin)
    assert codes(caught) == [("fulfilment.not_invoiced", "remedy")]
    with pytest.raises(Invalid) as caught:
        settle(world, counted(world, shipped(world, place(world, 5)), over=1), "returned", "again")
    assert codes(caught) == [("fulfilment.remedy", "remedy")]


def test_somebody_takes_a_difference_until_a_day_and_both_sides_read_it(world, client):
    difference = counted(world, shipped(world, place(world, 5)), short=1)
    keeper, day = world.cast.hq_warehouse, clock.today() + timedelta(days=3)
    for args, fault in (
        ((world.dealer.user_id,), ("fulfilment.nobody", "owner")),
        ((None, clock.today() - timedelta(days=1)), ("fulfilment.due_past", "due_on")),
    ):
        with pytest.raises(Invalid) as caught:
            actions.investigate_difference(difference.pk, *args, actor=keeper)
        assert codes(caught) == [fault]
    with pytest.raises(Forbidden):
        actions.investigate_difference(difference.pk, actor=world.dealer)
    taken = actions.investigate_difference(difference.pk, world.cast.hq_admin.user_id, day, "asked the carrier", actor=keeper)
    assert (taken.state, taken.taken_by_id, taken.due_on) == ("investigating", world.cast.hq_admin.user_id, day)
    assert_sound()
    sign_in(client, world.dealer)
    shown = client.get(reverse("shipment", args=[difference.shipment_id])).content.decode()
    assert "asked the carrier" in shown and "investigates a difference" in shown
    assert "investigates a difference" in client.get(reverse("order", args=[difference.shipment.order_id])).content.decode()
    assert difference.shipment.number in client.get(reverse("differences"), {"tab": "investigating"}).content.decode()
    settle(world, difference, "written_off")
    difference.refresh_from_db()
    assert (difference.state, difference.note) == ("settled", "asked the carrier")
    with pytest.raises(Refused):
        actions.investigate_difference(difference.pk, actor=keeper)
    with pytest.raises(IntegrityError, match="fulfilment_difference_taken_fits"), transaction.atomic():
        Difference.unscoped.update(state="investigating", taken_by=None, outcome="", liable="", settled_at=None)
    with pytest.raises(IntegrityError, match="fulfilment_difference_wrong_named"), transaction.atomic():
        Difference.unscoped.update(product=world.products[1])


def test_pages_of_refusing_taking_and_settling(world, client):
    order = place(world, 5)
    shipment = shipped(world, order)
    url = reverse("shipment_refusal", args=[shipment.pk])
    sign_in(client, world.dealer)
    assert url in client.get(reverse("shipment", args=[shipment.pk])).content.decode()
    assert client.post(url, {"reason": ""}).status_code == 422 and client.post(url, {"reason": "wet"}).status_code == 302
    difference = Difference.unscoped.get()
    keeper = sign_in(client, world.cast.hq_warehouse)
    take = reverse("difference_investigation", args=[difference.pk])
    assert keeper.post(take, {"owner": world.dealer.user_id}).status_code == 422
    assert keeper.post(take, {"owner": world.cast.hq_warehouse.user_id, "note": "on its way"}).status_code == 302
    asked = keeper.get(reverse("difference_settlement", args=[difference.pk])).content.decode()
    assert 'value="again"' in asked and 'value="credit"' not in asked and "on its way" in asked
    settled = keeper.post(reverse("difference_settlement", args=[difference.pk]), {"outcome": "restocked", "liable": "carrier", "remedy": "again"})
    assert settled.status_code == 302 and states(order)[0] == "confirmed"
    assert "sends again" in keeper.get(reverse("order", args=[order.pk])).content.decode()


def test_programs_refuse_take_and_settle(world, client):
    def ask(actor, path, body=None):
        call = client.get if body is None else client.post
        more = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = call(f"/api/v1{path}", **more, headers=bearer(actor))
        return answer.status_code, answer.json()

    shipment, keeper = shipped(world, place(world, 5)), world.cast.hq_warehouse
    (line,) = lines(shipment)
    wrong = {"line_id": line.pk, "received": "3", "wrong": "2", "wrong_product": world.products[1].code, "photos": [encoded()]}
    assert ask(world.dealer, f"/shipments/{shipment.pk}/receipt", {"lines": [wrong]})[0] == 201
    shown = ask(world.dealer, f"/shipments/{shipment.pk}")[1]["lines"][0]
    assert (D(shown["wrong"]), shown["wrong_product"]) == (2, world.products[1].code)
    other = shipped(world, place(world, 5))
    assert ask(world.dealer, f"/shipments/{other.pk}/refusal", {"reason": "wet"})[0] == 201
    difference = Difference.unscoped.get(kind="refused")
    status, taken = ask(keeper, f"/differences/{difference.pk}/investigation", {"note": "looked for"})
    assert (status, taken["state"]) == (200, "investigating") and taken["taken_by"]
    assert [one["id"] for one in ask(keeper, "/differences?state=investigating")[1]["items"]] == [difference.pk]
    status, settled = ask(keeper, f"/differences/{difference.pk}/settlement", {"outcome": "restocked", "liable": "carrier", "remedy": "again"})
    assert (status, settled["remedy"]) == (200, "again")
