"""Tables of credit: one account of a seller and a buyer in a currency, with its buckets and state, and the append-only entries that explain them."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import GreaterThan
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.funds.rules import LimitTerms, Wanted
from qudao.funds.states import Bucket, DepositKind, EntryKind, RequestState, State


def _money(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=2, **options)


def _not_negative(column: str, message: Any) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{column}__gte": 0}), name=f"funds_account_{column}_not_negative", violation_error_message=message)


def _patience() -> Q:
    stop = Q(stop_days=None) | Q(stop_days__gte=F("grace_days"), stop_days__lte=3650)
    return stop & (Q(watch_percent=None) | Q(watch_percent__gte=1, watch_percent__lte=100))


class SharedLimit(Row):
    """One limit that a seller gives a head office and organisations below it together: what all their accounts use counts against it, their own limits do not.

    `used` is the sum of their exposures, kept by the statement that changes a bucket; whoever uses more waits for this row.
    """

    seller = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    head = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    limit_amount = _money(default=0)
    temp_limit = _money(default=0)
    temp_until = models.DateField(null=True, blank=True)
    used = _money(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "head", "currency"],
                name="funds_sharedlimit_head_unique",
                violation_error_message=_("The head office shares a limit in this currency already."),
            ),
            models.CheckConstraint(
                condition=Q(limit_amount__gte=0) & Q(temp_limit__gte=0) & (Q(temp_limit=0) | Q(temp_until__isnull=False)),
                name="funds_sharedlimit_limits_fit",
                violation_error_message=_("A limit cannot be less than zero, and a temporary one needs a last day."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.head_id}: {self.limit_amount} {self.currency}"

    def get_absolute_url(self) -> str:
        return reverse("shared_limit", args=[self.pk])

    @property
    def terms(self) -> LimitTerms:
        """What finance has set on it."""
        return LimitTerms(self.limit_amount, self.temp_limit, self.temp_until)


class Account(Row):
    """The credit a seller gives a buyer in a currency. Exposure = ordered + shipped + invoiced − unapplied; it never passes the limit by a hold.

    All agreements of the two in this currency share it (`queries.SHARED`), those before and those to come: a new agreement opens no new limit.
    Only terms that do not mix are apart: `prepaid` ones, and those for `transfers` between two buyers, which the giver does not limit.
    `prepaid` as in the agreement: then there is no limit, `unapplied` is the buyer's balance, and the three other buckets are what is frozen of it
    until its invoice takes it; a constraint keeps it covered.
    `temp_limit` counts up to and including `temp_until`. `tolerance`: overdue amounts up to it are forgiven; `grace_days`: so are younger ones.
    `state` is what lists and notices know of it, noted each night and with payments and limits; orders and shipments are judged on the position of
    their moment. `by_hand`: what a person wants whatever the rules say, up to and including `by_hand_until`.
    """

    seller = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    limit_amount = _money(default=0)
    temp_limit = _money(default=0)
    temp_until = models.DateField(null=True, blank=True)
    grace_days = models.PositiveSmallIntegerField(default=0)
    tolerance = _money(default=0)
    stop_days = models.PositiveSmallIntegerField(null=True, blank=True)
    watch_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    prepaid = models.BooleanField(default=False, help_text=_("No credit: orders pass within what was paid before."))
    transfers = models.BooleanField(default=False, help_text=_("Of agreements under which two buyers of one seller pass goods on."))
    ordered = _money(default=0)
    shipped = _money(default=0)
    invoiced = _money(default=0)
    unapplied = _money(default=0)
    shared = models.ForeignKey(SharedLimit, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text=_("Whose limit counts instead."))
    deposit_required = _money(default=0)
    deposit_first = models.BooleanField(default=False, help_text=_("Orders pass only when the deposit is paid."))
    deposit_held = _money(default=0)
    lined = models.BooleanField(default=False, help_text=_("Whether product lines have limits of their own."))
    by_hand = models.CharField(max_length=5, choices=State.choices, blank=True, default="")
    by_hand_until = models.DateField(null=True, blank=True)
    by_hand_reason = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=5, choices=State.choices, default=State.OK)
    state_since = models.DateTimeField()
    # A column of its own that seldom changes: an index on the buckets themselves would have to be written with every order.
    beyond = models.GeneratedField(
        expression=GreaterThan(F("ordered") + F("shipped") + F("invoiced") - F("unapplied"), F("limit_amount")),
        output_field=models.BooleanField(), db_persist=True, help_text=_("Whether the exposure is beyond the permanent limit."),
    )  # fmt: skip

    class Meta:
        indexes = [
            models.Index(fields=["seller"], condition=Q(beyond=True), name="funds_account_beyond"),
            models.Index(fields=["seller", "state"], condition=~Q(state="ok"), name="funds_account_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "buyer", "currency", "prepaid", "transfers"],
                name="funds_account_pair_unique",
                violation_error_message=_("The two have a credit account in this currency already."),
            ),
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
                condition=Q(shared=None) | Q(prepaid=False, transfers=False),
                name="funds_account_shares_credit",
                violation_error_message=_("Only credit can be shared: no prepaid account, and none for transfers."),
            ),
            models.CheckConstraint(
                condition=~Q(seller=F("buyer")), name="funds_account_two_sides", violation_error_message=_("Nobody gives credit to himself.")
            ),
            models.CheckConstraint(
                condition=Q(by_hand__in=[State.HOLD, State.STOP]) | Q(by_hand="", by_hand_reason="", by_hand_until=None),
                name="funds_account_by_hand_fits",
                violation_error_message=_("Only an account on hold or stopped by hand has a reason and a last day for it."),
            ),
            models.CheckConstraint(
                condition=Q(deposit_held__gte=0, deposit_required__gte=0),
                name="funds_account_deposit_not_negative",
                violation_error_message=_("More would leave the deposit than it holds."),
            ),
            models.CheckConstraint(
                condition=_patience(), name="funds_account_rules_fit", violation_error_message=_("Grace, tolerance and shares lie within their bounds.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seller_id} → {self.buyer_id}: {self.limit_amount} {self.currency}"

    @property
    def counting(self) -> LimitTerms:
        """The limits that count: the shared ones where it shares them."""
        return self.shared.terms if self.shared else self.terms

    @property
    def terms(self) -> LimitTerms:
        """What finance has set on it."""
        limits = (self.limit_amount, self.temp_limit, self.temp_until)
        return LimitTerms(*limits, self.grace_days, self.tolerance, self.stop_days, self.watch_percent)


class Entry(Row):
    """One change of one bucket. A hold also keeps the exposure after it and the limit it passed under; `note` says why it passed above the limit.
    Under a shared limit that is the limit, and `shared_used` what all of them used after it.

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
    shared_used = _money(null=True, blank=True, help_text=_("What all who share the limit used after it."))
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


