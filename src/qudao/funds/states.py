"""Buckets of credit, what an entry of an account records, and the sentences of this module's refusals."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Bucket(TextChoices):
    """What uses credit, in the order a trade goes through; `unapplied` cash gives credit back."""

    ORDERED = "ordered", _("Confirmed orders")
    SHIPPED = "shipped", _("Shipped, not invoiced")
    INVOICED = "invoiced", _("Invoiced, not paid")
    UNAPPLIED = "unapplied", _("Payments not yet applied")


#: +1 uses credit, -1 gives it back.
WEIGHT: dict[str, int] = {Bucket.ORDERED: 1, Bucket.SHIPPED: 1, Bucket.INVOICED: 1, Bucket.UNAPPLIED: -1}


class EntryKind(TextChoices):
    """Why a bucket changed."""

    HOLD = "hold", _("Held for an order")
    SHIFT = "shift", _("Moved on")
    RELEASE = "release", _("Released")


SENTENCES = {
    "funds.no_account": _("There is no credit account for this agreement."),
    "funds.account_unclear": _("This buyer has several agreements."),
    "funds.limit": _("The credit limit of {limit} is exceeded: {exposure} are in use, {available} are free, {short} are missing."),
    "funds.frozen": _("The credit account is frozen."),
    "funds.overdue": _("{amount} are overdue, the oldest for {days} days; {grace_days} days are allowed."),
    "funds.amount": _("{amount} is not an amount of money of zero or more with two decimals."),
    "funds.account_ordered_not_negative": _("More would leave the confirmed orders than they hold."),
    "funds.account_shipped_not_negative": _("More would leave what is shipped than it holds."),
    "funds.account_invoiced_not_negative": _("More would leave what is invoiced than it holds."),
    "funds.account_unapplied_not_negative": _("More would be applied than was paid."),
    "funds.bucket": _("There is no bucket “{bucket}”."),
    "funds.same_bucket": _("An amount cannot move from a bucket into the same bucket."),
    "funds.temp_until_missing": _("A temporary limit needs a last day, today or later."),
    "funds.grace_days": _("The days of grace must lie between 0 and 365."),
    "funds.reason_missing": _("Please give a reason."),
    "funds.already_frozen": _("The credit account is already frozen."),
    "funds.not_frozen": _("The credit account is not frozen."),
    "funds.other_currency": _("The account is kept in {currency}."),
}

REMEDIES = {
    "funds.account_unclear": _("Name the code of one."),
    "funds.no_account": _("Activate the agreement, or open the account."),
    "funds.limit": _("Pay open invoices, order less, or ask the seller's finance for a temporary limit."),
    "funds.frozen": _("Ask the seller's finance."),
    "funds.overdue": _("Pay the overdue invoices first."),
}
