"""Planning, picking, dispatch and receipt on a real database: what is written, what is refused, that nothing stays behind, and what it costs."""

from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction

from qudao.base import models as base
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.base.outbox import drain
from qudao.fulfilment import actions
from qudao.fulfilment.actions import plan_shipments
from qudao.fulfilment.models import Difference, Receipt, ReceiptLine, Shipment, ShipmentLine
from qudao.fulfilment.tests.make import Count, counts, lines, on_hand, place, received, shipped
from qudao.funds.actions import freeze
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import in_unit, levels, make_places
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.orders.actions import Amendment, Splitting, amend_order, cancel_order, close_order_short, split_order
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_world

pytestmark = pytest.mark.django_db


def codes(caught):
    return [(f.code, f.field) for f in caught.value.faults]


def buckets(world):
    p = unscoped_card(world.agreement.pk).position
    return p.ordered, p.shipped, p.invoiced, p.unapplied


def open_ones(order):
    return [(s.seq, s.state, [(x.line.no, x.qty) for x in lines(s)]) for s in Shipment.unscoped.filter(order=order).exclude(state="cancelled").order_by("seq")]


def test_a_confirmed_order_is_planned_by_the_reaction_and_only_once(world):
    order = place(world, 3, 0, 5)
    drain()
    assert open_ones(order) == [(1, "created", [(1, D(3)), (2, D(5))])]
    assert Shipment.unscoped.get().number == "SH-D001-00001-1"
    assert in_unit(plan_shipments, [order.pk]) == 0
    assert Shipment.unscoped.count() == 1
    assert_sound()


def test_many_orders_are_planned_with_the_statements_of_one(world, django_assert_num_queries):
    orders = [place(world, 1, 2, 3).pk for _ in range(3)]
    with django_assert_num_queries(6):  # BEGIN, orders, shipments, insert, log, COMMIT
        in_unit(_plan, orders)
    assert Shipment.unscoped.count() == 3
    assert_sound()


def _plan(ids, *, actor):
    from qudao.base.work import current

    current().doing.append(("test.plan", actor))
    return plan_shipments(ids, actor=actor)


def test_picking_works_before_and_after_the_plan(world):
    first = actions.start_pick(place(world, 2).pk, actor=world.cast.hq_warehouse)
    order = place(world, 2)
    drain()
    second = actions.start_pick(order.pk, actor=world.cast.hq_warehouse)
    assert (first.state, second.state) == ("picking", "picking")
    order.refresh_from_db()
    assert (order.status, order.fulfilment) == ("in_fulfilment", "picking")
    assert open_ones(order) == [(1, "picking", [(1, D(2))])]
    with pytest.raises(Refused) as caught:
        actions.start_pick(order.pk, actor=world.cast.hq_warehouse)
    assert codes(caught) == [("fulfilment.nothing_to_pick", "")]
    assert_sound()


def test_an_order_that_is_being_picked_cannot_be_cancelled_until_picking_stops(world):
    order = place(world, 2)
    shipment = actions.start_pick(order.pk, actor=world.cast.hq_warehouse)
    with pytest.raises(Refused):
        cancel_order(order.pk, reason="no need", actor=world.dealer)
    assert actions.cancel_pick(shipment.pk, actor=world.cast.hq_warehouse).state == "created"
    order.refresh_from_db()
    assert order.status == "confirmed"
    cancel_order(order.pk, reason="no need", actor=world.dealer)
    drain()
    assert Shipment.unscoped.get().state == "cancelled"
    assert buckets(world) == (0, 0, 0, 0)
    assert_sound()


def test_once_a_part_has_left_it_is_said_so_and_the_rest_is_closed_short_after_the_receipt(world):
    order = place(world, 5)
    (line,) = order.lines.all()
    shipment = actions.start_pick(order.pk, {line.pk: D(2)}, actor=world.cast.hq_warehouse)
    actions.dispatch_shipment(shipment.pk, actor=world.cast.hq_warehouse)
    for give_up in (
        lambda: cancel_order(order.pk, reason="no need", actor=world.dealer),
        lambda: amend_order(order.pk, Amendment({line.pk: D(2)}), actor=world.dealer),
        lambda: split_order(order.pk, Splitting({line.pk: D(3)}), actor=world.dealer),
    ):
        with pytest.raises(Refused) as caught:
            give_up()
        assert [fault.code for fault in caught.value.faults] == ["orders.partly_shipped"], "nobody is picking it"
    actions.confirm_receipt(shipment.pk, actor=world.dealer)
    assert close_order_short(order.pk, reason="no need", actor=world.cast.hq_clerk).status == "closed_short"
    assert_sound()


