"""The smallest order of an agreement: set while the two trade, by page, API and file; by nobody but the seller."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.agreements import actions
from qudao.agreements.models import Agreement
from qudao.agreements.queries import unscoped_terms_of
from qudao.agreements.tests.make import make_agreement
from qudao.approvals.tests.make import Api
from qudao.base.import_runs import begin_import, look, run_import, undo_import
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


def least(agreement):
    return Agreement.unscoped.get(pk=agreement.pk).min_order


def test_the_seller_sets_it_while_the_two_trade(cast):
    agreement = make_agreement(cast.lh, cast.d001)
    assert actions.set_min_order(agreement.pk, D("500.50"), actor=cast.hq_admin).min_order == D("500.50")
    terms = unscoped_terms_of([agreement.pk])[agreement.pk]
    assert (terms.min_order, terms.lacks(D(500)), terms.lacks(D("500.50"))) == (D("500.50"), D("0.50"), 0)
    for wrong in (D(-1), D("0.001"), D("NaN"), D(10) ** 10):
        with pytest.raises(Invalid) as refusal:
            actions.set_min_order(agreement.pk, wrong, actor=cast.hq_admin)
        assert refusal.value.faults[0].field == "min_order"
    with pytest.raises((Forbidden, NotFound)):
        actions.set_min_order(agreement.pk, D(1), actor=cast.dealer_admin)
    with pytest.raises(IntegrityError, match="agreements_agreement_min_order_not_negative"), transaction.atomic():
        Agreement.unscoped.filter(pk=agreement.pk).update(min_order=-1)
    actions.end_agreement(agreement.pk, "exit", actor=cast.hq_admin)
    with pytest.raises(Refused):
        actions.set_min_order(agreement.pk, D(1), actor=cast.hq_admin)


def test_it_is_set_on_its_page_and_by_api(client, cast):
    agreement = make_agreement(cast.lh, cast.d001)
    hq, at = sign_in(client, cast.hq_admin), reverse("agreement_minimum", args=[agreement.pk])
    assert hq.get(at).status_code == 200 and hq.post(at, {"min_order": "-3"}).status_code == 422
    assert hq.post(at, {"min_order": "800"}).status_code == 302 and least(agreement) == 800
    assert "¥800.00" in hq.get(agreement.get_absolute_url()).content.decode()
    made = hq.post(reverse("agreement_new"), {"partner": cast.d002.pk, "code": "N", "currency": "CNY", "valid_from": "2026-01-01", "payment_days": 30,
                                              "invoice_on": "receipt", "min_order": "250"})  # fmt: skip
    assert made.status_code == 302 and Agreement.unscoped.get(code="N").min_order == 250
    api, path = Api(cast.hq_admin), f"/agreements/{agreement.pk}"
    assert D(api("put", f"{path}/minimum", {"min_order": "900"})[1]["min_order"]) == 900
    assert D(api("get", path)[1]["min_order"]) == 900
    assert api("put", f"{path}/minimum", {"min_order": "-1"})[0] == 422
    assert Api(cast.dealer_admin)("put", f"{path}/minimum", {"min_order": "0"})[0] in (403, 404) and least(agreement) == 900


def test_a_file_sets_it_also_where_the_two_trade_and_takes_it_back(cast, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    actor, agreement = cast.hq_admin, make_agreement(cast.lh, cast.d001, code="A1")
    actions.set_min_order(agreement.pk, D(100), actor=actor)

    def begun(text):
        return begin_import("agreements.terms", SimpleUploadedFile("terms.csv", text.encode()), actor=actor)

    head = "buyer,code,from,invoice on,days of payment"
    row = f"D001,A1,{agreement.valid_from},,{agreement.payment_days}"
    assert look(begun(f"{head}\n{row}\n"), actor).count("same") == 1, "an empty or missing cell leaves it"
    run = run_import(begun(f"{head},起订金额\n{row},750\nD002,B1,2026-01-01,,30,60\n").pk, actor=actor)
    assert (run.made, run.changed, least(agreement), Agreement.unscoped.get(code="B1").min_order) == (1, 1, D(750), D(60))
    seen = look(begun(f"{head},起订金额\n{row.replace(f',{agreement.payment_days}', ',7')},760\n"), actor)
    assert [one.column for one in seen.wrong] == ["payment_days"], "the other terms are fixed"
    undo_import(run.pk, actor=actor)
    assert least(agreement) == 100 and Agreement.unscoped.get(code="B1").state == "ended"
