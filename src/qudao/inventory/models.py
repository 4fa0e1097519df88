"""Tables of stock. A move is the truth and never changes; a stock row is its running sum, kept in the same transaction.

Quantities are in the base unit of the product, four decimals.
"""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import LessThanOrEqual
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.inventory.states import (
    LEAD_DAYS,
    MOST_KEEPS_DAYS,
    MOST_LEAD_DAYS,
    MOST_LOT,
    MOST_PLACES,
    MOST_RECEIPT_DAYS,
    MOST_RESERVE_DAYS,
    RECEIPT_DAYS,
    PlaceKind,
    ReservationState,
    Short,
    Shows,
)


def _quantity(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=4, **options)


class Place(Row):
    """Where goods of one owner can be. `kind` and `code` never change; a name is only needed beyond the standard places.

    A warehouse that is `closed` holds nothing and nothing enters it, until it is opened again.
    """

    goes_with = "owner"

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=32)
    name = models.CharField(max_length=120, blank=True, default="")
    name_en = models.CharField(max_length=120, blank=True, default="", db_default="")
    kind = models.CharField(max_length=10, choices=PlaceKind.choices, default=PlaceKind.STOCK)
    address = models.CharField(max_length=240, blank=True, default="", db_default="")
    contact = models.CharField(max_length=80, blank=True, default="", db_default="")
    phone = models.CharField(max_length=40, blank=True, default="", db_default="")
    closed = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "code"],
                name="inventory_place_code_unique",
                violation_error_message=_("Your organisation already has a place with this code."),
            ),
            models.CheckConstraint(condition=~Q(code=""), name="inventory_place_code_given", violation_error_message=_("The place needs a code.")),
            models.CheckConstraint(
                condition=Q(kind__in=PlaceKind.values), name="inventory_place_kind_known", violation_error_message=_("There is no such kind of place.")
            ),
            models.CheckConstraint(
                condition=Q(closed=False) | (Q(kind=PlaceKind.STOCK) & ~Q(code="MAIN")),
                name="inventory_place_closed_is_warehouse",
                violation_error_message=_("Only a warehouse besides MAIN can be closed."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def label(self) -> str:
        """The given name in the reader's language, or what the place is for."""
        named = self.name_en if self.name_en and not (get_language() or "").startswith("zh") else self.name
        return named or str(PlaceKind(self.kind).label)

    def get_absolute_url(self) -> str:
        return reverse("place", args=[self.pk])


class Stock(Row):
    """What lies in a place and how much of it is promised. No row means zero. Places of the kind outside have none."""

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+")
    on_hand = _quantity(default=0)
    reserved = _quantity(default=0)
    # A column of its own that seldom changes: an index on the quantities themselves would have to be written with every line of an order.
    used_up = models.GeneratedField(
        expression=LessThanOrEqual(F("on_hand"), F("reserved")), output_field=models.BooleanField(), db_persist=True, help_text=_("Whether nothing is free.")
    )
    awaited = models.BooleanField(default=False, db_default=False, help_text=_("Somebody waits for these goods; what comes in is theirs."))
    tracked = models.BooleanField(default=False, db_default=False, help_text=_("The product is tracked by lot; then its lots sum to what is on hand."))
    held = models.CharField(max_length=200, blank=True, default="", db_default="", help_text=_("Why it is blocked for quality; empty: it is not."))

    class Meta:
        indexes = [
            models.Index(fields=["place"], condition=Q(used_up=True), name="inventory_stock_used_up"),
            models.Index(fields=["place"], condition=~Q(held=""), name="inventory_stock_held"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["place", "product"],
                name="inventory_stock_place_product_unique",
                violation_error_message=_("This place already has a row for the product."),
            ),
            models.CheckConstraint(
                condition=Q(reserved__gte=0) & Q(reserved__lte=F("on_hand")),
                name="inventory_stock_reserved_within",
                violation_error_message=_("There is not enough stock: more would be reserved than is on hand."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place_id}/{self.product_id}: {self.on_hand}"


class Reservation(Row):
    """Stock promised to one line of a document: of `qty`, `taken` has left and `released` was given back.

    Place and product have no foreign key check of their own: the stock row that is updated in the same statement proves them, and a check
    per line would lock product rows that every order shares.
    """

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    qty = _quantity()
    taken = _quantity(default=0)
    released = _quantity(default=0)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    ref_id = models.BigIntegerField(help_text=_("The line of the subject."))
    number = models.CharField(max_length=64, blank=True, default="", help_text=_("The document's number, for people."))
    state = models.CharField(max_length=8, choices=ReservationState.choices, default=ReservationState.OPEN)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(qty__gt=0) & Q(taken__gte=0) & Q(released__gte=0) & Q(taken__lte=F("qty") - F("released")),
                name="inventory_reservation_within_qty",
                violation_error_message=_("More would be taken or released than was reserved."),
            ),
            models.CheckConstraint(
                condition=Q(state=ReservationState.OPEN, taken__lt=F("qty") - F("released")) | Q(state=ReservationState.CLOSED, taken=F("qty") - F("released")),
                name="inventory_reservation_state_fits",
                violation_error_message=_("A reservation is closed exactly when nothing of it is left."),
            ),
            models.UniqueConstraint(
                fields=["place", "product", "ref_id", "subject_kind", "subject_id"],
                condition=Q(state=ReservationState.OPEN),
                name="inventory_reservation_open_once",
                violation_error_message=_("Stock is already reserved for this line."),
            ),
        ]
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="inventory_reservation_subject")]

    def __str__(self) -> str:
        return f"{self.subject_kind}/{self.subject_id}/{self.ref_id}: {self.qty}"


