"""Invoices and their lines. Numbers are gap-free per seller; amounts have two decimals, quantities are in base units."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from qudao.agreements.models import Agreement
from qudao.base.db import Row
from qudao.base.subject import Subject
from qudao.billing.states import Every, State
from qudao.catalog.models import Product
from qudao.network.models import Organisation
from qudao.orders.models import Line, Order

SIDE: dict[str, Any] = {"on_delete": models.PROTECT, "related_name": "+"}


def _money(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=2, **options)


class Cycle(Row):
    """Goods under `agreement` are invoiced together, `every` week, half month or month on `day`; without such a row each delivery is invoiced at once.

    `day`: 1 (Monday) to 7 of a week, 1 to 31 of a month (its last day when it is shorter), 0 for half months (the 15th and the last day).
    """

    goes_with = "agreement"

    agreement = models.ForeignKey(Agreement, db_index=False, **SIDE)
    every = models.TextField(choices=Every.choices)
    day = models.PositiveSmallIntegerField()
    next_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agreement"], name="billing_cycle_agreement_unique", violation_error_message=_("Somebody else has just changed this.")
            ),
            models.CheckConstraint(
                condition=Q(every=Every.WEEK, day__gte=1, day__lte=7) | Q(every=Every.MONTH, day__gte=1, day__lte=31) | Q(every=Every.HALF, day=0),
                name="billing_cycle_day_fits",
                violation_error_message=_("A week has days 1 to 7, a month 1 to 31."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.every} {self.day}"


class Collective(Row):
    """One invoice over the goods of several orders: one number, one date, one day it is due. Its parts are invoices, one for each order, which
    carry its number and theirs in it; what is paid, credited or overdue is known by part. Nothing of it ever changes.
    """

    seller = models.ForeignKey(Organisation, **SIDE)
    buyer = models.ForeignKey(Organisation, **SIDE)
    agreement = models.ForeignKey(Agreement, **SIDE)
    number = models.CharField(max_length=40)
    date = models.DateField()
    due_on = models.DateField()
    currency = models.CharField(max_length=3)
    net = _money()
    tax = _money()
    gross = _money()
    part_count = models.PositiveIntegerField()
    issued_at = models.DateTimeField()
    issued_by = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "number"],
                name="billing_collective_number_unique",
                violation_error_message=_("The seller already has an invoice with this number."),
            ),
            models.CheckConstraint(
                condition=Q(gross=F("net") + F("tax"), gross__gte=0),
                name="billing_collective_gross_is_net_and_tax",
                violation_error_message=_("The gross amount is the net amount and the tax."),
            ),
            models.CheckConstraint(
                condition=Q(due_on__gte=F("date")) & Q(part_count__gte=1),
                name="billing_collective_due_after_date",
                violation_error_message=_("An invoice is not due before its date."),
            ),
            models.CheckConstraint(
                condition=~Q(seller=F("buyer")), name="billing_collective_sides_differ", violation_error_message=_("Seller and buyer are the same.")
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return f"/collective-invoices/{self.pk}/"

    @property
    def subject(self) -> Subject:
        return Subject("billing.collective", self.pk, self.seller_id, self.buyer_id, self.number)


class Invoice(Row):
    """What the buyer owes for goods of one order. Only `paid` and `state` ever change. A part of a `collective` invoice has its date and day."""

    seller = models.ForeignKey(Organisation, **SIDE)
    buyer = models.ForeignKey(Organisation, **SIDE)
    order = models.ForeignKey(Order, **SIDE)
    agreement = models.ForeignKey(Agreement, **SIDE)
    collective = models.ForeignKey(Collective, null=True, blank=True, on_delete=models.PROTECT, related_name="parts", db_index=False)
    number = models.CharField(max_length=48)
    date = models.DateField()
    due_on = models.DateField()
    currency = models.CharField(max_length=3)
    net = _money()
    tax = _money()
    gross = _money()
    paid = _money(default=0)
    state = models.CharField(max_length=16, choices=State.choices, default=State.ISSUED)
    state_since = models.DateTimeField()
    issued_at = models.DateTimeField()
    issued_by = models.BigIntegerField(null=True, blank=True)
    line_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "number"],
                name="billing_invoice_number_unique",
                violation_error_message=_("The seller already has an invoice with this number."),
            ),
            models.CheckConstraint(
                condition=Q(gross=F("net") + F("tax"), gross__gte=0),
                name="billing_invoice_gross_is_net_and_tax",
                violation_error_message=_("The gross amount is the net amount and the tax."),
            ),
            models.CheckConstraint(
                condition=Q(paid__gte=0, paid__lte=F("gross")),
                name="billing_invoice_paid_within_gross",
                violation_error_message=_("More would be paid than the invoice amounts to."),
            ),
            models.CheckConstraint(
                condition=Q(state=State.PAID, paid=F("gross"))
                | Q(state=State.ISSUED, paid=0, gross__gt=0)
                | Q(state=State.PARTIALLY_PAID, paid__gt=0, paid__lt=F("gross")),
                name="billing_invoice_state_fits",
                violation_error_message=_("The state of an invoice says how much of it is paid."),
            ),
            models.CheckConstraint(
                condition=Q(due_on__gte=F("date")), name="billing_invoice_due_after_date", violation_error_message=_("An invoice is not due before its date.")
            ),
            models.CheckConstraint(
                condition=~Q(seller=F("buyer")), name="billing_invoice_sides_differ", violation_error_message=_("Seller and buyer are the same.")
            ),
        ]
        indexes = [
            models.Index(fields=["seller", "state", "-id"], name="billing_invoice_seller"),
            models.Index(fields=["buyer", "state", "-id"], name="billing_invoice_buyer"),
            models.Index(fields=["due_on"], name="billing_invoice_due"),
            models.Index(fields=["collective"], condition=Q(collective__isnull=False), name="billing_invoice_collective"),
            models.Index(fields=["seller", "buyer", "due_on"], condition=~Q(state=State.PAID), name="billing_invoice_open", include=["gross", "paid", "order"]),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return f"/invoices/{self.pk}/"

    @property
    def open(self) -> Any:
        """What is still to be paid."""
        return self.gross - self.paid

    @property
    def subject(self) -> Subject:
        return Subject("billing.invoice", self.pk, self.seller_id, self.buyer_id, self.number)


class InvoiceLine(Row):
    """The part of one order line that an invoice takes. Only what credit notes took back of it (`credited…`) ever changes."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(Line, **SIDE)
    product = models.ForeignKey(Product, **SIDE)
    no = models.PositiveSmallIntegerField()
    unit = models.CharField(max_length=16)
    qty = models.DecimalField(max_digits=18, decimal_places=4)
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4)
    #: exempt from tax, which is not the rate zero
    exempt = models.BooleanField(default=False, db_default=False)
    net = _money()
    tax = _money()
    gross = _money()
    credited_qty = models.DecimalField(max_digits=18, decimal_places=4, default=0, db_default=0)
    credited_net = _money(default=0, db_default=0)
    credited = _money(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(credited_qty__gte=0, credited_qty__lte=F("qty"), credited__gte=0, credited__lte=F("gross"), credited_net__gte=0)
                & Q(credited_net__lte=F("net")),
                name="billing_invoiceline_credited_within_line",
                violation_error_message=_("More would be credited than was invoiced."),
            ),
            models.CheckConstraint(
                condition=Q(exempt=False) | Q(tax_rate=0, tax=0),
                name="billing_invoiceline_exempt_untaxed",
                violation_error_message=_("What is exempt has no tax."),
            ),
            models.UniqueConstraint(
                fields=["invoice", "line"], name="billing_invoiceline_line_unique", violation_error_message=_("The line is already on the invoice.")
            ),
            models.CheckConstraint(
                condition=Q(qty__gt=0), name="billing_invoiceline_qty_positive", violation_error_message=_("The quantity must be more than zero.")
            ),
            models.CheckConstraint(
                condition=Q(gross=F("net") + F("tax")),
                name="billing_invoiceline_gross_is_net_and_tax",
                violation_error_message=_("The gross amount is the net amount and the tax."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.no}: {self.gross}"

    @property
    def taxed_at(self) -> Any:
        """The rate; None for what is exempt."""
        return None if self.exempt else self.tax_rate
