"""The sentences of this module's refusals."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "baskets.not_buyer": _("A basket is filled by the buyer of the agreement."),
    "baskets.no_person": _("A basket belongs to a person."),
    "baskets.too_many_lines": _("A basket holds {limit} lines; this would make {number}."),
    "baskets.qty_too_large": _("The quantity must be less than {limit}."),
    "baskets.empty": _("The basket is empty."),
    "baskets.changed": _("The basket was changed on another device meanwhile."),
    "baskets.name_missing": _("A template needs a name."),
    "baskets.nothing_to_save": _("There is no line that a template could keep."),
    "baskets.name_taken": _("You have a template of this name already."),
    "baskets.product_unknown": _("There is no product “{product}” that you can order."),
    "baskets.template_agreement_user_name_unique": _("You have a template of this name already."),
}
REMEDIES = {
    "baskets.not_buyer": _("Enter orders for a buyer at the order desk."),
    "baskets.too_many_lines": _("Submit what is there first, or split the file."),
    "baskets.empty": _("Put something in it first."),
    "baskets.changed": _("Look at the lines once more, then submit."),
    "baskets.nothing_to_save": _("Put products in the basket first."),
    "baskets.name_taken": _("Choose another name."),
    "baskets.template_agreement_user_name_unique": _("Choose another name."),
}
