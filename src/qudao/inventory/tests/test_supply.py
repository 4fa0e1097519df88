"""The page of what supplies an agreement: on the agreement's page, changed by its seller only."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.base.tests.page_text import text
from qudao.inventory.actions import register_place
from qudao.inventory.models import Place, SupplyPlace
from qudao.inventory.states import LEAD_DAYS
from qudao.inventory.tests.make import make_places
from qudao.people.tests.make import cast as make_cast
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


def test_a_seller_sees_and_chooses_what_supplies_an_agreement(client, db):
    cast = make_cast()
    make_places(cast.lh)
    make_places(cast.d001)
    agreement = make_agreement(cast.lh, cast.d001)
    south = register_place("SOUTH", "Guangzhou", actor=cast.hq_warehouse)
    page, url = reverse("agreement", args=[agreement.pk]), reverse("agreement_supply", args=[agreement.pk])
    sign_in(client, cast.hq_admin)
    assert "MAIN" in text(client.get(page)) and f"{LEAD_DAYS} working day" in text(client.get(page)) and url in text(client.get(page))
    terms = {"short": "backorder", "priority": 7, "surcharge": "12.5", "keeps_days": 30, "keeps_percent": 50, "receipt_days": 3}
    assert client.post(url, {"place": south.pk, "lead_days": 5, "shows": "exact", **terms}).status_code == 302
    found = SupplyPlace.unscoped.get()
    assert (found.agreement_id, found.place_id, found.lead_days, found.shows) == (agreement.pk, south.pk, 5, "exact")
    assert (found.short, found.priority, found.surcharge) == ("backorder", 7, Decimal("12.5"))
    assert "SOUTH Guangzhou" in text(client.get(page)) and "5 working days" in text(client.get(page))
    assert "Deliver the rest later" in text(client.get(page)) and "Emergencies: +12.5 %" in text(client.get(page))
    assert (found.receipt_days, found.photos) == (3, False) and "Received by itself after 3 days" in text(client.get(page))
    for wrong in ({"lead_days": 999}, {"receipt_days": 366}, {"surcharge": "101"}, {"short": "whatever"}, {"priority": 100}):
        assert client.post(url, {"place": south.pk, "lead_days": 5, "shows": "exact", **terms, **wrong}).status_code == 422
    sign_in(client, cast.dealer_admin)
    assert "SOUTH Guangzhou" not in text(client.get(page)) and url not in text(client.get(page))
    own = Place.unscoped.get(owner=cast.d001, code="MAIN")
    for place in (own, south):
        assert client.post(url, {"place": place.pk, "lead_days": 1, "shows": "exact", **terms}).status_code in (409, 422), "the buyer chooses nothing"
    assert SupplyPlace.unscoped.get().lead_days == 5
