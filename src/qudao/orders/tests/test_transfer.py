"""Transfers: arranged by the seller of both, accepted or declined by who gives, seen by three sides each as it should."""

from datetime import timedelta
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.urls import reverse

from qudao.agreements import actions as agreements
from qudao.agreements.models import Agreement
from qudao.agreements.rules import RuleDraft
from qudao.agreements.tests.make import make_agreement
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.catalog.tests.make import make_product
from qudao.funds.queries import unscoped_card
from qudao.funds.rules import NO_LIMIT
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.orders import actions
from qudao.orders.actions.amend import Amendment
from qudao.orders.models import Line, Order
from qudao.orders.queries import orders, purchases, sales
from qudao.orders.rules import NewLine
from qudao.orders.tests.make import START, assert_sound, make_world, place
from qudao.orders.tests.transfers import make_passing
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db
API, JSON = "/api/v1", "application/json"


@pytest.fixture
def world():
    return make_world([100, 100])


@pytest.fixture
def passing(world):
    return make_passing(world)


def test_arranging_asks_the_giver(world, passing):
    before = list(sales(passing.clerk))
    order = passing.arrange(6)
    assert (order.kind, order.status, order.approval, order.gross) == ("transfer", "in_review", "pending", D(600))
    assert order.number == "TR-D002-00001" and order.arranged_by_id == world.cast.lh.pk
    assert order.payment_days == 45 and order.promised_on is None
    terms = Agreement.unscoped.get(transfers=True)
    assert (terms.seller_id, terms.buyer_id, terms.state, terms.payment_days) == (world.cast.d001.pk, world.cast.d002.pk, "active", 45)
    assert unscoped_card(terms.pk).position.limit == NO_LIMIT
    assert passing.arrange(2).agreement_id == terms.pk, "the second transfer is under the same agreement"
    drain()
    assert list(sales(passing.clerk)) == before, "it is no sale of the common seller"
    assert order in sales(passing.giver) and order in purchases(passing.taker) and order in orders(passing.clerk)
    assert order not in orders(world.cast.sub_dealer)
    assert_sound()


def test_the_same_client_id_arranges_once(passing):
    key = uuid4()
    first = actions.arrange_transfer(passing.placing(2), actor=passing.clerk, client_id=key)
    assert actions.arrange_transfer(passing.placing(2), actor=passing.clerk, client_id=key).pk == first.pk
    assert Order.unscoped.count() == 1


def test_accepted_it_is_an_order_like_any_other(world, passing):
    order = passing.arrange(6)
    for stranger in (passing.taker, passing.clerk):
        with pytest.raises(Forbidden):
            actions.approve_order(order.pk, actor=stranger)
    actions.approve_order(order.pk, actor=passing.giver)
    order.refresh_from_db()
    assert (order.status, order.approval, order.allocation, order.credit) == ("confirmed", "approved", "full", "pass")
    drain()
    assert_sound()
    line = Line.unscoped.get(order=order)
    with pytest.raises(Refused, match=r"orders\.transfer_fixed"):
        actions.amend_order(order.pk, Amendment({line.pk: D(9)}), actor=passing.taker)
    actions.cancel_order(order.pk, reason="sold after all", actor=passing.clerk)
    order.refresh_from_db()
    assert order.status == "cancelled" and unscoped_card(order.agreement_id).position.exposure == 0
    assert_sound()


def test_a_part_of_it_is_a_transfer_with_the_next_number(passing):
    order = passing.arrange(6)
    actions.approve_order(order.pk, actor=passing.giver)
    part = actions.split_order(order.pk, actions.Splitting({order.lines.get().pk: D(2)}), actor=passing.giver)
    assert (order.number, part.number, passing.arrange(1).number) == ("TR-D002-00001", "TR-D002-00002", "TR-D002-00003")
    assert (part.kind, part.arranged_by_id) == ("transfer", order.arranged_by_id)
    drain()
    assert_sound()


def test_declined_withdrawn_cancelled(passing):
    order = passing.arrange(6)
    for verb in (lambda: actions.withdraw_order(order.pk, actor=passing.taker), lambda: actions.return_order(order.pk, reason="x", actor=passing.giver)):
        with pytest.raises(Refused, match=r"orders\.transfer_fixed"):
            verb()
    with pytest.raises(Invalid, match=r"orders\.reason_needed"):
        actions.reject_order(order.pk, reason=" ", actor=passing.giver)
    actions.reject_order(order.pk, reason="we need them", actor=passing.giver)
    order.refresh_from_db()
    assert (order.status, order.approval) == ("rejected", "rejected")
    second = passing.arrange(1)
    actions.cancel_order(second.pk, reason="no room", actor=passing.taker)
    second.refresh_from_db()
    assert second.status == "cancelled"
    assert_sound()


def test_who_may_not(world, passing):
    for actor in (passing.taker, passing.giver):
        with pytest.raises(Refused, match=r"orders\.transfer_unknown"):
            passing.arrange(1, actor=actor)
    for actor in (world.dealer, world.cast.hq_warehouse):
        with pytest.raises(Forbidden):
            passing.arrange(1, actor=actor)
    with pytest.raises(Refused, match=r"orders\.transfer_unknown"):
        passing.arrange(1, buyer_id=world.cast.s001.pk)
    with pytest.raises(Invalid, match=r"orders\.same_sides"):
        passing.arrange(1, buyer_id=world.cast.d001.pk)
    order = passing.arrange(1)
    with pytest.raises((NotFound, Forbidden)):
        actions.cancel_order(order.pk, reason="x", actor=world.cast.sub_dealer)
    with pytest.raises(Invalid, match=r"orders\.kind_unknown"):
        place(world, 1, kind="transfer")
    agreements.suspend_agreement(passing.receiver.pk, "quarrel", actor=world.cast.hq_admin)
    with pytest.raises(Refused, match=r"orders\.agreement_suspended"):
        passing.arrange(1)


