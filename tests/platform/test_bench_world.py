"""What `qudao bench orders` measures is the engine with everything in use."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from qudao.base.db import rows
from qudao.web.bench import probe, terms, world


@pytest.mark.django_db(transaction=True)
def test_an_order_takes_few_statements_with_everything_in_use(monkeypatch):
    monkeypatch.setattr(world, "DEALERS", 4)
    monkeypatch.setattr(terms, "PRODUCTS", 60)
    built = asdict(world.build())
    counts = {lines: probe.statements(built, lines)["counts"]["place"] for lines in (10, 40)}
    assert counts[10] == counts[40] <= 26
    ((drawn, in_lots, sources, accounts, shared, slow),) = rows(
        """SELECT (SELECT count(*) FROM quotas_taken), (SELECT count(*) FROM inventory_reservation r JOIN inventory_tracked t USING (product_id)),
                  (SELECT array_agg(DISTINCT price_source ORDER BY price_source) FROM orders_line), (SELECT count(*) FROM funds_account WHERE lined),
                  (SELECT used FROM funds_sharedlimit WHERE used > 0), (SELECT count(DISTINCT promised_on) FROM orders_line)"""
    )
    assert shared and slow > 1, "nothing counts against the shared limit, or all is promised for one day"
    assert drawn and in_lots and accounts == 4 and len(sources) >= 3, sources
    assert probe.sound(built) == {"oversold": 0, "broken": {}}