def test_a_part_is_picked_and_the_rest_waits_in_the_next_shipment(world):
    order = place(world, 5, 4)
    first, second = Line.unscoped.filter(order=order).order_by("no")
    picked = actions.start_pick(order.pk, {first.pk: D(3)}, actor=world.cast.hq_warehouse)
    assert open_ones(order) == [(1, "picking", [(1, D(3))]), (2, "created", [(1, D(2)), (2, D(4))])]
    actions.cancel_pick(picked.pk, actor=world.cast.hq_warehouse)
    assert open_ones(order) == [(2, "created", [(1, D(5)), (2, D(4))])]
    with pytest.raises(Refused) as caught:
        actions.start_pick(order.pk, {first.pk: D(6), second.pk: D(4)}, actor=world.cast.hq_warehouse)
    assert codes(caught) == [("fulfilment.more_than_open", f"lines.{first.pk}.qty")]
    assert_sound()


def test_dispatch_moves_goods_credit_and_the_order(world):
    order = place(world, 3, 0, 5)
    shipment = actions.start_pick(order.pk, actor=world.cast.hq_warehouse)
    sent = actions.dispatch_shipment(shipment.pk, carrier="SF", tracking="SF1001", actor=world.cast.hq_warehouse)
    assert (sent.state, sent.carrier, sent.shipped_at is not None) == ("shipped", "SF", True)
    sent.refresh_from_db()
    assert (sent.state, sent.tracking, sent.shipped_by) == ("shipped", "SF1001", world.cast.hq_warehouse.user_id)
    order.refresh_from_db()
    assert (order.status, order.fulfilment) == ("in_fulfilment", "shipped")
    assert buckets(world) == (0, D("800.00"), 0, 0)
    first = world.products[0].pk
    assert levels(world.shelf.main)[(world.shelf.main, first)] == (D(97), D(0))
    assert on_hand(world.shelf.transit, first) == 3
    assert [(x.before, x.after) for x in timeline(sent.subject)] == [("", "picking"), ("picking", "shipped")]
    facts = list(base.Event.unscoped.filter(subject_kind="fulfilment.shipment").values_list("name", flat=True))
    assert facts == ["fulfilment.ShipmentDispatched", "base.NoticeAsked"]
    assert_sound()


def test_a_part_is_dispatched_and_the_rest_is_planned_again(world):
    order = place(world, 5, 4)
    shipment = actions.start_pick(order.pk, actor=world.cast.hq_warehouse)
    first, _second = lines(shipment)
    actions.dispatch_shipment(shipment.pk, lines={first.pk: D(2)}, actor=world.cast.hq_warehouse)
    assert open_ones(order) == [(1, "shipped", [(1, D(2))]), (2, "created", [(1, D(3)), (2, D(4))])]
    order.refresh_from_db()
    assert order.fulfilment == "partial"
    assert buckets(world) == (D("700.00"), D("200.00"), 0, 0)
    assert_sound()
    with pytest.raises(Refused) as caught:
        actions.dispatch_shipment(shipment.pk, actor=world.cast.hq_warehouse)
    assert codes(caught) == [("fulfilment.illegal", "")]
    again = actions.start_pick(order.pk, actor=world.cast.hq_warehouse)
    with pytest.raises(Refused) as caught:
        actions.dispatch_shipment(again.pk, lines={lines(again)[0].pk: D(4)}, actor=world.cast.hq_warehouse)
    assert caught.value.faults[0].code == "fulfilment.more_than_picked"
    actions.dispatch_shipment(again.pk, actor=world.cast.hq_warehouse)
    assert buckets(world) == (0, D("900.00"), 0, 0)
    assert_sound()


def test_only_a_picked_shipment_is_dispatched(world):
    order = place(world, 1)
    drain()
    with pytest.raises(Refused) as caught:
        actions.dispatch_shipment(Shipment.unscoped.get(order=order).pk, actor=world.cast.hq_warehouse)
    assert codes(caught) == [("fulfilment.illegal", "")]
    with pytest.raises(Invalid) as caught:
        actions.ship_order(order.pk, carrier="x" * 81, actor=world.cast.hq_warehouse)
    assert codes(caught) == [("fulfilment.too_long", "carrier")]


def test_one_click_ships_everything_open_whatever_was_planned_or_picked(world):
    order = place(world, 5, 4)
    first = Line.unscoped.get(order=order, no=1)
    actions.start_pick(order.pk, {first.pk: D(3)}, actor=world.cast.hq_warehouse)
    sent = actions.ship_order(order.pk, actor=world.cast.hq_warehouse)
    assert open_ones(order) == [(1, "shipped", [(1, D(5)), (2, D(4))])] and sent.line_count == 2
    with pytest.raises(Refused) as caught:
        actions.ship_order(order.pk, actor=world.cast.hq_warehouse)
    assert codes(caught) == [("fulfilment.nothing_to_ship", "")]
    assert_sound()