class SubLimit(Row):
    """What of the limit a product line may use: a category of the catalogue and all below it. The lines need not sum to the limit."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sublimits")
    category = models.ForeignKey("catalog.Category", on_delete=models.PROTECT, related_name="+")
    amount = _money()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "category"],
                name="funds_sublimit_line_unique",
                violation_error_message=_("The account already has a limit for this product line."),
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="funds_sublimit_amount_not_negative", violation_error_message=_("A limit cannot be less than zero.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category_id}: {self.amount}"


class LimitRequest(Row):
    """Somebody, of the seller or the buyer, asks for another limit of an account; somebody else at the seller decides.

    `limit_amount` None: the permanent limit stays. A temporary one counts up to and including `temp_until`. `granted_…`: what it was granted with, which
    may be less; `was`: the permanent limit before.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="requests")
    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", help_text=_("Whose people ask."))
    limit_amount = _money(null=True, blank=True)
    temp_limit = _money(default=0)
    temp_until = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    asked_by = models.BigIntegerField(null=True)
    asked_name = models.CharField(max_length=200, blank=True, default="")
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=RequestState.choices, default=RequestState.REQUESTED)
    was = _money(default=0)
    granted_limit = _money(null=True, blank=True)
    granted_temp = _money(default=0)
    granted_until = models.DateField(null=True, blank=True)
    decided_by = models.BigIntegerField(null=True)
    decided_name = models.CharField(max_length=200, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="requested"),
                name="funds_limitrequest_one_open",
                violation_error_message=_("A request for this account waits for a decision already."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["requested", "withdrawn"]) | Q(asked_by=None) | Q(decided_by=None) | ~Q(asked_by=F("decided_by")),
                name="funds_limitrequest_two_persons",
                violation_error_message=_("Who asked for a limit does not decide on it."),
            ),
            models.CheckConstraint(
                condition=Q(limit_amount__gte=0) | Q(limit_amount=None, temp_limit__gt=0, temp_until__isnull=False),
                name="funds_limitrequest_asks_something",
                violation_error_message=_("Ask for a limit, a temporary limit, or both."),
            ),
        ]
        indexes = [models.Index(fields=["-id"], condition=Q(state="requested"), name="funds_limitrequest_open")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.limit_amount} + {self.temp_limit}"

    @property
    def wanted(self) -> Wanted:
        """What is asked for."""
        return Wanted(self.limit_amount, self.temp_limit, self.temp_until)


class House(Row):
    """The rules of a seller for its accounts: a new account takes them over, and those that have the same follow when they change."""

    seller = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    grace_days = models.PositiveSmallIntegerField(default=0)
    tolerance = _money(default=0)
    stop_days = models.PositiveSmallIntegerField(null=True, blank=True)
    watch_percent = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["seller"], name="funds_house_seller_unique", violation_error_message=_("The seller has these rules already.")),
            models.CheckConstraint(
                condition=Q(tolerance__gte=0) & _patience(),
                name="funds_house_values_fit",
                violation_error_message=_("Grace, tolerance and shares lie within their bounds."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seller_id}: {self.grace_days}, {self.stop_days}"


class StateChange(Row):
    """An account went from one state to another: when, why (code and parameters of each reason) and, by hand, who wanted it. Append-only."""

    account_id = models.BigIntegerField()
    at = models.DateTimeField()
    before = models.CharField(max_length=5, choices=State.choices)
    after = models.CharField(max_length=5, choices=State.choices)
    reasons = models.JSONField(default=list)
    who = models.CharField(max_length=200, blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(before=F("after")), name="funds_statechange_differs", violation_error_message=_("A change leads to another state.")
            )
        ]
        indexes = [models.Index(fields=["account_id", "-id"], name="funds_statechange_account")]

    def __str__(self) -> str:
        return f"{self.before} → {self.after}"


class DepositEntry(Row):
    """Money of a deposit that came, went back, or was deducted for a debt. `reference`: what the bank is told, or why it was deducted. Append-only."""

    account_id = models.BigIntegerField()
    at = models.DateTimeField()
    day = models.DateField()
    kind = models.CharField(max_length=8, choices=DepositKind.choices)
    amount = _money()
    held = _money(help_text=_("What is held after it."))
    reference = models.CharField(max_length=200, blank=True, default="")
    number = models.CharField(max_length=64, blank=True, default="")
    who = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, held__gte=0, kind__in=DepositKind.values),
                name="funds_depositentry_amount_positive",
                violation_error_message=_("The amount must be more than zero, with at most two decimals."),
            )
        ]
        indexes = [models.Index(fields=["account_id", "-id"], name="funds_depositentry_account")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"
