"""Changing a confirmed order: less is free at once, more passes every check of a placing; nothing gets round the credit limit."""

from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from qudao.approvals.tests.make import make_rule
from qudao.base.access import system_actor
from qudao.base.models import ActionLog
from qudao.base.outbox import drain
from qudao.funds.queries import unscoped_card
from qudao.inventory.actions import set_reserve_days
from qudao.inventory.models import Stock
from qudao.inventory.queries import unscoped_free
from qudao.inventory.tests.make import make_stock
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.messages.models import Notice
from qudao.network.models import Organisation
from qudao.orders import actions
from qudao.orders.actions import Amendment
from qudao.orders.models import Line
from qudao.orders.rules import NewLine
from qudao.orders.tests.make import START, assert_sound, make_world, place, placing
from qudao.people.tests.make import sign_in
from qudao.pricing.actions import set_prices, set_rates
from qudao.pricing.queries import PriceList
from qudao.pricing.rules import PriceDraft, RateDraft

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return make_world([10, 10, 10], limit=D(1000))


def codes(refusal):
    return [fault.code for fault in refusal.value.faults]


def ids(order):
    return list(Line.unscoped.filter(order=order).order_by("no").values_list("pk", flat=True))


def amend(world, order, wanted=None, *added, actor=None, **more):
    """Line number → quantity wanted in all; (product number, quantity) to add."""
    lines = ids(order)
    asked = Amendment({lines[no - 1]: D(qty) for no, qty in (wanted or {}).items()}, [NewLine(world.products[n - 1].pk, D(q)) for n, q in added])
    changed = actions.amend_order(order.pk, asked, actor=actor or world.dealer, **more)
    order.refresh_from_db()
    return changed


def held(world):
    return unscoped_card(world.agreement.pk).position.ordered


def free(world, product=1):
    key = (world.shelf.main, world.products[product - 1].pk)
    return unscoped_free([key])[key]


def test_less_frees_goods_and_credit_at_once_and_both_sides_read_what_changed(world, client):
    order = place(world, 6, 4)
    amend(world, order, {1: 2, 2: 0}, reason="too much")
    assert (order.gross, held(world), free(world, 1), free(world, 2)) == (D(200), D(200), 8, 10)
    log = ActionLog.unscoped.get(verb="orders.amend")
    assert log.detail["changes"] == [["P1", "6", "2"], ["P2", "4", "0"]] and log.detail["gross"] == ["1000.00", "200.00"] and log.reason == "too much"
    drain()
    assert Notice.unscoped.filter(code="orders.amended", user_id=world.cast.hq_clerk.user_id).count() == 1
    assert_sound()
    client.cookies["qudao_language"] = "en"
    for who in (world.dealer, world.cast.hq_clerk):
        sign_in(client, who)
        assert "P1 6 → 2, P2 4 → 0" in client.get(reverse("order", args=[order.pk])).content.decode()
    with pytest.raises(Refused) as refusal:
        amend(world, order, {1: 0})
    assert codes(refusal) == ["orders.nothing_left"]


def test_more_is_a_line_of_its_own_at_todays_price(world):
    order = place(world, 2)
    base = PriceList.unscoped.get(code="BASE-LH")
    set_prices(base.pk, [PriceDraft(world.products[0].pk, D(90), clock.today())], actor=system_actor())
    amend(world, order, {1: 5}, (2, 1), actor=world.cast.hq_clerk)
    lines = list(Line.unscoped.filter(order=order).order_by("no").values_list("qty", "unit_price"))
    assert lines == [(2, 100), (3, 90), (1, 100)] and order.line_count == 3
    assert order.gross == held(world) == D(570) and free(world) == 5
    drain()
    assert_sound()