def test_a_frozen_account_keeps_goods_in_the_warehouse(world):
    order = place(world, 1)
    freeze(world.account.pk, "late payer", actor=world.cast.hq_finance)
    for act in (actions.start_pick, actions.ship_order):
        with pytest.raises(Refused) as caught:
            act(order.pk, actor=world.cast.hq_warehouse)
        assert codes(caught) == [("funds.frozen", "")]
    assert not Shipment.unscoped.exists()


def test_an_order_that_is_not_confirmed_cannot_be_picked(world):
    order = place(world, 1)
    cancel_order(order.pk, reason="no", actor=world.dealer)
    with pytest.raises(Refused) as caught:
        actions.start_pick(order.pk, actor=world.cast.hq_warehouse)
    assert codes(caught) == [("fulfilment.not_confirmed", "")]


def test_a_full_receipt_makes_the_goods_the_buyers(world):
    order = place(world, 3, 0, 5)
    receipt = received(world, order)
    assert Receipt.unscoped.get() == receipt and ReceiptLine.unscoped.count() == 2 and not Difference.unscoped.exists()
    order.refresh_from_db()
    assert (order.status, order.fulfilment) == ("delivered", "received")
    buyer = make_places(world.cast.d001)
    assert [on_hand(buyer, p.pk) for p in world.products] == [3, 0, 5]
    assert on_hand(world.shelf.transit, world.products[0].pk) == 0
    assert buckets(world) == (0, D("800.00"), 0, 0)
    assert_sound()
    with pytest.raises(Refused) as caught:
        actions.confirm_receipt(receipt.shipment_id, actor=world.dealer)
    assert codes(caught) == [("fulfilment.illegal", "")]


def test_what_is_short_or_damaged_goes_to_the_sellers_claims_and_uses_no_credit(world):
    order = place(world, 10, 4)
    shipment = shipped(world, order)
    first, second = lines(shipment)
    actions.confirm_receipt(shipment.pk, [Count(first.pk, D(7), D(1), D(2), note="wet"), Count(second.pk, D(4), over=D(1))], actor=world.dealer)
    found = {(d.kind, d.qty, d.amount, d.state) for d in Difference.unscoped.all()}
    assert found == {("damaged", D(1), D(100), "open"), ("short", D(2), D(200), "open"), ("over", D(1), D(100), "open")}
    buyer = make_places(world.cast.d001)
    one, two = world.products[0].pk, world.products[1].pk
    assert [on_hand(buyer, one), on_hand(world.shelf.claims, one), on_hand(world.shelf.transit, one)] == [7, 3, 0]
    assert [on_hand(buyer, two), on_hand(buyer["CLAIMS"], two)] == [4, 1]  # too many: the buyer's place, but not his to sell
    assert buckets(world) == (0, D("1100.00"), 0, 0)
    order.refresh_from_db()
    assert (order.status, order.fulfilment) == ("delivered", "received")
    asked = base.Event.unscoped.filter(name="base.NoticeAsked", subject_kind="fulfilment.shipment").order_by("-id").first()
    assert (asked.payload["code"], asked.payload["org_id"]) == ("fulfilment.difference_reported", world.cast.lh.pk)
    assert_sound()


def test_when_the_invoice_follows_the_shipment_a_difference_waits_with_its_amount(db):
    world = make_world(invoice_on="shipment")
    received(world, place(world, 10), 2)
    assert buckets(world) == (0, D("1000.00"), 0, 0)  # the invoice for all ten stands; a credit note will settle the two
    assert [(d.kind, d.amount) for d in Difference.unscoped.all()] == [("damaged", D("200.00"))]
    assert_sound()


def test_bad_counts_change_nothing(world):
    shipment = shipped(world, place(world, 3))
    (line,) = lines(shipment)
    with pytest.raises(Invalid) as caught:
        actions.confirm_receipt(shipment.pk, [Count(line.pk, D(4))], actor=world.dealer)
    assert codes(caught) == [("fulfilment.counts_differ", f"lines.{line.pk}.received")]
    assert not Receipt.unscoped.exists()


def test_the_rest_of_an_order_can_be_given_up_and_its_plan_is_void(world):
    order = place(world, 10)
    line = Line.unscoped.get(order=order)
    shipment = actions.start_pick(order.pk, {line.pk: D(3)}, actor=world.cast.hq_warehouse)
    actions.dispatch_shipment(shipment.pk, actor=world.cast.hq_warehouse)
    actions.confirm_receipt(shipment.pk, actor=world.dealer)
    close_order_short(order.pk, reason="discontinued", actor=world.cast.hq_clerk)
    drain()
    assert open_ones(order) == [(1, "received", [(1, D(3))])]
    assert buckets(world)[0] == 0
    assert_sound()


