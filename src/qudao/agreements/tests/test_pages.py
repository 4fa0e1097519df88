"""Pages of agreements."""

import pytest
from django.urls import reverse

from qudao.agreements import actions
from qudao.agreements.models import Agreement, Authorisation
from qudao.agreements.pages.terms import AgreementList
from qudao.agreements.tests.make import draft, make_agreement
from qudao.base.tests.edit_cell import edit
from qudao.base.tests.page_text import text
from qudao.catalog.tests.make import make_product
from qudao.kernel.errors import Forbidden, NotFound
from qudao.people.tests.make import sign_in

FORM = {"code": "A1", "currency": "CNY", "valid_from": "2026-01-01", "payment_days": "30", "invoice_on": "receipt", "tax_inclusive": "on"}


def test_an_agreement_lives_through_the_forms(client, cast):
    product = make_product(cast.lh, "P")
    hq = sign_in(client, cast.hq_admin)
    assert "Draft agreement" in text(hq.get(reverse("agreements")))
    assert "D001" in text(hq.get(reverse("agreement_new")))
    assert hq.post(reverse("agreement_new"), {**FORM, "partner": cast.d001.pk}).status_code == 302
    made = Agreement.unscoped.get()
    to = {name: reverse(f"agreement_{name}", args=[made.pk]) for name in ("change", "activation", "suspension", "end", "authorisation")}
    for address in to.values():
        assert text(hq.get(address))
    assert hq.post(to["change"], {**FORM, "payment_days": "60"}).status_code == 302
    bad = hq.post(to["authorisation"], {"product_code": "nope", "allowed": "1", "valid_from": "2026-01-01"})
    assert bad.status_code == 422 and "is not known here" in bad.content.decode()
    assert hq.post(to["authorisation"], {"product_code": "P", "allowed": "0", "valid_from": "2026-01-01"}).status_code == 302
    grant = Authorisation.unscoped.get()
    assert (grant.product_id, grant.allowed) == (product.pk, False)
    assert hq.post(to["activation"]).status_code == 302
    page = text(hq.get(made.get_absolute_url()))
    assert "Forbidden" in page and "60" in page and "Suspend" in page
    at = reverse("authorisation_withdrawal", args=[grant.pk])
    assert text(hq.get(at)) and hq.post(at, {"reason": "x"}).status_code == 302
    assert hq.post(to["suspension"], {"reason": ""}).status_code == 422
    assert hq.post(to["suspension"], {"reason": "overdue"}).status_code == 302
    assert hq.post(to["end"], {"reason": "exit"}).status_code == 302
    made.refresh_from_db()
    assert (made.state, made.payment_days) == ("ended", 60)


def test_the_buyer_reads_and_strangers_see_nothing(client, cast, django_assert_max_num_queries):
    made = make_agreement(cast.lh, cast.d001)
    dealer = sign_in(client, cast.dealer_admin)
    page = text(dealer.get(made.get_absolute_url()))
    assert "All products" in page and "Suspend" not in page and "Withdraw" not in page
    assert dealer.get(reverse("agreement_change", args=[made.pk])).status_code == 403
    assert dealer.post(reverse("agreement_end", args=[made.pk]), {"reason": "x"}).status_code == 403
    with django_assert_max_num_queries(14):
        assert made.code in text(dealer.get(reverse("agreements")))
    stranger = sign_in(client, cast.stranger_admin)
    assert stranger.get(made.get_absolute_url()).status_code == 404
    assert made.code not in text(stranger.get(reverse("agreements")))


def test_terms_of_a_draft_and_marks_of_an_agreement_are_changed_in_the_list(cast):
    written = draft(cast.lh, cast.d001, actor=cast.hq_admin)
    page = AgreementList
    assert edit(page, cast.hq_admin, written, "payment_days", "45").raw == "45"
    assert edit(page, cast.hq_admin, written, "valid_to", "2027-12-31").raw == "2027-12-31"
    assert edit(page, cast.hq_admin, written, "valid_to", "2025-12-31").status == 422
    assert edit(page, cast.hq_admin, written, "payment_days", "400").status == 422
    assert edit(page, cast.hq_admin, written, "valid_to", "").raw == ""
    actions.activate_agreement(written.pk, actor=cast.hq_admin)
    assert edit(page, cast.hq_admin, written, "channel", "online").raw == "online"
    assert edit(page, cast.hq_admin, written, "min_order", "500").raw == "500"
    with pytest.raises(NotFound):  # active terms stay
        edit(page, cast.hq_admin, written, "payment_days", "10")
    with pytest.raises(Forbidden):
        edit(page, cast.dealer_admin, written, "channel", "shops")
