"""Tax classes with rates by date."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.import_runs import Told, begin_import, run_import
from qudao.catalog import actions, jobs, queries
from qudao.catalog.models import Product, TaxClass, TaxRate
from qudao.catalog.rules import ProductDraft, TaxClassDraft
from qudao.catalog.tests.make import make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, Refused
from qudao.kernel.money import net_and_tax
from qudao.people.tests.make import sign_in

SYSTEM, DAY = system_actor(), timedelta(days=1)


def classes(cast):
    actions.adopt_vat(cast.lh.pk, actor=SYSTEM)
    return {one.code: one.pk for one in TaxClass.unscoped.all()}


def rate_of(product):
    return queries.unscoped_cards([product.pk])[product.pk].tax_rate


def test_the_usual_classes_are_adopted_once(cast):
    assert len(actions.adopt_vat(cast.lh.pk, actor=cast.hq_admin)) == 5 and not actions.adopt_vat(cast.lh.pk, actor=cast.hq_admin)
    told = {one.code: (str(one.today), one.exempt) for one in queries.tax_classes(cast.hq_clerk)}
    assert told == {"VAT13": ("0.1300", False), "VAT9": ("0.0900", False), "VAT6": ("0.0600", False), "VAT0": ("0.0000", False), "EXEMPT": ("0.0000", True)}
    with pytest.raises(Forbidden):
        actions.adopt_vat(cast.lh.pk, actor=cast.hq_clerk)


def test_a_product_is_taxed_as_its_class_and_documents_see_it_to_the_day(cast):
    known = classes(cast)
    product = make_product(cast.lh, "P", tax_class_id=known["VAT13"], tax_rate=Decimal("0.5"))
    assert product.tax_rate == rate_of(product) == Decimal("0.13")
    # the worked example of the domain: 2 850.99 with 13 % in it
    assert net_and_tax(Decimal("2850.99"), rate_of(product), inclusive=True) == (Decimal("2523.00"), Decimal("327.99"), Decimal("2850.99"))
    today = clock.today()
    actions.set_tax_rate(known["VAT13"], Decimal("0.12"), today + DAY, actor=cast.hq_admin)
    assert rate_of(product) == Decimal("0.13")
    actions.set_tax_rate(known["VAT13"], Decimal("0.11"), today, actor=cast.hq_admin)
    product.refresh_from_db()
    assert product.tax_rate == rate_of(product) == Decimal("0.11")
    TaxRate.unscoped.filter(rate=Decimal("0.12")).update(valid_from=today - DAY)
    TaxRate.unscoped.filter(rate=Decimal("0.11")).delete()
    assert rate_of(product) == Decimal("0.12")  # though the job of the night has not run
    jobs.follow_tax_rates(0)
    product.refresh_from_db()
    assert product.tax_rate == Decimal("0.12") and actions.follow_tax_rates(actor=SYSTEM) == 0
    changed = actions.change_product(product.pk, ProductDraft("P", "产品", tax_rate=Decimal("0.06")), actor=cast.hq_admin)
    assert changed.tax_class_id is None and rate_of(product) == Decimal("0.06")
    both = actions.change_products({product.pk: ProductDraft("P", "产品", tax_class_id=known["EXEMPT"])}, actor=cast.hq_admin)
    assert "tax_class_id" in both[product.pk] and rate_of(product) == 0


def test_a_class_is_refused_where_it_makes_no_sense(cast):
    known, today = classes(cast), clock.today()
    with pytest.raises(Refused) as error:
        actions.set_tax_rate(known["EXEMPT"], Decimal("0.1"), today, actor=SYSTEM)
    assert error.value.faults[0].code == "catalog.tax_exempt"
    for draft, code in (
        (TaxClassDraft("VAT13", "x", "", Decimal(0), today), "catalog.tax_class_taken"),
        (TaxClassDraft("", "x", "", Decimal(0), today), "catalog.tax_class_incomplete"),
        (TaxClassDraft("X", "x", "", Decimal(1), today), "catalog.tax_rate_wrong"),
        (TaxClassDraft("X", "x", "", Decimal("0.1"), today, exempt=True), "catalog.tax_exempt"),
    ):
        with pytest.raises(Invalid) as error:
            actions.register_tax_class(cast.lh.pk, draft, actor=SYSTEM)
        assert error.value.faults[0].code == code
    with pytest.raises(Invalid) as error:
        make_product(cast.d001, "X", tax_class_id=known["VAT13"])
    assert error.value.faults[0].code == "catalog.tax_class_foreign"


def test_tax_classes_on_pages_over_the_api_and_from_a_file(cast, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    hq = sign_in(client, cast.hq_admin)
    assert hq.post(reverse("tax_class_usual")).status_code == 302
    form = {"code": "LUX", "name": "消费税", "rate": "0.2", "valid_from": "2026-01-01"}
    assert hq.post(reverse("tax_class_new"), form | {"code": ""}).status_code == 422 and hq.post(reverse("tax_class_new"), form).status_code == 302
    made = TaxClass.unscoped.get(code="LUX")
    for address in (reverse("tax_classes"), reverse("tax_class_new"), reverse("tax_class_usual"), made.get_absolute_url(), reverse("product_new")):
        assert hq.get(address).status_code == 200
    assert hq.post(reverse("tax_class_rate", args=[made.pk]), {"rate": "0.3", "valid_from": "2026-02-01"}).status_code == 302
    assert "30 %" in hq.get(reverse("tax_classes")).content.decode()
    api = Api(cast.hq_admin)
    status, told = api("post", f"/tax-classes/{made.pk}/rates", {"rate": "0.25", "valid_from": "2026-03-01"})
    assert (status, told["today"]) == (201, "0.2500") and len(api("get", "/tax-classes")[1]) == 6
    assert api("post", "/tax-classes", {"code": "Y", "name": "y", "rate": "0.1", "valid_from": "2026-03-01"})[0] == 201
    assert Api(cast.stranger_admin)("post", f"/tax-classes/{made.pk}/rates", {"rate": "0.25", "valid_from": "2026-03-01"})[0] in (403, 404)
    sheet = "商品编码,品名,税类\nA,甲,LUX\nB,乙,NONE\n"
    begun = begin_import("catalog.products", ContentFile(sheet.encode(), "p.csv"), actor=cast.hq_admin)
    run_import(begun.pk, Told(skip_wrong=True), actor=cast.hq_admin)
    assert [(one.code, one.tax_rate, one.tax_class_id) for one in Product.unscoped.all()] == [("A", Decimal("0.25"), made.pk)]
    assert api("get", f"/products/{Product.unscoped.get().pk}")[1]["tax_class_id"] == made.pk