def test_what_may_not_go(world, passing):
    with pytest.raises(Refused, match=r"inventory\.short") as short:
        passing.arrange(21)
    assert short.value.faults[0].field == "lines.1.qty" and short.value.faults[0].params["available"] == "20"
    assert passing.arrange(21, short="cut").status == "in_review"
    with pytest.raises(Invalid, match=r"orders\.unknown_product"):
        passing.arrange(lines=[NewLine(None, D(1), "nix")])
    with pytest.raises(Invalid, match=r"orders\.qty_not_positive"):
        passing.arrange(lines=[NewLine(world.products[0].pk, D(0))])
    bare = make_product(world.cast.lh, "PX")
    with pytest.raises(Refused, match=r"orders\.no_price"):
        passing.arrange(lines=[NewLine(bare.pk, D(1))])
    agreements.set_rule(RuleDraft(False, START, buyer_id=world.cast.d002.pk), actor=world.cast.hq_admin)
    drain()
    with pytest.raises(Refused, match=r"orders\.not_offered"):
        passing.arrange(1)
    assert_sound()


def test_other_terms_make_another_agreement(world, passing):
    first = passing.arrange(1)
    agreements.end_agreement(passing.receiver.pk, "new terms", actor=world.cast.hq_admin)
    Agreement.unscoped.filter(pk=passing.receiver.pk).update(valid_to=clock.today() - timedelta(days=1))
    make_agreement(world.cast.lh, world.cast.d002, code="A2", payment_days=10)
    second = passing.arrange(1)
    assert (first.agreement.payment_days, second.agreement.payment_days) == (45, 10)
    assert Agreement.unscoped.filter(transfers=True, state="active").count() == 1
    agreements.suspend_agreement(second.agreement_id, "no more", actor=passing.giver)
    with pytest.raises(Refused, match=r"agreements\.transfers_suspended"):
        passing.arrange(1)


def test_pages(world, passing, client):
    sign_in(client, passing.clerk)
    page = text(client.get(reverse("transfer_new")))
    assert "Who gives the goods" in page and "D002" in page
    sides = {"giver": world.cast.d001.pk, "receiver": world.cast.d002.pk}
    row = {**sides, "short": "refuse", "requested_on": "", "note": "", "lines-product": "P1", "lines-qty": "30"}
    answer = client.post(reverse("transfer_new"), row)
    assert "only 20" in text(answer, 409) or "20 " in text(answer, 409)
    assert client.post(reverse("transfer_new"), {**row, "lines-qty": "x"}).status_code == 422
    assert client.post(reverse("transfer_new"), {**row, "lines-product": "", "lines-qty": ""}).status_code == 422
    assert client.post(reverse("transfer_new"), {**row, "lines-qty": "6"}).status_code == 302
    order = Order.unscoped.get()
    page = text(client.get(reverse("order", args=[order.pk])))
    assert "Transfer" in page and "arranged the transfer" in page and "Cancel order" in page
    page = text(client.get(reverse("orders") + "?kind=transfer"))
    assert order.number in page and "<title>Transfers |" in page
    assert "Arrange a transfer" in text(client.get(reverse("orders")))
    assert order.number not in text(client.get(reverse("orders") + "?side=sell"))
    sign_in(client, passing.giver)
    page = text(client.get(reverse("order", args=[order.pk])))
    assert "Accept" in page and "Send back" not in page and "Base" not in page
    assert "TR-D002-1" in text(client.get(reverse("agreements") + "?tab=transfers")) and "TR-D002-1" not in text(client.get(reverse("agreements")))
    assert client.post(reverse("order_approval", args=[order.pk]), {"reason": "", "short": ""}).status_code == 302
    sign_in(client, passing.taker)
    page = text(client.get(reverse("order", args=[order.pk])))
    assert "Transfer" in page and order.number in text(client.get(reverse("orders") + "?side=buy"))
    assert client.get(reverse("transfer_new")).status_code in (200, 403)


def test_api(world, passing, client):
    body = {"giver_id": world.cast.d001.pk, "receiver_id": world.cast.d002.pk, "lines": [{"product": "P1", "qty": "3"}]}
    headers = {**bearer(passing.clerk), "Idempotency-Key": "transfer-0001"}
    made = client.post(f"{API}/transfers", body, content_type=JSON, headers=headers)
    assert made.status_code == 201 and made.json()["kind"] == "transfer", made.content
    assert client.post(f"{API}/transfers", body, content_type=JSON, headers=headers).json()["id"] == made.json()["id"]
    url = f"{API}/orders/{made.json()['id']}"
    assert [one["id"] for one in client.get(f"{API}/orders?kind=transfer", headers=bearer(passing.clerk)).json()["items"]] == [made.json()["id"]]
    seen = {name: client.get(url, headers=bearer(actor)).json()["lines"][0] for name, actor in (("giver", passing.giver), ("taker", passing.taker))}
    assert seen["taker"]["price_steps"] and seen["giver"]["price_steps"] is None and seen["giver"]["unit_price"] is not None
    assert client.get(url, headers=bearer(world.cast.sub_dealer)).status_code == 404
    refused = client.post(f"{API}/transfers", body, content_type=JSON, headers={**bearer(world.dealer), "Idempotency-Key": "transfer-0002"})
    assert refused.status_code == 403
    assert client.get(f"{API}/agreements", headers=bearer(passing.giver)).json()["items"] != []
    assert [one["code"] for one in client.get(f"{API}/agreements?transfers=true", headers=bearer(passing.giver)).json()["items"]] == ["TR-D002-1"]
