"""Payments and their applications. One document for both sides: what the seller received, the buyer paid."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from qudao.agreements.models import Agreement
from qudao.base.db import Row
from qudao.base.subject import Subject
from qudao.billing.models import Invoice
from qudao.network.models import Organisation
from qudao.payments.states import How, Method, State

SIDE: dict[str, Any] = {"on_delete": models.PROTECT, "related_name": "+"}


def _money(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=2, **options)


class Payment(Row):
    """Money from a buyer to a seller. `agreement` says whose credit account holds what is unapplied of it."""

    seller = models.ForeignKey(Organisation, **SIDE)
    buyer = models.ForeignKey(Organisation, **SIDE)
    agreement = models.ForeignKey(Agreement, **SIDE)
    number = models.CharField(max_length=48)
    amount = _money()
    currency = models.CharField(max_length=3)
    applied = _money(default=0)
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
                condition=Q(state__in=[State.ANNOUNCED, State.RECEIVED, State.DECLINED], applied=0)
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
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return f"/payments/{self.pk}/"

    @property
    def left(self) -> Any:
        """What is not applied yet."""
        return self.amount - self.applied

    @property
    def subject(self) -> Subject:
        return Subject("payments.payment", self.pk, self.seller_id, self.buyer_id, self.number)


class Application(Row):
    """An amount of a payment that pays an invoice. Append-only."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="applications")
    invoice = models.ForeignKey(Invoice, **SIDE)
    amount = _money()
    how = models.CharField(max_length=12, choices=How.choices)
    at = models.DateTimeField()
    by = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="payments_application_amount_positive", violation_error_message=_("The amount must be more than zero.")
            )
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} → {self.invoice_id}: {self.amount}"
