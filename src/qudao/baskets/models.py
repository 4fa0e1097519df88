"""Tables of baskets. A line is a product with a quantity in base units, or what was typed as long as it means no product."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.agreements.models import Agreement
from qudao.base.db import Row
from qudao.catalog.models import Product
from qudao.network.models import Address, Organisation
from qudao.orders.states import CHOSEN, Kind


def _qty() -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=4, default=Decimal(0))


class Basket(Row):
    """What one person is about to order under one agreement; `version` grows with each change, so that other devices notice."""

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    user_id = models.BigIntegerField()
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField()
    requested_on = models.DateField(null=True, blank=True)
    po_number = models.CharField(max_length=40, default="", blank=True)
    note = models.CharField(max_length=500, default="", blank=True)
    kind = models.CharField(max_length=9, choices=CHOSEN, default=Kind.REGULAR, db_default=Kind.REGULAR)
    address = models.ForeignKey(Address, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "agreement"], name="baskets_basket_user_agreement_unique", violation_error_message=_("There is such a basket already.")
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Line(Row):
    """One line of a basket. `pack`: the name of the unit it was typed in, "" = base unit. `code`, `typed`: what could not be read.

    `file_row` is its row in the file it came from, for the file of errors.
    """

    basket = models.ForeignKey(Basket, on_delete=models.CASCADE, related_name="lines", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    qty = _qty()
    pack = models.CharField(max_length=40, default="", blank=True)
    code = models.CharField(max_length=64, default="", blank=True)
    typed = models.CharField(max_length=64, default="", blank=True)
    file_row = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["basket", "id"], name="baskets_line_basket")]
        constraints = [
            models.UniqueConstraint(
                fields=["basket", "product"],
                condition=Q(product__isnull=False),
                name="baskets_line_basket_product_unique",
                violation_error_message=_("The product is in the basket already."),
            ),
            models.CheckConstraint(
                condition=Q(qty__gte=0), name="baskets_line_qty_not_negative", violation_error_message=_("A quantity in a basket is not less than zero.")
            ),
            models.CheckConstraint(
                condition=Q(product__isnull=False) | ~Q(code="") | ~Q(typed=""),
                name="baskets_line_says_something",
                violation_error_message=_("A line names a product, or what was typed."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id or self.code} × {self.qty}"


class Template(Row):
    """Lines kept under a name for later: private, or shared with the own organisation."""

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="+")
    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    user_id = models.BigIntegerField()
    user_name = models.CharField(max_length=120, default="", blank=True)
    name = models.CharField(max_length=60)
    shared = models.BooleanField(default=False)
    changed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["org", "agreement"], name="baskets_template_org")]
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "user_id", "name"],
                name="baskets_template_agreement_user_name_unique",
                violation_error_message=_("You have a template of this name already."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="baskets_template_name_present", violation_error_message=_("A template needs a name.")),
        ]

    def __str__(self) -> str:
        return self.name


class TemplateLine(Row):
    """A product of a template with its usual quantity in base units."""

    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="lines", db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", db_index=False)
    qty = _qty()
    pack = models.CharField(max_length=40, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["template", "product"],
                name="baskets_templateline_template_product_unique",
                violation_error_message=_("The product is in the template already."),
            ),
            models.CheckConstraint(
                condition=Q(qty__gt=0), name="baskets_templateline_qty_positive", violation_error_message=_("The quantity must be more than zero.")
            ),
        ]


class Favourite(Row):
    """A product that a person marked in an organisation."""

    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    user_id = models.BigIntegerField()
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "org", "product"],
                name="baskets_favourite_user_org_product_unique",
                violation_error_message=_("The product is a favourite already."),
            ),
        ]