def test_no_piece_of_a_change_passes_the_credit_limit(world):
    """Amended beyond it, in pieces, by API, by a copy, by cancelling and placing again, or by reducing one to raise another: never more than 1,000.00."""
    order = place(world, 8)
    with pytest.raises(Refused) as refusal:
        amend(world, order, {1: 11})
    assert codes(refusal) == ["funds.limit", "inventory.short"]
    assert ids(order) and order.gross == held(world) == D(800)
    amend(world, order, {}, (2, 1))
    amend(world, order, {}, (2, 1))
    with pytest.raises(Refused) as refusal:
        amend(world, order, {}, (2, 1))
    assert codes(refusal) == ["funds.limit"]
    amend(world, order, {1: 7})
    with pytest.raises(Refused):
        amend(world, order, {}, (2, 2))
    with pytest.raises(Refused):
        place(world, 0, 0, 2)
    actions.cancel_order(order.pk, reason="again", actor=world.dealer)
    with pytest.raises(Refused):
        place(world, 8, 3)
    again = place(world, 8, 2)
    with pytest.raises(Refused):
        amend(world, again, {}, (3, 1))
    assert held(world) == D(1000)
    drain()
    assert_sound()


def test_the_api_is_no_way_round_it_and_a_retry_changes_nothing(world, client):
    order = place(world, 8)
    sign_in(client, world.dealer)
    url, key = f"/api/v1/orders/{order.pk}/amendment", {"idempotency-key": str(uuid4())}
    body = {"lines": [{"line_id": ids(order)[0], "qty": "7"}], "add": [{"product": "P2", "qty": "3"}]}
    for _time in range(2):
        answer = client.post(url, body, content_type="application/json", headers=key)
        assert answer.status_code == 200 and D(answer.json()["gross"]) == D(1000), answer.content
    beyond = client.post(url, {"add": [{"product": "P3", "qty": "1"}]}, content_type="application/json")
    assert beyond.status_code == 409 and held(world) == D(1000)
    assert client.post(url, {"add": [{"product": "NO", "qty": "1"}]}, content_type="application/json").status_code == 422


def test_what_is_added_is_signed_for_the_new_total_and_holds_nothing_before(world):
    make_rule(world.cast.lh, "hq_finance", "500")
    order = place(world, 4)
    assert order.status == "confirmed"
    amend(world, order, {1: 6})
    assert (order.status, order.approval, order.gross, held(world)) == ("confirmed", "pending", D(400), D(400))
    with pytest.raises(Refused) as refusal:
        amend(world, order, {1: 1})
    assert codes(refusal) == ["orders.approval_pending"]
    actions.reject_order(order.pk, reason="no", actor=world.cast.hq_finance)
    order.refresh_from_db()
    assert (order.approval, order.gross) == ("approved", D(400)) and Line.unscoped.filter(order=order, given_up__gt=0).count() == 1
    amend(world, order, {1: 6})
    actions.withdraw_order(order.pk, actor=world.dealer)
    amend(world, order, {1: 6})
    actions.approve_order(order.pk, actor=world.cast.hq_finance)
    order.refresh_from_db()
    assert (order.approval, order.gross, held(world), free(world)) == ("approved", D(600), D(600), 4)
    drain()
    assert_sound()
    amend(world, order, {1: 3})
    amend(world, order, {}, (2, 1))
    assert (order.approval, order.gross) == ("pending", D(500))
    actions.cancel_order(order.pk, reason="no", actor=world.dealer)
    drain()
    assert held(world) == 0 and free(world) == 10
    assert_sound()


def test_an_approved_change_that_credit_refuses_stays_unsigned(world):
    make_rule(world.cast.lh, "hq_finance", "500")
    order, other = place(world, 4), place(world, 0, 4)
    amend(world, order, {}, (3, 5))
    with pytest.raises(Refused) as refusal:
        actions.approve_order(order.pk, actor=world.cast.hq_finance)
    assert codes(refusal) == ["funds.limit"]
    order.refresh_from_db()
    assert order.approval == "pending" and held(world) == D(800)
    actions.cancel_order(other.pk, reason="no", actor=world.dealer)
    actions.approve_order(order.pk, actor=world.cast.hq_finance)
    assert held(world) == D(900)
    drain()
    assert_sound()


def test_what_waits_for_goods_is_given_up_first_and_others_are_served():
    world = make_world([3, 10, 10])
    first, second = place(world, 5, 1, short="backorder"), place(world, 2, short="backorder")
    amend(world, first, {1: 4})
    assert list(Line.unscoped.filter(order=first, no=1).values_list("given_up", "backordered")) == [(1, 1)] and held(world) == D(700)
    amend(world, first, {1: 1})
    drain()
    assert list(Line.unscoped.filter(order=second).values_list("backordered", flat=True)) == [0]
    first.refresh_from_db()
    assert (first.allocation, first.waits_since) == ("full", None)
    assert_sound()
    make_stock(world.shelf.main, {world.products[0].pk: 1})
    assert place(world, 1).status == "confirmed"


