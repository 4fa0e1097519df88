"""A dealer arranges transfers between its own sub-dealers, as the brand does between its dealers, and for nobody else's."""

from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.agreements.models import Agreement
from qudao.agreements.tests.make import make_agreement
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.kernel.errors import Refused
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.queries import orders, purchases, sales
from qudao.orders.tests.make import assert_sound, make_world
from qudao.orders.tests.transfers import make_branch
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db
API, JSON = "/api/v1/transfers", "application/json"


@pytest.fixture
def branch():
    return make_branch(make_world([100]))


def test_a_dealer_arranges_one_between_its_sub_dealers(branch):
    cast = branch.world.cast
    order = branch.arrange(6)
    assert (order.arranged_by_id, order.gross, order.payment_days) == (cast.d001.pk, D(780), 15), "at the price and terms of the dealer, not of the brand"
    assert order not in sales(cast.dealer_admin) and order in orders(cast.dealer_admin)
    actions.approve_order(order.pk, actor=branch.giver)
    drain()
    order.refresh_from_db()
    assert order.status == "confirmed" and order in sales(branch.giver) and order in purchases(branch.taker)
    for stranger in (cast.stranger_admin, cast.stranger):
        assert order not in orders(stranger)
    assert order in orders(cast.hq_clerk), "the brand sees its whole network, as with every order"
    assert_sound()


def test_the_brand_does_not_arrange_below_its_dealers_and_a_dealer_not_beside_its_branch(branch):
    cast = branch.world.cast
    for actor in (cast.hq_clerk, cast.stranger_admin, branch.giver):
        with pytest.raises(Refused, match=r"orders\.transfer_unknown"):
            branch.arrange(1, actor=actor)
    make_agreement(cast.lh, cast.d002)
    for sides in ({"buyer_id": cast.d002.pk}, {"seller_id": cast.d002.pk}):
        with pytest.raises(Refused, match=r"orders\.transfer_unknown"):
            branch.arrange(1, **sides)
    assert not Order.unscoped.exists() and not Agreement.unscoped.filter(transfers=True).exists()


def test_where_nobody_may_accept_nothing_is_asked(branch):
    people = {"seller_id": branch.taker.org_id, "buyer_id": branch.giver.org_id}
    with pytest.raises(Refused, match=r"orders\.transfer_unanswered"):
        branch.arrange(1, **people)


def test_by_page(branch, client):
    cast = branch.world.cast
    sign_in(client, cast.dealer_admin)
    page = text(client.get(reverse("transfer_new")))
    assert "S001" in page and "S002" in page and "D002" not in page
    row = {"giver": cast.s001.pk, "receiver": branch.taker.org_id, "short": "refuse", "requested_on": "", "note": "", "lines-product": "P1", "lines-qty": "6"}
    assert client.post(reverse("transfer_new"), {**row, "receiver": cast.d002.pk}).status_code in (409, 422)
    assert client.post(reverse("transfer_new"), row).status_code == 302
    order = Order.unscoped.get()
    assert "arranged the transfer" in text(client.get(reverse("order", args=[order.pk])))
    assert order.number in text(client.get(reverse("orders"), {"kind": "transfer"}))
    sign_in(client, branch.giver)
    page = text(client.get(reverse("order", args=[order.pk])))
    assert "Accept" in page and client.post(reverse("order_approval", args=[order.pk]), {"reason": "", "short": ""}).status_code == 302
    sign_in(client, cast.stranger_admin)
    assert client.get(reverse("order", args=[order.pk])).status_code == 404


def test_by_api(branch, client):
    cast = branch.world.cast
    body = {"giver_id": cast.s001.pk, "receiver_id": branch.taker.org_id, "lines": [{"product": "P1", "qty": "3"}]}

    def post(actor, key, **changes):
        return client.post(API, {**body, **changes}, content_type=JSON, headers={**bearer(actor), "Idempotency-Key": key})

    assert post(cast.stranger_admin, "branch-000001").status_code == 422, "it does not know the product"
    assert post(cast.hq_clerk, "branch-000002").status_code == 409
    assert post(cast.dealer_admin, "branch-000003", receiver_id=cast.d002.pk).status_code == 409
    assert post(cast.dealer, "branch-000004").status_code == 403
    made = post(cast.dealer_admin, "branch-000005")
    assert made.status_code == 201, made.content
    line = Line.unscoped.get(order_id=made.json()["id"])
    assert (line.unit_price, line.qty) == (D(130), D(3))
    waiting = client.get("/api/v1/orders", {"kind": "transfer", "status": "in_review"}, headers=bearer(branch.giver)).json()["items"]
    assert [one["id"] for one in waiting] == [made.json()["id"]]