def test_each_move_belongs_to_one_side(world):
    order = place(world, 1)
    cast = world.cast
    with pytest.raises(Forbidden):  # sees the order, but the seller picks
        actions.start_pick(order.pk, actor=cast.dealer_admin)
    with pytest.raises(NotFound):
        actions.start_pick(order.pk, actor=cast.stranger_admin)
    with pytest.raises(Forbidden):  # no such verb
        actions.start_pick(order.pk, actor=cast.dealer)
    shipment = shipped(world, order)
    with pytest.raises(Forbidden):
        actions.confirm_receipt(shipment.pk, actor=cast.hq_warehouse)
    with pytest.raises(NotFound):
        actions.confirm_receipt(shipment.pk, actor=cast.stranger)
    with pytest.raises(NotFound):
        actions.confirm_receipt(0, actor=system_actor())


@pytest.mark.parametrize("size", [10, 50])
def test_statements_do_not_grow_with_the_lines(db, django_assert_num_queries, size):
    world = make_world([100] * size)
    received(world, place(world, *[2] * size), 1)  # stock rows in transit, at the buyer and among claims exist from now on
    order = place(world, *[2] * size)
    with django_assert_num_queries(12):
        # BEGIN, order, shipments, order in fulfilment, credit look, shipment + lines, order lines, order, credit, stock lock, reservations,
        # stock + moves, log, outbox, COMMIT
        shipment = shipped(world, order)
    with django_assert_num_queries(10):
        # BEGIN, order of the shipment, order, shipment, receipt + lines + differences, order lines, order, stock lock, stock + moves, outbox, log, COMMIT
        actions.confirm_receipt(shipment.pk, actor=world.dealer)
    order = place(world, *[2] * size)
    with django_assert_num_queries(8):  # BEGIN, order, shipments, credit look, shipment + lines, order, log, COMMIT
        shipment = actions.start_pick(order.pk, actor=world.cast.hq_warehouse)
    with django_assert_num_queries(13):
        actions.dispatch_shipment(shipment.pk, actor=world.cast.hq_warehouse)
    counted = counts(shipment, (1,))
    with django_assert_num_queries(11):  # and the credit of what is damaged
        actions.confirm_receipt(shipment.pk, counted, actor=world.dealer)


def violates(name, change):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        change()
    assert caught.value.__cause__.diag.constraint_name == name


def test_each_constraint_holds(world):
    order = place(world, 3)
    received(world, order, 1)
    shipment, line, count = Shipment.unscoped.get(), ShipmentLine.unscoped.get(), ReceiptLine.unscoped.get()
    difference = Difference.unscoped.get()
    ship, rows = Shipment.unscoped.filter(pk=shipment.pk), ShipmentLine.unscoped.filter(pk=line.pk)
    copy = {f.attname: getattr(shipment, f.attname) for f in Shipment._meta.concrete_fields if f.attname != "id"}
    plan = copy | {"state": "created", "shipped_at": None, "received_at": None}
    violates("fulfilment_shipment_seq_unique", lambda: Shipment.unscoped.create(**copy))
    violates("fulfilment_shipment_one_plan", lambda: [Shipment.unscoped.create(**plan | {"seq": n}) for n in (2, 3)])
    violates("fulfilment_shipment_shipped_at_fits", lambda: ship.update(state="lost", received_at=None))
    violates("fulfilment_shipment_sides_differ", lambda: ship.update(buyer=world.cast.lh))
    violates("fulfilment_shipment_shipped_at_fits", lambda: ship.update(shipped_at=None))
    violates("fulfilment_shipment_received_at_fits", lambda: ship.update(received_at=None))
    violates("fulfilment_shipmentline_qty_positive", lambda: rows.update(qty=0))
    violates("fulfilment_shipmentline_line_unique", lambda: ShipmentLine.unscoped.create(shipment=shipment, line=line.line, product=line.product, qty=1))
    violates("fulfilment_receiptline_counts_not_negative", lambda: ReceiptLine.unscoped.filter(pk=count.pk).update(over=-1))
    one = Difference.unscoped.filter(pk=difference.pk)
    violates("fulfilment_difference_qty_positive", lambda: one.update(qty=0))
    violates("fulfilment_difference_kind_known", lambda: one.update(kind="blue"))
    again = {f.attname: getattr(difference, f.attname) for f in Difference._meta.concrete_fields if f.attname != "id"}
    violates("fulfilment_difference_kind_unique", lambda: Difference.unscoped.create(**again))
