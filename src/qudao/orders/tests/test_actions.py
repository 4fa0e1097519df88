"""Placing, deciding and cancelling on a real database: what is written, what is refused, and that nothing stays behind."""

from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from qudao.agreements.actions import suspend_agreement
from qudao.base import models as base
from qudao.base.access import system_actor, visible
from qudao.base.action import unit
from qudao.base.audit import timeline
from qudao.base.db import rows
from qudao.catalog.actions import block_product
from qudao.funds.queries import unscoped_card
from qudao.inventory.tests.make import levels
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.network.actions import suspend_organisation
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import Status
from qudao.orders.tests.make import assert_sound, make_downstream, make_world, place, placing

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def codes(error):
    return [(f.code, f.field) for f in error.value.faults]


def test_a_clean_order_is_priced_held_reserved_and_confirmed_in_one_go(world):
    order = place(world, 3, 0, 5, po_number="HP-1")
    assert (order.status, order.credit, order.allocation, order.number) == ("confirmed", "pass", "full", "SO-D001-00001")
    assert (order.gross, order.net, order.tax) == (D("800.00"), D("707.97"), D("92.03"))
    assert [(x.no, x.qty, x.unit_price, x.gross, x.price_source) for x in Line.unscoped.filter(order=order).order_by("no")] == [
        (1, D(3), D(100), D("300.00"), "base"),
        (2, D(5), D(100), D("500.00"), "base"),
    ]
    assert unscoped_card(world.agreement.pk).position.ordered == D("800.00")
    assert levels(world.shelf.main)[(world.shelf.main, world.products[2].pk)] == (D(100), D(5))
    (line,) = timeline(order.subject)
    assert (line.verb, line.before, line.after, line.actor_org) == ("orders.place", "draft", "confirmed", world.cast.d001.pk)
    assert {e.name for e in base.Event.unscoped.filter(subject_kind="orders.order")} >= {"orders.OrderPlaced", "orders.OrderConfirmed"}
    assert_sound()


def test_the_same_client_id_gives_the_first_order_again(world):
    key = uuid4()
    first = actions.place_order(placing(world, 1), actor=world.dealer, client_id=key)
    again = actions.place_order(placing(world, 9), actor=world.dealer, client_id=key)
    assert first == again and Order.unscoped.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_order_runs_by_plans_made_once_and_the_session_is_as_before():
    world = make_world()
    with transaction.atomic():
        place(world, 1)
        assert rows("SHOW plan_cache_mode") == [("force_generic_plan",)]
    assert rows("SHOW plan_cache_mode") == [("auto",)]


def test_numbers_count_per_buyer(world):
    assert [place(world, 1).number for _ in range(2)] == ["SO-D001-00001", "SO-D001-00002"]


def test_every_refusal_of_credit_and_stock_is_said_at_once_and_nothing_stays(world):
    before = levels(world.shelf.main)
    with pytest.raises(Refused) as caught:
        place(world, 101, 5000, 1)
    assert codes(caught) == [("funds.limit", ""), ("inventory.short", "lines.1.qty"), ("inventory.short", "lines.2.qty")]
    assert caught.value.faults[1].params["short"] == "1"
    assert levels(world.shelf.main) == before and not Order.unscoped.exists() and not base.Event.unscoped.filter(name="orders.OrderPlaced").exists()
    assert_sound()


def test_bad_input_is_said_at_each_field(world):
    asked = Placing(world.cast.lh.pk, world.cast.d001.pk, [NewLine(None, D(1), "XX"), NewLine(world.products[0].pk, D(-1))])
    with pytest.raises(Invalid) as caught:
        actions.place_order(asked, actor=world.dealer)
    assert codes(caught) == [("orders.unknown_product", "lines.1.product"), ("orders.qty_not_positive", "lines.2.qty")]


def test_bad_lines_do_not_hide_what_is_short_on_the_good_ones(world):
    one, two, three = (p.pk for p in world.products)
    asked = [NewLine(None, D(1), "XX"), NewLine(one, D(101)), NewLine(two, D(-1)), NewLine(three, D(1))]
    with pytest.raises(Invalid) as caught:
        actions.place_order(Placing(world.cast.lh.pk, world.cast.d001.pk, asked), actor=world.dealer)
    assert codes(caught) == [
        ("orders.unknown_product", "lines.1.product"),
        ("orders.qty_not_positive", "lines.3.qty"),
        ("inventory.short", "lines.2.qty"),
    ]
    assert unscoped_card(world.agreement.pk).exposure == 0
    assert_sound()


def test_a_blocked_product_a_suspended_agreement_and_a_suspended_dealer_are_refused(world):
    system = system_actor()
    block_product(world.products[0].pk, "old", actor=system)
    with pytest.raises(Refused) as caught:
        place(world, 1, 1)
    assert codes(caught) == [("orders.product_blocked", "lines.1.product")]
    suspend_agreement(world.agreement.pk, "late", actor=system)
    suspend_organisation(world.cast.d001.pk, "late", actor=system)
    with pytest.raises(Refused) as caught:
        place(world, 0, 1)
    assert codes(caught) == [("orders.dealer_not_active", "buyer"), ("orders.agreement_suspended", "buyer")]


