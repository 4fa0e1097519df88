"""Settling differences: where the goods go, who bears it, once; by whom; on pages, in bulk and by program."""

from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base import models as base
from qudao.fulfilment import actions
from qudao.fulfilment.actions import Settlement
from qudao.fulfilment.models import Difference
from qudao.fulfilment.tests.make import Count, lines, on_hand, place, shipped
from qudao.inventory.models import Place
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.orders.tests.make import assert_sound
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


def counted(world, **count):
    """An order of five pieces received with a difference."""
    order = place(world, 5)
    shipment = shipped(world, order)
    (line,) = lines(shipment)
    good = line.qty - count.get("damaged", 0) - count.get("short", 0)
    actions.confirm_receipt(shipment.pk, [Count(line.pk, D(good), **{k: D(v) for k, v in count.items()})], actor=world.dealer)
    return Difference.unscoped.latest("pk")


def settle(world, difference, outcome, liable="carrier", note="", actor=None, remedy=""):
    return actions.settle_difference(difference.pk, Settlement(outcome, liable, remedy, note), actor=actor or world.cast.hq_warehouse)


def stock(world, difference):
    """What lies in (seller's MAIN, seller's CLAIMS, buyer's MAIN, buyer's CLAIMS)."""
    product = difference.receipt_line.shipment_line.product_id
    found = []
    for org in (world.cast.lh, world.cast.d001):
        found += [on_hand(Place.unscoped.get(owner=org, code=code).pk, product) for code in ("MAIN", "CLAIMS")]
    return found


@pytest.mark.parametrize(
    ("count", "outcome", "ends"),
    [
        ({"short": 2}, "restocked", [97, 0, 3, 0]),
        ({"damaged": 2}, "written_off", [95, 0, 3, 0]),
        ({"over": 1}, "returned", [95, 0, 5, 0]),
        ({"over": 1}, "kept", [94, 0, 6, 0]),
    ],
)
def test_the_goods_of_a_difference_find_a_place_in_both_books(world, count, outcome, ends):
    difference = settle(world, counted(world, **count), outcome, note="as agreed")
    assert stock(world, difference) == [D(n) for n in ends]
    assert (difference.state, difference.outcome, difference.liable, difference.note) == ("settled", outcome, "carrier", "as agreed")
    assert base.Event.unscoped.filter(name="fulfilment.DifferenceSettled").count() == 1
    asked = base.Event.unscoped.filter(name="base.NoticeAsked", payload__code="fulfilment.difference_settled").get()
    assert set(asked.payload["params"]) == {"number"}, "a word of the writer's language would reach a reader of the other"
    assert_sound()
    with pytest.raises(Refused) as again:
        settle(world, difference, outcome)
    assert again.value.faults[0].code == "fulfilment.settled_already"


@pytest.mark.parametrize(
    ("count", "outcome", "remedy", "fault"),
    [({"short": 2}, "written_off", "again", ("fulfilment.buyer_bears", "remedy")), ({"over": 1}, "kept", "", ("fulfilment.buyer_keeps", "liable"))],
)
def test_who_bears_a_difference_gets_nothing_for_it(world, count, outcome, remedy, fault):
    difference = counted(world, **count)
    before = stock(world, difference)
    with pytest.raises(Invalid) as wrong:
        settle(world, difference, outcome, "buyer", remedy=remedy)
    assert [(f.code, f.field) for f in wrong.value.faults] == [fault] and stock(world, difference) == before
    assert Difference.unscoped.get().state == "open"
    settle(world, difference, "written_off" if count == {"short": 2} else "returned", "buyer")
    assert_sound()


def test_everything_wrong_is_said_at_once_and_nothing_moves(world):
    difference = counted(world, short=2)
    before = stock(world, difference)
    with pytest.raises(Invalid) as wrong:
        settle(world, difference, "kept", "me", "x" * 201)
    assert [(f.code, f.field) for f in wrong.value.faults] == [
        ("fulfilment.outcome", "outcome"), ("fulfilment.liable", "liable"), ("fulfilment.too_long", "note"),
    ]  # fmt: skip
    for actor, error in ((world.dealer, Forbidden), (world.cast.stranger, Forbidden), (world.cast.hq_clerk, Forbidden)):
        with pytest.raises(error):
            settle(world, difference, "written_off", actor=actor)
    with pytest.raises(NotFound):
        actions.settle_difference(0, Settlement("written_off", "carrier"), actor=world.cast.hq_warehouse)
    assert stock(world, difference) == before and Difference.unscoped.get().state == "open"
    with pytest.raises(IntegrityError, match="fulfilment_difference_settled_fits"), transaction.atomic():
        Difference.unscoped.update(state="settled")


def test_the_page_offers_what_the_kind_allows(client, world):
    difference = counted(world, damaged=2)
    keeper = sign_in(client, world.cast.hq_warehouse)
    url = reverse("difference_settlement", args=[difference.pk])
    assert url in keeper.get(reverse("shipment", args=[difference.shipment_id])).content.decode()
    asked = keeper.get(url).content.decode()
    assert 'value="written_off"' in asked and 'value="kept"' not in asked
    assert keeper.post(url, {"outcome": "kept", "liable": "carrier"}).status_code == 422
    assert keeper.post(url, {"outcome": "written_off", "liable": "carrier", "note": "crushed"}).status_code == 302
    buyer = sign_in(client, world.dealer)
    shown = buyer.get(reverse("shipment", args=[difference.shipment_id])).content.decode()
    assert "crushed" in shown and url not in shown and buyer.get(url).status_code == 403


def test_many_are_written_off_from_the_list(world):
    from qudao.fulfilment.pages.documents import DifferenceList

    first, second = counted(world, short=1), counted(world, damaged=1)
    page = DifferenceList.standing_for(world.cast.hq_warehouse)
    bulk = page.bulk_named("write_off")
    for one in (first, second):
        bulk.action(one.pk, liable="warehouse", actor=world.cast.hq_warehouse)
    assert set(Difference.unscoped.values_list("outcome", "liable")) == {("written_off", "warehouse")}
    assert_sound()


def test_a_settlement_waits_for_a_signature_where_the_flow_says_so(world, client):
    from qudao.approvals.actions import add_rule, decide_proposal
    from qudao.approvals.models import Proposal
    from qudao.approvals.rules import RuleDraft
    from qudao.base.access import system_actor
    from qudao.people.queries import unscoped_system_role

    difference = counted(world, damaged=2)
    add_rule(world.cast.lh.pk, RuleDraft("fulfilment.claim", unscoped_system_role("hq_admin"), difference.amount), actor=system_actor())
    client = sign_in(client, world.cast.hq_warehouse)
    asked = client.post(reverse("difference_settlement", args=[difference.pk]), {"outcome": "written_off", "liable": "carrier", "remedy": "", "note": "wet"})
    made = Proposal.unscoped.get()
    assert asked.url == made.get_absolute_url() and (made.amount, made.type) == (difference.amount, "nothing")
    assert client.get(made.get_absolute_url()).status_code == 200 and Difference.unscoped.get().state != "settled"
    assert made.get_absolute_url() in client.get(difference.shipment.get_absolute_url()).content.decode()
    decide_proposal(made.pk, "approve", actor=world.cast.hq_admin)
    settled = Difference.unscoped.get()
    assert (settled.state, settled.note, settled.settled_by) == ("settled", "wet", world.cast.hq_warehouse.user_id)
    assert_sound()
