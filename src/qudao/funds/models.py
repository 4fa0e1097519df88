"""Tables of credit: one account per agreement with its buckets, and the append-only entries that explain every bucket."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.funds.states import Bucket, EntryKind


def _money(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=2, **options)


def _not_negative(column: str, message: Any) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{column}__gte": 0}), name=f"funds_account_{column}_not_negative", violation_error_message=message)


class Account(Row):
    """The credit a seller gives a buyer under one agreement. Exposure = ordered + shipped + invoiced − unapplied; it never passes the limit by a hold.

    `prepaid` as in the agreement: then there is no limit, `unapplied` is the buyer's balance, and the three other buckets are what is frozen of it
    until its invoice takes it; a constraint keeps it covered.
    `temp_limit` counts up to and including `temp_until`. `tolerance`: overdue amounts up to it are forgiven; `grace_days`: so are younger ones.
    """

    goes_with = "agreement"

    agreement = models.OneToOneField("agreements.Agreement", on_delete=models.PROTECT, related_name="+")
    seller = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    buyer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    limit_amount = _money(default=0)
    temp_limit = _money(default=0)
    temp_until = models.DateField(null=True, blank=True)
    grace_days = models.PositiveSmallIntegerField(default=0)
    tolerance = _money(default=0)
    prepaid = models.BooleanField(default=False, help_text=_("No credit: orders pass within what was paid before."))
    ordered = _money(default=0)
    shipped = _money(default=0)
    invoiced = _money(default=0)
    unapplied = _money(default=0)
    frozen = models.BooleanField(default=False)
    frozen_reason = models.CharField(max_length=200, blank=True, default="")
    state_since = models.DateTimeField(help_text=_("Since when it is frozen, or not."))
    # A column of its own that seldom changes: an index on the buckets themselves would have to be written with every order.
    beyond = models.GeneratedField(
        expression=GreaterThan(F("ordered") + F("shipped") + F("invoiced") - F("unapplied"), F("limit_amount")),
        output_field=models.BooleanField(), db_persist=True, help_text=_("Whether the exposure is beyond the permanent limit."),
    )  # fmt: skip

    class Meta:
        indexes = [
            models.Index(fields=["seller"], condition=Q(beyond=True), name="funds_account_beyond"),
            models.Index(fields=["seller"], condition=Q(frozen=True), name="funds_account_frozen"),
        ]
        constraints = [
            _not_negative("ordered", _("More would leave the confirmed orders than they hold.")),
            _not_negative("shipped", _("More would leave what is shipped than it holds.")),
            _not_negative("invoiced", _("More would leave what is invoiced than it holds.")),
            _not_negative("unapplied", _("More would be applied than was paid.")),
            models.CheckConstraint(
                condition=Q(limit_amount__gte=0) & Q(temp_limit__gte=0) & Q(tolerance__gte=0),
                name="funds_account_limits_not_negative",
                violation_error_message=_("A limit cannot be less than zero."),
            ),
            models.CheckConstraint(
                condition=Q(temp_limit=0) | Q(temp_until__isnull=False),
                name="funds_account_temp_until_given",
                violation_error_message=_("A temporary limit needs a last day."),
            ),
            models.CheckConstraint(
                condition=Q(prepaid=False) | Q(limit_amount=0, temp_limit=0),
                name="funds_account_prepaid_no_credit",
                violation_error_message=_("A prepaid account has no credit limit."),
            ),
            models.CheckConstraint(
                condition=Q(prepaid=False) | Q(unapplied__gte=F("ordered") + F("shipped") + F("invoiced")),
                name="funds_account_prepaid_covered",
                violation_error_message=_("More would be frozen than was paid before."),
            ),
            models.CheckConstraint(
                condition=~Q(seller=F("buyer")), name="funds_account_two_sides", violation_error_message=_("Nobody gives credit to himself.")
            ),
            models.CheckConstraint(
                condition=Q(frozen=True) | Q(frozen_reason=""),
                name="funds_account_frozen_reason_fits",
                violation_error_message=_("Only a frozen account has a reason for the freeze."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seller_id} → {self.buyer_id}: {self.limit_amount} {self.currency}"


class Entry(Row):
    """One change of one bucket. A hold also keeps the exposure after it and the limit it passed under; `note` says why it passed above the limit.

    Append-only, nothing points here, the month is in the key: the table can be partitioned.
    """

    account_id = models.BigIntegerField()
    month = models.DateField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=EntryKind.choices)
    bucket = models.CharField(max_length=10, choices=Bucket.choices)
    amount = _money()
    exposure = _money(help_text=_("The exposure of the account after the change."))
    limit_amount = _money(help_text=_("The limit, with a valid temporary one, at that moment."))
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    number = models.CharField(max_length=64, blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(bucket__in=Bucket.values) & Q(kind__in=EntryKind.values) & ~Q(amount=0),
                name="funds_entry_bucket_known",
                violation_error_message=_("An entry changes a known bucket by an amount."),
            )
        ]
        indexes = [
            models.Index(fields=["account_id", "at"], name="funds_entry_account"),
            models.Index(fields=["subject_kind", "subject_id"], name="funds_entry_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.bucket} {self.amount}"