def test_nobody_orders_for_another(world):
    with pytest.raises(Forbidden):
        actions.place_order(placing(world, 1), actor=world.cast.stranger)
    with pytest.raises(Forbidden):
        actions.place_order(placing(world, 1), actor=world.cast.hq_warehouse)
    assert actions.place_order(placing(world, 1), actor=world.cast.hq_clerk).status == Status.CONFIRMED


def test_cancelling_releases_everything_and_can_not_be_done_twice(world):
    order = place(world, 3)
    with pytest.raises(Invalid):
        actions.cancel_order(order.pk, reason=" ", actor=world.dealer)
    actions.cancel_order(order.pk, reason="changed mind", actor=world.dealer)
    assert unscoped_card(world.agreement.pk).exposure == 0
    assert levels(world.shelf.main)[(world.shelf.main, world.products[0].pk)] == (D(100), D(0))
    with pytest.raises(Refused) as caught:
        actions.cancel_order(order.pk, reason="again", actor=world.dealer)
    assert codes(caught) == [("orders.illegal", "")]
    assert_sound()


def test_a_stranger_sees_nothing_and_changes_nothing(world):
    order = place(world, 1)
    assert not visible(world.cast.stranger, Order).exists() and visible(world.cast.dealer, Order).count() == 1
    for verb in (actions.cancel_order, actions.withdraw_order):
        with pytest.raises(NotFound):
            verb(order.pk, reason="x", actor=world.cast.stranger)
    with pytest.raises(Forbidden):
        actions.approve_order(order.pk, actor=world.dealer)


def test_the_same_engine_serves_the_next_tier_and_the_brand_sees_it_from_above(world):
    make_downstream(world)
    people = world.cast
    asked = Placing(people.d001.pk, people.s001.pk, [NewLine(world.products[0].pk, D(2))])
    order = actions.place_order(asked, actor=people.sub_dealer)
    assert (order.status, order.number, order.gross) == ("confirmed", "SO-S001-00001", D("260.00"))
    assert visible(people.hq_clerk, Order).filter(pk=order.pk).exists()
    assert not visible(people.stranger_admin, Order).filter(pk=order.pk).exists()
    with pytest.raises(Forbidden):  # seen from above, but not HQ's to cancel
        actions.cancel_order(order.pk, reason="no", actor=people.hq_clerk)
    assert_sound()


def test_shipping_receiving_invoicing_and_paying_move_the_counters_and_close_the_order(world):
    order, system = place(world, 3), system_actor()
    line = Line.unscoped.get(order=order)

    def life():
        from_db = lambda: actions.lock_trades([order.pk], actor=system)[0]
        actions.record_picking(from_db(), actor=system)
        actions.record_shipped(from_db(), {line.pk: D(3)}, actor=system)
        with pytest.raises(Refused):
            actions.record_shipped(from_db(), {line.pk: D(1)}, actor=system)
        actions.record_received(from_db(), {line.pk: (D(2), D(1))}, actor=system)
        actions.record_invoiced(from_db(), {line.pk: D(2)}, D("200.00"), actor=system)
        actions.record_paid(from_db(), D("200.00"), actor=system)

    with transaction.atomic():
        _as_action(system, life)
    order.refresh_from_db()
    assert (order.status, order.fulfilment, order.billing, order.payment) == ("closed", "received", "full", "paid")
    assert [x.after for x in timeline(order.subject)] == ["confirmed", "in_fulfilment", "delivered", "closed"]
    assert all(x.stage_seconds is not None for x in list(timeline(order.subject))[1:])


def _as_action(actor, body):
    def run():
        from qudao.base.work import current

        current().doing.append(("orders.cancel", actor))
        body()

    unit(run)


@pytest.mark.parametrize(
    ("column", "value", "name"),
    [
        ("shipped", 4, "orders_line_shipped_within_ordered"),
        ("received", 1, "orders_line_received_within_shipped"),
        ("invoiced", 4, "orders_line_invoiced_within_ordered"),
        ("unit_price", -1, "orders_line_price_not_negative"),
        ("qty", 0, "orders_line_qty_positive"),
        ("gross", 1, "orders_line_gross_is_net_and_tax"),
    ],
)
def test_the_database_refuses_what_must_never_be_false(world, column, value, name):
    order = place(world, 3)
    with pytest.raises(IntegrityError, match=name):
        Line.unscoped.filter(order=order).update(**{column: value})


def test_placing_takes_the_same_number_of_statements_for_any_number_of_lines(django_assert_max_num_queries):
    world = make_world([1000] * 50)
    for count in (10, 50):
        with django_assert_max_num_queries(20):  # SAVEPOINT and RELEASE stand for BEGIN and COMMIT
            place(world, *[1] * count)
