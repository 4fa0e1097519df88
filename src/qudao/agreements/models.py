"""The trade relation of a seller and a buyer, and what the buyer may buy under it."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Cast, Coalesce, Ord, Substr
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.agreements.states import AgreementState, InvoiceOn
from qudao.base.db import Row


def _same(expression: str | models.Expression) -> Func:
    """Equality for an exclusion constraint without btree_gist: the one-point range [x, x] overlaps only itself."""
    return Func(expression, expression, Value("[]"), function="int8range")


def _letters(name: str) -> models.Expression:
    """A code of three capital letters as a number of its own, for `_same`."""
    first, second, third = (Cast(Ord(Substr(name, at, 1)), models.BigIntegerField()) for at in (1, 2, 3))
    return first * 65_536 + second * 256 + third


def _days() -> Func:
    """The validity of a row; an open end reaches to infinity."""
    return Func("valid_from", "valid_to", Value("[]"), function="daterange", output_field=DateRangeField())


class Agreement(Row):
    """`seller` sells to `buyer` on these terms, from `valid_from` to `valid_to` (both included, None = until ended)."""

    seller = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    buyer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    code = models.TextField()
    currency = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    state = models.TextField(choices=AgreementState.choices, default=AgreementState.DRAFT)
    state_since = models.DateTimeField()
    payment_days = models.IntegerField()
    invoice_on = models.TextField(choices=InvoiceOn.choices, default=InvoiceOn.RECEIPT)
    #: the buyer pays before he orders: no credit, and an invoice is due at once, because the money is there
    prepaid = models.BooleanField(default=False)
    tax_inclusive = models.BooleanField(default=True)
    #: through which the buyer sells, in the seller's words ("online", "ka"), "" for none
    channel = models.TextField(default="", blank=True)
    #: the least an order must come to before tax, in its currency; 0 for none
    min_order = models.DecimalField(max_digits=14, decimal_places=2, default=0, db_default=0)
    #: two buyers of the same seller pass goods on under it, arranged by that seller; it opens no catalogue, and nobody orders under it
    transfers = models.BooleanField(default=False, db_default=False)
    #: which of `states.EXPIRY_DAYS` both sides were told of last; None = none yet
    expiry_told = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["buyer", "seller", "state"], name="agreements_agr_buyer_seller"),
            models.Index(fields=["-valid_from", "code", "id"], name="agreements_agr_newest"),
            models.Index(fields=["state"], condition=~Q(state=AgreementState.ACTIVE), name="agreements_agr_inactive"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "code"],
                name="agreements_agreement_seller_code_unique",
                violation_error_message=_("Another agreement of this seller has this code."),
            ),
            models.CheckConstraint(
                condition=~Q(seller=F("buyer")),
                name="agreements_agreement_seller_not_buyer",
                violation_error_message=_("An organisation cannot make an agreement with itself."),
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="agreements_agreement_valid_from_to_ordered",
                violation_error_message=_("The last day lies before the first day."),
            ),
            models.CheckConstraint(
                condition=Q(payment_days__gte=0) & Q(payment_days__lte=365),
                name="agreements_agreement_payment_days_range",
                violation_error_message=_("The days of payment must lie between 0 and 365."),
            ),
            models.CheckConstraint(
                condition=Q(min_order__gte=0),
                name="agreements_agreement_min_order_not_negative",
                violation_error_message=_("The smallest order is an amount of 0 or more."),
            ),
            models.CheckConstraint(
                condition=Q(prepaid=False) | Q(payment_days=0),
                name="agreements_agreement_prepaid_without_days",
                violation_error_message=_("What is paid before has no days of payment."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=AgreementState.values) & Q(invoice_on__in=InvoiceOn.values) & Q(currency__regex=r"^[A-Z]{3}$"),
                name="agreements_agreement_state_invoice_on_currency_known",
                violation_error_message=_("The state, the moment of the invoice or the currency is unknown."),
            ),
            ExclusionConstraint(
                name="agreements_agreement_pair_currency_one_active",
                expressions=[
                    (_same("seller"), RangeOperators.OVERLAPS),
                    (_same("buyer"), RangeOperators.OVERLAPS),
                    (_same(Cast(Cast("transfers", models.IntegerField()), models.BigIntegerField())), RangeOperators.OVERLAPS),
                    (_same(_letters("currency")), RangeOperators.OVERLAPS),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                condition=Q(state=AgreementState.ACTIVE),
                violation_error_message=_("The two organisations already have an active agreement in this currency in this time."),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("agreement", args=[self.pk])


class Authorisation(Row):
    """What the buyer may (or, `allowed` False, must not) buy: a product, a category with all below it, or everything."""

    goes_with = "agreement"

    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, related_name="authorisations")
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    category = models.ForeignKey("catalog.Category", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    allowed = models.BooleanField(default=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(product=None) | Q(category=None),
                name="agreements_authorisation_product_or_category",
                violation_error_message=_("An authorisation names a product, or a category, or neither; not both."),
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="agreements_authorisation_valid_from_to_ordered",
                violation_error_message=_("The last day lies before the first day."),
            ),
            ExclusionConstraint(
                name="agreements_authorisation_no_overlap",
                expressions=[
                    (_same("agreement"), RangeOperators.OVERLAPS),
                    (_same(Coalesce("product", Value(0), output_field=models.BigIntegerField())), RangeOperators.OVERLAPS),
                    (_same(Coalesce("category", Value(0), output_field=models.BigIntegerField())), RangeOperators.OVERLAPS),
                    (_same(Cast(Cast("allowed", models.IntegerField()), models.BigIntegerField())), RangeOperators.OVERLAPS),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("The agreement already has such an authorisation in this time."),
            ),
        ]


class Group(Row):
    """Buyers that their seller treats alike: a grade, a kind of shop. What follows from it (a price list, what is shown) is said by other tables."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    code = models.TextField()
    name = models.TextField()
    name_en = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "code"],
                name="agreements_group_owner_code_unique",
                violation_error_message=_("Another group has this code."),
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(name=""),
                name="agreements_group_code_name_present",
                violation_error_message=_("A group needs a code and a name."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        return reverse("buyer_group", args=[self.pk])


class GroupMember(Row):
    """`buyer` is in the group from `valid_from` to `valid_to` (both included, None = until taken out)."""

    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="+")
    buyer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["buyer", "group"], name="agreements_member_buyer_group")]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="agreements_groupmember_valid_from_to_ordered",
                violation_error_message=_("The last day lies before the first day."),
            ),
            ExclusionConstraint(
                name="agreements_groupmember_no_overlap",
                expressions=[
                    (_same("group"), RangeOperators.OVERLAPS),
                    (_same("buyer"), RangeOperators.OVERLAPS),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("The buyer is in the group already in this time."),
            ),
        ]


