"""Hold, shift, release and the work of finance on a real database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from qudao.agreements.events import AgreementActivated
from qudao.base.access import system_actor
from qudao.base.action import unit
from qudao.base.models import ActionLog, Event
from qudao.base.outbox import Event as Delivered
from qudao.base.subject import Subject
from qudao.funds import queries
from qudao.funds.actions import LimitTerms, ensure_account, freeze, hold, open_account, recheck, release, set_limit, shift, unfreeze
from qudao.funds.models import Account, Entry
from qudao.funds.reactions import open_accounts
from qudao.funds.tests.make import assert_sound, fill, in_unit, make_account, make_agreement, order
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.actions import ItemSpec, open_items

D = Decimal


def buckets(agreement):
    a = Account.unscoped.get(buyer_id=agreement.buyer_id)
    return a.ordered, a.shipped, a.invoiced, a.unapplied


def captured(django_assert_num_queries, number):
    return django_assert_num_queries(number + 2)  # the savepoint of the test's own transaction


def test_the_worked_example_is_held_by_the_database_too(cast, agreement):
    make_account(agreement, LimitTerms(D("500000.00"), D("50000.00"), clock.today() + timedelta(days=30)))
    fill(agreement, invoiced="210000.00", shipped="60000.00", ordered="120000.00", unapplied="15000.00")
    with pytest.raises(Refused) as refused:
        in_unit(hold, agreement.pk, D("190000.00"), order(1))
    (fault,) = refused.value.faults
    assert (fault.code, dict(fault.params)) == (
        "funds.limit",
        {"limit": D("550000.00"), "exposure": D("375000.00"), "available": D("175000.00"), "short": D("15000.00")},
    )
    assert buckets(agreement)[0] == D("120000.00")
    in_unit(hold, agreement.pk, D("175000.00"), order(2))
    assert queries.credit(cast.dealer, agreement.pk).available == D("0.00")
    assert_sound()


def test_a_hold_takes_two_statements_a_shift_and_a_release_one(agreement, account, django_assert_num_queries):
    with captured(django_assert_num_queries, 2):
        in_unit(hold, agreement.pk, D("400.00"), order(1))
    with captured(django_assert_num_queries, 1):
        in_unit(shift, agreement.pk, [("ordered", "shipped", D("300.00"))], order(1))
    with captured(django_assert_num_queries, 2):  # and the outbox
        in_unit(release, agreement.pk, D("100.00"), order(1))
    assert buckets(agreement) == (D(0), D(300), D(0), D(0))
    assert list(Entry.unscoped.order_by("id").values_list("kind", "bucket", "amount", "exposure", "limit_amount")) == [
        ("hold", "ordered", D(400), D(400), D(1000)),
        ("shift", "ordered", D(-300), D(400), D(1000)),
        ("shift", "shipped", D(300), D(400), D(1000)),
        ("release", "ordered", D(-100), D(300), D(1000)),
    ]
    assert_sound()


def test_a_trade_walks_through_the_buckets_and_only_money_gives_credit_back(agreement, account):
    in_unit(hold, agreement.pk, D("400.00"), order(1))
    in_unit(shift, agreement.pk, [("ordered", "shipped", D("400.00"))], order(1))
    in_unit(shift, agreement.pk, [("shipped", "invoiced", D("400.00"))], order(1))
    assert not Event.unscoped.filter(name="funds.ExposureReduced").exists()
    in_unit(shift, agreement.pk, [(None, "unapplied", D("250.00"))], order(1))
    assert Event.unscoped.get(name="funds.ExposureReduced").payload["amount"] == "250.00"
    in_unit(shift, agreement.pk, [("unapplied", None, D("250.00")), ("invoiced", None, D("250.00"))], order(1))
    told = [event.payload["amount"] for event in Event.unscoped.filter(name="funds.ExposureReduced").order_by("id")]
    assert told == ["250.00", "0.00"], "what is paid with money that was there frees nothing, but may end what was overdue"
    assert buckets(agreement) == (D(0), D(0), D(150), D(0))
    assert_sound()


@pytest.mark.parametrize("bucket", ["ordered", "shipped", "invoiced", "unapplied"])
def test_no_bucket_falls_below_zero(agreement, account, bucket):
    with pytest.raises(Refused, match=rf"funds\.account_{bucket}_not_negative"):
        in_unit(shift, agreement.pk, [(bucket, None, D("0.01"))], order(1))
    assert buckets(agreement) == (D(0), D(0), D(0), D(0))


def test_without_an_account_nothing_can_be_held_or_shifted(cast):
    bare = make_agreement(cast.lh, cast.d002)
    for part, args in ((hold, (D(1), order(1))), (shift, ([(None, "ordered", D(1))], order(1))), (recheck, ())):
        with pytest.raises(Refused, match=r"funds\.no_account"):
            in_unit(part, bare.pk, *args)


def test_a_temporary_limit_ends_with_its_day(agreement):
    with clock.freeze(datetime(2026, 3, 1, 4, tzinfo=UTC)):
        make_account(agreement, LimitTerms(D("100.00"), D("50.00"), date(2026, 3, 10)))
    with clock.freeze(datetime(2026, 3, 11, 4, tzinfo=UTC)):
        with pytest.raises(Refused, match=r"funds\.limit"):
            in_unit(hold, agreement.pk, D("100.01"), order(1))
    with clock.freeze(datetime(2026, 3, 10, 4, tzinfo=UTC)):
        in_unit(hold, agreement.pk, D("150.00"), order(1))
    assert_sound()


def test_overdue_comes_from_the_sellers_open_items(cast, agreement):
    make_account(agreement, LimitTerms(D("1000.00"), grace_days=10))
    today = clock.today()

    def owe(n, days):
        invoice = Subject("billing.invoice", n, cast.lh.pk, cast.d001.pk, f"INV-{n}")
        in_unit(open_items, [ItemSpec(invoice, today - timedelta(days=60), today - timedelta(days=days), D("100.00"))])

    owe(1, 10)
    in_unit(hold, agreement.pk, D("1.00"), order(1))
    in_unit(recheck, agreement.pk)
    owe(2, 11)
    with pytest.raises(Refused) as refused:
        in_unit(hold, agreement.pk, D("1.00"), order(2))
    assert [(f.code, dict(f.params)) for f in refused.value.faults] == [("funds.overdue", {"amount": D("200.00"), "days": 11, "grace_days": 10})]
    with pytest.raises(Refused, match=r"funds\.overdue"):
        in_unit(recheck, agreement.pk)


def test_finance_lets_an_order_pass_with_a_note(agreement, account):
    in_unit(hold, agreement.pk, D("1500.00"), order(1), note="guaranteed by the owner")
    assert Entry.unscoped.get().note == "guaranteed by the owner"
    assert_sound()


def test_an_order_of_nothing_is_checked_and_not_written(agreement, account):
    in_unit(hold, agreement.pk, D("0.00"), order(1))
    assert not Entry.unscoped.exists()
    for bad in (D("-1.00"), D("0.001"), 1.5):
        with pytest.raises(Invalid, match=r"funds\.amount"):
            in_unit(hold, agreement.pk, bad, order(1))


# --- accounts ---


def test_an_account_is_opened_once_by_the_activation(cast, agreement):
    event = Event.unscoped.filter(name="agreements.AgreementActivated").latest("id")
    subject = Subject(event.subject_kind, event.subject_id)
    told = Delivered(event.pk, event.name, subject, AgreementActivated(**event.payload), event.at)
    for _again in range(2):
        unit(lambda: open_accounts([told], actor=system_actor(cause=event.pk)))
    account = Account.unscoped.get()
    assert (account.seller, account.buyer, account.currency, account.limit_amount) == (cast.lh, cast.d001, "CNY", D(0))
    with pytest.raises(NotFound):
        in_unit(ensure_account, 999999)


def test_the_sellers_finance_sets_the_limit_with_a_reason(cast, agreement):
    account = open_account(agreement.pk, actor=cast.hq_finance)
    terms = LimitTerms(D("5000.00"), D("100.00"), clock.today(), 30, D("1.00"))
    set_limit(account.pk, terms, "good payer", actor=cast.hq_finance)
    account.refresh_from_db()
    assert (account.limit_amount, account.temp_limit, account.grace_days, account.tolerance) == (D(5000), D(100), 30, D(1))
    line = ActionLog.unscoped.get(verb="funds.set_limit")
    assert (line.before, line.after, line.reason, line.detail["grace_days"]) == ("0.00", "5000.00", "good payer", ["0", "30"])
    assert Event.unscoped.get(name="funds.LimitChanged").payload["limit"] == "5100.00"
    set_limit(account.pk, LimitTerms(D("5000.00")), "back to normal", actor=cast.hq_finance)
    set_limit(account.pk, LimitTerms(D("5000.00")), "nothing changes", actor=cast.hq_finance)
    assert ActionLog.unscoped.filter(verb="funds.set_limit").count() == 2


def test_a_buyer_or_a_stranger_never_sets_a_limit(cast, agreement, account):
    terms = LimitTerms(D("5000.00"))
    with pytest.raises(Forbidden):
        set_limit(account.pk, terms, "x", actor=cast.dealer)
    with pytest.raises(Forbidden):
        set_limit(account.pk, terms, "x", actor=cast.dealer_admin)  # sees it, but is the buyer
    with pytest.raises(NotFound):
        set_limit(account.pk, terms, "x", actor=cast.stranger_admin)
    with pytest.raises(NotFound):
        open_account(agreement.pk + 1000, actor=cast.hq_finance)
    with pytest.raises(Forbidden):
        open_account(agreement.pk, actor=cast.dealer_admin)
    with pytest.raises(Invalid, match=r"funds\.reason_missing"):
        set_limit(account.pk, terms, " ", actor=cast.hq_finance)
    with pytest.raises(Invalid, match=r"funds\.temp_until_missing"):
        set_limit(account.pk, LimitTerms(D(1), temp_limit=D(1)), "x", actor=cast.hq_finance)


def test_a_frozen_account_passes_nothing_until_it_is_unfrozen(cast, agreement, account):
    freeze(account.pk, "cheque bounced", actor=cast.hq_finance)
    with pytest.raises(Refused, match=r"funds\.frozen"):
        in_unit(hold, agreement.pk, D("1.00"), order(1))
    with pytest.raises(Refused, match=r"funds\.frozen"):
        in_unit(recheck, agreement.pk)
    with pytest.raises(Refused, match=r"funds\.already_frozen"):
        freeze(account.pk, "again", actor=cast.hq_finance)
    unfreeze(account.pk, "paid", actor=cast.hq_finance)
    with pytest.raises(Refused, match=r"funds\.not_frozen"):
        unfreeze(account.pk, "again", actor=cast.hq_finance)
    in_unit(hold, agreement.pk, D("1.00"), order(1))
    logged = ActionLog.unscoped.filter(subject_kind="funds.account", verb__contains="freeze").order_by("id").values_list("before", "after")
    assert list(logged) == [("open", "stop"), ("stop", "open")]


# --- what the database refuses by itself ---


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("ordered = -1", "funds_account_ordered_not_negative"),
        ("shipped = -1", "funds_account_shipped_not_negative"),
        ("invoiced = -1", "funds_account_invoiced_not_negative"),
        ("unapplied = -1", "funds_account_unapplied_not_negative"),
        ("limit_amount = -1", "funds_account_limits_not_negative"),
        ("temp_limit = 1", "funds_account_temp_until_given"),
        ("buyer_id = seller_id", "funds_account_two_sides"),
        ("by_hand_reason = 'x'", "funds_account_by_hand_fits"),
        ("by_hand = 'watch'", "funds_account_by_hand_fits"),
        ("grace_days = 5, stop_days = 4", "funds_account_rules_fit"),
        ("watch_percent = 101", "funds_account_rules_fit"),
    ],
)
def test_constraints_hold_against_any_sql(account, change, name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE funds_account SET {change}")


def test_entries_never_change_and_name_a_bucket(agreement, account):
    in_unit(hold, agreement.pk, D("1.00"), order(1))
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Entry.unscoped.update(amount=2)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Entry.unscoped.all().delete()
    row = Entry.unscoped.get()
    values = {f.attname: getattr(row, f.attname) for f in Entry._meta.fields if f.attname != "id"} | {"bucket": "purse"}
    with pytest.raises(IntegrityError, match="funds_entry_bucket_known"), transaction.atomic():
        Entry.unscoped.create(**values)
