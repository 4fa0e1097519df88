"""What becomes of an unused share, and what quotas say."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Unused(TextChoices):
    """What becomes of what somebody does not order of his share."""

    LAPSES = "lapses", pgettext_lazy("quota", "Lapses with the last day")
    CARRIED = "carried", pgettext_lazy("quota", "Carried over into the next period")
    RELEASED = "released", pgettext_lazy("quota", "Released to everybody on a day")


SENTENCES = {
    "quotas.over": _("{product} is scarce: {left} {unit} are left for this buyer until {until}."),
    "quotas.product_unknown": _("You sell no product “{code}”."),
    "quotas.buyer_unknown": _("There is no group of buyers and no organisation “{code}”."),
    "quotas.span_wrong": _("The last day lies before the first one."),
    "quotas.total_wrong": _("The quantity must not be negative and can have at most four decimals."),
    "quotas.nothing_on_hand": _("Nothing of it is on hand: say the quantity."),
    "quotas.release_wrong": _("Say on which day of the period the rest is released."),
    "quotas.shares_beyond": _("The shares make {shares}, but there are {total} in all."),
    "quotas.below_taken": _("{taken} are ordered of it already."),
    "quotas.share_twice": _("{code} stands there twice."),
    "quotas.none_on_day": _("There is no quota of {product} on {day}."),
    "quotas.nobody_bought": _("Nobody bought it in these months."),
    "quotas.quota_no_overlap": _("There is a quota of this product for some of these days already."),
}
REMEDIES = {
    "quotas.over": _("Order at most {left} until then, or ask the seller for a larger share."),
    "quotas.shares_beyond": _("Lower a share, or raise the quantity."),
    "quotas.nobody_bought": _("Take more months, or set the shares by hand."),
    "quotas.quota_no_overlap": _("Change that one, or choose other days."),
}
