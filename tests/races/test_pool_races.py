"""Several connections after the same pooled payment, and after the same deliveries: every cent and every piece once, whoever is faster."""

from __future__ import annotations

from decimal import Decimal as D
from functools import partial

import pytest

from qudao.base.access import system_actor
from qudao.base.outbox import drain
from qudao.billing.actions import issue_collective, issue_invoices, set_cycle
from qudao.billing.models import Collective, Invoice, InvoiceLine
from qudao.fulfilment.tests.make import place, received
from qudao.kernel.errors import Conflict, Refused
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_world
from qudao.payments.actions import (
    PaymentFacts,
    announce_pool,
    apply_payment,
    confirm_pool,
    decline_pool,
    record_bank,
    record_payment,
    record_pool,
    withdraw_payments,
)
from qudao.payments.models import Application, Payment, Pool
from qudao.payments.tests.test_pools import Branches

pytestmark = pytest.mark.race
TIMES = 4


@pytest.fixture
def world(transactional_db):
    return make_world()


def lost(results):
    """How many were refused, or came too late; anything else that went wrong fails the test."""
    strange = [one for one in results if isinstance(one, Exception) and not isinstance(one, Refused | Conflict)]
    assert strange == []
    return sum(isinstance(one, Exception) for one in results)


def checked(branches):
    """Nothing is paid beyond what is owed, parts are the whole, and what came is applied, left or withdrawn."""
    for invoice in (branches.a, branches.b):
        invoice.refresh_from_db()
        paid = sum(Application.unscoped.filter(invoice=invoice).values_list("amount", flat=True), D(0))
        assert invoice.paid == paid <= invoice.gross
    for pool in Pool.unscoped.all():
        assert sum(pool.parts.values_list("amount", flat=True)) == pool.amount
    assert_sound()


def test_an_announced_pool_is_confirmed_or_declined_once_while_others_pay_the_same_invoices(race, world):
    branches = Branches(world)
    pool = announce_pool(branches.facts(500), actor=branches.head)
    single = PaymentFacts(branches.lh.pk, branches.s001.pk, D(300))
    results = race(
        [
            partial(confirm_pool, pool.pk, actor=branches.finance),
            partial(decline_pool, pool.pk, "not here", actor=branches.finance),
            partial(confirm_pool, pool.pk, actor=branches.finance),
            partial(record_payment, single, actor=branches.finance),
            partial(record_pool, branches.facts(200), actor=branches.finance),
        ]
    )
    lost(results)
    pool.refresh_from_db()
    confirmed, declined, again = (not isinstance(one, Exception) for one in results[:3])
    assert confirmed + declined + again == (pool.state != "announced") and (pool.state == "declined") == declined
    checked(branches)


def test_the_same_pool_recorded_by_many_pays_each_invoice_once(race, world):
    branches = Branches(world)
    lost(race([partial(record_pool, branches.facts(500), actor=branches.finance)] * TIMES))
    checked(branches)
    assert (branches.a.open, branches.b.open) == (0, 0), "the first one paid both"


def test_a_file_of_the_bank_and_the_desk_book_an_announced_pool_once(race, world):
    branches = Branches(world)
    pool = announce_pool(branches.facts(500), actor=branches.head)
    results = race([partial(record_bank, branches.lh.pk, [pool], actor=branches.finance), partial(confirm_pool, pool.pk, actor=branches.finance)] * 2)
    assert lost(results) == 3
    checked(branches)
    assert (branches.a.open, branches.b.open) == (0, 0)


def test_money_is_withdrawn_or_applied_never_both(race, world):
    branches = Branches(world)
    early = record_pool(branches.facts(80), (), actor=branches.finance)
    part = early.parts.get()
    withdraw = partial(withdraw_payments, [], "entered twice", [early.pk], actor=branches.finance)
    results = race([withdraw, partial(apply_payment, part.pk, actor=branches.finance)] * 2)
    assert lost(results) == 3
    early.refresh_from_db()
    part.refresh_from_db()
    assert (early.state, part.state, part.applied) in {("withdrawn", "withdrawn", D(0)), ("received", "applied", D(80))}
    assert set(Payment.unscoped.values_list("pk", flat=True)) == {part.pk}
    checked(branches)


def test_two_runs_and_a_bill_by_hand_invoice_each_delivery_once(race, world):
    finance = world.cast.hq_finance
    set_cycle(world.agreement.pk, "month", 25, actor=finance)
    orders = [place(world, qty) for qty in (3, 4, 5)]
    for order in orders:
        received(world, order)
    drain()
    late = place(world, 2)
    run = partial(issue_collective, world.agreement.pk, actor=system_actor())
    results = race([run, run, partial(issue_invoices, orders[0].pk, actor=finance), partial(received, world, late), run])
    assert lost(results) == 0
    issue_collective(world.agreement.pk, actor=system_actor())
    billed = {pk: sum(InvoiceLine.unscoped.filter(line=pk).values_list("qty", flat=True)) for pk in Line.unscoped.values_list("pk", flat=True)}
    assert billed == {line.pk: line.received for line in Line.unscoped.all()} and sum(billed.values()) == 14
    numbers = [*Collective.unscoped.values_list("number", flat=True), *Invoice.unscoped.filter(collective=None).values_list("number", flat=True)]
    assert sorted(numbers) == [f"INV-LH-{n:06d}" for n in range(1, len(numbers) + 1)]
    assert_sound()
