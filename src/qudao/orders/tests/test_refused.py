"""What is refused is counted, after everything of it was undone: once for each different thing that was tried, and never on the good path."""

import json
from dataclasses import replace
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from qudao.agreements.actions import end_agreement
from qudao.approvals.tests.make import make_rule
from qudao.base.access import Channel, system_actor
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, Refused
from qudao.orders.actions import edit_order, note_refused, place_order, place_orders, submit_order, withdraw_order
from qudao.orders.actions import refused as keeping
from qudao.orders.models import Order, Refusal
from qudao.orders.queries.refused import refusals, refused_by_day, refused_by_reason
from qudao.orders.rules import NewLine
from qudao.orders.states import REASONS, reason_of
from qudao.orders.tests.make import assert_sound, make_world, place, placing
from qudao.people.tests.make import bearer

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def try_it(world, *quantities, **facts):
    with pytest.raises((Invalid, Refused)) as refusal:
        place(world, *quantities, **facts)
    return refusal.value


def test_a_refused_order_leaves_nothing_but_that_it_was_tried(world):
    wrong = replace(placing(world, 2), lines=[NewLine(world.products[0].pk, D(2)), NewLine(None, D(1), "NO-SUCH")])
    with pytest.raises(Invalid):
        place_order(wrong, actor=world.dealer.through(Channel.PHONE), client_id=uuid4())
    kept = Refusal.unscoped.get()
    assert (kept.seller_id, kept.buyer_id, kept.channel, kept.user_id) == (world.cast.lh.pk, world.cast.d001.pk, "phone", world.dealer.user_id)
    assert (kept.codes, kept.reasons, kept.lines, kept.wrong, kept.day) == (["orders.unknown_product"], ["product"], 2, 1, clock.today())
    assert not Order.unscoped.exists()
    assert_sound()


def test_the_same_again_is_one_tried_twice_and_another_one_is_another(world):
    for _n in range(3):
        try_it(world, 101)
    try_it(world, 102)
    assert list(Refusal.unscoped.order_by("id").values_list("tries", "reasons")) == [(3, ["stock"]), (1, ["stock"])]


def test_an_order_that_is_placed_counts_nothing(world):
    place(world, 1)
    assert not Refusal.unscoped.exists()


def test_a_file_of_orders_counts_what_it_leaves_out(world):
    done = place_orders([(placing(world, 1), uuid4()), (placing(world, 500), uuid4())], actor=world.dealer.through(Channel.FILE))
    assert [one.order is not None for one in done] == [True, False]
    assert Refusal.unscoped.get().channel == "file"


def test_submitting_and_changing_again_count_too(world):
    make_rule(world.cast.lh, "hq_clerk", "1")
    order = place(world, 1)
    unknown = replace(placing(world, 1), lines=[NewLine(None, D(1), "NO-SUCH")])
    with pytest.raises(Invalid):
        edit_order(order.pk, unknown, actor=world.dealer)
    withdraw_order(order.pk, actor=world.dealer)
    end_agreement(world.agreement.pk, "over", actor=system_actor())
    with pytest.raises(Refused):
        submit_order(order.pk, actor=world.dealer)
    assert list(Refusal.unscoped.order_by("id").values_list("reasons", flat=True)) == [["product"], ["terms"]]


def test_over_the_api_a_repeated_request_under_one_key_is_one(world):
    body = {"seller_id": world.cast.lh.pk, "buyer_id": world.cast.d001.pk, "lines": [{"product_id": world.products[0].pk, "qty": "900"}]}
    headers = bearer(world.dealer) | {"Idempotency-Key": "the same key"}
    answers = [Client().post("/api/v1/orders", json.dumps(body), content_type="application/json", headers=headers).status_code for _n in (1, 2)]
    assert answers == [409, 409]
    assert list(Refusal.unscoped.values_list("channel", "tries")) == [("api", 2)]


def test_what_cannot_be_written_down_hides_no_refusal(world, monkeypatch):
    monkeypatch.setattr(keeping, "KEEP", "SELECT 1 / 0")
    assert isinstance(try_it(world, 900), Refused)
    assert not Refusal.unscoped.exists()


def test_nothing_is_written_between_two_that_have_no_terms(world):
    with pytest.raises(Refused):
        place_order(replace(placing(world, 1), seller_id=world.cast.s001.pk), actor=world.dealer)
    assert not Refusal.unscoped.exists()


def test_only_who_may_order_notes_what_a_page_refused(world):
    asked = placing(world, 1)
    with pytest.raises(Forbidden):
        note_refused(asked, try_it(world, 900).faults, actor=world.cast.stranger)
    note_refused(asked, try_it(world, 901).faults, actor=world.dealer)
    assert Refusal.unscoped.filter(lines=1).count() == 3


def test_who_sees_them(world):
    try_it(world, 900)
    assert refusals(world.cast.hq_clerk, "sell").count() == refusals(world.dealer, "buy").count() == 1
    assert refusals(world.dealer, "sell").count() == refusals(world.cast.stranger).count() == 0
    today = clock.today()
    assert list(refused_by_day(world.cast.hq_clerk, "sell", today)) == [(today, "page", 1, 1, 1)]
    assert refused_by_reason(world.cast.hq_clerk, "sell", today, today) == {"stock": 1}


def test_constraints_hold(world):
    try_it(world, 900)
    for broken in ("tries = 0", "wrong = lines + 1", "codes = '{}'", "reasons = '{}'"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE orders_refusal SET {broken}")


def test_every_reason_has_codes_of_its_own():
    codes = [code for _words, found in REASONS.values() for code in found]
    assert len(codes) == len(set(codes))
    assert [reason_of(code) for code in ("funds.over_limit", "orders.no_price", "orders.date_passed")] == ["credit", "price", "other"]
