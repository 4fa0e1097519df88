"""The words of the portal's own refusals."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "portal.qty_unreadable": _("“{text}” is not a quantity of {product}."),
    "portal.short": _("In stock: {available}; missing: {short}."),
    "portal.file_empty": _("There is no line in the file."),
    "portal.file_too_long": _("A file can have at most {limit} lines."),
    "portal.no_agreement": _("Choose the agreement under which this order is placed."),
}
REMEDIES = {
    "portal.file_empty": _("Write the codes in the first column and the quantities in the second."),
    "portal.file_too_long": _("Split it into several files."),
    "portal.qty_unreadable": _("Write a number, or a number of packs: 3 or 3x."),
    "portal.short": _("Order less, or ask for a later delivery."),
}
