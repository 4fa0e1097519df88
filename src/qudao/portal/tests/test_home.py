"""Home by what a person does, the figures of the year, help and scan."""

import html
import re
from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import get_resolver, reverse

from qudao.analytics.queries import calendar
from qudao.approvals.actions import add_rule, decide_proposal
from qudao.approvals.models import Proposal
from qudao.approvals.rules import RuleDraft
from qudao.base.html import figures
from qudao.base.outbox import drain
from qudao.fulfilment.pages.documents import ShipmentList
from qudao.fulfilment.tests.make import received, shipped
from qudao.inventory.actions import hold_stock
from qudao.inventory.models import Stock
from qudao.kernel import clock
from qudao.kernel.errors import Waits
from qudao.orders.tests.make import make_world, place
from qudao.payments.actions import PaymentFacts, announce_payment, record_payment, refund_payment
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member, sign_in
from qudao.portal.pages.help import BY_ADDRESS, TOPICS, topic_of
from qudao.portal.queries import bought, dealers, dock, flow, has_sold, pending
from qudao.portal.queries.attention import short_products
from qudao.pricing.actions import ChangeDraft, draft_change, release_change
from qudao.pricing.queries import price_lists
from qudao.pricing.rules import NewPrice

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


#: what has no frame, or is no page
WITHOUT_HELP = {"a", "api", "help", "i18n", "invitations", "password", "session", "sign-in", "sign-out"}


def addresses(resolver, before=""):
    for one in resolver.url_patterns:
        here = before + str(one.pattern).lstrip("^")
        yield from addresses(one, here) if hasattr(one, "url_patterns") else [here]


def seen(world, actor, address="/", language="en"):
    client = Client()
    sign_in(client, actor)
    client.cookies["qudao_language"] = language
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_person_has_the_home_of_the_work_they_do(world):
    place(world, 2)
    drain()
    assert '<h1 class="not-phone">Order desk</h1>' in seen(world, world.cast.hq_clerk)
    assert '<h1 class="not-phone">Money desk</h1>' in seen(world, world.cast.hq_finance)
    assert '<h1 class="not-phone">Warehouse</h1>' in seen(world, world.cast.hq_warehouse)
    assert '<h1 class="not-phone">Order and receive</h1>' in seen(world, world.dealer)


def test_who_leads_the_dealers_begins_with_them_and_with_prices(world, django_assert_max_num_queries):
    manager = actor_of(make_member("channel@example.com", world.cast.lh, "hq_channel"))
    place(world, 2)
    drain()
    finance = unscoped_system_role("hq_finance")
    add_rule(world.cast.lh.pk, RuleDraft("pricing.change", finance), actor=world.cast.hq_admin)
    lists = price_lists(manager).filter(owner_id=world.cast.lh.pk).values_list("pk", flat=True)
    change = draft_change(
        lists[0], ChangeDraft("Winter prices", clock.today() + timedelta(days=20)), [NewPrice(world.products[0].pk, Decimal(77))], actor=manager
    )
    assert "Winter prices" not in seen(world, manager)  # a draft is nobody's business yet
    with pytest.raises(Waits):
        release_change(change.pk, actor=manager)
    page = seen(world, manager)
    assert '<h1 class="not-phone">Dealers and prices</h1>' in page and "Winter prices: waits for a signature" in page
    assert change.get_absolute_url() in page and "Dealers who ordered, 30 days" in page
    assert world.dealer.org_id not in {one.party_id for one in dealers(manager).quiet}
    client = Client()
    sign_in(client, manager)
    client.get("/")
    with django_assert_max_num_queries(24):
        client.get("/")
    decide_proposal(Proposal.unscoped.get().pk, "approve", actor=world.cast.hq_finance)
    assert f"Winter prices: counts from {figures.day(change.valid_from)}" in seen(world, manager)
    with clock.freeze(clock.now() + timedelta(days=60)):
        found = dealers(manager)
        assert found.ordering == 0 and world.dealer.org_id in {one.party_id for one in found.quiet}
        assert "has stopped ordering" in seen(world, manager)


def test_the_auditor_begins_with_what_should_not_be_and_is_offered_nothing_to_change(world):
    auditor = actor_of(make_member("audit@example.com", world.cast.lh, "hq_auditor"))
    received(world, place(world, 2))
    drain()
    page = seen(world, auditor)
    assert '<h1 class="not-phone">Audit</h1>' in page and "two duties" not in page
    paid = record_payment(PaymentFacts(world.cast.lh.pk, world.dealer.org_id, Decimal(5000)), actor=world.cast.hq_finance)
    refund_payment(paid.pk, paid.left, "twice", actor=world.cast.hq_finance)
    page = seen(world, auditor)
    assert "1 payment in which one person did two duties" in page and "/payments/?hands=one" in page
    assert paid.number in seen(world, auditor, "/payments/?hands=one")
    forms = {form for form in re.findall(r'<form[^>]*action="([^"]*)"', page) if not form.startswith(("/i18n/", "/session/", "/me/"))}
    assert not [form for form in forms if re.search(r"approv|payments|orders|ship|account", form)]


