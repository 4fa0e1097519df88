"""Brands, successors and equivalents: actions, the question for orders, pages and API."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.import_runs import Told, begin_import, run_import, undo_import
from qudao.catalog import actions, queries
from qudao.catalog.models import Audience, Brand, Equivalent, Product, Succession
from qudao.catalog.rules import BrandDraft
from qudao.catalog.tests.make import make_product
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import sign_in

SYSTEM, ON, DAY = system_actor(), date(2026, 6, 15), timedelta(days=1)


def code_of(error):
    return error.value.faults[0].code


def make_brand(owner, code):
    return actions.register_brand(owner.pk, BrandDraft(code, f"品牌 {code}"), actor=SYSTEM)


def test_a_brand_is_registered_renamed_and_named_on_products(cast):
    brand = actions.register_brand(cast.lh.pk, BrandDraft("LH", "岚禾"), actor=cast.hq_admin)
    assert make_product(cast.lh, "P", brand_id=brand.pk, weight=Decimal("2.5")).brand_id == brand.pk
    for draft, code in ((BrandDraft("LH", "x"), "catalog.brand_taken"), (BrandDraft("", "x"), "catalog.brand_incomplete")):
        with pytest.raises(Invalid) as error:
            actions.register_brand(cast.lh.pk, draft, actor=SYSTEM)
        assert code_of(error) == code
    assert actions.change_brand(brand.pk, BrandDraft("LH", "岚禾", "Lanhe"), actor=cast.hq_admin).name_en == "Lanhe"
    with pytest.raises(Forbidden):
        actions.change_brand(brand.pk, BrandDraft("X", "x"), actor=cast.hq_clerk)
    with pytest.raises(Invalid) as error:
        make_product(cast.lh, "Q", brand_id=make_brand(cast.d001, "X").pk)
    assert code_of(error) == "catalog.brand_foreign"
    with pytest.raises(Invalid) as error:
        make_product(cast.lh, "Q", weight=Decimal(-1))
    assert code_of(error) == "catalog.size_wrong"


def test_the_successor_of_a_successor_counts_from_its_day(cast, django_assert_num_queries):
    a, b, c, d = (make_product(cast.lh, code).pk for code in "ABCD")
    actions.set_successor(a, b, ON, actor=cast.hq_admin)
    actions.set_successor(b, c, ON + 2 * DAY, actor=cast.hq_admin)
    actions.join_equivalents([a, d], actor=cast.hq_admin)
    with django_assert_num_queries(1):
        assert queries.unscoped_equivalents([a, b, d], ON) == {a: [b, d], d: [a]}
    assert queries.unscoped_equivalents([a], ON + 2 * DAY) == {a: [b, c, d]}
    assert queries.unscoped_equivalents([a], ON - DAY) == {a: [d]}
    actions.block_product(b, "old", actor=SYSTEM)
    assert queries.unscoped_equivalents([a], ON) == {a: [d]}  # active ones only
    with pytest.raises(Invalid) as error:
        actions.set_successor(c, a, ON, actor=SYSTEM)
    assert code_of(error) == "catalog.successor_loop"
    with pytest.raises(Invalid) as error:
        actions.set_successor(a, a, ON, actor=SYSTEM)
    assert code_of(error) == "catalog.successor_itself"
    with pytest.raises(Invalid) as error:
        actions.set_successor(a, make_product(cast.d001, "X").pk, ON, actor=SYSTEM)
    assert code_of(error) == "catalog.successor_foreign"
    actions.remove_successor(a, actor=cast.hq_admin)
    with pytest.raises(Refused) as error:
        actions.remove_successor(a, actor=SYSTEM)
    assert code_of(error) == "catalog.successor_none" and Succession.unscoped.count() == 1


def test_equivalents_are_symmetric_and_sets_become_one(cast):
    a, b, c, d = (make_product(cast.lh, code).pk for code in "ABCD")
    actions.join_equivalents([a, b], actor=cast.hq_admin)
    actions.join_equivalents([c, d], actor=cast.hq_admin)
    actions.join_equivalents([d, a], actor=cast.hq_admin)
    assert queries.unscoped_alike([a, d]) == {a: [b, c, d], d: [a, b, c]}
    actions.leave_equivalents(b, actor=cast.hq_admin)
    assert queries.unscoped_alike([a, b]) == {a: [c, d]}
    actions.leave_equivalents(c, actor=cast.hq_admin)
    actions.leave_equivalents(d, actor=cast.hq_admin)
    assert not Equivalent.unscoped.exists()  # nobody is equivalent alone
    with pytest.raises(Refused) as error:
        actions.leave_equivalents(a, actor=SYSTEM)
    assert code_of(error) == "catalog.equivalent_none"
    with pytest.raises(Invalid) as error:
        actions.join_equivalents([a, a], actor=SYSTEM)
    assert code_of(error) == "catalog.equivalent_few"
    foreign = make_product(cast.d001, "X").pk
    with pytest.raises(NotFound):
        actions.join_equivalents([a, foreign], actor=cast.hq_admin)
    with pytest.raises(Invalid) as error:
        actions.join_equivalents([a, foreign], actor=SYSTEM)
    assert code_of(error) == "catalog.successor_foreign"
    with pytest.raises(Forbidden):
        actions.set_successor(a, b, ON, actor=cast.hq_clerk)


def test_a_barcode_belongs_to_one_product_or_pack(cast):
    one, other = make_product(cast.lh, "A", gtin="6901234567892"), make_product(cast.lh, "B")
    actions.set_pack(one.pk, "箱", Decimal(6), gtin="16901234567899", actor=SYSTEM)
    actions.set_pack(one.pk, "箱", Decimal(8), gtin="16901234567899", actor=SYSTEM)  # its own
    for gtin in ("6901234567892", "16901234567899"):
        with pytest.raises(Invalid) as error:
            actions.set_pack(other.pk, "箱", Decimal(6), gtin=gtin, actor=SYSTEM)
        assert code_of(error) == "catalog.gtin_taken"


def test_replacements_on_pages_and_over_the_api(cast, client, django_assert_max_num_queries):
    a, b, c = (make_product(cast.lh, code) for code in ("PA", "PB", "PC"))
    hq = sign_in(client, cast.hq_admin)
    assert hq.post(reverse("brand_new"), {"code": "LH", "name": "岚禾"}).status_code == 302
    brand = Brand.unscoped.get()
    for address in (reverse("brands"), reverse("brand_new"), brand.get_absolute_url()):
        with django_assert_max_num_queries(15):
            assert hq.get(address).status_code == 200
    assert hq.post(reverse("brand_change", args=[brand.pk]), {"code": "LH", "name": "岚禾电器"}).status_code == 302
    to = {name: reverse(f"product_{name}", args=[a.pk]) for name in ("successor", "successor_removal", "equivalents", "equivalents_removal")}
    for address in to.values():
        assert hq.get(address).status_code == 200
    assert hq.post(to["successor"], {"product_code": "nope", "valid_from": "2026-01-01"}).status_code == 422
    assert hq.post(to["successor"], {"product_code": "PB", "valid_from": "2026-01-01"}).status_code == 302
    assert hq.post(to["equivalents"], {"product_code": "PC"}).status_code == 302
    with django_assert_max_num_queries(20):
        page = hq.get(a.get_absolute_url()).content.decode()
    assert "Replacements" in page and "PB" in page and "PC" in page and "Equivalent" in page
    assert f"brand={brand.pk}" and hq.get(f"{reverse('products')}?brand={brand.pk}").status_code == 200
    api, stranger = Api(cast.hq_admin), Api(cast.stranger_admin)
    at = f"/products/{a.pk}"
    assert api("get", f"{at}/replacements")[1] == {"successor_id": b.pk, "valid_from": "2026-01-01", "equivalent_ids": [c.pk]}
    assert stranger("get", f"{at}/replacements")[0] == 404
    assert api("put", f"{at}/successor", {"successor_id": c.pk, "valid_from": "2026-02-01"})[1]["successor_id"] == c.pk
    assert api("put", f"{at}/equivalents", {"product_ids": [b.pk]})[1]["equivalent_ids"] == [b.pk, c.pk]
    assert api("delete", f"{at}/equivalents")[1]["equivalent_ids"] == []
    assert api("delete", f"{at}/successor")[1]["successor_id"] is None
    status, made = api("post", "/brands", {"code": "B2", "name": "二"})
    assert status == 201 and api("put", f"/brands/{made['id']}", {"code": "B2", "name": "贰"})[1]["name"] == "贰"
    assert [one["code"] for one in api("get", "/brands")[1]] == ["B2", "LH"]
    Audience.unscoped.create(owner=cast.lh, viewer=cast.d001)
    assert "Name successor" not in sign_in(client, cast.dealer_admin).get(a.get_absolute_url()).content.decode()


def test_brand_weight_and_volume_come_from_a_file(cast, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    make_brand(cast.lh, "LH")
    make_product(cast.lh, "OLD")
    sheet = "商品编码,品名,品牌,重量,体积\nNEW,新品,LH,2.5,0.012\nOLD,,品牌 LH,3,\nBAD,坏,NONE,1,\n"
    begun = begin_import("catalog.products", ContentFile(sheet.encode(), "p.csv"), actor=cast.hq_admin)
    run = run_import(begun.pk, Told(skip_wrong=True), actor=cast.hq_admin)
    assert (run.made, run.changed) == (1, 1)
    found = {one.code: (one.brand and one.brand.code, one.weight, one.volume) for one in Product.unscoped.select_related("brand")}
    assert found == {"NEW": ("LH", Decimal("2.5"), Decimal("0.012")), "OLD": ("LH", Decimal(3), Decimal(0))}
    undo_import(run.pk, actor=cast.hq_admin)
    assert [(one.code, one.brand_id, one.weight) for one in Product.unscoped.all()] == [("OLD", None, Decimal(0))]