class AssortmentRule(Row):
    """`seller` shows, or does not show, some of what it sells to some of its buyers, from `valid_from` to `valid_to` (both included, None = until ended).

    Whom: one buyer, a group, or those of a region (with all below it), an area (its first digits), a channel and a tier, as far as each is given;
    nothing given: everybody. What: a product, a category with all below it, a brand, or everything. `rules.decide` says which rule counts.
    """

    seller = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    group = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    region = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    area_code = models.TextField(default="", blank=True)
    channel = models.TextField(default="", blank=True)
    tier = models.PositiveSmallIntegerField(null=True, blank=True)
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    category = models.ForeignKey("catalog.Category", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    brand = models.ForeignKey("catalog.Brand", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    shown = models.BooleanField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["seller", "buyer"], name="agreements_assort_seller_buyer")]
        constraints = [
            models.UniqueConstraint(
                fields=["seller", "buyer", "group", "region", "area_code", "channel", "tier", "product", "category", "brand", "valid_from"],
                name="agreements_assortmentrule_whom_what_from_unique",
                nulls_distinct=False,
                violation_error_message=_("There is a rule for them and these products from this day on already."),
            ),
            models.CheckConstraint(
                condition=Q(group=None, region=None, area_code="", channel="", tier=None)
                | Q(buyer=None, region=None, area_code="", channel="", tier=None)
                | Q(buyer=None, group=None),
                name="agreements_assortmentrule_one_whom",
                violation_error_message=_("Name a buyer, or a group, or region, area, channel and tier; nothing means everybody."),
            ),
            models.CheckConstraint(
                condition=Q(category=None, brand=None) | Q(product=None, brand=None) | Q(product=None, category=None),
                name="agreements_assortmentrule_one_what",
                violation_error_message=_("Name a product, or a category, or a brand; nothing means everything."),
            ),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="agreements_assortmentrule_valid_from_to_ordered",
                violation_error_message=_("The last day lies before the first day."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seller_id}: {self.valid_from}"

    def get_absolute_url(self) -> str:
        return reverse("assortment_rule", args=[self.pk])


class Assortment(Row):
    """What the seller of an active agreement does not show its buyer today, by its rules or because it does not see it itself. No row: it shows all.

    Kept by `actions.follow_assortments`: many agreements name the same set.
    """

    goes_with = "agreement"

    agreement = models.OneToOneField(Agreement, on_delete=models.PROTECT, related_name="+")
    hidden = models.ForeignKey("catalog.HiddenSet", on_delete=models.PROTECT, related_name="+")
