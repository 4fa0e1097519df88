"""Changes of prices as documents: drafted, seen, signed where a flow asks, in force on their day, and no way around the signature."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.actions import add_rule, decide_proposal, withdraw_proposal
from qudao.approvals.models import Proposal
from qudao.approvals.rules import RuleDraft
from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.tests.page_text import text
from qudao.catalog.tests.make import make_product
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused, Waits
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in
from qudao.pricing import actions, queries, rules
from qudao.pricing.actions import ChangeDraft
from qudao.pricing.models import ChangeLine, Price, PriceChange
from qudao.pricing.queries import Item
from qudao.pricing.rules import NewPrice, PriceDraft
from qudao.pricing.tests.make import make_list, make_price

SYSTEM = system_actor()
TODAY = date(2026, 6, 15)
DAY = timedelta(1)
LATER = TODAY + 10 * DAY


@pytest.fixture(autouse=True)
def _today():
    with clock.freeze(datetime(2026, 6, 15, 4, tzinfo=UTC)):
        yield


class Shop:
    """Two products at 100 and 50 (45 from 10 on) in the base list; the dealer buys by it."""

    def __init__(self, cast):
        self.cast, self.admin = cast, cast.hq_admin
        self.list, self.one, self.two = make_list(cast.lh, "L", is_base=True), make_product(cast.lh, "P-1"), make_product(cast.lh, "P-2")
        for product, amount, least in ((self.one, "100", "0"), (self.two, "50", "0"), (self.two, "45", "10")):
            make_price(self.list, product.pk, amount, least)
        self.agreement = make_agreement(cast.lh, cast.d001)

    def draft(self, *prices, first=LATER, **more):
        return actions.draft_change(self.list.pk, ChangeDraft("Autumn", first, **more), [NewPrice(*one) for one in prices], actor=self.admin)

    def standing(self, change):
        return queries.standing_of(queries.changes(self.admin).get(pk=change.pk))

    def price(self, product, day, qty=1):
        return queries.unscoped_quote(self.agreement.pk, [Item(0, product.pk, D(qty))], day)[0].amount


@pytest.fixture
def shop(cast):
    return Shop(cast)


def sign_changes(shop):
    add_rule(shop.cast.lh.pk, RuleDraft("pricing.change", unscoped_system_role("hq_finance")), actor=SYSTEM)


def test_it_takes_effect_on_its_day_and_is_superseded_by_the_next(shop):
    change = shop.draft((shop.one.pk, D(110)), (shop.two.pk, D(40), D(10)))
    assert shop.standing(change) == "draft" and shop.price(shop.one, LATER) == 100
    actions.release_change(change.pk, actor=shop.admin)
    assert shop.standing(change) == "scheduled"
    assert [shop.price(shop.one, day) for day in (TODAY, LATER - DAY, LATER)] == [100, 100, 110]
    assert (shop.price(shop.two, LATER), shop.price(shop.two, LATER, 10)) == (50, 40)
    with clock.freeze(datetime(2026, 6, 25, 4, tzinfo=UTC)):
        assert shop.standing(change) == "effective"
    for product in (shop.one, shop.two):
        for least in (D(0), D(10)):
            actions.set_price(shop.list.pk, PriceDraft(product.pk, D(90), LATER + DAY, None, least), actor=shop.admin)
    with clock.freeze(datetime(2026, 6, 27, 4, tzinfo=UTC)):
        assert shop.standing(change) == "superseded"


def test_a_temporary_change_gives_the_old_prices_back(shop):
    change = shop.draft((shop.one.pk, D(80)), valid_to=LATER + DAY)
    actions.release_change(change.pk, actor=shop.admin)
    assert [shop.price(shop.one, LATER + n * DAY) for n in (-1, 0, 1, 2)] == [100, 80, 80, 100]


def test_what_was_is_kept_when_it_is_released(shop):
    change = shop.draft((shop.one.pk, D(110)), (shop.one.pk, D(105), D(10)))
    actions.release_change(change.pk, actor=shop.admin)
    make_price(shop.list, shop.one.pk, "1", since=LATER + DAY)
    assert [(line.was, line.amount) for line in queries.unscoped_change_lines(PriceChange.unscoped.get())] == [(100, 110), (None, 105)]


def test_releasing_late_counts_from_today_and_too_late_not_at_all(shop):
    change, short = shop.draft((shop.one.pk, D(110))), shop.draft((shop.two.pk, D(1)), valid_to=LATER)
    with clock.freeze(datetime(2026, 6, 28, 4, tzinfo=UTC)):
        assert actions.release_change(change.pk, actor=shop.admin).valid_from == date(2026, 6, 28)
        with pytest.raises(Refused, match=r"pricing\.change_past"):
            actions.release_change(short.pk, actor=shop.admin)
    assert shop.price(shop.one, date(2026, 6, 27)) == 100 and shop.price(shop.one, date(2026, 6, 28)) == 110


def test_two_changes_of_the_same_day_leave_one_price(shop):
    for amount in (110, 120):
        actions.release_change(shop.draft((shop.one.pk, D(amount))).pk, actor=shop.admin)
    assert Price.unscoped.filter(product=shop.one, valid_from=LATER).count() == 1 and shop.price(shop.one, LATER) == 120


@pytest.mark.parametrize(
    ("draft", "prices", "code", "field"),
    [
        (ChangeDraft(" ", LATER), [], "pricing.change_title_missing", "title"),
        (ChangeDraft("x", TODAY - DAY), [], "pricing.change_past", "valid_from"),
        (ChangeDraft("x", LATER, TODAY), [], "pricing.span_wrong", "valid_to"),
        (ChangeDraft("x", LATER), [NewPrice(0, D(1))], "pricing.product_unknown", "rows.0.product_id"),
        (ChangeDraft("x", LATER), [(D(0), D(0))], "pricing.amount_wrong", "rows.0.amount"),
        (ChangeDraft("x", LATER), [(D(1), D(-1))], "pricing.min_qty_wrong", "rows.0.min_qty"),
        (ChangeDraft("x", LATER), [(D(1), D(0)), (D(2), D(0))], "pricing.twice", "rows.1.min_qty"),
    ],
)
def test_a_draft_is_refused_at_its_field(shop, draft, prices, code, field):
    lines = [one if isinstance(one, NewPrice) else NewPrice(shop.one.pk, *one) for one in prices]
    with pytest.raises(Invalid) as error:
        actions.draft_change(shop.list.pk, draft, lines, actor=shop.admin)
    assert [(fault.code, fault.field) for fault in error.value.faults] == [(code, field)] and not PriceChange.unscoped.exists()


def test_a_draft_changes_until_it_is_over(shop):
    change = shop.draft((shop.one.pk, D(110)))
    actions.put_prices(change.pk, [NewPrice(shop.one.pk, D(111)), NewPrice(shop.two.pk, D(51))], actor=shop.admin)
    actions.remove_lines(change.pk, [ChangeLine.unscoped.get(product=shop.two).pk], actor=shop.admin)
    actions.edit_change(change.pk, ChangeDraft("Winter", TODAY), actor=shop.admin)
    assert (ChangeLine.unscoped.get().amount, PriceChange.unscoped.get().title) == (111, "Winter")
    with pytest.raises(Refused, match=r"pricing\.change_empty"):
        actions.release_change(shop.draft().pk, actor=shop.admin)
    actions.drop_change(change.pk, actor=shop.admin)
    assert shop.standing(change) == "dropped"
    for late in (actions.release_change, actions.drop_change, lambda pk, actor: actions.put_prices(pk, [], actor=actor)):
        with pytest.raises(Refused, match=r"pricing\.change_over"):
            late(change.pk, actor=shop.admin)


def test_all_prices_by_some_per_cent(shop):
    change = shop.draft()
    actions.move_prices(change.pk, D("3.333"), 1, actor=shop.admin)
    assert sorted(ChangeLine.unscoped.values_list("amount", "min_qty")) == [(D("46.5"), 10), (D("51.7"), 0), (D("103.3"), 0)]
    actions.move_prices(change.pk, D(-10), 0, "P-1", actor=shop.admin)
    assert ChangeLine.unscoped.get(product=shop.one).amount == 90 and ChangeLine.unscoped.count() == 3
    for percent in ("0", "-100", "NaN"):
        with pytest.raises(Invalid):
            actions.move_prices(change.pk, D(percent), actor=shop.admin)
    with pytest.raises(Refused, match=r"pricing\.change_nothing"):
        actions.move_prices(change.pk, D(1), search="nothing like it", actor=shop.admin)


@given(st.decimals("0.000001", "999999", places=6), st.decimals("-99", "1000", places=3), st.integers(-2, 6))
def test_a_moved_price_is_never_nothing_and_within_half_a_step(amount, percent, places):
    step = D(1).scaleb(-places)
    moved = rules.moved(amount, percent, places)
    assert moved >= step and moved % step == 0 and (moved == step or abs(moved - amount * (1 + percent / 100)) <= step / 2)


@given(st.lists(st.tuples(st.none() | st.decimals("0.01", "9999", places=2), st.decimals("0.01", "9999", places=2)), max_size=8))
def test_the_effect_is_what_its_prices_say(pairs):
    effect = rules.effect_of(pairs)
    assert effect.number == len(pairs) and effect.new == sum(before is None for before, _after in pairs)
    if effect.number > effect.new:
        assert effect.least <= effect.average + D("1e-9") and effect.average <= effect.largest + D("1e-9")
    assert (effect.type == "lower") == any(before is not None and after < before for before, after in pairs)


def test_where_a_flow_asks_it_waits_and_nothing_goes_around(shop):
    sign_changes(shop)
    change = shop.draft((shop.one.pk, D(110)))
    with pytest.raises(Waits):
        actions.release_change(change.pk, actor=shop.admin)
    made = Proposal.unscoped.get()
    assert (made.type, made.amount, made.currency, shop.standing(change)) == ("higher", 10, "CNY", "waiting")
    for call in (
        lambda: actions.put_prices(change.pk, [NewPrice(shop.one.pk, D(1))], actor=shop.admin),
        lambda: actions.edit_change(change.pk, ChangeDraft("x", TODAY), actor=shop.admin),
        lambda: actions.drop_change(change.pk, actor=shop.admin),
    ):
        with pytest.raises(Refused, match=r"pricing\.change_waits"):
            call()
    one = Price.unscoped.get(product=shop.one)
    for call in (
        lambda: actions.set_price(shop.list.pk, PriceDraft(shop.one.pk, D(1), TODAY), actor=shop.admin),
        lambda: actions.set_prices(shop.list.pk, [PriceDraft(shop.one.pk, D(1), TODAY)], actor=shop.admin),
        lambda: actions.load_prices(shop.list.pk, [PriceDraft(shop.one.pk, D(1), TODAY)], actor=shop.admin),
        lambda: actions.end_price(one.pk, TODAY, actor=shop.admin),
    ):
        with pytest.raises(Refused, match=r"pricing\.needs_change"):
            call()
    assert decide_proposal(made.pk, "approve", actor=shop.cast.hq_finance).state == "done"
    assert shop.standing(change) == "scheduled" and shop.price(shop.one, LATER) == 110


def test_small_changes_need_none_where_the_flow_says_so(shop):
    add_rule(shop.cast.lh.pk, RuleDraft("pricing.change", unscoped_system_role("hq_finance"), min_amount=D(20)), actor=SYSTEM)
    actions.set_price(shop.list.pk, PriceDraft(shop.one.pk, D(110), TODAY), actor=shop.admin)
    with pytest.raises(Refused, match=r"pricing\.needs_change"):
        actions.set_price(shop.list.pk, PriceDraft(shop.one.pk, D(150), TODAY), actor=shop.admin)
    actions.release_change(shop.draft((shop.one.pk, D(120))).pk, actor=shop.admin)
    assert shop.price(shop.one, LATER) == 120


def test_taken_back_it_is_a_draft_again(shop):
    sign_changes(shop)
    change = shop.draft((shop.one.pk, D(110)))
    with pytest.raises(Waits):
        actions.release_change(change.pk, actor=shop.admin)
    withdraw_proposal(Proposal.unscoped.get().pk, actor=shop.admin)
    actions.drop_change(change.pk, actor=shop.admin)
    assert shop.price(shop.one, LATER) == 100


def test_no_buyer_and_no_stranger_reads_what_is_planned(shop):
    change = shop.draft((shop.one.pk, D(110)))
    for actor in (shop.cast.dealer_admin, shop.cast.stranger_admin):
        assert not queries.changes(actor).exists()
        with pytest.raises((NotFound, Forbidden)):
            actions.release_change(change.pk, actor=actor)
    with pytest.raises(Forbidden):
        actions.draft_change(shop.list.pk, ChangeDraft("x", LATER), actor=shop.cast.dealer)


def test_a_thousand_prices_are_released_in_few_statements(shop, django_assert_max_num_queries):
    many = [make_product(shop.cast.lh, f"M-{n}") for n in range(20)]
    change = shop.draft(*[(one.pk, D(n + 1), D(least)) for one in many for n, least in enumerate(range(50))])
    with django_assert_max_num_queries(24):
        actions.release_change(change.pk, actor=shop.admin)
    assert Price.unscoped.filter(valid_from=LATER).count() == 1000


def test_by_page_from_a_block_and_a_file_to_the_list(shop, client, django_assert_max_num_queries):
    admin = sign_in(client, shop.admin)
    made = admin.post(reverse("price_change_new", args=[shop.list.pk]), {"title": "Autumn", "valid_from": LATER.isoformat()})
    change = PriceChange.unscoped.get()
    assert made.url == change.get_absolute_url()
    prices = reverse("price_change_prices", args=[change.pk])
    refused = admin.post(prices, {"block": "P-1\tcheap\nNO-1\t5\nP-2\t0"})
    page = refused.content.decode()
    assert refused.status_code == 422 and not ChangeLine.unscoped.exists()
    assert "there is no product NO-1" in page and "a price must be greater than zero" in page
    assert admin.post(prices, {"block": "Code\tPrice\nP-1\t1,110.00\n\nP-2 40 10"}).status_code == 302
    assert sorted(ChangeLine.unscoped.values_list("amount", "min_qty")) == [(40, 10), (1110, 0)]
    admin.post(prices, {"file": SimpleUploadedFile("p.csv", b"code,price\nP-1,110")})
    assert ChangeLine.unscoped.get(product=shop.one).amount == 110
    with django_assert_max_num_queries(15):
        page = text(admin.get(change.get_absolute_url()))
    assert "100.00 → 110.00" in page and "+10.0 %" in page.replace("\xa0", " ").replace("10.0%", "10.0 %") and "Release" in page
    line = ChangeLine.unscoped.get(product=shop.two)
    admin.post(reverse("price_change_removal", args=[change.pk, line.pk]))
    told = admin.get(change.get_absolute_url(), headers={"Accept-Language": "en"}).content.decode()
    assert "drafted it" in told and "took 1 price out" in told
    assert admin.post(reverse("price_change_percent", args=[change.pk]), {"percent": "5", "places": "2"}).status_code == 302
    assert ChangeLine.unscoped.count() == 3
    assert admin.post(reverse("price_change_edit", args=[change.pk]), {"title": "Winter", "valid_from": LATER.isoformat()}).status_code == 302
    assert admin.post(reverse("price_change_release", args=[change.pk])).status_code == 302
    with django_assert_max_num_queries(15):
        page = text(admin.get(reverse("price_changes")))
    assert "Winter" in text(admin.get(f"{reverse('price_changes')}?tab=released")) and shop.price(shop.one, LATER) == 105
    drop = shop.draft()
    assert admin.post(reverse("price_change_drop", args=[drop.pk])).status_code == 302
    assert sign_in(client, shop.cast.dealer_admin).get(change.get_absolute_url()).status_code == 404


def test_by_api(shop):
    api = Api(shop.admin)
    body = {"title": "Autumn", "valid_from": LATER.isoformat(), "prices": [{"product_id": shop.one.pk, "amount": "110"}]}
    status, made = api("post", f"/price-lists/{shop.list.pk}/changes", body)
    assert (status, made["state"], made["effect"]["number"], D(made["lines"][0]["before"])) == (201, "draft", 1, 100)
    at = f"/price-changes/{made['id']}"
    assert api("post", f"{at}/prices", {"prices": [{"product_id": shop.two.pk, "amount": "40", "min_qty": "10"}]})[1]["effect"]["number"] == 2
    assert api("post", f"{at}/removal/{made['lines'][0]['id']}")[1]["effect"]["number"] == 1
    assert len(api("post", f"{at}/percent", {"percent": "1"})[1]["lines"]) == 3
    assert api("post", f"{at}/edit", {"title": "Winter", "valid_from": LATER.isoformat()})[1]["title"] == "Winter"
    assert api("post", f"{at}/release")[1]["state"] == "scheduled" == api("get", at)[1]["state"]
    assert api("post", f"{at}/drop")[0] == 409 and [one["id"] for one in api("get", "/price-changes")[1]["items"]] == [made["id"]]
    sign_changes(shop)
    other = api("post", f"/price-lists/{shop.list.pk}/changes", body)[1]
    assert api("post", f"/price-changes/{other['id']}/release")[0] == 202
    assert Api(shop.cast.dealer_admin)("get", at)[0] == 404