def test_the_figures_of_a_desk_are_those_of_its_orders_and_lead_to_them(world, django_assert_max_num_queries):
    order = place(world, 2)
    received(world, order)
    drain()
    client = Client()
    sign_in(client, world.cast.hq_clerk)
    client.cookies["qudao_language"] = "en"
    client.get("/")
    with django_assert_max_num_queries(24):
        page = client.get("/").content.decode()
    assert f"¥{order.gross:,.2f}" in page
    today = clock.today()
    assert f"/orders/?side=sell&amp;from={today.replace(day=1)}&amp;to={today}" in page


def test_who_sold_once_is_not_told_to_begin(world):
    new = seen(world, world.cast.hq_clerk)
    assert "What to do first" in new
    received(world, place(world, 2))
    drain()
    owner = world.cast.hq_clerk
    with clock.freeze(clock.now() + timedelta(days=200)):
        assert has_sold(owner) and not has_sold(world.dealer)
        assert "What to do first" not in seen(world, owner)


def test_the_warehouse_sees_what_it_sent_off_against_the_week_before(world):
    with clock.freeze(clock.now()):
        shipped(world, place(world, 2))
        page = seen(world, world.cast.hq_warehouse)
        since = clock.today() - timedelta(days=6)
        assert "Sent off in 7 days" in page and "7 days before: 0" in page
        assert f"/shipments/?side=sell&amp;tab=all&amp;from={since}" in page
        found = dock(world.cast.hq_warehouse)
        assert (list(found.sent), found.sent_before) == ([0] * 6 + [1], 0)
        params = QueryDict(f"side=sell&tab=all&from={since}")
        assert ShipmentList.standing_for(world.cast.hq_warehouse).rows(params).count() == 1  # the figure leads to the rows that sum to it
    with clock.freeze(clock.now() + timedelta(days=7, minutes=1)):
        found = dock(world.cast.hq_warehouse)
        assert (sum(found.sent), found.sent_before) == (0, 1)
        shipped(world, place(world, 1))
        assert "as many as in the 7 days before" in seen(world, world.cast.hq_warehouse)
    assert dock(world.dealer).sent == ()  # who sends nothing has no such figure


def test_a_home_draws_its_weeks_and_each_bar_opens_the_rows_it_sums(world):
    with clock.freeze(clock.now() - timedelta(days=10)):
        old = place(world, 5)
    order = place(world, 2)
    shipped(world, order)
    drain()
    today = clock.today()
    titles = {"Ordered week by week": world.cast.hq_clerk, "Bought week by week": world.dealer, "Sent off day by day": world.cast.hq_warehouse}
    for title, actor in titles.items():
        assert title in seen(world, actor)
    page = seen(world, world.cast.hq_clerk)
    bars = re.findall(r'href="([^"]*)" title="[^"]*: ([^"]*)"', page[page.index('id="chart"') :])
    assert len(bars) == 13 and [said for _url, said in bars if said != "¥0.00"] == [figures.money(old.gross), figures.money(order.gross)]
    url = html.unescape(bars[-1][0])
    assert url.endswith(f"from={today - timedelta(days=6)}&to={today}")
    rows = seen(world, world.cast.hq_clerk, url)
    assert order.number in rows and old.number not in rows
    assert 'id="chart"' not in seen(world, world.cast.hq_finance)  # nobody has paid anything: no empty chart


def test_finance_sees_who_owes_by_name_and_what_was_announced(world):
    order = place(world, 2)
    received(world, order)
    drain()
    announce_payment(PaymentFacts(order.seller_id, order.buyer_id, order.gross), actor=world.dealer)
    with clock.freeze(clock.now() + timedelta(days=90)):
        page = seen(world, world.cast.hq_finance)
    assert "is overdue" in page
    assert reverse("account", args=[order.buyer_id]) in page
    assert "1 announced payment waits for you" in page


def test_a_short_product_is_named_with_what_is_missing(world):
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_clerk"), Decimal(0), 1), actor=world.cast.hq_admin)
    place(world, 4)
    Stock.unscoped.filter(product=world.products[0], place__owner=world.cast.lh).update(reserved=0, on_hand=1)
    page = seen(world, world.cast.hq_clerk)
    assert f"{world.products[0].code} " in page
    assert "missing" in page
    assert "1 order in review asks for it" in page
    assert "asks for it" not in seen(world, world.dealer)


def test_blocked_goods_are_missing_too(world):
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_clerk"), Decimal(0), 1), actor=world.cast.hq_admin)
    order = place(world, 4)
    row = Stock.unscoped.get(product=world.products[0], place__owner=world.cast.lh)
    assert not flow(world.cast.hq_clerk, "sell")["to_reserve"].number and not short_products(world.cast.hq_clerk)
    hold_stock(row.pk, "Motor hums", actor=world.cast.hq_warehouse)
    assert flow(world.cast.hq_clerk, "sell")["to_reserve"].number == 1
    (lack,) = short_products(world.cast.hq_clerk)
    assert (lack.code, lack.missing) == (world.products[0].code, 4)
    (task,) = pending(world.cast.hq_clerk)
    assert task.subject_id == order.pk and task.lacks


