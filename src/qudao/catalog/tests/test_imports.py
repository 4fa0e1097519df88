"""The import of products: the whole way of a file, on the pages and by the actions, and back again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from qudao.base import import_runs, importing, runs
from qudao.base.access import system_actor
from qudao.base.db import rows
from qudao.base.import_runs import Told, begin_import, discard_import, forget_imports, map_import, run_import, undo_import, undoing_of
from qudao.base.models import ImportedRow, ImportRun, Run, StoredFile
from qudao.base.tests.page_text import text
from qudao.catalog.actions import change_products, remove_products, set_pack
from qudao.catalog.imports import Products
from qudao.catalog.models import Pack, Product
from qudao.catalog.rules import ProductDraft
from qudao.catalog.tests.make import make_category, make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import sign_in

KIND = "catalog.products"
FILE = "货号,品名,税率,GTIN,颜色\nX-1,冰箱,13%,6901234567892,white\nX-2,风扇,0.13,,black\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def pages(client):
    """page(actor, name, *args, data=None) → response, as a signed-in person."""

    def page(actor, name, *args, data=None, **query):
        sign_in(client, actor)
        url = reverse(name, args=args)
        return client.get(url, query) if data is None else client.post(url, data)

    return page


def upload(text=FILE, name="products.csv"):
    return SimpleUploadedFile(name, text.encode(), "text/csv")


def begun(cast, text=FILE, actor=None):
    return begin_import(KIND, upload(text), actor=actor or cast.hq_admin)


def done(cast, text=FILE, actor=None, **told):
    return run_import(begun(cast, text, actor).pk, Told(**told), actor=actor or cast.hq_admin)


def names():
    return dict(Product.unscoped.order_by("code").values_list("code", "name"))


def test_a_file_goes_its_whole_way_on_the_pages(cast, pages):
    admin = cast.hq_admin
    assert "Products" in text(pages(admin, "imports")) and "Standing fan" in text(pages(admin, "import_new", KIND))
    begun = pages(admin, "import_new", KIND, data={"file": upload("Artikel,Benennung\nX-1,冰箱\nX-2,\n")})
    run = ImportRun.unscoped.get()
    assert begun.status_code == 302 and begun["Location"] == reverse("import", args=[run.pk])
    assert "No head of the file is read as “Code”" in text(pages(admin, "import", run.pk))
    refused = pages(admin, "import_mapping", run.pk, data={"head-0": "name", "head-1": "name"})
    assert "Two heads are read as “Name”" in text(refused, 422)
    assert pages(admin, "import_mapping", run.pk, data={"head-0": "code", "head-1": "name"}).status_code == 302
    shown = text(pages(admin, "import", run.pk))
    assert "A product needs a name" in shown and "Import 1 row, leave the wrong ones out" in shown and not names()
    assert pages(admin, "import_errors", run.pk).content[:2] == b"PK"
    refused = pages(admin, "import_commit", run.pk, data={})
    assert "Wrong: 1 row." in text(refused, 409) and not names()
    assert pages(admin, "import_commit", run.pk, data={"skip_wrong": "1"}).status_code == 302
    assert names() == {"X-1": "冰箱"}
    after = text(pages(admin, "import", run.pk))
    assert "It can be undone until" in after and "X-1 冰箱" in after
    assert b"".join(pages(admin, "import_file", run.pk).streaming_content).startswith(b"Artikel")
    assert "1 record goes back" in text(pages(admin, "import_undo", run.pk))
    assert pages(admin, "import_undo", run.pk, data={"client_id": ""}).status_code == 302
    assert not names() and "undid it on" in text(pages(admin, "import", run.pk))


def test_heads_that_a_person_explained_are_remembered_for_the_organisation(cast):
    first = begun(cast, "Artikel,Benennung\nX-1,冰箱\n")
    assert first.mapping == ["", ""] and not first.mapped
    map_import(first.pk, ["code", "name"], actor=cast.hq_admin)
    second = begun(cast, "ARTIKEL,Benennung\nX-2,风扇\n")
    assert second.mapping == ["code", "name"] and second.mapped
    assert begun(cast, "Artikel,Benennung\nX-2,风扇\n", cast.dealer_admin).mapping == ["", ""]


def test_the_same_file_that_waits_is_the_same_import_and_can_be_discarded(cast):
    run = begun(cast)
    assert begun(cast).pk == run.pk and ImportRun.unscoped.count() == 1
    discard_import(run.pk, actor=cast.hq_admin)
    assert not ImportRun.unscoped.exists() and not StoredFile.unscoped.exists()
    with pytest.raises(NotFound):
        discard_import(run.pk, actor=cast.hq_admin)
    with pytest.raises(Refused):
        discard_import(done(cast).pk, actor=cast.hq_admin)


def test_files_that_nobody_imported_are_forgotten_after_30_days(cast):
    old, kept = begun(cast), done(cast, FILE.replace("X-", "Y-"))
    ImportRun.unscoped.update(at=clock.now() - timedelta(days=31))
    forget_imports(actor=system_actor())
    assert list(ImportRun.unscoped.values_list("pk", flat=True)) == [kept.pk] and old.pk != kept.pk


def test_rows_are_new_changed_or_the_same(cast):
    make_category(cast.lh, "FAN")
    make_product(cast.lh, "X-1", name="冰箱", gtin="6901234567892")
    make_product(cast.lh, "X-3", name="水壶", unit="个", min_qty=Decimal(6))
    looked = import_runs.look(begun(cast, "code,name,category,min_qty\nX-1,冰箱,,\nX-2,风扇,类别 FAN,\nX-3,电水壶,,6\n"), cast.hq_admin)
    assert [(e.row, e.what) for e in looked.entries] == [(2, "same"), (3, "new"), (4, "changed")]
    assert looked.entries[2].changes == (("name", "水壶", "电水壶"),) and not looked.wrong
    run = done(cast, "code,name,category,min_qty\nX-1,冰箱,,\nX-2,风扇,FAN,\nX-3,电水壶,,6\n")
    assert (run.made, run.changed, run.same, run.rows) == (1, 1, 1, 3)
    assert names() == {"X-1": "冰箱", "X-2": "风扇", "X-3": "电水壶"} and Product.unscoped.get(code="X-3").unit == "个"
    with pytest.raises(Refused) as nothing:
        done(cast, "code,name\nX-1,冰箱\n")
    assert nothing.value.faults[0].code == "base.import_no_change"


def test_every_fault_is_named_by_row_and_column(cast):
    make_product(cast.lh, "OLD", gtin="6901234567892")
    bad = "code,name,tax_rate,gtin,category,min_qty\n,A,,,,\nB,B,200%,1,NONE,x\nC,C,,6901234567892,,-1\nD,D,,,,\nD,E,,,,\n"
    looked = import_runs.look(begun(cast, bad), cast.hq_admin)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "code", "base.import_empty"), (3, "tax_rate", "catalog.tax_rate_wrong"), (3, "gtin", "catalog.gtin_wrong"),
        (3, "category", "catalog.category_unknown"), (3, "min_qty", "base.import_number"), (4, "gtin", "catalog.gtin_taken"),
        (4, "min_qty", "catalog.min_qty_wrong"), (6, "code", "base.import_twice"),
    }  # fmt: skip
    assert looked.wrong_rows == 4 and [e.row for e in looked.entries] == [5]


def test_an_import_twice_is_one_and_an_undo_twice_is_one(cast):
    run = done(cast)
    assert run_import(run.pk, actor=cast.hq_admin).done_at == run.done_at and ImportedRow.unscoped.count() == 2
    undone = undo_import(run.pk, actor=cast.hq_admin)
    assert undone.state == ImportRun.State.UNDONE and not names() and not rows("SELECT FROM base_searchentry WHERE subject_kind = 'catalog.product'")
    assert undo_import(run.pk, actor=cast.hq_admin).undone_at == undone.undone_at
    assert done(cast).pk != run.pk and len(names()) == 2


def test_undo_gives_changed_products_what_they_had(cast):
    make_product(cast.lh, "X-1", name="冰柜", tax_rate=Decimal("0.09"))
    run = done(cast)
    product = Product.unscoped.get(code="X-1")
    assert (product.name, product.tax_rate, product.gtin) == ("冰箱", Decimal("0.13"), "06901234567892")
    change_products({product.pk: ProductDraft("X-1", "冰箱", "Fridge", product.unit, product.tax_rate, product.gtin)}, actor=cast.hq_admin)
    undo_import(run.pk, actor=cast.hq_admin)
    product.refresh_from_db()
    assert (product.name, product.name_en, product.tax_rate, product.gtin) == ("冰柜", "Fridge", Decimal("0.09"), "")
    assert list(names()) == ["X-1"]


def test_what_others_built_on_or_changed_stays_and_says_why(cast, pages):
    make_product(cast.lh, "X-0", name="水壶")
    run = done(cast, FILE + "X-0,电水壶,,,\n")
    fridge = Product.unscoped.get(code="X-1")
    set_pack(fridge.pk, "箱", Decimal(4), actor=cast.hq_admin)
    kettle = Product.unscoped.get(code="X-0")
    change_products({kettle.pk: ProductDraft("X-0", "茶壶", unit="台")}, actor=cast.hq_admin)
    undoing = undoing_of(run, cast.hq_admin)
    assert [t.label for t in undoing.free] == ["X-1 冰箱", "X-2 风扇"]
    assert [(t.label, fault.code) for t, fault in undoing.kept] == [("X-0 电水壶", "base.import_changed_since")]
    undone = undo_import(run.pk, actor=cast.hq_admin)
    assert undone.state == ImportRun.State.PARTLY and names() == {"X-0": "茶壶"} and not Pack.unscoped.exists()
    shown = text(pages(cast.hq_admin, "import", run.pk))
    assert "What stayed" in shown and "Somebody changed it after the import" in shown


def test_when_nothing_can_go_back_the_undo_is_refused_with_the_reason(cast):
    make_product(cast.lh, "X-1", name="冰柜")
    run = done(cast, "code,name\nX-1,冰箱\n")
    product = Product.unscoped.get(code="X-1")
    change_products({product.pk: ProductDraft("X-1", "大冰箱", unit="台")}, actor=cast.hq_admin)
    with pytest.raises(Refused) as refused:
        undo_import(run.pk, actor=cast.hq_admin)
    assert refused.value.faults[0].code == "base.import_changed_since"
    assert ImportRun.unscoped.get(pk=run.pk).state == ImportRun.State.DONE


def test_after_a_day_it_is_too_late(cast):
    run = done(cast)
    ImportRun.unscoped.filter(pk=run.pk).update(done_at=clock.now() - timedelta(hours=24, seconds=1))
    with pytest.raises(Refused) as late:
        undo_import(run.pk, actor=cast.hq_admin)
    assert late.value.faults[0].code == "base.import_too_late" and len(names()) == 2


def test_only_the_own_organisation_and_those_who_may_see_an_import(cast, pages):
    run = done(cast)
    assert pages(cast.dealer_admin, "import", run.pk).status_code == 404 and pages(cast.dealer_admin, "import_undo", run.pk).status_code == 404
    assert pages(cast.hq_warehouse, "import", run.pk).status_code == 404 and pages(cast.hq_warehouse, "import_new", KIND).status_code == 403
    assert pages(cast.dealer, "imports").status_code == 403
    assert "products.csv" not in text(pages(cast.hq_warehouse, "imports"))
    with pytest.raises(NotFound):
        undo_import(run.pk, actor=cast.dealer_admin)
    with pytest.raises(Forbidden):
        begin_import(KIND, upload(), actor=cast.hq_warehouse)
    with pytest.raises(NotFound):
        begin_import("catalog.unknown", upload(), actor=cast.hq_admin)


def test_a_template_has_the_readers_heads_and_an_example_that_is_left_out(cast, pages):
    made = pages(cast.hq_admin, "import_new", KIND, template="csv")
    assert made["Content-Disposition"].startswith("attachment") and made.content.decode("utf-8-sig").startswith("Code,Name,English name")
    begun = pages(cast.hq_admin, "import_new", KIND, data={"file": SimpleUploadedFile("t.csv", made.content)})
    assert begun.status_code == 302 and "no rows below its heads" in text(pages(cast.hq_admin, "import", ImportRun.unscoped.get().pk))
    assert pages(cast.hq_admin, "import_new", KIND, data={}).status_code == 422


def test_the_number_of_statements_does_not_grow_with_the_rows(cast, django_assert_max_num_queries):
    def of(number, name):
        return "code,name,gtin\n" + "".join(f"N-{n},{name} {n},\n" for n in range(number))

    make_product(cast.lh, "N-0")
    for number, run in ((40, begun(cast, of(40, "A"))), (400, begun(cast, of(400, "B")))):
        with django_assert_max_num_queries(30):
            run_import(run.pk, actor=cast.hq_admin)
        assert len(names()) == number
    with django_assert_max_num_queries(45):
        undo_import(ImportRun.unscoped.get(sha256=run.sha256).pk, actor=cast.hq_admin)
    assert len(names()) == 40


def test_many_products_are_changed_or_removed_all_or_none(cast):
    one, two = make_product(cast.lh, "A"), make_product(cast.lh, "B")
    with pytest.raises(Invalid) as wrong:
        change_products({one.pk: ProductDraft("A", "新"), two.pk: ProductDraft("C", "")}, actor=cast.hq_admin)
    assert {fault.field for fault in wrong.value.faults} == {f"rows.{two.pk}.name", f"rows.{two.pk}.code"}
    with pytest.raises(NotFound):
        change_products({one.pk: ProductDraft("A", "新")}, actor=cast.stranger_admin)
    with pytest.raises(NotFound):
        remove_products([one.pk], actor=cast.stranger_admin)
    remove_products([one.pk], actor=cast.hq_admin)
    assert list(names()) == ["B"]


# --- a long one ---


def test_a_long_file_is_a_job_that_does_the_same(cast, pages, monkeypatch):
    monkeypatch.setattr(Products, "most_at_once", 1)
    run = begun(cast)
    answer = pages(cast.hq_admin, "import_commit", run.pk, data={})
    job = Run.unscoped.get()
    assert answer.url == reverse("job", args=[job.pk]) and (job.total, job.state, names()) == (2, "waiting", {})
    assert "Import: products.csv" in text(pages(cast.hq_admin, "job", job.pk)) and "Import: products.csv" in text(pages(cast.hq_admin, "jobs"))
    runs.work_off(job.pk)
    job.refresh_from_db()
    run.refresh_from_db()
    assert (job.state, job.position, run.state, run.made) == ("done", 2, "done", 2)
    assert "Open the import" in text(pages(cast.hq_admin, "job", job.pk))


def test_a_long_file_with_wrong_rows_says_so_and_writes_nothing(cast, pages, monkeypatch):
    monkeypatch.setattr(Products, "most_at_once", 1)
    run = begun(cast, FILE + "X-3,,13%,,\n")
    pages(cast.hq_admin, "import_commit", run.pk, data={})
    job = Run.unscoped.get()
    runs.work_off(job.pk)
    job.refresh_from_db()
    assert (job.state, names()) == ("failed", {}) and "Wrong: 1 row." in text(pages(cast.hq_admin, "job", job.pk))


@pytest.mark.django_db(transaction=True)
def test_it_says_how_far_it_is_and_stops_as_a_whole(cast, pages, monkeypatch):
    monkeypatch.setattr(Products, "most_at_once", 1)
    monkeypatch.setattr(importing, "TOLD", 1)
    run = begun(cast)
    pages(cast.hq_admin, "import_commit", run.pk, data={})
    job = Run.unscoped.get()
    heard = []

    def ask(kind, row):
        heard.append(Run.unscoped.get(pk=job.pk).position)
        return judge(kind, row)

    judge = Products.entry
    monkeypatch.setattr(Products, "entry", ask)
    runs.work_off(job.pk)
    job.refresh_from_db()
    assert heard == [1, 2] and (job.state, job.position) == ("done", 2)
    other = begun(cast, FILE.replace("X-", "Y-"))
    pages(cast.hq_admin, "import_commit", other.pk, data={})
    job = Run.unscoped.latest("pk")
    Run.unscoped.filter(pk=job.pk).update(cancel_asked=True)
    runs.work_off(job.pk)
    job.refresh_from_db()
    assert (job.state, job.position, sorted(names())) == ("cancelled", 0, ["X-1", "X-2"])
