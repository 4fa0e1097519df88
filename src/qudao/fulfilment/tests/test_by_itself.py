"""Goods that nobody counts: told of, received as they were sent when their days are over, never without a warning."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.fulfilment import jobs, queries
from qudao.fulfilment.actions import cancel_pick, confirm_receipt, start_pick, watch_receipt
from qudao.fulfilment.models import Difference, Receipt, Shipment
from qudao.fulfilment.queries import unscoped_uncounted
from qudao.fulfilment.rules import count_until, watch
from qudao.fulfilment.tests.make import counts, make_world, on_hand, place, shipped
from qudao.inventory.actions import set_receiving
from qudao.inventory.models import Place
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.messages.models import Notice
from qudao.orders.tests.make import assert_sound
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()


@pytest.fixture
def sent(db):
    """(world, a shipment of two lines that leaves on a Monday); it should be there on Wednesday."""
    world = make_world()
    monday = clock.now() + timedelta(days=(7 - clock.today().weekday()) % 7 + 7)
    with clock.freeze(monday):
        return world, shipped(world, place(world, 5, 4)), monday


def nights(monday, *days):
    """The job of the nights so many days after the shipment left."""
    for day in days:
        with clock.freeze(monday + timedelta(days=day)):
            jobs.watch_receipts.func(0)
            drain()


def ensured(world):
    """The places of the dealer."""
    return dict(Place.unscoped.filter(owner_id=world.dealer.org_id).values_list("code", "pk"))


def told(actor, code):
    return Notice.unscoped.filter(code=code, user_id=actor.user_id).count()


def fresh(shipment):
    return Shipment.unscoped.get(pk=shipment.pk)


def test_one_that_is_refused_keeps_no_other_from_its_turn(sent, monkeypatch):
    _world, shipment, monday = sent
    monkeypatch.setattr(queries, "unscoped_uncounted", lambda day: [0, shipment.pk])
    with pytest.raises(NotFound):  # the job is tried again
        nights(monday, 7)
    assert fresh(shipment).warned_on


def test_warned_two_days_before_and_received_when_the_days_are_over(sent):
    world, shipment, monday = sent
    until = clock.date_of(monday) + timedelta(days=9)  # Wednesday and seven days
    nights(monday, 1, 6)
    assert told(world.dealer, "fulfilment.receipt_due") == 0 and fresh(shipment).warned_on is None
    nights(monday, 7, 8, 9)
    assert told(world.dealer, "fulfilment.receipt_due") == 1 and fresh(shipment).state == "shipped", "told once, counted until the last day"
    assert Notice.unscoped.get(code="fulfilment.receipt_due", user_id=world.dealer.user_id).params["day"] == until.isoformat()
    nights(monday, 10, 11)
    receipt = Receipt.unscoped.get()
    assert (fresh(shipment).state, receipt.automatic, receipt.received_by) == ("received", True, None)
    assert told(world.dealer, "fulfilment.received_as_sent") == told(world.cast.hq_warehouse, "fulfilment.received_as_sent") == 1
    assert [on_hand(ensured(world), p.pk) for p in world.products[:2]] == [5, 4] and not Difference.unscoped.exists()
    assert_sound()


def test_who_counts_in_time_counts_what_came(sent):
    world, shipment, monday = sent
    nights(monday, 7)
    with clock.freeze(monday + timedelta(days=9)):
        confirm_receipt(shipment.pk, counts(shipment, (1,)), actor=world.dealer)
    nights(monday, 10, 20)
    assert Receipt.unscoped.get().automatic is False and Difference.unscoped.get().qty == 1
    assert watch_receipt(shipment.pk, actor=SYSTEM).state == "received" and told(world.dealer, "fulfilment.received_as_sent") == 0
    assert_sound()


def test_the_agreement_says_after_how_many_days_or_never(sent):
    world, shipment, monday = sent
    keeper = world.cast.hq_warehouse
    set_receiving(world.agreement.pk, 0, actor=keeper)
    nights(monday, 20, 60)
    assert fresh(shipment).state == "shipped" and told(world.dealer, "fulfilment.receipt_due") == 0
    set_receiving(world.agreement.pk, 3, actor=keeper)
    nights(monday, 61, 62, 63)
    assert fresh(shipment).state == "shipped" and told(world.dealer, "fulfilment.receipt_due") == 1, "never without two days to count it"
    nights(monday, 64)
    assert fresh(shipment).state == "received"
    for actor, days, refusal in ((keeper, 366, Invalid), (keeper, -1, Invalid), (world.cast.dealer_admin, 3, NotFound), (world.dealer, 3, Forbidden)):
        with pytest.raises(refusal):
            set_receiving(world.agreement.pk, days, actor=actor)
    with pytest.raises(Forbidden):
        watch_receipt(shipment.pk, actor=world.dealer)


def test_only_what_is_on_its_way_is_watched(sent):
    world, shipment, monday = sent
    with clock.freeze(monday + timedelta(days=30)):
        picked = start_pick(place(world, 2).pk, actor=world.cast.hq_warehouse)
        assert unscoped_uncounted(clock.today()) == [shipment.pk]
        assert watch_receipt(picked.pk, actor=SYSTEM).warned_on is None
        cancel_pick(picked.pk, actor=world.cast.hq_warehouse)


def test_pages_and_programs_say_the_day_and_what_became_of_it(sent, client):
    world, shipment, monday = sent
    at = reverse("shipment", args=[shipment.pk])
    with clock.freeze(monday):
        sign_in(client, world.dealer)
        assert "Received as sent after" in client.get(at).content.decode()
        api = client.get(f"/api/v1/shipments/{shipment.pk}", headers=bearer(world.dealer)).json()
        assert (api["count_until"], api["automatic"]) == ((clock.date_of(monday) + timedelta(days=9)).isoformat(), False)
    nights(monday, 7, 10)
    page = sign_in(client, world.dealer).get(at).content.decode()
    assert "Nobody: received as it was sent" in page and "nobody had counted them in time" in page
    assert "nobody had counted them in time" in client.get(reverse("order", args=[shipment.order_id])).content.decode()
    api = client.get(f"/api/v1/shipments/{shipment.pk}", headers=bearer(world.dealer)).json()
    assert (api["count_until"], api["automatic"], D(api["lines"][0]["received"])) == (None, True, 5)
    put = client.put(
        f"/api/v1/agreements/{world.agreement.pk}/receiving", {"receipt_days": 5}, content_type="application/json", headers=bearer(world.cast.hq_admin)
    )
    assert put.json() == {"receipt_days": 5, "photos": True, "agreement_id": world.agreement.pk}


def test_days_are_counted_from_when_goods_should_have_arrived():
    monday = clock.today() - timedelta(days=clock.today().weekday())
    until = count_until(monday + timedelta(days=3), 7)  # Thursday: there on Monday
    assert until == monday + timedelta(days=14)
    assert [watch(until + timedelta(days=n), until, None) for n in (-3, -2, 5)] == ["", "warn", "warn"]
    assert [watch(until + timedelta(days=n), until, until - timedelta(days=2)) for n in (0, 1)] == ["", "take"]
    assert [watch(until + timedelta(days=n), until, until + timedelta(days=3)) for n in (5, 6)] == ["", "take"]
