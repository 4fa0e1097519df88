"""What is said before an order is placed: when goods leave, where they go, on which terms, and what a few more would save."""

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse
from django.utils import translation

from qudao.approvals.tests.make import make_rule
from qudao.base.access import system_actor
from qudao.base.html import figures
from qudao.baskets.actions import add_lines
from qudao.baskets.models import Basket
from qudao.baskets.models import Line as BasketLine
from qudao.baskets.rules import Entry
from qudao.catalog.actions import join_equivalents
from qudao.catalog.models import Product
from qudao.inventory.actions import set_supply_place, set_surcharge
from qudao.inventory.models import Stock
from qudao.inventory.queries import Available
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.kernel.period import working_day
from qudao.network.actions import add_address
from qudao.network.models import Organisation
from qudao.network.rules import AddressFacts
from qudao.orders.actions import Amendment, amend_order, approve_order, return_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine
from qudao.orders.tests.make import START, make_world, place
from qudao.people.tests.make import sign_in
from qudao.portal.tables import promise_words
from qudao.pricing.actions import set_prices, set_rates
from qudao.pricing.models import PriceList
from qudao.pricing.rules import PriceDraft, RateDraft

pytestmark = pytest.mark.django_db

STORE = AddressFacts("王芳", "0571-8899", "文三路 1 号", label="总仓")
SHOP = AddressFacts("李雷", "138-0000", "西溪路 2 号")


@pytest.fixture
def world(client):
    """P1 and P2 at 100, P2 at 90 from 50 on; D001 has two addresses; its buyer is signed in."""
    client.cookies["qudao_language"] = "en"
    made = make_world((100, 100, 100))
    base = PriceList.unscoped.get(owner=made.cast.lh)
    set_prices(base.pk, [PriceDraft(made.products[1].pk, D(90), START, min_qty=D(50))], actor=system_actor())
    for one in (STORE, SHOP):
        add_address(made.cast.d001.pk, one, actor=made.dealer)
    sign_in(client, made.dealer)
    return made


def addresses_of(world):
    made = world.cast.d001.pk
    return list(Order._meta.apps.get_model("network", "Address").unscoped.filter(organisation_id=made).order_by("pk").values_list("pk", flat=True))


def soon(days=2):
    with translation.override("en"):
        return figures.day(working_day(clock.today(), days))


def preview(client, world, *lines, **more):
    codes, quantities = [code for code, _qty in lines], [qty for _code, qty in lines]
    data = {"agreement": world.agreement.pk, "lines-ref": [*range(1, len(lines) + 1)], "lines-code": codes, "lines-qty": quantities, **more}
    return client.post(reverse("order_preview"), data).json()


def test_shop_and_basket_promise_a_day_and_no_quantity_where_a_band_is_shown(client, world):
    assert f"leaves {soon()}" in client.get(reverse("shop")).content.decode()
    add_lines(world.agreement.pk, [Entry(world.products[0].pk, D(130)), Entry(world.products[2].pk, D(1))], actor=world.dealer)
    page = client.get(reverse("basket")).content.decode()
    assert f"a part leaves {soon()}, the rest is to be confirmed" in page and f"leaves {soon()}" in page and f"ships by {soon()}" in page
    assert "1 line has no date for all of it yet" in page and "100 台 leave" not in page
    set_supply_place(world.agreement.pk, world.shelf.main, "exact", 3, actor=world.cast.hq_warehouse)
    page = client.get(reverse("basket")).content.decode()
    assert f"100 台 leave {soon(3)}, the rest is to be confirmed" in page
    set_supply_place(world.agreement.pk, world.shelf.main, "nothing", actor=world.cast.hq_warehouse)
    page = client.get(reverse("basket")).content.decode()
    assert "leaves" not in page and "ships by" not in page and "to be confirmed" not in page


def test_a_promise_in_words():
    day = clock.today()
    assert promise_words(None, "台") == promise_words(Available("low", None), "台") == ""
    assert promise_words(Available("out", None, ((None, None),)), "台") == "date to be confirmed"
    assert promise_words(Available("low", D(3), ((day, D(3)), (None, D(2)))), "台") == f"3 台 leave {figures.day(day)}, the rest is to be confirmed"


def test_what_was_promised_is_what_the_order_says(client, world):
    add_lines(world.agreement.pk, [Entry(world.products[0].pk, D(4))], actor=world.dealer)
    wanted = clock.today() + timedelta(days=20)
    client.post(reverse("basket_head") + f"?agreement={world.agreement.pk}", {"agreement": world.agreement.pk, "requested_on": wanted.isoformat()})
    assert f"leaves {figures.day(wanted)}" in client.get(reverse("basket")).content.decode()
    client.post(reverse("basket"), {"agreement": world.agreement.pk, "do": "submit", "requested_on": wanted.isoformat()})
    assert Order.unscoped.get().promised_on == wanted