def test_who_may_not_and_what_is_wrong(world):
    order = place(world, 4)
    line = ids(order)[0]
    with pytest.raises(NotFound):
        amend(world, order, {1: 2}, actor=world.cast.stranger)
    with pytest.raises(Forbidden):
        amend(world, order, {1: 2}, actor=world.cast.hq_warehouse)
    for wanted, code in (
        ({}, "orders.nothing_changed"),
        ({line: D(4)}, "orders.nothing_changed"),
        ({0: D(1)}, "orders.no_such_line"),
        ({line: D(-1)}, "orders.qty_too_fine"),
    ):
        with pytest.raises(Invalid) as refusal:
            actions.amend_order(order.pk, Amendment(wanted), actor=world.dealer)
        assert codes(refusal) == [code]
    actions.cancel_order(order.pk, reason="no", actor=world.dealer)
    with pytest.raises(Refused) as refusal:
        amend(world, order, {1: 2})
    assert codes(refusal) == ["orders.illegal"]


def test_the_page_changes_quantities_and_adds_products(world, client):
    client.cookies["qudao_language"] = "en"
    order = place(world, 4)
    sign_in(client, world.dealer)
    url = reverse("order_amendment", args=[order.pk])
    page = client.get(url).content.decode()
    assert f'name="line_{ids(order)[0]}"' in page and 'value="4"' in page
    wrong = client.post(url, {f"line_{ids(order)[0]}": "3", "added": "P2", "client_id": str(uuid4())})
    assert wrong.status_code == 422 and "give a code and a quantity" in wrong.content.decode()
    done = client.post(url, {f"line_{ids(order)[0]}": "3", "added": "P2 2\n", "client_id": str(uuid4())})
    assert done.status_code in (302, 204), done.content
    order.refresh_from_db()
    assert order.gross == D(500) == held(world)


def test_the_first_goods_an_order_gets_by_a_change_are_kept_as_long_as_others(world):
    set_reserve_days(world.agreement.pk, 7, actor=world.cast.hq_warehouse)
    Stock.unscoped.filter(product=world.products[0]).update(on_hand=0)
    order = place(world, 4, short="backorder")
    assert (order.allocation, order.reserved_until) == ("backorder", None), "it holds nothing that could run out"
    changed = amend(world, order, None, (2, 3))
    assert changed.allocation == "partial"
    assert changed.reserved_until == place(world, 0, 0, 1).reserved_until is not None and not changed.until_told
    again = amend(world, changed, None, (3, 1))
    assert again.reserved_until == changed.reserved_until
    Stock.unscoped.filter(product=world.products[0]).update(on_hand=10)  # as its moves say
    drain()
    assert_sound()


def test_a_price_that_only_lacks_its_rate_names_it_in_changes_and_files(world):
    order = place(world, 2)
    for model, mine in ((PriceList, {"owner": world.cast.lh}), (Organisation, {"pk": world.cast.lh.pk})):
        model.unscoped.filter(**mine).update(currency="USD")
    with pytest.raises(Refused) as refusal:
        amend(world, order, None, (2, 3))
    assert codes(refusal) == ["orders.no_price", "pricing.rate_missing"]
    entered = actions.place_orders([(placing(world, n), uuid4()) for n in (1, 2)], actor=world.dealer)
    assert [[fault.code for fault in one.faults] for one in entered] == [["orders.no_price", "pricing.rate_missing"]] * 2
    with CaptureQueriesContext(connection) as asked:
        actions.place_orders([(placing(world, n), uuid4()) for n in (3, 4, 5)], actor=world.dealer)
    assert sum("distinct currency, target" in one["sql"] for one in asked) == 1, "asked once for an agreement"
    set_rates(world.cast.lh.pk, [RateDraft("USD", "CNY", START, D(7))], actor=system_actor())
    assert amend(world, order, None, (2, 1)).gross == 900
