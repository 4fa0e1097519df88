"""The demo: every state of an order is there, everything holds, a second loading changes nothing, a killed one goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from qudao.base.db import rows
from qudao.base.invariants import all_checks, offending
from qudao.catalog.rules import check_digit
from qudao.kernel import clock
from qudao.people.queries import unscoped_demo_people, unscoped_user_by_email
from qudao.people.states import DEMO_PEOPLE
from qudao.web import demo
from qudao.web.demo import network, stories
from qudao.web.demo.goods import CATEGORIES, goods
from qudao.web.demo.stories import STORIES, End
from qudao.web.progress import Progress

pytestmark = pytest.mark.django_db


def fingerprint() -> dict[str, tuple]:
    """Count and digest of every table of the product."""
    found = {}
    for table in sorted(connection.introspection.table_names()):
        if not table.startswith("django_"):
            found[table] = rows(f"SELECT count(*), md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM \"{table}\" t")[0]
    return found


def status_of(*ends: End) -> set[tuple]:
    """The states that the orders of these stories have."""
    wanted = [str(story.client_id) for story in STORIES if story.end in ends]
    assert wanted
    return set(rows("SELECT status, fulfilment, billing, payment FROM orders_order WHERE client_id = ANY(%s::uuid[])", (wanted,)))


def test_sixty_products_in_two_languages_with_numbers_that_a_scanner_accepts():
    made = goods()
    assert len(made) == 60
    assert len({good.gtin for good in made} | {pack.gtin for good in made for pack in good.packs()}) == 60 + sum(good.small for good in made)
    for good in made:
        assert good.name
        assert good.name_en
        assert good.category in {category.code for category in CATEGORIES}
        for number in (good.gtin, *(pack.gtin for pack in good.packs())):
            assert check_digit(number[:-1]) == number[-1]


def test_the_orders_are_in_every_state(demo_world):
    assert status_of(End.REVIEW, End.SECOND_REVIEW) == {("in_review", "none", "none", "none")}
    assert status_of(End.REJECTED) == {("rejected", "none", "none", "none")}
    assert status_of(End.CANCELLED) == {("cancelled", "none", "none", "none")}
    assert status_of(End.CONFIRMED) == {("confirmed", "none", "none", "none")}
    assert status_of(End.PICKING) == {("in_fulfilment", "picking", "none", "none")}
    assert status_of(End.SHIPPED) == {("in_fulfilment", "shipped", "none", "none")}
    assert status_of(End.DIFFERENCE, End.INVOICED, End.ANNOUNCED) == {("delivered", "received", "full", "none")}
    assert status_of(End.PART_PAID) == {("delivered", "received", "full", "partial")}
    assert status_of(End.PAID) == {("closed", "received", "full", "paid")}
    assert rows("SELECT count(*) FROM orders_order") == [(len(STORIES),)]


def test_something_is_overdue_something_waits_for_finance_and_something_differs(demo_world):
    assert rows("SELECT count(*) > 2 FROM ledger_openitem WHERE side = 'receivable' AND open_amount > 0 AND due_on < %s", (clock.today(),)) == [(True,)]
    waiting = dict(rows("SELECT p.code, count(*) FROM approvals_node n JOIN people_role p ON p.id = n.role_id WHERE n.state = 'current' GROUP BY 1"))
    assert waiting["hq_finance"] == 1
    assert waiting["hq_clerk"] >= 3
    assert set(rows("SELECT DISTINCT kind FROM fulfilment_difference")) == {("short",), ("damaged",)}


def test_orders_of_fifty_thousand_and_more_were_approved_and_no_smaller_ones(demo_world):
    found = rows(
        """SELECT o.gross >= 50000 AND s.code = 'LH', o.approval <> 'none', count(*) FROM orders_order o JOIN network_organisation s ON s.id = o.seller_id
           WHERE o.status <> 'cancelled' GROUP BY 1, 2"""
    )
    assert {(large, approved) for large, approved, _count in found} == {(True, True), (False, False)}


def test_everybody_can_sign_in_and_the_one_click_people_exist(demo_world):
    assert {row["email"] for row in demo_world} >= {card.email for card in DEMO_PEOPLE.values()}
    for row in demo_world:
        user = unscoped_user_by_email(row["email"])
        assert user is not None
        assert user.check_password(row["password"])
    assert len(unscoped_demo_people()) == len(DEMO_PEOPLE)


def test_every_invariant_holds_and_every_event_is_delivered(demo_world):
    for check in all_checks():
        assert offending(check) == (0, []), check.name
    assert rows("SELECT count(*) FROM base_event WHERE dispatched_at IS NULL") == [(0,)]
    assert rows("SELECT count(*) FROM base_delivery WHERE parked OR error <> ''") == [(0,)]


def test_nothing_lies_in_the_future(demo_world):
    assert rows("SELECT max(at) < now() FROM base_actionlog") == [(True,)]
    assert rows("SELECT max(date) <= %s FROM billing_invoice", (clock.today(),)) == [(True,)]


def test_a_second_loading_changes_nothing(demo_world):
    before = fingerprint()
    assert demo.load() == demo_world
    assert fingerprint() == before


def test_even_every_single_step_done_again_changes_nothing(demo_world):
    """What a killed loading relies on: each step looks first."""
    before = fingerprint()
    with transaction.atomic():
        last = clock.today() - timedelta(days=1)
        with clock.freeze(stories.STORIES[0].moment(last, -15, 8)):
            world = network.build(last - timedelta(days=demo.DAYS))
        stories.play(world, last, Progress("demo"))
        assert fingerprint() == before
        transaction.set_rollback(True)
