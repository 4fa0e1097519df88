"""Every change of prices, and each constraint violated once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from qudao.agreements import actions as agreements
from qudao.agreements.tests.make import START, make_agreement
from qudao.base import models as base
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.catalog.tests.make import make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.pricing import actions, queries
from qudao.pricing.actions import ChangeDraft, ListDraft
from qudao.pricing.models import ChangeLine, ListAssignment, Price, PriceChange, PriceList, Rate, SpecialPrice, WideAssignment
from qudao.pricing.rules import NewPrice, PriceDraft, RateDraft, SpecialDraft, Wide
from qudao.pricing.tests.make import make_list, make_price, make_special

SYSTEM = system_actor()
TODAY = date(2026, 6, 15)
DAY = timedelta(1)


@pytest.fixture(autouse=True)
def _today():
    with clock.freeze(datetime(2026, 6, 15, 4, tzinfo=UTC)):
        yield


def codes(error):
    return [(fault.code, fault.field) for fault in error.value.faults]


def spans(price_list):
    return [(p.amount, p.valid_from, p.valid_to) for p in Price.unscoped.filter(list=price_list).order_by("min_qty", "valid_from")]


def test_a_list_is_created_and_renamed_by_its_owner(cast):
    made = make_list(cast.lh, "L1", actor=cast.hq_admin)
    changed = actions.change_list(made.pk, ListDraft("L1", "新名", is_base=True), actor=cast.hq_admin)
    assert (changed.name, changed.is_base) == ("新名", True)
    assert timeline(actions.subject_of(made)).last().detail == {"name": ["价目 L1", "新名"], "is_base": [False, True]}
    with pytest.raises(Forbidden):
        make_list(cast.lh, "L2", actor=cast.hq_clerk)
    with pytest.raises(Forbidden):
        make_list(cast.lh, "L2", actor=cast.dealer_admin)
    with pytest.raises(NotFound):
        actions.change_list(made.pk, ListDraft("L1", "x"), actor=cast.stranger_admin)


def test_faults_of_a_list_are_told_together(cast):
    made = make_list(cast.lh, "L1", is_base=True)
    with pytest.raises(Invalid) as error:
        actions.create_list(cast.lh.pk, ListDraft("L1", "", currency="x"), actor=SYSTEM)
    assert set(codes(error)) == {("pricing.name_missing", "name"), ("pricing.currency_wrong", "currency"), ("pricing.code_taken", "code")}
    with pytest.raises(Refused) as error:
        make_list(cast.lh, "L2", is_base=True)
    assert codes(error) == [("pricing.base_exists", "is_base")]
    other = make_list(cast.lh, "L2")
    with pytest.raises(Refused):
        actions.change_list(other.pk, ListDraft("L2", "x", is_base=True), actor=SYSTEM)
    with pytest.raises(Invalid):
        actions.change_list(other.pk, ListDraft("L1", "x"), actor=SYSTEM)
    make_list(cast.lh, "L3", currency="USD", is_base=True)
    make_list(cast.d001, "L1", is_base=True)
    assert made.is_base


def test_a_new_price_ends_the_one_before(cast):
    product, price_list = make_product(cast.lh, "P").pk, make_list(cast.lh, "L")
    make_price(price_list, product, "10")
    new = actions.set_price(price_list.pk, PriceDraft(product, Decimal("11.123456"), TODAY), actor=cast.hq_admin)
    assert new.amount == Decimal("11.123456")
    assert spans(price_list) == [(10, START, TODAY - DAY), (Decimal("11.123456"), TODAY, None)]
    event = base.Event.unscoped.filter(name="pricing.PricesChanged").last()
    assert event.payload == {"list_id": price_list.pk, "product_ids": [product], "valid_from": "2026-06-15"}


def test_a_temporary_price_leaves_no_gap_and_a_correction_overwrites(cast):
    product, price_list = make_product(cast.lh, "P").pk, make_list(cast.lh, "L")
    make_price(price_list, product, "10")
    make_price(price_list, product, "8", since=TODAY, valid_to=TODAY + 9 * DAY)
    assert spans(price_list) == [(10, START, TODAY - DAY), (8, TODAY, TODAY + 9 * DAY), (10, TODAY + 10 * DAY, None)]
    make_price(price_list, product, "9", since=TODAY, valid_to=TODAY + 9 * DAY)
    assert spans(price_list)[1] == (9, TODAY, TODAY + 9 * DAY)
    assert list(timeline(actions.subject_of(price_list)).last().detail["overwritten"].values()) == ["8.000000"]
    with pytest.raises(Refused) as error:
        make_price(price_list, product, "7", since=TODAY + DAY, valid_to=TODAY + 30 * DAY)
    assert codes(error) == [("pricing.planned_in_between", "valid_to")]


def test_many_prices_cost_a_fixed_number_of_statements(cast, django_assert_num_queries):
    ids = [make_product(cast.lh, f"P{n}").pk for n in range(20)]
    price_list = make_list(cast.lh, "L")
    actions.set_prices(price_list.pk, [PriceDraft(pk, Decimal(10), START) for pk in ids], actor=SYSTEM)
    # begin; list seen, may act, locked; carried; standing; ends; inserts; log and event; commit
    with django_assert_num_queries(10):
        actions.set_prices(price_list.pk, [PriceDraft(pk, Decimal(11), TODAY) for pk in ids], actor=SYSTEM)
    assert Price.unscoped.filter(list=price_list).count() == 40
    assert actions.set_prices(price_list.pk, [], actor=SYSTEM) == price_list


def test_all_rows_that_are_wrong_are_told_and_no_price_is_set(cast):
    product, foreign, price_list = make_product(cast.lh, "P").pk, make_product(cast.d001, "X").pk, make_list(cast.lh, "L")
    drafts = [
        PriceDraft(product, Decimal(0), START),
        PriceDraft(product, Decimal(1), START, START - DAY, min_qty=Decimal(5)),
        PriceDraft(product, Decimal(2), TODAY),
        PriceDraft(foreign, Decimal(1), START),
    ]
    with pytest.raises(Invalid) as error:
        actions.set_prices(price_list.pk, drafts, actor=SYSTEM)
    assert set(codes(error)) == {
        ("pricing.amount_wrong", "rows.0.amount"),
        ("pricing.span_wrong", "rows.1.valid_to"),
        ("pricing.twice", "rows.2.product_id"),
        ("pricing.product_unknown", "rows.3.product_id"),
    }
    assert not Price.unscoped.exists()


def test_only_who_acts_for_the_owner_sets_prices(cast):
    agreement, product, price_list = make_agreement(cast.lh, cast.d001), make_product(cast.lh, "P").pk, make_list(cast.lh, "L")
    actions.assign_list(agreement.pk, price_list.pk, actor=SYSTEM)
    with pytest.raises(Forbidden):
        actions.set_price(price_list.pk, PriceDraft(product, Decimal(1), START), actor=cast.dealer_admin)  # sees it as a buyer
    with pytest.raises(NotFound):
        actions.set_prices(price_list.pk, [], actor=cast.stranger_admin)
    resale = make_list(cast.d001, "R", actor=cast.dealer_admin)
    actions.set_price(resale.pk, PriceDraft(product, Decimal(1), START), actor=cast.dealer_admin)
    with pytest.raises(Forbidden):
        actions.set_prices(resale.pk, [], actor=cast.hq_admin)  # the brand does not fix a dealer's resale prices


def test_a_price_ends_and_a_planned_one_disappears(cast):
    product, price_list = make_product(cast.lh, "P").pk, make_list(cast.lh, "L")
    price = make_price(price_list, product, "10")
    with pytest.raises(Invalid):
        actions.end_price(price.pk, START - DAY, actor=SYSTEM)
    actions.end_price(price.pk, TODAY, "discontinued", actor=cast.hq_admin)
    assert spans(price_list) == [(10, START, TODAY)]
    with pytest.raises(Refused) as error:
        actions.end_price(price.pk, TODAY + DAY, actor=SYSTEM)
    assert codes(error) == [("pricing.end_too_late", "last_day")]
    planned = make_price(price_list, product, "12", since=TODAY + 5 * DAY)
    actions.end_price(planned.pk, TODAY, actor=SYSTEM)
    assert spans(price_list) == [(10, START, TODAY)]
    over = make_price(price_list, product, "9", "50", valid_to=START + DAY)
    with pytest.raises(Refused) as error:
        actions.end_price(over.pk, TODAY, actor=SYSTEM)
    assert codes(error) == [("pricing.ended", "")]
    with pytest.raises(NotFound):
        actions.end_price(price.pk, TODAY, actor=cast.stranger_admin)


def test_a_list_is_assigned_again_with_another_priority_and_taken_off(cast):
    agreement, price_list = make_agreement(cast.lh, cast.d001), make_list(cast.lh, "L")
    first = actions.assign_list(agreement.pk, price_list.pk, 1, actor=cast.hq_admin)
    again = actions.assign_list(agreement.pk, price_list.pk, 5, actor=cast.hq_admin)
    assert (again.pk, again.priority) == (first.pk, 5)
    actions.unassign_list(agreement.pk, price_list.pk, actor=cast.hq_admin)
    with pytest.raises(Refused) as error:
        actions.unassign_list(agreement.pk, price_list.pk, actor=SYSTEM)
    assert codes(error) == [("pricing.not_assigned", "")]


def test_a_list_fits_seller_currency_and_life_of_the_agreement(cast):
    agreement = make_agreement(cast.lh, cast.d001)
    foreign, usd, fine = make_list(cast.d001, "F"), make_list(cast.lh, "U", currency="USD"), make_list(cast.lh, "L")
    for one, code in ((foreign, "pricing.list_foreign"), (usd, "pricing.rate_missing")):
        with pytest.raises(Refused) as error:
            actions.assign_list(agreement.pk, one.pk, actor=SYSTEM)
        assert codes(error) == [(code, "list_id")]
    with pytest.raises(Forbidden):
        actions.assign_list(agreement.pk, fine.pk, actor=cast.dealer_admin)
    with pytest.raises(NotFound):
        actions.assign_list(agreement.pk, fine.pk, actor=cast.stranger_admin)
    agreements.end_agreement(agreement.pk, "exit", actor=SYSTEM)
    with pytest.raises(Refused) as error:
        actions.assign_list(agreement.pk, fine.pk, actor=SYSTEM)
    assert codes(error) == [("pricing.agreement_ended", "")]


def test_a_special_price_is_granted_and_ended_with_a_reason(cast):
    agreement, product = make_agreement(cast.lh, cast.d001), make_product(cast.lh, "P").pk
    draft = SpecialDraft(agreement.pk, product, Decimal("79.9"), START, source="deal", subject_kind="deals.deal", subject_id=4, reason="tender")
    special = actions.grant_special_price(draft, actor=cast.hq_admin)
    assert (special.source, special.subject_id) == ("deal", 4)
    line = timeline(agreements.subject_of(agreement)).last()
    assert (line.verb, line.reason, line.buyer_id) == ("pricing.grant", "tender", cast.d001.pk)
    assert base.Event.unscoped.get(name="pricing.SpecialPricesGranted").payload == {"agreement_id": agreement.pk, "product_ids": [product]}
    with pytest.raises(Invalid) as error:
        actions.end_special_price(special.pk, TODAY, "", actor=SYSTEM)
    assert codes(error) == [("pricing.reason_missing", "reason")]
    assert actions.end_special_price(special.pk, TODAY, "lost", actor=cast.hq_admin).valid_to == TODAY
    with pytest.raises(Forbidden):
        actions.end_special_price(special.pk, TODAY, "mine", actor=cast.dealer_admin)


def test_thousands_of_special_prices_are_one_insert(cast, django_assert_num_queries):
    agreement = make_agreement(cast.lh, cast.d001)
    product = make_product(cast.lh, "P").pk
    drafts = [SpecialDraft(agreement.pk, product, Decimal(n), START, min_qty=Decimal(n), source="import") for n in range(1, 2156)]
    with django_assert_num_queries(6):  # begin, agreements, carried, insert, log, event, commit
        made = actions.grant_special_prices(drafts, actor=SYSTEM)
    assert len(made) == SpecialPrice.unscoped.count() == 2155
    assert actions.grant_special_prices([], actor=SYSTEM) == []


def test_special_prices_are_refused_as_a_whole(cast):
    agreement, product = make_agreement(cast.lh, cast.d001), make_product(cast.lh, "P").pk
    foreign = make_product(cast.d002, "X").pk
    with pytest.raises(Invalid) as error:
        actions.grant_special_prices(
            [
                SpecialDraft(agreement.pk, product, Decimal(1), START),
                SpecialDraft(agreement.pk, product, Decimal(0), START, source="luck"),
                SpecialDraft(agreement.pk, foreign, Decimal(1), START),
            ],
            actor=SYSTEM,
        )
    assert set(codes(error)) == {
        ("pricing.amount_wrong", "rows.1.amount"),
        ("pricing.source_wrong", "rows.1.source"),
        ("pricing.product_unknown", "rows.2.product_id"),
    }
    with pytest.raises(Forbidden):
        actions.grant_special_price(SpecialDraft(agreement.pk, product, Decimal(1), START), actor=cast.dealer_admin)
    with pytest.raises(NotFound):
        actions.grant_special_price(SpecialDraft(agreement.pk, product, Decimal(1), START), actor=cast.stranger_admin)
    assert not SpecialPrice.unscoped.exists()


class Shop:
    def __init__(self, cast):
        self.cast, self.product = cast, make_product(cast.lh, "P")
        self.agreement, self.list = make_agreement(cast.lh, cast.d001), make_list(cast.lh, "L", is_base=True)
        make_price(self.list, self.product.pk, "10")
        actions.assign_list(self.agreement.pk, self.list.pk, actor=SYSTEM)
        actions.set_rate(cast.lh.pk, RateDraft("USD", "CNY", TODAY, Decimal(7)), actor=SYSTEM)
        actions.assign_wide(self.list.pk, Wide(channel="ka"), actor=SYSTEM)

    def a_list(self, **change):
        return PriceList(**{"owner": self.cast.lh, "code": "X", "name": "x", "currency": "CNY", **change})

    def a_price(self, **change):
        return Price(**{"list": self.list, "product": self.product, "min_qty": 7, "amount": 1, "valid_from": TODAY, **change})

    def a_change(self, **change):
        return PriceChange(**{"list": self.list, "title": "x", "valid_from": TODAY, "created_at": clock.now(), **change})

    def a_line(self, **change):
        draft = actions.draft_change(self.list.pk, ChangeDraft("x", TODAY), [NewPrice(self.product.pk, Decimal(1))], actor=SYSTEM)
        return ChangeLine(**{"change": draft, "product": self.product, "min_qty": 0, "amount": 2, **change})

    def a_special(self, **change):
        values = {"agreement": self.agreement, "product": self.product, "amount": 1, "valid_from": TODAY, "granted_at": clock.now()}
        return SpecialPrice(**{**values, **change})


BROKEN = {
    "pricing_pricelist_owner_code_unique": lambda s: s.a_list(code="L"),
    "pricing_pricelist_owner_currency_one_base": lambda s: s.a_list(is_base=True),
    "pricing_pricelist_code_name_currency_present": lambda s: s.a_list(name=""),
    "pricing_price_amount_min_qty_positive": lambda s: s.a_price(amount=0),
    "pricing_price_valid_from_to_ordered": lambda s: s.a_price(valid_to=TODAY - DAY),
    "pricing_price_list_product_min_qty_no_overlap": lambda s: s.a_price(min_qty=0),
    "pricing_pricechange_valid_from_to_ordered": lambda s: s.a_change(valid_to=TODAY - DAY),
    "pricing_pricechange_closed_fits": lambda s: s.a_change(closed_at=clock.now()),
    "pricing_changeline_product_min_qty_unique": lambda s: s.a_line(),
    "pricing_changeline_amount_min_qty_positive": lambda s: s.a_line(min_qty=1, amount=0),
    "pricing_listassignment_agreement_list_unique": lambda s: ListAssignment(agreement=s.agreement, list=s.list),
    "pricing_rate_owner_pair_day_unique": lambda s: Rate(owner=s.cast.lh, from_currency="USD", to_currency="CNY", day=TODAY, rate=8),
    "pricing_rate_positive_two_currencies": lambda s: Rate(owner=s.cast.lh, from_currency="USD", to_currency="USD", day=TODAY, rate=8),
    "pricing_wideassignment_list_place_unique": lambda s: WideAssignment(owner=s.cast.lh, list=s.list, channel="ka"),
    "pricing_wideassignment_group_or_region": lambda s: WideAssignment(owner=s.cast.lh, list=s.list),
    "pricing_specialprice_amount_min_qty_positive": lambda s: s.a_special(amount=0),
    "pricing_specialprice_valid_from_to_ordered": lambda s: s.a_special(valid_to=TODAY - DAY),
    "pricing_specialprice_source_known": lambda s: s.a_special(source="luck"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_holds(cast, name):
    row = BROKEN[name](Shop(cast))
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        row.save(force_insert=True)


def test_every_constraint_is_broken_above():
    named = {
        c.name for model in (PriceList, Price, PriceChange, ChangeLine, ListAssignment, SpecialPrice, WideAssignment, Rate) for c in model._meta.constraints
    }
    assert named == set(BROKEN)


def test_an_overlap_that_slips_through_is_a_refusal(cast, monkeypatch):
    shop = Shop(cast)
    monkeypatch.setattr(queries, "unscoped_standing", lambda *args: {})
    with pytest.raises(Refused) as error:
        make_price(shop.list, shop.product.pk, "11", since=TODAY)
    assert codes(error) == [("pricing.price_list_product_min_qty_no_overlap", "")]


def test_a_special_price_needs_no_list(cast):
    agreement = make_agreement(cast.lh, cast.d001)
    assert make_special(agreement.pk, make_product(cast.lh, "P").pk, "5").amount == 5
