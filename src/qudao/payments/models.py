"""Payments and their applications. One document for both sides: what the seller received, the buyer paid."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from qudao.agreements.models import Agreement
from qudao.base.db import Row
from qudao.base.subject import Subject
from qudao.billing.models import Invoice, InvoiceLine
from qudao.network.models import Organisation
from qudao.payments.states import MOST_DIFFERENCE, How, Method, Reason, State

SIDE: dict[str, Any] = {"on_delete": models.PROTECT, "related_name": "+"}


def _money(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=2, **options)


class Payer(Row):
    """Who pays what is invoiced under `agreement`: an organisation above its buyer. Without such a row the buyer pays."""

    goes_with = "agreement"

    agreement = models.ForeignKey(Agreement, db_index=False, **SIDE)
    payer = models.ForeignKey(Organisation, **SIDE)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agreement"], name="payments_payer_agreement_unique", violation_error_message=_("Somebody else has just changed this.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agreement_id}: {self.payer_id}"


class Pool(Row):
    """One payment of a head office for its branches. Its parts are payments, one for each branch, which carry its number and theirs in it; what is
    applied, left or booked is known by part.
    """

    seller = models.ForeignKey(Organisation, **SIDE)
    payer = models.ForeignKey(Organisation, **SIDE)
    number = models.CharField(max_length=40)
    amount = _money()
    currency = models.CharField(max_length=3)
    part_count = models.PositiveIntegerField()
    paid_on = models.DateField()
    reference = models.CharField(max_length=200, blank=True, default="")
    method = models.CharField(max_length=12, choices=Method.choices, default=Method.TRANSFER)
    note = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=20, choices=State.choices)
    state_since = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "number"],
                name="payments_pool_number_unique",
                violation_error_message=_("The seller already has a payment with this number."),
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, part_count__gte=1),
                name="payments_pool_amount_positive",
                violation_error_message=_("The amount must be more than zero."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.ANNOUNCED, State.RECEIVED, State.DECLINED, State.WITHDRAWN]),
                name="payments_pool_state_fits",
                violation_error_message=_("There is no such state."),
            ),
            models.CheckConstraint(condition=~Q(seller=F("payer")), name="payments_pool_sides_differ", violation_error_message=_("Nobody pays himself.")),
        ]
        indexes = [models.Index(fields=["payer", "-id"], name="payments_pool_payer_newest")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return f"/pooled-payments/{self.pk}/"

    @property
    def subject(self) -> Subject:
        return Subject("payments.pool", self.pk, self.seller_id, self.payer_id, self.number)


class Payment(Row):
    """Money from a buyer to a seller. `agreement` says whose credit account holds what is unapplied of it."""

    seller = models.ForeignKey(Organisation, **SIDE)
    buyer = models.ForeignKey(Organisation, **SIDE)
    agreement = models.ForeignKey(Agreement, **SIDE)
    #: the payment of a head office of which this is the part for one branch
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, related_name="parts", null=True, blank=True, db_index=False)
    number = models.CharField(max_length=48)
    amount = _money()
    currency = models.CharField(max_length=3)
    applied = _money(default=0)
    #: how much of what is applied went back to the buyer
    refunded = _money(default=0, db_default=0)
    paid_on = models.DateField()
    reference = models.CharField(max_length=200, blank=True, default="")
    method = models.CharField(max_length=12, choices=Method.choices, default=Method.TRANSFER)
    note = models.CharField(max_length=200, blank=True, default="")
    state = models.CharField(max_length=20, choices=State.choices)
    state_since = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "number"],
                name="payments_payment_number_unique",
                violation_error_message=_("The seller already has a payment with this number."),
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="payments_payment_amount_positive", violation_error_message=_("The amount must be more than zero.")
            ),
            models.CheckConstraint(
                condition=Q(applied__gte=0, applied__lte=F("amount")),
                name="payments_payment_applied_within_amount",
                violation_error_message=_("More would be applied than was paid."),
            ),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("applied")),
                name="payments_payment_refunded_within_applied",
                violation_error_message=_("More would be sent back than was paid."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.ANNOUNCED, State.RECEIVED, State.DECLINED, State.WITHDRAWN], applied=0)
                | Q(state=State.PARTIALLY_APPLIED, applied__gt=0, applied__lt=F("amount"))
                | Q(state=State.APPLIED, applied=F("amount")),
                name="payments_payment_state_fits",
                violation_error_message=_("The state of a payment says how much of it is applied."),
            ),
            models.CheckConstraint(
                condition=Q(method__in=Method.values), name="payments_payment_method_known", violation_error_message=_("There is no such way of paying.")
            ),
            models.CheckConstraint(condition=~Q(seller=F("buyer")), name="payments_payment_sides_differ", violation_error_message=_("Nobody pays himself.")),
        ]
        indexes = [
            models.Index(fields=["seller", "state", "-id"], name="payments_payment_seller"),
            models.Index(fields=["buyer", "state", "-id"], name="payments_payment_buyer"),
            models.Index(fields=["seller", "paid_on"], name="payments_payment_day"),
            models.Index(fields=["pool"], condition=Q(pool__isnull=False), name="payments_payment_pool"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return f"/payments/{self.pk}/"

    @property
    def is_credit(self) -> bool:
        """Whether it is a credit note: no money came."""
        return self.method == Method.CREDIT_NOTE

    @property
    def left(self) -> Any:
        """What is not applied yet."""
        return self.amount - self.applied

    @property
    def subject(self) -> Subject:
        return Subject("payments.payment", self.pk, self.seller_id, self.buyer_id, self.number)


class Application(Row):
    """An amount of a payment that pays an invoice. Append-only.

    Without a payment, the invoice was short by a small difference; without an invoice, a small difference of the payment was kept, or money went
    back to the buyer. A small difference is taken back by a row of the opposite amount that names it (`reverses`).
    """

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="applications", null=True)
    invoice = models.ForeignKey(Invoice, null=True, **SIDE)
    amount = _money()
    how = models.CharField(max_length=12, choices=How.choices)
    at = models.DateTimeField()
    by = models.BigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, related_name="reversal", null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, reverses=None) | Q(amount__lt=0, reverses__isnull=False, how=How.DIFFERENCE),
                name="payments_application_amount_fits",
                violation_error_message=_("The amount must be more than zero, or less where a small difference is taken back."),
            ),
            models.CheckConstraint(
                condition=Q(payment__isnull=False, invoice__isnull=False)
                | Q(payment__isnull=False, how__in=[How.DIFFERENCE, How.REFUND])
                | Q(invoice__isnull=False, how=How.DIFFERENCE),
                name="payments_application_ends_fit",
                violation_error_message=_("A payment pays an invoice; only a small difference or a refund stands alone."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} → {self.invoice_id}: {self.amount}"


class Tolerance(Row):
    """Up to how much a seller closes as a small difference in a currency; without a row 1.00."""

    seller = models.ForeignKey(Organisation, **SIDE)
    currency = models.CharField(max_length=3)
    amount = _money()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "currency"], name="payments_tolerance_seller_unique", violation_error_message=_("The seller already has this limit.")
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0, amount__lte=MOST_DIFFERENCE),
                name="payments_tolerance_amount_range",
                violation_error_message=_("The limit must be zero or more and stay small."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class CreditNote(Row):
    """What makes a payment a credit note: the invoice of which it takes a part back, and why. Never changed; the amount is that of its payment."""

    payment = models.OneToOneField(Payment, on_delete=models.PROTECT, related_name="credit")
    invoice = models.ForeignKey(Invoice, **SIDE)
    reason = models.CharField(max_length=12, choices=Reason.choices)
    net = _money()
    tax = _money()
    line_count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(net__gte=0, tax__gte=0),
                name="payments_creditnote_amounts_not_negative",
                violation_error_message=_("The amounts of a credit note are not negative."),
            ),
            models.CheckConstraint(
                condition=Q(reason__in=Reason.values), name="payments_creditnote_reason_known", violation_error_message=_("There is no such reason.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.net}"


class CreditLine(Row):
    """The part of one invoice line that goes back; `qty` zero: only its price was too high."""

    credit = models.ForeignKey(CreditNote, on_delete=models.PROTECT, related_name="lines")
    invoice_line = models.ForeignKey(InvoiceLine, **SIDE)
    no = models.PositiveSmallIntegerField()
    qty = models.DecimalField(max_digits=18, decimal_places=4)
    net = _money()
    tax = _money()
    gross = _money()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credit", "invoice_line"], name="payments_creditline_line_unique", violation_error_message=_("The line is named twice.")
            ),
            models.CheckConstraint(
                condition=Q(qty__gte=0, gross__gt=0, gross=F("net") + F("tax")),
                name="payments_creditline_amounts_fit",
                violation_error_message=_("The gross amount is the net amount and the tax."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.no}: {self.gross}"