def test_the_basket_keeps_the_chosen_address_and_orders_to_it(client, world):
    store, shop = addresses_of(world)
    add_lines(world.agreement.pk, [Entry(world.products[0].pk, D(4))], actor=world.dealer)
    page = client.get(reverse("basket")).content.decode()
    assert page.index(f'value="{store}"') < page.index(f'value="{shop}"') and "总仓 · 文三路 1 号" in page
    client.post(reverse("basket_head"), {"agreement": world.agreement.pk, "address": shop})
    assert Basket.unscoped.get().address_id == shop
    assert f'value="{shop}" selected' in client.get(reverse("basket")).content.decode()
    foreign = add_address(world.cast.d002.pk, STORE, actor=system_actor())
    client.post(reverse("basket_head"), {"agreement": world.agreement.pk, "address": foreign.pk})
    assert Basket.unscoped.get().address_id == shop, "only what is offered"
    client.post(reverse("basket"), {"agreement": world.agreement.pk, "do": "submit", "address": shop})
    assert Order.unscoped.get().ship_name == "李雷" and Basket.unscoped.get().address_id is None


def test_the_basket_keeps_its_type_and_prices_by_it(client, world):
    set_surcharge(world.agreement.pk, D(10), actor=world.cast.hq_warehouse)
    add_lines(world.agreement.pk, [Entry(world.products[0].pk, D(4))], actor=world.dealer)
    head, at = reverse("basket_head"), {"agreement": world.agreement.pk}
    answer = client.post(head, {**at, "kind": "emergency"}, headers={"X-Basket": "basket"}).json()
    assert answer["total"] == "¥440.00" and len(answer["rows"]) == 1, "another type means other prices"
    assert client.post(head, {**at, "kind": "emergency", "po_number": "7"}, headers={"X-Basket": "basket"}).json()["rows"] == {}
    assert '<option value="emergency" selected' in client.get(reverse("basket")).content.decode()
    answer = client.post(reverse("basket"), {**at, "do": "submit", "kind": "sample"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "Say in the note" in page and not Order.unscoped.exists()
    client.post(reverse("basket"), {**at, "do": "submit", "kind": "emergency"})
    assert (Order.unscoped.get().kind, Order.unscoped.get().gross, Basket.unscoped.get().kind) == ("emergency", D(440), "regular")


def test_the_desk_offers_the_addresses_of_whom_it_is_for(client, world):
    store, shop = addresses_of(world)
    sign_in(client, world.cast.hq_clerk)
    code = world.products[0].code
    offered = preview(client, world, (code, "2"))["addresses"]
    assert [value for value, _text in offered] == [str(store), str(shop)]
    assert "addresses" not in preview(client, world, (code, "2"), **{"address-for": str(world.agreement.pk)})
    answer = client.post(reverse("order_new"), {"agreement": world.agreement.pk, "address": shop, "lines-code": [code], "lines-qty": ["2"]})
    assert answer.status_code == 302 and Order.unscoped.get().ship_address == "西溪路 2 号"
    answer = client.post(reverse("order_new"), {"agreement": world.agreement.pk, "address": "987654", "lines-code": [code], "lines-qty": ["2"]})
    assert answer.status_code == 422 and Order.unscoped.count() == 1


def test_the_line_in_focus_says_what_the_type_of_the_order_makes_of_the_price(client, world):
    sign_in(client, world.cast.hq_clerk)
    line = preview(client, world, (world.products[0].code, "2"), focus="1", kind="sample", note="trial")["line"]
    assert "Sample" in line and "Base list" in line and "200.00" not in line
    set_surcharge(world.agreement.pk, D(10), actor=world.cast.hq_warehouse)
    line = preview(client, world, (world.products[0].code, "2"), focus="1", kind="emergency")["line"]
    assert "Emergency +10 %" in line and "220.00" in line


def test_a_price_in_another_currency_shows_its_rate_and_a_missing_rate_is_named(client, world):
    for model, mine in ((PriceList, {"owner": world.cast.lh}), (Organisation, {"pk": world.cast.lh.pk})):
        model.unscoped.filter(**mine).update(currency="USD")
    row = preview(client, world, (world.products[0].code, "2"))["rows"]["1"]
    assert "There is no exchange rate from USD to CNY" in row["hints"]
    with pytest.raises(Refused) as refusal:
        place(world, 2)
    assert [fault.code for fault in refusal.value.faults] == ["orders.no_price", "pricing.rate_missing"]
    set_rates(world.cast.lh.pk, [RateDraft("USD", "CNY", START, D("7.1"))], actor=system_actor())
    line = preview(client, world, (world.products[0].code, "2"), focus="1")["line"]
    assert "100.00 USD at 7.1 of" in line and "1,420.00" in line


def test_more_than_the_largest_quantity_is_refused_at_the_line_with_the_nearest_allowed(client, world):
    one = world.products[0]
    Product.unscoped.filter(pk=one.pk).update(max_qty=20, pack_multiple=6)
    hints = preview(client, world, (one.code, "24"))["rows"]["1"]["hints"]
    assert "one order takes at most 20" in hints and 'data-value="18"' in hints
    with pytest.raises(Refused) as refusal:
        place(world, 24)
    assert [fault.code for fault in refusal.value.faults] == ["orders.above_maximum"]
    add_lines(world.agreement.pk, [Entry(one.pk, D(24))], actor=world.dealer)
    assert f'value="{BasketLine.unscoped.get().pk}:qty=18"' in client.get(reverse("basket")).content.decode()
    order = place(world, 18)
    with pytest.raises(Refused) as refusal:
        amend_order(order.pk, Amendment({}, [NewLine(one.pk, D(6))]), actor=world.dealer)
    assert [fault.code for fault in refusal.value.faults] == ["orders.above_maximum"], "nor in pieces"


def test_a_short_line_offers_what_can_stand_in_and_one_click_takes_it(client, world):
    one, two, three = world.products
    join_equivalents([p.pk for p in world.products], actor=world.cast.hq_admin)
    Stock.unscoped.filter(product=one).update(on_hand=3)
    Stock.unscoped.filter(product=three).update(on_hand=2)
    hints = preview(client, world, (one.code, "4"))["rows"]["1"]["hints"]
    assert "In stock and can stand in:" in hints and f'data-value="{two.code}"' in hints and f'data-value="{three.code}"' not in hints
    assert "can stand in" not in preview(client, world, (one.code, "3"))["rows"]["1"]["hints"], "there is enough"
    assert "can stand in" not in preview(client, world, (one.code, "4"), (two.code, "1"))["rows"]["1"]["hints"], "it is ordered already"
    add_lines(world.agreement.pk, [Entry(one.pk, D(4))], actor=world.dealer)
    line = BasketLine.unscoped.get()
    assert f'value="{line.pk}:code={two.code}"' in client.get(reverse("basket")).content.decode()
    client.post(reverse("basket_line", args=[line.pk]), {"agreement": world.agreement.pk, "code": two.code, "qty": "4 台"})
    line.refresh_from_db()
    assert (line.product_id, line.qty) == (two.pk, 4)
    fixed = {"agreement": world.agreement.pk, "line": [line.pk], "code": [""], "qty": ["4 台"], "fix": f"{line.pk}:code={three.code}"}
    client.post(reverse("basket"), fixed)
    line.refresh_from_db()
    assert (line.product_id, line.qty) == (three.pk, 4), "without a script, too"


def test_the_line_in_focus_says_what_a_few_more_would_save(client, world):
    line = preview(client, world, (world.products[1].code, "40"), focus="1")["line"]
    assert "10 台 more make each 90.00 instead of 100.00: saves 500.00." in line and 'data-take="50"' in line and f"leaves {soon()}" in line
    assert "data-take" not in preview(client, world, (world.products[1].code, "50"), focus="1")["line"]
    assert "data-take" not in preview(client, world, ("NO-SUCH", "1"), focus="1")["line"]


def test_desk_and_basket_say_terms_credit_and_approval_in_one_place(client, world):
    make_rule(world.cast.lh, "hq_clerk", "300")
    add_lines(world.agreement.pk, [Entry(world.products[0].pk, D(4))], actor=world.dealer)
    desk = preview(client, world, (world.products[0].code, "4"))["aside"]
    for page in (desk, client.get(reverse("basket")).content.decode()):
        for words in ("The seller", "approves", "on credit, 30 days after the invoice", "Enough for this order", f"ships by {soon()}"):
            assert words in page, words
    assert "No approval needed" in preview(client, world, (world.products[0].code, "1"))["aside"]
    partial = preview(client, world, (world.products[0].code, "4"), **{"rest-lines": "3"})["aside"]
    assert "ships by" not in partial, "nothing is said of lines that were not asked"


def test_the_approver_reads_where_it_goes(client, world):
    make_rule(world.cast.lh, "hq_clerk", "300")
    place(world, 4)
    sign_in(client, world.cast.hq_clerk)
    assert "文三路 1 号, 王芳 0571-8899" in client.get(reverse("approvals")).content.decode()


def test_what_one_decided_stands_in_a_list_of_its_own(client, world):
    make_rule(world.cast.lh, "hq_clerk", "300")
    first, second, open_one = place(world, 4), place(world, 5), place(world, 6)
    approve_order(first.pk, actor=world.cast.hq_clerk)
    return_order(second.pk, reason="too much", actor=world.cast.hq_clerk)
    sign_in(client, world.cast.hq_clerk)
    assert reverse("approvals_decided") in client.get(reverse("approvals")).content.decode()
    page = client.get(reverse("approvals_decided")).content.decode()
    assert page.index(second.number) < page.index(first.number) and open_one.number not in page
    assert "too much" in page and "Hangzhou Lakeside" in page and first.get_absolute_url() in page
    assert first.number not in client.get(reverse("approvals_decided") + "?decision=return").content.decode()
    sign_in(client, world.cast.hq_admin)
    assert first.number not in client.get(reverse("approvals_decided")).content.decode()
    sign_in(client, world.dealer)
    assert client.get(reverse("approvals_decided")).status_code == 403
