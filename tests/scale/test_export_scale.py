"""A long list as a workbook: 100,000 orders in less than five seconds, with one read of plain values and no model instance a row.

By default 1 % of them and without judging the time; `QUDAO_SLOW=1` runs it in full and holds the budget.
"""

from __future__ import annotations

import io
import os
import time

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import translation
from python_calamine import CalamineWorkbook

from qudao.base import runs, sheets
from qudao.base.html import exports
from qudao.base.models import Run, RunFault
from qudao.orders.models import Order
from qudao.orders.pages.lists import OrderList
from qudao.orders.tests.make import make_world, place

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
SLOW = os.environ.get("QUDAO_SLOW") == "1"
NUMBER = 100_000 if SLOW else 1_000
SECONDS = 5


def copies(order: Order, number: int) -> None:
    """Orders like this one, in one statement."""
    own = {"id", "number", "client_id", "gross"}
    columns = [f.column for f in Order._meta.concrete_fields if f.column not in own]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO orders_order (number, client_id, gross, {", ".join(columns)})
                SELECT o.number || '-' || n, gen_random_uuid(), o.gross, {", ".join(f"o.{c}" for c in columns)}
                FROM orders_order o, generate_series(1, %s) n WHERE o.id = %s""",
            [number, order.pk],
        )


@pytest.fixture
def world():
    return make_world()


def test_a_hundred_thousand_orders_are_a_workbook_in_five_seconds(world, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    copies(place(world, 5), NUMBER - 1)
    actor = world.cast.hq_clerk
    address = "/orders/?columns=number,buyer,state,shown_gross,placed_at,line_count,waits,seller,requested_on,state_since"
    run = runs.start_run(runs.Task(OrderList.path(), "xlsx", address, total=NUMBER), actor=actor)
    begin = time.perf_counter()
    runs.work_off(run.pk)
    took = time.perf_counter() - begin
    run.refresh_from_db()
    assert run.state == Run.State.DONE, list(RunFault.unscoped.values("code", "params"))
    assert (run.position, run.total) == (NUMBER, NUMBER)
    book = (tmp_path / run.file).read_bytes()
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert len(rows) == NUMBER + 1 and len(rows[0]) == 10
    print(f"{NUMBER} orders: {took:.2f} s, {len(book) / 1e6:.1f} MB")
    assert took < SECONDS or not SLOW


def test_plain_values_say_the_same_as_the_rows_themselves(world):
    copies(place(world, 5), 30)
    page = OrderList.standing_for(world.cast.hq_clerk)
    columns = list(page.table().offered_columns(page.actor).values())
    rows = page.rows(QueryDict("sort=number"))
    with translation.override("zh-hans"):
        quick = list(exports.cells(page, rows, columns))
        slow = [[column.value(row) for column in columns] for row in page.prepare(list(rows))]
    assert quick == slow and len(quick) == 31
    assert sheets.LIMIT > NUMBER
