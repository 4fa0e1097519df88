"""Goods of several orders on one invoice: on its day, or now; each order keeps its part; nothing is billed twice or forgotten."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.models import SearchEntry
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.billing import rules
from qudao.billing.actions import end_cycle, issue_all_invoices, issue_collective, issue_invoices, set_cycle
from qudao.billing.jobs import collect
from qudao.billing.models import Collective, Cycle, Invoice, InvoiceLine
from qudao.billing.prints import collective_papers
from qudao.billing.queries import collectives, unscoped_upcoming
from qudao.fulfilment.tests.make import place, received
from qudao.funds.queries import unscoped_card
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.models import OpenItem
from qudao.orders.tests.make import assert_sound
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()


def monthly(world, day=25):
    return set_cycle(world.agreement.pk, "month", day, actor=world.cast.hq_finance)


def two_orders(world):
    """Two orders received and waiting to be invoiced together: 300.00 and 700.00."""
    orders = [place(world, 3), place(world, 2, 5)]
    for order in orders:
        received(world, order)
    drain()
    return orders


def refused(kind, body):
    with pytest.raises(kind) as caught:
        body()
    return [(fault.code, fault.field) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("every", "day", "after", "found"),
    [
        ("week", 1, date(2026, 11, 22), date(2026, 11, 23)), ("week", 7, date(2026, 11, 22), date(2026, 11, 29)),
        ("month", 25, date(2026, 11, 24), date(2026, 11, 25)), ("month", 25, date(2026, 11, 25), date(2026, 12, 25)),
        ("month", 31, date(2026, 2, 27), date(2026, 2, 28)), ("month", 31, date(2026, 12, 31), date(2027, 1, 31)),
        ("half", 0, date(2026, 11, 14), date(2026, 11, 15)), ("half", 0, date(2026, 11, 15), date(2026, 11, 30)),
        ("half", 0, date(2026, 11, 30), date(2026, 12, 15)),
    ],
)  # fmt: skip
def test_the_next_day(every, day, after, found):
    assert rules.next_day(every, day, after) == found


def test_what_was_received_waits_and_is_one_invoice_with_a_part_for_each_order(world):
    monthly(world)
    one, two = two_orders(world)
    assert not Invoice.unscoped.exists() and unscoped_card(world.agreement.pk).position.shipped == D(1000)
    assert [(trade.id, gross) for trade, gross in unscoped_upcoming(world.agreement)] == [(one.pk, D(300)), (two.pk, D(700))]
    made = issue_collective(world.agreement.pk, actor=world.cast.hq_finance)
    today = clock.today()
    assert (made.number, made.gross, made.part_count, made.date, made.due_on) == ("INV-LH-000001", D(1000), 2, today, today + timedelta(days=30))
    parts = Invoice.unscoped.filter(collective=made).order_by("id")
    assert [(x.number, x.order_id, x.gross, x.due_on) for x in parts] == [
        ("INV-LH-000001/1", one.pk, D(300), made.due_on), ("INV-LH-000001/2", two.pk, D(700), made.due_on),
    ]  # fmt: skip
    assert InvoiceLine.unscoped.count() == 3 and made.net + made.tax == made.gross == sum(x.gross for x in parts)
    position = unscoped_card(world.agreement.pk).position
    assert (position.shipped, position.invoiced) == (0, D(1000))
    assert sum(OpenItem.unscoped.filter(side="receivable").values_list("open_amount", flat=True)) == D(1000)
    for order in (one, two):
        order.refresh_from_db()
        assert (order.billing, order.payment) == ("full", "none")
    assert_sound()
    assert refused(Refused, lambda: issue_collective(world.agreement.pk, actor=world.cast.hq_finance)) == [("billing.nothing_to_collect", "")]
    assert issue_collective(world.agreement.pk, actor=SYSTEM) is None
    alone = place(world, 1)
    received(world, alone)
    (invoice,) = issue_invoices(alone.pk, actor=world.cast.hq_finance)  # a single one in between, by hand
    assert (invoice.number, invoice.collective_id) == ("INV-LH-000002", None)
    assert_sound()


def test_the_buyer_is_told_once_and_the_statements_do_not_grow_with_the_orders(world, django_assert_max_num_queries):
    monthly(world)
    two_orders(world)
    with django_assert_max_num_queries(22):
        issue_collective(world.agreement.pk, actor=world.cast.hq_finance)
    from qudao.base.models import Event

    asked = [event.payload["code"] for event in Event.unscoped.filter(name="base.NoticeAsked")]
    assert [code for code in asked if code.startswith("billing.")] == ["billing.collective_issued"]
    assert Event.unscoped.filter(name="billing.InvoiceIssued").count() == 2


def test_the_job_issues_it_on_its_day_once_and_sets_the_next(world):
    with clock.freeze(datetime(2026, 11, 24, 2, tzinfo=UTC)):
        assert monthly(world).next_on == date(2026, 11, 25)
        two_orders(world)
        collect(0)
        assert not Collective.unscoped.exists()
    for _time in range(2):
        with clock.freeze(datetime(2026, 11, 24, 16, 30, tzinfo=UTC)):  # half past midnight of the 25th
            collect(0)
    assert (Collective.unscoped.get().date, Cycle.unscoped.get().next_on) == (date(2026, 11, 25), date(2026, 12, 25))
    with clock.freeze(datetime(2026, 12, 28, 2, tzinfo=UTC)):  # nothing to invoice: the day moves all the same
        collect(0)
    assert Cycle.unscoped.get().next_on == date(2027, 1, 25) and Collective.unscoped.count() == 1
    assert_sound()


def test_back_to_each_delivery_at_once_invoices_what_waits(world):
    monthly(world)
    two_orders(world)
    assert end_cycle(world.agreement.pk, actor=world.cast.hq_finance).part_count == 2
    assert end_cycle(world.agreement.pk, actor=world.cast.hq_finance) is None
    order = place(world, 1)
    received(world, order)
    drain()
    assert Invoice.unscoped.get(order=order).collective_id is None
    assert_sound()


def test_only_the_seller_decides_and_issues(world):
    cast, pk = world.cast, world.agreement.pk
    with pytest.raises(Forbidden):
        set_cycle(pk, "month", 25, actor=world.dealer)
    with pytest.raises(Forbidden):
        set_cycle(pk, "month", 25, actor=cast.hq_warehouse)
    with pytest.raises((NotFound, Forbidden)):
        set_cycle(pk, "month", 25, actor=cast.stranger)
    for every, day, fault in (("month", 32, "day"), ("week", 8, "day"), ("half", 1, "day"), ("never", 1, "every")):
        assert refused(Invalid, lambda e=every, d=day: set_cycle(pk, e, d, actor=cast.hq_finance))[0][1] == fault
    monthly(world)
    with pytest.raises(Forbidden):
        issue_collective(pk, actor=world.dealer)
    with pytest.raises(Forbidden):
        end_cycle(pk, actor=world.dealer)
    made = two_orders(world) and issue_collective(pk, actor=cast.hq_finance)
    assert collectives(world.dealer).get() == made and not collectives(cast.stranger).exists()
    assert issue_all_invoices([], actor=SYSTEM) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("billing_collective_number_unique", {}), ("billing_collective_gross_is_net_and_tax", {"gross": 1, "number": "X"}),
        ("billing_collective_due_after_date", {"part_count": 0, "number": "X"}), ("billing_collective_sides_differ", {"buyer": "seller", "number": "X"}),
        ("billing_cycle_agreement_unique", None), ("billing_cycle_day_fits", None),
    ],
)  # fmt: skip
def test_each_constraint_holds(world, name, change):
    cycle = monthly(world)
    two_orders(world)
    row = issue_collective(world.agreement.pk, actor=world.cast.hq_finance) if change is not None else cycle
    row = type(row).unscoped.get(pk=row.pk)
    for field, value in (change or {}).items():
        setattr(row, f"{field}_id" if field == "buyer" else field, row.seller_id if value == "seller" else value)
    if name == "billing_cycle_day_fits":
        Cycle.unscoped.all().delete()
        row.day = 32
    row.pk = None
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        row.save(force_insert=True)


def test_pages_of_both_sides_and_the_paper(world, client):
    cast, pk = world.cast, world.agreement.pk
    page, address = sign_in(client, cast.hq_admin), reverse("agreement_invoicing", args=[pk])
    assert "Each delivery at once" in text(page.get(reverse("agreement", args=[pk])))
    assert page.post(address, {"every": "month", "day": "40"}).status_code == 422
    assert page.post(address, {"every": "month", "day": "25"}).status_code == 302
    told = text(page.get(reverse("agreement", args=[pk])))
    assert "Every month, on day 25" in told and "What comes next" in told
    assert page.post(address, {"every": "week", "weekday": "5"}).status_code == 302 and Cycle.unscoped.get().day == 5
    assert page.post(address, {"every": "half"}).status_code == 302 and Cycle.unscoped.get().day == 0
    one, two = two_orders(world)
    told = text(page.get(reverse("agreement_upcoming", args=[pk])))
    assert one.number in told and two.number in told and "1,000.00" in told and "Issue now" in told
    assert page.post(reverse("agreement_collecting", args=[pk])).status_code == 302
    made = Collective.unscoped.get()
    told = text(page.get(made.get_absolute_url()))
    for words in ("INV-LH-000001/1", "INV-LH-000001/2", one.number, "700.00", "Still to pay"):
        assert words in told
    assert "INV-LH-000001" in text(page.get(reverse("collective_invoices")))
    assert "Collective invoice" in text(page.get(reverse("invoice", args=[Invoice.unscoped.first().pk])))
    (paper,) = collective_papers(world.dealer, [made.pk])
    assert (paper.number, [row[0] for row in paper.rows]) == ("INV-LH-000001", [one.number, two.number, ""])
    buyer = sign_in(client, world.dealer)
    told = text(buyer.get(reverse("agreement_upcoming", args=[pk])))
    assert "Nothing was delivered that is not invoiced yet." in told and "Issue now" not in told
    assert text(buyer.get(made.get_absolute_url())).count("INV-LH-000001/") >= 2
    assert sign_in(client, cast.stranger).get(made.get_absolute_url()).status_code == 404
    assert sign_in(client, cast.hq_admin).post(address, {"every": ""}).status_code == 302 and not Cycle.unscoped.exists()


def test_the_same_over_the_api(world):
    api, pk = Api(world.cast.hq_finance), world.agreement.pk
    assert api("get", f"/agreements/{pk}/invoicing")[0] == 404
    assert api("put", f"/agreements/{pk}/invoicing", {"every": "month", "day": 0})[0] == 422
    status, told = api("put", f"/agreements/{pk}/invoicing", {"every": "month", "day": 25})
    assert (status, told["every"], told["day"]) == (200, "month", 25)
    assert api("post", f"/agreements/{pk}/collective-invoices")[0] == 409
    two_orders(world)
    status, told = api("get", f"/agreements/{pk}/upcoming-invoice")
    assert (status, D(told["gross"]), len(told["orders"])) == (200, D(1000), 2)
    status, told = api("post", f"/agreements/{pk}/collective-invoices")
    assert (status, told["number"], len(told["parts"]), D(told["open"])) == (201, "INV-LH-000001", 2, D(1000))
    found = Api(world.dealer)("get", f"/collective-invoices/{told['id']}")
    assert found[0] == 200 and [D(one["gross"]) for one in found[1]["parts"]] == [D(300), D(700)]
    assert Api(world.dealer)("get", "/collective-invoices")[1]["items"][0]["number"] == "INV-LH-000001"
    assert {one["collective_id"] for one in api("get", "/invoices")[1]["items"]} == {told["id"]}
    assert Api(world.cast.stranger)("get", f"/collective-invoices/{told['id']}")[0] == 404
    assert Api(world.dealer)("put", f"/agreements/{pk}/invoicing", {"every": "half"})[0] == 403
    assert api("get", f"/agreements/{pk}/invoicing")[1]["every"] == "month"


def test_the_whole_is_found_by_its_number_and_by_whoever_sees_it(world):
    monthly(world)
    two_orders(world)
    made = issue_collective(world.agreement.pk, actor=world.cast.hq_finance)
    assert SearchEntry.unscoped.get(subject_kind="billing.collective").number == made.number
    client = Client()
    found = text(sign_in(client, world.cast.hq_finance).get(reverse("collective_invoices"), {"q": made.number[-4:]}))
    assert made.number in found
