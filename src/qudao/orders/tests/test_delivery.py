"""Where an order goes and when it is promised: copied when it is placed, changed until goods leave, promised when goods are reserved."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from qudao.approvals.actions import add_rule
from qudao.approvals.rules import RuleDraft
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.inventory.actions import set_supply_place
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.kernel.period import working_day
from qudao.network.actions import add_address, change_address, change_organisation, retire_address
from qudao.network.rules import AddressFacts, OrgFacts
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.prints import confirmations
from qudao.orders.tests.make import make_world, place, placing
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member, sign_in

pytestmark = pytest.mark.django_db

STORE = AddressFacts("王芳", "0571-8899", "杭州市西湖区文三路 1 号", label="总仓", postcode="310000")
SHOP = AddressFacts("李雷", "138-0000", "杭州市余杭区西溪路 2 号")


@pytest.fixture
def world():
    return make_world()


def codes(error):
    return [(f.code, f.field) for f in error.value.faults]


def ship_of(order):
    return (order.ship_name, order.ship_phone, order.ship_address)


def promises(order):
    return list(Line.unscoped.filter(order=order).order_by("no").values_list("promised_on", flat=True))


def need_approval(world):
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_finance")), actor=system_actor())
    return actor_of(make_member("f@example.com", world.cast.lh, "hq_finance"))


def test_an_order_goes_to_the_default_address_or_to_the_one_chosen(world):
    store = add_address(world.cast.d001.pk, STORE, actor=world.dealer)
    shop = add_address(world.cast.d001.pk, SHOP, actor=world.dealer)
    assert ship_of(place(world, 1)) == ("王芳", "0571-8899", "杭州市西湖区文三路 1 号 310000")
    order = place(world, 1, address_id=shop.pk)
    assert ship_of(Order.unscoped.get(pk=order.pk)) == ("李雷", "138-0000", "杭州市余杭区西溪路 2 号")
    change_address(shop.pk, STORE, actor=world.dealer)
    retire_address(store.pk, actor=world.dealer)
    order.refresh_from_db()
    assert ship_of(order) == ("李雷", "138-0000", "杭州市余杭区西溪路 2 号"), "a copy: what was agreed stays"


def test_without_addresses_an_order_goes_to_the_buyer_itself(world):
    buyer = world.cast.d001
    assert ship_of(place(world, 1)) == (buyer.name, "", "")
    change_organisation(buyer.pk, OrgFacts(code=buyer.code, name=buyer.name, area_code="330106", address="湖滨路 9 号", phone="0571-1"), actor=system_actor())
    assert ship_of(place(world, 1)) == (buyer.name, "0571-1", "湖滨路 9 号")


def test_an_address_of_somebody_else_or_no_longer_used_is_refused_with_every_other_fault(world):
    foreign = add_address(world.cast.d002.pk, STORE, actor=system_actor())
    old = add_address(world.cast.d001.pk, STORE, actor=world.dealer)
    retire_address(old.pk, actor=world.dealer)
    for address in (foreign, old):
        with pytest.raises(Invalid) as error:
            place(world, 1000, address_id=address.pk)
        assert ("orders.address_unknown", "address") in codes(error) and len(codes(error)) > 1
    assert not Order.unscoped.exists()


def test_a_batch_reads_addresses_as_one_order_does(world):
    add_address(world.cast.d001.pk, STORE, actor=world.dealer)
    shop = add_address(world.cast.d001.pk, SHOP, actor=world.dealer)
    foreign = add_address(world.cast.d002.pk, STORE, actor=system_actor())
    asked = [placing(world, 1), placing(world, 1, address_id=shop.pk), placing(world, 1, address_id=foreign.pk)]
    done = actions.place_orders([(one, uuid4()) for one in asked], actor=world.dealer)
    assert [ship_of(one.order)[0] for one in done[:2]] == ["王芳", "李雷"]
    assert done[2].order is None and [f.code for f in done[2].faults] == ["orders.address_unknown"]
    assert promises(done[0].order) == [working_day(clock.today(), 2)]


def test_either_side_may_send_it_elsewhere_until_goods_leave(world):
    store = add_address(world.cast.d001.pk, STORE, actor=world.dealer)
    shop = add_address(world.cast.d001.pk, SHOP, actor=world.dealer)
    order = place(world, 1)
    actions.readdress_order(order.pk, shop.pk, actor=world.dealer)
    actions.readdress_order(order.pk, shop.pk, actor=world.dealer)
    order = actions.readdress_order(order.pk, store.pk, actor=world.cast.hq_clerk)
    assert ship_of(order)[0] == "王芳"
    lines = [line for line in timeline(order.subject) if line.verb == "orders.readdress"]
    assert len(lines) == 2 and lines[0].detail["name"] == ["王芳", "李雷"]
    assert ship_of(actions.readdress_order(order.pk, None, actor=world.dealer))[0] == "王芳"
    with pytest.raises(Invalid) as error:
        actions.readdress_order(order.pk, add_address(world.cast.d002.pk, STORE, actor=system_actor()).pk, actor=world.dealer)
    assert codes(error) == [("orders.address_unknown", "address")]
    with pytest.raises(NotFound):
        actions.readdress_order(order.pk, shop.pk, actor=world.cast.stranger)
    with pytest.raises(Forbidden):
        actions.readdress_order(order.pk, shop.pk, actor=world.cast.hq_warehouse)
    Order.unscoped.filter(pk=order.pk).update(fulfilment="partial", status="in_fulfilment")
    with pytest.raises(Refused) as error:
        actions.readdress_order(order.pk, shop.pk, actor=world.dealer)
    assert codes(error) == [("orders.shipped_already", "")]


def test_lines_are_promised_for_the_day_goods_leave_or_are_wanted(world):
    assert promises(place(world, 1, 1)) == [working_day(clock.today(), 2)] * 2
    set_supply_place(world.agreement.pk, world.shelf.main, "banded", 4, actor=world.cast.hq_warehouse)
    assert promises(place(world, 1)) == [working_day(clock.today(), 4)]
    wanted = clock.today() + timedelta(days=30)
    assert promises(place(world, 1, requested_on=wanted)) == [wanted]


def test_an_order_in_review_is_promised_when_it_is_approved(world, monkeypatch):
    finance = need_approval(world)
    order = place(world, 1, 2)
    assert promises(order) == [None, None]
    monkeypatch.setattr("qudao.inventory.queries.clock.today", lambda: date(2026, 11, 27))  # a Friday
    actions.approve_order(order.pk, actor=finance)
    assert promises(order) == [date(2026, 12, 1)] * 2


def test_a_draft_submitted_again_keeps_where_it_goes(world):
    need_approval(world)
    add_address(world.cast.d001.pk, STORE, actor=world.dealer)
    shop = add_address(world.cast.d001.pk, SHOP, actor=world.dealer)
    order = place(world, 1, address_id=shop.pk)
    actions.withdraw_order(order.pk, actor=world.dealer)
    assert ship_of(actions.submit_order(order.pk, actor=world.dealer))[0] == "李雷"


def test_the_page_of_an_order_says_where_it_goes_and_when_and_lets_both_sides_change_it(world, client):
    store, shop = (add_address(world.cast.d001.pk, one, actor=world.dealer) for one in (STORE, SHOP))
    order = place(world, 1)
    url = reverse("order_address", args=[order.pk])
    page = sign_in(client, world.cast.hq_clerk).get(order.get_absolute_url()).content.decode()
    assert "文三路" in page and url in page and "Promised" in page
    asked = client.get(url).content.decode()
    assert "总仓" in asked and "西溪路" in asked
    assert client.post(url, {"address": shop.pk}).status_code == 302
    page = client.get(order.get_absolute_url()).content.decode()
    assert "西溪路" in page and "changed the delivery address" in page
    assert client.post(url, {"address": 987654}).status_code == 422
    sign_in(client, world.dealer)
    assert client.post(url, {"address": store.pk}).status_code == 302
    order.refresh_from_db()
    assert order.ship_name == "王芳"
    assert sign_in(client, world.cast.hq_warehouse).get(url).status_code == 403


def test_a_long_order_shows_its_first_lines_and_the_others_when_asked(world, client, monkeypatch):
    monkeypatch.setattr("qudao.orders.pages.panels.FIRST", 2)
    order = place(world, 1, 2, 4)
    page = sign_in(client, world.dealer).get(order.get_absolute_url()).content.decode()
    assert "P2" in page and "P3" not in page and "Show all 3 lines" in page and '<td class="num strong">7</td>' in page
    page = client.get(order.get_absolute_url() + "?lines=all").content.decode()
    assert "P3" in page and "Show all" not in page


def test_the_list_tells_which_orders_are_late(world, client):
    late, fine = place(world, 1), place(world, 1)
    Order.unscoped.filter(pk=late.pk).update(promised_on=clock.today() - timedelta(days=1))
    page = sign_in(client, world.cast.hq_clerk).get(reverse("orders") + "?tab=late").content.decode()
    assert late.number in page and fine.number not in page
    Order.unscoped.filter(pk=late.pk).update(fulfilment="shipped", status="in_fulfilment")
    assert late.number not in client.get(reverse("orders") + "?tab=late").content.decode()


def test_an_approver_sends_an_order_back_from_its_page(world, client):
    finance = need_approval(world)
    order = place(world, 1)
    url = reverse("order_return", args=[order.pk])
    sign_in(client, finance)
    assert url in client.get(order.get_absolute_url()).content.decode()
    assert client.post(url, {"reason": ""}).status_code == 422
    assert client.post(url, {"reason": "less, please"}).status_code == 302
    order.refresh_from_db()
    assert order.status == "draft"
    assert url not in client.get(order.get_absolute_url()).content.decode()


def test_papers_name_the_address(world):
    add_address(world.cast.d001.pk, STORE, actor=world.dealer)
    (paper,) = confirmations(world.dealer, [place(world, 1).pk])
    facts = dict(paper.facts)
    assert "杭州市西湖区文三路 1 号 310000, 王芳 0571-8899" in facts.values()
