"""Real orders through the live actions: the sums of the files, line by line, and nothing twice when a run is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from qudao.base.db import rows
from qudao.base.invariants import all_checks, offending
from qudao.kernel.money import round_to
from qudao.web.progress import Progress
from qudao.web.replay import life, report, source

DATA = Path(os.environ.get("QUDAO_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
FOLDER = DATA / "orders" / "northwind"
WHOLE = os.environ.get("QUDAO_SLOW") == "1"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the Northwind files are not in {FOLDER}")


def play(first: int | None = None) -> report.Report:
    data = source.read(FOLDER, first=first)
    return report.make(data, life.play(data, Progress("steps")))


def counts() -> list[int]:
    tables = ("orders_order", "pricing_specialprice", "fulfilment_shipment", "billing_invoice", "payments_payment", "inventory_move", "base_event")
    return [rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables]


def test_the_files_are_read_to_the_cent():
    data = source.read(FOLDER)
    lines = [line for order in data.orders for line in order.lines]
    assert (len(data.orders), len(lines), len(data.customers), len(data.products)) == (830, 2155, 93, 77)
    assert sum(line.exact for line in lines) == Decimal("1265793.0395")
    assert sum(round_to(line.exact) for line in lines) == Decimal("1265793.29")
    assert all(line.net_price == round(line.net_price, 6) for line in lines), "every price fits the six decimals of a unit price"
    assert sum(order.shipped_on is None for order in data.orders) == 21
    assert all(order.ordered_on <= order.leaves_on < order.arrives_on for order in data.orders)


def test_client_ids_never_change():
    """Another name would order everything a second time."""
    order = source.read(FOLDER, first=1).orders[0]
    assert (order.key, str(order.client_id)) == ("10248", "6ba0213c-12b2-5613-bfeb-6c506b00da6e")


def test_a_folder_that_is_none_says_so(tmp_path):
    with pytest.raises(source.Unreadable, match="Shippers.csv cannot be read"):
        source.read(tmp_path)


@pytest.mark.django_db
def test_the_first_orders_live_their_whole_life():
    found = play(first=40)
    assert found.ok, (found.faults, found.broken)
    assert (found.orders, found.closed, found.lines) == (40, 40, found.special_prices)
    assert found.invoiced == found.paid == found.rounded
    assert found.rules_off == []
    assert rows("SELECT DISTINCT price_source FROM orders_line") == [("special",)]
    assert rows("SELECT DISTINCT source, subject_kind FROM pricing_specialprice") == [("import", "northwind.order")]
    assert rows("SELECT count(*) FROM base_event WHERE dispatched_at IS NULL") == [(0,)]
    # dated as they happened: nothing was ever overdue, credit was checked on the day
    assert rows("SELECT max(date) < '1997-01-01', max(due_on - date) FROM billing_invoice") == [(True, 30)]
    assert rows("SELECT count(*) FROM funds_entry WHERE kind = 'hold' AND exposure > limit_amount") == [(0,)]
    assert report.text(found).startswith("40 orders with")
    assert json.loads(json.dumps(found.plain(), default=str))["ok"] is True
    before = counts()
    again = play(first=40)
    assert again.ok
    assert (again.steps, again.found) == ({}, 200)
    assert counts() == before, "a second run does nothing"
    more = play(first=45)
    assert more.ok
    assert (more.orders, more.steps["place"]) == (45, 5)


@pytest.mark.django_db
def test_a_run_that_was_cut_off_goes_on(monkeypatch):
    """Cut after single actions: between picking and dispatch too, where an order is in between two steps."""

    class Cut(Exception):
        pass

    real, calls = life.dispatch_shipment, 0

    def dispatch(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls in (3, 9):
            raise Cut
        return real(*args, **kwargs)

    monkeypatch.setattr(life, "dispatch_shipment", dispatch)
    for _time in range(2):
        with pytest.raises(Cut):
            play(first=15)
    found = play(first=15)
    assert found.ok, (found.faults, found.broken)
    assert counts()[:5] == [15, found.lines, 15, 15, 15]
    for check in all_checks():
        assert offending(check) == (0, []), check.name


@pytest.mark.django_db
def test_two_prices_of_one_product_on_one_day_are_each_paid_by_their_order():
    """BOTTM ordered product 59 twice on 1997-01-10, with and without discount."""
    data = source.read(FOLDER)
    data.orders[:] = [order for order in data.orders if order.customer == "BOTTM" and f"{order.ordered_on}" == "1997-01-10"]
    assert len(data.orders) == 2
    found = report.make(data, life.play(data, Progress("steps")))
    assert found.faults == []
    assert len(set(rows("SELECT l.unit_price FROM orders_line l JOIN catalog_product p ON p.id = l.product_id WHERE p.code = 'NW-59'"))) == 2


def placed(url: str) -> int:
    """Orders in a scratch database; 0 while it has no tables yet."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT CASE WHEN to_regclass('orders_order') IS NULL THEN 0 ELSE (SELECT count(*) FROM orders_order) END").fetchone()
        assert row is not None
        return int(row[0])


@pytest.mark.slow
@pytest.mark.django_db
def test_a_replay_killed_with_minus_nine_and_started_again_gives_the_sums_of_the_files():
    """In a database of its own with real commits: in the one transaction of a test, thousands of dead rows would make it endless.

    The first 20 orders by default; all 830, killed three times, by QUDAO_SLOW=1.
    """
    from qudao.web.selftest import scratch, scratch_environment

    command = [sys.executable, "-m", "qudao.web.cli"]
    replay = [*command, "replay", str(FOLDER), "--json", *([] if WHOLE else ["--first", "20"])]
    with scratch() as url, tempfile.TemporaryDirectory() as folder:
        env = scratch_environment(url, folder)
        subprocess.run([*command, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
        for enough in (40, 250, 600) if WHOLE else (6,):
            process = subprocess.Popen(replay, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and placed(url) < enough:
                time.sleep(0.1)
            process.send_signal(signal.SIGKILL)
            process.wait()
        done = subprocess.run(replay, env=env, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["ok"], (found["faults"], found["broken"])
    assert found["found"] > 0, "some steps were done before the kill"
    assert found["rules_off"] == []
    if not WHOLE:
        assert (found["orders"], found["closed"]) == (20, 20) and found["rounded"] == found["invoiced"] == found["paid"]
        return
    assert [found[name] for name in ("orders", "lines", "dealers", "products", "closed", "special_prices")] == [830, 2155, 93, 77, 830, 2155]
    assert (found["exact"], found["exact_rounded"]) == ("1265793.0395000000", "1265793.04")
    assert found["rounded"] == found["invoiced"] == found["paid"] == "1265793.29"
    assert len(found["differing"]) == 81
    assert sum(Decimal(one["difference"]) for one in found["differing"]) == Decimal("0.2505")
