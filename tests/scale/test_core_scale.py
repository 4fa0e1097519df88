"""The money and stock core at size: reports as one statement, a million moves verified.

By default at 1 % and without judging times (a timed test is a noisy one); `QUDAO_SLOW=1` runs it in full and holds the budgets.
"""

from __future__ import annotations

import os
import time
from datetime import date
from decimal import Decimal

import pytest

from qudao.base.access import Actor, Scope
from qudao.base.db import run
from qudao.base.invariants import offending
from qudao.base.subject import Subject
from qudao.catalog.tests.make import make_product
from qudao.funds import invariants as funds_invariants
from qudao.funds.actions import LimitTerms, hold, release
from qudao.funds.queries import unscoped_card
from qudao.funds.tests.make import in_unit, make_account, make_agreement
from qudao.inventory import invariants as stock_invariants
from qudao.inventory.actions import reserve
from qudao.inventory.queries import on_hand
from qudao.inventory.rules import Demand
from qudao.inventory.tests.make import make_places
from qudao.kernel.period import DateSpan
from qudao.ledger import invariants as book_invariants
from qudao.ledger.queries import PartyAccount, ageing, statement
from qudao.network.tests.make import make_org

pytestmark = pytest.mark.slow
SLOW = os.environ.get("QUDAO_SLOW") == "1"
SHARE = 1 if SLOW else 100
PRODUCTS, MOVES, DEALERS = 1_000 // (SHARE // 10 or 1), 1_000_000 // SHARE, 200 // (SHARE // 10 or 1)


def within(took, budget):
    """Whether a time in milliseconds keeps its budget; judged in full size only."""
    return took < budget or not SLOW


def best(body, times=5):
    """The shortest of some runs in milliseconds, and the last result."""
    found, result = [], None
    for _ in range(times):
        begin = time.perf_counter()
        result = body()
        found.append((time.perf_counter() - begin) * 1000)
    return min(found), result


@pytest.fixture
def brand(db):
    return make_org("hq", "LH")


