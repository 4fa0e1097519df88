"""Tables of quotas: a quota, its shares, and every change of what is taken of them. Quantities are in the base unit, four decimals."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.base.subject import Subject
from qudao.quotas.states import Unused


def _quantity(**options: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=18, decimal_places=4, **options)


def _same(name: str) -> Func:
    """Equality for an exclusion constraint without btree_gist: the one-point range [x, x] overlaps only itself."""
    return Func(name, name, Value("[]"), function="int8range")


class Quota(Row):
    """A product of which its seller has only `total` from `valid_from` to `valid_to` (both included). `taken`: what orders hold of it in all;
    `carried`: what its shares brought along from the period before. From `release_on` on everybody may order what is left.
    """

    seller = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    valid_from = models.DateField()
    valid_to = models.DateField()
    total = _quantity()
    carried = _quantity(default=0)
    taken = _quantity(default=0)
    unused = models.CharField(max_length=8, choices=Unused.choices, default=Unused.LAPSES)
    release_on = models.DateField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["seller", "product", "-valid_to"], name="quotas_quota_seller_product")]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__gte=F("valid_from")),
                name="quotas_quota_span_ordered",
                violation_error_message=_("The last day lies before the first one."),
            ),
            models.CheckConstraint(
                condition=Q(total__gte=0, carried__gte=0, taken__gte=0) & Q(taken__lte=F("total") + F("carried")),
                name="quotas_quota_taken_within",
                violation_error_message=_("More would be ordered than the quota has."),
            ),
            models.CheckConstraint(
                condition=Q(unused=Unused.RELEASED, release_on__gte=F("valid_from"), release_on__lte=F("valid_to"))
                | ~Q(unused=Unused.RELEASED) & Q(release_on__isnull=True),
                name="quotas_quota_release_fits",
                violation_error_message=_("Say on which day of the period the rest is released."),
            ),
            ExclusionConstraint(
                name="quotas_quota_no_overlap",
                expressions=[
                    (_same("seller"), RangeOperators.OVERLAPS),
                    (_same("product"), RangeOperators.OVERLAPS),
                    (Func("valid_from", "valid_to", Value("[]"), function="daterange", output_field=DateRangeField()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("There is a quota of this product for some of these days already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id}: {self.valid_from}\u2013{self.valid_to}"

    def get_absolute_url(self) -> str:
        return reverse("quota", args=[self.pk])

    @property
    def subject(self) -> Subject:
        """A quota is its seller's own affair: no buyer reads what others have."""
        return Subject("quotas.quota", self.pk, self.seller_id, None, str(self.valid_from))


class Share(Row):
    """What a group of buyers together, or one buyer, may order of a quota: `qty`, and `carried` from the period before. `taken`: what orders hold."""

    quota = models.ForeignKey(Quota, on_delete=models.CASCADE, related_name="shares", db_index=False)
    group = models.ForeignKey("agreements.Group", on_delete=models.PROTECT, null=True, related_name="+")
    buyer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, null=True, related_name="+")
    qty = _quantity()
    carried = _quantity(default=0)
    taken = _quantity(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(group__isnull=True) ^ Q(buyer__isnull=True),
                name="quotas_share_of_one",
                violation_error_message=_("A share belongs to a group or to a buyer."),
            ),
            models.CheckConstraint(
                condition=Q(qty__gte=0, carried__gte=0, taken__gte=0) & Q(taken__lte=F("qty") + F("carried")),
                name="quotas_share_taken_within",
                violation_error_message=_("More would be ordered than the share has."),
            ),
            models.UniqueConstraint(fields=["quota", "group"], name="quotas_share_group_unique", violation_error_message=_("The group has a share already.")),
            models.UniqueConstraint(fields=["quota", "buyer"], name="quotas_share_buyer_unique", violation_error_message=_("The buyer has a share already.")),
        ]

    def __str__(self) -> str:
        return f"{self.quota_id}: {self.group_id or self.buyer_id}"


class Taken(Row):
    """An order line took so much of a share (nobody's after the release), or gave so much back (less than 0). Append-only."""

    quota = models.ForeignKey(Quota, on_delete=models.PROTECT, related_name="+")
    share = models.ForeignKey(Share, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    buyer = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    ref_id = models.BigIntegerField(help_text=_("The line of the subject."))
    qty = _quantity()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="quotas_taken_subject")]
        constraints = [models.CheckConstraint(condition=~Q(qty=0), name="quotas_taken_something", violation_error_message=_("Nothing is taken or given back."))]

    def __str__(self) -> str:
        return f"{self.quota_id}/{self.ref_id}: {self.qty}"
