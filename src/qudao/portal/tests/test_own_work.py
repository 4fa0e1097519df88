"""People who see own work only: list, page, search, export, API, talk and notices agree; what all need to work at all stays."""

import pytest
from django.urls import reverse

from qudao.approvals.tests.make import make_rule
from qudao.base.access import visible
from qudao.base.models import ActionLog
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.billing.actions import issue_invoices
from qudao.billing.models import Invoice
from qudao.catalog.models import Product
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.fulfilment.models import Receipt, Shipment
from qudao.inventory.models import Move, Stock
from qudao.kernel.errors import Forbidden, NotFound
from qudao.messages.actions import note, write
from qudao.messages.models import Message, Note, Notice
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.tests.make import make_world, place
from qudao.payments.actions import record_payment
from qudao.payments.models import Payment
from qudao.payments.rules import PaymentFacts
from qudao.people.tests.make import actor_of, make_member, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client):
    client.cookies["qudao_language"] = "en"
    made = make_world((100, 100, 100))
    drain()
    return made


@pytest.fixture
def narrow(world):
    """A buyer of D001 who sees own work only."""
    return actor_of(make_member("own@hupan.example", world.cast.d001, "dealer_buyer", scope="self"))


def lived(world, actor):
    """An order of `actor`, shipped, received, invoiced and paid."""
    order = place(world, 3, actor=actor)
    drain()
    shipment = ship_order(order.pk, actor=world.cast.hq_admin)
    confirm_receipt(shipment.pk, actor=world.cast.dealer_admin)
    drain()
    issue_invoices(order.pk, actor=world.cast.hq_finance)
    invoice = Invoice.unscoped.get(order=order)
    record_payment(PaymentFacts(order.seller_id, order.buyer_id, invoice.gross, invoice.number), actor=world.cast.hq_finance)
    drain()
    return order


def test_the_documents_of_own_orders_and_no_others(world, narrow, client):
    mine, theirs = lived(world, narrow), lived(world, world.dealer)
    for model in (Order, Line, Shipment, Receipt, Invoice):
        seen = visible(narrow, model)
        assert seen.count() == 1 and visible(world.dealer, model).count() == 2, model
    assert not visible(narrow, Payment).exists() and not visible(narrow, Move).exists(), "others recorded them"
    assert visible(narrow, Product).count() == visible(world.dealer, Product).count() and visible(narrow, Stock).exists()
    sign_in(client, narrow)
    listed = text(client.get(reverse("orders") + "?side=buy"))
    assert mine.number in listed and theirs.number not in listed
    assert client.get(mine.get_absolute_url()).status_code == 200 and client.get(theirs.get_absolute_url()).status_code == 404
    assert client.get(f"/api/v1/orders/{theirs.pk}").status_code == 404
    assert [one["number"] for one in client.get("/api/v1/orders").json()["items"]] == [mine.number]
    exported = client.get(reverse("orders") + "?side=buy&export=csv").content.decode()
    assert mine.number in exported and theirs.number not in exported
    found = text(client.get(reverse("search") + "?q=SO-D001"))
    assert mine.number in found and theirs.number not in found
    assert client.get(reverse("home")).status_code == 200


def test_nobody_acts_on_what_is_not_own_work(world, narrow):
    mine, theirs = place(world, 2, actor=narrow), place(world, 4)
    for act in (actions.cancel_order, actions.withdraw_order):
        with pytest.raises(NotFound):
            act(theirs.pk, reason="no", actor=narrow)
    drain()
    shipment = ship_order(theirs.pk, actor=world.cast.hq_admin)
    with pytest.raises(NotFound):
        confirm_receipt(shipment.pk, actor=narrow)
    assert actions.cancel_order(mine.pk, reason="no", actor=narrow).status == "cancelled"


def test_books_are_of_an_organisation_as_a_whole(world, narrow, client):
    assert world.dealer.can("ledger.view") and not narrow.can("ledger.view")
    sign_in(client, narrow)
    assert client.get(reverse("accounts")).status_code == 403
    with pytest.raises(Forbidden):
        visible(narrow, Stock, "ledger.view")


def test_talk_and_log_follow_the_documents(world, narrow):
    mine, theirs = place(world, 2, actor=narrow), place(world, 4)
    for order in (mine, theirs):
        write("orders.order", order.pk, "When?", actor=world.cast.hq_clerk)
        note("orders.order", order.pk, "ours", actor=world.dealer)
    assert visible(narrow, Message).count() == visible(narrow, Note).count() == 1
    assert visible(world.dealer, Message).count() == 2
    admin = actor_of(make_member("admin2@hupan.example", world.cast.d001, "dealer_admin", scope="self"))
    assert not visible(admin, ActionLog).exists() and visible(world.cast.dealer_admin, ActionLog).exists()


def test_notices_of_own_work_only(world, narrow):
    make_rule(world.cast.lh, "hq_clerk", "0")
    mine, theirs = place(world, 2, actor=narrow), place(world, 4)
    for order in (mine, theirs):
        actions.reject_order(order.pk, reason="no", actor=world.cast.hq_clerk)
    drain()
    told = Notice.unscoped.filter(code="orders.rejected")
    assert list(told.filter(user_id=narrow.user_id).values_list("subject_id", flat=True)) == [mine.pk]
    assert told.filter(user_id=world.dealer.user_id).count() == 2


def test_what_waits_for_ones_signature_is_own_work(world, client):
    clerk = actor_of(make_member("own@lanhe.example", world.cast.lh, "hq_clerk", scope="self"))
    before = place(world, 2)
    make_rule(world.cast.lh, "hq_clerk", "300")
    asked = place(world, 4)
    assert list(visible(clerk, Order)) == [asked]
    sign_in(client, clerk)
    page = text(client.get(reverse("approvals")))
    assert asked.number in page
    assert client.get(before.get_absolute_url()).status_code == 404
    assert actions.approve_order(asked.pk, actor=clerk).status == "confirmed"
    assert list(visible(clerk, Order)) == [asked], "what one has signed stays"


def test_the_person_and_the_role_say_it_in_words(world, narrow, client):
    sign_in(client, world.cast.dealer_admin)
    member = narrow.membership_id
    assert "Own work: What the person placed" in text(client.get(reverse("person", args=[member])))