class Move(Row):
    """Goods went from one place to another. Append-only; a wrong move is corrected by a move back.

    Months are in the unique key and nothing points here, so that the table can be partitioned. No foreign key checks: see Reservation.
    """

    month = models.DateField(help_text=_("First day of the month of the business date."))
    at = models.DateTimeField()
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    qty = _quantity()
    from_place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    to_place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    ref_id = models.BigIntegerField(null=True)
    number = models.CharField(max_length=64, blank=True, default="", help_text=_("The document's number, for people."))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(qty__gt=0), name="inventory_move_qty_positive", violation_error_message=_("The quantity of a move must be more than zero.")
            ),
            models.CheckConstraint(
                condition=~Q(from_place=F("to_place")),
                name="inventory_move_places_differ",
                violation_error_message=_("The goods would leave and enter the same place."),
            ),
        ]
        indexes = [
            models.Index(fields=["from_place", "product"], name="inventory_move_from"),
            models.Index(fields=["to_place", "product"], name="inventory_move_to"),
            models.Index(fields=["subject_kind", "subject_id"], name="inventory_move_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.qty} of {self.product_id}: {self.from_place_id} → {self.to_place_id}"


class Tracked(Row):
    """A product of which every quantity belongs to a lot; for good. `shelf_days`: how long it keeps when it is new, if that is known."""

    goes_with = "product"

    product = models.OneToOneField("catalog.Product", on_delete=models.PROTECT, related_name="+")
    shelf_days = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("Days that the product keeps from the day it is made."))
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(shelf_days__isnull=True) | Q(shelf_days__gt=0),
                name="inventory_tracked_shelf_days_positive",
                violation_error_message=_("A product keeps for a day or more."),
            )
        ]

    def __str__(self) -> str:
        return str(self.product_id)


class Lot(Row):
    """What lies of a lot in a place: the running sum of its lot moves. Who changes it holds the lock of the stock row. "" = no number is known.

    A lot says nothing across owners: what a dealer names so is not read by its seller, and the other way round.
    """

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    lot = models.CharField(max_length=MOST_LOT, blank=True, default="")
    expires_on = models.DateField(null=True, blank=True, help_text=_("The last day on which it is good."))
    qty = _quantity(default=0)
    held = models.CharField(max_length=200, blank=True, default="", db_default="", help_text=_("Why it is blocked for quality; empty: it is not."))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place", "product", "lot"], name="inventory_lot_unique", violation_error_message=_("This place already has a row for the lot.")
            ),
            models.CheckConstraint(
                condition=Q(qty__gte=0), name="inventory_lot_not_negative", violation_error_message=_("There is not that much of this lot.")
            ),
        ]
        indexes = [
            models.Index(fields=["expires_on"], condition=Q(qty__gt=0), name="inventory_lot_expires"),
            models.Index(fields=["place"], condition=~Q(held=""), name="inventory_lot_held"),
        ]

    def __str__(self) -> str:
        return f"{self.lot}: {self.qty}"


class LotMove(Row):
    """The part of a move that is one lot's: so it is known which documents brought it and to whom it went. Append-only."""

    at = models.DateTimeField()
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    lot = models.CharField(max_length=MOST_LOT, blank=True, default="")
    expires_on = models.DateField(null=True, blank=True)
    qty = _quantity()
    from_place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    to_place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_constraint=False)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    ref_id = models.BigIntegerField(null=True)
    number = models.CharField(max_length=64, blank=True, default="", help_text=_("The document's number, for people."))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(qty__gt=0), name="inventory_lotmove_qty_positive", violation_error_message=_("The quantity of a move must be more than zero.")
            )
        ]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="inventory_lotmove_subject"),
            models.Index(fields=["product", "lot"], name="inventory_lotmove_lot"),
        ]

    def __str__(self) -> str:
        return f"{self.qty} of {self.lot}: {self.from_place_id} → {self.to_place_id}"


