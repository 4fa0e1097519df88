"""What an order is for: samples that cost nothing, emergencies that cost more, and what each needs."""

from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.approvals.tests.make import make_rule
from qudao.funds.queries import unscoped_card
from qudao.inventory.actions import set_surcharge
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return make_world([10, 10, 10], limit=D(1000))


def codes(refusal):
    return [fault.code for fault in refusal.value.faults]


def test_samples_cost_nothing_and_say_what_they_are_for(world):
    clerk = world.cast.hq_clerk
    with pytest.raises(Invalid) as refusal:
        place(world, 2, kind="sample", actor=clerk)
    assert codes(refusal) == ["orders.sample_reason"]
    order = place(world, 2, kind="sample", note="fair in May", actor=clerk)
    line = Line.unscoped.get(order=order)
    assert (order.kind, order.status, order.gross, line.unit_price, line.price_source) == ("sample", "confirmed", 0, 0, "sample")
    assert [step["level"] for step in line.price_steps if step["verdict"] == "chosen"] == ["base", "sample"]
    assert unscoped_card(world.agreement.pk).position.ordered == 0
    with pytest.raises(IntegrityError, match="orders_order_samples_cost_nothing"), transaction.atomic():
        Order.unscoped.filter(pk=order.pk).update(net=1, gross=1)
    actions.amend_order(order.pk, actions.Amendment({line.pk: D(4)}), actor=clerk)
    order.refresh_from_db()
    assert (order.gross, order.line_count) == (0, 2)
    assert_sound()


def test_a_buyer_gets_samples_only_where_somebody_signs_for_them(world):
    with pytest.raises(Refused) as refusal:
        place(world, 2, kind="sample", note="fair")
    assert codes(refusal) == ["orders.sample_unsigned"]
    make_rule(world.cast.lh, "hq_finance")
    order = place(world, 2, kind="sample", note="fair")
    assert order.status == "in_review"
    actions.approve_order(order.pk, actor=world.cast.hq_finance)
    order.refresh_from_db()
    assert (order.status, order.gross) == ("confirmed", 0)
    assert_sound()


def test_an_emergency_has_the_surcharge_of_its_agreement_as_a_step_of_the_price(world):
    assert place(world, 1, kind="emergency").gross == D(100)
    set_surcharge(world.agreement.pk, D("7.5"), actor=world.cast.hq_warehouse)
    order = place(world, 3, kind="emergency")
    line = Line.unscoped.get(order=order)
    assert (order.gross, line.unit_price, line.price_source) == (D("322.50"), D("107.5"), "emergency")
    assert line.price_steps[-1]["code"] == "+7.5 %" and place(world, 1).gross == D(100)
    with pytest.raises(Invalid) as refusal:
        place(world, 1, kind="gift")
    assert codes(refusal) == ["orders.kind_unknown"]
    with pytest.raises(Forbidden):
        set_surcharge(world.agreement.pk, D(5), actor=world.dealer)
    with pytest.raises(NotFound):
        set_surcharge(world.agreement.pk, D(5), actor=world.cast.dealer_admin)
    assert_sound()


def test_every_step_of_a_price_stands_on_the_page_and_sums_to_the_cent(world, client):
    set_surcharge(world.agreement.pk, D("7.5"), actor=world.cast.hq_warehouse)
    order = place(world, 3, kind="emergency")
    line = Line.unscoped.get(order=order)
    client.cookies["qudao_language"] = "en"
    page = sign_in(client, world.dealer).get(order.get_absolute_url()).content.decode()
    why = page.partition('class="q-why')[2].partition("</tr>")[0]
    steps = [step for step in line.price_steps if step["verdict"] == "chosen"]
    assert why.count("<dt") == len(line.price_steps) + 3 and [D(str(step["amount"])) for step in steps] == [D(100), D("107.5")]
    assert "Why ¥322.50" in why and "107.50" in why and "+7.5 %" in why
    assert line.unit_price * line.qty == line.gross == line.net + line.tax
    assert all(f'<dd class="num">{amount}</dd>' in why for amount in (line.gross, line.net, line.tax))


def test_the_api_takes_the_type_and_page_and_list_tell_it(world, client):
    client.cookies["qudao_language"] = "en"
    set_surcharge(world.agreement.pk, D(10), actor=world.cast.hq_warehouse)
    sign_in(client, world.dealer)
    answer = client.post("/api/v1/orders", _body(world, kind="emergency"), content_type="application/json")
    assert answer.status_code == 201 and answer.json()["kind"] == "emergency" and D(answer.json()["gross"]) == D(220)
    page = client.get(reverse("order", args=[answer.json()["id"]])).content.decode()
    assert "Emergency" in page and "+10 %" in page
    listed = client.get(reverse("orders") + "?kind=emergency").content.decode()
    assert answer.json()["number"] in listed
    assert answer.json()["number"] not in client.get(reverse("orders") + "?kind=sample").content.decode()


def _body(world, **more):
    return {"seller_id": world.cast.lh.pk, "buyer_id": world.cast.d001.pk, "lines": [{"product": "P1", "qty": "2"}], **more}
