"""One row for each seller, day and currency: what was ordered from the seller that day, what has become of it, and what was paid."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.network.models import Organisation


class Day(Row):
    """The orders that `org` took on `day`, without those rejected or cancelled. Amounts include tax.

    `straight` needed no person to approve, `shipped` have had a first dispatch, after `ship_seconds` in all; of those with a wished date (`wished`)
    `on_time` left by that date. `collected` is the money received from buyers that day, applied or not.
    """

    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    currency = models.CharField(max_length=3)
    orders = models.PositiveIntegerField(default=0)
    amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    straight = models.PositiveIntegerField(default=0)
    shipped = models.PositiveIntegerField(default=0)
    ship_seconds = models.BigIntegerField(default=0)
    wished = models.PositiveIntegerField(default=0)
    on_time = models.PositiveIntegerField(default=0)
    collected = models.DecimalField(max_digits=18, decimal_places=2, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "day", "currency"], name="analytics_day_key_unique", violation_error_message=_("This day has its figures already.")
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0) & Q(straight__lte=models.F("orders")) & Q(shipped__lte=models.F("orders")) & Q(on_time__lte=models.F("wished")),
                name="analytics_day_parts_within_whole",
                violation_error_message=_("A part is never more than the whole."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.amount} {self.currency}"