def make_moves(brand, moves):
    """Products, stock and as many moves in and out of MAIN; every hundredth move lies in an open reservation."""
    first = make_product(brand, "P0").pk
    run(
        """INSERT INTO catalog_product SELECT (jsonb_populate_record(p, jsonb_build_object('id', p.id + n, 'code', 'P' || n))).*
           FROM catalog_product p, generate_series(1, %s) n WHERE p.id = %s""",
        (PRODUCTS - 1, first),
    )
    places = make_places(brand)
    main, outside = places["MAIN"], places["OUTSIDE"]
    run(
        """INSERT INTO inventory_move (month, at, product_id, qty, from_place_id, to_place_id, subject_kind, subject_id, ref_id, number)
           SELECT date '2026-01-01' + (n %% 4) * interval '1 month', now(), %s + n %% %s, CASE WHEN n %% 3 = 0 THEN 1 ELSE 2 END,
                  CASE WHEN n %% 3 = 0 THEN %s ELSE %s END, CASE WHEN n %% 3 = 0 THEN %s ELSE %s END, 'bench.order', n / 10, n, ''
           FROM generate_series(1, %s) n""",
        (first, PRODUCTS, main, outside, outside, main, moves),
    )
    run(
        """INSERT INTO inventory_reservation (place_id, product_id, qty, taken, released, subject_kind, subject_id, ref_id, state, at, number)
           SELECT %s, %s + n %% %s, 2, 1, 0, 'bench.order', n, n, 'open', now(), '' FROM generate_series(1, %s) n""",
        (main, first, PRODUCTS, moves // 100),
    )
    run(
        """INSERT INTO inventory_stock (place_id, product_id, on_hand, reserved)
           SELECT %s, product_id, sum(CASE WHEN to_place_id = %s THEN qty ELSE -qty END),
                  coalesce((SELECT sum(qty - taken) FROM inventory_reservation r WHERE r.product_id = m.product_id), 0)
           FROM inventory_move m GROUP BY product_id""",
        (main, main),
    )
    run("ANALYZE inventory_move, inventory_stock, inventory_reservation")
    return main, first


def verify(checks):
    """Milliseconds of all checks together; every one must hold."""
    total = 0.0
    for check in checks:
        took, found = best(lambda check=check: offending(check), times=1)
        print(f"  {check.name}: {took:.0f} ms")
        assert found == (0, [])
        total += took
    return total


def test_a_million_moves_are_verified_in_15_seconds(brand):
    make_moves(brand, MOVES)
    took = verify(stock_invariants.CHECKS)
    print(f"verify of {MOVES} moves: {took:.0f} ms")
    assert within(took, 15_000)


def test_the_stock_of_a_thousand_products_reads_in_20_ms(brand):
    main, _first = make_moves(brand, 100_000 // SHARE)
    clerk = Actor(1, 1, brand.pk, brand.path, "hq", "c", frozenset({"inventory.view"}), Scope.ORG)

    def read():
        return list(on_hand(clerk, place_id=main).values_list("product__code", "on_hand", "reserved", "free"))

    took, found = best(read)
    print(f"stock of {len(found)} products: {took:.1f} ms")
    assert len(found) == PRODUCTS
    assert within(took, 20)


def make_books(brand, invoices):
    """200 dealers with so many invoices in both books, all of them open."""
    parent = make_org("dealer", "D000", brand)
    run(
        """INSERT INTO network_organisation SELECT (jsonb_populate_record(o, jsonb_build_object(
               'id', o.id + n, 'code', 'D' || n, 'path', '/' || o.parent_id || '/' || (o.id + n) || '/'))).*
           FROM network_organisation o, generate_series(1, %s) n WHERE o.id = %s""",
        (DEALERS - 1, parent.pk),
    )
    seller = brand.pk
    source = f"""(SELECT n, {seller} AS seller, {parent.pk} + n %% {DEALERS} AS buyer, date '2026-01-01' + n %% 150 AS day
                  FROM generate_series(1, {invoices}) n) i,
        (VALUES (true), (false)) s(own)"""
    run(
        f"""INSERT INTO ledger_entry (org_id, month, date, at, kind, source_key, currency, subject_kind, subject_id, number)
            SELECT CASE WHEN own THEN seller ELSE buyer END, date_trunc('month', day), day, now(),
                   'invoice', 'invoice:' || n, 'CNY', 'billing.invoice', n, 'I' || n
            FROM {source}"""
    )
    run(
        """INSERT INTO ledger_entryline (entry_id, org_id, month, date, account, counterparty_id, currency, amount)
           SELECT e.id, e.org_id, e.month, e.date, CASE WHEN e.org_id = %s THEN a.seller ELSE a.buyer END,
                  CASE WHEN e.org_id = %s THEN %s + e.subject_id %% %s ELSE %s END, 'CNY', a.sign * CASE WHEN e.org_id = %s THEN 1 ELSE -1 END
           FROM ledger_entry e,
                (VALUES ('receivable', 'payable', 113.00), ('revenue', 'purchases', -100.00), ('output_tax', 'input_tax', -13.00)) a(seller, buyer, sign)""",
        (seller, seller, parent.pk, DEALERS, seller, seller),
    )
    run(
        f"""INSERT INTO ledger_openitem (org_id, side, counterparty_id, subject_kind, subject_id, number, date, due_on, currency, amount, open_amount)
            SELECT CASE WHEN own THEN seller ELSE buyer END, CASE WHEN own THEN 'receivable' ELSE 'payable' END, CASE WHEN own THEN buyer ELSE seller END,
                   'billing.invoice', n, 'I' || n, day, day + 30, 'CNY', 113, 113 FROM {source}"""
    )
    run(
        """INSERT INTO ledger_balance (org_id, account, counterparty_id, currency, amount)
           SELECT org_id, account, counterparty_id, currency, sum(amount) FROM ledger_entryline GROUP BY 1, 2, 3, 4"""
    )
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")
    run("ANALYZE ledger_entry, ledger_entryline, ledger_openitem, ledger_balance, network_organisation")
    return parent


def read_books(brand, invoices):
    """Milliseconds of ageing, of one dealer's statement, and of one dealer's credit; what they show is checked."""
    dealer = make_books(brand, invoices)
    finance = Actor(1, 1, brand.pk, brand.path, "hq", "f", frozenset({"ledger.view"}), Scope.ALL)
    aged, found = best(lambda: ageing(finance, brand.pk, date(2026, 6, 1)))
    told, lines = best(lambda: statement(finance, PartyAccount(brand.pk, dealer.pk), DateSpan(date(2026, 2, 1), date(2026, 6, 30))))
    agreement = make_agreement(brand, dealer)
    make_account(agreement, LimitTerms(Decimal(10**9), grace_days=365))
    credit, card = best(lambda: unscoped_card(agreement.pk))
    print(f"{invoices} open items: ageing of {len(found)} dealers {aged:.1f} ms, statement of {len(lines.lines)} lines {told:.1f} ms, credit {credit:.2f} ms")
    assert len(found) == DEALERS
    assert sum(row.total for row in found) == Decimal(113) * invoices
    assert card.position.overdue > 0
    return aged, told, credit


def test_ageing_of_200_dealers_reads_in_40_ms(brand):
    """Three times the open items of the world that the floor is measured in (10,000 invoices, every third open)."""
    aged, told, credit = read_books(brand, 10_000 // SHARE)
    assert within(aged, 40) and within(told, 40) and within(credit, 5)


def test_a_large_set_of_books_verifies_in_15_seconds(brand):
    """Ageing of this many open items is printed, not judged: it is 24 ms on a quiet machine and 70 ms beside five other loads."""
    read_books(brand, 50_000 // SHARE)
    took = verify(book_invariants.CHECKS)
    print(f"verify of {300_000 // SHARE} lines: {took:.0f} ms")
    assert within(took, 15_000)


def test_the_hot_path_of_an_order_of_ten_lines(brand):
    main, first = make_moves(brand, 100_000 // SHARE)
    agreement = make_agreement(brand, make_org("dealer", "D001", brand))
    make_account(agreement, LimitTerms(Decimal(10**9)))
    n = 0

    def confirm():
        nonlocal n
        n += 1
        subject = Subject("orders.order", 10**6 + n)
        demands = [Demand(main, first + (n * 7 + i * 13) % PRODUCTS, Decimal(1), i) for i in range(10)]

        def body(actor):
            hold(agreement.pk, Decimal("100.00"), subject, actor=actor)
            reserve(demands, subject, actor=actor)

        in_unit(body)

    for _ in range(20):
        confirm()
    begin, cpu = time.perf_counter(), time.process_time()
    for _ in range(200 if SLOW else 5):
        confirm()
    wall, used = (time.perf_counter() - begin) * 1000 / n, (time.process_time() - cpu) * 1000 / n
    print(f"hold + reserve of ten lines: {wall:.2f} ms, client CPU {used:.2f} ms")
    in_unit(release, agreement.pk, Decimal("100.00"), Subject("orders.order", 1))
    assert within(verify(funds_invariants.CHECKS), 1000)
    assert within(wall, 20)
