"""A released change of prices is taken back as a whole before its day; once the day has come, its opposite is drafted."""

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qudao.approvals.actions import decide_proposal
from qudao.approvals.models import Proposal
from qudao.approvals.tests.make import Api
from qudao.base.models import ActionLog as Log
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused, Waits
from qudao.messages.models import Notice
from qudao.people.tests.make import actor_of, make_member, sign_in
from qudao.pricing import actions
from qudao.pricing.models import ChangeLine, Price
from qudao.pricing.rules import PriceDraft
from qudao.pricing.tests.make import make_price
from qudao.pricing.tests.test_changes import DAY, LATER, TODAY, Shop, sign_changes


@pytest.fixture(autouse=True)
def _today():
    with clock.freeze(datetime(2026, 6, 15, 4, tzinfo=UTC)):
        yield


@pytest.fixture
def shop(cast):
    return Shop(cast)


def spans():
    return sorted(Price.unscoped.values_list("product_id", "min_qty", "amount", "valid_from", "valid_to"), key=str)


def test_a_scheduled_change_is_taken_back_as_a_whole_to_the_day(shop):
    """A price that ends, one planned later, one that starts the same day, one that is new."""
    make_price(shop.list, shop.one.pk, "103", since=LATER + 20 * DAY)
    actions.set_price(shop.list.pk, PriceDraft(shop.two.pk, D(44), LATER, LATER + 5 * DAY, D(10)), actor=shop.admin)
    before = spans()
    change = shop.draft((shop.one.pk, D(110)), (shop.two.pk, D(40), D(10)), (shop.one.pk, D(95), D(50)))
    actions.release_change(change.pk, actor=shop.admin)
    assert spans() != before and shop.price(shop.one, LATER) == 110
    with pytest.raises(Invalid, match=r"pricing\.reason_missing"):
        actions.recall_change(change.pk, " ", actor=shop.admin)
    with pytest.raises((Forbidden, NotFound)):
        actions.recall_change(change.pk, "not mine", actor=shop.cast.dealer_admin)
    actions.recall_change(change.pk, "wrong list", actor=shop.admin)
    assert spans() == before and shop.standing(change) == "recalled"
    assert shop.price(shop.one, LATER) == 100 and shop.price(shop.two, LATER, 10) == 44
    line = Log.unscoped.filter(subject_kind="pricing.pricechange", subject_id=change.pk).latest("pk")
    assert (line.before, line.after, line.reason) == ("released", "recalled", "wrong list")
    for again in (lambda: actions.recall_change(change.pk, "again", actor=shop.admin), lambda: actions.oppose_change(change.pk, actor=shop.admin)):
        with pytest.raises(Refused, match=r"pricing\.change_not_released"):
            again()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(50, 150), st.integers(0, 9)), max_size=5),
    st.integers(1, 20), st.one_of(st.none(), st.integers(0, 15)),
)  # fmt: skip
def test_whatever_stood_there_stands_again(shop, earlier, first, days):
    """Any prices planned before, any span of the change: taken back, the table is what it was, row for row."""
    with transaction.atomic():
        for start, amount, length in earlier:
            with suppress(Refused), transaction.atomic():
                until = TODAY + (start + length) * DAY if length else None
                actions.set_price(shop.list.pk, PriceDraft(shop.one.pk, D(amount), TODAY + start * DAY, until), actor=shop.admin)
        before = spans()
        with suppress(Refused), transaction.atomic():
            change = shop.draft((shop.one.pk, D(7)), first=TODAY + first * DAY, valid_to=None if days is None else TODAY + (first + days) * DAY)
            actions.release_change(change.pk, actor=shop.admin)
            assert spans() != before
            actions.recall_change(change.pk, "wrong", actor=shop.admin)
        assert spans() == before
        transaction.set_rollback(True)


