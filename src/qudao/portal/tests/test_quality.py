"""The page of order quality: what it counts is what its links list, a storey above reads nothing of others, and the API says the same."""

from datetime import timedelta
from decimal import Decimal as D
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from qudao.analytics.queries import Quality, Span, quality, spans
from qudao.approvals.tests.make import make_rule
from qudao.base.access import Channel
from qudao.base.outbox import drain
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.orders.actions import approve_order, edit_order, return_order, submit_order, withdraw_order
from qudao.orders.tests.make import assert_sound, make_world, place, placing
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return make_world()


def figures(actor, side="sell"):
    whole = Quality()
    for one in quality(actor, side, clock.today() - timedelta(days=40)).values():
        whole.add(one)
    return whole


@pytest.fixture
def lived(world):
    """Two that went through, one typed in by the seller, one sent back, changed and signed; two refusals."""
    for n in (1, 2):
        place(world, n)
    place(world, 3, actor=world.cast.hq_clerk.through(Channel.PHONE))
    for _n in range(2):
        with pytest.raises(Refused):
            place(world, 2, 101)
    make_rule(world.cast.lh, "hq_clerk", "350")
    order = place(world, 4)
    return_order(order.pk, reason="how many?", actor=world.cast.hq_clerk)
    edit_order(order.pk, placing(world, 5), actor=world.dealer)
    approve_order(order.pk, actor=world.cast.hq_clerk)
    drain()
    return world


def test_touches_are_counted_by_kind_and_an_order_without_one_in_between_went_straight(lived):
    found = figures(lived.cast.hq_clerk)
    span = found.span
    assert (span.orders, span.straight, span.typed, span.signed, span.returned, span.changed, span.released) == (4, 3, 1, 1, 1, 0, 0)
    assert (span.untouched, span.once, span.twice, span.middle, span.hands) == (2, 1, 1, 0, 3)
    assert (found.refused, found.lines, found.wrong, found.errors) == (1, 2, 1, D(1) / 5)
    assert_sound()


def test_a_buyer_reads_the_same_of_its_purchases_and_nobody_else_reads_anything(lived):
    bought, sold = figures(lived.dealer, "buy"), figures(lived.cast.hq_clerk)
    assert (bought.span.orders, bought.span.straight, bought.span.hands, bought.refused) == (4, 3, 3, 1)
    assert bought.span.amount == sold.span.amount
    for actor, side in ((lived.dealer, "sell"), (lived.cast.stranger, "buy"), (lived.cast.stranger, "sell"), (lived.cast.hq_clerk, "buy")):
        assert figures(actor, side) == Quality()


def test_an_order_that_is_a_draft_again_counts_no_more_and_one_of_another_day_counts_there(world):
    make_rule(world.cast.lh, "hq_clerk", "1")
    first, second = place(world, 1), place(world, 2)
    drain()
    assert figures(world.cast.hq_clerk).span.orders == 2
    withdraw_order(first.pk, actor=world.dealer)
    drain()
    assert figures(world.cast.hq_clerk).span.orders == 1
    assert_sound()
    with clock.freeze(clock.now() + timedelta(days=1)):
        edit_order(second.pk, placing(world, 3), actor=world.dealer)
        submit_order(first.pk, actor=world.dealer)
        drain()
    assert sorted(day for (day, _channel) in quality(world.cast.hq_clerk, "sell", first.ordered_on)) == [first.ordered_on + timedelta(days=1)]
    assert_sound()


def test_each_figure_of_the_page_opens_what_it_counts(lived):
    client = sign_in(Client(), lived.cast.hq_clerk)
    shown = client.get("/insight/quality/").context
    assert [(row["n"], row["straight"], row["refused"]) for row in shown["rows"]] == [(4, 3, 1)]
    assert [(row["n"], row["refused"]) for row in shown["channels"]] == [(3, 1), (1, 0)]
    (row,), (reason,) = shown["rows"], shown["reasons"]
    wanted = [(row["orders"], 4), (row["straight_url"], 3), (row["refused_url"], 1), (reason["url"], 1), (shown["channels"][1]["orders"], 1)]
    wanted += [(touch["url"], 1) for touch in shown["touches"]]
    for url, number in wanted:
        page = client.get(url)
        assert (page.status_code, page.context["count"]) == (200, str(number)), url
    week = client.get("/insight/quality/?by=week&side=buy&at=nonsense").context
    assert (week["rows"], week["title"]) == ([], shown["title"])


def test_the_page_costs_few_statements_and_its_file_has_its_rows(lived, django_assert_max_num_queries):
    client = sign_in(Client(), lived.cast.hq_clerk)
    with django_assert_max_num_queries(15):
        client.get("/insight/quality/")
    file = client.get("/insight/quality/?export=csv").content.decode("utf-8-sig").splitlines()
    assert sum(line.split(",")[1:3] == ["4", "3"] for line in file) == 1


def test_the_api_says_the_same(lived):
    got = Client().get("/api/v1/insight/quality?by=week", headers=bearer(lived.cast.hq_clerk)).json()
    assert sum(one["orders"] for one in got["items"]) == 4
    assert sum(one["refused"] for one in got["items"]) == 1
    assert got["reasons"] == {"stock": 1}
    (one,) = Client().get("/api/v1/orders/refusals?reason=stock", headers=bearer(lived.dealer)).json()["items"]
    assert (one["codes"], one["lines"], one["lines_wrong"], one["tries"], one["buyer_id"]) == (["inventory.short"], 2, 1, 2, lived.cast.d001.pk)
    assert Client().get("/api/v1/orders/refusals", headers=bearer(lived.cast.stranger)).json()["items"] == []


def test_the_desk_and_its_file_count_what_they_refuse_before_placing(world):
    client = sign_in(Client(), world.dealer)
    sent = {"agreement": world.agreement.pk, "lines-ref": ["a"], "lines-code": ["NO-SUCH"], "lines-qty": ["many"]}
    assert client.post("/orders/new/", sent).status_code == 422
    assert (figures(world.dealer, "buy").refused, figures(world.dealer, "buy").wrong) == (1, 1)
    file = SimpleUploadedFile("order.csv", f"code,qty\n{world.products[0].code},1\nNO-SUCH,2\n".encode())
    assert client.post("/orders/new/file/", {"agreement": world.agreement.pk, "file": file}).status_code == 200
    assert sorted((channel, one.refused, one.wrong) for (_day, channel), one in quality(world.dealer, "buy", clock.today()).items()) == [
        ("file", 1, 1),
        ("page", 1, 1),
    ]


def test_spans_follow_each_other_without_a_gap():
    for by in ("month", "week"):
        found = spans(by, clock.today())
        assert len(found) == 13
        assert found[-1][0] <= clock.today() <= found[-1][1]
        assert all(after[0] - before[1] == timedelta(days=1) for before, after in pairwise(found))


@pytest.mark.parametrize(("counts", "middle"), [((1, 0, 0, 0), 0), ((1, 1, 1, 0), 1), ((0, 0, 1, 4), 3), ((2, 2, 0, 0), 0), ((0, 0, 0, 0), None)])
def test_the_order_in_the_middle(counts, middle):
    untouched, once, twice, _more = counts
    assert Span(orders=sum(counts), untouched=untouched, once=once, twice=twice).middle == middle


def test_addresses_of_the_page_are_its_own(lived):
    page = sign_in(Client(), lived.dealer).get("/insight/quality/")
    assert {urlsplit(side["url"]).query.partition("&")[0] for side in page.context["sides"]} == {"side=sell", "side=buy"}
