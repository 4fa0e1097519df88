"""An order and its lines. The order keeps the terms it was made under; its lines keep how each price came about."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.agreements.models import Agreement
from qudao.base.db import Row
from qudao.base.subject import Subject
from qudao.catalog.models import Product
from qudao.inventory.models import Place
from qudao.inventory.states import Short
from qudao.network.models import Organisation
from qudao.orders.rules import places_in
from qudao.orders.states import Allocation, Approval, Billing, Credit, Fulfilment, Kind, Payment, Status


class Order(Row):
    """One trade between a seller and a buyer: HQ's sales order is the dealer's purchase order.

    `ship_*`: a copy of the address the goods go to, so that the order says what was agreed whatever becomes of the address.
    `promised_on`: the day by which the last of its lines is promised; None before all its goods are reserved.
    `net`, `tax`, `gross`: what is ordered and was not given up. `short`: what becomes of it when there is not enough;
    `waits_since`: when it was confirmed although goods were missing, which is its place in the queue for them.
    `reserved_until`: the last day on which its goods are kept while nobody has begun to pick them (None: for as long as it takes); `until_told`: whether
    both sides know. When the day is over its goods are free (allocation `lapsed`), and it waits for none until somebody reserves them again.
    `rationed`: whether its lines ever held something of a quota, which is then given back with what is given up.
    `split_from`: the order that its lines were taken out of, with their prices. `seller_number`: the number an outside seller gave it.
    `arranged_by`: the seller of both its sides, which arranged it as a transfer; only the transfers have one.
    """

    number = models.CharField(max_length=40, null=True)
    client_id = models.UUIDField(null=True)
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="+", db_index=False)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    more_places = models.CharField(max_length=200, blank=True, default="", db_default="", help_text=_("Ids of the places that serve it after the first."))
    splits = models.BooleanField(default=True, db_default=True, help_text=_("Whether it may come out of several places."))
    currency = models.CharField(max_length=3)
    net = models.DecimalField(max_digits=18, decimal_places=2)
    tax = models.DecimalField(max_digits=18, decimal_places=2)
    gross = models.DecimalField(max_digits=18, decimal_places=2)
    invoiced = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    paid = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    status = models.CharField(max_length=16, choices=Status.choices)
    approval = models.CharField(max_length=12, choices=Approval.choices, default=Approval.NONE)
    credit = models.CharField(max_length=12, choices=Credit.choices, default=Credit.NOT_NEEDED)
    allocation = models.CharField(max_length=12, choices=Allocation.choices, default=Allocation.NONE)
    fulfilment = models.CharField(max_length=12, choices=Fulfilment.choices, default=Fulfilment.NONE)
    billing = models.CharField(max_length=12, choices=Billing.choices, default=Billing.NONE)
    payment = models.CharField(max_length=12, choices=Payment.choices, default=Payment.NONE)
    requested_on = models.DateField(null=True, blank=True)
    promised_on = models.DateField(null=True, blank=True)
    ordered_on = models.DateField()
    placed_at = models.DateTimeField()
    state_since = models.DateTimeField()
    seller_number = models.CharField(max_length=40, default="", db_default="", blank=True)
    po_number = models.CharField(max_length=40, default="", blank=True)
    note = models.TextField(default="", blank=True)
    placed_by = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=12)
    payment_days = models.PositiveSmallIntegerField(default=0)
    invoice_on = models.CharField(max_length=10)
    ship_name = models.CharField(max_length=120, default="", db_default="", blank=True)
    ship_phone = models.CharField(max_length=40, default="", db_default="", blank=True)
    ship_address = models.CharField(max_length=260, default="", db_default="", blank=True)
    line_count = models.PositiveSmallIntegerField(default=0)
    short = models.CharField(max_length=9, choices=Short.choices, default=Short.REFUSE, db_default=Short.REFUSE)
    waits_since = models.DateTimeField(null=True)
    reserved_until = models.DateField(null=True)
    until_told = models.BooleanField(default=False, db_default=False)
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.REGULAR, db_default=Kind.REGULAR)
    rationed = models.BooleanField(default=False, db_default=False)
    arranged_by = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    split_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["buyer", "client_id"], name="orders_order_client_unique", violation_error_message=_("An order with this client id exists already.")
            ),
            models.UniqueConstraint(fields=["seller", "number"], name="orders_order_number_unique"),
            models.CheckConstraint(condition=~Q(seller=F("buyer")), name="orders_order_sides_differ"),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="orders_order_gross_is_net_and_tax"),
            models.CheckConstraint(condition=~Q(kind=Kind.SAMPLE) | Q(gross=0), name="orders_order_samples_cost_nothing"),
            models.CheckConstraint(
                condition=Q(kind=Kind.TRANSFER, arranged_by__isnull=False) | ~Q(kind=Kind.TRANSFER) & Q(arranged_by__isnull=True),
                name="orders_order_transfer_is_arranged",
            ),
            models.CheckConstraint(condition=~Q(split_from=F("id")), name="orders_order_split_from_another"),
            models.CheckConstraint(condition=Q(invoiced__gte=0, paid__gte=0, paid__lte=F("invoiced")), name="orders_order_paid_within_invoiced"),
            models.CheckConstraint(condition=Q(number__isnull=False) | Q(status__in=[Status.DRAFT, Status.SUBMITTED]), name="orders_order_number_given"),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.CONFIRMED, Status.IN_FULFILMENT]) | Q(credit=Credit.PASS) & ~Q(allocation=Allocation.NONE),
                name="orders_order_confirmed_holds",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.EXTERNAL, allocation__in=[Allocation.NONE, Allocation.OUTSIDE], waits_since__isnull=True)
                | ~Q(kind=Kind.EXTERNAL) & ~Q(allocation=Allocation.OUTSIDE),
                name="orders_order_external_comes_from_outside",
            ),
            models.CheckConstraint(
                condition=~Q(allocation=Allocation.LAPSED) | Q(reserved_until__isnull=True, waits_since__isnull=True),
                name="orders_order_lapsed_waits_for_nothing",
            ),
            models.CheckConstraint(condition=Q(until_told=False) | Q(reserved_until__isnull=False), name="orders_order_told_of_a_day"),
        ]
        indexes = [
            models.Index(fields=["seller", "status", "-id"], name="orders_order_seller_status"),
            models.Index(fields=["seller", "-id"], name="orders_order_seller_newest"),
            models.Index(fields=["buyer", "-id"], name="orders_order_buyer_newest"),
            models.Index(fields=["ordered_on"], name="orders_order_day"),
            models.Index(fields=["status", "-id"], name="orders_order_status"),
            models.Index(fields=["number"], name="orders_order_number"),
            models.Index(fields=["agreement"], condition=Q(status=Status.SUBMITTED), name="orders_order_held"),
            models.Index(fields=["seller"], condition=Q(kind=Kind.TRANSFER, status=Status.IN_REVIEW), name="orders_order_offered"),
            models.Index(fields=["seller", "waits_since"], condition=Q(waits_since__isnull=False), name="orders_order_backordered"),
            models.Index(fields=["reserved_until"], condition=Q(reserved_until__isnull=False, status=Status.CONFIRMED), name="orders_order_reserved_until"),
            models.Index(fields=["split_from"], condition=Q(split_from__isnull=False), name="orders_order_split"),
            # What uses the credit of an account by product line is asked at each of its orders: never the billed past.
            models.Index(
                fields=["agreement"],
                condition=~Q(billing=Billing.FULL) & ~Q(status__in=[Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.REJECTED, Status.CANCELLED]),
                name="orders_order_unbilled",
            ),
            # The map of the flow reads only what is open, nothing but this index, and each group of states in one piece.
            models.Index(
                fields=["seller", "status", "fulfilment", "billing", "payment"],
                include=["id", "gross", "state_since", "requested_on", "promised_on"],
                condition=~Q(status=Status.CLOSED),
                name="orders_order_open",
            ),
        ]

    def __str__(self) -> str:
        return self.number or f"#{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("order", args=[self.pk])

    @property
    def ship_lines(self) -> list[str]:
        """Where the goods go, as the lines below a name: the address, and who takes them there."""
        return [line for line in (self.ship_address, f"{self.ship_name} {self.ship_phone}".strip()) if line]

    @property
    def outside(self) -> bool:
        """Whether its seller has nobody here: its goods are in no books before they come."""
        return self.kind == Kind.EXTERNAL

    @property
    def transfer(self) -> bool:
        """Whether the seller of both sides arranged it between them."""
        return self.kind == Kind.TRANSFER

    @property
    def house_id(self) -> int:
        """The organisation whose people sign it: the seller's, of an outside purchase the buyer's."""
        return self.buyer_id if self.outside else self.seller_id

    @property
    def asking(self) -> Subject:
        """The order as its approval names it: on the side of the seller stands whose people sign."""
        return replace(self.subject, seller_id=self.buyer_id, buyer_id=self.seller_id) if self.outside else self.subject

    @property
    def serving(self) -> tuple[int, ...]:
        """The places that serve it after the first."""
        return places_in(self.more_places)

    @property
    def subject(self) -> Subject:
        return Subject("orders.order", self.pk, self.seller_id, self.buyer_id, self.number or "")


class Line(Row):
    """One product of an order, in base units, with its amounts and the counters of what has become of it.

    `promised_on`: the day its goods are to leave, given when all of them were reserved; None before.
    `asked`: what was added after confirmation and somebody must sign first; until then it counts as given up.
    `backordered`: what is confirmed, not shipped, and waits for goods; what else is open is reserved.
    `moved`: what was taken out into an order of its own; it counts as given up here.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines", db_index=False)
    no = models.PositiveSmallIntegerField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit = models.CharField(max_length=16)
    qty = models.DecimalField(max_digits=18, decimal_places=4)
    unit_price = models.DecimalField(max_digits=18, decimal_places=6)
    price_source = models.CharField(max_length=24)
    price_steps = models.JSONField(default=list)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4)
    net = models.DecimalField(max_digits=18, decimal_places=2)
    tax = models.DecimalField(max_digits=18, decimal_places=2)
    gross = models.DecimalField(max_digits=18, decimal_places=2)
    shipped = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    received = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    settled_short = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    given_up = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    asked = models.DecimalField(max_digits=18, decimal_places=4, default=0, db_default=0)
    moved = models.DecimalField(max_digits=18, decimal_places=4, default=0, db_default=0)
    backordered = models.DecimalField(max_digits=18, decimal_places=4, default=0, db_default=0)
    invoiced = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    promised_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "no"], name="orders_line_no_unique"),
            models.CheckConstraint(condition=Q(qty__gt=0), name="orders_line_qty_positive", violation_error_message=_("The quantity must be more than zero.")),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="orders_line_price_not_negative"),
            models.CheckConstraint(condition=Q(gross=F("net") + F("tax")), name="orders_line_gross_is_net_and_tax"),
            models.CheckConstraint(
                condition=Q(shipped__gte=0, given_up__gte=0) & Q(qty__gte=F("shipped") + F("given_up")), name="orders_line_shipped_within_ordered"
            ),
            models.CheckConstraint(
                condition=Q(received__gte=0, settled_short__gte=0) & Q(shipped__gte=F("received") + F("settled_short")),
                name="orders_line_received_within_shipped",
            ),
            # more than what is shipped only while invoiced goods come again; `verify` knows which
            models.CheckConstraint(condition=Q(invoiced__gte=0, invoiced__lte=F("qty") - F("given_up")), name="orders_line_invoiced_within_ordered"),
            models.CheckConstraint(
                condition=Q(backordered=0) | Q(backordered__gt=0, qty__gte=F("shipped") + F("given_up") + F("backordered")),
                name="orders_line_backordered_within_open",
            ),
            models.CheckConstraint(condition=Q(asked__gte=0, asked__lte=F("given_up")), name="orders_line_asked_within_given_up"),
            models.CheckConstraint(condition=Q(moved__gte=0, moved__lte=F("given_up")), name="orders_line_moved_within_given_up"),
        ]
        # Only what waits for goods: a handful of rows, looked up whenever some come in.
        indexes = [models.Index(fields=["product", "order"], condition=Q(backordered__gt=0), name="orders_line_backordered")]

    @property
    def wanted(self) -> Decimal:
        """Ordered less given up."""
        return self.qty - self.given_up


class Refusal(Row):
    """A submission that was refused, of which nothing else is kept: by whom, through what, why (`codes` of faults, and `reasons` as figures
    count them), at how many of its lines.

    Sent again unchanged it is the same one: `digest` says what was asked and why it was refused, `tries` how often that day.
    """

    at = models.DateTimeField()
    day = models.DateField()
    seller = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.CharField(max_length=12)
    user_id = models.BigIntegerField(null=True)
    by_name = models.CharField(max_length=120, default="", blank=True)
    codes = ArrayField(models.CharField(max_length=60))
    reasons = ArrayField(models.CharField(max_length=12))
    lines = models.PositiveSmallIntegerField()
    wrong = models.PositiveSmallIntegerField()
    digest = models.CharField(max_length=64)
    tries = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["buyer", "day", "digest"], name="orders_refusal_once"),
            models.CheckConstraint(condition=~Q(codes=[]) & ~Q(reasons=[]) & Q(tries__gte=1) & Q(wrong__lte=F("lines")), name="orders_refusal_says_why"),
        ]
        indexes = [
            models.Index(fields=["seller", "day"], name="orders_refusal_seller"),
            models.Index(fields=["buyer", "day"], name="orders_refusal_buyer"),
        ]
