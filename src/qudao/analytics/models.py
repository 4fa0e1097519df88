"""One row for each seller, day, currency and channel: what was ordered from the seller that day, what has become of it, and what was paid."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.network.models import Organisation


class Day(Row):
    """The orders that `org` took on `day` through `channel`, without those rejected or cancelled. Amounts include tax.

    `straight` were confirmed with no person of the seller in between, `shipped` have had a first dispatch, after `ship_seconds` in all; of those with a
    wished date (`wished`) `on_time` left by that date. `collected` is the money received from buyers that day, applied or not; it came through no channel.
    What the seller's people did with the orders, each time counted: `typed` them in, `signed`, sent back (`returned`), tried again for credit
    (`released`), `changed`. Of the orders `untouched` had nothing of that, `once` one touch, `twice` two.
    """

    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    currency = models.CharField(max_length=3)
    channel = models.CharField(max_length=12, default="", db_default="", blank=True)
    orders = models.PositiveIntegerField(default=0)
    amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    straight = models.PositiveIntegerField(default=0)
    shipped = models.PositiveIntegerField(default=0)
    ship_seconds = models.BigIntegerField(default=0)
    wished = models.PositiveIntegerField(default=0)
    on_time = models.PositiveIntegerField(default=0)
    collected = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    typed = models.PositiveIntegerField(default=0, db_default=0)
    signed = models.PositiveIntegerField(default=0, db_default=0)
    returned = models.PositiveIntegerField(default=0, db_default=0)
    released = models.PositiveIntegerField(default=0, db_default=0)
    changed = models.PositiveIntegerField(default=0, db_default=0)
    untouched = models.PositiveIntegerField(default=0, db_default=0)
    once = models.PositiveIntegerField(default=0, db_default=0)
    twice = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "day", "currency", "channel"],
                name="analytics_day_key_unique",
                violation_error_message=_("This day has its figures already."),
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=0) & Q(straight__lte=models.F("orders")) & Q(shipped__lte=models.F("orders")) & Q(on_time__lte=models.F("wished")),
                name="analytics_day_parts_within_whole",
                violation_error_message=_("A part is never more than the whole."),
            ),
            models.CheckConstraint(
                condition=Q(orders__gte=models.F("untouched") + models.F("once") + models.F("twice")),
                name="analytics_day_touched_within_orders",
                violation_error_message=_("A part is never more than the whole."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.amount} {self.currency}"
