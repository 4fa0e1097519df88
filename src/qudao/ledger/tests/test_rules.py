"""Decisions about the books, without a database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from qudao.kernel.errors import Invalid, Refused
from qudao.ledger import rules
from qudao.ledger.rules import Posting
from qudao.ledger.states import Account, Bucket

D = Decimal
DAY = date(2026, 3, 31)


def entry(*lines, key="invoice:1", org=1):
    return Posting(org, DAY, "invoice", key, lines)


def test_a_balanced_entry_passes():
    rules.check_postings([entry((Account.RECEIVABLE, 2, D("113.00")), (Account.REVENUE, 2, D("-100.00")), (Account.OUTPUT_TAX, 2, D("-13.00")))])


def test_an_entry_that_differs_by_a_cent_is_refused():
    with pytest.raises(Refused) as refused:
        rules.check_postings([entry((Account.RECEIVABLE, 2, D("113.00")), (Account.REVENUE, 2, D("-112.99")))])
    assert dict(refused.value.faults[0].params) == {"difference": "0.01"}


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([(Account.BANK, None, D("1.00"))], "ledger.empty_entry"),
        ([(Account.BANK, None, D(0)), (Account.RECEIVABLE, 2, D(0))], "ledger.empty_entry"),
        ([(Account.BANK, None, D("1.001")), (Account.RECEIVABLE, 2, D("-1.001"))], "ledger.amount"),
        ([(Account.BANK, None, 1.5), (Account.RECEIVABLE, 2, -1.5)], "ledger.amount"),
    ],
)
def test_lines_are_at_least_two_amounts_of_whole_cents(lines, code):
    with pytest.raises(Invalid) as refused:
        rules.check_postings([entry(*lines)])
    assert code in [f.code for f in refused.value.faults]


def test_one_call_names_each_source_once():
    one = entry((Account.BANK, 2, D(1)), (Account.RECEIVABLE, 2, D(-1)))
    with pytest.raises(Invalid, match=r"ledger\.same_source"):
        rules.check_postings([one, one])


@pytest.mark.parametrize(
    ("due", "bucket"),
    [
        (date(2026, 3, 31), Bucket.NOT_DUE),
        (date(2026, 3, 30), Bucket.DAYS_30),
        (date(2026, 3, 1), Bucket.DAYS_30),
        (date(2026, 2, 28), Bucket.DAYS_60),
        (date(2025, 12, 31), Bucket.DAYS_90),
        (date(2025, 12, 30), Bucket.DAYS_180),
        (date(2025, 10, 2), Bucket.DAYS_180),
        (date(2025, 10, 1), Bucket.OLDER),
    ],
)
def test_ageing_counts_from_the_due_date(due, bucket):
    assert rules.bucket_of(due, DAY) == bucket


def test_a_month_is_locked_only_after_its_last_day():
    rules.check_month_over(date(2026, 2, 1), date(2026, 3, 1))
    with pytest.raises(Refused, match=r"ledger\.month_not_over"):
        rules.check_month_over(date(2026, 2, 1), date(2026, 2, 28))
