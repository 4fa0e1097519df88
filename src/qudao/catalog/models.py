"""Tables of the catalogue. A product belongs to the organisation that names it; who else sees it is a row of Audience."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Cast, Substr
from django.db.models.lookups import Exact
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.catalog.states import MOST_LEAD_DAYS, ProductState


def _gtin_valid(column: str) -> Case:
    """Empty, or 14 digits whose weighted sum (3, 1, 3, …) divides by ten. A CASE, because AND does not promise the order of its tests."""
    total = sum(
        (Cast(Substr(column, place, 1), models.IntegerField()) * Value(3 if place % 2 else 1) for place in range(1, 15)),
        start=Value(0),
    )
    return Case(
        When(Exact(F(column), Value("")), then=Value(True)),
        When(Q(**{f"{column}__regex": r"^[0-9]{14}$"}), then=Exact(total % Value(10), Value(0))),
        default=Value(False),
        output_field=models.BooleanField(),
    )


class Category(Row):
    """A branch of an owner's catalogue; `path` ("/3/7/") makes "this category and all below" one prefix test."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    path = models.TextField(default="", editable=False)
    code = models.TextField()
    name = models.TextField()
    name_en = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "code"],
                name="catalog_category_owner_code_unique",
                violation_error_message=_("This category code is already used."),
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(name=""),
                name="catalog_category_code_name_present",
                violation_error_message=_("A category needs a code and a name."),
            ),
            models.CheckConstraint(
                condition=Q(parent=None) | ~Q(parent=F("id")),
                name="catalog_category_parent_not_itself",
                violation_error_message=_("A category cannot lie inside itself."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("category", args=[self.pk])

    @property
    def depth(self) -> int:
        """How many categories stand above it."""
        return self.path.count("/") - 2


class Brand(Row):
    """A brand of an owner's catalogue."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    code = models.TextField()
    name = models.TextField()
    name_en = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "code"],
                name="catalog_brand_owner_code_unique",
                violation_error_message=_("Another brand has this code."),
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(name=""),
                name="catalog_brand_code_name_present",
                violation_error_message=_("A brand needs a code and a name."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("brand", args=[self.pk])


class TaxClass(Row):
    """How products are taxed: VAT 13, 9, 6, 0, or exempt. Its rate on a day is that of the last TaxRate up to it; documents copy the rate at the order."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    code = models.TextField()
    name = models.TextField()
    name_en = models.TextField(default="", blank=True)
    exempt = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "code"],
                name="catalog_taxclass_owner_code_unique",
                violation_error_message=_("Another tax class has this code."),
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(name=""),
                name="catalog_taxclass_code_name_present",
                violation_error_message=_("A tax class needs a code and a name."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("tax_class", args=[self.pk])


class TaxRate(Row):
    """From `valid_from` on, the class is taxed at `rate` (a fraction), until its next rate."""

    goes_with = "tax_class"

    tax_class = models.ForeignKey(TaxClass, on_delete=models.PROTECT, related_name="rates", db_index=False)
    valid_from = models.DateField()
    rate = models.DecimalField(max_digits=5, decimal_places=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tax_class", "valid_from"],
                name="catalog_taxrate_class_valid_from_unique",
                violation_error_message=_("The class already has a rate from this day on."),
            ),
            models.CheckConstraint(
                condition=Q(rate__gte=0) & Q(rate__lt=1),
                name="catalog_taxrate_rate_range",
                violation_error_message=_("The tax rate must lie between 0 and 1."),
            ),
        ]


class Product(Row):
    """Something that can be traded. Quantities are in the base unit `unit`; `tax_rate` is a fraction."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    code = models.TextField()
    name = models.TextField()
    name_en = models.TextField(default="", blank=True)
    initials = models.TextField(default="", blank=True)
    pinyin = models.TextField(default="", blank=True, editable=False)
    gtin = models.TextField(default="", blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    unit = models.TextField()
    #: kilograms and cubic metres of one base unit, 0 = not known
    weight = models.DecimalField(max_digits=14, decimal_places=4, default=Decimal(0))
    volume = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))
    #: that of the class today, if it has one
    tax_rate = models.DecimalField(max_digits=5, decimal_places=4)
    tax_class = models.ForeignKey(TaxClass, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    state = models.TextField(choices=ProductState.choices, default=ProductState.ACTIVE)
    #: hash of the kept picture, "" for none; its two sizes lie in the media folder under it
    picture = models.TextField(default="", blank=True, editable=False)
    min_qty = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))
    pack_multiple = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(1))
    max_qty = models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0), db_default=Decimal(0))
    #: working days its owner needs until it leaves (made to order, imported), where that is more than the terms of a trade say
    lead_days = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        indexes = [
            models.Index(fields=["code", "id"], name="catalog_product_code"),
            models.Index(fields=["name", "id"], name="catalog_product_name"),
            models.Index(fields=["owner"], condition=Q(lead_days__gt=0), include=["id", "lead_days"], name="catalog_product_lead"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "code"],
                name="catalog_product_owner_code_unique",
                violation_error_message=_("This product code is already used."),
            ),
            models.UniqueConstraint(
                fields=["owner", "gtin"],
                condition=~Q(gtin=""),
                name="catalog_product_owner_gtin_unique",
                violation_error_message=_("Another product has this GTIN."),
            ),
            models.CheckConstraint(
                condition=_gtin_valid("gtin"),
                name="catalog_product_gtin_valid",
                violation_error_message=_("The GTIN must have 14 digits and the right check digit."),
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(name="") & ~Q(unit=""),
                name="catalog_product_code_name_unit_present",
                violation_error_message=_("A product needs a code, a name and a unit."),
            ),
            models.CheckConstraint(
                condition=Q(tax_rate__gte=0) & Q(tax_rate__lt=1),
                name="catalog_product_tax_rate_range",
                violation_error_message=_("The tax rate must lie between 0 and 1."),
            ),
            models.CheckConstraint(
                condition=Q(min_qty__gte=0) & Q(pack_multiple__gt=0),
                name="catalog_product_min_qty_pack_multiple_positive",
                violation_error_message=_("The smallest quantity must not be negative, and the step must be greater than zero."),
            ),
            models.CheckConstraint(
                condition=Q(max_qty=0) | Q(max_qty__gt=0, max_qty__gte=F("min_qty")),
                name="catalog_product_max_qty_reaches_min",
                violation_error_message=_("The largest quantity must not be below the smallest one; 0 means there is none."),
            ),
            models.CheckConstraint(
                condition=Q(lead_days__lte=MOST_LEAD_DAYS), name="catalog_product_lead_days_sane", violation_error_message=_("A lead time is at most a year.")
            ),
            models.CheckConstraint(
                condition=Q(weight__gte=0) & Q(volume__gte=0),
                name="catalog_product_weight_volume_not_negative",
                violation_error_message=_("Weight and volume must not be negative."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=ProductState.values),
                name="catalog_product_state_known",
                violation_error_message=_("A product is either active or blocked."),
            ),
            models.CheckConstraint(
                condition=Q(picture="") | Q(picture__regex=r"^[0-9a-f]{32}$"),
                name="catalog_product_picture_is_hash",
                violation_error_message=_("A picture is named by the hash of its content."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("product", args=[self.pk])


class Pack(Row):
    """A larger unit of a product: `factor` base units in one (a box of 12)."""

    goes_with = "product"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="packs")
    name = models.TextField()
    name_en = models.TextField(default="", blank=True)
    factor = models.DecimalField(max_digits=18, decimal_places=4)
    gtin = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "name"],
                name="catalog_pack_product_name_unique",
                violation_error_message=_("The product already has a pack of this name."),
            ),
            models.CheckConstraint(
                condition=Q(factor__gt=0),
                name="catalog_pack_factor_positive",
                violation_error_message=_("A pack must hold more than zero base units."),
            ),
            models.CheckConstraint(
                condition=_gtin_valid("gtin"),
                name="catalog_pack_gtin_valid",
                violation_error_message=_("The GTIN must have 14 digits and the right check digit."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} × {self.factor}"


class Succession(Row):
    """From `valid_from` on, `successor` takes the place of a product; what is ordered stays as it is."""

    goes_with = "product"

    product = models.OneToOneField(Product, on_delete=models.PROTECT, related_name="+")
    successor = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(product=F("successor")),
                name="catalog_succession_not_itself",
                violation_error_message=_("A product cannot succeed itself."),
            ),
        ]


class Equivalent(Row):
    """Products with the same `number` can stand in for one another; a product is in one such set at most."""

    goes_with = "product"

    product = models.OneToOneField(Product, on_delete=models.PROTECT, related_name="+")
    number = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["number"], name="catalog_equivalent_number")]


class Cost(Row):
    """From `valid_from` on a base unit costs its keeper `amount` (without tax, in `currency`, the keeper's own), until its next cost. Nobody else's to see."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField()
    amount = models.DecimalField(max_digits=18, decimal_places=6)
    currency = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "product", "valid_from"],
                name="catalog_cost_owner_product_day_unique",
                violation_error_message=_("The product already has a cost from this day on."),
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0) & Q(currency__regex=r"^[A-Z]{3}$"),
                name="catalog_cost_amount_not_negative",
                violation_error_message=_("A cost must not be below zero."),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("product", args=[self.product_id])


class HiddenSet(Row):
    """Some products that are not shown, kept once however many do not see them. `digest`: the hash of its product ids when it was made."""

    digest = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["digest"],
                name="catalog_hiddenset_digest_unique",
                violation_error_message=_("These products are kept as a set already."),
            ),
        ]


class HiddenProduct(Row):
    """A product of a set that is not shown."""

    goes_with = "product"

    hidden = models.ForeignKey(HiddenSet, on_delete=models.CASCADE, related_name="+", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hidden", "product"],
                name="catalog_hiddenproduct_hidden_product_unique",
                violation_error_message=_("The product is in the set already."),
            ),
        ]


class Audience(Row):
    """`viewer` may see the products of `owner`, but for those of `hidden`. Written by the modules above that know why (agreements)."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    viewer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    #: None: all of them are shown
    hidden = models.ForeignKey(HiddenSet, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["viewer", "owner"],
                name="catalog_audience_viewer_owner_unique",
                violation_error_message=_("The organisation already sees these products."),
            ),
            models.CheckConstraint(
                condition=~Q(owner=F("viewer")),
                name="catalog_audience_viewer_not_owner",
                violation_error_message=_("An organisation always sees its own products."),
            ),
        ]