def test_what_was_changed_after_it_goes_first(shop):
    change = shop.draft((shop.one.pk, D(110)), (shop.two.pk, D(60)))
    actions.release_change(change.pk, actor=shop.admin)
    second = shop.draft((shop.one.pk, D(120)), first=LATER + DAY)
    actions.release_change(second.pk, actor=shop.admin)
    standing = spans()
    with pytest.raises(Refused, match=r"pricing\.change_built_on") as refused:
        actions.recall_change(change.pk, "wrong", actor=shop.admin)
    assert refused.value.faults[0].params["products"] == "P-1" and spans() == standing and shop.standing(change) == "scheduled"
    actions.recall_change(second.pk, "wrong", actor=shop.admin)
    actions.recall_change(change.pk, "wrong", actor=shop.admin)
    assert shop.price(shop.one, LATER + 2 * DAY) == 100 and shop.price(shop.two, LATER) == 50


def test_once_its_day_has_come_the_opposite_is_drafted(shop):
    change = shop.draft((shop.one.pk, D(110)), (shop.one.pk, D(95), D(50)))
    actions.release_change(change.pk, actor=shop.admin)
    with clock.freeze(datetime(2026, 6, 25, 4, tzinfo=UTC)):
        with pytest.raises(Refused, match=r"pricing\.change_begun"):
            actions.recall_change(change.pk, "late", actor=shop.admin)
        made = actions.oppose_change(change.pk, actor=shop.admin)
        assert [(line.product_id, line.amount, line.min_qty) for line in ChangeLine.unscoped.filter(change=made)] == [(shop.one.pk, 100, 0)]
        actions.release_change(made.pk, actor=shop.admin)
        assert shop.price(shop.one, date(2026, 6, 25)) == 100 and shop.price(shop.one, date(2026, 6, 24)) == 100
        assert shop.price(shop.one, date(2026, 6, 25), 50) == 95, "it took the place of none"


def test_who_drafted_and_signed_it_is_told_and_no_signature_is_asked(shop):
    sign_changes(shop)
    change = shop.draft((shop.one.pk, D(110)))
    with pytest.raises(Waits):
        actions.release_change(change.pk, actor=shop.admin)
    decide_proposal(Proposal.unscoped.get().pk, "approve", actor=shop.cast.hq_finance)
    assert shop.standing(change) == "scheduled"
    other = actor_of(make_member("second@example.com", shop.cast.lh, "hq_admin"))
    actions.recall_change(change.pk, "the supplier changed its mind", actor=other)
    drain()
    told = set(Notice.unscoped.filter(code="pricing.change_recalled").values_list("user_id", flat=True))
    assert told == {shop.admin.user_id, shop.cast.hq_finance.user_id} and shop.price(shop.one, LATER) == 100


def test_pages_and_programs_take_it_back(shop, client):
    change, browser = shop.draft((shop.one.pk, D(110))), sign_in(client, shop.admin)
    actions.release_change(change.pk, actor=shop.admin)
    page = browser.get(reverse("price_change", args=[change.pk])).content.decode()
    assert reverse("price_change_recall", args=[change.pk]) in page and reverse("price_change_opposite", args=[change.pk]) not in page
    assert browser.post(reverse("price_change_recall", args=[change.pk]), {"reason": ""}).status_code != 302
    assert browser.post(reverse("price_change_recall", args=[change.pk]), {"reason": "wrong"}).status_code == 302
    assert "Taken back" in text(browser.get(reverse("price_change", args=[change.pk])))
    api, second = Api(shop.admin), shop.draft((shop.one.pk, D(111)))
    actions.release_change(second.pk, actor=shop.admin)
    assert api("post", f"/price-changes/{second.pk}/recall", {"reason": "wrong"})[1]["state"] == "recalled"
    third = shop.draft((shop.one.pk, D(112)), first=TODAY)
    actions.release_change(third.pk, actor=shop.admin)
    assert api("post", f"/price-changes/{third.pk}/recall", {"reason": "late"})[0] == 409
    status, made = api("post", f"/price-changes/{third.pk}/opposite")
    assert status == 201 and made["state"] == "draft" and made["lines"][0]["amount"].startswith("100")
    assert reverse("price_change_opposite", args=[third.pk]) in browser.get(reverse("price_change", args=[third.pk])).content.decode()
