"""Tables of the books. Entries and their lines are the truth and never change; balances and open items are kept in the same transaction.

Amounts have two decimals, debit more than zero, credit less; entries and lines are leaves with the month in every unique key.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.catalog.models import Category
from qudao.ledger.states import BY_CATEGORY, BY_RATE, Account, Kind, PeriodState, Side


def _money(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=2, **options)


def _organisation(**options: Any) -> models.ForeignKey:
    return models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", **options)


#: No foreign key check of their own on hot rows: the balance upserted in the same transaction proves both organisations.
LEAF: dict[str, Any] = {"db_constraint": False, "db_index": False}


class Entry(Row):
    """One balanced posting in the books of one organisation, about one document. Append-only."""

    org = _organisation(**LEAF)
    month = models.DateField()
    date = models.DateField(help_text=_("The business date that decides the period."))
    at = models.DateTimeField()
    kind = models.CharField(max_length=32)
    source_key = models.CharField(max_length=80, help_text=_("What caused it; the same cause is posted once."))
    currency = models.CharField(max_length=3)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    number = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "source_key", "month"],
                name="ledger_entry_source_key_unique",
                violation_error_message=_("This is already posted."),
            )
        ]
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="ledger_entry_subject")]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_key}"


class EntryLine(Row):
    """A debit (more than zero) or credit (less) of one account. Organisation, date and currency repeat the entry, so that reports need no join."""

    entry_id = models.BigIntegerField()
    org = _organisation(**LEAF)
    month = models.DateField()
    date = models.DateField()
    account = models.CharField(max_length=16, choices=Account.choices)
    counterparty = _organisation(null=True, **LEAF)
    currency = models.CharField(max_length=3)
    amount = _money()
    #: of what is posted by category or tax rate; lines of before have neither. The category is the one the product had then, and no foreign key
    category_id = models.BigIntegerField(null=True)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4, null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount=0), name="ledger_entryline_amount_not_zero", violation_error_message=_("A line of an entry is never zero.")
            ),
            models.CheckConstraint(
                condition=Q(account__in=Account.values), name="ledger_entryline_account_known", violation_error_message=_("There is no such account.")
            ),
        ]
        indexes = [models.Index(fields=["org", "counterparty", "date"], name="ledger_entryline_party")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount}"


class Balance(Row):
    """The sum of all lines of one account with one counterparty in one currency, of one category and tax rate where it is posted by them."""

    org = _organisation()
    account = models.CharField(max_length=16, choices=Account.choices)
    counterparty = _organisation(null=True)
    currency = models.CharField(max_length=3)
    amount = _money(default=0)
    category_id = models.BigIntegerField(null=True)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "account", "counterparty", "currency", "category_id", "tax_rate"],
                nulls_distinct=False,
                name="ledger_balance_key_unique",
                violation_error_message=_("This balance already exists."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"


class OpenItem(Row):
    """What one document still leaves to be paid, in the books of one side. The same document has one on each side, always equally open."""

    org = _organisation()
    side = models.CharField(max_length=10, choices=Side.choices)
    counterparty = _organisation(db_index=False)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    number = models.CharField(max_length=64, blank=True, default="")
    date = models.DateField()
    due_on = models.DateField()
    currency = models.CharField(max_length=3)
    amount = _money()
    open_amount = _money()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(open_amount__gte=0) & Q(open_amount__lte=F("amount")) & Q(amount__gt=0),
                name="ledger_openitem_open_within_amount",
                violation_error_message=_("What is open lies between zero and the amount of the document."),
            ),
            models.CheckConstraint(
                condition=~Q(org=F("counterparty")),
                name="ledger_openitem_two_sides",
                violation_error_message=_("Nobody owes himself."),
            ),
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "side"],
                name="ledger_openitem_subject_unique",
                violation_error_message=_("This document already has an open item."),
            ),
        ]
        indexes = [
            # Ageing, and how long a buyer is overdue, read only what is open.
            models.Index(
                fields=["org", "side", "counterparty", "due_on"],
                include=["open_amount", "currency"],
                condition=Q(open_amount__gt=0),
                name="ledger_openitem_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.open_amount}"


class ChartAccount(Row):
    """An account of an organisation's own chart: code and names. Entries do not name it; `Mapping` says where they go, when they are read."""

    org = _organisation()
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80, blank=True, default="")
    kind = models.CharField(max_length=10, choices=Kind.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "code"], name="ledger_chartaccount_code_unique", violation_error_message=_("The chart already has this code.")
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(name=""), name="ledger_chartaccount_named", violation_error_message=_("An account needs a code and a name.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Mapping(Row):
    """Where one kind of posting (goods invoiced, tax, payment…) goes in an organisation's chart: all of it, or of one category (with all below it)
    or tax rate. The most exact rule counts, the category first.
    """

    org = _organisation()
    account = models.CharField(max_length=16, choices=Account.choices)
    chart = models.ForeignKey(ChartAccount, on_delete=models.PROTECT, related_name="mapped")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "account", "category", "tax_rate"],
                nulls_distinct=False,
                name="ledger_mapping_account_unique",
                violation_error_message=_("This is already assigned to an account."),
            ),
            models.CheckConstraint(
                condition=(Q(category=None) | Q(account__in=BY_CATEGORY)) & (Q(tax_rate=None) | Q(account__in=BY_RATE, tax_rate__gte=0, tax_rate__lt=1)),
                name="ledger_mapping_told_apart",
                violation_error_message=_("Only revenue, purchases and tax are told apart."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} → {self.chart_id}"

    @property
    def posting(self) -> str:
        """The kind of posting in words."""
        return str(Account(self.account).label)


class Period(Row):
    """Whether a month of an organisation's books is locked. No row: open."""

    org = _organisation()
    month = models.DateField()
    state = models.CharField(max_length=8, choices=PeriodState.choices, default=PeriodState.OPEN)
    state_since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["org", "month"], name="ledger_period_month_unique", violation_error_message=_("This month already has a period.")),
            models.CheckConstraint(
                condition=Q(month__day=1), name="ledger_period_month_first", violation_error_message=_("A period begins on the first of a month.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.state}"


class Reminder(Row):
    """On this day an organisation reminded who owes it of what is overdue. Once a day; what was said stands in the notice and in the log."""

    org = _organisation(db_index=False)
    counterparty = _organisation(db_index=False)
    day = models.DateField()
    at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "counterparty", "day"],
                name="ledger_reminder_day_unique",
                violation_error_message=_("They have already been reminded today."),
            ),
            models.CheckConstraint(condition=~Q(org=F("counterparty")), name="ledger_reminder_two_sides", violation_error_message=_("Nobody owes himself.")),
        ]

    def __str__(self) -> str:
        return f"{self.org_id} → {self.counterparty_id}: {self.day}"
