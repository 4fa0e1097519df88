"""Agreements of the same two activated at the same time: one of a currency comes into force, one of another beside it."""

from __future__ import annotations

from functools import partial

import pytest

from qudao.agreements.actions import activate_agreement
from qudao.agreements.models import Agreement
from qudao.agreements.tests.make import draft
from qudao.base.access import system_actor
from qudao.kernel.errors import Refused
from qudao.network.tests.make import make_org
from qudao.orders.tests.make import assert_sound

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_of_agreements_in_one_currency_one_comes_into_force(race):
    brand = make_org("hq", "LH")
    dealer = make_org("dealer", "D001", brand)
    drafts = [draft(brand, dealer, code=f"{currency}-{n}", currency=currency) for n in range(4) for currency in ("CNY", "USD")]
    results = race([partial(activate_agreement, one.pk, actor=system_actor()) for one in drafts])
    refused = [one for one in results if isinstance(one, Exception)]
    assert all(isinstance(one, Refused) for one in refused) and len(refused) == 6, results
    assert sorted(Agreement.unscoped.filter(state="active").values_list("currency", flat=True)) == ["CNY", "USD"]
    assert_sound()