def test_only_the_orders_that_wait_longest_are_compared_with_the_stock_and_the_number_says_so(world, monkeypatch):
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_clerk"), Decimal(0), 1), actor=world.cast.hq_admin)
    place(world, 4)
    place(world, 4)
    Stock.unscoped.filter(place__owner=world.cast.lh).update(reserved=0, on_hand=1)
    stage = flow(world.cast.hq_clerk, "sell")["to_reserve"]
    assert (stage.number, stage.more) == (2, "")
    monkeypatch.setattr(import_module("qudao.portal.queries.flow"), "LOOKED", 1)
    stage = flow(world.cast.hq_clerk, "sell")["to_reserve"]
    assert (stage.number, stage.more) == (1, "+")
    assert "1+" in seen(world, world.cast.hq_clerk)


def test_an_order_past_its_wished_date_stands_under_needs_action(world):
    place(world, 2, requested_on=clock.today() + timedelta(days=1))
    with clock.freeze(clock.now() + timedelta(days=3)):
        assert "should have left by its wished date" in seen(world, world.cast.hq_warehouse)


def test_a_buyer_sees_what_to_receive_and_the_numbers_of_the_own_orders(world):
    shipment = shipped(world, place(world, 2))
    page = seen(world, world.dealer)
    assert f"Receive {shipment.number}" in page
    assert "My orders" in page


def test_the_year_in_figures_opens_its_months_and_is_a_file(world):
    order = place(world, 2)
    drain()
    page = seen(world, world.cast.hq_clerk, "/insight/")
    first = clock.today().replace(day=1)
    assert f'data-value="{order.gross}"' in page
    assert f"from={first}" in page
    client = Client()
    sign_in(client, world.cast.hq_clerk)
    answer = client.get("/insight/?export=csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert f",{order.gross}," in answer.content.decode("utf-8-sig")
    assert "Figures appear with the first order." in seen(world, world.dealer, "/insight/")


def test_help_is_about_the_page_one_is_on_in_both_languages(world):
    assert "订单台" in seen(world, world.dealer, "/help/?at=/", "zh-hans")
    page = seen(world, world.dealer, "/help/?at=/")
    assert "The map" in page
    assert "/help/start/" in page
    client = Client()
    sign_in(client, world.dealer)
    assert client.get("/help/nothing/").status_code == 404
    assert client.get("/help/pictures/..%2f..%2fREADME.md").status_code == 404
    assert set(BY_ADDRESS.values()) <= set(TOPICS)
    assert topic_of("/orders/new/") == "desk"
    firsts = {route.partition("/")[0] for route in addresses(get_resolver())} - WITHOUT_HELP
    assert firsts <= set(BY_ADDRESS), "a page without a topic of the handbook"


def test_scan_leads_to_the_search(world):
    assert 'action="/search/"' in seen(world, world.dealer, "/scan/")


def test_a_buyer_sees_what_it_bought_and_whether_it_came_in_time(world):
    order = place(world, 2)
    received(world, order)
    drain()
    today = clock.today()
    page = seen(world, world.dealer)
    assert "Ordered this month" in page and f"/orders/?side=buy&amp;from={today.replace(day=1)}&amp;to={today}" in page
    assert f"¥{order.gross:,.2f}" in page and f"/orders/?side=buy&amp;from={today}" in page
    found = bought(world.dealer)
    assert found.between(today, today).amount == order.gross and found.between(today, today).orders == 1
    assert bought(world.cast.hq_clerk).days == {}, "what others buy is not told"


def test_the_orders_behind_a_figure_are_those_it_counts(world):
    order, waits = place(world, 2), place(world, 1)
    received(world, order)
    drain()
    today = clock.today()
    span = f"from={today}&to={today}"
    page = seen(world, world.cast.hq_clerk, f"/insight/orders/?side=sell&{span}&figure=left")
    assert order.number in page and waits.number not in page
    now = calendar(world.cast.hq_clerk, today).between(today, today)
    assert (now.orders, now.shipped) == (2, 1)
    every = seen(world, world.cast.hq_clerk, f"/insight/orders/?side=sell&{span}")
    assert (order.number in every, waits.number in every) == (True, True)
    assert order.number in seen(world, world.dealer, f"/insight/orders/?side=buy&{span}")
    assert order.number not in seen(world, world.dealer, f"/insight/orders/?side=sell&{span}")
    client = Client()
    sign_in(client, world.cast.hq_clerk)
    assert client.get("/insight/orders/?figure=left")["Location"].endswith(f"figure=left&from={today - timedelta(days=29)}")
    assert order.number not in seen(world, world.cast.hq_clerk, f"/insight/orders/?side=sell&to={today - timedelta(days=1)}")
