"""Price lists with their prices, which agreement uses which list, and prices granted to one buyer."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.pricing.states import ChangeState, Source


def _same(column: str, function: str = "int8range") -> Func:
    """Equality for an exclusion constraint without btree_gist: the one-point range [x, x] overlaps only itself."""
    return Func(column, column, Value("[]"), function=function)


def _days() -> Func:
    """The validity of a row; an open end reaches to infinity."""
    return Func("valid_from", "valid_to", Value("[]"), function="daterange", output_field=DateRangeField())


class PriceList(Row):
    """Prices of one owner in one currency. The list marked `is_base` is what a buyer pays when nothing else says otherwise."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    code = models.TextField()
    name = models.TextField()
    name_en = models.TextField(default="", blank=True)
    currency = models.TextField()
    tax_inclusive = models.BooleanField(default=True)
    is_base = models.BooleanField(default=False)
    #: breaks count the quantities of all products of the list in an order together
    mixes = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "code"],
                name="pricing_pricelist_owner_code_unique",
                violation_error_message=_("Another price list has this code."),
            ),
            models.UniqueConstraint(
                fields=["owner", "currency"],
                condition=Q(is_base=True),
                name="pricing_pricelist_owner_currency_one_base",
                violation_error_message=_("There is already a base list in this currency."),
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(name="") & Q(currency__regex=r"^[A-Z]{3}$"),
                name="pricing_pricelist_code_name_currency_present",
                violation_error_message=_("A price list needs a code, a name and a currency."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("price_list", args=[self.pk])


class Price(Row):
    """What one base unit of a product costs in a list, from `min_qty` base units on, on the days of its span (both included)."""

    list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="prices")
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    min_qty = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["product", "list"], name="pricing_price_product_list")]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(min_qty__gte=0),
                name="pricing_price_amount_min_qty_positive",
                violation_error_message=_("A price must be greater than zero, a quantity break must not be negative."),
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="pricing_price_valid_from_to_ordered",
                violation_error_message=_("The last day lies before the first day."),
            ),
            ExclusionConstraint(
                name="pricing_price_list_product_min_qty_no_overlap",
                expressions=[
                    (_same("list"), RangeOperators.OVERLAPS),
                    (_same("product"), RangeOperators.OVERLAPS),
                    (_same("min_qty", "numrange"), RangeOperators.OVERLAPS),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("The list already has a price of this product and quantity break in this time."),
            ),
        ]


class PriceChange(Row):
    """Prices of a list that shall change together on a day: kept as a draft, released (after its signatures) into the list, or dropped."""

    list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="changes")
    title = models.CharField(max_length=120)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=ChangeState.choices, default=ChangeState.DRAFT)
    created_at = models.DateTimeField()
    created_by = models.BigIntegerField(null=True)
    created_name = models.CharField(max_length=120, default="", blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="pricing_pricechange_valid_from_to_ordered",
                violation_error_message=_("The last day lies before the first day."),
            ),
            models.CheckConstraint(
                condition=Q(state=ChangeState.DRAFT, closed_at=None)
                | Q(state__in=[ChangeState.RELEASED, ChangeState.DROPPED, ChangeState.RECALLED], closed_at__isnull=False),
                name="pricing_pricechange_closed_fits",
                violation_error_message=_("Only a draft is open."),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """What it is called."""
        return f"PC-{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("price_change", args=[self.pk])


class ChangeLine(Row):
    """One new price of a change; `before`: the price it took the place of when it was released, None when there was none. `spans`: the prices of its
    product and break around its release, [before, after], as `rules.spans_told` writes them: what taking it back restores.
    """

    change = models.ForeignKey(PriceChange, on_delete=models.CASCADE, related_name="lines", db_index=False)
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    min_qty = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    before = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    spans = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["change", "product", "min_qty"],
                name="pricing_changeline_product_min_qty_unique",
                violation_error_message=_("The same product and quantity break appear more than once."),
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(min_qty__gte=0),
                name="pricing_changeline_amount_min_qty_positive",
                violation_error_message=_("A price must be greater than zero, a quantity break must not be negative."),
            ),
        ]


class Rate(Row):
    """From `day` on, one `from_currency` is worth `rate` of `to_currency` for the owner's prices, until its next rate. The way back is a rate of its own."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    from_currency = models.TextField()
    to_currency = models.TextField()
    day = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=6)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "from_currency", "to_currency", "day"],
                name="pricing_rate_owner_pair_day_unique",
                violation_error_message=_("There is already a rate of this day."),
            ),
            models.CheckConstraint(
                condition=Q(rate__gt=0) & Q(from_currency__regex=r"^[A-Z]{3}$") & Q(to_currency__regex=r"^[A-Z]{3}$") & ~Q(from_currency=F("to_currency")),
                name="pricing_rate_positive_two_currencies",
                violation_error_message=_("A rate is greater than zero and leads from one currency to another."),
            ),
        ]


class ListAssignment(Row):
    """The buyer of an agreement pays by this list; of several lists that with the larger `priority` goes first."""

    agreement = models.ForeignKey("agreements.Agreement", on_delete=models.PROTECT, related_name="+", db_index=False)
    list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="assignments")
    priority = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "list"],
                name="pricing_listassignment_agreement_list_unique",
                violation_error_message=_("The list is already assigned to this agreement."),
            ),
        ]


class WideAssignment(Row):
    """Many buyers pay by this list: those of a group, or those of a region (`region` with all below it, an `area_code` by its first digits) and channel.

    An agreement's own list goes before a group's, a group's before a region's; of several of one level the larger `priority` goes first.
    """

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="+", db_index=False)
    group = models.ForeignKey("agreements.Group", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    region = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    area_code = models.TextField(default="", blank=True)
    channel = models.TextField(default="", blank=True)
    priority = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["list", "group", "region", "area_code", "channel"],
                name="pricing_wideassignment_list_place_unique",
                nulls_distinct=False,
                violation_error_message=_("The list is already assigned there."),
            ),
            models.CheckConstraint(
                condition=Q(group__isnull=False, region=None, area_code="", channel="")
                | Q(Q(region__isnull=False) | ~Q(area_code="") | ~Q(channel=""), group=None),
                name="pricing_wideassignment_group_or_region",
                violation_error_message=_("Name either a group of buyers, or a region, an area or a channel."),
            ),
        ]


class SpecialPrice(Row):
    """A price granted to the buyer of one agreement; `subject` is the document that granted it, if any. Per base unit, as Price."""

    agreement = models.ForeignKey("agreements.Agreement", on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    min_qty = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    source = models.TextField(choices=Source.choices, default=Source.MANUAL)
    subject_kind = models.TextField(default="", blank=True)
    subject_id = models.BigIntegerField(null=True, blank=True)
    reason = models.TextField(default="", blank=True)
    granted_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["agreement", "product"], name="pricing_special_agr_product"),
            models.Index(fields=["subject_kind", "subject_id"], name="pricing_special_subject", condition=~Q(subject_kind="")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(min_qty__gte=0),
                name="pricing_specialprice_amount_min_qty_positive",
                violation_error_message=_("A price must be greater than zero, a quantity break must not be negative."),
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="pricing_specialprice_valid_from_to_ordered",
                violation_error_message=_("The last day lies before the first day."),
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values),
                name="pricing_specialprice_source_known",
                violation_error_message=_("The source of a special price is unknown."),
            ),
        ]
