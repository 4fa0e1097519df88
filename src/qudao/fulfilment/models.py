"""Shipments, receipts and differences. Both sides of the trade stand on every document; quantities are in base units."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.base.subject import Subject
from qudao.catalog.models import Product
from qudao.fulfilment.rules import Tally, tally
from qudao.fulfilment.states import GONE, UNSETTLED, DifferenceKind, DifferenceState, Liable, Outcome, PackageKind, Remedy, State
from qudao.inventory.models import Place
from qudao.network.models import Organisation
from qudao.orders.models import Line, Order

SIDE: dict[str, Any] = {"on_delete": models.PROTECT, "related_name": "+"}


def _quantity(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=4, **options)


class Shipment(Row):
    """Goods of one order that leave together. `seq` counts the shipments of the order, and makes the number: it betrays nobody's volume."""

    order = models.ForeignKey(Order, **SIDE)
    seller = models.ForeignKey(Organisation, **SIDE)
    buyer = models.ForeignKey(Organisation, **SIDE)
    from_place = models.ForeignKey(Place, **SIDE)
    seq = models.PositiveSmallIntegerField()
    number = models.CharField(max_length=48)
    state = models.CharField(max_length=12, choices=State.choices, default=State.CREATED)
    state_since = models.DateTimeField()
    created_at = models.DateTimeField()
    carrier = models.CharField(max_length=80, blank=True, default="")
    tracking = models.CharField(max_length=80, blank=True, default="")
    shipped_at = models.DateTimeField(null=True, blank=True)
    shipped_by = models.BigIntegerField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    warned_on = models.DateField(null=True, blank=True, help_text=_("When the buyer was told that it is received by itself."))
    line_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "seq"], name="fulfilment_shipment_seq_unique", violation_error_message=_("The order already has this shipment.")
            ),
            models.UniqueConstraint(
                fields=["order", "from_place"],
                condition=Q(state=State.CREATED),
                name="fulfilment_shipment_one_plan",
                violation_error_message=_("The order already has a shipment that waits to be picked there."),
            ),
            models.CheckConstraint(
                condition=~Q(seller=F("buyer")), name="fulfilment_shipment_sides_differ", violation_error_message=_("Seller and buyer are the same.")
            ),
            models.CheckConstraint(
                condition=Q(state__in=GONE, shipped_at__isnull=False) | Q(state__in=[State.CREATED, State.PICKING, State.CANCELLED], shipped_at__isnull=True),
                name="fulfilment_shipment_shipped_at_fits",
                violation_error_message=_("A shipment has a time of dispatch exactly when it has left."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.RECEIVED, State.REFUSED], received_at__isnull=False)
                | (~Q(state__in=[State.RECEIVED, State.REFUSED]) & Q(received_at__isnull=True)),
                name="fulfilment_shipment_received_at_fits",
                violation_error_message=_("A shipment has a time of receipt exactly when it was received."),
            ),
        ]
        indexes = [
            models.Index(fields=["seller", "state", "-id"], name="fulfilment_shipment_seller"),
            models.Index(fields=["buyer", "state", "-id"], name="fulfilment_shipment_buyer"),
            models.Index(fields=["number"], name="fulfilment_shipment_number"),
            models.Index(fields=["shipped_at", "id"], name="fulfilment_shipment_shipped"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return f"/shipments/{self.pk}/"

    @property
    def subject(self) -> Subject:
        return Subject("fulfilment.shipment", self.pk, self.seller_id, self.buyer_id, self.number)


class ShipmentLine(Row):
    """What of an order line is in a shipment: planned until dispatch, then what has left; `packed`: how much of it is in parcels; `come`: how much of it
    receipts counted after which more was to come.
    """

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(Line, **SIDE)
    product = models.ForeignKey(Product, **SIDE)
    qty = _quantity()
    packed = _quantity(default=0, db_default=0)
    come = _quantity(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(come__gte=0, come__lte=F("qty")),
                name="fulfilment_shipmentline_come_fits",
                violation_error_message=_("More was received than is under way."),
            ),
            models.CheckConstraint(
                condition=Q(packed__gte=0, packed__lte=F("qty")),
                name="fulfilment_shipmentline_packed_fits",
                violation_error_message=_("More is in parcels than was picked."),
            ),
            models.UniqueConstraint(
                fields=["shipment", "line"], name="fulfilment_shipmentline_line_unique", violation_error_message=_("The line is already in the shipment.")
            ),
            models.CheckConstraint(
                condition=Q(qty__gt=0), name="fulfilment_shipmentline_qty_positive", violation_error_message=_("The quantity must be more than zero.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.qty}"

    @property
    def rest(self) -> Any:
        """How much of it is still under way, once it has left."""
        return self.qty - self.come

    @property
    def count(self) -> Tally | None:
        """What all receipts counted of it, out of `counts` as they were read; None where nobody has."""
        return tally(list(self.counts.all()))


class Package(Row):
    """A parcel or pallet of a shipment, with the number (SSCC) that is on it: given once, never to another one. `weight`: gross, in kilograms;
    `receipt`: with which receipt it came, where that is known.
    """

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="packages")
    no = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=6, choices=PackageKind.choices)
    sscc = models.CharField(max_length=18)
    weight = models.DecimalField(max_digits=10, decimal_places=3, null=True, blank=True)
    at = models.DateTimeField()
    packed_by = models.BigIntegerField(null=True, blank=True)
    receipt = models.ForeignKey("fulfilment.Receipt", null=True, blank=True, db_index=False, **SIDE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sscc"], name="fulfilment_package_sscc_unique", violation_error_message=_("Another parcel has this number.")),
            models.UniqueConstraint(
                fields=["shipment", "no"], name="fulfilment_package_no_unique", violation_error_message=_("The shipment already has this parcel.")
            ),
            models.CheckConstraint(
                condition=Q(sscc__regex=r"^[0-9]{18}$", kind__in=PackageKind.values),
                name="fulfilment_package_sscc_digits",
                violation_error_message=_("A parcel has a kind, and a number of 18 digits."),
            ),
            models.CheckConstraint(
                condition=Q(weight=None) | Q(weight__gte=0),
                name="fulfilment_package_weight_not_negative",
                violation_error_message=_("The weight is never less than zero."),
            ),
        ]

    def __str__(self) -> str:
        return self.sscc

    def get_absolute_url(self) -> str:
        return f"/shipments/{self.shipment_id}/"

    # a parcel is told as what it travels with

    @property
    def seller(self) -> Organisation:
        return self.shipment.seller

    @property
    def buyer(self) -> Organisation:
        return self.shipment.buyer

    @property
    def seller_id(self) -> int:
        return self.shipment.seller_id

    @property
    def buyer_id(self) -> int:
        return self.shipment.buyer_id

    def get_state_display(self) -> str:
        return f"{self.shipment.number} · {self.shipment.get_state_display()}"


class PackageLine(Row):
    """How much of a shipment line is in a parcel; of a product tracked by lot how much of one lot, "" without a number."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="lines")
    line = models.ForeignKey(ShipmentLine, **SIDE)
    lot = models.CharField(max_length=40, blank=True, default="", db_default="")
    expires_on = models.DateField(null=True, blank=True)
    qty = _quantity()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["package", "line", "lot"], name="fulfilment_packageline_line_unique", violation_error_message=_("The line is already in the parcel.")
            ),
            models.CheckConstraint(
                condition=Q(qty__gt=0), name="fulfilment_packageline_qty_positive", violation_error_message=_("The quantity must be more than zero.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.qty}"


class Receipt(Row):
    """The buyer's count of a shipment, or of a part of it (`partial`: the rest is still under way); one only is the last. `automatic`: nobody counted in
    time, so it is as it was sent.
    """

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="receipts")
    at = models.DateTimeField()
    received_by = models.BigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True, default="")
    automatic = models.BooleanField(default=False, db_default=False)
    partial = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shipment"],
                condition=Q(partial=False),
                name="fulfilment_receipt_one_last",
                violation_error_message=_("The shipment was received already."),
            ),
            models.CheckConstraint(
                condition=Q(automatic=False) | Q(partial=False),
                name="fulfilment_receipt_automatic_is_last",
                violation_error_message=_("What is received by itself is all that was under way."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shipment_id} {self.at:%Y-%m-%d}"


class ReceiptLine(Row):
    """The count of one shipment line: received + damaged + short + refused + wrong of all its receipts = shipped; `over` came on top. Instead of `wrong`
    came as many of `wrong_product`.
    """

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="lines")
    shipment_line = models.ForeignKey(ShipmentLine, on_delete=models.PROTECT, related_name="counts", db_index=False)
    received = _quantity()
    damaged = _quantity(default=0)
    short = _quantity(default=0)
    over = _quantity(default=0)
    refused = _quantity(default=0, db_default=0)
    wrong = _quantity(default=0, db_default=0)
    wrong_product = models.ForeignKey(Product, null=True, blank=True, db_index=False, **SIDE)
    note = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shipment_line", "receipt"], name="fulfilment_receiptline_line_unique", violation_error_message=_("The line is counted already.")
            ),
            models.CheckConstraint(
                condition=Q(received__gte=0, damaged__gte=0, short__gte=0, over__gte=0),
                name="fulfilment_receiptline_counts_not_negative",
                violation_error_message=_("A count is never less than zero."),
            ),
            models.CheckConstraint(
                condition=Q(refused__gte=0) & (Q(wrong=0, wrong_product=None) | Q(wrong__gt=0, wrong_product__isnull=False)),
                name="fulfilment_receiptline_wrong_named",
                violation_error_message=_("Wrong goods are named, with their quantity."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shipment_line_id}: {self.received}"


class Difference(Row):
    """A claim of the buyer from a receipt: goods missing, damaged, refused, wrong or too many, with the gross they stand for. `product`: what came
    instead, where it is wrong. Open, then somebody of the seller takes it (until `due_on`), until it is settled: what became of the goods
    (`outcome`), who bears it (`liable`), what the buyer gets for it (`remedy`).
    """

    receipt_line = models.ForeignKey(ReceiptLine, on_delete=models.PROTECT, related_name="differences")
    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="differences")
    seller = models.ForeignKey(Organisation, **SIDE)
    buyer = models.ForeignKey(Organisation, **SIDE)
    kind = models.CharField(max_length=8, choices=DifferenceKind.choices)
    qty = _quantity()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    currency = models.CharField(max_length=3)
    product = models.ForeignKey(Product, null=True, blank=True, db_index=False, **SIDE)
    state = models.CharField(max_length=13, choices=DifferenceState.choices, default=DifferenceState.OPEN)
    at = models.DateTimeField()
    taken_by = models.ForeignKey("people.User", null=True, blank=True, db_index=False, **SIDE)
    taken_at = models.DateTimeField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True, default="", db_default="")
    liable = models.CharField(max_length=10, choices=Liable.choices, blank=True, default="", db_default="")
    remedy = models.CharField(max_length=6, choices=Remedy.choices, blank=True, default="", db_default="")
    note = models.CharField(max_length=200, blank=True, default="", db_default="")
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=UNSETTLED, outcome="", liable="", remedy="", settled_at=None)
                | Q(state=DifferenceState.SETTLED, outcome__in=Outcome.values, liable__in=Liable.values, settled_at__isnull=False),
                name="fulfilment_difference_settled_fits",
                violation_error_message=_("A settled difference says what became of the goods and who bears it."),
            ),
            models.UniqueConstraint(
                fields=["receipt_line", "kind"], name="fulfilment_difference_kind_unique", violation_error_message=_("This difference is already noted.")
            ),
            models.CheckConstraint(
                condition=Q(qty__gt=0, amount__gte=0),
                name="fulfilment_difference_qty_positive",
                violation_error_message=_("A difference has a quantity, and an amount of zero or more."),
            ),
            models.CheckConstraint(
                condition=(Q(state=DifferenceState.INVESTIGATING, taken_at__isnull=False, taken_by__isnull=False) | ~Q(state=DifferenceState.INVESTIGATING))
                & (Q(state=DifferenceState.OPEN, taken_at=None, due_on=None) | ~Q(state=DifferenceState.OPEN)),
                name="fulfilment_difference_taken_fits",
                violation_error_message=_("An investigation says who has taken it, and since when."),
            ),
            models.CheckConstraint(
                condition=Q(kind=DifferenceKind.WRONG, product__isnull=False) | (~Q(kind=DifferenceKind.WRONG) & Q(product=None)),
                name="fulfilment_difference_wrong_named",
                violation_error_message=_("Wrong goods are named, with their quantity."),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=DifferenceKind.values, state__in=DifferenceState.values),
                name="fulfilment_difference_kind_known",
                violation_error_message=_("There is no such kind or state of a difference."),
            ),
        ]
        indexes = [
            models.Index(fields=["seller", "-id"], condition=~Q(state=DifferenceState.SETTLED), name="fulfilment_difference_seller"),
            models.Index(fields=["buyer", "-id"], condition=~Q(state=DifferenceState.SETTLED), name="fulfilment_difference_buyer"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.qty}"
