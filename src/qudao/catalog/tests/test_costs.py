"""What goods cost: who writes and reads it, by day, from a file and back."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction

from qudao.base import import_runs
from qudao.base.access import system_actor, visible
from qudao.base.action import unit
from qudao.base.import_runs import Told, begin_import, run_import, undo_import
from qudao.base.importing import kinds_of
from qudao.base.models import ActionLog
from qudao.catalog.actions import remove_costs, set_audience, set_cost, set_costs
from qudao.catalog.models import Cost
from qudao.catalog.queries import costs, unscoped_costs
from qudao.catalog.rules import CostDraft, Margin, margin
from qudao.catalog.tests.make import make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import cast

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)


@pytest.fixture
def people():
    return cast()


def test_the_cost_of_a_day_is_the_last_one_up_to_it(people, monkeypatch):
    product = make_product(people.lh, "A1")
    set_costs([CostDraft(product.pk, D("8.5"), DAY), CostDraft(product.pk, D("9.25"), DAY + timedelta(31))], actor=people.hq_admin)
    assert [unscoped_costs(people.lh.pk, [product.pk], DAY + timedelta(days)) for days in (-1, 0, 30, 31)] == [
        {},
        {product.pk: (D("8.5"), "CNY")},
        {product.pk: (D("8.5"), "CNY")},
        {product.pk: (D("9.25"), "CNY")},
    ]
    set_cost(CostDraft(product.pk, D("8.75"), DAY), actor=people.hq_admin)  # of the same day: overwritten
    assert Cost.unscoped.count() == 2 and unscoped_costs(people.lh.pk, [product.pk], DAY) == {product.pk: (D("8.75"), "CNY")}
    monkeypatch.setattr(clock, "today", lambda: DAY + timedelta(40))
    assert [c.amount for c in costs(people.hq_admin, now=True)] == [D("9.25")] and costs(people.hq_admin).count() == 2


def test_a_dealer_keeps_its_own_cost_of_its_sellers_product_and_reads_no_other(people):
    product = make_product(people.lh, "A1")
    set_cost(CostDraft(product.pk, D(8), DAY), actor=people.hq_admin)
    unit(lambda: set_audience([people.d001.pk], [(people.lh.pk, people.d001.pk)], actor=system_actor()))
    set_cost(CostDraft(product.pk, D(11), DAY), actor=people.dealer_admin)
    assert [c.amount for c in costs(people.dealer_admin)] == [D(11)] and [c.amount for c in costs(people.hq_admin)] == [D(8)]
    assert not costs(people.hq_clerk).exists() and not costs(people.dealer).exists()
    with pytest.raises(NotFound):
        remove_costs(Cost.unscoped.values_list("pk", flat=True), actor=people.dealer_admin)
    assert Cost.unscoped.count() == 2, "all or none"
    set_cost(CostDraft(product.pk, D("11.77"), DAY), actor=people.dealer_admin)
    remove_costs([Cost.unscoped.get(owner=people.d001).pk], actor=people.dealer_admin)
    log = [str(line.detail) for line in visible(people.hq_admin, ActionLog).filter(subject_kind="catalog.cost")]
    assert len(log) >= 3 and not any("11" in one for one in log), "the brand sees the whole log, not what its dealer pays"


def test_who_may_not_read_costs_writes_none(people):
    product = make_product(people.lh, "A1")
    blind = replace(people.hq_admin, fields=frozenset())
    for actor in (blind, people.hq_clerk):
        with pytest.raises(Forbidden):
            set_cost(CostDraft(product.pk, D(8), DAY), actor=actor)
    assert not Cost.unscoped.exists()


def test_who_may_not_read_costs_reads_them_in_no_import_either(people, settings, tmp_path):
    """With the verb but without the grant: neither the file, nor its dry run, nor what it changed."""
    settings.MEDIA_ROOT = str(tmp_path)
    product = make_product(people.lh, "A1")
    set_cost(CostDraft(product.pk, D("812.34"), DAY), actor=people.hq_admin)
    draft = begin_import("catalog.costs", ContentFile(b"product,amount,valid_from\nA1,901.23,2026-03-01\n", "costs.csv"), actor=people.hq_admin)
    blind = replace(people.hq_admin, fields=frozenset())
    for run in (draft, run_import(draft.pk, actor=people.hq_admin)):
        assert not import_runs.imports(blind).filter(pk=run.pk).exists() and import_runs.imports(people.hq_admin).filter(pk=run.pk).exists()
    with pytest.raises(Forbidden):
        import_runs.kind_of("catalog.costs", blind)
    with pytest.raises(Forbidden):
        begin_import("catalog.costs", ContentFile(b"product,amount,valid_from\nA1,1,2026-03-01\n", "costs.csv"), actor=blind)
    assert "catalog.costs" in kinds_of(people.hq_admin) and "catalog.costs" not in kinds_of(blind)


def test_all_faults_are_said_at_once_and_nothing_is_written(people):
    product = make_product(people.lh, "A1")
    with pytest.raises(Invalid) as wrong:
        set_costs([CostDraft(product.pk, D(-1), DAY), CostDraft(1, D(1), DAY), CostDraft(product.pk, D(2), DAY)], actor=people.hq_admin)
    assert sorted((f.code, f.field) for f in wrong.value.faults) == [
        ("catalog.cost_negative", "rows.0.amount"),
        ("catalog.product_unknown", "rows.1.product_id"),
    ]
    assert not Cost.unscoped.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        Cost.unscoped.create(owner=people.lh, product=product, amount=D(-1), currency="CNY", valid_from=DAY)


def test_a_file_of_costs_may_come_twice_and_is_taken_back(people, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    product = make_product(people.lh, "A1")
    set_cost(CostDraft(product.pk, D(8), DAY), actor=people.hq_admin)
    sheet = b"product,amount,valid_from\nA1,9,2026-03-01\nA1,10,2026-04-01\nZZ,1,2026-04-01\n"

    def bring():
        run = begin_import("catalog.costs", ContentFile(sheet, "costs.csv"), actor=people.hq_admin)
        return run_import(run.pk, Told(skip_wrong=True), actor=people.hq_admin)

    run = bring()
    with pytest.raises(Refused) as nothing:
        bring()
    assert [f.code for f in nothing.value.faults] == ["base.import_no_change"]
    assert sorted(Cost.unscoped.values_list("valid_from", "amount")) == [(DAY, D(9)), (date(2026, 4, 1), D(10))]
    undo_import(run.pk, actor=people.hq_admin)
    assert list(Cost.unscoped.values_list("valid_from", "amount")) == [(DAY, D(8))]


def test_a_margin_counts_the_lines_whose_cost_is_known():
    sold = [(1, D(3), D("30.00")), (2, D(2), D("50.00")), (3, D(1), D("9.00"))]
    found = margin(sold, {1: D("6.335"), 2: D("26")})
    assert found == Margin(D("80.00"), D("71.01"), 1)
    assert (found.profit, round(found.share, 4)) == (D("8.99"), D("0.1124"))
    assert margin([(3, D(1), D(9))], {}) == Margin(D(0), D(0), 1) and margin([], {}).share is None
