"""A thousand rows of a list at once: the preview says what will be done and what not, the job can be stopped, and only what is left is tried again."""

from contextlib import contextmanager

import pytest
from django.db import connection
from django.urls import reverse

from qudao.base import runs
from qudao.base.models import Run, RunFault
from qudao.base.tests.page_text import text
from qudao.catalog import actions
from qudao.catalog.models import Product
from qudao.catalog.pages import ProductList
from qudao.catalog.rules import ProductDraft
from qudao.catalog.states import ProductState
from qudao.people.tests.make import sign_in

#: statements that a request may take, however many rows were chosen
MOST = 30
ROWS, BLOCKED, STOP, FAILED = 1000, 40, 500, 5


@contextmanager
def counted():
    """A list that gets an entry for each statement."""
    seen = []

    def see(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(see):
        yield seen


@pytest.fixture
def goods(cast):
    """A thousand products, the first forty of them blocked already."""
    made = actions.register_products(cast.lh.pk, [ProductDraft(f"P{n:04}", f"产品 {n}") for n in range(ROWS)], actor=cast.hq_admin)
    Product.unscoped.filter(pk__in=[one.pk for one in made[:BLOCKED]]).update(state=ProductState.BLOCKED)
    return made


def test_a_thousand_rows_are_weighed_done_stopped_and_what_is_left_is_retried(client, cast, goods, monkeypatch):
    page, todo = sign_in(client, cast.hq_admin), ROWS - BLOCKED
    data = {"page": ProductList.signed_path(), "do": "block", "query": "tab=all&sort=code", "from": "/products/", "all": "1"}
    with counted() as seen:
        preview = page.post(reverse("job_new"), data)
    shown = text(preview)
    assert f"{todo} rows will be done" in shown and f"{BLOCKED} rows are skipped" in shown and "they are blocked already" in shown and len(seen) <= MOST
    rows = preview.context["rows"]
    with counted() as seen:
        answer = page.post(reverse("jobs"), {**data, "rows": rows, "reason": "recall"})
    run = Run.unscoped.get()
    assert answer["Location"] == reverse("job", args=[run.pk]) and len(seen) <= MOST
    assert (run.state, run.total, len(run.skipped)) == ("waiting", todo, BLOCKED)
    assert f"0 of {todo} rows" in text(page.get(reverse("job", args=[run.pk])))

    Product.unscoped.filter(pk__in=run.row_ids[:FAILED]).update(state=ProductState.BLOCKED)  # somebody was faster
    block, at = actions.block_product, []

    def stopping(pk, reason, *, actor):
        at.append(len(seen))
        if len(at) == STOP:
            runs.cancel_run(run.pk, actor=actor)
        return block(pk, reason, actor=actor)

    monkeypatch.setattr(actions, "block_product", stopping)
    with counted() as seen:
        runs.work_off(run.pk)
    took = [after - before for before, after in zip(at[FAILED + 1 : -2], at[FAILED + 2 : -1], strict=True)]
    assert max(took) == min(took) <= 12, "a row costs the same however many went before"
    run.refresh_from_db()
    assert (run.state, run.position, run.failed) == ("cancelled", STOP, FAILED) and RunFault.unscoped.filter(run=run).count() == FAILED
    with counted() as seen:
        report = text(page.get(reverse("job", args=[run.pk])))
    assert "Go on with the rest" in report and len(seen) <= MOST

    Product.unscoped.filter(pk__in=run.row_ids[:FAILED]).update(state=ProductState.ACTIVE)
    monkeypatch.setattr(actions, "block_product", block)
    with counted() as seen:
        page.post(reverse("job_retry", args=[run.pk]))
    again = Run.unscoped.latest("pk")
    assert again.row_ids == run.row_ids[:FAILED] + run.row_ids[STOP:] and len(seen) <= MOST  # not one that was done already
    runs.work_off(again.pk)
    again.refresh_from_db()
    assert (again.state, again.failed, again.position) == ("done", 0, todo - STOP + FAILED)
    assert not Product.unscoped.filter(state=ProductState.ACTIVE).exists()
