"""The import of prices: what is so already stays, another price begins on its day, and all of it goes back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs
from qudao.base.access import system_actor
from qudao.base.import_runs import Told, begin_import, run_import, undo_import, undoing_of
from qudao.base.models import ImportRun
from qudao.catalog.models import Product
from qudao.catalog.tests.make import make_product
from qudao.kernel.errors import Conflict, NotFound
from qudao.pricing.actions import load_prices, restore_prices
from qudao.pricing.models import Price
from qudao.pricing.rules import PriceDraft, Restored
from qudao.pricing.tests.make import make_list, make_price

D = Decimal
DAY = "2026-12-01"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def base(cast):
    """LH's list B with products P1 (100.00, from ten on 90.00) and P2 (200.00)."""
    found = make_list(cast.lh, "B", is_base=True)
    one, two = make_product(cast.lh, "P1"), make_product(cast.lh, "P2")
    make_price(found, one.pk, "100")
    make_price(found, one.pk, "90", "10")
    make_price(found, two.pk, "200")
    return found


def begun(actor, text):
    return begin_import("pricing.prices", SimpleUploadedFile("prices.csv", text.encode()), actor=actor)


def done(actor, text):
    return run_import(begun(actor, text).pk, actor=actor)


def prices(price_list):
    found = Price.unscoped.filter(list=price_list).order_by("product__code", "min_qty", "valid_from")
    return [(p.product.code, p.min_qty, p.amount, str(p.valid_from), str(p.valid_to or "")) for p in found.select_related("product")]


def test_prices_are_new_changed_or_the_same_and_go_back(cast, base, django_assert_max_num_queries):
    make_product(cast.lh, "P3")
    before = prices(base)
    text = f"价目表,商品编码,单价,起订量,生效日期\nB,P1,100,,{DAY}\nB,P1,85,10,{DAY}\nB,P2,210,,{DAY}\nB,P3,30,,{DAY}\n"
    looked = import_runs.look(begun(cast.hq_admin, text), cast.hq_admin)
    assert [(e.row, e.what) for e in looked.entries] == [(2, "same"), (3, "changed"), (4, "changed"), (5, "new")]
    with django_assert_max_num_queries(45):
        run = done(cast.hq_admin, text)
    assert ("P2", 0, 200, "2026-01-01", "2026-11-30") in prices(base) and ("P3", 0, 30, DAY, "") in prices(base) and len(prices(base)) == 6
    undo_import(run.pk, actor=cast.hq_admin)
    assert prices(base) == before


def test_a_price_overwritten_on_its_day_gets_its_amount_back(cast, base):
    run = done(cast.hq_admin, "list,product,amount,valid_from,valid_to\nB,P2,150,2026-01-01,2026-03-31\n")
    assert [p[2:] for p in prices(base) if p[0] == "P2"] == [(150, "2026-01-01", "2026-03-31"), (200, "2026-04-01", "")]
    undo_import(run.pk, actor=cast.hq_admin)
    assert [p[2:] for p in prices(base) if p[0] == "P2"] == [(200, "2026-01-01", "")]


def test_a_price_that_somebody_set_since_stays(cast, base):
    run = done(cast.hq_admin, f"list,product,amount,valid_from\nB,P1,101,{DAY}\nB,P2,210,{DAY}\n")
    make_price(base, Product.unscoped.get(code="P1").pk, "120", since=date(2026, 12, 5))
    undoing = undoing_of(run, cast.hq_admin)
    assert [t.label for t in undoing.free] == ["B P2"] and [fault.code for _t, fault in undoing.kept] == ["base.import_changed_since"]
    assert undo_import(run.pk, actor=cast.hq_admin).state == ImportRun.State.PARTLY
    assert [p[2] for p in prices(base) if p[:2] == ("P1", 0)] == [100, 101, 120] and [p[2] for p in prices(base) if p[0] == "P2"] == [200]


def test_wrong_rows_are_named_and_foreign_lists_are_none(cast, base):
    make_list(cast.d002, "X")
    text = f"list,product,amount,min_qty,valid_from,valid_to\nX,P1,1,,,\nB,NONE,1,,,\nB,P1,0,-1,{DAY},2026-11-01\nB,P2,dear,,,\nB,P1,5,10,,\nB,P1,6,10.0,,\n"
    looked = import_runs.look(begun(cast.hq_admin, text), cast.hq_admin)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "list", "pricing.list_unknown"), (3, "product", "pricing.product_unknown"), (4, "amount", "pricing.amount_wrong"),
        (4, "min_qty", "pricing.min_qty_wrong"), (4, "valid_to", "pricing.span_wrong"), (5, "amount", "base.import_number"), (7, "list", "base.import_twice"),
    }  # fmt: skip
    with pytest.raises(NotFound):
        undo_import(done(cast.hq_admin, f"list,product,amount,valid_from\nB,P2,1,{DAY}\n").pk, actor=cast.stranger_admin)


def test_products_with_prices_stay_when_their_import_is_undone(cast, base):
    file = SimpleUploadedFile("p.csv", "code,name\nN1,风扇\nN2,水壶\n".encode())
    run = run_import(begin_import("catalog.products", file, actor=cast.hq_admin).pk, Told(), actor=cast.hq_admin)
    done(cast.hq_admin, f"list,product,amount,valid_from\nB,N1,5,{DAY}\n")
    undoing = undoing_of(run, cast.hq_admin)
    assert [(t.label, fault.params["where"]) for t, fault in undoing.kept] == [("N1 风扇", str(apps.get_app_config("pricing").verbose_name))]
    undo_import(run.pk, actor=cast.hq_admin)
    assert set(Product.unscoped.values_list("code", flat=True)) == {"P1", "P2", "N1"}


def test_prices_go_back_only_when_they_are_what_the_caller_thinks(cast, base):
    product, since = Product.unscoped.get(code="P2"), date(2026, 11, 30)
    ((before, after),) = load_prices(base.pk, [PriceDraft(product.pk, D(210), date(2026, 12, 1))], actor=system_actor())
    with pytest.raises(Conflict):
        restore_prices(base.pk, since, [Restored(product.pk, D(0), before, before)], actor=system_actor())
    restore_prices(base.pk, since, [Restored(product.pk, D(0), after, before)], actor=system_actor())
    assert [p[2:] for p in prices(base) if p[0] == "P2"] == [(200, "2026-01-01", "")]
