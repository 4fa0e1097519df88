"""What is found, by which part, and by whom."""

from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.base.search import amount_of, matching
from qudao.billing.actions import issue_collective, set_cycle
from qudao.catalog.tests.make import make_product
from qudao.fulfilment.tests.make import received
from qudao.network.actions import change_organisation
from qudao.network.models import Organisation
from qudao.network.rules import OrgFacts
from qudao.network.tests.make import make_org
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_downstream, make_world, place
from qudao.people.tests.make import sign_in
from qudao.portal.queries import find, opened, order_hits

pytestmark = pytest.mark.django_db
PALETTE = {"HX-Request": "true", "HX-Target": "palette-list"}


@pytest.fixture
def world():
    return make_world((100, 100, 100))


@pytest.fixture(autouse=True)
def english(client):
    client.cookies["qudao_language"] = "en"


def urls(actor, typed):
    return [hit.url for group in find(actor, typed) for hit in group.hits]


def test_any_part_of_a_number_finds_its_order(world):
    order = place(world, 4)
    number = order.number
    for part in (number, number.lower(), number[3:], number[-3:], number[:2], number[1:6]):
        assert list(Order.unscoped.filter(pk__in=matching("orders.order", part))) == [order], part
        assert order.get_absolute_url() in urls(world.cast.hq_clerk, part), part
    for none in (number + "9", "100%", "a_c", "'; select 1 --", "\\"):
        assert order.get_absolute_url() not in urls(world.cast.hq_clerk, none), none


def test_a_list_is_searched_by_number_and_by_either_side(world, client):
    order = place(world, 4)
    sign_in(client, world.cast.hq_clerk)
    buyer = Organisation.unscoped.get(pk=order.buyer_id)
    for words in (order.number[-4:], buyer.name, buyer.code.lower(), f"{buyer.code} {order.number[-4:]}"):
        assert order.number in client.get(reverse("orders"), {"q": words}).content.decode(), words
    assert order.number not in client.get(reverse("orders"), {"q": f"{buyer.code} zzz"}).content.decode()


def test_parties_and_products_are_found_by_pinyin_and_a_new_name_at_once(world):
    dealer = make_org("dealer", "CS-9", world.cast.lh, name="长沙乐平")
    product = make_product(world.cast.lh, "FN-77", name="落地扇")
    for words in ("cslp", "changshale", "乐平", "长沙乐平", "cs-9", "平"):
        assert dealer.get_absolute_url() in urls(world.cast.hq_clerk, words), words
    for words in ("lds", "luodishan", "地扇", "N-77"):
        assert product.get_absolute_url() in urls(world.cast.hq_clerk, words), words
    change_organisation(dealer.pk, OrgFacts(code="CS-9", name="株洲兴盛"), actor=world.cast.hq_admin)
    assert dealer.get_absolute_url() in urls(world.cast.hq_clerk, "zzxs") and dealer.get_absolute_url() not in urls(world.cast.hq_clerk, "cslp")


def test_nobody_finds_what_is_not_theirs(world):
    order = place(world, 4)
    assert urls(world.cast.stranger, order.number) == []
    assert opened(world.cast.stranger, [order.get_absolute_url()]) == []
    assert [hit.label for hit in opened(world.cast.dealer, [order.get_absolute_url(), "/nothing/1/", "//x"])] == [order.number]


def test_a_collective_invoice_is_found_whole_before_its_parts(world):
    set_cycle(world.agreement.pk, "month", 25, actor=world.cast.hq_finance)
    for _n in range(2):
        received(world, place(world, 3))
    made = issue_collective(world.agreement.pk, actor=world.cast.hq_finance)
    assert made is not None
    for actor in (world.cast.hq_finance, world.cast.dealer):
        found = urls(actor, made.number)
        assert found[0] == made.get_absolute_url() and len(found) == 3, "and its two parts"
    assert urls(world.cast.stranger, made.number) == []
    assert [hit.label for hit in opened(world.cast.dealer, [made.get_absolute_url()])] == [made.number]


def test_an_exact_amount_jumps_but_confirms_nothing_to_who_may_not_see_it(world, client):
    make_downstream(world)
    people = world.cast
    asked = Placing(people.d001.pk, people.s001.pk, [NewLine(world.products[0].pk, Decimal(7))])
    below = place_order(asked, actor=people.sub_dealer)
    own = place(world, 4)
    sign_in(client, world.cast.dealer)
    assert client.get(reverse("search"), {"q": f"{own.gross:,}"})["Location"] == own.get_absolute_url()
    assert below.get_absolute_url() in urls(world.cast.hq_clerk, below.number)
    assert below.get_absolute_url() not in urls(world.cast.hq_clerk, str(below.gross))
    assert (amount_of("¥189,642.00"), amount_of("12a"), amount_of("1.2.3"), amount_of("")) == (Decimal("189642.00"), None, None, None)


def test_the_palette_offers_what_was_opened_the_menu_and_orders_for_a_party(world, client):
    order = place(world, 4)
    sign_in(client, world.cast.dealer)
    page = client.get(reverse("search"), {"q": "", "recent": order.get_absolute_url()}, headers=PALETTE).content.decode()
    assert "<html" not in page and page.index(order.number) < page.index(reverse("order_new"))
    page = client.get(reverse("search"), {"q": order.number}, headers=PALETTE).content.decode()
    assert "data-exact" in page and page.count(f'href="{order.get_absolute_url()}"') == 1
    seller = Organisation.unscoped.get(pk=order.seller_id)
    assert f"/orders/new/?agreement={order.agreement_id}" in client.get(reverse("search"), {"q": f"new order {seller.code}"}, headers=PALETTE).content.decode()
    assert 'href="/orders/new/"' in client.get(reverse("search"), {"q": "no"}, headers=PALETTE).content.decode()
    assert reverse("price_lists") not in client.get(reverse("search"), {"q": "price"}, headers=PALETTE).content.decode()
    assert order_hits(world.cast.stranger, seller.code, str) == []


def test_a_search_takes_few_statements(world, client, django_assert_max_num_queries):
    place(world, 4)
    sign_in(client, world.cast.dealer)
    for words in ("SO", "100", world.products[0].code):
        with django_assert_max_num_queries(15):
            client.get(reverse("search"), {"q": words}, headers=PALETTE)