class SupplyPlace(Row):
    """Out of which place an agreement is supplied, how soon, what the buyer is told about the stock there, what becomes of an order whose goods
    are short, how early its orders are served when goods come in (`priority`, the highest first), how long what is shipped must still keep
    (in days and as a part of its shelf life, whichever is more), and for how many days goods are kept for an order that nobody has begun to pick
    (`reserve_days`; None: for as long as it takes). `receipt_days`: how long after goods should have arrived they are received as sent if nobody counts
    them (0: never); `photos`: whether a count of damaged or wrong goods needs one. Without a row: MAIN, banded, refused, not expired, kept, 7 days, yes.
    """

    agreement = models.OneToOneField("agreements.Agreement", on_delete=models.PROTECT, related_name="+")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+")
    shows = models.CharField(max_length=8, choices=Shows.choices, default=Shows.BANDED)
    lead_days = models.PositiveSmallIntegerField(default=LEAD_DAYS, db_default=LEAD_DAYS, help_text=_("Working days from the order until goods leave."))
    short = models.CharField(max_length=9, choices=Short.choices, default=Short.REFUSE, db_default=Short.REFUSE)
    surcharge = models.DecimalField(max_digits=5, decimal_places=2, default=0, db_default=0, help_text=_("On the price of an emergency order, in percent."))
    priority = models.PositiveSmallIntegerField(default=0, db_default=0, help_text=_("Who is served first when goods come in: the highest, then the oldest."))

    reserve_days = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("Days that goods are kept for an order nobody has begun to pick."))
    receipt_days = models.PositiveSmallIntegerField(
        default=RECEIPT_DAYS, db_default=RECEIPT_DAYS, help_text=_("Days until what nobody counts is received as sent; 0: never.")
    )
    photos = models.BooleanField(default=True, db_default=True, help_text=_("Damaged or wrong goods are received with a photo."))
    keeps_days = models.PositiveSmallIntegerField(default=0, db_default=0, help_text=_("Days that a lot must still keep when it is shipped."))
    keeps_percent = models.PositiveSmallIntegerField(default=0, db_default=0, help_text=_("The same in percent of the shelf life of the product."))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(keeps_percent__lte=100, keeps_days__lte=MOST_KEEPS_DAYS),
                name="inventory_supplyplace_keeps_sane",
                violation_error_message=_("A lot must keep for at most ten years, and at most 100 % of its shelf life."),
            ),
            models.CheckConstraint(
                condition=Q(lead_days__lte=MOST_LEAD_DAYS),
                name="inventory_supplyplace_lead_days_sane",
                violation_error_message=_("Goods leave at most a year after the order."),
            ),
            models.CheckConstraint(
                condition=Q(reserve_days__isnull=True) | Q(reserve_days__gte=1, reserve_days__lte=MOST_RESERVE_DAYS),
                name="inventory_supplyplace_reserve_days_sane",
                violation_error_message=_("Goods are kept for one day to a year, or until they are picked."),
            ),
            models.CheckConstraint(
                condition=Q(receipt_days__lte=MOST_RECEIPT_DAYS),
                name="inventory_supplyplace_receipt_days_sane",
                violation_error_message=_("What nobody counts is received after at most a year."),
            ),
            models.CheckConstraint(
                condition=Q(shows__in=Shows.values),
                name="inventory_supplyplace_shows_known",
                violation_error_message=_("The buyer can be told the exact quantity, a band, or nothing."),
            ),
            models.CheckConstraint(
                condition=Q(short__in=Short.values),
                name="inventory_supplyplace_short_known",
                violation_error_message=_("An order that is short is refused, kept for later, or cut."),
            ),
            models.CheckConstraint(
                condition=Q(surcharge__gte=0, surcharge__lte=100),
                name="inventory_supplyplace_surcharge_sane",
                violation_error_message=_("The surcharge of an emergency is 0 to 100 %."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agreement_id} ← {self.place_id}"


class ServingRule(Row):
    """Which warehouses of a seller serve whom, in their order: one buyer, a group, a region with all below it, an area by its first digits, or
    everybody. The nearest rule counts, and goes before the warehouse of the agreement. `splits`: a line may come out of several of them; without,
    an order comes out of one.

    Places are named in an array, because only their order matters; they are checked when it is written, and no place is ever deleted.
    """

    goes_with = "owner"

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    buyer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    group = models.ForeignKey("agreements.Group", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    region = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    area_code = models.CharField(max_length=12, blank=True, default="")
    place_ids = ArrayField(models.BigIntegerField())
    splits = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "buyer", "group", "region", "area_code"],
                name="inventory_servingrule_whom_unique",
                nulls_distinct=False,
                violation_error_message=_("There is a rule for them already."),
            ),
            models.CheckConstraint(
                condition=Q(group=None, region=None, area_code="")
                | Q(buyer=None, region=None, area_code="")
                | Q(buyer=None, group=None, area_code="")
                | Q(buyer=None, group=None, region=None),
                name="inventory_servingrule_one_whom",
                violation_error_message=_("Name either a buyer, a group, a region or an area; nothing means everybody."),
            ),
            models.CheckConstraint(
                condition=Q(place_ids__len__gte=1, place_ids__len__lte=MOST_PLACES),
                name="inventory_servingrule_places_given",
                violation_error_message=_("Name at least one warehouse."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.place_ids}"
