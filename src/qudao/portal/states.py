"""The words of the portal's own refusals."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "portal.qty_unreadable": _("“{text}” is not a quantity of {product}."),
    "portal.short": _("{available} {unit} are in stock, {short} {unit} are missing."),
    "portal.no_agreement": _("Choose the agreement under which this order is placed."),
}
REMEDIES = {
    "portal.qty_unreadable": _("Write a number, or a number of packs: 3 or 3x."),
    "portal.short": _("Order less, or ask for a later delivery."),
}
