"""Packs, brands, tax classes and replacements from files: there and back, every fault at its cell, and undone where it can be."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from qudao.approvals.tests.make import Api
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import
from qudao.base.tests.brought_back import brought_back, same_again
from qudao.base.tests.page_text import text
from qudao.catalog import actions, queries
from qudao.catalog.actions import adopt_vat, join_equivalents, leave_equivalents, remove_packs, set_pack, set_packs, set_successor, set_tax_rate
from qudao.catalog.models import Brand, Equivalent, Pack, Product, Succession, TaxClass, TaxRate
from qudao.catalog.rules import BrandDraft, PackDraft
from qudao.catalog.tests.make import make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import sign_in


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def three(cast):
    return [make_product(cast.lh, code, gtin=gtin) for code, gtin in (("A", "6901234567892"), ("B", ""), ("C", ""))]


def begun(cast, kind, content, actor=None):
    return begin_import(kind, SimpleUploadedFile("f.csv", content.encode()), actor=actor or cast.hq_admin)


def done(cast, kind, content):
    return run_import(begun(cast, kind, content).pk, actor=cast.hq_admin)


def faults(cast, kind, content):
    return {(one.row, one.column, one.fault.code) for one in import_runs.look(begun(cast, kind, content), cast.hq_admin).wrong}


# --- packs ---


def packs():
    return {(one.product.code, one.name): (one.factor, one.gtin) for one in Pack.unscoped.select_related("product")}


def test_packs_come_from_a_file_and_go_back(cast, three):
    set_pack(three[0].pk, "箱", Decimal(6), name_en="box", gtin="16901234567899", actor=cast.hq_admin)
    same_again("catalog.packs", cast.hq_admin, 1)
    before = packs()
    run = done(cast, "catalog.packs", "Product,Name of the pack,Base units in one,Barcode\nA,箱,12,\nB,托,480,\nB,盒,4,\n")
    assert (run.made, run.changed) == (2, 1)
    assert packs() == {("A", "箱"): (12, "16901234567899"), ("B", "托"): (480, ""), ("B", "盒"): (4, "")}
    undo_import(run.pk, actor=cast.hq_admin)
    assert packs() == before and Pack.unscoped.get().name_en == "box"


def test_a_changed_cell_of_the_file_of_packs_is_one_change(cast, three):
    set_pack(three[0].pk, "箱", Decimal(6), actor=cast.hq_admin)
    set_pack(three[1].pk, "箱", Decimal(8), actor=cast.hq_admin)
    looked = brought_back("catalog.packs", cast.hq_admin, change=lambda lines: lines[1].__setitem__(3, 10))
    assert [(e.what, e.changes) for e in looked.entries] == [("same", ()), ("changed", (("factor", Decimal(8), Decimal(10)),))]


def test_every_fault_of_packs_is_at_its_cell(cast, three):
    set_pack(three[1].pk, "箱", Decimal(8), gtin="16901234567899", actor=cast.hq_admin)
    head = "Product,Name of the pack,Base units in one,Barcode\n"
    assert faults(cast, "catalog.packs", f"{head}NO,箱,1,\nA,,1,\nA,箱,,\nA,盒,0,1\nA,托,1,16901234567899\nC,箱,1,6901234567892\nC,盒,x,\nC,盒,2,\n") == {
        (2, "product", "catalog.product_unknown"), (3, "name", "base.import_empty"), (4, "factor", "base.import_empty"), (5, "factor", "catalog.factor_wrong"),
        (5, "gtin", "catalog.gtin_wrong"), (6, "gtin", "catalog.gtin_taken"), (7, "gtin", "catalog.gtin_taken"), (8, "factor", "base.import_number"),
        (9, "product", "base.import_twice"),
    }  # fmt: skip


def test_many_packs_are_set_or_removed_all_or_none(cast, three, django_assert_max_num_queries):
    a, b, _c = (one.pk for one in three)
    with pytest.raises(Invalid) as wrong:
        set_packs([PackDraft(a, "箱", Decimal(6), gtin="16901234567899"), PackDraft(b, "箱", Decimal(0), gtin="16901234567899")], actor=cast.hq_admin)
    assert {fault.field for fault in wrong.value.faults} == {"rows.1.factor", "rows.1.gtin"} and not packs()
    with pytest.raises(NotFound):
        set_packs([PackDraft(a, "箱", Decimal(6))], actor=cast.stranger_admin)
    with pytest.raises(Forbidden):
        set_packs([PackDraft(a, "箱", Decimal(6))], actor=cast.hq_clerk)
    with django_assert_max_num_queries(14):
        made = set_packs([PackDraft(pk, f"P{n}", Decimal(n + 1)) for pk in (a, b) for n in range(20)], actor=cast.hq_admin)
    assert len(packs()) == 40
    with pytest.raises(NotFound):
        remove_packs([made[0].pk], actor=cast.stranger_admin)
    remove_packs([one.pk for one in made], actor=cast.hq_admin)
    assert not packs()


# --- brands ---


def test_brands_come_from_a_file_and_go_back(cast):
    actions.register_brand(cast.lh.pk, BrandDraft("LH", "岚禾", "Lanhe"), actor=cast.hq_admin)
    same_again("catalog.brands", cast.hq_admin, 1)
    run = done(cast, "catalog.brands", "Code,Name,English name\nLH,岚禾电器,\nNEW,新牌,New\n")
    assert (run.made, run.changed) == (1, 1)
    assert {one.code: (one.name, one.name_en) for one in Brand.unscoped.all()} == {"LH": ("岚禾电器", "Lanhe"), "NEW": ("新牌", "New")}
    undo_import(run.pk, actor=cast.hq_admin)
    assert {one.code: one.name for one in Brand.unscoped.all()} == {"LH": "岚禾"}
    assert faults(cast, "catalog.brands", "Code,Name\n,X\nQ,\nR,R\nR,R\n") == {
        (2, "code", "base.import_empty"), (3, "name", "catalog.brand_incomplete"), (5, "code", "base.import_twice"),
    }  # fmt: skip


def test_a_brand_is_removed_while_nothing_has_it(cast, client):
    kept, gone = (actions.register_brand(cast.lh.pk, BrandDraft(code, code), actor=cast.hq_admin) for code in ("KEPT", "GONE"))
    third = actions.register_brand(cast.lh.pk, BrandDraft("THIRD", "THIRD"), actor=cast.hq_admin)
    make_product(cast.lh, "A", brand_id=kept.pk)
    hq = sign_in(client, cast.hq_admin)
    shown = text(hq.get(kept.get_absolute_url()))
    assert "KEPT" in shown and reverse("brand_removal", args=[kept.pk]) in shown
    assert "disappears" in text(hq.get(reverse("brand_removal", args=[gone.pk])))
    assert hq.post(reverse("brand_removal", args=[gone.pk])).status_code == 302
    assert "is still used: Products" in text(hq.post(reverse("brand_removal", args=[kept.pk])), 409)
    with pytest.raises(Refused):
        actions.remove_brand(kept.pk, actor=cast.hq_admin)
    assert Api(cast.hq_admin)("delete", f"/brands/{third.pk}")[1]["code"] == "THIRD"
    assert [one.code for one in Brand.unscoped.all()] == ["KEPT"]


# --- tax classes ---


def test_tax_classes_come_from_a_file_with_their_rates_by_day(cast):
    adopt_vat(cast.lh.pk, actor=cast.hq_admin)
    vat = TaxClass.unscoped.get(code="VAT13")
    set_tax_rate(vat.pk, Decimal("0.12"), date(2030, 1, 1), actor=cast.hq_admin)
    same_again("catalog.tax_classes", cast.hq_admin, 6)
    content = "Code,Name,Exempt,Tax rate,From\nVAT13,增值税,,13%,2029-01-01\nVAT13,,,0.11,2030-01-01\n"
    content += "NEW,新税,否,3%,2026-01-01\nNEW,,,5%,2027-01-01\nFREE,免,是,0,2026-01-01\n"
    run = done(cast, "catalog.tax_classes", content)
    assert (run.made, run.changed) == (4, 1)
    rates = {(one.tax_class.code, str(one.valid_from)): one.rate for one in TaxRate.unscoped.select_related("tax_class")}
    assert rates["VAT13", "2030-01-01"] == Decimal("0.11") and rates["NEW", "2027-01-01"] == Decimal("0.05") and rates["FREE", "2026-01-01"] == 0
    assert TaxClass.unscoped.get(pk=vat.pk).name == "增值税" and TaxClass.unscoped.get(code="FREE").exempt
    same_again("catalog.tax_classes", cast.hq_admin, 10)


def test_every_fault_of_tax_classes_is_at_its_cell(cast):
    adopt_vat(cast.lh.pk, actor=cast.hq_admin)
    content = "Code,Name,Exempt,Tax rate,From\n,X,,0.1,2026-01-01\nN,,,0.1,2026-01-01\nVAT13,,,2,2026-01-01\n"
    content += "VAT13,,yes,0.1,2026-02-01\nEXEMPT,,,0.1,2026-01-01\nVAT9,,,x,2026\n"
    assert faults(cast, "catalog.tax_classes", content) == {
        (2, "code", "base.import_empty"), (3, "name", "catalog.tax_class_incomplete"), (4, "rate", "catalog.tax_rate_wrong"),
        (5, "exempt", "catalog.tax_exempt_stays"), (6, "rate", "catalog.tax_exempt"), (7, "rate", "base.import_number"),
        (7, "valid_from", "base.import_day"),
    }  # fmt: skip


def test_a_tax_class_is_renamed_and_shows_its_rates(cast, client):
    adopt_vat(cast.lh.pk, actor=cast.hq_admin)
    vat = TaxClass.unscoped.get(code="VAT13")
    set_tax_rate(vat.pk, Decimal("0.12"), date(2050, 1, 1), actor=cast.hq_admin)
    hq = sign_in(client, cast.hq_admin)
    shown = text(hq.get(vat.get_absolute_url()))
    assert "12 %" in shown and "not yet" in shown and "13 %" in shown
    url = reverse("tax_class_change", args=[vat.pk])
    assert text(hq.get(url))
    assert hq.post(url, {"code": "V13", "name": "增值税"}).status_code == 302
    assert "Another tax class has the code VAT9" in text(hq.post(url, {"code": "VAT9", "name": "x"}), 422)
    with pytest.raises(Invalid):
        actions.change_tax_class(vat.pk, BrandDraft("", ""), actor=cast.hq_admin)
    api = Api(cast.hq_admin)
    assert api("put", f"/tax-classes/{vat.pk}", {"code": "V13", "name": "增值税", "name_en": "VAT"})[1]["name_en"] == "VAT"
    assert [one["rate"] for one in api("get", f"/tax-classes/{vat.pk}")[1]["rates"]] == ["0.1300", "0.1200"]


# --- replacements ---


def test_replacements_come_from_a_file(cast, three):
    a, b, c = (one.pk for one in three)
    set_successor(a, b, date(2026, 5, 1), actor=cast.hq_admin)
    join_equivalents([b, c], actor=cast.hq_admin)
    same_again("catalog.replacements", cast.hq_admin, 3)
    run = done(cast, "catalog.replacements", 'Product,Successor,From,Equivalents\nA,C,,"B"\nB,,,\nC,/,,\n')
    assert (run.made, run.changed, run.same) == (0, 1, 2)
    assert [(one.product_id, one.successor_id, one.valid_from) for one in Succession.unscoped.all()] == [(a, c, clock.today())]
    assert queries.unscoped_alike([a]) == {a: [b, c]}
    done(cast, "catalog.replacements", "Product,Successor,Equivalents\nA,/,/\n")
    assert not Succession.unscoped.exists() and queries.unscoped_alike([a, b]) == {b: [c]}


def test_every_fault_of_replacements_is_at_its_cell(cast, three):
    set_successor(three[0].pk, three[1].pk, date(2026, 5, 1), actor=cast.hq_admin)
    content = 'Product,Successor,From,Equivalents\nNO,,,\nA,NO,,\nB,A,,\nC,C,,"A, NO"\n'
    assert faults(cast, "catalog.replacements", content) == {
        (2, "product", "catalog.product_unknown"), (3, "successor", "catalog.product_unknown"), (4, "successor", "catalog.successor_loop"),
        (5, "equivalents", "catalog.product_unknown"),
    }  # fmt: skip
    assert faults(cast, "catalog.replacements", "Product,Successor\nC,C\n") == {(2, "successor", "catalog.successor_itself")}


def test_a_product_that_left_a_set_makes_a_set_of_its_own(cast, three):
    a, b, c = (one.pk for one in three)
    d = make_product(cast.lh, "D").pk
    join_equivalents([a, b, c], actor=cast.hq_admin)
    leave_equivalents(a, actor=cast.hq_admin)
    join_equivalents([a, d], actor=cast.hq_admin)
    assert queries.unscoped_alike([a, b]) == {a: [d], b: [c]} and Equivalent.unscoped.count() == 4


def test_only_who_keeps_the_catalogue_brings_files(cast):
    with pytest.raises(Forbidden):
        begun(cast, "catalog.packs", "Product,Name of the pack\nA,箱\n", cast.hq_warehouse)
    assert not Product.unscoped.exists()
