"""The migration that brought several credit accounts of the same two together (funds 0010 to 0012), from a state as it was before."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from qudao.catalog.tests.make import make_category
from qudao.kernel import clock
from qudao.network.tests.make import make_org

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE, AFTER = ("funds", "0009_add_deposits"), ("funds", "0012_require_shared")


def migrate(*targets: tuple[str, str]) -> Any:
    """Bring the database to these migrations; the tables as they are then."""
    MigrationExecutor(connection).migrate(list(targets))
    loader = MigrationExecutor(connection).loader
    (agreements,) = loader.graph.leaf_nodes("agreements")
    return loader.project_state([*targets, agreements]).apps


@pytest.fixture
def before(transactional_db):
    """The tables before the first of the three; the newest again afterwards, whatever happened."""
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    brand = make_org("hq", "LH")
    sides = {"brand": brand.pk, "dealer": make_org("dealer", "D1", brand).pk, "other": make_org("dealer", "D2", brand).pk}
    try:
        yield sides | {"line": make_category(brand, "TV").pk, "apps": migrate(BEFORE)}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE network_organisation, funds_entry, funds_depositentry, funds_statechange CASCADE")
        migrate(*newest)


def test_accounts_of_the_same_two_come_together(before):
    agreement = before["apps"].get_model("agreements", "Agreement")
    account, entry, deposit, sublimit = (before["apps"].get_model("funds", name) for name in ("Account", "Entry", "DepositEntry", "SubLimit"))
    about = {"state_since": clock.now()}
    dealer, other = before["dealer"], before["other"]

    def trade(buyer, code, state, since, limit, buckets, **terms):
        """An agreement with the account it had of its own; an entry for each bucket, and for what is held of a deposit."""
        terms = {"currency": "CNY", "prepaid": False} | terms
        facts: dict[str, Any] = {"code": code, "state": state, "valid_from": since, "payment_days": 0 if terms["prepaid"] else 30, **terms, **about}
        made = agreement._default_manager.create(seller_id=before["brand"], buyer_id=buyer, **facts)
        names = dict(zip(("ordered", "shipped", "invoiced", "unapplied", "deposit_held"), map(D, buckets), strict=True))
        kinds = {"currency": terms["currency"], "prepaid": terms["prepaid"]}
        found = account._default_manager.create(agreement=made, seller_id=before["brand"], buyer_id=buyer, limit_amount=limit, **kinds, **names, **about)
        for name, amount in names.items():
            if amount and name != "deposit_held":
                facts = {"account_id": found.pk, "month": since, "at": clock.now(), "kind": "shift", "bucket": name, "amount": amount}
                entry._default_manager.create(**facts, exposure=0, limit_amount=limit, subject_kind="x", subject_id=1)
        if names["deposit_held"]:
            deposit._default_manager.create(
                account_id=found.pk, at=clock.now(), day=since, kind="paid_in", amount=names["deposit_held"], held=names["deposit_held"]
            )
        return found

    old = trade(dealer, "OLD", "ended", date(2025, 1, 1), 5000, (0, 0, 300, 20, 50))
    in_force = trade(dealer, "NOW", "active", date(2025, 6, 1), 1000, (100, 40, 0, 0, 10))
    newest = trade(dealer, "NEXT", "suspended", date(2026, 1, 1), 7000, (1, 0, 0, 0, 0))
    dollars = trade(dealer, "USD", "ended", date(2025, 1, 1), 80, (9, 0, 0, 0, 0), currency="USD")
    prepaid = trade(dealer, "PRE", "ended", date(2024, 1, 1), 0, (5, 0, 0, 60, 0), prepaid=True)
    passed = trade(dealer, "TR", "ended", date(2024, 1, 1), 0, (3, 0, 0, 0, 0), transfers=True)
    alone = trade(other, "ALONE", "ended", date(2024, 1, 1), 10, (2, 0, 0, 0, 0))
    ended = [trade(other, f"E{n}", "ended", date(2025, n, 1), 100 * n, (n, 0, 0, 0, 0), currency="EUR") for n in (1, 2)]
    for one, amount in ((old, 900), (in_force, 400)):
        sublimit._default_manager.create(account=one, category_id=before["line"], amount=amount)

    after = migrate(AFTER)
    account, entry, deposit, sublimit = (after.get_model("funds", name) for name in ("Account", "Entry", "DepositEntry", "SubLimit"))
    columns = ("pk", "limit_amount", "ordered", "shipped", "invoiced", "unapplied", "deposit_held", "transfers")
    assert list(account._default_manager.order_by("pk").values_list(*columns)) == [
        (in_force.pk, 1000, 101, 40, 300, 20, 60, False),
        (dollars.pk, 80, 9, 0, 0, 0, 0, False),
        (prepaid.pk, 0, 5, 0, 0, 60, 0, False),
        (passed.pk, 0, 3, 0, 0, 0, 0, True),
        (alone.pk, 10, 2, 0, 0, 0, 0, False),
        (ended[1].pk, 200, 3, 0, 0, 0, 0, False),
    ], "the account in force, else the newest, keeps its limit; what is used comes to it; other currencies and terms stay apart"
    for one in account._default_manager.all():
        sums = {name: D(0) for name in ("ordered", "shipped", "invoiced", "unapplied")}
        for found in entry._default_manager.filter(account_id=one.pk):
            sums[found.bucket] += found.amount
        assert sums == {name: getattr(one, name) for name in sums}, "every bucket is the sum of its entries"
        assert sum(x.amount for x in deposit._default_manager.filter(account_id=one.pk)) == one.deposit_held
    assert entry._default_manager.count() == 12 and newest.pk not in set(entry._default_manager.values_list("account_id", flat=True))
    assert list(sublimit._default_manager.values_list("account_id", "amount")) == [(in_force.pk, 400)], (
        "limits of product lines are those of the account that stays"
    )
    with connection.cursor() as cursor, pytest.raises(Exception, match="append"):
        cursor.execute("UPDATE funds_entry SET amount = 1")
