"""A shipment that arrives on several days: each receipt takes what has come, by line or by parcel, and the last one says what is missing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.fulfilment import actions, rules
from qudao.fulfilment.actions import Part
from qudao.fulfilment.models import Difference, Package, Receipt, ReceiptLine, Shipment, ShipmentLine
from qudao.fulfilment.prints import delivery_notes
from qudao.fulfilment.queries import unscoped_coming
from qudao.fulfilment.rules import Count, Sent
from qudao.fulfilment.tests.make import lines, on_hand, photo, place, shipped
from qudao.inventory.models import Place
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.messages.models import Notice
from qudao.orders.models import Line, Order
from qudao.orders.tests.make import assert_sound
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db
SENT = [Sent(11, 1, 7, D(5)), Sent(12, 2, 8, D(3))]


@pytest.fixture
def sent(world):
    """10 of the first product and 4 of the second on their way."""
    return shipped(world, place(world, 10, 4))


@pytest.fixture
def parcels(world):
    """The same in two parcels of five of the first, and one of the second product."""
    packer = world.cast.hq_warehouse
    shipment = actions.start_pick(place(world, 10, 4).pk, actor=packer)
    first, second = lines(shipment)
    for inside in ({first.pk: D(5)}, {first.pk: D(5)}, {second.pk: D(4)}):
        actions.pack_lines(shipment.pk, inside, actor=packer)
    actions.dispatch_shipment(shipment.pk, actor=packer)
    return shipment, list(Package.unscoped.filter(shipment=shipment).order_by("no").values_list("sscc", flat=True))


def part(shipment, *quantities, more=True, **told):
    """A part: so much of each line, None where it is not named."""
    counts = [Count(line.pk, D(qty)) for line, qty in zip(lines(shipment), quantities, strict=False) if qty is not None]
    return Part(counts, more=more, **told)


def code(caught):
    return caught.value.faults[0].code


def fresh(shipment):
    return Shipment.unscoped.get(pk=shipment.pk)


def held(world):
    """What the buyer has of the two products."""
    places = dict(Place.unscoped.filter(owner_id=world.dealer.org_id).values_list("code", "pk"))
    return [on_hand(places, p.pk) for p in world.products[:2]]


def billed(shipment):
    """How much of each line is on invoices; that these say the same is an invariant."""
    drain()
    return list(Line.unscoped.filter(order=shipment.order_id).order_by("no").values_list("invoiced", flat=True))


# --- rules ---


def test_a_part_takes_what_is_named_and_the_last_one_everything():
    assert [(c.sent.id, c.received, c.short) for c in rules.count_receipt(SENT, [Count(11, D(2))], more=True)] == [(11, 2, 0)]
    counted = rules.count_receipt([Sent(11, 1, 7, D(3), D(2)), Sent(12, 2, 8, D(0), D(3))], [])
    assert [(c.sent.id, c.received) for c in counted] == [(11, 3)], "of a line that has come nothing is said again"
    assert rules.more_to_come(SENT, rules.count_receipt(SENT, [Count(11, D(5))], more=True))
    assert not rules.more_to_come(SENT, rules.count_receipt(SENT, [Count(11, D(5)), Count(12, D(3))], more=True))


@pytest.mark.parametrize(
    ("count", "refusal", "expected"),
    [
        (Count(11, D(6)), Invalid, "fulfilment.more_than_under_way"),
        (Count(11, D(2), short=D(3)), Invalid, "fulfilment.not_yet"),
        (Count(11, D(2), over=D(1)), Invalid, "fulfilment.not_yet"),
        (Count(11, D(0)), Refused, "fulfilment.nothing_came"),
        (Count(19, D(1)), Invalid, "fulfilment.unknown_line"),
    ],
)
def test_what_cannot_be_said_of_a_part(count, refusal, expected):
    with pytest.raises(refusal) as caught:
        rules.count_receipt(SENT, [count], more=True)
    assert code(caught) == expected


# --- the life of a shipment in parts ---


def test_each_receipt_raises_stock_and_is_billed_once_and_the_last_one_finds_what_is_missing(world, sent):
    first = actions.receive_part(sent.pk, part(sent, 6), actor=world.dealer, client_id="a")
    assert actions.receive_part(sent.pk, part(sent, 6), actor=world.dealer, client_id="a").pk == first.pk, "told again it is the same receipt"
    assert (fresh(sent).state, fresh(sent).received_at, first.partial) == ("partly", None, True)
    assert held(world) == [6, 0] and billed(sent) == [6, 0]
    assert not Difference.unscoped.exists() and Order.unscoped.get().status == "in_fulfilment"
    assert [one.qty for one in unscoped_coming(world.dealer.org_id, [world.products[0].pk])[world.products[0].pk]] == [4], "the rest is expected"
    actions.receive_part(sent.pk, part(sent, 1, 4), actor=world.dealer)
    assert held(world) == [7, 4] and billed(sent) == [7, 4]
    assert_sound()
    last = actions.confirm_receipt(sent.pk, [Count(lines(sent)[0].pk, D(2))], actor=world.dealer)
    assert (fresh(sent).state, last.partial, Receipt.unscoped.count()) == ("received", False, 3)
    assert held(world) == [9, 4] and billed(sent) == [9, 4]
    missing = Difference.unscoped.get()
    assert (missing.kind, missing.qty, Order.unscoped.get().status) == ("short", 1, "delivered")
    assert ReceiptLine.unscoped.filter(shipment_line=lines(sent)[1]).count() == 1, "a line that had come is not counted again"
    with pytest.raises(Refused) as caught:
        actions.receive_part(sent.pk, part(sent, 1), actor=world.dealer)
    assert code(caught) == "fulfilment.illegal"
    assert_sound()


def test_a_part_after_which_nothing_is_left_is_the_last_one(world, sent):
    assert actions.receive_part(sent.pk, part(sent, 10, 4), actor=world.dealer).partial is False
    assert fresh(sent).state == "received" and not Difference.unscoped.exists()
    assert_sound()


def test_damage_is_claimed_with_the_part_that_has_it_and_too_many_only_with_the_last(world, sent):
    first, _second = lines(sent)
    bad = Part([Count(first.pk, D(4), D(2))])
    with pytest.raises(Invalid) as caught:
        actions.receive_part(sent.pk, bad, photos={}, actor=world.dealer)
    assert code(caught) == "fulfilment.photo_missing"
    actions.receive_part(sent.pk, bad, photos={first.pk: [photo()]}, actor=world.dealer)
    assert Difference.unscoped.get().kind == "damaged" and held(world) == [4, 0]
    drain()
    assert Notice.unscoped.filter(code="fulfilment.difference_reported", user_id=world.cast.hq_warehouse.user_id).count() == 1
    assert_sound()
    actions.confirm_receipt(sent.pk, [Count(first.pk, D(4), over=D(3))], actor=world.dealer)
    assert sorted(Difference.unscoped.values_list("kind", "qty")) == [("damaged", 2), ("over", 3)] and held(world) == [8, 4]
    line = Line.unscoped.get(order=sent.order_id, no=1)
    assert (line.received, line.settled_short) == (8, 2)
    assert_sound()


def test_nothing_more_comes(world, sent):
    with pytest.raises(Refused) as caught:
        actions.end_receipt(sent.pk, actor=world.dealer)
    assert code(caught) == "fulfilment.illegal", "what was never received in part is counted, or refused"
    actions.receive_part(sent.pk, part(sent, 6, 4), actor=world.dealer)
    with pytest.raises(Refused, match="illegal"):
        actions.refuse_shipment(sent.pk, "late", actor=world.dealer)
    actions.end_receipt(sent.pk, "the truck burned", actor=world.dealer)
    assert (fresh(sent).state, Difference.unscoped.get().qty, held(world)) == ("received", 4, [6, 4])
    assert_sound()


def test_who_may_not_receive_may_not_receive_a_part(world, sent):
    for actor, refusal in ((world.cast.hq_warehouse, Forbidden), (world.cast.stranger, NotFound)):
        with pytest.raises(refusal):
            actions.receive_part(sent.pk, part(sent, 1), actor=actor)
        with pytest.raises(refusal):
            actions.end_receipt(sent.pk, actor=actor)


def test_what_follows_the_shipment_is_billed_once_too(world):
    world.agreement.__class__.unscoped.filter(pk=world.agreement.pk).update(invoice_on="shipment")
    sent = shipped(world, place(world, 10, 4))
    assert billed(sent) == [10, 4]
    actions.receive_part(sent.pk, part(sent, 6), actor=world.dealer)
    actions.end_receipt(sent.pk, actor=world.dealer)
    assert billed(sent) == [10, 4]
    assert_sound()


# --- parcels ---


def test_parcels_that_came_are_received_with_what_is_in_them(world, parcels):
    shipment, (one, two, three) = parcels
    receipt = actions.receive_part(shipment.pk, Part(parcels=[one, three]), actor=world.dealer)
    assert held(world) == [5, 4] and fresh(shipment).state == "partly"
    assert set(Package.unscoped.filter(receipt=receipt).values_list("sscc", flat=True)) == {one, three}
    for named, refusal, expected in (([one], Refused, "fulfilment.parcel_came"), (["0" * 18], Invalid, "fulfilment.no_parcel")):
        with pytest.raises(refusal) as caught:
            actions.receive_part(shipment.pk, Part(parcels=named), actor=world.dealer)
        assert code(caught) == expected
    line = lines(shipment)[0]
    actions.receive_part(shipment.pk, Part([Count(line.pk, D(4))], [two], more=False), actor=world.dealer)
    assert (fresh(shipment).state, held(world), Difference.unscoped.get().qty) == ("received", [9, 4], 1)
    assert not Package.unscoped.filter(receipt=None).exists()
    assert_sound()


def test_the_last_parcels_without_the_others_make_these_missing(world, parcels):
    shipment, (one, _two, _three) = parcels
    actions.receive_part(shipment.pk, Part(parcels=[one], more=False), actor=world.dealer)
    assert sorted(Difference.unscoped.values_list("kind", "qty")) == [("short", 4), ("short", 5)] and held(world) == [5, 0]
    assert Package.unscoped.filter(receipt=None).count() == 2, "what is missing never came"
    assert_sound()


def test_everything_at_once_brings_all_parcels(world, parcels):
    shipment, _parcels = parcels
    actions.confirm_receipts([actions.Arriving(shipment.pk)], actor=world.dealer)
    assert not Package.unscoped.filter(receipt=None).exists()
    assert_sound()


# --- by itself ---


def test_the_night_takes_what_is_still_open_with_days_and_a_warning_of_its_own(world):
    monday = clock.now() + timedelta(days=(7 - clock.today().weekday()) % 7 + 7)
    with clock.freeze(monday):
        sent = shipped(world, place(world, 10, 4))

    def night(day):
        with clock.freeze(monday + timedelta(days=day)):
            actions.watch_receipt(sent.pk, actor=system_actor())

    night(7)
    assert fresh(sent).warned_on
    with clock.freeze(monday + timedelta(days=8)):
        actions.receive_part(sent.pk, part(sent, 6), actor=world.dealer)
    assert fresh(sent).warned_on is None
    night(12)
    assert fresh(sent).state == "partly" and fresh(sent).warned_on is None, "seven days from the last part"
    night(13)
    night(15)
    assert fresh(sent).warned_on and fresh(sent).state == "partly"
    night(16)
    assert fresh(sent).state == "received" and held(world) == [10, 4] and not Difference.unscoped.exists()
    assert list(Receipt.unscoped.order_by("id").values_list("partial", "automatic")) == [(True, False), (False, True)]
    assert_sound()


# --- the database ---


def test_each_constraint_holds(world, sent):
    receipt = actions.receive_part(sent.pk, part(sent, 6), actor=world.dealer)
    line = ShipmentLine.unscoped.filter(pk=lines(sent)[0].pk)
    counted = ReceiptLine.unscoped.get()
    again = {f.attname: getattr(counted, f.attname) for f in ReceiptLine._meta.concrete_fields if f.attname != "id"}
    last = {"shipment": sent, "at": clock.now()}
    for name, change in (
        ("fulfilment_shipmentline_come_fits", lambda: line.update(come=11)),
        ("fulfilment_receipt_one_last", lambda: [Receipt.unscoped.create(**last) for _n in range(2)]),
        ("fulfilment_receipt_automatic_is_last", lambda: Receipt.unscoped.filter(pk=receipt.pk).update(automatic=True)),
        ("fulfilment_receiptline_line_unique", lambda: ReceiptLine.unscoped.create(**again)),
    ):
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            change()
        assert caught.value.__cause__.diag.constraint_name == name


def test_statements_do_not_grow_with_lines(world, django_assert_num_queries):
    for size in (1, 3):
        sent = shipped(world, place(world, *[6] * size))
        actions.receive_part(sent.pk, part(sent, *[2] * size), actor=world.dealer)
        more = part(sent, *[2] * size)
        with django_assert_num_queries(10):  # as a receipt of everything
            actions.receive_part(sent.pk, more, actor=world.dealer)


# --- pages, API, paper ---


def test_pages_of_the_buyer_in_parts(world, parcels, client):
    shipment, (one, _two, three) = parcels
    buyer = sign_in(client, world.dealer)
    at, page = reverse("shipment_receipt", args=[shipment.pk]), reverse("shipment", args=[shipment.pk])
    assert "Which parcels are here?" in text(buyer.get(at))
    chosen = text(buyer.get(f"{at}?parcels={one},{three}"))
    assert "checked" in chosen and f'value="{one},{three}"' in chosen
    form = {
        "client_id": "0b0b0b0b-0000-4000-8000-000000000001", "more": "on", "parcels": f"{one},{three}", "note": "",
        "lines-ref": [line.pk for line in lines(shipment)], "lines-received": ["5", "4"],
    }  # fmt: skip
    assert buyer.post(at, form).status_code in (302, 303)
    assert held(world) == [5, 4]
    shown = text(buyer.get(page))
    assert "Partly received" in shown and "Nothing more comes" in shown and "here since" in shown and "A part" in shown
    order = text(buyer.get(reverse("order", args=[shipment.order_id])))
    assert "received a part of the goods" in order
    listed = text(buyer.get(f"{reverse('shipments')}?side=buy"))
    assert shipment.number in listed and "Partly received" in listed
    end = reverse("shipment_receipt_end", args=[shipment.pk])
    assert "missing from now on" in text(buyer.get(end))
    buyer.post(end, {"client_id": "0b0b0b0b-0000-4000-8000-000000000002", "note": "never came"})
    assert fresh(shipment).state == "received" and Difference.unscoped.get().qty == 5
    assert "The last" in text(buyer.get(page))


def test_programs_receive_in_parts(world, parcels, client):
    shipment, (one, _two, _three) = parcels
    head = {"content_type": "application/json", "headers": bearer(world.dealer)}
    at = f"/api/v1/shipments/{shipment.pk}"
    made = client.post(f"{at}/receipt", {"parcels": [one], "more_to_come": True}, **head)
    assert made.status_code == 201 and made.json()["partial"] is True
    shown = client.get(at, headers=bearer(world.dealer)).json()
    assert shown["state"] == "partly" and [D(x["under_way"]) for x in shown["lines"]] == [5, 4]
    assert [x["partial"] for x in shown["receipts"]] == [True]
    assert [bool(x["receipt_id"]) for x in shown["parcels"]] == [True, False, False]
    wrong = client.post(f"{at}/receipt", {"parcels": [one], "more_to_come": True}, **head)
    assert wrong.status_code == 409 and wrong.json()["faults"][0]["code"] == "fulfilment.parcel_came"
    second = shown["lines"][1]["id"]
    made = client.post(f"{at}/receipt", {"lines": [{"line_id": second, "received": "4"}], "more_to_come": True}, **head)
    assert made.status_code == 201
    assert client.post(f"{at}/receipt-end", {"note": "gone"}, **head).json()["partial"] is False
    shown = client.get(at, headers=bearer(world.dealer)).json()
    assert (shown["state"], D(shown["lines"][0]["received"]), D(shown["lines"][0]["short"]), len(shown["receipts"])) == ("received", 5, 5, 3)


def test_the_paper_of_the_rest_says_what_came_before(world, sent):
    assert len(delivery_notes(world.dealer, [sent.pk])[0].columns) == 4
    actions.receive_part(sent.pk, part(sent, 6), actor=world.dealer)
    (paper,) = delivery_notes(world.dealer, [sent.pk])
    assert len(paper.columns) == 5 and [row[3][:1] for row in paper.rows] == ["6", "0"]
