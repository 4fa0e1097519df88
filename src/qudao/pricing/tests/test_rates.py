"""Exchange rates, and prices of lists in another currency."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.import_runs import Told, begin_import, run_import, undo_import
from qudao.catalog.tests.make import make_product
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import sign_in
from qudao.pricing import actions, queries
from qudao.pricing.models import Rate
from qudao.pricing.queries import Item
from qudao.pricing.rules import RateDraft, Wide, rate_faults
from qudao.pricing.tests.make import make_list, make_price

SYSTEM, ON, DAY = system_actor(), date(2026, 6, 15), timedelta(days=1)


def rate(owner, value, day=ON, pair=("USD", "CNY")):
    return actions.set_rate(owner.pk, RateDraft(*pair, day, Decimal(value)), actor=SYSTEM)


def quoted(agreement, product, on=ON):
    return queries.unscoped_quote(agreement.pk, [Item(1, product.pk, Decimal(1))], on).get(1)


@pytest.mark.parametrize(
    ("draft", "codes"),
    [
        (("USD", "CNY", ON, "7.123456"), []),
        (("usd", "CNY", ON, "7"), ["pricing.currency_wrong"]),
        (("CNY", "CNY", ON, "1"), ["pricing.rate_same"]),
        (("USD", "CNY", ON, "0"), ["pricing.rate_wrong"]),
        (("USD", "CNY", ON, "7.1234567"), ["pricing.rate_wrong"]),
    ],
)
def test_a_rate_is_positive_with_six_decimals(draft, codes):
    assert [fault.code for fault in rate_faults(RateDraft(*draft[:3], Decimal(draft[3])))] == codes


def test_a_list_in_another_currency_answers_at_the_rate_of_the_day(cast, django_assert_num_queries):
    product, agreement = make_product(cast.lh, "P"), make_agreement(cast.lh, cast.d001)
    usd = make_list(cast.lh, "USD", currency="USD")
    make_price(usd, product.pk, "12.345678")
    with pytest.raises(Refused) as error:
        actions.assign_list(agreement.pk, usd.pk, actor=cast.hq_admin)
    assert error.value.faults[0].code == "pricing.rate_missing"
    rate(cast.lh, "7.1", ON - DAY)
    rate(cast.lh, "7.123456")
    rate(cast.d001, "9")  # somebody else's
    actions.assign_list(agreement.pk, usd.pk, actor=cast.hq_admin)
    with django_assert_num_queries(1):
        quote = quoted(agreement, product, ON + DAY)
    assert quote.amount == Decimal("87.943894")  # 12.345678 × 7.123456 = 87.94389403…
    (step,) = quote.steps
    assert (step["amount"], step["currency"], step["list_amount"], step["rate"], step["rate_day"]) == (
        "87.943894", "USD", "12.345678", "7.123456", "2026-06-15",
    )  # fmt: skip
    assert quoted(agreement, product, ON - DAY).amount == Decimal("87.654314")  # half up from 87.6543138
    assert quoted(agreement, product, ON - 2 * DAY) is None  # no rate yet: no price, never 1
    assert queries.unscoped_lacking_rates(agreement.pk, ON - 2 * DAY) == [("USD", "CNY")]
    assert queries.unscoped_lacking_rates(agreement.pk, ON) == []
    assert actions.unassign_list(agreement.pk, usd.pk, actor=SYSTEM) == usd


def test_the_base_list_in_the_agreements_currency_goes_before_that_in_the_sellers_own(cast):
    product, other = make_product(cast.lh, "P"), make_product(cast.lh, "Q")
    home, usd, eur = (make_list(cast.lh, code, currency=code, is_base=True) for code in ("CNY", "USD", "EUR"))
    for price_list, amount in ((home, "100"), (usd, "13"), (eur, "11")):
        make_price(price_list, product.pk, amount)
    make_price(home, other.pk, "70")
    make_price(eur, make_product(cast.lh, "R").pk, "5")
    agreement = make_agreement(cast.lh, cast.d001, currency="USD")
    rate(cast.lh, "0.14", pair=("CNY", "USD"))
    rate(cast.lh, "1.1", pair=("EUR", "USD"))
    quote = quoted(agreement, product)
    assert quote.amount == 13 and [step["code"] for step in quote.steps] == ["USD", "CNY"]
    assert quoted(agreement, other).amount == Decimal("9.8")
    assert set(queries.price_lists(cast.dealer).values_list("code", flat=True)) == {"USD", "CNY"}
    tiny = make_product(cast.lh, "T")
    make_price(home, tiny.pk, "0.000001")
    assert quoted(agreement, tiny) is None  # never 0.00


def test_a_list_of_a_level_is_converted_too(cast):
    product, agreement = make_product(cast.lh, "P"), make_agreement(cast.lh, cast.d001, channel="ka")
    usd = make_list(cast.lh, "USD", currency="USD")
    make_price(usd, product.pk, "10")
    actions.assign_wide(usd.pk, Wide(channel="ka"), actor=SYSTEM)
    assert quoted(agreement, product) is None
    rate(cast.lh, "7")
    assert quoted(agreement, product).amount == 70


def test_rates_are_entered_overwritten_and_removed(cast):
    drafts = [RateDraft("USD", "CNY", ON, Decimal(7)), RateDraft("EUR", "CNY", ON, Decimal(8))]
    actions.set_rates(cast.lh.pk, drafts, actor=cast.hq_finance)  # who keeps the books keeps the rates
    again = actions.set_rate(cast.lh.pk, RateDraft("USD", "CNY", ON, Decimal("7.2")), actor=cast.hq_admin)
    assert Rate.unscoped.count() == 2 and Rate.unscoped.get(from_currency="USD").rate == Decimal("7.2")
    with pytest.raises(Invalid) as error:
        actions.set_rates(cast.lh.pk, [drafts[0], drafts[0]], actor=SYSTEM)
    assert [(fault.code, fault.field) for fault in error.value.faults] == [("pricing.rate_twice", "rows.1.day")]
    with pytest.raises(Forbidden):
        actions.set_rate(cast.lh.pk, drafts[0], actor=cast.hq_clerk)
    with pytest.raises(NotFound):
        actions.remove_rates([again.pk], actor=cast.dealer_admin)
    actions.remove_rates([again.pk], actor=cast.hq_admin)
    assert Rate.unscoped.count() == 1 and not queries.rates(cast.dealer_admin).exists()


def test_rates_on_pages_over_the_api_and_from_a_file(cast, client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    hq = sign_in(client, cast.hq_admin)
    form = {"from_currency": "usd", "to_currency": "CNY", "rate": "7.1", "day": "2026-06-15"}
    assert hq.get(reverse("rate_new")).status_code == 200 and hq.post(reverse("rate_new"), form | {"rate": "0"}).status_code == 422
    assert hq.post(reverse("rate_new"), form).status_code == 302
    assert "7.1" in hq.get(reverse("rates")).content.decode()
    at = reverse("rate_removal", args=[Rate.unscoped.get().pk])
    assert hq.get(at).status_code == 200
    api = Api(cast.hq_admin)
    status, (made,) = api("post", "/exchange-rates", {"rates": [{"from_currency": "EUR", "to_currency": "CNY", "day": "2026-06-15", "rate": "8"}]})
    assert status == 201 and [one["rate"] for one in api("get", "/exchange-rates")[1]["items"]] == ["8.000000", "7.100000"]
    assert Api(cast.dealer_admin)("delete", f"/exchange-rates/{made}")[0] == 404 and api("delete", f"/exchange-rates/{made}")[0] == 200
    sheet = "原币,本币,日期,汇率\nUSD,CNY,2026-06-15,7.3\nEUR,CNY,2026-06-15,8.1\nGBP,GBP,2026-06-15,9\n"
    begun = begin_import("pricing.rates", ContentFile(sheet.encode(), "r.csv"), actor=cast.hq_admin)
    run = run_import(begun.pk, Told(skip_wrong=True), actor=cast.hq_admin)
    assert (run.made, run.changed) == (1, 1) and Rate.unscoped.get(from_currency="USD").rate == Decimal("7.3")
    undo_import(run.pk, actor=cast.hq_admin)
    assert [str(one.rate) for one in Rate.unscoped.all()] == ["7.100000"]
    assert hq.post(at).status_code == 302 and not Rate.unscoped.exists()


def test_a_quote_says_which_rate_is_lacking(cast):
    product, agreement = make_product(cast.lh, "P"), make_agreement(cast.lh, cast.d001)
    usd = make_list(cast.lh, "USD", currency="USD")
    make_price(usd, product.pk, "10")
    actions.assign_wide(usd.pk, Wide(region_id=cast.lh.pk), actor=SYSTEM)
    asked = {"on": str(ON), "items": [{"product_id": product.pk, "qty": "1"}]}
    status, (told,) = Api(cast.dealer)("post", f"/agreements/{agreement.pk}/quotes", asked)
    assert (status, told["amount"], told["lacking"]) == (200, None, ["USD-CNY"])
